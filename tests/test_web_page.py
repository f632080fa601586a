"""The page in a real browser: every way that people go through it."""

from __future__ import annotations

import functools
import io
import json
import os
import re
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from app_server import serving
from app_stand_in import colour_tree
from conftest import REPOSITORY, require_or_skip
from nuriwake.faces.web.limits import Limits
from nuriwake.faces.web.picture import raster_picture
from nuriwake.faces.web.segmenting import run_task
from nuriwake.faces.web.server import create_app
from nuriwake.settings import Settings, read_settings

CHROMIUM = Path(os.environ.get("NURIWAKE_CHROMIUM", "/usr/bin/chromium"))
OUTPUT = REPOSITORY / "test-output"
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
ARGUMENTS += ["--disable-sync", "--disable-background-networking", "--disable-component-update"]
DESKTOP = {"width": 1280, "height": 860}
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def browser():
    require_or_skip(CHROMIUM.exists(), "NURIWAKE_REQUIRE_BROWSER", f"no browser at {CHROMIUM}")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def tasks():
    """What the runner was given, newest last."""
    return []


@pytest.fixture(scope="module")
def address(tasks):
    def runner(task, report):
        tasks.append(task)
        return run_task(task, report)

    with serving(
        create_app(runner, limits=Limits(upload_bytes=2**20, abandoned_seconds=0.5))
    ) as address:
        yield address


