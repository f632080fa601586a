// Several pictures in a list, segmented one after the other with the same settings.

import * as api from "./api.js";
import { $, announce, showAlert } from "./dom.js";
import { recallBatch, rememberBatch } from "./session.js";

const MAX_PICTURES = 20; // the server keeps a few more results
const BUSY_PAUSE = 1500; // ms before a busy server is asked again
const STATES = { waiting: "waits", sending: "is sent", running: "learns", done: "done", failed: "failed" };

export class Batch {
  /** `open(id)` shows the result of a job. */
  constructor(open) {
    Object.assign(this, { open, items: [], round: 0, shows: false });
    $("batch-download").addEventListener("click", () => this.#download());
  }

  /** Whether a job is one of the list, whose result must stay. */
  has(id) { return this.items.some((item) => item.id === id); }

  start(files, settings) {
    this.clear();
    if (files.length > MAX_PICTURES) showAlert(`The first ${MAX_PICTURES} of ${files.length} pictures are taken; the command line takes any number.`);
    this.items = files.slice(0, MAX_PICTURES).map((file) => ({ file, name: file.name, state: "waiting" }));
    return this.#work((item, isWanted) => this.#submit(item.file, settings, isWanted));
  }

  /** Go on with the list that this tab had before it was loaded again; `shown` is the job in view. */
  restore(shown) {
    this.items = recallBatch();
    this.shows = Boolean(shown);
    if (!this.items.length) return undefined;
    for (const item of this.items) {
      item.shown = item.id === shown;
      // Only the page that is gone had the files that were still to be sent.
      if (!item.id && item.state !== "failed") Object.assign(item, { state: "failed", message: "not sent; choose it again" });
    }
    return this.#work(({ id }) => api.fetchJob(id));
  }

  /** Do what is left of the list; `find` gives the job of a picture. */
  async #work(find) {
    const { round } = this;
    this.#list();
    for (const item of this.items) {
      if (item.state === "failed") continue;
      try {
        await this.#run(item, find, () => this.round === round);
      } catch (error) {
        Object.assign(item, { state: "failed", message: error.message });
      }
      if (this.round !== round) return;
      this.#list();
      if (item.state === "done" && !this.shows) this.#show(item);
    }
    const n = this.items.filter(({ state }) => state === "done").length;
    announce(`${n} of ${this.items.length} pictures are done.`);
  }

  /** Forget the list and its results. */
  clear() {
    this.round++;
    for (const { id } of this.items) if (id) api.cancel(id);
    this.items = [];
    this.shows = false;
    this.#list();
  }

  async #run(item, find, isWanted) {
    if (!item.id) item.state = "sending";
    this.#list();
    const job = await find(item, isWanted);
    if (!isWanted()) return void api.cancel(job.id);
    Object.assign(item, { id: job.id, state: job.state === "done" ? "done" : "running" });
    this.#list();
    await new Promise((resolve, reject) => {
      api.follow(job.id, {
        queued: () => {}, step: () => {}, done: resolve,
        failed: ({ message }) => reject(new Error(message)), cancelled: () => reject(new Error("cancelled")),
      });
    });
    item.state = "done";
  }

  async #submit(file, settings, isWanted) {
    for (;;) {
      try {
        return await api.submit({ file }, settings, null);
      } catch (error) {
        if (error.status !== 503 || !isWanted()) throw error;
        await new Promise((resolve) => { setTimeout(resolve, BUSY_PAUSE); });
      }
    }
  }

  #show(item) {
    this.shows = true;
    for (const other of this.items) other.shown = other === item;
    this.#list();
    this.open(item.id);
  }

  #list() {
    rememberBatch(this.items.map(({ name, id, state, message }) => ({ name, id, state, message })));
    $("batch").hidden = this.items.length === 0;
    $("batch-download").disabled = !this.items.some(({ state }) => state === "done");
    $("batch-list").replaceChildren(...this.items.map((item) => this.#row(item)));
  }

  #row(item) {
    const button = Object.assign(document.createElement("button"), { type: "button", disabled: item.state !== "done", title: item.message ?? "" });
    button.setAttribute("aria-current", String(Boolean(item.shown)));
    const name = Object.assign(document.createElement("span"), { textContent: item.name });
    const state = Object.assign(document.createElement("small"), { textContent: item.message?.replace(`${item.name}: `, "") ?? STATES[item.state] });
    button.append(name, state);
    button.addEventListener("click", () => this.#show(item));
    const row = document.createElement("li");
    row.append(button);
    return row;
  }

  #download() {
    const jobs = this.items.filter(({ state }) => state === "done").map(({ id }) => id);
    const chosen = { jobs, detail: $("batch-detail").value || null };
    api.downloadBatch($("batch-kind").value, chosen).catch((error) => showAlert(error.message));
  }
}
