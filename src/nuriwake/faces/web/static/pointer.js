// Pointer and keyboard on the picture: hover, select, scribble, and a crosshair for the keyboard.

import { $ } from "./dom.js";

const STRIDE = 16; // of the crosshair, pixels of the screen

export class Pointer {
  constructor(view, regions, scribbles, onHover) {
    Object.assign(this, { view, regions, scribbles, onHover, isScribbling: false });
    this.crosshair = { row: 0, col: 0 };
    const { element } = view;
    element.addEventListener("pointermove", (event) => this.#move(event));
    element.addEventListener("pointerdown", (event) => this.#down(event));
    for (const name of ["pointerup", "pointercancel"]) {
      element.addEventListener(name, () => this.isScribbling && this.scribbles.end());
    }
    element.addEventListener("pointerleave", () => this.onHover(null));
    element.addEventListener("click", (event) => this.#click(event));
    element.addEventListener("keydown", (event) => this.#key(event));
    element.addEventListener("blur", () => this.#hideCrosshair());
    view.onZoom = () => this.#placeCrosshair();
    view.zoom.onPinch = () => this.scribbles.cancel();
  }

  setScribbling(on) {
    this.isScribbling = on;
    this.view.zoom.isPainting = on;
    this.view.element.classList.toggle("painting", on);
  }

  center() {
    this.crosshair = { row: this.view.height >> 1, col: this.view.width >> 1 };
    this.#hideCrosshair();
  }

  #move(event) {
    const pixel = this.view.pixelAt(event);
    if (!pixel) return;
    if (this.isScribbling && !this.view.zoom.isPanning) this.scribbles.extend(pixel);
    this.onHover(this.view.nodeAt(pixel));
  }

  #down(event) {
    const pixel = this.view.pixelAt(event);
    if (!this.isScribbling || this.view.zoom.isPanning || !pixel || event.button !== 0) return;
    this.view.element.setPointerCapture(event.pointerId);
    this.scribbles.begin(pixel);
  }

  #click(event) {
    const pixel = this.view.pixelAt(event);
    if (this.isScribbling || this.view.zoom.wasDragged || !pixel || !this.regions.isReady) return;
    this.#select(pixel);
  }

  #select(pixel) {
    const node = this.view.nodeAt(pixel);
    this.regions.select(node === this.regions.selected ? null : node);
  }

  #key(event) {
    const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in steps) {
      this.#moveCrosshair(steps[event.key], event.shiftKey);
    } else if (event.key === "Enter" || event.key === " ") {
      if (this.isScribbling) this.#togglePen();
      else if (this.regions.isReady) this.#select(this.crosshair);
    } else return;
    event.preventDefault();
  }

  #moveCrosshair([down, right], fine) {
    const { view } = this;
    const stride = fine ? 1 : Math.max(1, Math.round(STRIDE / view.zoom.scale));
    const clamp = (value, size) => Math.min(size - 1, Math.max(0, value));
    this.crosshair = {
      row: clamp(this.crosshair.row + down * stride, view.height),
      col: clamp(this.crosshair.col + right * stride, view.width),
    };
    $("crosshair").hidden = false;
    view.zoom.reveal(this.crosshair); // and the mark is placed
    if (this.isScribbling) this.scribbles.extend(this.crosshair);
    this.onHover(view.nodeAt(this.crosshair));
  }

  #placeCrosshair() {
    const [left, top] = this.view.zoom.toBox(this.crosshair.row + 0.5, this.crosshair.col + 0.5);
    $("crosshair").style.left = `${left}px`;
    $("crosshair").style.top = `${top}px`;
  }

  #togglePen() {
    if (this.scribbles.stroke) this.scribbles.end();
    else this.scribbles.begin(this.crosshair);
  }

  #hideCrosshair() {
    if (this.isScribbling) this.scribbles.end();
    $("crosshair").hidden = true;
  }
}
