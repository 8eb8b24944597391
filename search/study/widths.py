"""How many columns a table has at most once it is prepared, found without preparing it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from bpmodel.preprocessing.options import COLUMNS
from search.study.data import Dataset
from search.study.study_file import Study


def prepared(study: Study, dataset: Dataset) -> int:
    """Return the most columns that the networks of a study may see.

    A number has one, or one for each bin; a category one for each level, up to `max_categories`. Each may have another one for
    missing values.
    """
    return most_columns(study, dataset.X, dataset.formats)


def most_columns(study: Study, X: pd.DataFrame, formats: Mapping[str, Mapping[str, Any]]) -> int:
    """Return what `prepared` returns, given the rows and what is known of the values of columns."""
    options = {o.name: _values(study, o.name, o.default) for o in COLUMNS}
    bins = max(options["n_bins"]) if "piecewise" in options["numeric"] else 1
    levels = max(options["max_categories"]) if "onehot" in options["categorical"] else 1
    named = set(study.preprocessing.get("categorical_columns") or ())
    rows = len(X)
    total = 0
    for name, column in X.items():
        kind = formats.get(str(name), {}).get("kind")
        number = name not in named and (pd.api.types.is_numeric_dtype(column) or kind in ("number", "duration"))
        most = min(bins, max(rows - 1, 1)) if number else max(min(levels, _different(column)), DATE)
        total += most + (1 if column.isna().any() else 0)
    return total


DATE = 7
"""Columns of a date: days, and month, weekday and hour on a circle."""


def _values(study: Study, name: str, default: Any) -> list[Any]:
    """Return the extreme values of a preprocessing option."""
    given = [study.preprocessing.get(name, default)]
    return given + [value for one in study.space.members if name in one for value in one[name].extremes()]


def _different(column: pd.Series) -> int:
    try:
        return int(column.nunique()) + 1  # a missing value is a level, too
    except TypeError:  # lists in cells: the preparation says so
        return 1
