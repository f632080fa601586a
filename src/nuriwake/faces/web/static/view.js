// Paints the layers: picture, live labels, regions, outlines, selection. Every pass over the pixels
// is one loop over typed arrays, so that the slider is answered within a frame.

const OPAQUE = 0xff000000;
const WHITE = 0xffffffff;
const SHADOW = 0xb0000000;
const rgba = (r, g, b) => (OPAQUE | (b << 16) | (g << 8) | r) >>> 0;

class Layer {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
  }

  resize(width, height) {
    this.canvas.width = width;
    this.canvas.height = height;
    this.image = null;
    this.canvas.hidden = true;
  }

  /** The layer's pixels as 32-bit words; allocated once for each picture. */
  words() {
    this.image ??= this.context.createImageData(this.canvas.width, this.canvas.height);
    this.cachedWords = this.cachedWords?.buffer === this.image.data.buffer
      ? this.cachedWords : new Uint32Array(this.image.data.buffer);
    return this.cachedWords;
  }

  put() {
    this.context.putImageData(this.image, 0, 0);
    this.canvas.hidden = false;
  }

  /** Empty layers are taken out, so that the browser has less to lay over each other. */
  clear() {
    if (this.canvas.hidden) return;
    this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.canvas.hidden = true;
  }
}

export class View {
  constructor(root) {
    this.element = root.querySelector("#layers");
    this.stage = root.querySelector("#stage");
    this.alone = root.querySelector("#photo-alone");
    this.alonePane = root.querySelector("#pane-photo");
    const names = ["photo", "live", "regions", "outlines", "scribbles", "selection"];
    this.layers = Object.fromEntries(names.map((n) => [n, new Layer(root.querySelector(`#layer-${n}`))]));
    new ResizeObserver(() => this.#fitLines()).observe(this.element);
    this.options = { fill: "palette", opacity: 0.55, outlinesOnly: false, layout: "overlay" };
    this.tree = null;
  }

  /** Begin with a new picture, an ImageBitmap. */
  showPicture(bitmap) {
    this.width = bitmap.width;
    this.height = bitmap.height;
    for (const layer of Object.values(this.layers)) layer.resize(this.width, this.height);
    this.layers.photo.context.drawImage(bitmap, 0, 0);
    this.layers.photo.canvas.hidden = false;
    this.alone.width = this.width;
    this.alone.height = this.height;
    this.alone.getContext("2d").drawImage(bitmap, 0, 0);
    this.stage.style.setProperty("--ratio", String(this.width / this.height));
    this.tree = this.partition = this.selected = null;
    this.setOptions({});
    this.lines = 1;
    this.#fitLines();
  }

  /** Show labels that are still forming, a small ImageBitmap. */
  showLive(bitmap) {
    const { context } = this.layers.live;
    context.imageSmoothingEnabled = false;
    context.drawImage(bitmap, 0, 0, this.width, this.height);
    this.layers.live.canvas.hidden = false;
  }

  /** While it learns, the live labels take the place of the regions. */
  setLearning(learning) {
    this.element.classList.toggle("learning", learning);
    if (!learning) this.layers.live.clear();
  }

  showTree(tree) {
    this.tree = tree;
    this.#findBorders();
  }

  /** Positions where a leaf meets another leaf to the right (even entries) or below (odd ones). */
  #findBorders() {
    const { base, width, height } = this.tree;
    const borders = [];
    for (let row = 0, p = 0; row < height; row++) {
      for (let col = 0; col < width; col++, p++) {
        if (col + 1 < width && base[p] !== base[p + 1]) borders.push(2 * p);
        if (row + 1 < height && base[p] !== base[p + width]) borders.push(2 * p + 1);
      }
    }
    this.borders = Int32Array.from(borders);
  }

  showPartition(partition, selected) {
    this.partition = partition;
    this.selected = selected;
    this.paint();
  }

