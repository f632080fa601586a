"""The page's server without a browser: limits, the queue, who may talk to it, what it tells."""

import base64
import gc
import gzip
import io
import json
import tempfile
import threading
import time
import weakref
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from skimage.measure import label

from app_server import local_client
from nuriwake.errors import UsageError
from nuriwake.faces.web import serving
from nuriwake.faces.web.limits import Limits
from nuriwake.faces.web.security import Access
from nuriwake.faces.web.segmenting import run_task
from nuriwake.faces.web.server import create_app
from nuriwake.jobs.kinds import KINDS

TOKEN = "a-token-of-enough-letters"


def png(height=32, width=48, mode="RGB", seed=0):
    shape = (height // 8 + 1, width // 8 + 1, 3)[: 2 if mode == "L" else 3]
    squares = np.random.default_rng(seed).integers(0, 255, shape, dtype=np.uint8)
    values = squares.repeat(8, 0).repeat(8, 1)[:height, :width]
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def client():
    with local_client(create_app(run_task)) as client:
        yield client


class Gate:
    """A runner that waits until it is opened, reporting as it waits."""

    def __init__(self):
        self.opened = threading.Event()
        self.running = threading.Event()
        self.reports = 0

    def __call__(self, task, report):
        self.running.set()

        def report_and_wait(progress):
            self.reports += 1
            report(progress)
            self.opened.wait(0.01)

        while not self.opened.is_set():
            run_task(task, report_and_wait)
        return run_task(task, report)


def post(client, data=None, settings=None, name="cup.png", **form):
    """Post a job; three steps unless the settings say otherwise."""
    files = {"image": (name, data)} if data is not None else {}
    body = {"settings": json.dumps(settings if settings is not None else {"max_iter": 3}), **form}
    return client.post("/api/jobs", files=files or None, data=body)


def wait_over(client, job_id):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        state = client.get(f"/api/jobs/{job_id}").json()["state"]
        if state not in ("queued", "running"):
            return state
        time.sleep(0.01)
    raise TimeoutError(job_id)


def finish(client, data=None, **kwargs):
    job = post(client, png() if data is None else data, **kwargs).json()
    assert wait_over(client, job["id"]) == "done"
    return job


def read_tree(content):
    """Unpack the block of the tree, from its description."""
    length = int.from_bytes(content[:4], "little")
    header = json.loads(content[4 : 4 + length])
    arrays = {
        name: np.frombuffer(content, np.dtype(a["type"]), a["length"], 4 + length + a["offset"])
        for name, a in header["arrays"].items()
    }
    return header, arrays


def read_map(content, kind):
    """Read a map of ids back by another library than the one that wrote it."""
    if kind.endswith(".zip"):
        import zarr

        with tempfile.TemporaryDirectory() as folder:
            zipfile.ZipFile(io.BytesIO(content)).extractall(folder)
            (found,) = Path(folder).iterdir()
            return np.squeeze(np.asarray(zarr.open(str(found / "0"), mode="r")))
    stream = io.BytesIO(content)
    return tifffile.imread(stream) if kind.endswith(".tif") else np.asarray(Image.open(stream))


# ---- a job from its upload to its files


def test_events_tell_the_steps_and_the_end(client):
    job = post(client, png(), {"max_iter": 5}).json()
    text = client.get(f"/api/jobs/{job['id']}/events").text
    names = [line[7:] for line in text.splitlines() if line.startswith("event: ")]
    assert names[-1] == "done"
    assert set(names) <= {"queued", "step", "done"}


def test_a_running_job_shows_steps_and_a_live_picture():
    gate = Gate()
    with local_client(create_app(gate, limits=Limits(preview_seconds=0.0))) as client:
        job_id = post(client, png(), {"max_iter": 50}).json()["id"]
        gate.running.wait(10)
        threading.Timer(0.3, gate.opened.set).start()
        text = client.get(f"/api/jobs/{job_id}/events").text
    data = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]
    steps = [d for d in data if d.get("iteration")]
    assert all(1 <= d["iteration"] <= d["max_iter"] == 50 for d in steps)
    assert all(d["n_labels"] >= 1 and d["seconds_left"] >= 0 for d in steps)
    preview = next(d["preview"] for d in steps if "preview" in d)
    assert Image.open(io.BytesIO(base64.b64decode(preview))).size == (48, 32)


