// Strokes of labelled brushes on a map of the picture's size; 0 = nothing.

import { encodeGrey } from "./png.js";

/** Brush colours, the palette's first: told apart with every kind of colour vision. */
export const BRUSHES = ["#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00"];

export class Scribbles {
  constructor(layer, history, onChange) {
    Object.assign(this, { layer, history, onChange });
    this.brush = 1;
    this.size = 8;
    this.words = BRUSHES.map((colour) => {
      const [r, g, b] = [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));
      return (0xff000000 | (b << 16) | (g << 8) | r) >>> 0;
    });
    this.#reset(1, 1);
  }

  #reset(width, height) {
    Object.assign(this, { width, height, map: new Uint8Array(width * height), stroke: null });
  }

  resize(width, height) {
    this.#reset(width, height);
    this.onChange();
  }

  /** Take a map drawn before; of the same size. */
  restore(map) {
    if (map.length !== this.map.length) return;
    this.map.set(map);
    this.#render();
    this.onChange();
  }

  /** How many different labels are drawn. */
  get nLabels() { return BRUSHES.filter((_, i) => this.map.includes(i + 1)).length; }

  begin(pixel) {
    this.stroke = new Map(); // pixel -> label before the stroke
    this.last = pixel;
    this.extend(pixel);
  }

  /** Draw from the last point to this one, disc by disc. */
  extend(pixel) {
    if (!this.stroke) return;
    const distance = Math.hypot(pixel.row - this.last.row, pixel.col - this.last.col);
    const steps = Math.max(1, Math.ceil(distance / Math.max(1, this.size / 4)));
    for (let i = 1; i <= steps; i++) {
      const t = i / steps;
      this.#disc(
        this.last.row + t * (pixel.row - this.last.row), this.last.col + t * (pixel.col - this.last.col),
      );
    }
    this.last = pixel;
    this.#render();
  }

  end() {
    if (!this.stroke) return;
    if (this.stroke.size) this.#note("stroke", this.stroke);
    this.stroke = null;
    this.onChange();
  }

  /** Take back a stroke that was a pinch's first finger. */
  cancel() {
    for (const [p, label] of this.stroke || []) this.map[p] = label;
    this.stroke = null;
    this.#render();
  }

  clear() {
    const before = new Map();
    for (let p = 0; p < this.map.length; p++) if (this.map[p]) before.set(p, this.map[p]);
    this.map.fill(0);
    this.#note("clear the strokes", before);
    this.#render();
    this.onChange();
  }

  /** Undoing and redoing are the same: what is painted and what was there change places. */
  #note(label, pixels) {
    const swap = () => {
      for (const [p, label] of pixels) {
        pixels.set(p, this.map[p]);
        this.map[p] = label;
      }
      this.#render();
      this.onChange();
    };
    this.history.push({ kind: "stroke", label, undo: swap, redo: swap });
  }

  toPng() { return encodeGrey(this.map, this.width, this.height); }

  #disc(row, col) {
    const radius = this.size / 2;
    const top = Math.max(0, Math.round(row - radius));
    const bottom = Math.min(this.height - 1, Math.round(row + radius));
    const left = Math.max(0, Math.round(col - radius));
    const right = Math.min(this.width - 1, Math.round(col + radius));
    for (let r = top; r <= bottom; r++) {
      for (let c = left; c <= right; c++) {
        if ((r - row) ** 2 + (c - col) ** 2 > radius * radius + 0.3) continue;
        const p = r * this.width + c;
        if (!this.stroke.has(p)) this.stroke.set(p, this.map[p]);
        this.map[p] = this.brush;
      }
    }
  }

  #render() {
    const words = this.layer.words();
    for (let p = 0; p < words.length; p++) words[p] = this.map[p] ? this.words[this.map[p] - 1] : 0;
    this.layer.put();
  }
}
