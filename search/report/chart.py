"""The figure of the answer: the scores of the folds as dots and their mean as a line, for the best trial and the baselines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from search.formatting import metric
from search.report.digits import decimals, fixed
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


FAR = 2.0
"""A model that lies so many times farther away than all better ones reach would leave them no room: it is off the scale."""


def chart(rows: Sequence[Row], scoring: str) -> Markup:
    """Return the figure, given the rows from the best to the worst; empty if there are fewer than two, or no finite score."""
    name, sign = metric(scoring)
    near = _near(rows)
    values = [sign * s for row in near for s in _finite(row)]
    if len(rows) < 2 or not values:
        return Markup()
    low, high = min(values), max(values)
    places = decimals(row.std for row in rows)
    drawn = joined(_row(row, _marks(row, sign, low, high, shown=row in near), sign, places) for row in rows)
    better = "lower" if sign < 0 else "higher"
    ends = [tag("span", fixed(low, places)), tag("span", fixed(high, places))]
    middle = tag("span", f"{name}, {better} is better", class_="of")
    axis = tag("div", tag("div", ends[0], middle, ends[1]), class_="axis soft", aria_hidden="true")
    told = "Each dot is the score of a fold, each bar the mean over the folds; all on the same folds."
    return tag("figure", tag("div", drawn, axis, class_="chart"), tag("figcaption", told))


def _finite(row: Row) -> list[float]:
    return [s for s in (row.score, *row.fold_scores[:MOST_DOTS]) if math.isfinite(s)]


def _near(rows: Sequence[Row]) -> list[Row]:
    """Return the rows that share a scale: the two best, and each further one unless it is far from all before it."""
    near = list(rows[:2])
    for row in rows[2:]:
        known, own = [s for other in near for s in _finite(other)], _finite(row)
        if not known or not own:
            continue
        reach = max(known) / 2 - min(known) / 2  # halves, because the difference of large scores is not finite
        if not row.own and min(known) / 2 - max(own) / 2 > FAR * reach:
            continue
        near.append(row)
    return near


def _row(row: Row, marks: Sequence[Markup], sign: int, places: int | None) -> Markup:
    told = f"{fixed(sign * row.score, places)} ± {fixed(row.std, places)}"
    rail = tag("line", x1="0", x2="100%", y1="50%", y2="50%", class_="rail")
    picture = tag("svg", rail, *marks, role="img", aria_label=f"{row.name}: {told}")
    cells = (tag("span", row.name, class_="who"), tag("span", told, class_="value"), picture)
    return tag("div", *cells, class_="row own" if row.own else "row")


def _marks(row: Row, sign: int, low: float, high: float, *, shown: bool) -> list[Markup]:
    """Return the dots and the bar of a model, or what says that they lie beyond the worse end."""
    if not shown:
        place, anchor, told = ("100%", "end", "off the scale →") if sign < 0 else ("0", "start", "← off the scale")
        return [tag("text", told, x=place, y="50%", dy="-.35em", text_anchor=anchor)]
    dots = [
        tag("circle", cx=_at(sign * s, low, high), cy="50%", r="4", class_="fold")
        for s in row.fold_scores[:MOST_DOTS]
        if math.isfinite(s)
    ]
    if not math.isfinite(row.score):
        return dots
    place = _at(sign * row.score, low, high)
    return [*dots, tag("line", x1=place, x2=place, y1="10%", y2="90%", class_="mean")]


def _at(value: float, low: float, high: float) -> str:
    """Return a place on the width of the figure.

    >>> _at(2.0, 1.0, 3.0), _at(1.0, 1.0, 1.0), _at(1e308, -1e308, 1e308)
    ('50.0%', '50.0%', '98.0%')
    """
    span = high / 2 - low / 2
    share = (value / 2 - low / 2) / span if span > 0 else 0.5
    return f"{100 * (MARGIN + (1 - 2 * MARGIN) * share):.1f}%"
