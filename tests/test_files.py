"""Files and folders of label maps paired with their ground truth."""

from __future__ import annotations

import numpy as np
import pytest

from nuriwake.errors import InputError, UsageError
from nuriwake.evaluate.files import evaluate_files, find_pairs
from nuriwake.io.image import write_labels
from small_bsds import write_pair

HALVES = np.repeat([[1, 2]], 6, axis=1).repeat(8, axis=0).astype(np.int32)


@pytest.fixture
def folders(tmp_path):
    """Ground truth of a and b; a folder of predictions as ``nuriwake segment`` writes them."""
    for name in ("a", "b"):
        write_pair(tmp_path, name)
    predictions = tmp_path / "out"
    for name in ("a.regions.png", "b.regions.png", "b.labels.png"):
        write_labels(predictions / name, HALVES)
    (predictions / "a.overlay.png").write_bytes(b"not a label map")
    return predictions, tmp_path / "groundTruth"


def test_one_pair_of_files_against_all_annotators(folders):
    predictions, truths = folders
    (found,) = evaluate_files(predictions / "a.regions.png", truths / "a.mat")
    assert found.name == "a"
    assert found.scores.n_segments == (2, 3)
    assert found.scores.iou_sums[0] == 2
    assert found.scores.boundary.recall > 0


def test_folders_are_paired_by_name_and_kind(folders):
    assert [each.name for each in evaluate_files(*folders)] == ["a", "b"]
    (pair,), missing = find_pairs(*folders, kind="labels")
    assert pair.prediction.name == "b.labels.png"
    assert missing == ["a"]


def test_missing_predictions_do_not_go_unnoticed(folders):
    scored, complaint = evaluate_files(*folders, kind="labels")
    assert scored.scores is not None
    assert complaint.scores is None
    assert complaint.error.endswith("out: 1 of 2 predictions are missing: a.")


def test_a_label_map_can_be_the_truth(folders):
    predictions, _ = folders
    path = predictions / "a.regions.png"
    (found,) = evaluate_files(path, path, boundaries=False)
    assert found.scores.covering == 1
    assert found.scores.boundary is None


def test_a_pair_that_fails_does_not_stop_the_others(folders):
    predictions, truths = folders
    write_labels(predictions / "a.regions.png", HALVES[:, :5])
    broken, fine = evaluate_files(predictions, truths)
    assert broken.scores is None
    assert "a.regions.png: must have the shape of" in broken.error
    assert "(8, 12); got (8, 5)" in broken.error
    assert fine.scores is not None


def test_what_cannot_be_paired_is_named(folders, tmp_path):
    predictions, truths = folders
    with pytest.raises(InputError, match="nowhere: no such file or folder"):
        find_pairs(tmp_path / "nowhere", truths)
    with pytest.raises(UsageError, match="`TRUTH` must be a folder if PREDICTION is one"):
        find_pairs(predictions, truths / "a.mat")
    with pytest.raises(InputError, match=r"holds no NAME\.png or NAME\.regions\.png"):
        find_pairs(truths, truths)
    write_labels(predictions / "a.png", HALVES)
    with pytest.raises(UsageError, match=r"a\.png and a\.regions\.png both answer"):
        find_pairs(predictions, truths)
