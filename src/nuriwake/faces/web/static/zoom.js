// Where one looks: how the picture is scaled and moved within its box, by wheel, drag, pinch and keys.

import { $ } from "./dom.js";

const MAX_SCALE = 40; // pixels of the screen for one of the picture
const DRAG_START = 4; // pixels of the screen before a press becomes a drag
const KEY_STEP = 1.4;
const MAX_RATIO = 2;

export class Zoom {
  /** `boxes` show the same part of the picture; `onChange` is called after each change. */
  constructor(boxes, onChange) {
    Object.assign(this, { boxes, onChange, width: 1, height: 1, scale: 1, x: 0, y: 0, isFitted: true });
    this.pointers = new Map(); // of fingers and of a dragging mouse
    this.isPanning = false;
    this.wasDragged = false; // the click that ends a drag selects nothing
    for (const box of boxes) this.#wire(box);
    new ResizeObserver(() => this.#resized()).observe(this.box);
  }

  get box() { return this.boxes[0]; }
  get boxWidth() { return Math.max(1, this.box.clientWidth); }
  get boxHeight() { return Math.max(1, this.box.clientHeight); }
  get fitScale() { return Math.min(this.boxWidth / this.width, this.boxHeight / this.height); }
  /** Dots of the screen for a CSS pixel, as far as they are told apart. */
  get ratio() { return Math.min(MAX_RATIO, devicePixelRatio || 1); }
  get isZoomed() { return this.scale > this.fitScale * 1.001; }

  /** Begin with a picture of another size. */
  open(width, height) {
    Object.assign(this, { width, height });
    this.fit();
  }

  fit() {
    this.isFitted = true;
    this.#place(this.fitScale, 0, 0);
  }

  /** Scale by a factor; the point (left, top) of the box stays where it is. */
  by(factor, left = this.boxWidth / 2, top = this.boxHeight / 2) {
    const scale = Math.min(Math.max(this.scale * factor, this.fitScale), Math.max(MAX_SCALE, this.fitScale));
    const ratio = scale / this.scale;
    this.#place(scale, left - (left - this.x) * ratio, top - (top - this.y) * ratio);
  }

  pan(right, down) { this.#place(this.scale, this.x + right, this.y + down); }

  /** Show this point of the picture in the middle. */
  center(row, col) {
    this.#place(this.scale, this.boxWidth / 2 - col * this.scale, this.boxHeight / 2 - row * this.scale);
  }

  /** Move as little as shows this pixel. */
  reveal({ row, col }) {
    const [left, top] = this.toBox(row + 0.5, col + 0.5);
    const margin = 24;
    const shift = (at, size) => Math.max(0, margin - at) - Math.max(0, at - (size - margin));
    this.pan(shift(left, this.boxWidth), shift(top, this.boxHeight));
  }

  toBox(row, col) { return [this.x + col * this.scale, this.y + row * this.scale]; }

  /** The place in the picture under a pointer event: row and column, with fractions. */
  toPicture({ clientX, clientY }, box = this.box) {
    const { left, top } = box.getBoundingClientRect();
    return [(clientY - top - this.y) / this.scale, (clientX - left - this.x) / this.scale];
  }

  /** The part of the picture in the box: first row and column, height and width. */
  window() {
    return { row: -this.y / this.scale, col: -this.x / this.scale, height: this.boxHeight / this.scale, width: this.boxWidth / this.scale };
  }

  #resized() {
    if (this.isFitted) return this.fit();
    const scale = Math.max(this.scale, this.fitScale);
    return this.#place(scale, this.x, this.y);
  }

  #place(scale, x, y) {
    const within = (offset, size, room) => {
      const spare = room - size * scale;
      return spare >= 0 ? spare / 2 : Math.min(0, Math.max(spare, offset));
    };
    this.scale = scale;
    this.x = within(x, this.width, this.boxWidth);
    this.y = within(y, this.height, this.boxHeight);
    this.isFitted = !this.isZoomed;
    this.onChange();
  }

  // ---- gestures

  #wire(box) {
    box.addEventListener("wheel", (event) => this.#wheel(event, box), { passive: false });
    box.addEventListener("pointerdown", (event) => this.#down(event, box));
    box.addEventListener("pointermove", (event) => this.#move(event, box));
    for (const name of ["pointerup", "pointercancel"]) box.addEventListener(name, (event) => this.#up(event));
    // Two fingers pinch the picture, not the page.
    box.addEventListener("touchstart", (event) => event.touches.length > 1 && event.preventDefault(), { passive: false });
    box.addEventListener("auxclick", (event) => event.preventDefault());
  }

  #wheel(event, box) {
    const { left, top } = box.getBoundingClientRect();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    if (event.shiftKey && this.isZoomed) {
      this.pan(-(event.deltaX || event.deltaY) * lines, 0);
    } else {
      const factor = Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.002));
      if (factor < 1 && !this.isZoomed && !event.ctrlKey) return; // the page scrolls on
      this.by(factor, event.clientX - left, event.clientY - top);
    }
    event.preventDefault();
  }

