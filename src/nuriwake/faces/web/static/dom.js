// Small helpers for the page's elements.

export const $ = (id) => document.getElementById(id);

/** Say something to screen readers, without moving the focus. */
export function announce(text) { $("announce").textContent = text; }

export function showAlert(message) {
  $("alert-text").textContent = message;
  $("alert").hidden = false;
}

export function hideAlert() { $("alert").hidden = true; }

export const hex = (rgb) => `#${rgb.map((value) => value.toString(16).padStart(2, "0")).join("")}`;

export const pixels = (n) => `${n.toLocaleString("en")} px`;
