"""Cross-validation splits: computed once per study, shared by all its trials and baselines."""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import KFold, StratifiedKFold

from search.errors import StudyError


@dataclass(frozen=True)
class Folds:
    """Train and validation row numbers of each fold, as the networks keep them: fits share these arrays."""

    splits: tuple[tuple[NDArray[np.int32], NDArray[np.int32]], ...]

    def __len__(self) -> int:
        return len(self.splits)

    @property
    def fingerprint(self) -> str:
        """Hash of all row numbers."""
        digest = hashlib.sha256()
        for train, validation in self.splits:
            digest.update(np.asarray(train, dtype=np.int64).tobytes() + b"|")
            digest.update(np.asarray(validation, dtype=np.int64).tobytes() + b";")
        return digest.hexdigest()[:16]


def split(y: NDArray[Any], task: str, n_splits: int, *, shuffle: bool, seed: int, where: str) -> Folds:
    """Split rows into k folds, stratified by class for classification; errors start with `where`.

    Raises
    ------
    StudyError
        If there are fewer rows, or fewer rows of every class, than folds.
    """
    if len(y) < n_splits:
        raise StudyError(f"{where}: [cv] n_splits = {n_splits} needs at least {n_splits} rows; the data has {len(y)}")
    kind: type = KFold
    if task == "classification":
        kind = StratifiedKFold
        most = int(np.unique(y, return_counts=True)[1].max())
        if most < n_splits:
            raise StudyError(
                f"{where}: [cv] n_splits = {n_splits} needs a class with {n_splits} rows; the largest has {most}"
            )
    cv = kind(n_splits, shuffle=shuffle, random_state=seed if shuffle else None)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        return from_splitter(cv, np.zeros(len(y)), y)


def from_splitter(cv: Any, X: Any, y: Any, groups: Any = None) -> Folds:
    """Split once with any scikit-learn splitter."""
    return Folds(tuple((_numbers(train), _numbers(validation)) for train, validation in cv.split(X, y, groups)))


def _numbers(rows: Any) -> NDArray[np.int32]:
    """Return row numbers, from row numbers or a mask."""
    rows = np.asarray(rows)
    return np.flatnonzero(rows).astype(np.int32) if rows.dtype == bool else rows.astype(np.int32)
