"""The kinds of cross-validation, one table row each: keys in [cv], scikit-learn's splitter, and requirements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
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
        A key of `KINDS`.
    n_splits : int
    shuffle : bool or None
        None means the kind's default.
    repeats : int
        Number of times the rows are split, each time in another order.
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
        """Return the scheme of the outer loop of nested cross-validation: it keeps the same rows apart."""
        return replace(self, kind=KINDS[self.kind].outer or self.kind, n_splits=n_splits, repeats=1, shuffle=None)

    def __str__(self) -> str:
        """Return the scheme in a few words.

        >>> str(Scheme("k_fold")), str(Scheme("stratified", 3, repeats=2)), str(Scheme("time_series"))
        ('5 folds', '2 x 3 folds', '5 folds in time order')
        """
        times = f"{self.repeats} x " if self.repeats > 1 else ""
        return times + KINDS[self.kind].words.format(n_splits=self.n_splits, column=self.column)


Labels = NDArray[Any] | None
"""Group or fold of each row, shape (n,); None for kinds that need none."""


@dataclass(frozen=True)
class Kind:
    """One kind of cross-validation.

    Attributes
    ----------
    splitter : callable
        Builds a scikit-learn splitter from a `Scheme`, a seed (None unless shuffled) and `Labels`.
    words, meaning : str
        Texts for reports and for the documents.
    keys : tuple of str
        Further keys of [cv] that this kind takes.
    requires : tuple of callable
        Checks of a `Scheme`, targets and `Labels`: each returns what there is too little of, or an empty string.
    needs : str or None
        The key of [cv] that must name a column.
    task : str or None
        The only task for which this kind is allowed.
    default : str or None
        The entry of `NAMED` for which this kind is the default of a study; an empty string if the study names none of
        them.
    shuffle : bool
        Whether rows are shuffled by default.
    outer : str or None
        Kind of the outer loop of nested cross-validation, if different.
    forecasts : bool
        Whether this kind is valid for forecasts.
    """

    splitter: Callable[[Scheme, int | None, Labels], Any]
    words: str
    meaning: str
    keys: tuple[str, ...]
    requires: tuple[Callable[[Scheme, NDArray[Any], Labels], str], ...]
    needs: str | None = None
    task: str | None = None
    default: str | None = None
    shuffle: bool = False
    outer: str | None = None
    forecasts: bool = False


def _shuffling(splitter: Callable[..., Any]) -> Callable[[Scheme, int | None, Labels], Any]:
    """Return a factory of splitters that can shuffle before they split."""
    return lambda scheme, seed, labels: splitter(scheme.n_splits, shuffle=scheme.shuffled, random_state=seed)


def _wanted(scheme: Scheme) -> tuple[str, int]:
    """Return the key that sets the number of parts of the data, and that number."""
    if "n_splits" in KINDS[scheme.kind].keys:
        return f"[cv] n_splits = {scheme.n_splits}", scheme.n_splits
    return f"[cv] kind = {scheme.kind!r}", 2


def too_few_rows(scheme: Scheme, y: NDArray[Any], labels: Labels) -> str:
    wanted, n = _wanted(scheme)
    return f"{wanted} needs at least {n} rows; the data has {len(y)}" if len(y) < n else ""


def too_few_groups(scheme: Scheme, y: NDArray[Any], labels: Labels) -> str:
    (wanted, n), found = _wanted(scheme), len(np.unique(np.asarray(labels)))
    return f"{wanted} needs at least {n} groups; column {scheme.column!r} has {found}" if found < n else ""


def too_small_classes(scheme: Scheme, y: NDArray[Any], labels: Labels) -> str:
    (wanted, n), most = _wanted(scheme), int(np.unique(y, return_counts=True)[1].max())
    return f"{wanted} needs a class with {n} rows; the largest has {most}" if most < n else ""


def none_validated(scheme: Scheme, y: NDArray[Any], labels: Labels) -> str:
    if predefined(labels).get_n_splits():
        return ""
    return f"[cv] split = {scheme.column!r} has no rows to validate; all rows are for training"


SHUFFLED = ("n_splits", "shuffle", "repeats", "outer")

KINDS = {
    "k_fold": Kind(
        _shuffling(KFold),
        "{n_splits} folds",
        "k parts, each validated once. The default for regression.",
        SHUFFLED,
        (too_few_rows,),
        default="",
        shuffle=True,
    ),
    "stratified": Kind(
        _shuffling(StratifiedKFold),
        "{n_splits} folds",
        "Like `k_fold`, with the same class proportions in every fold. The default for classification.",
        SHUFFLED,
        (too_few_rows, too_small_classes),
        task="classification",
        default="",
        shuffle=True,
    ),
    "group": Kind(
        _shuffling(GroupKFold),
        "{n_splits} folds of groups",
        "k parts of similar size; all rows of a group are in the same part. The default for regression if `group` is set.",
        (*SHUFFLED, "group"),
        (too_few_rows, too_few_groups),
        needs="group",
        default="group",
    ),
    "stratified_group": Kind(
        _shuffling(StratifiedGroupKFold),
        "{n_splits} folds of groups",
        "Like `group`, with class proportions as equal as the groups allow. The default for classification if `group` is set.",
        (*SHUFFLED, "group"),
        (too_few_rows, too_few_groups, too_small_classes),
        needs="group",
        task="classification",
        default="group",
    ),
    "leave_one_group_out": Kind(
        lambda scheme, seed, labels: LeaveOneGroupOut(),
        "one group of {column!r} left out",
        "Each group is validated once, by a model trained on all other groups.",
        ("group", "outer"),
        (too_few_rows, too_few_groups),
        needs="group",
        outer="group",
    ),
    "time_series": Kind(
        lambda scheme, seed, labels: TimeSeriesSplit(scheme.n_splits, gap=scheme.gap),
        "{n_splits} folds in time order",
        "Each fold trains on all rows before its validation rows, except the last `gap` rows. The default with `time` or `lags`.",
        ("n_splits", "gap", "outer"),
        (too_few_rows,),
        default="time",
        forecasts=True,
    ),
    "predefined": Kind(
        lambda scheme, seed, labels: predefined(labels),
        "the folds of column {column!r}",
        "The column `split` names the fold in which each row is validated. The default if `split` is set.",
        ("split",),
        (none_validated,),
        needs="split",
        default="split",
        forecasts=True,
    ),
}

NAMED = ("split", "group", "time", "")
"""Keys of a study that decide its default kind; the first one that is set counts."""

ALWAYS_TRAINING = ("train", "-1", "-1.0")
"""Values of a split column, as strings, for rows that are never validated; in a boolean column it is False."""


def default_kind(task: str, *, group: bool, split: bool, time: bool) -> str:
    """Return the default kind of a study, given which columns it names.

    >>> default_kind("regression", group=False, split=False, time=False)
    'k_fold'
    >>> default_kind("classification", group=True, split=False, time=True)
    'stratified_group'
    """
    named = {"split": split, "group": group, "time": time, "": True}
    found = next(key for key in NAMED if named[key])
    fitting = [name for name, kind in KINDS.items() if kind.default == found and kind.task in (None, task)]
    return next(
        (name for name in fitting if KINDS[name].task == task), fitting[0]
    )  # that of the task before one of any task


def predefined(labels: Any) -> PredefinedSplit:
    """Return the splitter for a column that names the fold of each row; folds are in the order of their sorted names.

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
