"""Models: saved and loaded bit for bit, and files that are no models."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import nuriwake
from nuriwake.errors import InputError, ModelError, UsageError
from nuriwake.estimator import Segmenter
from nuriwake.learn import overview
from nuriwake.model_file import load_model, save_model

QUICK = {"recipe": "icassp2018", "max_iter": 4, "n_channels": 8, "max_labels": 6}


@pytest.fixture(scope="module")
def fitted():
    image = np.random.default_rng(0).integers(0, 5000, (20, 24, 4), dtype=np.uint16)
    return Segmenter(**QUICK, seed=3).fit(image), image


@pytest.fixture
def saved(fitted, tmp_path):
    path = tmp_path / "m.safetensors"
    fitted[0].save(path)
    return path


def test_round_trip_is_bit_exact(fitted, saved):
    segmenter, image = fitted
    loaded = nuriwake.load_model(saved)
    ours, theirs = segmenter.model_.network.state_dict(), loaded.network.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name].cpu(), theirs[name].cpu()) for name in ours)
    assert loaded.statistics == segmenter.model_.statistics
    assert loaded.settings == segmenter.model_.settings
    np.testing.assert_array_equal(loaded.predict(image), segmenter.predict(image))


def test_the_file_says_what_it_is(saved):
    header = json.loads(_metadata(saved))
    assert header["settings"]["seed"] == 3
    assert len(header["low"]) == len(header["high"]) == 4
    assert header["versions"]["torch"]


def _metadata(path):
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        return file.metadata()["nuriwake"]


def _rewrite(path, change):
    header = json.loads(_metadata(path))
    tensors = load_file(path)
    change(header, tensors)
    save_file(tensors, path, metadata={"nuriwake": json.dumps(header)})


BIAS, VARIANCE = "classifier.bias", "classifier_norm.running_var"
DAMAGE = {
    "too new": (lambda h, t: h.update(format=99), "format 99.*pip install -U nuriwake"),
    "no tensor": (lambda h, t: t.pop("classifier.weight"), "tensors are not those"),
    "other tensors": (lambda h, t: t.update(more=torch.zeros(1)), "tensors are not those"),
    "other shape": (lambda h, t: h["settings"].update(n_channels=9), "must be .* of shape"),
    "float64": (lambda h, t: t.update({BIAS: t[BIAS].double()}), "must be float32 of shape"),
    "float16": (lambda h, t: t.update({BIAS: t[BIAS].half()}), "must be float32 of shape"),
    "bfloat16": (lambda h, t: t.update({BIAS: t[BIAS].bfloat16()}), "cannot be read as a model"),
    "nan": (lambda h, t: t[BIAS].fill_(torch.nan), f"tensor {BIAS} holds .* not finite"),
    "negative variance": (lambda h, t: t[VARIANCE].fill_(-1.0), "negative variances"),
    "bad setting": (lambda h, t: h["settings"].update(n_layers=0), "`n_layers`"),
    "not settings": (lambda h, t: h.update(settings=[]), "cannot be read as a model"),
    "no header key": (lambda h, t: h.pop("low"), "cannot be read as a model .*'low'"),
    "format in words": (lambda h, t: h.update(format="one"), "no table with a format"),
    "more ranges": (lambda h, t: h["low"].append(0.0), "value ranges"),
    "other ranges": (lambda h, t: (h["low"].pop(), h["high"].pop()), "takes 4 channels"),
    "infinite range": (lambda h, t: h["high"].__setitem__(0, float("inf")), "not finite"),
    "other names": (lambda h, t: h.update(band_names=["red"]), "names of bands"),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_damaged_models(case, saved):
    change, message = DAMAGE[case]
    _rewrite(saved, change)
    with pytest.raises(ModelError, match=message) as error:
        load_model(saved)
    assert str(saved) in str(error.value)
    assert "\n" not in str(error.value)


def test_foreign_files(tmp_path, saved):
    foreign = tmp_path / "foreign.safetensors"
    save_file({"a": torch.zeros(1)}, foreign)
    with pytest.raises(ModelError, match="not a model of nuriwake"):
        load_model(foreign)
    pickled = tmp_path / "evil.safetensors"
    pickled.write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(ModelError, match="cannot be read as a model"):
        load_model(pickled)
    saved.write_bytes(saved.read_bytes()[:200])
    with pytest.raises(ModelError, match="cannot be read as a model"):
        load_model(saved)
    with pytest.raises(ModelError, match="no such file"):
        load_model(tmp_path / "missing.safetensors")


def test_names_and_order_of_calls(fitted, tmp_path):
    with pytest.raises(UsageError, match=r"must be a name that ends in \.safetensors"):
        save_model(tmp_path / "m.pt", fitted[0].model_)
    with pytest.raises(UsageError, match="not fitted yet"):
        Segmenter().save(tmp_path / "m.safetensors")


def test_other_bands_are_refused(fitted):
    with pytest.raises(InputError, match="3 bands where the model was trained on 4"):
        fitted[0].predict(np.zeros((5, 5, 3), np.uint16))


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_a_large_picture_is_labelled_as_it_was_learned(dtype, monkeypatch):
    # Means of stored values and means of their colours differ: both must take the same.
    monkeypatch.setattr(overview, "VIEW_PIXELS", 1500)
    rng = np.random.default_rng(3)
    image = np.repeat(np.repeat(rng.integers(0, 256, (12, 14, 3)), 8, 0), 8, 1)
    image = np.clip(image + rng.normal(0, 30, image.shape), 0, 255).astype(dtype)
    segmenter = Segmenter(max_iter=5, seed=1).fit(image)
    assert len(np.unique(segmenter.labels_)) > 2
    np.testing.assert_array_equal(segmenter.predict(image), segmenter.labels_)


def test_predict_does_not_depend_on_the_tile(fitted):
    segmenter, image = fitted
    model = segmenter.model_
    exact = type(model)(
        model.weights, model.statistics, model.settings.model_copy(update={"precision": "fp32"})
    )
    big = np.tile(image, (4, 3, 1))
    whole, halo = exact.predict(big), model.weights.radius
    tile = exact.predict(big[10 - halo : 50 + halo, 7 - halo : 61 + halo])
    np.testing.assert_array_equal(tile[halo:-halo, halo:-halo], whole[10:50, 7:61])


def test_starting_from_a_model_keeps_its_network(fitted):
    from nuriwake.segmenter import finish_steps, segment_steps
    from nuriwake.settings import Settings

    segmenter, image = fitted
    settings = segmenter.model_.settings.model_copy(update={"max_iter": 1})
    before = {name: array.copy() for name, array in segmenter.model_.weights.arrays.items()}
    result = finish_steps(segment_steps(image, settings, model=segmenter.model_))
    assert len(result.history) == 1
    for name, array in segmenter.model_.weights.arrays.items():
        np.testing.assert_array_equal(array, before[name])
    with pytest.raises(UsageError, match="`recipe` must be 'icassp2018', as in the model"):
        finish_steps(segment_steps(image, Settings(), model=segmenter.model_))


def test_models_of_fast_round_trip(tmp_path, blocks):
    segmenter = Segmenter(max_iter=3).fit(blocks)
    segmenter.save(tmp_path / "fast.safetensors")
    loaded = load_model(tmp_path / "fast.safetensors")
    assert loaded.n_bands == 3
    np.testing.assert_array_equal(loaded.predict(blocks), segmenter.labels_)


@pytest.mark.parametrize("recipe", ["fast", "tip2020"])
def test_weights_that_overflow_together_label_nothing(tmp_path, blocks, recipe):
    path = tmp_path / "a.safetensors"
    Segmenter(recipe=recipe, max_iter=2).fit(blocks).save(path)
    _rewrite(path, lambda h, t: (t["classifier.weight"].fill_(3e38), t["convs.0.bias"].fill_(3e38)))
    with pytest.raises(InputError, match="not finite numbers: its model is damaged"):
        load_model(path).predict(blocks)