  setOptions(options) {
    const repaint = "fill" in options && this.partition;
    Object.assign(this.options, options);
    const { opacity, outlinesOnly, layout } = this.options;
    const side = layout === "side";
    this.stage.classList.toggle("side", side);
    this.alonePane.hidden = !side;
    this.layers.regions.canvas.style.opacity = String(outlinesOnly ? 0 : opacity);
    this.layers.live.canvas.style.opacity = String(Math.max(opacity, 0.55));
    if (repaint) this.#paintRegions();
  }

  paint() {
    this.#paintRegions();
    this.#paintOutlines();
    this.#paintSelection();
  }

  #paintRegions() {
    const { tree, partition } = this;
    const table = new Uint32Array(tree.nLeaves + 1);
    for (let leaf = 0; leaf < tree.nLeaves; leaf++) table[leaf + 1] = this.#colour(partition.nodes[leaf]);
    const words = this.layers.regions.words();
    const { base } = tree;
    for (let p = 0; p < base.length; p++) words[p] = table[base[p]];
    this.layers.regions.put();
  }

  #colour(node) {
    const { tree } = this;
    if (this.options.fill === "mean") return rgba(...tree.meanColour(node));
    const c = 3 * tree.nodeColours[node];
    return rgba(tree.palette[c], tree.palette[c + 1], tree.palette[c + 2]);
  }

  /** Lines must be about a pixel of the screen wide, however much the picture is shrunk. */
  #fitLines() {
    if (!this.width) return;
    const shrunk = this.width / Math.max(1, this.element.clientWidth * Math.min(2, devicePixelRatio));
    this.element.classList.toggle("enlarged", shrunk <= 0.5);
    const lines = Math.max(1, Math.ceil(shrunk - 0.2));
    if (lines === this.lines) return;
    this.lines = lines;
    if (this.partition) this.paint();
  }

  /** White inside, dark beyond: seen on any picture. */
  #paintOutlines() {
    const { base, nLeaves } = this.tree;
    const words = this.layers.outlines.words();
    words.fill(0);
    const node = new Int32Array(nLeaves + 1).fill(-1);
    node.set(this.partition.nodes, 1);
    for (let i = 0; i < this.borders.length; i++) {
      const p = this.borders[i] >> 1;
      const step = this.borders[i] & 1 ? this.width : 1;
      if (node[base[p]] === node[base[p + step]]) continue;
      for (let d = 0; d < this.lines; d++) {
        if (p >= d * step) words[p - d * step] = WHITE;
        const q = p + (d + 1) * step;
        if (q < words.length && words[q] === 0) words[q] = SHADOW;
      }
    }
    this.layers.outlines.put();
  }

  #paintSelection() {
    const layer = this.layers.selection;
    if (this.selected === null) {
      layer.clear();
      return;
    }
    const { base, nLeaves } = this.tree;
    const inside = new Uint8Array(nLeaves + 1);
    for (let leaf = 0; leaf < nLeaves; leaf++) inside[leaf + 1] = this.partition.nodes[leaf] === this.selected ? 1 : 0;
    const words = layer.words();
    // A light veil over everything else lets the region stand out.
    for (let p = 0; p < base.length; p++) words[p] = inside[base[p]] ? 0 : 0x70000000;
    for (let i = 0; i < this.borders.length; i++) {
      const p = this.borders[i] >> 1;
      const step = this.borders[i] & 1 ? this.width : 1;
      if (inside[base[p]] === inside[base[p + step]]) continue;
      for (let d = -this.lines; d <= this.lines; d++) {
        const q = p + d * step;
        if (q >= 0 && q < words.length) words[q] = WHITE;
      }
    }
    layer.put();
  }

  /** The pixel under a pointer event, or null. */
  pixelAt(event) {
    const box = this.element.getBoundingClientRect();
    const col = Math.floor(((event.clientX - box.left) / box.width) * this.width);
    const row = Math.floor(((event.clientY - box.top) / box.height) * this.height);
    return row >= 0 && col >= 0 && row < this.height && col < this.width ? { row, col } : null;
  }

  /** The node that is the region of a pixel, or null. */
  nodeAt({ row, col }) {
    const leaf = this.tree ? this.tree.base[row * this.width + col] : 0;
    return leaf && this.partition ? this.partition.nodes[leaf - 1] : null;
  }
}
