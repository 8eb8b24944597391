"""The default pipeline: raw columns of mixed types in, predictions in the target's own units out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from sklearn.pipeline import Pipeline, make_pipeline

from bpmodel import BPClassifier, BPRegressor
from bpmodel.preprocessing import TablePreprocessor
from bpmodel.preprocessing.options import PREPROCESSING
from search.errors import StudyError

PATHS = {option.name: f"{TablePreprocessor.__name__.lower()}__{option.name}" for option in PREPROCESSING}
"""Names of the preprocessing options in the default pipeline."""


def default_pipeline(task: str, model: Mapping[str, Any], preprocessing: Mapping[str, Any] | None = None) -> Pipeline:
    """Return ``make_pipeline(TablePreprocessor(…), network)``.

    Parameters
    ----------
    task : {"regression", "classification"}
    model : dict
        Hyperparameters of the network; for regression its target is scaled unless ``scale_target`` says otherwise.
    preprocessing : dict, optional
        Options of the `TablePreprocessor`.

    Examples
    --------
    >>> pipeline = default_pipeline("regression", {}, {"numeric": "quantile"})
    >>> pipeline.get_params()[PATHS["numeric"]]
    'quantile'
    """
    return make_pipeline(TablePreprocessor(**(preprocessing or {})), network(task, model))


def check_columns(preprocessing: Mapping[str, Any], X: pd.DataFrame, where: str) -> None:
    """Make sure that a table has the columns that preprocessing options name; errors start with `where`.

    Raises
    ------
    StudyError
        If it lacks one.
    """
    for name in preprocessing.get("categorical_columns", []):
        if name not in X.columns:
            raise StudyError(
                f"{where}: [preprocessing] categorical_columns has {name!r}, which is not a column; "
                f"the columns are {', '.join(X.columns)}"
            )


def network(task: str, model: Mapping[str, Any]) -> BPRegressor | BPClassifier:
    """Return the network of a study."""
    return BPClassifier(**model) if task == "classification" else BPRegressor(**{"scale_target": True, **model})
