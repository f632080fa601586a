"""The backend that suggests regions to Label Studio."""

from __future__ import annotations

import httpx
import numpy as np
import pytest
from PIL import Image

from nuriwake.errors import InputError, UsageError
from nuriwake.faces.cli import run
from nuriwake.io.exchange.label_studio import unpack
from nuriwake.settings import Settings

pytest.importorskip("fastapi")

from nuriwake.faces.web.label_studio import Backend, create_backend, read_interface
from nuriwake.faces.web.security import Access

INTERFACE = (
    '<View><Image name="image" value="$image"/>'
    '<{0} name="tag" toName="image"><Label value="cell"/><Label value="gap"/></{0}></View>'
)


@pytest.fixture
def folder(tmp_path, blocks):
    (tmp_path / "inner").mkdir()
    for name in ("cup.png", "inner/deep.png"):
        Image.fromarray(blocks).save(tmp_path / name)
    return tmp_path


@pytest.fixture
def ask(folder):
    """Send a request to the backend, without a network."""
    backend = Backend(folder, Settings(max_iter=5), "coarse")

    async def request(method, path, access=None, is_stopping=lambda: False, **given):
        app = create_backend(backend, access or Access(), is_stopping=is_stopping)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.request(method, path, **given)

    def wait(*arguments, **given):
        import asyncio

        return asyncio.run(request(*arguments, **given))

    return wait


def _tasks(*images, interface="BrushLabels"):
    tasks = [{"id": i, "data": {"image": image}} for i, image in enumerate(images)]
    return {"tasks": tasks, "project": "1.1", "label_config": INTERFACE.format(interface)}


def test_it_says_that_it_is_up(ask):
    assert ask("GET", "/health").json()["status"] == "UP"
    assert ask("POST", "/setup", json={"project": "1"}).json() == {"model_version": "nuriwake"}
    assert ask("POST", "/webhook", json={}).status_code == 200


def test_brush_strokes_cover_the_picture(ask, blocks):
    answer = ask("POST", "/predict", json=_tasks("/data/upload/3/cup.png"))
    assert answer.status_code == 200, answer.text
    (prediction,) = answer.json()["results"]
    covered = np.zeros(blocks.shape[:2], int)
    for each in prediction["result"]:
        assert (each["from_name"], each["to_name"]) == ("tag", "image")
        assert each["value"]["brushlabels"] == ["cell"]
        covered += unpack(each["value"]["rle"], (each["original_height"], each["original_width"]))
    assert (covered == 1).all()


def test_polygons_where_the_project_draws_polygons(ask):
    address = "/data/local-files/?d=inner/deep.png"
    answer = ask("POST", "/predict", json=_tasks(address, interface="PolygonLabels"))
    (prediction,) = answer.json()["results"]
    assert {each["type"] for each in prediction["result"]} == {"polygonlabels"}
    corners = np.concatenate([each["value"]["points"] for each in prediction["result"]])
    assert corners.min() == 0
    assert corners.max() == 100


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (_tasks("/data/upload/no.png"), "no such file. Start the backend with --images"),
        (_tasks("/data/local-files/?d=../../etc/passwd"), "no such file"),
        ({"tasks": [{"data": {}}], "label_config": INTERFACE.format("BrushLabels")}, "'image'"),
        ({"tasks": 3, "label_config": INTERFACE.format("BrushLabels")}, "not a request"),
        ({"tasks": [], "label_config": "<View"}, "not XML"),
        ({"tasks": [], "label_config": "<View/>"}, "neither BrushLabels nor PolygonLabels"),
        ({"tasks": [], "label_config": "<!DOCTYPE v><View/>"}, "a <!DOCTYPE v>. Leave it out."),
        ({"tasks": [], "label_config": "<View>" + " " * 2**20}, "at most 1,048,576 are read"),
        ([], "the request is malformed."),
        (_tasks("http://["), "no such file"),
        (_tasks("\0.png"), "no such file"),
    ],
)
def test_what_cannot_be_done_is_said(ask, given, message):
    answer = ask("POST", "/predict", json=given)
    assert answer.status_code == 422
    assert message in answer.json()["detail"]


def test_a_picture_that_fails_costs_its_own_prediction(ask, folder, caplog):
    (folder / "broken.png").write_bytes(b"no picture")
    answer = ask("POST", "/predict", json=_tasks("broken.png", "cup.png", "gone.png"))
    assert answer.status_code == 200
    broken, prediction, gone = answer.json()["results"]
    assert broken == gone == []
    assert prediction["result"]
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2
    assert "broken.png" in told[0]
    assert "gone.png: no such file" in told[1]


def test_a_training_ends_with_the_server(ask):
    asked = iter([False, False, False])  # for the picture, and for two steps of five
    answer = ask("POST", "/predict", json=_tasks("cup.png"), is_stopping=lambda: next(asked, True))
    assert (answer.status_code, answer.json()) == (503, {"detail": "the server ends."})


def test_label_studio_gives_the_token_as_password(ask):
    access = Access("0.0.0.0", "a secret of many letters")
    assert ask("GET", "/health", access).status_code == 401
    assert ask("GET", "/health", access, auth=("any", "a secret of many letters")).json()


def test_wrong_usage(tmp_path, capsys):
    assert run(["serve", "label-studio", "--images", str(tmp_path / "no")]) == 1
    assert run(["serve", "label-studio", "--images", str(tmp_path), "--detail", "x"]) == 2
    assert "one of fine, medium, coarse" in capsys.readouterr().err


def test_a_link_does_not_lead_out_of_the_folder(folder, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "secret.png"
    outside.write_bytes((folder / "cup.png").read_bytes())
    (folder / "link.png").symlink_to(outside)
    with pytest.raises(InputError, match="no such file"):
        Backend(folder, Settings(), "coarse").find("link.png")


def test_other_tools_are_passed_over():
    config = (
        '<View><Image name="i" value="$i"/><Choices name="c" toName="i"/>'
        '<PolygonLabels name="p" toName="other"/><PolygonLabels name="q" toName="i"/></View>'
    )
    assert read_interface(config)[0].name == "q"
    with pytest.raises(UsageError):
        read_interface(config.replace('"q" toName="i"', '"q" toName="j"'))