@pytest.fixture
def open_page(browser, address):
    """Open the page; any error in its scripts or against its policy fails the test."""
    contexts, faults = [], []

    def complain(message):
        # A refused request is told by the page itself; reading canvases is these tests' doing.
        expected = ("Failed to load resource", "willReadFrequently")
        if message.type in ("error", "warning") and not any(e in message.text for e in expected):
            faults.append(message.text)

    def open_one(**options):
        context = browser.new_context(**{"viewport": DESKTOP, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", complain)
        page.goto(address)
        page.wait_for_selector("html[data-ready]")
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture
def page(open_page):
    return open_page()


def picture(tmp_path, name="squares.png", shape=(120, 160)):
    """Write a picture of noisy squares."""
    rng = np.random.default_rng(1)
    values = rng.integers(0, 256, (shape[0] // 20, shape[1] // 20, 3)).repeat(20, 0).repeat(20, 1)
    path = tmp_path / name
    Image.fromarray(values.astype(np.uint8)).save(path)
    return path


def wait_live(page):
    """Wait for the first live picture. (Playwright's own wait for a function needs ``eval``.)"""
    deadline = time.monotonic() + 120
    while not page.evaluate("performance.getEntriesByName('first-live').length"):
        assert time.monotonic() < deadline
        page.wait_for_timeout(20)


def set_steps(page, n_steps):
    page.evaluate("document.getElementById('settings-panel').open = true")
    page.fill("#setting-max_iter", str(n_steps))
    page.evaluate("document.getElementById('settings-panel').open = false")


def wait_result(page):
    page.wait_for_selector("#slider-bar:not([hidden])")


@functools.cache
def small_coffee():
    """The example in small: a small part of the time."""
    with Image.open(REPOSITORY / "examples" / "coffee.png") as opened:
        small = opened.convert("RGB").resize((180, 120))
    buffer = io.BytesIO()
    small.save(buffer, "PNG")
    return {"name": "cup.png", "mimeType": "image/png", "buffer": buffer.getvalue()}


def run_cup(page, n_steps=10, wait=True):
    set_steps(page, n_steps)
    page.set_input_files("#file", small_coffee())
    if wait:
        wait_result(page)


def slide(page, count):
    """Move the slider by its keys until it says ``count``, then let a frame pass."""
    page.focus("#slider")
    for _ in range(80):
        now = int(page.input_value("#count"))
        if now == count:
            break
        page.keyboard.press("ArrowRight" if now < count else "ArrowLeft")
        page.evaluate("() => new Promise(requestAnimationFrame)")
    assert re.fullmatch(
        f"{count} (regions|labels)", page.get_attribute("#slider", "aria-valuetext")
    )


def colours_on_canvas(page):
    """Count the colours on the canvas of the regions."""
    return page.evaluate(
        """() => {
          const canvas = document.getElementById('layer-regions');
          const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
          return new Set(new Uint32Array(data.buffer)).size;
        }"""
    )


def save_download(page, kind, tmp_path):
    page.evaluate("document.getElementById('more-formats').open = true")
    with page.expect_download() as caught:
        page.click(f"[data-kind='{kind}']")
    path = tmp_path / caught.value.suggested_filename
    caught.value.save_as(path)
    return path


def shoot(page, name):
    OUTPUT.mkdir(exist_ok=True)
    page.screenshot(path=str(OUTPUT / f"{name}.png"))


def test_example_to_result_and_the_slider(page):
    shoot(page, "start")
    set_steps(page, 20)
    page.click("[data-example=coffee]")
    wait_result(page)
    for count in (5, 50):
        slide(page, count)
        assert colours_on_canvas(page) == count
    page.click("#auto")
    automatic = int(page.input_value("#count"))
    assert page.get_attribute("#auto", "aria-pressed") == "true"
    assert 50 < colours_on_canvas(page) <= 60 < automatic  # the palette has 60
    counts = []
    for detail in ("fine", "medium", "coarse"):
        page.click(f"#{detail}")
        assert page.text_content("#command").endswith(f"--detail {detail}")
        counts.append(int(page.input_value("#count")))
    assert counts[0] > automatic > counts[1] > counts[2] > 1
    page.fill("#count", "7")
    page.keyboard.press("Enter")
    assert colours_on_canvas(page) == 7
    page.focus("#layers")
    page.keyboard.press("]")
    assert page.input_value("#count") == "8"
    assert page.text_content("#announce") == "8 regions"
    shoot(page, "result")


def test_labels_form_while_it_trains(page):
    run_cup(page, 2000, wait=False)
    wait_live(page)
    painted = page.evaluate(
        """() => {
          const canvas = document.getElementById('layer-live');
          const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
          return data.some((value) => value > 0);
        }"""
    )
    assert painted
    assert re.search(r"step \d+ of 2000 · \d+ labels", page.text_content("#progress-detail"))
    shoot(page, "live")


def test_cancel_stops_and_leaves_a_page_to_go_on_with(page):
    with page.expect_request(lambda request: request.method == "DELETE"):
        run_cup(page, 100_000, wait=False)
        wait_live(page)
        page.click("#cancel")
    page.wait_for_selector("#progress", state="hidden")
    run_again(page, 5)
    slide(page, 9)
    run_again(page, 100_000, wait=False)
    page.click("#cancel")
    wait_result(page)  # the result before it is shown again
    assert colours_on_canvas(page) == 9


def run_again(page, n_steps, wait=True):
    page.click("#settings-panel summary")
    page.fill("#setting-max_iter", str(n_steps))
    page.click("#run-again")
    page.click("#settings-panel summary")
    if wait:
        wait_result(page)


@pytest.mark.parametrize("kind", ["regions.png", "regions.tif"])
def test_the_files_regions_equal_the_pages(page, tmp_path, kind):
    page.set_input_files("#file", picture(tmp_path))
    wait_result(page)
    slide(page, 9)
    page.evaluate("document.getElementById('layers').scrollIntoView()")
    page.click("#layers", position={"x": 20, "y": 20})
    page.keyboard.press("m")
    n_regions = int(page.input_value("#count"))
    path = save_download(page, kind, tmp_path)
    assert path.name == f"squares.{kind}"
    with Image.open(path) as opened:
        labels = np.asarray(opened)
    assert labels.max() == n_regions < 9
    # One label a colour, pixel for pixel.
    shown = page.evaluate(
        """() => {
          const canvas = document.getElementById('layer-regions');
          const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
          return Array.from(new Uint32Array(data.buffer));
        }"""
    )
    pairs = np.unique(np.stack((labels.ravel(), np.array(shown))), axis=1)
    assert pairs.shape[1] == n_regions


def test_every_download_is_the_cut_that_is_shown(page, tmp_path):
    page.set_input_files("#file", picture(tmp_path))
    wait_result(page)
    slide(page, 6)
    features = json.loads(save_download(page, "geojson", tmp_path).read_text())["features"]
    annotations = json.loads(save_download(page, "coco.json", tmp_path).read_text())["annotations"]
    assert len(features) == len(annotations) == 6
    with Image.open(save_download(page, "overlay.png", tmp_path)) as overlay:
        assert overlay.size == (160, 120)
    written = read_settings(save_download(page, "settings.toml", tmp_path))
    assert Settings(**written) == Settings()
    assert page.text_content("#command") == "nuriwake segment squares.png --regions 6"


def test_select_merge_split_undo_by_keyboard(page):
    run_cup(page)
    slide(page, 10)
    page.focus("#layers")
    page.keyboard.press("ArrowRight")
    assert page.is_visible("#crosshair")
    page.keyboard.press("Enter")
    assert page.text_content("#selection-number").endswith("of 10")
    assert "Selected region" in page.text_content("#announce")
    page.keyboard.press("s")
    assert (page.input_value("#count"), colours_on_canvas(page)) == ("11", 11)
    page.keyboard.press("m")
    page.keyboard.press("m")
    assert int(page.input_value("#count")) < 10
    assert "changes by hand" in page.text_content("#command-note")
    merged = page.input_value("#count")
    for _ in range(3):
        page.keyboard.press("u")
    assert (page.input_value("#count"), colours_on_canvas(page)) == ("10", 10)
    for _ in range(3):
        page.keyboard.press("Shift+U")
    assert page.input_value("#count") == merged
    assert page.is_disabled("#redo")
    for _ in range(3):
        page.keyboard.press("Control+z")
    assert page.input_value("#count") == "10"
    automatic = page.get_attribute("#auto", "title").split(": ")[1].split()[0]
    while page.is_enabled("#undo"):  # the slider's way too
        page.click("#undo")
    assert page.input_value("#count") == automatic
    slide(page, 10)
    page.click("#layers")
    assert page.is_visible("#selection")
    page.focus("#layers")
    page.keyboard.press("Escape")
    assert page.is_hidden("#selection")


def test_views(page):
    run_cup(page)
    page.hover("#layers", position={"x": 100, "y": 100})
    assert re.match(
        r"Region \d+ · [\d,]+ px · [\d.]+ % · mean #\w{6}", page.text_content("#readout")
    )
    page.get_by_text("Side by side").click()
    assert page.is_visible("#photo-alone")
    page.locator("#outlines-only").check()
    assert page.eval_on_selector("#layer-regions", "e => e.style.opacity") == "0"
    shoot(page, "outlines-side-by-side")
    page.locator("#outlines-only").uncheck()
    page.fill("#opacity", "80")
    assert page.eval_on_selector("#layer-regions", "e => e.style.opacity") == "0.8"
    page.get_by_text("Mean colour", exact=True).first.click()
    assert colours_on_canvas(page) == int(page.input_value("#count"))


def test_scribble_undo_erase_and_relearn(page, tasks):
    run_cup(page)
    page.click("#scribble-panel summary")
    # The browser tells that the panel is open in a task of its own.
    page.wait_for_selector(".painting")
    box = page.locator("#layers").bounding_box()

    def stroke(x, y, length=120):
        page.mouse.move(box["x"] + x, box["y"] + y)
        page.mouse.down()
        page.mouse.move(box["x"] + x + length, box["y"] + y, steps=6)
        page.mouse.up()

    def labels_painted():
        return page.evaluate(
            """() => {
              const canvas = document.getElementById('layer-scribbles');
              const { width, height } = canvas;
              const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
              return new Set(new Uint32Array(data.buffer)).size - 1;
            }"""
        )

    stroke(100, 80)
    page.get_by_role("radio", name="Brush 2").check(force=True)
    stroke(100, 200)
    assert labels_painted() == 2
    page.keyboard.press("Control+z")
    assert labels_painted() == 1
    page.keyboard.press("Control+y")
    assert labels_painted() == 2
    page.click("#clear-strokes")
    assert labels_painted() == 0
    page.click("#undo")
    page.click("#undo")
    assert labels_painted() == 1
    stroke(100, 200)
    page.get_by_role("radio", name="Erase").check(force=True)
    page.fill("#brush-size", "20")
    stroke(90, 200, 140)
    shoot(page, "scribble")
    assert page.is_disabled("#learn")
    assert page.is_visible("#scribble-hint")
    page.get_by_role("radio", name="Brush 3").check(force=True)
    stroke(300, 300)
    page.click("#learn")
    page.wait_for_selector("#slider-bar", state="hidden")
    wait_result(page)
    assert tasks[-1].scribbles.shape == (120, 180)
    assert set(np.unique(tasks[-1].scribbles)) == {0, 1, 3}
    assert labels_painted() == 2  # they stay, to be added to
    painted = page.evaluate(
        """() => {
          const at = (name, row, col) => [...document.getElementById(name).getContext('2d')
            .getImageData(col, row, 1, 1).data].slice(0, 3).join();
          const find = (brush) => {
            const { width, height } = document.getElementById('layer-scribbles');
            for (let row = 0; row < height; row++) for (let col = 0; col < width; col++)
              if (at('layer-scribbles', row, col) === brush) return [row, col];
          };
          return ['230,159,0', '0,158,115'].map((brush) => at('layer-regions', ...find(brush)));
        }"""
    )
    assert painted == ["230,159,0", "0,158,115"]  # what was drawn has its brush's colour
    assert page.text_content("#slider-label") == "Regions"
    assert page.input_value("#count") == page.get_attribute("#count", "min")
    assert colours_on_canvas(page) == 2  # and nothing else is left


#: A network that also a slow machine trains while one waits.
SMALL = {"max_iter": "5", "n_channels": "16", "max_labels": "16"}


def test_classes_name_and_colour_regions(page, tmp_path):
    run_cup(page)
    slide(page, 6)
    page.click("#classes-panel summary")
    for name in ("cup", "table"):
        page.click("#add-class")
        page.keyboard.type(name)
        page.keyboard.press("Tab")
    page.click("#layers", position={"x": 20, "y": 20})
    page.focus("#layers")
    page.keyboard.press("2")
    assert page.text_content("#selection-class") == "table"
    assert page.text_content("#announce").startswith("table · region ")
    page.locator("#classes input[type=color]").nth(1).fill("#123456")
    painted = colour_at(page, 2, 2)
    assert painted == "18,52,86"
    slide(page, 12)  # the class stays with the pixels
    assert colour_at(page, 2, 2) == painted
    coco = json.loads(save_download(page, "coco.json", tmp_path).read_text())
    names = {category["id"]: category["name"] for category in coco["categories"]}
    assert set(names.values()) == {"region", "table"}
    features = json.loads(save_download(page, "geojson", tmp_path).read_text())["features"]
    tagged = [f["properties"] for f in features if f["properties"].get("class") == "table"]
    assert tagged
    assert {properties["fill"] for properties in tagged} == {"#123456"}
    shoot(page, "classes")
    page.get_by_role("button", name="Remove class 2").click()
    assert colour_at(page, 2, 2) != painted
    page.click("#undo")
    assert colour_at(page, 2, 2) == painted
    while page.is_enabled("#undo"):
        page.click("#undo")
    assert page.locator("#classes li").count() == 0


def test_a_session_is_saved_and_opened_again(page, open_page, tmp_path, tasks):
    run_cup(page)
    slide(page, 9)
    page.click("#layers", position={"x": 20, "y": 20})
    page.keyboard.press("s")
    page.click("#classes-panel summary")
    page.click("#add-class")
    page.keyboard.type("wood")
    page.keyboard.press("Tab")
    page.focus("#layers")
    page.keyboard.press("1")
    before = page.input_value("#count"), colours_on_canvas(page), page.text_content("#command")
    assert before[0] == "10"
    with page.expect_download() as caught:
        page.click("#save-session")
    path = tmp_path / caught.value.suggested_filename
    assert path.name == "cup.nuriwake.zip"
    caught.value.save_as(path)

    def now(page):
        assert page.input_value("#classes input[type=text]") == "wood"
        return page.input_value("#count"), colours_on_canvas(page), page.text_content("#command")

    page.reload()  # the tab itself remembers as much
    wait_result(page)
    assert now(page) == before
    n_tasks = len(tasks)
    other = open_page()
    other.set_input_files("#file", path)
    wait_result(other)
    assert now(other) == before
    assert other.text_content("#file-name") == "cup.png · 180 × 120"
    assert len(tasks) == n_tasks  # nothing is learned again
    path.write_bytes(path.read_bytes()[:-500])
    other.click("#new-image")
    other.set_input_files("#file", path)
    other.wait_for_selector("#alert:not([hidden])")
    assert "not a session" in other.text_content("#alert-text")


def test_several_pictures_with_the_same_settings(page, tmp_path, tasks):
    files = [
        picture(tmp_path, f"{name}.png", shape)
        for name, shape in (("a", (60, 80)), ("c", (40, 60)))
    ]
    broken = tmp_path / "b.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")
    set_steps(page, 4)
    page.set_input_files("#file", [files[0], broken, files[1]])
    page.wait_for_selector("#batch-list li:nth-child(3) button:enabled")
    wait_result(page)
    rows = page.locator("#batch-list button").all_text_contents()
    assert [row[:5] for row in rows] == ["a.png", "b.png", "c.png"]
    assert "not an image" in rows[1]
    assert [task.settings.max_iter for task in tasks[-2:]] == [4, 4]
    assert page.text_content("#file-name") == "a.png · 80 × 60"
    page.click("#batch-list li:nth-child(3) button")
    wait_named(page, "c.png · 60 × 40")
    page.click("#batch-list li:nth-child(1) button")
    wait_named(page, "a.png · 80 × 60")
    shoot(page, "batch")
    page.reload()  # the list is kept
    page.wait_for_selector("#batch-list li:nth-child(3) button:enabled")
    wait_named(page, "a.png · 80 × 60")
    assert page.locator("#batch-list button").all_text_contents() == rows
    page.click("#batch-list li:nth-child(3) button")
    wait_named(page, "c.png · 60 × 40")
    page.select_option("#batch-kind", "labels.png")
    with page.expect_download() as caught:
        page.click("#batch-download")
    path = tmp_path / caught.value.suggested_filename
    caught.value.save_as(path)
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["01-a.labels.png", "02-c.labels.png"]


def test_a_list_goes_on_after_a_reload_while_it_learns(page, tmp_path):
    set_steps(page, 40)
    page.set_input_files("#file", [picture(tmp_path, "a.png"), picture(tmp_path, "b.png")])
    page.wait_for_selector("#batch-list li:first-child:has-text('learns')")
    page.reload()
    page.wait_for_selector("#batch-list li:first-child:has-text('done')")
    assert "choose it again" in page.text_content("#batch-list li:last-child")
    wait_named(page, "a.png · 160 × 120")


def wait_named(page, text):
    page.wait_for_selector(f"#file-name:text-is('{text}')")
    wait_result(page)


def test_a_page_of_a_stack_and_a_reduced_picture(browser, open_page, tmp_path):
    path = tmp_path / "stack.tif"
    pages = np.random.default_rng(0).integers(0, 255, (3, 40, 60)).astype(np.uint8)
    tifffile.imwrite(path, pages, imagej=True, metadata={"axes": "ZYX"})
    app = create_app(
        lambda task, _: colour_tree(raster_picture(task.raster), 8), limits=Limits(pixels=2500)
    )
    with serving(app) as address:
        page = open_page()
        page.goto(address)
        page.wait_for_selector("html[data-ready]")
        page.set_input_files("#file", path)
        wait_named(page, "stack.tif · 60 × 40")
        assert page.text_content("#page-count") == "of 3"
        page.fill("#page-number", "3")
        page.keyboard.press("Enter")
        page.wait_for_selector("#command:has-text('--plane z=2')")
        assert page.is_hidden("#reduced")
        page.reload()  # the page is kept, and the server has the others
        wait_named(page, "stack.tif · 60 × 40")
        assert page.input_value("#page-number") == "3"
        page.fill("#page-number", "1")
        page.keyboard.press("Enter")
        page.wait_for_selector("#command:has-text('--plane z=0')")
        page.click("#new-image")
        page.set_input_files("#file", picture(tmp_path))
        wait_named(page, "squares.png · 160 × 120")
        assert page.is_visible("#reduced")
        assert "at 1/3 of" in page.text_content("#reduced")
        assert "160 × 120 pixels, in steps of 3" in page.text_content("#download-size")
        page.hover("#layers", position={"x": 200, "y": 200})
        assert "576 px" in page.text_content("#readout-text")  # 8 x 8 squares of 3 x 3
        assert page.is_hidden("#pages")
        with page.expect_download() as download:
            page.click("#save-session")
        download.value.save_as(tmp_path / "squares.nuriwake.zip")
        page.set_input_files("#file", tmp_path / "squares.nuriwake.zip")
        page.wait_for_selector('#reduced:has-text("Zoom in to see it in full")')
        wait_named(page, "squares.png · 160 × 120")
        page.goto("about:blank")


def test_a_large_picture_is_seen_in_full_where_one_zooms_in(browser, open_page, tmp_path):
    """What 31 megapixels show and their average hides: lines of one pixel."""
    values = np.full((4800, 6480), 90, np.uint8)
    values[:, 3000:] = 160
    values[2200:2600:2, 2800:3600], values[2201:2600:2, 2800:3600] = 0, 255
    path = tmp_path / "large.png"
    Image.fromarray(values).save(path, compress_level=1)

    def greys(at="#layer-tiles"):
        return page.eval_on_selector(
            at,
            """(canvas) => {
              if (canvas.hidden) return 0;
              const { width, height } = canvas;
              const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
              let [dark, light] = [255, 0];
              for (let i = 0; i < data.length; i += 4) {
                if (data[i + 3] < 255) continue;
                dark = Math.min(dark, data[i]);
                light = Math.max(light, data[i]);
              }
              return light - dark;
            }""",
        )

    app = create_app(lambda task, _: colour_tree(raster_picture(task.raster), 240))
    with serving(app) as address:
        page = open_page()
        page.goto(address)
        page.wait_for_selector("html[data-ready]")
        page.set_input_files("#file", path)
        wait_named(page, "large.png · 6480 × 4800")
        assert greys() == 0  # the copy is fine enough
        assert greys("#layer-photo") < 120
        page.fill("#count", "30")
        page.keyboard.press("Enter")
        # No more of the regions is painted than the screen has dots for; and all of them.
        sides = "e => [e.clientWidth, e.width]"
        assert page.eval_on_selector("#layer-regions", sides)[0] == 3240
        assert 500 < page.eval_on_selector("#layer-regions", sides)[1] <= 3240 / 2
        assert colours_on_canvas(page) == 30
        page.click("#layers", position={"x": 200, "y": 200})
        page.wait_for_selector("#selection:not([hidden])")
        assert 500 < page.eval_on_selector("#layer-selection", sides)[1] <= 3240 / 2
        page.focus("#layers")
        for _ in range(10):
            page.keyboard.press("+")
        for _ in range(200):
            if greys() > 220:
                break
            page.wait_for_timeout(50)
        assert greys() > 220
        for layer in ("regions", "selection"):
            assert page.eval_on_selector(f"#layer-{layer}", sides) == [3240, 3240]
        page.get_by_text("Side by side").click()
        assert greys("#tiles-alone") > 220
        shoot(page, "large")
        page.click("#zoom-fit")
        page.wait_for_selector("#layer-tiles", state="hidden")
        page.goto("about:blank")


def colour_at(page, row, col):
    return page.evaluate(
        """([row, col]) => [...document.getElementById('layer-regions').getContext('2d')
          .getImageData(col, row, 1, 1).data].slice(0, 3).join()""",
        [row, col],
    )


def test_the_published_recipes_give_labels(page):
    page.click("#settings-panel summary")
    page.select_option("#setting-recipe", "tip2020")
    for name, value in SMALL.items():
        page.fill(f"#setting-{name}", value)
    page.set_input_files("#file", small_coffee())
    wait_result(page)
    assert page.text_content("#slider-label") == "Labels"
    count = int(page.input_value("#count"))
    assert page.get_attribute("#slider", "aria-valuetext") == f"{count} labels"
    assert page.is_hidden("#medium")
    command = page.text_content("#command")
    assert "--recipe tip2020" in command
    assert "--max-iter 5" in command
    slide(page, count - 1)
    assert page.text_content("#command") == f"{command} --labels {count - 1}"
    assert page.is_hidden("#setting-n_superpixels")  # another recipe's


def test_scribbles_by_keyboard(page):
    run_cup(page)
    page.click("#scribble-panel summary")
    # The browser tells that the panel is open in a task of its own.
    page.wait_for_selector(".painting")
    page.focus("#layers")
    for brush in ("Brush 1", "Brush 2"):
        page.get_by_role("radio", name=brush).check(force=True)
        page.focus("#layers")
        page.keyboard.press("Enter")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowDown")
    assert page.is_enabled("#learn")


def test_a_corrupt_upload_is_told(page, tmp_path):
    path = tmp_path / "broken.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")
    page.set_input_files("#file", path)
    page.wait_for_selector("#alert:not([hidden])")
    assert page.text_content("#alert-text").startswith("broken.png: not an image")
    assert page.is_visible("#drop")
    page.click("#alert-close")
    run_cup(page)


def test_a_too_large_upload_is_told_before_it_is_sent(page, tmp_path):
    posts = []
    page.on("request", lambda request: posts.append(request) if request.method == "POST" else None)
    path = tmp_path / "large.png"
    path.write_bytes(bytes(2**20 + 1))
    page.set_input_files("#file", path)
    page.wait_for_selector("#alert:not([hidden])")
    assert "large.png is too large: 1.00 MiB; at most 1.00 MiB" in page.text_content("#alert-text")
    assert posts == []


def test_a_wrong_setting_is_told_where_it_is(page):
    page.click("#settings-panel summary")
    page.fill("#setting-n_layers", "0")
    page.click("[data-example=coffee]")
    assert page.eval_on_selector("#setting-n_layers", "e => e === document.activeElement")
    assert page.is_visible("#drop")
    page.fill("#setting-n_layers", "2")
    page.fill("#setting-learning_rate", "0")  # only the server knows that 0 itself is out
    page.click("[data-example=coffee]")
    page.wait_for_selector("#alert:not([hidden])")
    assert "`learning_rate` must be" in page.text_content("#alert-text")


def test_two_tabs_at_once(open_page, tmp_path):
    first, second = open_page(), open_page()
    run_cup(first, wait=False)
    second.set_input_files("#file", picture(tmp_path))
    wait_result(first)
    wait_result(second)
    assert first.text_content("#file-name").startswith("cup.png")
    assert second.text_content("#file-name").startswith("squares.png")
    slide(first, 5)
    slide(second, 12)
    assert (colours_on_canvas(first), colours_on_canvas(second)) == (5, 12)


def test_another_picture_starts_afresh(page, tmp_path):
    run_cup(page)
    page.click("#new-image")
    assert page.is_visible("#drop")
    page.set_input_files("#file", picture(tmp_path))
    wait_result(page)
    assert page.text_content("#file-name") == "squares.png · 160 × 120"


def test_a_run_survives_a_reload(page, tasks):
    run_cup(page, 60, wait=False)
    wait_live(page)
    n_tasks = len(tasks)
    for _ in range(2):  # while it runs, and when it is done
        page.reload()
        wait_result(page)
        assert page.text_content("#file-name") == "cup.png · 180 × 120"
        assert page.text_content("#command").endswith("--max-iter 60")
        assert page.input_value("#setting-max_iter") == "60"
    assert len(tasks) == n_tasks
    run_again(page, 5)  # the server still has the picture
    assert tasks[-1].settings.max_iter == 5
    page.click("#new-image")
    assert page.evaluate("location.hash") == ""
    page.goto(page.url + "#job=no-such-job")
    page.wait_for_selector("#alert:not([hidden])")
    assert "no such job" in page.text_content("#alert-text")
    assert page.is_visible("#drop")


def test_every_control_has_a_name_and_a_place_in_the_tab_order(page):
    run_cup(page)
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll('button, input, select, a[href]')]
          .filter((e) => !e.closest('[hidden]'))
          .filter((e) => !(e.labels?.length || e.ariaLabel || e.textContent.trim()))
          .map((e) => e.outerHTML)"""
    )
    assert unnamed == []
    page.focus(".skip")
    seen = []
    for _ in range(5):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.id"))
    assert seen == ["new-image", "show-keys", "layers", "zoom-in", "full-screen"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_have_enough_contrast(open_page, scheme):
    page = open_page(color_scheme=scheme)
    run_cup(page, n_steps=5)
    pairs = page.evaluate(
        """() => {
          const style = (e) => getComputedStyle(e);
          const ground = (e) => {
            while (e && style(e).backgroundColor === 'rgba(0, 0, 0, 0)') e = e.parentElement;
            return style(e || document.documentElement).backgroundColor;
          };
          return [...document.querySelectorAll('body *')]
            .filter((e) => e.checkVisibility() && [...e.childNodes].some(
              (n) => n.nodeType === 3 && n.data.trim()) && !e.closest(':disabled'))
            .map((e) => [e.textContent.trim().slice(0, 30), style(e).color, ground(e)]);
        }"""
    )
    assert len(pairs) > 25

    def luminance(colour):
        channels = [int(value) / 255 for value in re.findall(r"\d+", colour)[:3]]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for text, ink, paper in pairs:
        light, dark = sorted((luminance(ink), luminance(paper)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, ink, paper)
    shoot(page, f"result-{scheme}")


def zoom_percent(page):
    return float(page.text_content("#zoom-value").split()[0])


def test_zoom_by_wheel_keys_drag_and_minimap(page):
    run_cup(page)
    fitted = zoom_percent(page)
    assert page.is_hidden("#minimap")
    box = page.locator("#layers").bounding_box()
    at = (box["x"] + 0.3 * box["width"], box["y"] + 0.6 * box["height"])
    page.mouse.move(*at)
    under = page.text_content("#readout-text")
    for _ in range(5):
        page.mouse.wheel(0, -250)
    page.mouse.move(at[0] + 1, at[1])
    assert page.text_content("#readout-text") == under  # the point under the pointer stays
    assert zoom_percent(page) > 4 * fitted
    assert page.is_visible("#minimap")
    page.mouse.down()
    page.mouse.move(at[0] + 200, at[1] + 50, steps=4)
    page.mouse.up()
    assert page.is_hidden("#selection")  # a drag selects nothing
    page.mouse.move(at[0] + 201, at[1] + 50)
    assert page.text_content("#readout-text") == under  # it has moved along
    page.mouse.click(at[0] + 201, at[1] + 50)
    assert page.is_visible("#selection")
    shoot(page, "zoomed")
    frame = page.locator("#minimap-frame").bounding_box()
    page.click("#minimap", position={"x": 5, "y": 5})
    assert page.locator("#minimap-frame").bounding_box()["x"] < frame["x"]
    page.keyboard.press("0")
    assert zoom_percent(page) == fitted
    page.keyboard.press("1")
    assert zoom_percent(page) == max(100, fitted)  # never less than the whole
    page.focus("#layers")
    for _ in range(9):
        page.keyboard.press("+")
    start = page.locator("#minimap-frame").bounding_box()
    for _ in range(60):
        page.keyboard.press("ArrowRight")
    assert page.locator("#minimap-frame").bounding_box()["x"] > start["x"]  # the view follows
    mark = page.locator("#crosshair").bounding_box()
    assert box["x"] < mark["x"] < box["x"] + box["width"]
    page.click("#full-screen")
    assert page.evaluate("document.fullscreenElement.id") == "stage-column"
    assert page.is_visible("#slider")
    page.keyboard.press("f")
    page.keyboard.press("?")
    assert page.is_visible("#keys")
    page.keyboard.press("Escape")
    assert page.is_hidden("#keys")


def test_a_strip_is_usable(page, tmp_path):
    page.set_input_files("#file", picture(tmp_path, "strip.png", (20, 800)))
    wait_result(page)
    assert page.locator("#layers").bounding_box()["height"] > 200
    for _ in range(12):
        page.keyboard.press("+")
    assert zoom_percent(page) > 1000
    page.click("#layers", position={"x": 300, "y": 150})
    assert page.is_visible("#selection")


def test_two_fingers_pinch(open_page):
    page = open_page(viewport=PHONE, has_touch=True, is_mobile=True)
    run_cup(page)
    fitted = zoom_percent(page)
    box = page.locator("#layers").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch = page.context.new_cdp_session(page)

    def send(kind, *spread):
        points = [{"x": x + d, "y": y, "id": i} for i, d in enumerate(spread)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    send("touchStart", -20, 20)
    for half in (30, 45, 60):
        send("touchMove", -half, half)
    send("touchEnd")
    assert 2.5 * fitted < zoom_percent(page) < 3.5 * fitted
    assert page.is_hidden("#selection")


def test_a_phone_sized_window_scrolls_in_one_direction(open_page):
    page = open_page(viewport=PHONE, has_touch=True, is_mobile=True, device_scale_factor=2)
    shoot(page, "phone-start")
    run_cup(page)
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["width"]
    box = page.locator("#slider").bounding_box()
    assert box["y"] + box["height"] <= PHONE["height"]  # the slider is on the screen at once
    page.tap("#layers", position={"x": 60, "y": 60})
    assert page.is_visible("#selection")
    shoot(page, "phone-result")


def test_the_segmenter_itself_behind_the_page(browser, open_page):
    """With the recipe ``fast``: the screenshot that the README shows."""
    with serving(create_app(run_task)) as address:
        page = open_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(120_000)  # compiling comes first where nothing is cached
        page.goto(address)
        page.wait_for_selector("html[data-ready]")
        page.click("#settings-panel summary")
        page.select_option("#setting-recipe", "fast")
        page.click("#settings-panel summary")
        page.click("[data-example=coffee]")
        wait_live(page)
        wait_result(page)
        for count in (5, 24):
            page.fill("#count", str(count))
            page.keyboard.press("Enter")
            assert colours_on_canvas(page) == count
        page.evaluate("document.activeElement.blur()")
        page.mouse.move(640, 300)
        shoot(page, "page")
        page.goto("about:blank")
