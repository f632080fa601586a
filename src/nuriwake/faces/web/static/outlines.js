// The lines between regions, drawn on the screen's own pixels: as thin at any zoom.

const WHITE = 0xffffffff;
const SHADOW = 0xb0000000;

export class Outlines {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.canvas.hidden = true;
  }

  /** Find where a leaf meets another one to its right (even entries) or below (odd ones). */
  open({ base, width, height }) {
    const borders = [];
    for (let row = 0, p = 0; row < height; row++) {
      for (let col = 0; col < width; col++, p++) {
        if (col + 1 < width && base[p] !== base[p + 1]) borders.push(2 * p);
        if (row + 1 < height && base[p] !== base[p + width]) borders.push(2 * p + 1);
      }
    }
    this.borders = Int32Array.from(borders);
    this.base = base;
    this.width = width;
  }

  clear() { this.canvas.hidden = true; }

  /**
   * Draw the borders between nodes; `nodes` holds the node of each leaf, the first entry that of no
   * data. The borders of `selected` are drawn thick.
   */
  draw(zoom, nodes, selected) {
    this.#fitCanvas(zoom);
    const { base, borders, width, words } = this;
    const ratio = this.canvas.width / zoom.boxWidth;
    const [scale, left, top] = [zoom.scale * ratio, zoom.x * ratio, zoom.y * ratio];
    const rows = [Math.floor(-top / scale) - 1, Math.ceil((this.canvas.height - top) / scale)];
    words.fill(0);
    for (let i = this.#first(2 * rows[0] * width); i < borders.length; i++) {
      const p = borders[i] >> 1;
      const row = (p / width) | 0;
      if (row > rows[1]) break;
      const below = borders[i] & 1;
      const a = nodes[base[p]];
      const b = nodes[base[p + (below ? width : 1)]];
      if (a === b) continue;
      const col = p - row * width;
      const x = Math.round(left + (below ? col : col + 1) * scale);
      const y = Math.round(top + (below ? row + 1 : row) * scale);
      const length = Math.max(1, Math.round((below ? left + (col + 1) * scale : top + (row + 1) * scale)) - (below ? x : y));
      this.#line(x, y, length, below, ratio, a === selected || b === selected);
    }
    this.context.putImageData(this.image, 0, 0);
    this.canvas.hidden = false;
  }

  /** The first border at or after this entry; they are sorted. */
  #first(entry) {
    let [low, high] = [0, this.borders.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.borders[middle] < entry) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** White on one side, dark on the other: seen on any picture. Thick: white on both. */
  #line(x, y, length, below, ratio, thick) {
    const { words } = this;
    const { width, height } = this.canvas;
    const line = Math.round(ratio);
    const [from, to] = thick ? [-2 * line, 2 * line] : [-line, line];
    for (let across = from; across < to; across++) {
      const light = thick || across < 0;
      for (let along = 0; along < length; along++) {
        const col = below ? x + along : x + across;
        const row = below ? y + across : y + along;
        if (col < 0 || row < 0 || col >= width || row >= height) continue;
        const q = row * width + col;
        if (light) words[q] = WHITE;
        else if (words[q] === 0) words[q] = SHADOW;
      }
    }
  }

  #fitCanvas(zoom) {
    const width = Math.round(zoom.boxWidth * zoom.ratio);
    const height = Math.round(zoom.boxHeight * zoom.ratio);
    if (this.image && this.canvas.width === width && this.canvas.height === height) return;
    Object.assign(this.canvas, { width, height });
    this.image = this.context.createImageData(width, height);
    this.words = new Uint32Array(this.image.data.buffer);
  }
}
