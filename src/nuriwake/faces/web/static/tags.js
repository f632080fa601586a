// Classes: names and colours that people give to regions. A class is kept for each leaf of the tree,
// so that it stays while the number of regions changes.

import { $, announce } from "./dom.js";

const COLOURS = ["#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#8c564b", "#7f7f7f"];
const MAX_CLASSES = 64;
const NONE = { classes: [], ofLeaf: null };

export class Tags {
  constructor(regions, history) {
    Object.assign(this, { regions, history, state: NONE });
    regions.tags = this;
    $("add-class").addEventListener("click", () => this.add());
    $("untag").addEventListener("click", () => this.give(0));
  }

  get classes() { return this.state.classes; }

  /** Begin with a tree; `state` as `pack` gives it. */
  open(tree, state) {
    const fits = state?.ofLeaf?.length === tree.nLeaves && state.ofLeaf.every((n) => n >= 0 && n <= state.classes.length);
    this.state = fits
      ? { classes: state.classes, ofLeaf: Uint8Array.from(state.ofLeaf) }
      : { classes: this.classes, ofLeaf: new Uint8Array(tree.nLeaves) };
    this.#list();
  }

  pack() { return { classes: this.classes, ofLeaf: Array.from(this.state.ofLeaf ?? []) }; }

  /** The class of every node of a partition: 0 where it has none, or its leaves differ. */
  ofNodes({ nodes, tree }) {
    const ofNode = new Int16Array(tree.nNodes).fill(-1);
    const { ofLeaf } = this.state;
    for (let leaf = 0; leaf < nodes.length; leaf++) {
      const node = nodes[leaf];
      if (ofNode[node] === -1) ofNode[node] = ofLeaf[leaf];
      else if (ofNode[node] !== ofLeaf[leaf]) ofNode[node] = 0;
    }
    return ofNode;
  }

  nameOf(number) { return number ? this.classes[number - 1].name || `class ${number}` : ""; }

  /** The classes of a partition's regions, in the order of their numbers, as the server wants them. */
  ofRegions(partition) {
    const ofNode = this.ofNodes(partition);
    const regions = [...partition.numberOf.keys()].map((node) => ofNode[node]);
    return regions.some(Boolean) ? { classes: this.classes, regions } : {};
  }

  add() {
    if (this.classes.length >= MAX_CLASSES) return announce(`There are ${MAX_CLASSES} classes, no more.`);
    const colour = COLOURS[this.classes.length % COLOURS.length];
    this.#commit("new class", { classes: [...this.classes, { name: "", colour }] });
    return $("classes").lastElementChild.querySelector("input[type=text]").focus();
  }

  /** Give a class to the selected region; 0 takes it away. */
  give(number) {
    const { selected, partition } = this.regions;
    if (selected === null || !partition || number > this.classes.length) return;
    const ofLeaf = this.state.ofLeaf.map((old, leaf) => (partition.nodes[leaf] === selected ? number : old));
    this.#commit(number ? `class ${this.nameOf(number)}` : "class taken away", { ofLeaf });
    announce(`${this.regions.describe(selected)}.`);
  }

  #change(index, values, label) {
    this.#commit(label, { classes: this.classes.map((old, i) => (i === index ? { ...old, ...values } : old)) });
  }

  #remove(index) {
    const number = index + 1;
    const ofLeaf = this.state.ofLeaf.map((old) => (old === number ? 0 : old > number ? old - 1 : old));
    this.#commit("class removed", { classes: this.classes.filter((_, i) => i !== index), ofLeaf });
  }

  #commit(label, change) {
    const before = this.state;
    const after = { ...before, ...change };
    const show = (state) => {
      this.state = state;
      this.#list();
      this.regions.refresh();
    };
    show(after);
    this.history.push({ kind: "region", label, undo: () => show(before), redo: () => show(after) });
  }

  #list() {
    const counts = new Array(this.classes.length + 1).fill(0);
    if (this.regions.partition && this.state.ofLeaf) {
      const ofNode = this.ofNodes(this.regions.partition);
      for (const node of this.regions.partition.numberOf.keys()) counts[Math.max(0, ofNode[node])]++;
    }
    if (this.rows?.length !== this.classes.length) {
      this.rows = this.classes.map((_, i) => this.#row(i));
      $("classes").replaceChildren(...this.rows);
    }
    this.rows.forEach((row, i) => this.#fill(row, this.classes[i], counts[i + 1]));
    this.describeSelection();
  }

  #fill(row, { name, colour }, count) {
    const [pick, text] = row.querySelectorAll("input");
    pick.value = colour;
    if (text.value.trim() !== name) text.value = name;
    const many = row.querySelector("output");
    many.textContent = count;
    many.setAttribute("aria-label", `${count} regions`);
  }

  #row(index) {
    const number = index + 1;
    const make = (tag, properties, label) => {
      const made = Object.assign(document.createElement(tag), properties);
      if (label) made.setAttribute("aria-label", label);
      return made;
    };
    const give = make("button", { type: "button", textContent: number, title: "Give it to the selected region" }, `Give class ${number} to the selected region`);
    give.addEventListener("click", () => this.give(number));
    const pick = make("input", { type: "color" }, `Colour of class ${number}`);
    pick.addEventListener("change", () => this.#change(index, { colour: pick.value }, "colour of a class"));
    const text = make("input", { type: "text", maxLength: 80, placeholder: `class ${number}` }, `Name of class ${number}`);
    text.addEventListener("change", () => this.#change(index, { name: text.value.trim() }, "name of a class"));
    const remove = make("button", { type: "button", textContent: "✕", className: "quiet" }, `Remove class ${number}`);
    remove.addEventListener("click", () => this.#remove(index));
    const row = make("li", {});
    row.append(give, pick, text, make("output", {}), remove);
    return row;
  }

  /** After a cut or a selection: what can be given, and how many regions have each class. */
  refresh() { this.#list(); }

  describeSelection() {
    const { selected } = this.regions;
    const none = selected === null || selected === undefined;
    for (const row of this.rows ?? []) row.firstElementChild.disabled = none;
    $("untag").disabled = none;
  }
}

/** Colours of classes as numbers, the first entry for none. */
export const rgbOf = (classes) => [null, ...classes.map(({ colour }) => [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16)))];
