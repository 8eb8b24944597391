"""The default pipeline: raw columns of mixed types in, predictions in the target's own units out."""

from __future__ import annotations

from typing import Any

import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from bpmodel import BPClassifier, BPRegressor

MAX_CATEGORIES = 32


def default_pipeline(X: pd.DataFrame, task: str, model: dict[str, Any]) -> Pipeline:
    """Return ``make_pipeline(columns, network)`` for a table.

    Numeric columns: the median for missing values, then mean 0 and variance 1. Columns of truth values: 0 and 1. Other
    columns: the most frequent value for missing ones, then one column per value, where the rarest share one column if there
    are more than 32.

    Parameters
    ----------
    X : DataFrame of shape (n, columns)
        Only its column names and types are looked at.
    task : {"regression", "classification"}
    model : dict
        Hyperparameters of the network; for regression its target is scaled unless ``scale_target`` says otherwise.
    """
    return make_pipeline(default_columns(X), network(task, model))


def default_columns(X: pd.DataFrame) -> ColumnTransformer:
    """Return the transformer of the raw columns."""
    truth = [c for c in X.columns if pd.api.types.is_bool_dtype(X[c])]
    numeric = [c for c in X.columns if pd.api.types.is_numeric_dtype(X[c]) and c not in truth]
    other = [c for c in X.columns if c not in {*truth, *numeric}]
    numbers = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler())
    categories = make_pipeline(
        SimpleImputer(strategy="most_frequent", keep_empty_features=True),
        OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=MAX_CATEGORIES, sparse_output=False),
    )
    flags = OneHotEncoder(handle_unknown="ignore", drop="if_binary", sparse_output=False)
    parts = [("numbers", numbers, numeric), ("truth_values", flags, truth), ("categories", categories, other)]
    return ColumnTransformer([part for part in parts if part[2]], verbose_feature_names_out=False)


def network(task: str, model: dict[str, Any]) -> BPRegressor | BPClassifier:
    """Return the network of a study."""
    return BPClassifier(**model) if task == "classification" else BPRegressor(**{"scale_target": True, **model})
