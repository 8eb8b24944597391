"""Data sets for benchmarks: a folder of tables, or the sets inside scikit-learn.

A set of a folder is `NAME/NAME.csv` or `.csv.gz`, with the target in the last column. `NAME/meta.json` has its `task` and its
`categorical_columns`. Sets of other tasks than regression and classification are left out.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn import datasets

from benchmarks.common import say

LOADERS = {
    "diabetes": (datasets.load_diabetes, "regression"),
    "breast_cancer": (datasets.load_breast_cancer, "classification"),
    "digits": (datasets.load_digits, "classification"),
    "iris": (datasets.load_iris, "classification"),
    "wine": (datasets.load_wine, "classification"),
}


class Data(NamedTuple):
    """Raw columns and target; classes are numbered from 0."""

    name: str
    task: str
    X: pd.DataFrame
    y: np.ndarray


def load(folder: Path | None, most: int) -> list[Data]:
    """Return the sets of a folder, or those inside scikit-learn, each with at most `most` rows."""
    sets = (
        _sklearn_sets() if folder is None else [d for meta in sorted(folder.glob("*/meta.json")) for d in _read(meta)]
    )
    if not sets:
        raise SystemExit(f"error: {folder} has no NAME/meta.json of a regression or classification")
    return [_cut(data, most) for data in sorted(sets, key=lambda data: data.task, reverse=True)]


def _sklearn_sets() -> list[Data]:
    bunches = {name: (loader(as_frame=True), task) for name, (loader, task) in LOADERS.items()}
    return [Data(name, task, bunch.data, bunch.target.to_numpy()) for name, (bunch, task) in bunches.items()]


def _read(meta: Path) -> list[Data]:
    known = json.loads(meta.read_text(encoding="utf-8"))
    task, name = known["task"], meta.parent.name
    tables = [meta.parent / f"{name}{suffix}" for suffix in (".csv", ".csv.gz")]
    found = [table for table in tables if table.exists()]
    if task not in ("regression", "classification") or not found:
        say("left out:", name, task)
        return []
    frame = pd.read_csv(found[0])
    frame = frame[frame.iloc[:, -1].notna()]
    X, y = frame.iloc[:, :-1], frame.iloc[:, -1].to_numpy()
    for column in known.get("categorical_columns", []):
        X = X.assign(**{column: X[column].astype("string").astype(object).where(X[column].notna(), np.nan)})
    return [Data(name, task, X, np.unique(y, return_inverse=True)[1] if task == "classification" else y.astype(float))]


def _cut(data: Data, most: int) -> Data:
    if len(data.y) <= most:
        return data
    rows = np.sort(np.random.default_rng(0).choice(len(data.y), most, replace=False))
    return data._replace(X=data.X.iloc[rows].reset_index(drop=True), y=data.y[rows])
