// What can be undone: one list for merges, splits, cuts, strokes and classes.

import { $, announce } from "./dom.js";

const MAX_STEPS = 300;
const MERGE_WITHIN = 1000; // ms

export class History {
  constructor() {
    this.done = [];
    this.undone = [];
    $("undo").addEventListener("click", () => this.undo());
    $("redo").addEventListener("click", () => this.redo());
  }

  /**
   * Note a step that was done: {kind, label, undo, redo, merges}. Steps that merge are one with
   * those just before: a slider's way is undone at once.
   */
  push(step) {
    const last = this.done.at(-1);
    step.time = performance.now();
    if (step.merges && last?.merges && step.time - last.time < MERGE_WITHIN) {
      Object.assign(last, { redo: step.redo, label: step.label, time: step.time });
    } else this.done.push(step);
    if (this.done.length > MAX_STEPS) this.done.shift();
    this.undone = [];
    this.#describe();
  }

  undo() { this.#move(this.done, this.undone, "undo", "Undone"); }

  redo() { this.#move(this.undone, this.done, "redo", "Done again"); }

  #move(from, to, action, said) {
    const step = from.pop();
    if (!step) return;
    step[action]();
    to.push(step);
    this.#describe();
    announce(`${said}: ${step.label}.`);
  }

  /** Forget the steps of these kinds: what they changed is gone. */
  forget(...kinds) {
    for (const steps of [this.done, this.undone]) {
      steps.splice(0, steps.length, ...steps.filter((step) => !kinds.includes(step.kind)));
    }
    this.#describe();
  }

  #describe() {
    for (const [id, steps, word] of [["undo", this.done, "Undo"], ["redo", this.undone, "Redo"]]) {
      const step = steps.at(-1);
      $(id).disabled = !step;
      $(id).title = step ? `${word}: ${step.label}` : word;
    }
  }
}
