// Paints the layers: picture, live labels, regions, outlines, selection. Every pass over the pixels
// is one loop over typed arrays, so that the slider is answered within a frame.

import { $ } from "./dom.js";
import { Outlines } from "./outlines.js";
import { rgbOf } from "./tags.js";
import { Tiles } from "./tiles.js";
import { MiniMap, Zoom } from "./zoom.js";

const OPAQUE = 0xff000000;
const VEIL = 0x70000000;
const rgba = (r, g, b) => (OPAQUE | (b << 16) | (g << 8) | r) >>> 0;

/** A part of the picture on a grid of which each cell is `step` pixels wide and high. */
const thinned = ({ top, left, bottom, right }, step) => ({
  top: Math.floor(top / step), left: Math.floor(left / step), bottom: Math.ceil(bottom / step), right: Math.ceil(right / step),
});

class Layer {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
  }

  resize(width, height) {
    this.canvas.width = width;
    this.canvas.height = height;
    this.image = this.table = this.painted = null;
    this.canvas.hidden = true;
  }

  /** Take a colour for each leaf, the first for no data; nothing is painted yet. */
  colour(table) {
    this.table = table;
    this.painted = null;
  }

  /** Hold every `step`-th row and column of a picture, each as large as `step` of them. */
  thin(width, height, step) {
    const [wide, high] = [width, height].map((size) => Math.ceil(size / step));
    const { table } = this;
    if (this.canvas.width !== wide || this.canvas.height !== high) this.resize(wide, high);
    this.table = table;
    Object.assign(this.canvas.style, { width: `${wide * step}px`, height: `${high * step}px` });
  }

  /** The layer's pixels as 32-bit words; allocated once for each picture. */
  words() {
    this.image ??= this.context.createImageData(this.canvas.width, this.canvas.height);
    this.cachedWords = this.cachedWords?.buffer === this.image.data.buffer
      ? this.cachedWords : new Uint32Array(this.image.data.buffer);
    return this.cachedWords;
  }

  /** Show the pixels, all or those of a part. */
  put({ top, left, bottom, right } = { top: 0, left: 0, bottom: this.canvas.height, right: this.canvas.width }) {
    this.context.putImageData(this.image, 0, 0, left, top, right - left, bottom - top);
    this.canvas.hidden = false;
  }

  /** Empty layers are taken out, so that the browser has less to lay over each other. */
  clear() {
    this.table = null;
    if (this.canvas.hidden) return;
    this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.canvas.hidden = true;
  }
}

export class View {
  /** `onFault(error)` is told when a part of the picture does not come. */
  constructor(root, onFault) {
    this.element = root.querySelector("#layers");
    this.stage = root.querySelector("#stage");
    this.sheets = [...root.querySelectorAll(".sheet")];
    this.alone = root.querySelector("#photo-alone");
    this.alonePane = root.querySelector("#pane-photo");
    const names = ["photo", "live", "regions", "scribbles", "selection"];
    this.layers = Object.fromEntries(names.map((n) => [n, new Layer(root.querySelector(`#layer-${n}`))]));
    this.outlines = new Outlines(root.querySelector("#layer-outlines"));
    this.options = { fill: "palette", opacity: 0.55, outlinesOnly: false, layout: "overlay" };
    this.tiles = new Tiles(["#layer-tiles", "#tiles-alone"].map((id) => root.querySelector(id)), onFault);
    this.tree = null;
    this.reduction = 1; // pixels of the file, along each side, that are one of the picture
    this.zoom = new Zoom([this.element, root.querySelector("#twin")], () => this.#zoomed());
    this.minimap = new MiniMap(this.zoom);
  }

  /** Begin with a new picture, an ImageBitmap, and what the server tells of it where it is reduced. */
  showPicture(bitmap, reduced) {
    this.reduction = reduced?.reduction ?? 1;
    this.tiles.open(reduced);
    this.width = bitmap.width;
    this.height = bitmap.height;
    for (const layer of Object.values(this.layers)) layer.resize(this.width, this.height);
    this.layers.photo.context.drawImage(bitmap, 0, 0);
    this.layers.photo.canvas.hidden = false;
    this.alone.width = this.width;
    this.alone.height = this.height;
    this.alone.getContext("2d").drawImage(bitmap, 0, 0);
    for (const sheet of this.sheets) {
      sheet.style.width = `${this.width}px`;
      sheet.style.height = `${this.height}px`;
    }
    // A box as the picture is, but never a mere strip: one zooms in there.
    this.stage.style.setProperty("--ratio", String(Math.min(2.4, Math.max(0.6, this.width / this.height))));
    this.tree = this.partition = this.selected = null;
    this.outlines.clear();
    this.minimap.open(bitmap);
    this.zoom.open(this.width, this.height);
    this.setOptions({});
  }

  /** Look at another part of the picture; lines are drawn again, once a frame. */
  #zoomed() {
    const { x, y, scale } = this.zoom;
    const percent = (100 * scale) / this.reduction;
    for (const sheet of this.sheets) sheet.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
    this.element.classList.toggle("enlarged", scale * this.zoom.ratio >= 2);
    this.element.classList.toggle("zoomed", this.zoom.isZoomed);
    this.minimap.show();
    $("zoom-value").textContent = `${percent < 10 ? percent.toFixed(1) : Math.round(percent)} %`;
    $("zoom-out").disabled = $("zoom-fit").disabled = !this.zoom.isZoomed;
    this.onZoom?.();
    if (this.isDrawing) return;
    this.isDrawing = true;
    requestAnimationFrame(() => {
      this.isDrawing = false;
      this.tiles.draw(this.zoom);
      if (!this.partition) return;
      this.#fill(this.layers.regions);
      this.#fill(this.layers.selection);
      this.#paintOutlines();
    });
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
    this.outlines.open(tree);
  }

