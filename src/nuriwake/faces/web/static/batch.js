// Several pictures in a list, segmented one after the other with the same settings.

import * as api from "./api.js";
import { $, announce, showAlert } from "./dom.js";

const MAX_PICTURES = 20; // the server keeps a few more results
const BUSY_PAUSE = 1500; // ms before a busy server is asked again
const STATES = { waiting: "waits", sending: "is sent", running: "learns", done: "done", failed: "failed" };

export class Batch {
  /** `open(id)` shows the result of a job. */
  constructor(open) {
    Object.assign(this, { open, items: [], round: 0 });
    $("batch-download").addEventListener("click", () => this.#download());
  }

  /** Whether a job is one of the list, whose result must stay. */
  has(id) { return this.items.some((item) => item.id === id); }

  async start(files, settings) {
    this.clear();
    const { round } = this;
    if (files.length > MAX_PICTURES) showAlert(`The first ${MAX_PICTURES} of ${files.length} pictures are taken; the command line takes any number.`);
    this.items = files.slice(0, MAX_PICTURES).map((file) => ({ file, name: file.name, state: "waiting" }));
    this.#list();
    for (const item of this.items) {
      try {
        await this.#run(item, settings, () => this.round === round);
      } catch (error) {
        Object.assign(item, { state: "failed", message: error.message });
      }
      if (this.round !== round) return;
      this.#list();
      if (item.state === "done" && !this.items.some((other) => other.shown)) this.#show(item);
    }
    const n = this.items.filter(({ state }) => state === "done").length;
    announce(`${n} of ${this.items.length} pictures are done.`);
  }

  /** Forget the list and its results. */
  clear() {
    this.round++;
    for (const { id } of this.items) if (id) api.cancel(id);
    this.items = [];
    this.#list();
  }

  async #run(item, settings, isWanted) {
    item.state = "sending";
    this.#list();
    const job = await this.#submit(item.file, settings, isWanted);
    if (!isWanted()) return void api.cancel(job.id);
    Object.assign(item, { id: job.id, state: "running" });
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
    for (const other of this.items) other.shown = other === item;
    this.#list();
    this.open(item.id);
  }

  #list() {
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
