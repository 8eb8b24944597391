"""One set with one seed: rows to search on, test rows, and the folds that all contenders share."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, root_mean_squared_error
from sklearn.model_selection import KFold, StratifiedKFold, train_test_split

from benchmarks.sets import Data, load

FOLDS = 5
TEST_SHARE = 0.25
SCORING = {"regression": "neg_root_mean_squared_error", "classification": "accuracy"}


class Task(NamedTuple):
    """A set to search on; greater scores are better."""

    name: str
    kind: str
    seed: int
    X: pd.DataFrame
    y: np.ndarray
    X_test: pd.DataFrame
    y_test: np.ndarray
    folds: list[tuple[np.ndarray, np.ndarray]]

    @property
    def scoring(self) -> str:
        return SCORING[self.kind]

    def test(self, model: Any) -> float:
        """Score a fitted model on the test rows."""
        predicted = model.predict(self.X_test)
        if self.kind == "classification":
            return float(accuracy_score(self.y_test, predicted))
        return -float(root_mean_squared_error(self.y_test, predicted))


def task(data: Data, seed: int) -> Task:
    """Split a set: a quarter of the rows for the test, the others into folds."""
    classes = data.task == "classification"
    X, X_test, y, y_test = train_test_split(
        data.X, data.y, test_size=TEST_SHARE, random_state=seed, stratify=data.y if classes else None
    )
    X, X_test = X.reset_index(drop=True), X_test.reset_index(drop=True)
    cv = (StratifiedKFold if classes else KFold)(FOLDS, shuffle=True, random_state=seed)
    return Task(data.name, data.task, seed, X, y, X_test, y_test, list(cv.split(X, y)))


def tasks(folder: Path | None, rows: int, seeds: int, only: list[str] | None = None) -> list[Task]:
    """Return a task for each set and seed; all sets with one seed come before the next seed."""
    sets = [data for data in load(folder, rows) if not only or data.name in only]
    return [task(data, seed) for seed in range(seeds) for data in sets]
