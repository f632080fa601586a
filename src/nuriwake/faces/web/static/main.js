// The page: wires the parts together.

import * as api from "./api.js";
import { Batch } from "./batch.js";
import { $, announce, hex, hideAlert, showAlert } from "./dom.js";
import { SettingsForm } from "./form.js";
import { History } from "./history.js";
import { JobRunner } from "./job.js";
import { wireKeys } from "./keys.js";
import { Pointer } from "./pointer.js";
import { RegionPanel } from "./regions.js";
import { BRUSHES, Scribbles } from "./scribble.js";
import { openSession, recall, remember, SESSION_SUFFIX } from "./session.js";
import { Tags } from "./tags.js";
import { View } from "./view.js";
import { toggleFullScreen } from "./zoom.js";

const view = new View(document, (error) => showAlert(error.message));
const history = new History();
const regions = new RegionPanel(view, history, describeResult);
const tags = new Tags(regions, history);
const scribbles = new Scribbles(view.layers.scribbles, history, describeScribbles);
const pointer = new Pointer(view, regions, scribbles, describeHover);
const batch = new Batch((id) => reopen(id));
const runner = new JobRunner({ started, live, finished, stopped, keeps: (id) => batch.has(id) });
let server; // what /api/settings tells
let form;
let source = null; // {file}, {example}, {opened} or, after the page was loaded again, {again}
let pictureOf = null; // the source whose picture is shown
let early = null; // labels that came before their picture

// ---- a job's life

function run(chosen, withScribbles = false) {
  const settings = form.read();
  if (!settings) return;
  // A page's result stays until that of the next is there.
  if (source !== chosen && chosen.page === undefined) leaveResult();
  else if (source !== chosen) regions.close();
  source = chosen;
  early = null;
  hideAlert();
  showWork();
  setBusy(true);
  const png = withScribbles ? scribbles.toPng() : Promise.resolve(null);
  png.then((blob) => runner.start(chosen, settings, blob));
}

/** Show the job in the page's address again, with its settings and scribbles. */
async function reopen(id) {
  leaveResult(id);
  source = { again: id };
  early = null;
  showWork();
  setBusy(true);
  await runner.reopen(id);
  const job = runner.job ?? runner.result;
  if (job?.id !== id) return;
  form.write(job.settings);
  if (job.command.includes(" --scribbles ")) scribbles.restore(await api.fetchScribbles(id));
}

function started(job, bitmap) {
  if (source.again) source.again = job.id;
  view.tiles.jobId = job.id;
  if (pictureOf !== source) {
    view.showPicture(bitmap, job.reduced);
    scribbles.resize(bitmap.width, bitmap.height);
    pictureOf = source;
    pointer.center();
    if (early) live(early);
  }
  const { width, height } = job.reduced ?? job;
  $("file-name").textContent = `${job.name} · ${width} × ${height}`;
  describeOrigin(job);
}

/** What of its file the picture is: a page of a stack, or reduced in size. */
function describeOrigin({ n_pages, page, reduced }) {
  $("pages").hidden = n_pages === 1;
  $("page-number").max = n_pages;
  $("page-number").value = page + 1;
  $("page-count").textContent = `of ${n_pages}`;
  $("reduced").hidden = $("download-size").hidden = !reduced;
  if (!reduced) return;
  const { reduction, levels, width, height } = reduced;
  const most = Math.round(server.limits.pixels / 1e6);
  $("reduced").textContent = `Learned at 1/${reduction} of its width and height, as more than ${most} megapixels are. ${levels ? "Zoom in to see it in full." : "A saved session holds no more of it: to zoom in further, open the picture's own file."}`;
  $("download-size").textContent = `Regions, labels, polygons and annotations: ${width} × ${height} pixels, in steps of ${reduction}. The others: as learned, 1/${reduction} of that.`;
}

function live(bitmap) {
  early = pictureOf === source ? null : bitmap;
  if (early) return;
  view.showLive(bitmap);
  if (!performance.getEntriesByName("first-live").length) performance.mark("first-live");
}

function finished(tree) {
  regions.open(tree, recall(runner.result.id));
  setBusy(false);
  performance.mark("finished");
  announce(`Done: ${regions.countText()}. The slider changes the number.`);
}

/** After a failure or a cancel, the result before it, if any, is shown again. */
function stopped(message) {
  setBusy(false);
  if (message) showAlert(message);
  if (runner.result && !regions.isReady) reopen(runner.result.id);
  else if (pictureOf !== source) showStart();
}

function setBusy(busy) {
  const ready = regions.isReady && !busy;
  view.setLearning(busy);
  $("slider-bar").hidden = !ready;
  $("run-again").disabled = busy;
  for (const button of document.querySelectorAll("[data-kind]")) button.disabled = !ready;
  const drawn = ready && runner.result.command.includes(" --scribbles ");
  document.querySelector("[data-kind='scribbles.png']").hidden = !drawn;
  $("copy").disabled = $("save-session").disabled = !ready;
  describeScribbles();
}

