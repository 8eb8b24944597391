"""The evaluation of a model, in words and tables."""

from __future__ import annotations

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from search import classes
from search.formatting import metric, number
from search.holdout import metrics
from search.holdout.bootstrap import CONFIDENCE
from search.holdout.evaluation import QUANTILES, Evaluation, Scored, sentences
from search.results.report import TITLE
from search.results.widths import Whole

MOST_CLASSES = 12
"""Classes of which a confusion matrix is printed."""

LONGEST = 16
"""Characters of a class in a table."""


def report(found: Evaluation) -> RenderableType:
    """Return the terminal report on an evaluation."""
    parts: list[RenderableType] = [Whole(scores(found))]
    parts += [Text(f"  {line}", style="bold") for line in told(found)]
    parts.append(Text())
    if found.sample.classes:
        if len(found.sample.classes) <= MOST_CLASSES:
            parts += [Whole(confusion(found)), Text()]
        parts.append(Whole(by_class(found)))
    else:
        parts += [Text("Residuals (target - prediction)", style="bold"), Whole(residuals(found))]
        parts += [Text(), Whole(worst(found))]
    return Group(*parts)


def told(found: Evaluation) -> list[str]:
    """Return what the first score means."""
    return sentences(found.scores, metric(found.scores[0].scoring)[0])


def scores(found: Evaluation) -> Table:
    """Return a table of the metrics: value, confidence interval, the dummy predictor's and that of cross-validation."""
    beside = {"dummy predictor": any(s.dummy is not None for s in found.scores)}
    beside["cross-validation"] = any(s.promised is not None for s in found.scores)
    title = f"On {len(found.sample):,} row{'' if len(found.sample) == 1 else 's'}"
    table = Table(title=title, box=None, padding=(0, 1), **TITLE)
    table.add_column(no_wrap=True)
    for column in ("", f"{CONFIDENCE:.0%} interval", *(name for name, has in beside.items() if has)):
        table.add_column(column, justify="right", no_wrap=True)
    for i, scored in enumerate(found.scores):
        cells = [_known(scored.value), _interval(scored)]
        if beside["dummy predictor"]:
            cells.append("" if scored.dummy is None else _known(scored.dummy))
        if beside["cross-validation"]:
            spread = "" if scored.spread is None else f" ± {number(scored.spread, scored.value)}"
            cells.append("" if scored.promised is None else f"{number(scored.promised)}{spread}")
        table.add_row(metric(scored.scoring)[0], *cells, style="" if i else "bold")
    return table


def _known(value: float) -> str:
    """Return a number; a dash if the rows do not tell it, as the area under the curve of a single class."""
    return number(value) if np.isfinite(value) else "-"


def _interval(scored: Scored) -> str:
    return f"{number(scored.low)} to {number(scored.high)}" if np.isfinite(scored.low) else "-"


def confusion(found: Evaluation) -> Table:
    """Return a table of the numbers of rows by true and predicted class."""
    table = Table(title="Rows by true class, and what they are predicted as", box=None, padding=(0, 1), **TITLE)
    table.add_column(no_wrap=True)
    names = _names(found)
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    for name, row in zip(names, found.sample.confusion, strict=True):
        table.add_row(name, *(f"{count:,}" for count in row))
    return table


def by_class(found: Evaluation) -> Table:
    """Return a table of precision, recall and F1 of each class."""
    table = Table(box=None, padding=(0, 1))
    table.add_column(no_wrap=True)
    for column in ("precision", "recall", "f1", "rows"):
        table.add_column(column, justify="right", no_wrap=True)
    columns = [compute(found.sample) for compute in (metrics.precisions, metrics.recalls, metrics.f1_scores)]
    for name, *cells, rows in zip(_names(found), *columns, found.sample.confusion.sum(axis=1), strict=True):
        table.add_row(name, *(number(float(cell)) for cell in cells), f"{rows:,}")
    return table


def _names(found: Evaluation) -> list[str]:
    texts = [classes.text(label) for label in found.sample.classes]
    return [text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…" for text in texts]


def residuals(found: Evaluation) -> Table:
    """Return a table of the residuals' mean, spread and quantiles, and of the correlation of target and prediction."""
    table = Table(box=None, padding=(0, 1), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    own = found.residuals
    table.add_row("mean (bias)", number(float(own.mean()), float(np.abs(own).max())))
    table.add_row("standard deviation", number(float(own.std())))
    listed = ", ".join(number(float(value)) for value in np.quantile(own, QUANTILES))
    shares = ", ".join(f"{share:.0%}" for share in QUANTILES)
    table.add_row(f"quantiles {shares}", listed)
    table.add_row("correlation R of target and prediction", _known(found.correlation))
    return table


def worst(found: Evaluation) -> Table:
    """Return a table of the rows with the largest errors."""
    table = Table(title="Largest errors", box=None, padding=(0, 1), **TITLE)
    for column in ("row", "target", "prediction"):
        table.add_column(column, justify="right", no_wrap=True)
    for row, truth, predicted in found.worst():
        table.add_row(f"{row:,}", number(truth), number(predicted))
    return table
