"""Which kind of cross-validation a study has, what it requires of the data, and how its outer loop splits."""

import numpy as np
import pytest

from search import StudyError
from search.cv import folds
from search.cv.kinds import KINDS, NAMED, Scheme, default_kind

DEFAULTS = {
    "": ("k_fold", "stratified"),
    "time": ("time_series", "time_series"),
    "group": ("group", "stratified_group"),
    "split": ("predefined", "predefined"),
}
"""What a study names, and its kind for regression and for classification."""


@pytest.mark.parametrize("named", DEFAULTS)
@pytest.mark.parametrize("below", [False, True])
def test_default_kind(named, below):
    """A split decides before a group, and a group before a time: what comes later changes nothing."""
    places = {"split": 0, "group": 1, "time": 2, "": 3}
    first = places.pop(named)
    given = {name: below and place > first for name, place in places.items() if name} | ({named: True} if named else {})
    assert tuple(default_kind(task, **given) for task in ("regression", "classification")) == DEFAULTS[named]


def test_every_default_is_a_row():
    assert {kind.default for kind in KINDS.values()} - {None} == set(NAMED)
    assert {name for name, kind in KINDS.items() if kind.default is not None} == {
        n for row in DEFAULTS.values() for n in row
    }


LEAST = {
    "k_fold": (np.zeros(3), None),
    "stratified": (np.array([0, 0, 0, 1]), None),
    "group": (np.zeros(3), [1, 2, 3]),
    "stratified_group": (np.array([0, 0, 0]), [1, 2, 3]),
    "leave_one_group_out": (np.zeros(2), [1, 2]),
    "time_series": (np.zeros(4), None),
    "predefined": (np.zeros(2), [0, -1]),
}
"""As few rows as each kind can split, three times where it is said how often."""


@pytest.mark.filterwarnings("ignore:The least populated class")
@pytest.mark.parametrize("kind", KINDS)
def test_the_least_that_can_be_split(kind):
    y, labels = LEAST[kind]
    labels = None if labels is None else np.array(labels)
    scheme = Scheme(kind, 3, column="c")
    assert len(folds.split(scheme, y, labels, seed=0, where="x")) == {"leave_one_group_out": 2, "predefined": 1}.get(
        kind, 3
    )
    with pytest.raises(StudyError, match=r"^x: "):
        folds.split(scheme, y[1:], None if labels is None else labels[1:], seed=0, where="x")


@pytest.mark.parametrize(
    ("kind", "outer", "shuffled"),
    [
        ("k_fold", "k_fold", True),
        ("stratified", "stratified", True),
        ("group", "group", False),
        ("stratified_group", "stratified_group", False),
        ("leave_one_group_out", "group", False),
        ("time_series", "time_series", False),
    ],
)
def test_the_outer_loop_keeps_rows_apart_as_the_inner_one(kind, outer, shuffled):
    scheme = Scheme(kind, 3, shuffle=True, repeats=4, gap=2, column="c").outer(7)
    assert scheme == Scheme(outer, 7, gap=2, column="c")
    assert scheme.shuffled is shuffled


def test_seeds_of_repeats_go_round():
    """The largest seed is followed by the least."""
    last, first = (folds.split(Scheme("k_fold", 3), np.zeros(9), seed=s, where="x").splits for s in (2**32 - 1, 0))
    both = folds.split(Scheme("k_fold", 3, repeats=2), np.zeros(9), seed=2**32 - 1, where="x").splits
    for ours, theirs in zip(both, (*last, *first), strict=True):
        np.testing.assert_array_equal(ours[1], theirs[1])


@pytest.mark.parametrize(("kept", "horizon"), [(3, 1), (2, 2), (1, 3)])
def test_targets_must_be_known_when_the_first_forecast_is_made(kept, horizon):
    """A forecast made at step t is known at t + horizon; the first of the fold is made at step 3."""
    fold = folds.Folds(((np.arange(3, dtype=np.int32), np.array([3, 4], dtype=np.int32)),))
    ((train, validation),) = folds.purge(fold, np.arange(5), horizon, "x").splits
    assert (train.tolist(), validation.tolist()) == (list(range(kept)), [3, 4])
    with pytest.raises(
        StudyError, match=r"^x: \[cv\] fold 1 of 1 has no training rows from before its validation rows"
    ):
        folds.purge(fold, np.arange(5), 4, "x")