def test_tree_and_label_files_agree(client):
    job = finish(client)
    header, arrays = read_tree(client.get(f"/api/jobs/{job['id']}/tree").content)
    assert (header["height"], header["width"]) == (32, 48) == (job["height"], job["width"])
    n_leaves = len(arrays["areas"])
    base = arrays["base"].reshape(32, 48)
    np.testing.assert_array_equal(np.bincount(base.ravel())[1:], arrays["areas"])
    url = f"/api/jobs/{job['id']}/download"
    for kind in ("regions.png", "regions.tif", "regions.zarr.zip"):
        answer = client.get(f"{url}/{kind}?n_regions=5")
        assert f'filename="cup.{kind}"' in answer.headers["content-disposition"]
        regions = read_map(answer.content, kind)
        assert set(np.unique(regions)) == {1, 2, 3, 4, 5}
        # The regions are unions of leaves.
        pairs = np.unique(np.stack((base.ravel(), regions.ravel())), axis=1)
        assert pairs.shape[1] == n_leaves
    coco = client.get(f"{url}/coco.json?n_regions=5").json()
    areas = [annotation["area"] for annotation in coco["annotations"]]
    assert areas == np.bincount(regions.ravel())[1:].tolist()
    features = client.get(f"{url}/geojson?n_regions=5").json()["features"]
    assert [feature["properties"]["pixels"] for feature in features] == areas
    overlay = Image.open(io.BytesIO(client.get(f"{url}/overlay.png?n_regions=5").content))
    assert (overlay.size, overlay.mode) == ((48, 32), "RGB")


@pytest.mark.parametrize("recipe", ["fast", "icassp2018", "tip2020"])
def test_labels_are_labels_and_regions_are_regions_with_every_recipe(client, recipe):
    small = {"n_channels": 8, "max_labels": 8} if recipe != "fast" else {}
    job = finish(client, settings={"recipe": recipe, "max_iter": 3, **small})
    header, arrays = read_tree(client.get(f"/api/jobs/{job['id']}/tree").content)
    assert header["parts"] == ("regions" if recipe == "fast" else "labels")
    url = f"/api/jobs/{job['id']}/download"
    maps = {k: read_map(client.get(f"{url}/{k}.png").content, k) for k in ("labels", "regions")}
    base = arrays["base"].reshape(32, 48)
    shown = np.append(np.int32(-1), arrays["auto"])[base]
    held = maps[header["parts"]]
    # One number in the file for each node on the page, and the other way round.
    pairs = np.unique(np.stack((shown.ravel(), held.ravel())), axis=1)
    assert len(set(pairs[0])) == len(set(pairs[1])) == pairs.shape[1]
    # Every region is connected; labels lie where they please.
    assert label(maps["regions"], connectivity=1, background=0).max() == maps["regions"].max()


def test_the_details_are_cut_as_the_tree_says(client):
    job = finish(client)
    _, arrays = read_tree(client.get(f"/api/jobs/{job['id']}/tree").content)
    url = f"/api/jobs/{job['id']}/download/regions.png"
    for detail in ("fine", "medium", "coarse"):
        regions = read_map(client.get(f"{url}?detail={detail}").content, "png")
        assert regions.max() == len(set(arrays[detail].tolist()))
    assert client.get(f"{url}?detail=finest").status_code == 422


def test_scribbles_can_be_taken_home(client):
    scribbles = np.zeros((32, 48), np.uint8)
    scribbles[2:6, 2:6], scribbles[20:24, 30:34] = 2, 1
    buffer = io.BytesIO()
    Image.fromarray(scribbles).save(buffer, "PNG")
    files = {"image": ("cup.png", png()), "scribbles": ("s.png", buffer.getvalue())}
    job = client.post("/api/jobs", files=files, data={"settings": '{"max_iter": 2}'}).json()
    assert job["command"].endswith("--max-iter 2 --scribbles cup.scribbles.png")
    assert wait_over(client, job["id"]) == "done"
    url = f"/api/jobs/{job['id']}/download/scribbles.png"
    np.testing.assert_array_equal(read_map(client.get(url).content, "png"), scribbles)
    plain = finish(client)
    assert client.get(f"/api/jobs/{plain['id']}/download/scribbles.png").status_code == 422


def test_edits_by_hand_reach_the_files(client):
    job = finish(client)
    url = f"/api/jobs/{job['id']}/download/regions.png?n_regions=1&edits="
    _, arrays = read_tree(client.get(f"/api/jobs/{job['id']}/tree").content)
    root = 2 * len(arrays["areas"]) - 2
    split = np.asarray(Image.open(io.BytesIO(client.get(url + f"s{root}").content)))
    assert set(np.unique(split)) == {1, 2}
    assert client.get(url + "s0").status_code == 422


