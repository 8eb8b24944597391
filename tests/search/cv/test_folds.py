"""Splits are made once and are the same for all trials."""

import re

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    PredefinedSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    TimeSeriesSplit,
    check_cv,
)

from search import BPSearchCV, StudyError
from search.cv import folds
from search.cv.kinds import KINDS, Scheme, predefined

N = 24
NUMBERS = np.random.default_rng(0).normal(size=N)
CLASSES = np.array(["a", "b", "b"] * 8)
GROUPS = np.repeat([7, 3, 5, 1, 9, 8], 4)
FOLDS = np.array([0, 1, 2, -1] * 6)


def split(scheme, y=NUMBERS, labels=None, seed=3):
    return folds.split(scheme, y, labels, seed=seed, where="x.toml")


CASES = {
    "k_fold": (Scheme("k_fold", 4), NUMBERS, None, KFold(4, shuffle=True, random_state=3)),
    "k_fold in order": (Scheme("k_fold", 4, shuffle=False), NUMBERS, None, KFold(4)),
    "stratified": (Scheme("stratified", 4), CLASSES, None, StratifiedKFold(4, shuffle=True, random_state=3)),
    "stratified in order": (Scheme("stratified", 4, shuffle=False), CLASSES, None, StratifiedKFold(4)),
    "group": (Scheme("group", 3), NUMBERS, GROUPS, GroupKFold(3)),
    "group, shuffled": (
        Scheme("group", 3, shuffle=True),
        NUMBERS,
        GROUPS,
        GroupKFold(3, shuffle=True, random_state=3),
    ),
    "stratified_group": (Scheme("stratified_group", 3), CLASSES, GROUPS, StratifiedGroupKFold(3)),
    "leave_one_group_out": (Scheme("leave_one_group_out"), NUMBERS, GROUPS, LeaveOneGroupOut()),
    "time_series": (Scheme("time_series", 4), NUMBERS, None, TimeSeriesSplit(4)),
    "time_series with a gap": (Scheme("time_series", 4, gap=2), NUMBERS, None, TimeSeriesSplit(4, gap=2)),
    "predefined": (Scheme("predefined", column="fold"), NUMBERS, FOLDS, PredefinedSplit(FOLDS)),
}


@pytest.mark.parametrize(("scheme", "y", "labels", "theirs"), CASES.values(), ids=CASES)
def test_splits_are_scikit_learns(scheme, y, labels, theirs):
    ours = split(scheme, y, labels)
    expected = list(theirs.split(np.zeros(len(y)), y, labels if KINDS[scheme.kind].needs == "group" else None))
    assert len(ours) == len(expected)
    for (train, validation), (their_train, their_validation) in zip(ours.splits, expected, strict=True):
        np.testing.assert_array_equal(train, their_train)
        np.testing.assert_array_equal(validation, their_validation)


def test_every_kind_is_tested():
    assert {scheme.kind for scheme, *_ in CASES.values()} == set(KINDS)


@pytest.mark.parametrize(("scheme", "y", "labels", "_"), CASES.values(), ids=CASES)
def test_no_row_is_trained_on_and_validated(scheme, y, labels, _):
    for train, validation in split(scheme, y, labels).splits:
        assert not set(train) & set(validation)
        if KINDS[scheme.kind].needs == "group":
            assert not set(GROUPS[train]) & set(GROUPS[validation])
        if scheme.kind == "time_series":
            assert validation.min() - train.max() > scheme.gap


@pytest.mark.parametrize(("scheme", "y", "labels", "_"), CASES.values(), ids=CASES)
def test_every_row_is_validated_once(scheme, y, labels, _):
    validated = np.concatenate([validation for _, validation in split(scheme, y, labels).splits])
    assert len(set(validated)) == len(validated)
    if scheme.kind == "predefined":
        np.testing.assert_array_equal(np.sort(validated), np.flatnonzero(FOLDS >= 0))
    elif scheme.kind != "time_series":
        assert len(validated) == N


@pytest.mark.parametrize("kind", ["k_fold", "stratified", "group", "stratified_group"])
def test_repeats_are_further_orders_and_the_first_is_the_unrepeated_one(kind):
    y = CLASSES if KINDS[kind].task == "classification" else NUMBERS
    repeated = split(Scheme(kind, 3, shuffle=True, repeats=4), y, GROUPS).splits
    once = split(Scheme(kind, 3, shuffle=True), y, GROUPS).splits
    assert len(repeated) == 12
    for ours, theirs in zip(repeated, once, strict=False):
        np.testing.assert_array_equal(ours[1], theirs[1])
    orders = [tuple(np.concatenate([v for _, v in repeated[i : i + 3]])) for i in range(0, 12, 3)]
    assert len(set(orders)) > 2


