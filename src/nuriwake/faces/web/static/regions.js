// The regions that are shown: how many, which one is selected, and merges and splits by hand.

import { $, announce, hex, pixels } from "./dom.js";
import { PRESETS, sliderStops } from "./tree.js";

export class RegionPanel {
  constructor(view, history, onChange) {
    Object.assign(this, { view, history, onChange, edits: [] });
    $("slider").addEventListener("input", () => this.#later(this.stops[$("slider").valueAsNumber]));
    $("count").addEventListener("change", () => this.cut($("count").valueAsNumber || 1));
    for (const name of PRESETS) $(name).addEventListener("click", () => this.preset(name));
    $("merge").addEventListener("click", () => this.merge());
    $("split").addEventListener("click", () => this.split());
  }

  get isReady() { return Boolean(this.tree); }

  /** Show a tree; `session`, as `pack` gives it, says how it was looked at before. */
  open(tree, session) {
    this.history.forget("region", "cut");
    this.tree = tree;
    this.partition = this.selected = null;
    this.tags.open(tree, session?.tags);
    this.totalArea = tree.areas[tree.nNodes - 1];
    this.stops = sliderStops(tree.minRegions, tree.nLeaves);
    $("slider").max = this.stops.length - 1;
    const parts = tree.parts === "labels" ? "Labels" : "Regions"; // of the published recipes: labels
    $("slider-label").textContent = parts;
    $("count").setAttribute("aria-label", `Number of ${tree.parts}`);
    $("count").min = tree.minRegions;
    $("count").max = tree.nLeaves;
    this.#markPresets();
    this.view.showTree(tree);
    if (!session || !this.#restore(this.#replay(session))) this.#restore(this.#preset("auto"));
  }

  /** How the regions are looked at, for a session. */
  pack() {
    const { cutName, cutCount, edits } = this;
    return { cutName, cutCount: cutCount ?? null, edits, tags: this.tags.pack() };
  }

  /** Cut and edit as a session says; null where that does not fit the tree. */
  #replay({ cutName, cutCount, edits }) {
    const { tree } = this;
    let state = this.#preset("auto");
    if (tree.presets[cutName]) state = this.#preset(cutName);
    else if (cutName === null && cutCount >= tree.minRegions && cutCount <= tree.nLeaves) state = this.#cut(cutCount);
    let { partition } = state;
    for (const step of Array.isArray(edits) ? edits : []) {
      const node = Number(String(step).slice(1));
      if (!(node >= tree.nLeaves && node < tree.nAllowed)) return null;
      partition = step[0] === "m" ? partition.merged(node) : partition.split(node);
      state = { ...state, partition, edits: [...state.edits, step] };
    }
    return state;
  }

  /** Buttons for the cuts by detail, and a mark on the slider for each; equal ones share theirs. */
  #markPresets() {
    const letters = new Map();
    for (const name of PRESETS) {
      const button = $(name);
      button.hidden = !this.tree.presets[name];
      if (button.hidden) continue;
      const { count } = this.tree.preset(name);
      button.title = `${button.dataset.title}: ${count} ${this.tree.parts}`;
      const stop = this.#stopOf(count);
      letters.set(stop, (letters.get(stop) ?? "") + button.textContent[0]);
    }
    $("slider-marks").replaceChildren(...[...letters].map(([stop, text]) => {
      const mark = Object.assign(document.createElement("span"), { textContent: text });
      mark.style.setProperty("--at", stop / Math.max(1, this.stops.length - 1));
      return mark;
    }));
  }

  #stopOf(count) { return this.stops.findLastIndex((stop) => stop <= count); }

  close() {
    this.tree = this.partition = this.selected = null;
    this.edits = [];
    this.history.forget("region", "cut", "stroke");
    this.#describeSelection();
  }

