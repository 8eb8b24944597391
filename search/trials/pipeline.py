"""The default pipeline: from raw columns of mixed types to predictions in the target's own units."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import pandas as pd
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import Pipeline, make_pipeline

from bpmodel import BPClassifier, BPRegressor
from bpmodel.full_batch.solvers import FULL_BATCH
from bpmodel.names import hints
from bpmodel.names.short import listed
from bpmodel.preprocessing import TablePreprocessor, TargetTransformer
from bpmodel.preprocessing.options import COLUMNS, TARGET
from search.errors import StudyError

PATHS = {
    **{option.name: f"tablepreprocessor__{option.name}" for option in COLUMNS},
    **{option.name: f"transformedtargetregressor__transformer__{option.name}" for option in TARGET},
}
"""Names of the preprocessing options in the default pipeline."""

DEFAULTS = {"ema_decay": 0.98}
"""Hyperparameters in which a study's network differs from the estimator's defaults. With averaged weights the same
configuration scored better on eight of nine data sets, and it needs no other learning rate (docs/benchmarks.md, "The
portfolio")."""


def default_pipeline(
    task: str,
    model: Mapping[str, Any],
    preprocessing: Mapping[str, Any] | None = None,
    searched: Mapping[str, Collection[Any]] | None = None,
    formats: Mapping[str, Mapping[str, Any]] | None = None,
) -> Pipeline:
    """Return ``make_pipeline(TablePreprocessor(…), network)``.

    A `TransformedTargetRegressor` wraps the network if requested.

    Parameters
    ----------
    task : {"regression", "classification"}
    model : dict
        Hyperparameters of the network. By default, predictions use averaged weights (``ema_decay=0.98``), and for
        regression the target is scaled (``scale_target``).
    preprocessing : dict, optional
        Options of the `TablePreprocessor` and the `TargetTransformer`.
    searched : dict, optional
        The parameters that trials set, with values they may take. If no trial transforms the target, no transformer is
        added; full-batch solvers average no weights.
    formats : dict of str to dict, optional
        What is known of the columns, as `column_formats` of the `TablePreprocessor`.

    Examples
    --------
    >>> default_pipeline("regression", {}, {"numeric": "quantile"}).get_params()[PATHS["numeric"]]
    'quantile'
    >>> default_pipeline("regression", {}, {"target_transform": "log"}).get_params()[PATHS["target_transform"]]
    'log'
    """
    given, searched = preprocessing or {}, searched or {}
    columns, target = ({o.name: given[o.name] for o in rows if o.name in given} for rows in (COLUMNS, TARGET))
    last = network(task, model, searched.get("solver", [model.get("solver")]))
    if target or any(option.name in searched for option in TARGET):
        last = TransformedTargetRegressor(last, transformer=TargetTransformer(**target), check_inverse=False)
    known = {name: dict(known) for name, known in formats.items()} if formats else None
    return make_pipeline(TablePreprocessor(**columns, column_formats=known), last)


def check_columns(preprocessing: Mapping[str, Any], X: pd.DataFrame, where: str) -> None:
    """Check that a table has the columns named by preprocessing options; errors start with `where`.

    Raises
    ------
    StudyError
        If a column is missing.
    """
    for name in preprocessing.get("categorical_columns", []):
        if name not in X.columns:
            meant = hints.of_name(name, X.columns)
            raise StudyError(
                f"{where}: [preprocessing] categorical_columns has {name!r}, which is not a column{meant}; "
                f"the columns are {listed(X.columns)}"
            )


def network(task: str, model: Mapping[str, Any], solvers: Collection[Any] = ()) -> BPRegressor | BPClassifier:
    """Return the network of a study; trials may train it with any of `solvers`."""
    averages = not any(solver in FULL_BATCH for solver in solvers)
    given = {**(DEFAULTS if averages else {}), **model}
    return BPClassifier(**given) if task == "classification" else BPRegressor(**{"scale_target": True, **given})
