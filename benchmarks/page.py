"""How quickly the page answers, measured in a real browser.

Prints a table and writes JSON::

    python benchmarks/page.py [--chromium /usr/bin/chromium] [--leaves 3000] [--sides 1000,5600]

The slider: milliseconds from the slider's event to the frame that shows the new regions, over many
positions, with the whole picture in view and zoomed in, on pictures of 1 and of 31 megapixels; and
the same from a click to the frame that shows a region selected. The first live picture: seconds
from the upload of a photograph of 1 megapixel until labels are on the canvas, with the real
segmenter.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright
from skimage import data

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from app_server import serving
from app_stand_in import colour_tree
from nuriwake.faces.web.picture import raster_picture
from nuriwake.faces.web.segmenting import run_task
from nuriwake.faces.web.server import create_app
from nuriwake.faces.web.work import Grown, Task
from nuriwake.jobs.warm_up import warm_up

ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"]
RESULTS = Path(__file__).parent / "results"
SHOWN = """const shown = () => new Promise((done) => requestAnimationFrame(() => {
    // A message is delivered after the frame has been drawn.
    const channel = new MessageChannel();
    channel.port1.onmessage = done;
    channel.port2.postMessage(0);
  }));"""
MOVE_SLIDER = f"""async () => {{
  {SHOWN}
  const slider = document.getElementById('slider');
  const times = [];
  for (let i = 0; i <= 60; i++) {{
    slider.value = Math.round((i * slider.max) / 60);
    await shown();
    const start = performance.now();
    slider.dispatchEvent(new Event('input'));
    await shown();
    times.push(performance.now() - start);
  }}
  return times;
}}"""
SELECT = f"""async () => {{
  {SHOWN}
  const layers = document.getElementById('layers');
  const {{ left, top, width, height }} = layers.getBoundingClientRect();
  const times = [];
  for (let i = 0; i <= 20; i++) {{
    const share = 0.2 + 0.03 * i;
    const at = {{ clientX: left + share * width, clientY: top + share * height }};
    await shown();
    const start = performance.now();
    layers.dispatchEvent(new MouseEvent('click', at));
    await shown();
    times.push(performance.now() - start);
  }}
  return times;
}}"""


def photograph(side: int) -> np.ndarray:
    """Tile a photograph, mirrored so that no seam shows."""
    cup = data.coffee()
    row = np.concatenate((cup, cup[:, ::-1]), axis=1)
    block = np.concatenate((row, row[::-1]), axis=0)
    repeats = [-(-side // size) for size in block.shape[:2]]
    return np.tile(block, (*repeats, 1))[:side, :side]


def save_photograph(side: int) -> Path:
    """Write it where the results are; the page takes JPEGs of this size."""
    path = RESULTS / f"photograph-{side}.jpg"
    Image.fromarray(photograph(side)).save(path, quality=90)
    return path


def upload(page: Page, path: Path) -> None:
    """Open the page's start and choose a file."""
    page.wait_for_selector("html[data-ready]")
    page.click("#settings-panel summary")
    page.select_option("#setting-recipe", "fast")
    page.set_input_files("#file", str(path))
    page.wait_for_selector("#slider-bar:not([hidden])", timeout=300_000)


def measure_slider(page: Page, path: Path, leaves: int) -> dict[str, float]:
    """Move the slider over its whole range."""

    def squares(task: Task, _: object) -> Grown:
        side = min(task.raster.shape)  # of what is learned from: a large picture is reduced
        return colour_tree(raster_picture(task.raster), max(1, round(side / leaves**0.5)))

    with serving(create_app(squares)) as address:
        page.goto(address)
        upload(page, path)
        fitted = np.array(page.evaluate(MOVE_SLIDER))
        selected = np.array(page.evaluate(SELECT))
        for _ in range(4):
            page.keyboard.press("+")
        zoomed = np.array(page.evaluate(MOVE_SLIDER))
        n_leaves = int(page.get_attribute("#count", "max") or 0)
        page.goto("about:blank")
    row = {"leaves": n_leaves}
    for name, times in (("", fitted), ("selected_", selected), ("zoomed_", zoomed)):
        row[f"{name}median_ms"] = float(np.median(times))
        row[f"{name}p95_ms"] = float(np.quantile(times, 0.95))
        row[f"{name}max_ms"] = float(times.max())
    return row


def measure_first_picture(page: Page, path: Path) -> dict[str, float]:
    """Upload a photograph to the real segmenter."""
    warm_up()
    with serving(create_app(run_task)) as address:
        page.goto(address)
        upload(page, path)
        marks = page.evaluate(
            "Object.fromEntries(performance.getEntriesByType('mark').map("
            "(mark) => [mark.name, mark.startTime]))"
        )
        page.goto("about:blank")
    return {
        "first_live_s": (marks["first-live"] - marks["submit"]) / 1000,
        "finished_s": (marks["finished"] - marks["submit"]) / 1000,
    }


def main() -> None:
    """Measure both, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--leaves", type=int, default=3000)
    parser.add_argument("--sides", default="1000,5600", help="of the square pictures, in pixels")
    options = parser.parse_args()
    sides = [int(side) for side in options.sides.split(",")]
    RESULTS.mkdir(exist_ok=True)
    paths = {side: save_photograph(side) for side in sides}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=options.chromium, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 860})
        rows = {
            f"slider, {side**2 / 1e6:.0f} MPix": measure_slider(page, path, options.leaves)
            for side, path in paths.items()
        }
        rows["upload"] = measure_first_picture(page, paths[min(sides)])
        browser.close()
    for name, row in rows.items():
        print(name, "  ".join(f"{key} {value:.2f}" for key, value in row.items()))
    (RESULTS / "page.json").write_text(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