def test_settings_come_back_as_toml_and_command(client):
    job = finish(client, settings={"max_iter": 2, "seed": 7})
    assert job["command"] == "nuriwake segment cup.png --seed 7 --max-iter 2"
    toml = client.get(f"/api/jobs/{job['id']}/download/settings.toml").text
    assert "seed = 7" in toml
    assert "max_iter = 2" in toml


def test_the_form_is_the_table_of_settings(client):
    from nuriwake.settings import Settings

    answer = client.get("/api/settings").json()
    fields = {field["name"]: field for field in answer["fields"]}
    assert set(Settings.model_fields) - set(fields) == {"device", "threads", "precision"}
    assert (fields["n_layers"]["minimum"], fields["n_layers"]["maximum"]) == (1, 16)
    assert fields["momentum"]["open_maximum"] is True
    assert fields["recipe"]["choices"] == [recipe["name"] for recipe in answer["recipes"]]


def test_examples_run_and_have_pictures(client):
    names = [example["name"] for example in client.get("/api/examples").json()]
    for name in names:
        picture = client.get(f"/api/examples/{name}.jpg")
        assert max(Image.open(io.BytesIO(picture.content)).size) <= 240
    job = post(client, example=names[0]).json()
    assert wait_over(client, job["id"]) == "done"
    assert client.get("/api/examples/passwd.jpg").status_code == 404


def test_scribbles_reach_the_runner():
    seen = []

    def runner(task, report):
        seen.append(task.scribbles)
        return run_task(task, report)

    scribbles = np.zeros((32, 48), np.uint8)
    scribbles[4:8, 5:9] = 3
    buffer = io.BytesIO()
    Image.fromarray(scribbles).save(buffer, "PNG")
    with local_client(create_app(runner)) as client:
        files = {"image": ("a.png", png()), "scribbles": ("s.png", buffer.getvalue())}
        body = {"settings": '{"max_iter": 1}'}
        job = client.post("/api/jobs", files=files, data=body).json()
        wait_over(client, job["id"])
        np.testing.assert_array_equal(seen[0], scribbles)
        files["scribbles"] = ("s.png", png(8, 8, "L"))
        answer = client.post("/api/jobs", files=files, data=body)
        assert answer.status_code == 422
        assert "48 x 32" in answer.json()["detail"]
        files["scribbles"] = ("s.png", b"no picture")
        assert client.post("/api/jobs", files=files, data=body).status_code == 422


def test_a_picture_of_16_bits_and_five_bands_is_shown(client):
    values = np.random.default_rng(0).integers(0, 4000, (20, 30, 5)).astype(np.uint16)
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, photometric="minisblack", planarconfig="contig")
    job = finish(client, buffer.getvalue(), name="scene.tif")
    picture = client.get(f"/api/jobs/{job['id']}/picture.jpg")
    assert Image.open(io.BytesIO(picture.content)).size == (30, 20)


# ---- what is refused


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "not an image"),
        (b"just some text", "not an image"),
        (b"\x89PNG\r\n\x1a\n broken", "not an image"),
        (png()[:120], "cannot be read"),
        (b"II*\x00\xff\xff\xff\xff rest", "not a TIFF"),
        (b"RIFF....WEBPnonsense", "not an image"),
    ],
)
def test_damaged_uploads_are_refused_without_a_path(client, data, told):
    answer = post(client, data)
    assert answer.status_code == 422
    message = answer.json()["detail"]
    assert message.startswith("cup.png: ")
    assert told in message
    assert "/" not in message.replace("PNG/JPEG", "")


def test_pixels_are_checked_before_decoding():
    # A header that promises 60 gigapixels, and nothing behind it.
    data = bytearray(png(1, 1))
    data[16:24] = (250_000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    with local_client(create_app(run_task)) as client:
        answer = post(client, bytes(data))
    assert answer.status_code == 422
    assert "pixels" in answer.json()["detail"] or "too large" in answer.json()["detail"]


def test_pages_and_bands_count_too():
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.zeros((40, 16, 16), np.uint8), photometric="minisblack")
    with local_client(create_app(run_task, limits=Limits(values=9_000))) as client:
        answer = post(client, buffer.getvalue(), name="stack.tif")
    assert answer.status_code == 422
    assert "16 x 16 x 40" in answer.json()["detail"]


