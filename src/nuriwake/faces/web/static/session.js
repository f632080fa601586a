// How a result is looked at, kept through a reload; and pieces of work as files.

import * as api from "./api.js";

export const SESSION_SUFFIX = ".nuriwake.zip";
const DELAY = 300; // ms
const key = (id) => `nuriwake:${id}`;
const BATCH = "nuriwake-batch";
let pending = null; // what is to be written: [id, looked]
let timer;

/** Keep the cut, the edits and the classes of a job for this tab. */
export function remember(id, looked) {
  pending = [id, looked];
  clearTimeout(timer);
  timer = setTimeout(write, DELAY);
}

function write() {
  if (!pending) return;
  const [id, looked] = pending;
  pending = null;
  try {
    sessionStorage.setItem(key(id), JSON.stringify(looked));
  } catch {
    sessionStorage.clear(); // it is full; the newest are kept from the next change on
  }
}
window.addEventListener("pagehide", write);

/** What was kept for a job, or null. */
export function recall(id) { return JSON.parse(sessionStorage.getItem(key(id)) ?? "null"); }

/** Keep the list of several pictures for this tab; an empty one is forgotten. */
export function rememberBatch(items) {
  try {
    if (items.length) sessionStorage.setItem(BATCH, JSON.stringify(items));
    else sessionStorage.removeItem(BATCH);
  } catch {
    sessionStorage.clear(); // it is full
  }
}

/** The list that was kept; empty where there is none. */
export function recallBatch() { return JSON.parse(sessionStorage.getItem(BATCH) ?? "[]"); }

/** Send a session's file to the server; the job that it has become. */
export async function openSession(file) {
  const job = await api.sendSession(file);
  sessionStorage.setItem(key(job.id), JSON.stringify(job.looked));
  return job;
}