  /** Whether a press moves the picture: where it paints, with Shift, the middle button or two fingers. */
  #grabs(event) {
    if (event.pointerType === "touch" && this.pointers.size) return true;
    if (event.button === 1) return true;
    return event.button === 0 && (event.shiftKey || !this.isPainting);
  }

  #down(event, box) {
    if (!this.pointers.size) this.wasDragged = false;
    const grabs = this.#grabs(event);
    if (!grabs && event.pointerType !== "touch") return;
    if (event.button === 1) event.preventDefault();
    this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY, startX: event.clientX, startY: event.clientY });
    this.isPanning = grabs;
    if (this.pointers.size > 1) this.onPinch?.();
    if (grabs && this.isPainting) box.setPointerCapture(event.pointerId);
  }

  #move(event, box) {
    const pointer = this.pointers.get(event.pointerId);
    if (!pointer || !this.isPanning) return;
    if (event.pointerType === "mouse" && !event.buttons) return void this.#up(event); // released elsewhere
    const before = [...this.pointers.values()].map(({ x, y }) => ({ x, y }));
    if (this.pointers.size === 1 && !this.wasDragged) {
      const far = Math.hypot(event.clientX - pointer.startX, event.clientY - pointer.startY) > DRAG_START;
      if (!far || !this.isZoomed) return;
      box.setPointerCapture(event.pointerId);
    }
    this.wasDragged = true;
    Object.assign(pointer, { x: event.clientX, y: event.clientY });
    const now = [...this.pointers.values()];
    const { left, top } = box.getBoundingClientRect();
    const middle = (points) => [0, 1].map((i) => points.reduce((sum, p) => sum + (i ? p.y : p.x), 0) / points.length);
    const [beforeX, beforeY] = middle(before);
    const [nowX, nowY] = middle(now);
    if (now.length > 1) {
      const spread = (points) => Math.hypot(points[0].x - points[1].x, points[0].y - points[1].y);
      this.by(spread(now) / Math.max(1, spread(before)), beforeX - left, beforeY - top);
    }
    this.pan(nowX - beforeX, nowY - beforeY);
  }

  #up(event) {
    this.pointers.delete(event.pointerId);
    if (!this.pointers.size) this.isPanning = false;
  }

  /** Do what a key stands for; false where it stands for nothing here. */
  key(key) {
    const actions = {
      "+": () => this.by(KEY_STEP), "=": () => this.by(KEY_STEP), "-": () => this.by(1 / KEY_STEP),
      0: () => this.fit(), f: () => toggleFullScreen(),
    };
    if (!(key in actions)) return false;
    actions[key]();
    return true;
  }
}

/** The picture and its slider alone, as large as the screen. */
export function toggleFullScreen() {
  if (document.fullscreenElement) return document.exitFullscreen();
  return $("stage-column").requestFullscreen?.();
}

/** The whole picture in a corner, with a frame around what is seen. */
export class MiniMap {
  constructor(zoom) {
    this.zoom = zoom;
    this.element = $("minimap");
    this.frame = $("minimap-frame");
    this.canvas = $("minimap-picture");
    const aim = (event) => {
      const { left, top, width, height } = this.canvas.getBoundingClientRect();
      zoom.center(((event.clientY - top) / height) * zoom.height, ((event.clientX - left) / width) * zoom.width);
    };
    this.element.addEventListener("pointerdown", (event) => {
      event.stopPropagation(); // it is no press on the picture
      this.element.setPointerCapture(event.pointerId);
      aim(event);
    });
    this.element.addEventListener("pointermove", (event) => {
      event.stopPropagation();
      if (this.element.hasPointerCapture(event.pointerId)) aim(event);
    });
    this.element.addEventListener("click", (event) => event.stopPropagation());
    this.element.addEventListener("keydown", (event) => this.#key(event));
  }

  open(bitmap) {
    const scale = Math.min(160 / bitmap.width, 110 / bitmap.height);
    this.canvas.width = Math.max(1, Math.round(bitmap.width * scale));
    this.canvas.height = Math.max(3, Math.round(bitmap.height * scale));
    this.canvas.getContext("2d").drawImage(bitmap, 0, 0, this.canvas.width, this.canvas.height);
  }

  show() {
    const { zoom } = this;
    this.element.hidden = !zoom.isZoomed;
    const { row, col, height, width } = zoom.window();
    const percent = (value, size) => `${(100 * Math.max(0, value)) / size}%`;
    Object.assign(this.frame.style, {
      left: percent(col, zoom.width), top: percent(row, zoom.height),
      width: percent(Math.min(width, zoom.width), zoom.width), height: percent(Math.min(height, zoom.height), zoom.height),
    });
  }

  #key(event) {
    const steps = { ArrowUp: [0, 1], ArrowDown: [0, -1], ArrowLeft: [1, 0], ArrowRight: [-1, 0] };
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    this.zoom.pan((step[0] * this.zoom.boxWidth) / 4, (step[1] * this.zoom.boxHeight) / 4);
  }
}