/** Leave the result that is shown; that of the job `kept` stays on the server. */
function leaveResult(kept) {
  runner.forget(kept);
  regions.close();
}

// ---- what is on the screen

function showWork() {
  if ($("start").contains(document.activeElement)) $("stage").focus({ preventScroll: true }); // else it is lost
  $("start").hidden = true;
  $("work").hidden = false;
  $("new-image").hidden = false;
  $("run-again").hidden = false;
  $("panels").insertBefore($("settings-panel"), $("panels").lastElementChild);
}

function showStart() {
  $("start").hidden = false;
  $("work").hidden = true;
  $("new-image").hidden = true;
  $("run-again").hidden = true;
  $("file-name").textContent = "";
  $("settings-home").append($("settings-panel"));
  pictureOf = source = null;
  leaveResult();
  view.tiles.open(null);
  $("file").value = "";
}

function describeResult() {
  remember(runner.result.id, regions.pack());
  const command = `${runner.result.command}${regions.flag()}`;
  // Lines break between flags only.
  $("command").replaceChildren(...command.split(/(?= --)/).flatMap((part, i) => {
    const span = Object.assign(document.createElement("span"), { textContent: part.trim() });
    return i ? [" ", span] : [part];
  }));
  const edits = regions.edits.length;
  $("command-note").hidden = edits === 0;
  $("command-note").textContent = `Without the ${edits} ${edits === 1 ? "change" : "changes"} by hand; the downloads have them.`;
}

function describeHover(node) {
  const known = node !== null && regions.isReady;
  $("readout-swatch").hidden = !known;
  $("readout-text").textContent = known ? capitalise(regions.describe(node)) : "\u00a0";
  if (known) $("readout-swatch").style.background = hex(regions.tree.meanColour(node));
}

function describeScribbles() {
  const { nLabels } = scribbles;
  $("clear-strokes").disabled = nLabels === 0;
  $("learn").disabled = nLabels < 2 || runner.isRunning === true;
  $("scribble-hint").hidden = nLabels !== 1;
}

// ---- controls

function chooseAll(files) {
  if (files.length < 2) return files[0] && choose(files[0]);
  const settings = form.read();
  if (!settings) return undefined;
  hideAlert();
  runner.cancel();
  showStart();
  showWork();
  return batch.start(files, settings);
}

function choose(file) {
  const { bytes } = server.limits;
  if (file.size > bytes) {
    return showAlert(`${file.name} is too large: ${mebibytes(file.size)}; at most ${mebibytes(bytes)} are taken here. The command line takes any size.`);
  }
  return file.name.endsWith(SESSION_SUFFIX) ? resume(file) : run({ file });
}

/** Go on with a piece of work that was saved. */
async function resume(file) {
  hideAlert();
  try {
    const { id } = await openSession(file);
    batch.clear();
    await reopen(id);
  } catch (error) {
    showAlert(error.message);
  }
}

/** Show another page of the same file: the browser's, the server's own, or one sent before. */
function turn(page) {
  const id = (runner.result ?? runner.job)?.id;
  run({ file: source.file, opened: source.opened, ...(id && !source.file && !source.opened ? { again: id } : {}), page });
}

const capitalise = (text) => text[0].toUpperCase() + text.slice(1);
const mebibytes = (size) => `${(size / 2 ** 20).toPrecision(3)} MiB`;

function wireStart() {
  $("file").addEventListener("change", () => chooseAll([...$("file").files]));
  $("page-number").addEventListener("change", () => {
    const { value, max, validity } = $("page-number");
    if (validity.valid && Number(value) <= max) turn(value - 1);
  });
  $("new-image").addEventListener("click", () => {
    runner.cancel();
    batch.clear();
    showStart();
    $("file").focus();
  });
  $("alert-close").addEventListener("click", hideAlert);
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("dragging");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.body.classList.remove("dragging");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dragging");
    chooseAll([...event.dataTransfer.files]);
  });
}

function wireView() {
  for (const radio of document.querySelectorAll("[name=layout], [name=fill]")) {
    radio.addEventListener("change", () => view.setOptions({ [radio.name]: radio.value }));
  }
  $("opacity").addEventListener("input", () => {
    view.setOptions({ opacity: $("opacity").valueAsNumber / 100 });
    $("opacity-value").textContent = `${$("opacity").value} %`;
  });
  $("outlines-only").addEventListener("change", () => view.setOptions({ outlinesOnly: $("outlines-only").checked }));
  $("zoom-in").addEventListener("click", () => view.zoom.key("+"));
  $("zoom-out").addEventListener("click", () => view.zoom.key("-"));
  $("zoom-fit").addEventListener("click", () => view.zoom.fit());
  $("full-screen").addEventListener("click", toggleFullScreen);
  $("run-again").addEventListener("click", () => run(source));
  $("copy").addEventListener("click", copyCommand);
  $("save-session").addEventListener("click", () =>
    api.downloadSession(runner.result.id, regions.pack()).catch((error) => showAlert(error.message)));
}

