"""The kinds of cross-validation, a row each: what a study file may say of it, and scikit-learn's splitter for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    PredefinedSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    TimeSeriesSplit,
)


@dataclass(frozen=True)
class Scheme:
    """How rows are split into folds.

    Attributes
    ----------
    kind : str
        A row of `KINDS`.
    n_splits : int
    shuffle : bool or None
        None is the kind's own default.
    repeats : int
        How often the rows are split, each time in another order.
    gap : int
        Rows left out between training and validation rows, for splits in time order.
    column : str or None
        The column that names groups or folds.
    """

    kind: str
    n_splits: int = 5
    shuffle: bool | None = None
    repeats: int = 1
    gap: int = 0
    column: str | None = None

    @property
    def shuffled(self) -> bool:
        return KINDS[self.kind].shuffle if self.shuffle is None else self.shuffle

    def outer(self, n_splits: int) -> Scheme:
        """Return the scheme of the outer loop of nested cross-validation: rows are kept apart as in the inner one."""
        return replace(self, kind=KINDS[self.kind].outer or self.kind, n_splits=n_splits, repeats=1, shuffle=None)

    def __str__(self) -> str:
        """Return the scheme in a few words.

        >>> str(Scheme("k_fold")), str(Scheme("stratified", 3, repeats=2)), str(Scheme("time_series"))
        ('5 folds', '2 x 3 folds', '5 folds in time order')
        """
        times = f"{self.repeats} x " if self.repeats > 1 else ""
        return times + KINDS[self.kind].words.format(n_splits=self.n_splits, column=self.column)


@dataclass(frozen=True)
class Kind:
    """One kind of cross-validation.

    Attributes
    ----------
    splitter : callable
        From a `Scheme` and a seed (None unless shuffled) to a splitter of scikit-learn.
    words, meaning : str
        For reports, and for the documents.
    keys : tuple of str
        Keys of [cv] that say more.
    needs : str or None
        The key of [cv] that must name a column.
    task : str or None
        The only task that can be split so.
    shuffle : bool
        Whether rows are shuffled unless the study says otherwise.
    outer : str or None
        Kind of the outer loop of nested cross-validation, if it is not the same.
    forecasts : bool
        Whether forecasts may be validated so.
    """

    splitter: Callable[[Scheme, int | None], Any]
    words: str
    meaning: str
    keys: tuple[str, ...]
    needs: str | None = None
    task: str | None = None
    shuffle: bool = False
    outer: str | None = None
    forecasts: bool = False


def _shuffling(splitter: Callable[..., Any]) -> Callable[[Scheme, int | None], Any]:
    """Return how splitters are made that can shuffle before they split."""
    return lambda scheme, seed: splitter(scheme.n_splits, shuffle=scheme.shuffled, random_state=seed)


SHUFFLED = ("n_splits", "shuffle", "repeats", "outer")

KINDS = {
    "k_fold": Kind(
        _shuffling(KFold),
        "{n_splits} folds",
        "k parts; each is validated once. The default for regression.",
        SHUFFLED,
        shuffle=True,
    ),
    "stratified": Kind(
        _shuffling(StratifiedKFold),
        "{n_splits} folds",
        "The same with each class in equal shares. The default for classification.",
        SHUFFLED,
        task="classification",
        shuffle=True,
    ),
    "group": Kind(
        _shuffling(GroupKFold),
        "{n_splits} folds of groups",
        "k parts of about equal size; all rows of a group are in the same. The default where `group` is named, for regression.",
        (*SHUFFLED, "group"),
        needs="group",
    ),
    "stratified_group": Kind(
        _shuffling(StratifiedGroupKFold),
        "{n_splits} folds of groups",
        "The same with each class in shares as equal as groups allow. The default where `group` is named, for classification.",
        (*SHUFFLED, "group"),
        needs="group",
        task="classification",
    ),
    "leave_one_group_out": Kind(
        lambda scheme, seed: LeaveOneGroupOut(),
        "one group of {column!r} left out",
        "Each group is validated once, by what was trained on all others.",
        ("group", "outer"),
        needs="group",
        outer="group",
    ),
    "time_series": Kind(
        lambda scheme, seed: TimeSeriesSplit(scheme.n_splits, gap=scheme.gap),
        "{n_splits} folds in time order",
        "Each fold trains on all rows before those it validates, but for the last `gap`. The default with `time` or `lags`.",
        ("n_splits", "gap", "outer"),
        forecasts=True,
    ),
    "predefined": Kind(
        lambda scheme, seed: None,  # made of the column alone, by `predefined`
        "the folds of column {column!r}",
        "The column says in which fold a row is validated. The default where `split` is named.",
        ("split",),
        needs="split",
        forecasts=True,
    ),
}

ALWAYS_TRAINING = ("train", "-1", "-1.0")
"""Values of a split column, as text, for rows that are never validated; of truth values, it is False."""


def default_kind(task: str, *, group: bool, split: bool, time: bool) -> str:
    """Return the kind for a study that names none, by which columns it does name.

    >>> default_kind("regression", group=False, split=False, time=False)
    'k_fold'
    >>> default_kind("classification", group=True, split=False, time=True)
    'stratified_group'
    """
    classes = task == "classification"
    if split:
        return "predefined"
    if group:
        return "stratified_group" if classes else "group"
    if time:
        return "time_series"
    return "stratified" if classes else "k_fold"


def predefined(labels: Any) -> PredefinedSplit:
    """Return the splitter of a column that names the fold of each row, in the order of the sorted names.

    >>> predefined(["train", "test", "train"]).get_n_splits()
    1
    >>> predefined([0, 1, 2, -1]).get_n_splits()
    3
    """
    labels = np.asarray(labels)
    training = ~labels if labels.dtype == bool else np.isin(labels.astype(str), ALWAYS_TRAINING)
    folds = np.full(len(labels), -1)
    folds[~training] = np.unique(labels[~training], return_inverse=True)[1]
    return PredefinedSplit(folds)