  showPartition(partition, selected, tags) {
    this.tags = tags;
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
    this.tiles.draw(this.zoom);
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
    this.classOf = this.tags.classes.length ? this.tags.ofNodes(partition) : null;
    this.classColours = rgbOf(this.tags.classes);
    for (let leaf = 0; leaf < tree.nLeaves; leaf++) table[leaf + 1] = this.#colour(partition.nodes[leaf]);
    this.layers.regions.colour(table);
    this.#fill(this.layers.regions);
  }

  /** Paint the leaves that are in view, and some way around them; others when they come into view. */
  #fill(layer) {
    const { table, painted } = layer;
    if (!table) return;
    const { width, height } = this;
    const step = this.#step;
    const seen = this.#inView(0);
    if (painted && painted.step === step && painted.top <= seen.top && painted.left <= seen.left && painted.bottom >= seen.bottom && painted.right >= seen.right) return;
    const part = this.#inView(0.25);
    layer.thin(width, height, step);
    const words = layer.words();
    const { base } = this.tree;
    const cells = thinned(part, step);
    const middle = step >> 1;
    for (let row = cells.top; row < cells.bottom; row++) {
      const from = Math.min(height - 1, row * step + middle) * width;
      for (let col = cells.left, q = row * layer.canvas.width + col; col < cells.right; col++, q++) {
        words[q] = table[base[from + Math.min(width - 1, col * step + middle)]];
      }
    }
    layer.put(cells);
    layer.painted = { ...part, step };
  }

  /** Every so many-th row and column of the regions is painted: the screen has no dots for more. */
  get #step() { return Math.max(1, Math.floor(1 / (this.zoom.scale * this.zoom.ratio))); }

  /** The part of the picture in view, with a margin: a share of the window's sides. */
  #inView(margin) {
    const { row, col, height, width } = this.zoom.window();
    return {
      top: Math.max(0, Math.floor(row - margin * height)), left: Math.max(0, Math.floor(col - margin * width)),
      bottom: Math.min(this.height, Math.ceil(row + (1 + margin) * height)), right: Math.min(this.width, Math.ceil(col + (1 + margin) * width)),
    };
  }

  #colour(node) {
    const { tree } = this;
    const tag = this.classOf ? this.classOf[node] : 0;
    if (tag) return rgba(...this.classColours[tag]);
    if (this.options.fill === "mean") return rgba(...tree.meanColour(node));
    const c = 3 * tree.nodeColours[node];
    return rgba(tree.palette[c], tree.palette[c + 1], tree.palette[c + 2]);
  }

  #paintOutlines() {
    const nodes = new Int32Array(this.tree.nLeaves + 1).fill(-1);
    nodes.set(this.partition.nodes, 1);
    this.outlines.draw(this.zoom, nodes, this.selected);
  }

  #paintSelection() {
    const layer = this.layers.selection;
    if (this.selected === null) {
      layer.clear();
      return;
    }
    // A light veil over everything else lets the region stand out.
    const { nLeaves } = this.tree;
    const table = new Uint32Array(nLeaves + 1).fill(VEIL);
    for (let leaf = 0; leaf < nLeaves; leaf++) if (this.partition.nodes[leaf] === this.selected) table[leaf + 1] = 0;
    layer.colour(table);
    this.#fill(layer);
  }

  /** The pixel under a pointer event, or null. */
  pixelAt(event) {
    const [row, col] = this.zoom.toPicture(event).map(Math.floor);
    return row >= 0 && col >= 0 && row < this.height && col < this.width ? { row, col } : null;
  }

  /** The node that is the region of a pixel, or null. */
  nodeAt({ row, col }) {
    const leaf = this.tree ? this.tree.base[row * this.width + col] : 0;
    return leaf && this.partition ? this.partition.nodes[leaf - 1] : null;
  }
}