def test_bytes_are_checked_by_the_announced_length():
    with local_client(create_app(run_task, limits=Limits(upload_bytes=1000))) as client:
        answer = post(client, bytes(2000))
        assert answer.status_code == 413
        assert "at most" in answer.json()["detail"]
        chunked = client.post("/api/jobs", content=iter([b"x" * 100]))
        assert chunked.status_code == 411


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"n_layers": 0}, "`n_layers` must be an int in [1, 16]; got 0."),
        ({"recipe": "cheese"}, "recipe"),
        ({"device": "cuda"}, "`device` is chosen by who runs the server"),
        ({"threads": 99}, "`threads` is chosen"),
        ([1], "a JSON object"),
        ({"path": "/etc/passwd"}, "there is no setting `path`"),
    ],
)
def test_wrong_settings_are_refused(client, settings, told):
    answer = post(client, png(), settings)
    assert answer.status_code == 422
    assert told in answer.json()["detail"]


def test_an_upload_name_is_only_ever_a_name(client):
    job = finish(client, name="../../etc/pass<b>wd.png")
    assert job["name"] == "passbwd.png"
    assert "pass" in job["command"]


def test_no_image_is_said(client):
    assert "send a file" in post(client).json()["detail"]


def test_unknown_jobs_and_kinds_are_404_and_results_must_exist():
    gate = Gate()
    with local_client(create_app(gate)) as client:
        assert client.get("/api/jobs/unknown/tree").status_code == 404
        job_id = post(client, png()).json()["id"]
        assert client.get(f"/api/jobs/{job_id}/tree").status_code == 409
        gate.opened.set()
        wait_over(client, job_id)
        assert client.get(f"/api/jobs/{job_id}/download/a.exe").status_code == 404
        assert client.get(f"/api/jobs/{job_id}/download/labels.png?n_regions=-1").status_code == 422
        assert client.get("/static/%2e%2e/server.py").status_code == 404
        assert client.get("/openapi.json").status_code == 404


def test_several_results_come_in_one_archive(client):
    jobs = [finish(client, name=f"{name}.png")["id"] for name in ("a", "b")]
    answer = client.post("/api/batch/regions.png", json={"jobs": jobs, "detail": "coarse"})
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == ["01-a.regions.png", "02-b.regions.png"]
        one = client.get(f"/api/jobs/{jobs[0]}/download/regions.png?detail=coarse").content
        assert archive.read("01-a.regions.png") == one
    assert client.post("/api/batch/regions.png", json={"jobs": ["none"]}).status_code == 404
    assert client.post("/api/batch/a.exe", json={"jobs": jobs}).status_code == 404


def test_every_kind_of_the_command_line_is_offered(client):
    job = finish(client)
    offered = [d["kind"] for d in client.get("/api/settings").json()["downloads"]]
    assert {kind.split(".")[0] for kind in offered} >= set(KINDS) - {"imagej"}
    for kind in offered:
        expected = 422 if kind == "scribbles.png" else 200  # nothing was drawn
        answer = client.get(f"/api/jobs/{job['id']}/download/{kind}")
        assert answer.status_code == expected, kind
        assert answer.content


