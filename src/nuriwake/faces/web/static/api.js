// The server's addresses. Every failure becomes an Error whose message people can read.

/** A page that is loaded again loses its connections before it is told: what is lost is told later. */
const moment = () => new Promise((resolve) => { setTimeout(resolve, 700); });

async function answered(response) {
  if (response.ok) return response;
  let message = `The server answered ${response.status}.`;
  if ((response.headers.get("content-type") || "").startsWith("application/json")) {
    message = (await response.json()).detail || message;
  }
  throw Object.assign(new Error(message), { status: response.status });
}

async function request(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    await moment();
    throw new Error("The server does not answer. Is nuriwake app still running?");
  }
  return answered(response);
}

export const fetchSettings = async () => (await request("/api/settings")).json();
export const fetchExamples = async () => (await request("/api/examples")).json();
export const fetchTree = async (id) => (await request(`/api/jobs/${id}/tree`)).arrayBuffer();

export const fetchJob = async (id) => (await request(`/api/jobs/${id}`)).json();

/** What was drawn for a job: a byte a pixel; empty where nothing was. */
export const fetchScribbles = async (id) =>
  new Uint8Array(await (await request(`/api/jobs/${id}/scribbles`)).arrayBuffer());

export async function fetchPicture(id) {
  return createImageBitmap(await (await request(`/api/jobs/${id}/picture.jpg`)).blob());
}

/** Fetch a part of a reduced picture in its own size; `place` is level/row/column. */
export async function fetchTile(id, place) {
  return createImageBitmap(await (await request(`/api/jobs/${id}/tiles/${place}.jpg`)).blob());
}

/** Queue a job. `source` is {file}, {example}, {opened: true} or {again: id of a job}. */
export async function submit(source, settings, scribbles, signal) {
  const form = new FormData();
  form.append("settings", JSON.stringify(settings));
  if (source.file) form.append("image", source.file, source.file.name);
  else if (source.example) form.append("example", source.example);
  else if (source.again) form.append("again", source.again);
  else form.append("opened", "yes");
  if (source.page !== undefined) form.append("page", source.page);
  if (scribbles) form.append("scribbles", scribbles, "scribbles.png");
  return (await request("/api/jobs", { method: "POST", body: form, signal })).json();
}

/** Follow a job; returns a function that stops following. */
export function follow(id, listeners) {
  const events = new EventSource(`/api/jobs/${id}/events`);
  for (const name of ["queued", "step", "done", "failed", "cancelled"]) {
    events.addEventListener(name, (event) => {
      if (name !== "queued" && name !== "step") events.close();
      listeners[name](JSON.parse(event.data));
    });
  }
  events.addEventListener("error", () => {
    // The browser tries again by itself, but not where the job is unknown by now.
    if (events.readyState === EventSource.CLOSED) {
      moment().then(() => listeners.failed({ message: "The connection to the server was lost." }));
    }
  });
  return () => events.close();
}

export const cancel = (id) =>
  fetch(`/api/jobs/${id}`, { method: "DELETE", keepalive: true }).catch(() => {});

/** Fetch a download and hand it to the browser as a file. `wanted` says how the regions are cut. */
export async function download(id, kind, wanted) {
  save(await request(`/api/jobs/${id}/download/${kind}`, json(wanted)), kind);
}

const json = (value) => ({ method: "POST", body: JSON.stringify(value), headers: { "Content-Type": "application/json" } });

async function save(response, name) {
  const disposition = response.headers.get("content-disposition") || "";
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await response.blob());
  link.download = decodeURIComponent(/filename\*=UTF-8''([^;]+)/.exec(disposition)?.[1] ?? name);
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Fetch all of a piece of work as a file. */
export async function downloadSession(id, looked) {
  save(await request(`/api/jobs/${id}/session`, json(looked)), "session.nuriwake.zip");
}

/** Fetch the results of several jobs in one archive. */
export async function downloadBatch(kind, chosen) {
  save(await request(`/api/batch/${kind}`, json(chosen)), `nuriwake.${kind}.zip`);
}

export async function sendSession(file) {
  const form = new FormData();
  form.append("session", file, file.name);
  return (await request("/api/sessions", { method: "POST", body: form })).json();
}
