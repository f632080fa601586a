// Keys that work anywhere on the page, and the sheet that lists them.

import { $ } from "./dom.js";

/** `actions` maps a key to what it does; `zoom` knows keys of its own. */
export function wireKeys(actions, zoom, isReady) {
  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input:not([type=range], [type=radio], [type=checkbox]), select, textarea");
    if (typing || event.altKey || $("keys").open) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (event.ctrlKey || event.metaKey) {
      if (key === "z") take(event, event.shiftKey ? actions.redo : actions.undo);
      else if (key === "y") take(event, actions.redo);
    } else if (key === "?") {
      take(event, showKeys);
    } else if (isReady() && key in actions) {
      take(event, actions[key]);
    } else if (!$("work").hidden && zoom.key(key)) {
      event.preventDefault();
    }
  });
  $("show-keys").addEventListener("click", showKeys);
}

function take(event, action) {
  event.preventDefault();
  action(event);
}

function showKeys() { $("keys").showModal(); }