def test_files_of_a_reduced_picture_have_its_own_size():
    scribbles = np.zeros((16, 24), np.uint8)
    scribbles[2:6, 2:6], scribbles[10:12, 14:20] = 2, 1
    Image.fromarray(scribbles).save(drawn := io.BytesIO(), "PNG")
    with local_client(create_app(run_task, limits=Limits(pixels=450))) as client:
        job = finish(client, png(33, 49))
        own = {"height": 33, "width": 49, "reduction": 2}
        assert job["reduced"] == {**own, "levels": 1, "tile": 512}
        assert (job["height"], job["width"]) == (16, 24)
        url = f"/api/jobs/{job['id']}"
        assert read_map(client.get(f"{url}/tiles/0/0/0.jpg").content, "jpg").shape == (33, 49, 3)
        for place in ("0/0/1", "1/0/0", "-1/0/0"):
            assert client.get(f"{url}/tiles/{place}.jpg").status_code == 404
        parts = read_map(client.get(f"{url}/download/regions.png").content, "png")
        assert parts.shape == (33, 49)
        np.testing.assert_array_equal(parts[:32:2, :48:2], parts[1:32:2, 1:48:2])
        assert (parts[32] == parts[31]).all()
        for kind, size in (
            ("labels.tif", (33, 49)),
            ("voc.png", (33, 49)),
            ("overlay.png", (16, 24)),
        ):
            assert read_map(client.get(f"{url}/download/{kind}").content, kind).shape[:2] == size
        (image,) = client.get(f"{url}/download/coco.json").json()["images"]
        assert (image["height"], image["width"]) == (33, 49)
        features = client.get(f"{url}/download/geojson").json()["features"]
        assert sum(each["properties"]["pixels"] for each in features) == 33 * 49
        session = client.post(f"{url}/session", json={}).content
        again = client.post("/api/sessions", files={"session": ("s", session)}).json()
        assert again["reduced"] == {**own, "levels": 1, "tile": 512}
        again = client.get(f"/api/jobs/{again['id']}/download/regions.png").content
        np.testing.assert_array_equal(read_map(again, "png"), parts)
        files = {"none": b"", "scribbles": ("s.png", drawn.getvalue())}
        body = {"again": job["id"], "settings": '{"max_iter": 2}'}
        guided = client.post("/api/jobs", files=files, data=body).json()
        assert wait_over(client, guided["id"]) == "done"
        taken = client.get(f"/api/jobs/{guided['id']}/download/scribbles.png").content
        np.testing.assert_array_equal(
            read_map(taken, "png")[:32, :48], scribbles.repeat(2, 0).repeat(2, 1)
        )


def test_the_server_turns_the_pages_of_what_it_has(tmp_path):
    pages = np.random.default_rng(0).integers(0, 255, (3, 20, 30)).astype(np.uint8)
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, pages, imagej=True, metadata={"axes": "ZYX"})
    tasks = []

    def runner(task, report):
        tasks.append(task)
        return run_task(task, report)

    app = create_app(runner, opened=serving._open(path, Limits()))
    with local_client(app) as client:
        sent = finish(client, path.read_bytes(), name="stack.tif", page="1")
        for form in ({"opened": "yes"}, {"again": sent["id"]}):
            job = post(client, **form, page="2").json()
            assert wait_over(client, job["id"]) == "done"
            assert (job["page"], job["n_pages"]) == (2, 3)
            assert "--plane z=2" in job["command"]
            np.testing.assert_array_equal(tasks[-1].raster.array[:, :, 0], pages[2])
        assert post(client, again=job["id"]).json()["page"] == 2  # the same
        refused = post(client, again=job["id"], page="3")
        assert refused.status_code == 422
        assert "page" in refused.json()["detail"]


def test_a_fault_of_the_worker_is_told_without_its_details(caplog):
    def runner(task, report):
        if task.name == "fault.png":
            raise ZeroDivisionError("a fault in /secret/place")
        return run_task(task, report)

    with local_client(create_app(runner)) as client:
        job_id = post(client, png(), name="fault.png").json()["id"]
        assert wait_over(client, job_id) == "failed"
        message = client.get(f"/api/jobs/{job_id}").json()["message"]
        assert "secret" not in message
        assert "its log" in message
        assert "a fault in /secret/place" in caplog.text
        finish(client)  # the worker lives on


# ---- the queue


def test_a_full_queue_is_busy_and_cancelling_makes_room():
    gate = Gate()
    with local_client(create_app(gate, limits=Limits(waiting=1))) as client:
        running, waiting = (post(client, png()).json()["id"] for _ in range(2))
        busy = post(client, png())
        assert busy.status_code == 503
        assert busy.headers["retry-after"]
        assert "busy" in busy.json()["detail"]
        assert client.delete(f"/api/jobs/{waiting}").status_code == 204
        assert wait_over(client, waiting) == "cancelled"
        assert post(client, png()).status_code == 201
        gate.opened.set()
        assert wait_over(client, running) == "done"


def test_cancel_stops_the_work_itself():
    gate = Gate()
    with local_client(create_app(gate)) as client:
        job_id = post(client, png(), {"max_iter": 100_000}).json()["id"]
        gate.running.wait(10)
        client.delete(f"/api/jobs/{job_id}")
        assert wait_over(client, job_id) == "cancelled"
        reports = gate.reports
        time.sleep(0.1)
        assert gate.reports == reports  # nobody reads the training on
        text = client.get(f"/api/jobs/{job_id}/events").text
        assert text.startswith("event: cancelled")


