// One job at a time: send, follow, show the labels forming, fetch the tree.

import * as api from "./api.js";
import { $, announce } from "./dom.js";
import { parseTree } from "./tree.js";

const decodePng = (base64) => {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  return createImageBitmap(new Blob([bytes], { type: "image/png" }));
};

const seconds = (value) => (value < 10 ? value.toFixed(1) : String(Math.round(value)));

export class JobRunner {
  /**
   * `job` is the one that runs, `result` the one whose tree is shown: it stays until the next is done.
   * `handlers`: started(job, bitmap), live(bitmap), finished(tree), stopped(message or null),
   * keeps(id): whether the result of a job must stay on the server.
   */
  constructor(handlers) {
    this.handlers = handlers;
    $("cancel").addEventListener("click", () => this.cancel());
  }

  /** The job in the page's address: there when the page is loaded again. */
  static get address() { return new URLSearchParams(location.hash.slice(1)).get("job"); }

  #remember() {
    const id = (this.job ?? this.result)?.id;
    history.replaceState(null, "", id ? `#job=${id}` : location.pathname);
  }

  start(source, settings, scribbles) {
    return this.#take("Sending the picture", (signal) => api.submit(source, settings, scribbles, signal));
  }

  /** Go on with a job that the server has already. */
  reopen(id) { return this.#take("Looking for the picture", () => api.fetchJob(id)); }

  async #take(title, find) {
    this.cancel();
    const attempt = (this.attempt = new AbortController());
    this.isRunning = true;
    performance.clearMarks();
    performance.mark("submit");
    this.#progress(title, "", null);
    try {
      const job = await find(attempt.signal);
      if (this.attempt !== attempt) return void api.cancel(job.id);
      this.job = job;
      this.#remember();
      // A quick job may be done before its picture is here: the tree waits for it.
      this.picture = api.fetchPicture(job.id);
      this.unfollow = api.follow(job.id, this.#listeners(attempt));
      const bitmap = await this.picture;
      if (this.attempt === attempt) this.handlers.started(job, bitmap);
    } catch (error) {
      if (this.attempt === attempt && error.name !== "AbortError") this.#stop(error.message);
    }
  }

  /** Forget the result that is shown; that of the job `kept` stays on the server. */
  forget(kept) {
    if (this.result && this.result.id !== kept && !this.handlers.keeps(this.result.id)) api.cancel(this.result.id);
    this.result = null;
    this.#remember();
  }

  cancel() {
    if (!this.isRunning) return;
    this.attempt.abort();
    if (this.job) api.cancel(this.job.id);
    this.#stop(null);
    announce("Cancelled.");
  }

  #listeners(attempt) {
    const mine = (handle) => (data) => { if (this.attempt === attempt) handle(data); };
    return {
      queued: mine(({ before }) => this.#progress("Waiting", before ? `${before} before this one` : "", null)),
      step: mine((step) => this.#step(step)),
      done: mine(() => this.#finish(attempt)),
      failed: mine(({ message }) => this.#stop(message)),
      cancelled: mine(() => this.#stop(null)),
    };
  }

  async #step({ iteration, max_iter, n_labels, loss, seconds_left, preview }) {
    if (iteration) {
      const left = iteration < max_iter ? ` · ${seconds(seconds_left)} s left` : "";
      const title = iteration < max_iter ? "Learning" : "Growing the tree";
      this.#progress(title, `step ${iteration} of ${max_iter} · ${n_labels} labels · loss ${loss.toFixed(2)}${left}`, iteration / max_iter);
    } else {
      this.#progress("Looking at the picture", "", null);
    }
    if (preview) {
      const bitmap = await decodePng(preview);
      if (this.isRunning) this.handlers.live(bitmap);
    }
  }

  async #finish(attempt) {
    this.#progress("Fetching the regions", "", 1);
    try {
      const tree = parseTree(await api.fetchTree(this.job.id));
      await this.picture;
      if (this.attempt !== attempt) return;
      this.forget();
      this.result = this.job;
      this.job = null;
      this.#remember();
      this.isRunning = false;
      $("progress").hidden = true;
      this.handlers.finished(tree);
    } catch (error) {
      if (this.attempt === attempt) this.#stop(error.message);
    }
  }

  #stop(message) {
    this.unfollow?.();
    this.isRunning = false;
    this.attempt = this.job = null;
    this.#remember();
    $("progress").hidden = true;
    this.handlers.stopped(message);
  }

  #progress(title, detail, share) {
    $("progress").hidden = false;
    if ($("progress-title").textContent !== title) announce(title);
    $("progress-title").textContent = title;
    $("progress-detail").textContent = detail;
    if (share === null) $("progress-meter").removeAttribute("value");
    else $("progress-meter").value = share;
  }
}