@pytest.mark.parametrize(
    "other",
    [
        split(Scheme("k_fold"), NUMBERS[:-1]),
        split(Scheme("k_fold", 4)),
        split(Scheme("k_fold"), seed=4),
        split(Scheme("k_fold", shuffle=False)),
        split(Scheme("time_series")),
    ],
    ids=["rows", "folds", "seed", "order", "kind"],
)
def test_fingerprint_changes_with_the_rows(other):
    assert split(Scheme("k_fold")).fingerprint == split(Scheme("k_fold"), NUMBERS.copy()).fingerprint
    assert split(Scheme("k_fold")).fingerprint != other.fingerprint


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["train", "test", "train", "test"], [[1, 3]]),
        ([False, True, True, False], [[1, 2]]),
        (["a", "b", "a", "b"], [[0, 2], [1, 3]]),
        ([2, 0, -1, 2], [[1], [0, 3]]),
        ([2.0, 0.0, -1.0, 2.0], [[1], [0, 3]]),
        (["2", "0", "-1", "2"], [[1], [0, 3]]),
    ],
    ids=str,
)
def test_a_column_names_the_folds(labels, expected):
    assert [validation.tolist() for _, validation in predefined(labels).split()] == expected


def test_splitter_is_asked_once():
    class Once(KFold):
        asked = 0

        def split(self, *args):
            self.asked += 1
            return super().split(*args)

    splitter = Once(3)
    assert len(folds.from_splitter(splitter, np.zeros((9, 1)), np.zeros(9))) == 3
    assert splitter.asked == 1


TOO_FEW = {
    "rows": (Scheme("k_fold", 4), NUMBERS[:3], None, r"\[cv\] n_splits = 4 needs at least 4 rows; the data has 3$"),
    "rows of classes": (
        Scheme("stratified", 4),
        CLASSES[:3],
        None,
        r"n_splits = 4 needs at least 4 rows; the data has 3$",
    ),
    "class": (
        Scheme("stratified", 4),
        np.array([0, 0, 0, 1, 1, 1]),
        None,
        r"needs a class with 4 rows; the largest has 3",
    ),
    "groups": (
        Scheme("group", 7, column="town"),
        NUMBERS,
        GROUPS,
        r"\[cv\] n_splits = 7 needs at least 7 groups; column 'town' has 6",
    ),
    "one group": (
        Scheme("leave_one_group_out", column="town"),
        NUMBERS,
        np.ones(N),
        r"\[cv\] kind = 'leave_one_group_out' needs at least 2 groups; column 'town' has 1",
    ),
    "rows before the gap": (
        Scheme("time_series", 4, gap=12),
        NUMBERS,
        None,
        r"\[cv\] kind = 'time_series' cannot split the data: Too many splits=4 .* gap=12",
    ),
    "folds": (
        Scheme("predefined", column="part"),
        NUMBERS,
        np.full(N, "train"),
        r"\[cv\] split = 'part' has no rows to validate",
    ),
    "training rows": (Scheme("predefined", column="part"), NUMBERS, np.zeros(N), r"fold 1 of 1 has no training rows"),
}


@pytest.mark.parametrize(("scheme", "y", "labels", "told"), TOO_FEW.values(), ids=TOO_FEW)
def test_too_few(scheme, y, labels, told):
    with pytest.raises(StudyError, match=rf"^x\.toml: .*{told}"):
        split(scheme, y, labels)


def test_a_rare_class_is_allowed_without_a_warning():
    assert len(split(Scheme("stratified", 4), np.array([0] * 8 + [1]))) == 4


def test_masks_of_rows_are_row_numbers():
    inside = np.array([True, True, False, True])
    split = folds.from_splitter(check_cv([(inside, ~inside)]), np.zeros(4), np.zeros(4))
    assert [rows.tolist() for rows in split.splits[0]] == [[0, 1, 3], [2]]


class Lying:
    """A splitter of the user's, which returns anything."""

    def __init__(self, train, validation):
        self.parts = train, validation

    def split(self, X, y=None, groups=None):
        yield self.parts

    def get_n_splits(self, X=None, y=None, groups=None):
        return 1


ROW = np.arange(20)
LIES = {
    "fractions": (ROW[:10] + 0.7, ROW[10:], "fold 1 of cv: training rows is an array of float64"),
    "beyond": (
        ROW[:10],
        ROW[10:] + 5,
        "fold 1 of cv: validation rows: there is no row 24; allowed are the numbers of 20",
    ),
    "far beyond": (ROW[:10] + 2**32, ROW[10:], "fold 1 of cv: training rows: there is no row 4294967296"),
    "texts": (["1", "2"], ROW[10:], "fold 1 of cv: training rows is an array of <U1"),
    "another mask": (np.ones(10, bool), ROW[10:], "fold 1 of cv: training rows is an array of bool of shape (10,)"),
    "no training rows": (ROW[:0], ROW[10:], "cv: fold 1 of 1 has no training rows"),
    "no validation rows": (ROW[:10], ROW[:0], "cv: fold 1 of 1 has no validation rows"),
}


@pytest.mark.parametrize(("train", "validation", "told"), LIES.values(), ids=LIES)
def test_splitters_that_lie_are_told_before_the_first_trial_bug(train, validation, told):
    """Fractions were cut off, large numbers wrapped around and short masks filled up, without a word."""
    X = np.linspace(0, 1, 20)[:, None]
    search = BPSearchCV(Ridge(), {"alpha": [0.1]}, method="grid", cv=Lying(train, validation))
    with pytest.raises(ValueError, match="^" + re.escape(told)):
        search.fit(X, X[:, 0])


def test_masks_and_numbers_from_the_end_are_rows():
    found = folds.from_splitter(Lying(ROW < 15, -1 - ROW[:5]), np.zeros((20, 1)), None)
    assert [part.tolist() for part in found.splits[0]] == [list(range(15)), [19, 18, 17, 16, 15]]