def test_results_are_dropped_after_their_time_and_when_crowded():
    limits = Limits(keep_seconds=1e9, keep_pixels=2 * 32 * 48)
    app = create_app(run_task, limits=limits)
    with local_client(app) as client:
        ids = [finish(client)["id"] for _ in range(4)]
        app.state.queue.sweep()
        found = [client.get(f"/api/jobs/{job_id}").status_code for job_id in ids]
        assert found == [404, 404, 200, 200]
    app = create_app(run_task, limits=Limits(keep_seconds=0.0))
    with local_client(app) as client:
        job_id = finish(client)["id"]
        app.state.queue.sweep()
        assert client.get(f"/api/jobs/{job_id}").status_code == 404


def test_a_finished_job_can_be_forgotten(client):
    job_id = finish(client)["id"]
    client.delete(f"/api/jobs/{job_id}")
    assert client.get(f"/api/jobs/{job_id}").status_code == 404


def test_closing_the_server_stops_a_running_job():
    gate = Gate()
    with local_client(create_app(gate)) as client:
        post(client, png(), {"max_iter": 100_000})
        gate.running.wait(10)
    reports = gate.reports
    time.sleep(0.05)
    assert gate.reports == reports


def test_a_burst_of_50_uploads_is_answered_and_nothing_stays():
    rasters = []

    def runner(task, report):
        rasters.append(weakref.ref(task.raster))
        return run_task(task, report)

    app = create_app(runner, limits=Limits(waiting=4, keep_pixels=1))
    with local_client(app) as client:
        uploads = [png(seed=seed) for seed in range(50)]
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda data: post(client, data), uploads))
        assert {answer.status_code for answer in answers} <= {201, 503}
        ids = [answer.json()["id"] for answer in answers if answer.status_code == 201]
        assert len(set(ids)) == len(ids) >= 5
        for job_id in ids[-4:]:
            wait_over(client, job_id) if client.get(f"/api/jobs/{job_id}").is_success else None
        queue = app.state.queue
        while not queue.is_idle:
            time.sleep(0.01)
        queue.sweep()
        gc.collect()
        # Only the newest result is kept, and no raster of the others is held by anything.
        alive = [raster for raster in rasters if raster() is not None]
        assert len(rasters) == len(ids)
        assert len(alive) <= 1


# ---- who may talk to the server


def test_every_answer_has_the_safety_headers(client):
    for path in ("/", "/static/main.js", "/api/settings", "/api/jobs/none"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


def test_the_page_has_nothing_inline_and_nothing_from_elsewhere(client):
    page = client.get("/").text
    assert "<style" not in page
    assert " style=" not in page
    assert " on" not in {part[:3] for part in page.split('"')[::2] if "=" in part[-1:]}
    assert "http" not in page
    assert page.count("<script") == page.count('src="/static/main.js"></script>')


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8765", "192.168.1.7:8765", ""])
def test_other_names_for_this_machine_are_refused(client, host):
    assert client.get("/", headers={"host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "[::1]:8765"])
def test_loopback_names_are_answered(client, host):
    assert client.get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"sec-fetch-site": "cross-site"},
    ],
)
def test_other_sites_pages_are_refused(client, headers):
    body = {"settings": "{}", "example": "coffee"}
    assert client.post("/api/jobs", data=body, headers=headers).status_code == 403


def test_beyond_loopback_a_token_is_demanded():
    with pytest.raises(UsageError, match="--token"):
        Access("0.0.0.0")
    with pytest.raises(UsageError, match="at least 16"):
        Access("127.0.0.1", "short")
    assert Access("::1").is_loopback
    assert not Access("example.org", TOKEN).is_loopback


def test_the_token_opens_by_address_cookie_or_header():
    app = create_app(run_task, access=Access("0.0.0.0", TOKEN))
    with local_client(app) as client:
        client.headers["host"] = "192.168.1.7:8765"
        assert client.get("/").status_code == 401
        assert client.get("/api/settings").status_code == 401
        assert client.get("/?token=wrong-wrong-wrong").status_code == 401
        bearer = {"authorization": f"Bearer {TOKEN}"}
        assert client.get("/api/settings", headers=bearer).status_code == 200
        opened = client.get(f"/?token={TOKEN}", follow_redirects=False)
        assert (opened.status_code, opened.headers["location"]) == (303, "/")
        cookie = opened.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert client.get("/api/settings").status_code == 200  # the client keeps the cookie


def test_the_tree_is_compressed_on_its_way(client):
    job = finish(client)
    with client.stream("GET", f"/api/jobs/{job['id']}/tree") as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "gzip"
    assert len(gzip.decompress(raw)) > len(raw)