function showDownloads(list) {
  const buttons = list.map(({ kind, title }) => {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: title, disabled: true });
    button.dataset.kind = kind;
    button.addEventListener("click", () =>
      api.download(runner.result.id, kind, regions.wanted()).catch((error) => showAlert(error.message)));
    return button;
  });
  $("batch-kind").append(...list.map(({ kind, title }) => new Option(title, kind)));
  $("downloads").append(...buttons.filter((_, i) => list[i].common));
  $("more-downloads").append(...buttons.filter((_, i) => !list[i].common));
}

async function copyCommand() {
  try {
    await navigator.clipboard.writeText($("command").textContent);
    announce("Copied.");
    $("copy").textContent = "Copied";
    setTimeout(() => { $("copy").textContent = "Copy"; }, 1500);
  } catch {
    // Not allowed here: select the text, so that the user's own keys copy it.
    getSelection().selectAllChildren($("command"));
  }
}

function wireScribbles() {
  const brush = (label, text, colour) => {
    const row = document.createElement("label");
    const input = Object.assign(document.createElement("input"), { type: "radio", name: "brush", value: label, checked: label === 1 });
    const span = Object.assign(document.createElement("span"), { textContent: text });
    if (colour) {
      const [r, g, b] = [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));
      span.style.setProperty("--brush", colour);
      span.style.setProperty("--brush-ink", r * 0.3 + g * 0.59 + b * 0.11 > 100 ? "#000" : "#fff");
      input.setAttribute("aria-label", `Brush ${label}`);
    }
    input.addEventListener("change", () => { scribbles.brush = label; });
    row.append(input, span);
    return row;
  };
  $("brushes").append(...BRUSHES.map((colour, i) => brush(i + 1, String(i + 1), colour)), brush(0, "Erase"));
  $("brush-size").addEventListener("input", () => {
    scribbles.size = $("brush-size").valueAsNumber;
    $("brush-size-value").textContent = `${scribbles.size} px`;
  });
  $("scribble-panel").addEventListener("toggle", () => {
    pointer.setScribbling($("scribble-panel").open);
    if ($("scribble-panel").open && regions.isReady) regions.select(null);
  });
  $("clear-strokes").addEventListener("click", () => scribbles.clear());
  $("learn").addEventListener("click", () => run(source, true));
}

function showExamples(list) {
  $("examples").append(...list.map(({ name, title, credit }) => {
    const image = Object.assign(document.createElement("img"), { src: `/api/examples/${name}.jpg`, alt: "", width: 240, height: 180 });
    const text = Object.assign(document.createElement("span"), { textContent: title });
    const button = Object.assign(document.createElement("button"), { type: "button", title: credit });
    button.append(image, text);
    button.dataset.example = name;
    button.addEventListener("click", () => run({ example: name }));
    const item = document.createElement("li");
    item.append(button);
    return item;
  }));
}

async function open() {
  wireStart();
  wireView();
  wireScribbles();
  wireKeys({
    m: () => regions.merge(), s: () => regions.split(), u: (event) => (event.shiftKey ? history.redo() : history.undo()),
    a: () => regions.preset("auto"), o: () => $("outlines-only").click(),
    "[": () => regions.step(-1), "]": () => regions.step(1), Escape: () => regions.select(null),
    undo: () => history.undo(), redo: () => history.redo(),
    ...Object.fromEntries([1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => [n, () => tags.give(n)])),
    Backspace: () => tags.give(0), Delete: () => tags.give(0),
  }, view.zoom, () => regions.isReady);
  try {
    server = await api.fetchSettings();
    form = new SettingsForm($("settings-form"), server);
    const { bytes, decode_pixels: pixels } = server.limits;
    $("file-hint").textContent = `PNG, JPEG, TIFF or WebP, up to ${mebibytes(bytes)} and ${Math.round(pixels / 1e6)} megapixels. It stays on this server.`;
    showDownloads(server.downloads);
    showExamples(await api.fetchExamples());
    document.documentElement.dataset.ready = "yes";
    window.addEventListener("hashchange", () => location.reload()); // another job's address
    const { address } = JobRunner;
    batch.restore(address);
    if (address) reopen(address);
    else if (batch.items.length) showWork();
    else if (server.opened) run({ opened: true });
  } catch (error) {
    showAlert(error.message);
  }
}

open();
