"""Splits are made once and are the same for all trials."""

import numpy as np
import pytest
from sklearn.model_selection import KFold, StratifiedKFold, check_cv

from search import StudyError, folds

NUMBERS = np.random.default_rng(0).normal(size=23)
CLASSES = np.array(["a", "b", "b"] * 8)


def split(y, task="regression", n_splits=4, shuffle=True, seed=3):
    return folds.split(y, task, n_splits, shuffle=shuffle, seed=seed, where="x.toml")


CASES = [
    (NUMBERS, "regression", True, KFold(4, shuffle=True, random_state=3)),
    (NUMBERS, "regression", False, KFold(4)),
    (CLASSES, "classification", True, StratifiedKFold(4, shuffle=True, random_state=3)),
    (CLASSES, "classification", False, StratifiedKFold(4)),
]


@pytest.mark.parametrize(("y", "task", "shuffle", "theirs"), CASES)
def test_splits_are_scikit_learns(y, task, shuffle, theirs):
    ours = split(y, task, shuffle=shuffle)
    expected = list(theirs.split(np.zeros(len(y)), y))
    assert len(ours) == len(expected)
    for (train, validation), (their_train, their_validation) in zip(ours.splits, expected, strict=True):
        np.testing.assert_array_equal(train, their_train)
        np.testing.assert_array_equal(validation, their_validation)


@pytest.mark.parametrize(("y", "task", "shuffle", "_"), CASES)
def test_every_row_is_validated_once(y, task, shuffle, _):
    validated = np.concatenate([validation for _, validation in split(y, task, shuffle=shuffle).splits])
    np.testing.assert_array_equal(np.sort(validated), np.arange(len(y)))


@pytest.mark.parametrize(
    "other",
    [split(NUMBERS[:-1]), split(NUMBERS, n_splits=5), split(NUMBERS, seed=4), split(NUMBERS, shuffle=False)],
    ids=["rows", "folds", "seed", "order"],
)
def test_fingerprint_changes_with_the_rows(other):
    assert split(NUMBERS).fingerprint == split(NUMBERS.copy()).fingerprint != other.fingerprint


def test_splitter_is_asked_once():
    class Once(KFold):
        asked = 0

        def split(self, *args):
            self.asked += 1
            return super().split(*args)

    splitter = Once(3)
    assert len(folds.from_splitter(splitter, np.zeros((9, 1)), np.zeros(9))) == 3
    assert splitter.asked == 1


@pytest.mark.parametrize(
    ("y", "task", "told"),
    [
        (NUMBERS[:3], "regression", r"^x\.toml: \[cv\] n_splits = 4 needs at least 4 rows; the data has 3$"),
        (CLASSES[:3], "classification", r"^x\.toml: \[cv\] n_splits = 4 needs at least 4 rows; the data has 3$"),
        (np.array([0, 0, 0, 1, 1, 1]), "classification", r"n_splits = 4 needs a class with 4 rows; the largest has 3"),
    ],
)
def test_fewer_rows_than_folds(y, task, told):
    with pytest.raises(StudyError, match=told):
        split(y, task)


def test_a_rare_class_is_allowed_without_a_warning():
    assert len(split(np.array([0] * 8 + [1]), "classification")) == 4


def test_masks_of_rows_are_row_numbers():
    inside = np.array([True, True, False, True])
    split = folds.from_splitter(check_cv([(inside, ~inside)]), np.zeros(4), np.zeros(4))
    assert [rows.tolist() for rows in split.splits[0]] == [[0, 1, 3], [2]]
