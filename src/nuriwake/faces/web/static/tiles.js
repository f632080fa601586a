// The picture in its own size, where one looks closer than its reduced copy shows it.

import * as api from "./api.js";

const KEPT = 80; // tiles in memory
const AT_ONCE = 4; // requests on their way

export class Tiles {
  /** `onFault(error)` is told when a tile does not come; `jobId` must name a job of the picture. */
  constructor(canvases, onFault) {
    Object.assign(this, { canvases, onFault, jobId: null });
    this.open(null);
  }

  /** Begin with a picture; `reduced` is what the server tells of a reduced one, else null. */
  open(reduced) {
    for (const bitmap of this.bitmaps?.values() ?? []) bitmap?.close();
    this.reduced = reduced;
    this.bitmaps = new Map(); // by place; null while it is on its way, or where it did not come
    this.nComing = 0;
    for (const canvas of this.canvases) canvas.hidden = true;
  }

  /** Draw what is in the box; tiles that are not here yet are sent for, and the rest is drawn then. */
  draw(zoom) {
    this.zoom = zoom;
    const isCloser = Boolean(this.reduced?.levels) && this.#scale > 1;
    const places = isCloser ? this.#visible() : [];
    for (const canvas of this.canvases) {
      canvas.hidden = !isCloser;
      if (isCloser && canvas.clientWidth) this.#paint(canvas, places);
    }
    for (const place of places) this.#fetch(place);
  }

  /** Dots of the screen for a pixel of the reduced copy. */
  get #scale() { return this.zoom.scale * this.zoom.ratio; }

  /** The tiles in the box, those in the middle first: of the coarsest level that is fine enough. */
  #visible() {
    const { reduction, levels, tile, height, width } = this.reduced;
    const enough = Math.floor(Math.log2(reduction / this.#scale));
    const level = Math.min(levels - 1, Math.max(0, enough));
    const side = tile * 2 ** level;
    const { row, col, height: high, width: wide } = this.zoom.window();
    const range = (start, size, all) => [
      Math.floor((Math.max(0, start) * reduction) / side),
      Math.min(Math.ceil(all / side), Math.ceil(((start + size) * reduction) / side)),
    ];
    const [top, bottom] = range(row, high, height);
    const [left, right] = range(col, wide, width);
    const places = [];
    for (let r = top; r < bottom; r++) for (let c = left; c < right; c++) places.push({ level, row: r, col: c, span: side / reduction });
    const far = (place) => Math.hypot(2 * place.row - top - bottom + 1, 2 * place.col - left - right + 1);
    return places.sort((a, b) => far(a) - far(b));
  }

  #paint(canvas, places) {
    const { zoom } = this;
    const scale = this.#scale;
    const { reduction } = this.reduced;
    const width = Math.round(zoom.boxWidth * zoom.ratio);
    const height = Math.round(zoom.boxHeight * zoom.ratio);
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, width, height);
    // As the reduced copy: sharp squares where one pixel is several of the screen's.
    context.imageSmoothingEnabled = scale / reduction < 2;
    for (const { level, row, col, span } of places) {
      const bitmap = this.bitmaps.get(name(level, row, col));
      if (!bitmap) continue;
      const size = (pixels) => (pixels * 2 ** level * scale) / reduction;
      const [x, y] = [zoom.x * zoom.ratio + col * span * scale, zoom.y * zoom.ratio + row * span * scale];
      const [left, top] = [Math.round(x), Math.round(y)];
      context.drawImage(bitmap, left, top, Math.round(x + size(bitmap.width)) - left, Math.round(y + size(bitmap.height)) - top);
    }
  }

  async #fetch({ level, row, col }) {
    const { bitmaps } = this;
    const key = name(level, row, col);
    if (bitmaps.has(key)) {
      const kept = bitmaps.get(key); // the last ones used stay
      bitmaps.delete(key);
      bitmaps.set(key, kept);
      return;
    }
    if (this.nComing >= AT_ONCE) return;
    this.nComing++;
    bitmaps.set(key, null);
    let bitmap = null;
    try {
      bitmap = await api.fetchTile(this.jobId, key);
    } catch (error) {
      if (bitmaps === this.bitmaps) this.onFault(error);
    }
    if (bitmaps !== this.bitmaps) return void bitmap?.close(); // another picture by now
    this.nComing--;
    bitmaps.set(key, bitmap);
    this.#forgetOld();
    this.draw(this.zoom);
  }

  #forgetOld() {
    for (const [key, bitmap] of this.bitmaps) {
      if (this.bitmaps.size <= KEPT) return;
      if (!bitmap) continue;
      bitmap.close();
      this.bitmaps.delete(key);
    }
  }
}

const name = (level, row, col) => `${level}/${row}/${col}`;
