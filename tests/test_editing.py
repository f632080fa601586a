from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nuriwake.errors import UsageError
from nuriwake.regions.editing import Edit, EditedCut, node_colours, nodes_of_leaves
from nuriwake.regions.tree import LabelTree, RegionTree, number_nodes


@st.composite
def trees(draw):
    """Random merge trees over a row of pixels, one leaf each."""
    n_leaves = draw(st.integers(1, 12))
    present = list(range(n_leaves))
    merges = []
    while len(present) > 1:
        pair = draw(st.permutations(present))[:2]
        merges.append(pair)
        present = [node for node in present if node not in pair] + [n_leaves + len(merges) - 1]
    base = np.arange(1, n_leaves + 1, dtype=np.int32)[np.newaxis]
    return RegionTree(base, np.array(merges, np.int32).reshape(-1, 2), np.arange(n_leaves - 1.0))


def sets_after(tree, n_regions):
    """The slow, obvious cut: join sets of leaves, one merge after another."""
    sets = [{leaf} for leaf in range(tree.n_leaves)]
    for left, right in tree.merges.tolist():
        sets.append(sets[left] | sets[right])
    used = set(tree.merges[: tree.n_leaves - n_regions].ravel().tolist())
    return [s for i, s in enumerate(sets[: 2 * tree.n_leaves - n_regions]) if i not in used]


@given(trees(), st.data())
@settings(deadline=None)
def test_cut_equals_joining_sets(tree, data):
    n_regions = data.draw(st.integers(1, tree.n_leaves))
    regions = number_nodes(tree.nodes(n_regions))
    found = {frozenset(np.flatnonzero(regions == n).tolist()) for n in range(1, n_regions + 1)}
    assert found == set(map(frozenset, sets_after(tree, n_regions)))
    firsts = [int(np.flatnonzero(regions == n)[0]) for n in range(1, n_regions + 1)]
    assert firsts == sorted(firsts)


@given(trees(), st.data())
@settings(deadline=None)
def test_the_pages_cut_is_the_trees_cut(tree, data):
    n_regions = data.draw(st.integers(1, tree.n_leaves))
    shown = tree.paint(nodes_of_leaves(tree, EditedCut(n_regions)))
    np.testing.assert_array_equal(shown, tree.cut(n_regions))


@given(trees())
@settings(deadline=None)
def test_splits_from_one_region_reach_every_cut(tree):
    last = 2 * tree.n_leaves - 2
    for n_regions in range(1, tree.n_leaves + 1):
        edits = tuple(Edit(False, last - k) for k in range(n_regions - 1))
        np.testing.assert_array_equal(
            nodes_of_leaves(tree, EditedCut(1, edits=edits)), tree.nodes(n_regions)
        )


@given(trees())
@settings(deadline=None)
def test_merging_undoes_splitting(tree):
    last = 2 * tree.n_leaves - 2
    if tree.n_leaves > 1:
        both = (Edit(False, last), Edit(True, last))
        found = nodes_of_leaves(tree, EditedCut(1, edits=both))
        np.testing.assert_array_equal(found, tree.nodes(1))


@given(trees())
@settings(deadline=None)
def test_few_regions_have_colours_of_their_own(tree):
    colours = node_colours(tree, 20)
    for n_regions in range(1, tree.n_leaves + 1):
        nodes = set(tree.nodes(n_regions).tolist())
        assert len({int(colours[node]) for node in nodes}) == n_regions


CHAIN = RegionTree(
    np.array([[1, 2, 3, 0]], np.int32), np.array([[0, 1], [3, 2]], np.int32), np.array([1.0, 2.0])
)


def test_what_scribbles_keep_apart_stays_apart():
    tree = replace(CHAIN, min_regions=2)
    assert nodes_of_leaves(tree, EditedCut(3, edits=(Edit(True, 3),))).tolist() == [3, 3, 2]
    with pytest.raises(UsageError, match=r"\[2, 3\]"):
        nodes_of_leaves(tree, EditedCut(1))
    with pytest.raises(UsageError, match="merged node"):
        nodes_of_leaves(tree, EditedCut(2, edits=(Edit(True, 4),)))


def test_labels_follow_the_cut_and_leave_nodata():
    labels = CHAIN.paint(nodes_of_leaves(CHAIN, EditedCut(2)))
    assert labels.tolist() == [[1, 1, 2, 0]]


@pytest.mark.parametrize(
    ("n_regions", "edit", "told"),
    [
        (0, None, "n_regions"),
        (4, None, r"\[1, 3\]; got 4"),
        (1, Edit(True, 3), "merge above"),
        (2, Edit(False, 4), "split of a present region"),
        (2, Edit(True, 2), "merged node"),
        (2, Edit(True, 5), "merged node"),
    ],
)
def test_cuts_and_edits_that_do_not_fit_are_refused(n_regions, edit, told):
    with pytest.raises(UsageError, match=told):
        nodes_of_leaves(CHAIN, EditedCut(n_regions, edits=(edit,) if edit else ()))


@given(trees(), st.sampled_from([None, "fine", "medium", "coarse"]), st.floats(0.1, 4.0))
@settings(deadline=None)
def test_the_automatic_cuts_are_the_trees_also_where_specks_join(tree, detail, unit):
    tree = replace(tree, automatic_altitude=unit, detail_unit=unit, speck_pixels=3.0)
    shown = tree.paint(nodes_of_leaves(tree, EditedCut(detail=detail)))
    np.testing.assert_array_equal(shown, tree.without_specks.cut(detail=detail))
    np.testing.assert_array_equal(shown, tree.cut(detail=detail))


def test_labels_have_no_details():
    tree = LabelTree(CHAIN.base, CHAIN.merges, CHAIN.altitudes)
    with pytest.raises(UsageError, match="detail"):
        nodes_of_leaves(tree, EditedCut(detail="fine"))
