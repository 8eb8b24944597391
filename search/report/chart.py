"""The figure of the answer: the scores of the folds as dots and their mean as a line, for the best trial and the baselines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from search.formatting import metric, number
from search.report.markup import Markup, joined, tag

MOST_DOTS = 60
"""Folds that are drawn; repeated cross-validation may have thousands."""

MARGIN = 0.02
"""Share of the width that stays free at both ends."""


@dataclass(frozen=True)
class Row:
    """A model in the figure: its name, mean, standard deviation and fold scores, with the scorer's sign."""

    name: str
    score: float
    std: float
    fold_scores: Sequence[float] = ()
    own: bool = False


def chart(rows: Sequence[Row], scoring: str) -> Markup:
    """Return the figure; empty if there is only one row, or no finite score."""
    name, sign = metric(scoring)
    values = [sign * s for row in rows for s in (row.score, *row.fold_scores[:MOST_DOTS]) if math.isfinite(s)]
    if len(rows) < 2 or not values:
        return Markup()
    low, high = min(values), max(values)
    scale = max(abs(low), abs(high))
    drawn = joined(_row(row, sign, low, high, scale) for row in rows)
    better = "lower" if sign < 0 else "higher"
    axis = tag(
        "div",
        tag(
            "div",
            tag("span", number(low, scale)),
            tag("span", f"{name}, {better} is better"),
            tag("span", number(high, scale)),
        ),
        class_="axis soft",
        aria_hidden="true",
    )
    caption = tag(
        "figcaption", "Each dot is the score of a fold, each bar the mean over the folds; all on the same folds."
    )
    return tag("figure", tag("div", drawn, axis, class_="chart"), caption)


def _row(row: Row, sign: int, low: float, high: float, scale: float) -> Markup:
    own = " own" if row.own else ""
    told = f"{number(sign * row.score, scale)} ± {number(row.std, scale)}"
    dots = [
        tag("circle", cx=_at(sign * s, low, high), cy="50%", r="4", class_="fold")
        for s in row.fold_scores[:MOST_DOTS]
        if math.isfinite(s)
    ]
    place = _at(sign * row.score, low, high)
    bar = [tag("line", x1=place, x2=place, y1="10%", y2="90%", class_="mean")] if math.isfinite(row.score) else []
    rail = tag("line", x1="0", x2="100%", y1="50%", y2="50%", class_="rail")
    picture = tag("svg", rail, *dots, *bar, role="img", aria_label=f"{row.name}: {told}")
    cells = (tag("span", row.name, class_="who"), tag("span", told, class_="value"), picture)
    return tag("div", *cells, class_=f"row{own}")


def _at(value: float, low: float, high: float) -> str:
    """Return a place on the width of the figure.

    >>> _at(2.0, 1.0, 3.0), _at(1.0, 1.0, 1.0), _at(1e308, -1e308, 1e308)
    ('50.0%', '50.0%', '98.0%')
    """
    span = high / 2 - low / 2
    share = (value / 2 - low / 2) / span if span > 0 else 0.5
    return f"{100 * (MARGIN + (1 - 2 * MARGIN) * share):.1f}%"
