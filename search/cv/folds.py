"""Cross-validation folds: computed once per study, shared by all its trials and baselines."""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpmodel.intake.rows import row_numbers
from bpmodel.network.sizes import too_large
from search.cv.kinds import KINDS, Scheme
from search.errors import StudyError

MOST_FOLDS = 100_000
"""The most folds, those of all repeats together; each is a fit of every configuration and baseline."""

ROW_NUMBER = 4
"""Bytes of the number of a row in a fold."""


@dataclass(frozen=True)
class Folds:
    """Training and validation row indices of each fold, in the networks' index type, so that fits share the arrays."""

    splits: tuple[tuple[NDArray[np.int32], NDArray[np.int32]], ...]

    def __len__(self) -> int:
        return len(self.splits)

    @property
    def fingerprint(self) -> str:
        """Hash of all row indices."""
        digest = hashlib.sha256()
        for train, validation in self.splits:
            digest.update(np.asarray(train, dtype=np.int64).tobytes() + b"|")
            digest.update(np.asarray(validation, dtype=np.int64).tobytes() + b";")
        return digest.hexdigest()[:16]


def split(scheme: Scheme, y: NDArray[Any], labels: NDArray[Any] | None = None, *, seed: int, where: str) -> Folds:
    """Split rows into folds; errors start with `where`.

    Parameters
    ----------
    scheme : Scheme
    y : array of shape (n,) or (n, outputs)
    labels : array of shape (n,), optional
        Group or fold of each row, for the kinds that need it.
    seed : int
        Seed of the first shuffle; each repeat adds 1.

    Raises
    ------
    StudyError
        If there are fewer rows, fewer rows of a class, or fewer groups than folds.
    """
    kind = KINDS[scheme.kind]
    for requirement in kind.requires:
        if lacking := requirement(scheme, y, labels):
            raise StudyError(f"{where}: {lacking}")
    _check_number(scheme, len(y), labels, where)
    groups = labels if kind.needs == "group" else None
    splits: list[tuple[NDArray[np.int32], NDArray[np.int32]]] = []
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        for repeat in range(scheme.repeats):
            seeded = (seed + repeat) % 2**32 if scheme.shuffled else None
            try:
                splits += from_splitter(
                    kind.splitter(scheme, seeded, labels), np.zeros(len(y)), y, groups=groups
                ).splits
            except ValueError as error:
                raise StudyError(f"{where}: [cv] kind = {scheme.kind!r} cannot split the data: {error}") from None
    for number, (train, validation) in enumerate(splits, start=1):
        if not len(train) or not len(validation):
            rows = "validation" if len(train) else "training"
            raise StudyError(f"{where}: [cv] kind = {scheme.kind!r}: fold {number} of {len(splits)} has no {rows} rows")
    return Folds(tuple(splits))


def _check_number(scheme: Scheme, n_rows: int, labels: NDArray[Any] | None, where: str) -> None:
    """Raise StudyError if there are too many folds, or memory does not hold the row numbers of all of them."""
    of_labels = labels is not None and "n_splits" not in KINDS[scheme.kind].keys
    parts = len(np.unique(np.asarray(labels))) if of_labels else scheme.n_splits
    n_folds = parts * scheme.repeats
    keys = f"kind = {scheme.kind!r}" if of_labels else f"n_splits = {scheme.n_splits}"
    keys += f", repeats = {scheme.repeats}" if scheme.repeats > 1 else ""
    if n_folds > MOST_FOLDS:
        raise StudyError(f"{where}: [cv] {keys} are {n_folds:,} folds; allowed are up to {MOST_FOLDS:,}")
    if lacking := too_large(ROW_NUMBER * n_folds * n_rows):
        raise StudyError(
            f"{where}: [cv] {keys} are {n_folds:,} folds of {n_rows:,} rows, whose numbers alone {lacking}"
        )


def purge(folds: Folds, origins: NDArray[np.integer], horizon: int, where: str) -> Folds:
    """Drop training rows whose target is not yet known when the first validation forecast of their fold is made.

    Parameters
    ----------
    origins : array of shape (n,)
        The step of the series at which the forecast of each row is made; its target is known `horizon` steps later.

    Raises
    ------
    StudyError
        If a fold has no training rows left.
    """
    splits = []
    for number, (train, validation) in enumerate(folds.splits, start=1):
        known = train[origins[train] + horizon <= origins[validation].min()]
        if not len(known):
            raise StudyError(
                f"{where}: [cv] fold {number} of {len(folds)} has no training rows from before its validation rows"
            )
        splits.append((known, validation))
    return Folds(tuple(splits))


def from_splitter(cv: Any, X: Any, y: Any, **params: Any) -> Folds:
    """Split once with any scikit-learn splitter; `params` (``groups``) are passed to it.

    Raises
    ------
    ValueError
        If it makes no splits, or a different number than it announces, or if it returns what are no numbers of rows.
    """
    n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
    splits = tuple(
        (
            _numbers(train, n_rows, f"fold {fold} of cv: training rows"),
            _numbers(test, n_rows, f"fold {fold} of cv: validation rows"),
        )
        for fold, (train, test) in enumerate(cv.split(X, y, **params), start=1)
    )
    if not splits:
        raise ValueError("No fits were performed. Was the CV iterator empty? Were there no candidates?")
    if len(splits) != (said := cv.get_n_splits(X, y, **params)):
        raise ValueError(
            f"cv.split and cv.get_n_splits return inconsistent results. Expected {said} splits, got {len(splits)}"
        )
    return Folds(splits)


def _numbers(rows: Any, n_rows: int, name: str) -> NDArray[np.int32]:
    """Return row numbers, given numbers or a boolean mask; which folds may be empty is for others to say."""
    return row_numbers(rows, n_rows, name) if np.size(rows) else np.zeros(0, dtype=np.int32)