  /** Paint at most once a frame, however fast the slider moves. */
  #later(count) {
    const idle = this.pending === undefined;
    this.pending = count;
    if (idle) requestAnimationFrame(() => {
      const wanted = this.pending;
      this.pending = undefined;
      if (this.tree) this.cut(wanted);
    });
  }

  cut(count) {
    const wanted = Math.min(this.tree.nLeaves, Math.max(this.tree.minRegions, Math.round(count)));
    this.#commit("cut", `${wanted} ${this.tree.parts}`, this.#cut(wanted), true);
  }

  #cut(count) {
    return { cutName: null, cutCount: count, edits: [], partition: this.tree.cut(count), selected: null };
  }

  /** The automatic cut, or that of a detail. */
  preset(name) { this.#commit("cut", name, this.#preset(name)); }

  #preset(name) { return { cutName: name, edits: [], partition: this.tree.preset(name), selected: null }; }

  /** Show another state of the regions, in a way that can be undone. */
  #commit(kind, label, after, merges = false) {
    const { cutName, cutCount, edits, partition, selected } = this;
    const before = { cutName, cutCount, edits, partition, selected };
    this.#restore(after);
    this.history.push({ kind, label, merges, undo: () => this.#restore(before), redo: () => this.#restore(after) });
  }

  #restore(state) {
    if (!state) return false;
    const { cutName, cutCount, edits, partition, selected } = state;
    Object.assign(this, { cutName, cutCount, edits });
    this.#show(partition, selected);
    return true;
  }

  /** Paint again: classes have changed. */
  refresh() { if (this.partition) this.#show(this.partition, this.selected); }

  /** One stop fewer or more. */
  step(direction) {
    const at = this.#stopOf(this.partition.count);
    this.cut(this.stops[Math.min(this.stops.length - 1, Math.max(0, at + direction))]);
    announce(this.countText());
  }

  select(node) {
    this.#show(this.partition, node);
    if (node !== null) announce(`Selected ${this.describe(node)}`);
  }

  merge() {
    if (this.selected === null) return;
    const parent = this.tree.parent[this.selected];
    if (parent >= this.tree.nAllowed) return announce("This region cannot be merged further.");
    this.#edit(`m${parent}`, this.partition.merged(parent), parent, "Merged into");
  }

  split() {
    if (this.selected === null) return;
    if (this.tree.isLeaf(this.selected)) return announce("This region cannot be split further.");
    const [a, b] = this.tree.children(this.selected);
    const larger = this.tree.areas[a] >= this.tree.areas[b] ? a : b;
    this.#edit(`s${this.selected}`, this.partition.split(this.selected), larger, "Split; selected");
  }

  #edit(step, partition, selected, said) {
    const { cutName, cutCount } = this;
    const after = { cutName, cutCount, edits: [...this.edits, step], partition, selected };
    this.#commit("region", step[0] === "m" ? "merge" : "split", after);
    announce(`${said} ${this.describe(selected)}. ${this.countText()}.`);
  }

  /** What the server needs to cut in the same way, and the classes. */
  wanted() {
    const wanted = { edits: this.edits.join(","), tags: this.tags.ofRegions(this.partition) };
    if (this.cutName === null) wanted.n_regions = this.cutCount;
    else if (this.cutName !== "auto") wanted.detail = this.cutName;
    return wanted;
  }

  /** The flag that makes the command line cut in the same way. */
  flag() {
    if (this.cutName === "auto") return "";
    return this.cutName === null ? ` --${this.tree.parts} ${this.cutCount}` : ` --detail ${this.cutName}`;
  }

  countText() { return `${this.partition.count} ${this.tree.parts}`; }

  describe(node) {
    const area = this.tree.areas[node];
    const share = ((100 * area) / this.totalArea).toFixed(1);
    const number = this.partition.numberOf.get(node);
    const named = this.tags.nameOf(this.tags.ofNodes(this.partition)[node]);
    return `${named ? `${named} · ` : ""}${this.tree.parts.slice(0, -1)} ${number} · ${this.#pixels(area)} · ${share} % · mean ${hex(this.tree.meanColour(node))}`;
  }

  /** An area in pixels of the file, of which some are one of a reduced picture. */
  #pixels(area) { return pixels(area * this.view.reduction ** 2); }

  #show(partition, selected) {
    this.partition = partition;
    this.selected = selected;
    this.view.showPartition(partition, selected, this.tags);
    this.tags.refresh();
    this.#describeCount();
    this.#describeSelection();
    this.onChange();
  }

  #describeCount() {
    const { count } = this.partition;
    const slider = $("slider");
    slider.value = this.#stopOf(count);
    for (const name of PRESETS) $(name).setAttribute("aria-pressed", String(name === this.cutName));
    slider.style.setProperty("--share", `${(100 * slider.valueAsNumber) / Math.max(1, slider.max)}%`);
    slider.setAttribute("aria-valuetext", this.countText());
    $("count").value = count;
    $("regions-caption").textContent = this.countText();
  }

  #describeSelection() {
    const none = this.selected === null || !this.tree;
    $("selection").hidden = none;
    $("selection-none").hidden = !none;
    $("merge").disabled = none || this.tree.parent[this.selected] >= this.tree.nAllowed;
    $("split").disabled = none || this.tree.isLeaf(this.selected);
    this.tags.describeSelection();
    if (none) return;
    const colour = hex(this.tree.meanColour(this.selected));
    const area = this.tree.areas[this.selected];
    $("selection-number").textContent = `${this.partition.numberOf.get(this.selected)} of ${this.partition.count}`;
    $("selection-class").textContent = this.tags.nameOf(this.tags.ofNodes(this.partition)[this.selected]) || "none";
    $("selection-area").textContent = `${this.#pixels(area)}, ${((100 * area) / this.totalArea).toFixed(1)} %`;
    $("selection-colour").textContent = colour;
    $("selection-swatch").style.background = colour;
  }
}
