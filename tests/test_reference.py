"""One network from several images."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nuriwake.errors import InputError, UsageError
from nuriwake.estimator import Segmenter
from nuriwake.learn.network import build_network, masked_statistics
from nuriwake.recipes.crops import Reference
from nuriwake.recipes.published import as_tensor
from nuriwake.recipes.reference import draw_batch, finish_references
from nuriwake.segmenter import finish_steps, fit_steps
from nuriwake.settings import Settings

QUICK = {
    "recipe": "tip2020",
    "max_iter": 5,
    "n_channels": 8,
    "max_labels": 8,
    "crop_size": 16,
    "batch_size": 2,
}


@pytest.mark.parametrize("recipe", ["tip2020", "icassp2018"])
def test_several_images_of_any_sizes(blocks, recipe):
    images = [blocks, blocks[:9, :30], blocks[:1, :1], np.flip(blocks)]
    segmenter = Segmenter(**{**QUICK, "recipe": recipe}).fit(images)
    assert [labels.shape for labels in segmenter.labels_] == [(24, 32), (9, 30), (1, 1), (24, 32)]
    for image, labels in zip(images, segmenter.labels_, strict=True):
        np.testing.assert_array_equal(segmenter.predict(image), labels)
        assert labels.min() >= 1


def test_a_label_means_the_same_in_every_image(blocks):
    segmenter = Segmenter(**{**QUICK, "max_iter": 20}).fit([blocks, blocks])
    half = segmenter.predict(blocks[:, :16])
    inner = segmenter.predict(blocks)[:, :14]
    np.testing.assert_array_equal(half[:, :14], inner)


def test_one_image_in_a_list_is_one_image(blocks):
    settings = Settings(**{**QUICK, "recipe": "icassp2018", "n_superpixels": 40})
    model = finish_steps(fit_steps([blocks], settings))
    alone = Segmenter(**{**QUICK, "recipe": "icassp2018", "n_superpixels": 40}).fit(blocks)
    np.testing.assert_array_equal(model.predict(blocks), alone.predict(blocks))


def test_images_must_have_the_same_bands(blocks):
    with pytest.raises(InputError, match=r"same bands and dtype; got 1 bands of uint8, 3 bands"):
        Segmenter(**QUICK).fit([blocks, blocks[:, :, :1]])
    with pytest.raises(UsageError, match="at least one image"):
        Segmenter(**QUICK).fit([])


def test_fast_learns_from_many(blocks):
    """Blocks of other sizes and places get the labels of their colours."""
    other = np.concatenate([blocks[:, 16:], blocks[:, :10]], axis=1)
    segmenter = Segmenter(n_channels=16, max_labels=8, max_iter=10).fit([blocks, other])
    first, second = segmenter.labels_
    np.testing.assert_array_equal(segmenter.predict(blocks), first)
    for here, there in (((4, 4), (4, 20)), ((4, 24), (4, 8)), ((20, 24), (20, 8))):
        assert first[here] == second[there]
    assert len({first[4, 4], first[4, 24], first[20, 24]}) == 3


def test_on_step_can_end_the_training(blocks):
    seen = []
    steps = fit_steps([blocks, blocks], Settings(**QUICK))
    finish_steps(steps, lambda step: seen.append(step) or len(seen) == 2)
    assert len(seen) == 2


def _reference(image: np.ndarray) -> Reference:
    unit = image / np.float32(255)
    valid = np.ones(image.shape[:2], bool)
    valid[0, :3] = False
    return Reference(unit, valid)


def test_statistics_are_those_of_all_references_together(blocks):
    references = [_reference(blocks), _reference(blocks[:10, 5:25])]
    network = build_network(3, 6, 5, 1, seed=0)
    first = network.components()[0]
    values = [
        torch.relu(first[0](as_tensor(r.image)))[:, :, torch.from_numpy(r.valid)]
        for r in references
    ]
    mean, variance = masked_statistics(torch.cat(values, dim=2)[..., None], None)
    finish_references(network, references)
    torch.testing.assert_close(first[1].running_mean, mean.detach(), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(first[1].running_var, variance.detach(), atol=1e-5, rtol=1e-4)


def test_crops_are_filled_up_with_invalid_pixels(blocks):
    small = _reference(blocks[:5, :7])
    ids = np.arange(35, dtype=np.int32).reshape(5, 7)
    settings = Settings(**QUICK)
    batch = draw_batch([small], [ids], settings, np.random.default_rng(0), torch.device("cpu"))
    assert batch.image.shape == (2, 3, 16, 16)
    assert int(batch.valid.sum()) == 2 * (35 - 3)
    assert (batch.superpixels[:, 5:] == -1).all()
    drawn = [set(ids[ids >= 0].tolist()) for ids in batch.superpixels]
    assert not drawn[0] & drawn[1]


def test_every_crop_holds_data(blocks):
    reference = _reference(np.tile(blocks, (8, 8, 1)))
    reference.valid[:] = False
    reference.valid[100, 200] = True
    ids = np.zeros(reference.valid.shape, np.int32)
    settings = Settings(**{**QUICK, "batch_size": 20})
    batch = draw_batch([reference], [ids], settings, np.random.default_rng(0), torch.device("cpu"))
    assert batch.valid.sum(dim=(1, 2)).tolist() == [1] * 20
