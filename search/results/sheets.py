"""The tables of a study as CSV files: trials as in scikit-learn's searches, a leaderboard, and out-of-fold predictions.

Spreadsheets run what begins like a formula. Names and choices may be anybody's, so such texts get an apostrophe in front, which
spreadsheets do not show.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search import classes, formatting
from search.results.cv_results import cv_results
from search.results.result import Result
from search.space.dimensions import is_number, label
from search.trials.out_of_fold.predictions import OutOfFold
from search.trials.outcomes import order
from search.trials.scoring import SCORE

MOST_ROWS, MOST_CELLS = 1_000_000, 20_000_000
"""Rows of the table of out-of-fold predictions, and its cells, or it has no probabilities."""

FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""Beginnings of texts that spreadsheets run, or hide."""

Columns = Mapping[str, Sequence[Any] | NDArray[Any]]
Write = Callable[[Path], object]


def sheets(result: Result) -> dict[str, Write]:
    """Return the tables of a study by name, each as a function that writes it at a path."""
    made: dict[str, Callable[[], Columns]] = {
        "leaderboard": lambda: leaderboard(result),
        "cv_results": lambda: trials(result),
    }
    if result.predictions is not None:
        predictions = result.predictions
        made["out_of_fold"] = lambda: out_of_fold(predictions)
    return {name: lambda path, make=make: write(path, make()) for name, make in made.items()}  # type: ignore[misc]


def leaderboard(result: Result) -> dict[str, list[Any]]:
    """Return the trials, the best first, with scores as people say them and a column for each hyperparameter."""
    _, sign = formatting.metric(result.scoring)
    ranked = sorted(result.outcomes.values(), key=order)
    names = list(dict.fromkeys(name for o in ranked for name in o.params))
    return {
        "rank": list(range(1, len(ranked) + 1)),
        "trial": [o.number for o in ranked],
        "verdict": [o.verdict for o in ranked],
        formatting.metric(result.scoring)[0]: [sign * o.score for o in ranked],
        "std": [o.std for o in ranked],
        "seeds": [len(o.seed_scores) or 1 for o in ranked],
        "epochs": [o.epoch or None for o in ranked],
        "weights": [o.n_weights or None for o in ranked],
        "seconds": [round(o.seconds, 3) for o in ranked],
        "finding": [o.divergence.code if o.divergence else "" for o in ranked],
        **{f"param {name}": [o.params.get(name) for o in ranked] for name in names},
    }


def trials(result: Result) -> dict[str, Any]:
    """Return the trials as scikit-learn's ``cv_results_``, in their order."""
    outcomes = [result.outcomes[number] for number in sorted(result.outcomes)]
    n_splits = max((len(o.fold_scores or o.fit_seconds) for o in outcomes), default=1)
    metrics = next((list(o.metrics) for o in outcomes if o.metrics), [SCORE])
    table = cv_results(outcomes, n_splits, metrics)
    return {"trial": [o.number for o in outcomes]} | {
        name: values for name, values in table.items() if name != "params"
    }


def out_of_fold(found: OutOfFold) -> dict[str, Any]:
    """Return a row for each prediction: number of the row, fold from 1, target, prediction and probabilities."""
    n = min(len(found), MOST_ROWS)
    columns: dict[str, Any] = {"row": found.rows[:n], "fold": found.folds[:n] + 1}
    for name, values in (("true", found.truth[:n]), ("predicted", found.predicted[:n])):
        if values.ndim == 1:
            columns[name] = values
        else:
            columns |= {f"{name} {i + 1}": values[:, i] for i in range(values.shape[1])}
    given = found.probabilities
    if given is not None and found.classes is not None and n * len(found.classes) <= MOST_CELLS:
        columns |= {f"probability {classes.text(c)}": given[:n, i] for i, c in enumerate(found.classes)}
    return columns


def write(path: Path, columns: Columns) -> None:
    """Write columns of equal length as CSV."""
    import pyarrow  # here: only what writes a table needs it
    from pyarrow import csv

    table = pyarrow.table([_column(values) for values in columns.values()], [safe(name) for name in columns])
    csv.write_csv(table, path)


def _column(values: Sequence[Any] | NDArray[Any]) -> Any:
    """Return a column of numbers if all values are, otherwise of texts; NaN and None are empty."""
    import pyarrow

    if isinstance(values, np.ndarray) and values.dtype.kind in "iufb" and not np.ma.isMaskedArray(values):
        return pyarrow.array(values, from_pandas=True)
    known = [None if value is np.ma.masked or value != value else value for value in values]
    if all(value is None or is_number(value) for value in known):
        return pyarrow.array([None if value is None else float(value) for value in known])
    return pyarrow.array([None if value is None else safe(_text(value)) for value in known])


def _text(value: Any) -> str:
    return value if isinstance(value, str) else label(value)


def safe(text: str) -> str:
    """Return a text that can be written, and that no spreadsheet runs as a formula.

    >>> safe("=1+1"), safe("relu"), safe("-0.5"), safe("[64, 32]"), safe("\\ud800")
    ("'=1+1", 'relu', '-0.5', '[64, 32]', '?')
    """
    text = text.encode("utf-8", "replace").decode("utf-8")  # half of a pair of surrogates is no character
    if not text.startswith(FORMULAS):
        return text
    try:
        float(text)
    except ValueError:
        return f"'{text}"
    return text
