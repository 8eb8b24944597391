"""The trials of a search as the small JSON that interactive figures draw from."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from bpmodel.names.visible import visible
from search import formatting
from search.plots.coordinates import Coordinate
from search.plots.figures.parallel_coordinates import MOST_AXES, chosen, height
from search.plots.labels import shortened
from search.plots.subject import Subject
from search.trials.outcomes import VERDICTS, Outcome

MOST_BYTES = 44_000
"""Size of the JSON: a page with it stays below 60 kB."""

MOST_TRIALS = 1500

LONGEST_VALUE, MOST_VALUES = 40, 12
"""Characters of a value, and hyperparameters, that the text of a trial has."""


def data(drawn: Subject) -> dict[str, Any]:
    """Return the trials as JSON of at most `MOST_BYTES`: of too many, the best ones, and others at even distances.

    Keys are short because they are sent with each page: ``t`` are the trials, each as number, verdict, score as text, height on
    the axis of scores from 0 to 1 or null, places on the axes, and values of ``names`` as texts.
    """
    axes = drawn.ranked()[:MOST_AXES]
    names = list(dict.fromkeys(name for outcome in drawn.outcomes.values() for name in outcome.params))[:MOST_VALUES]
    most = min(len(drawn.outcomes), MOST_TRIALS)
    while True:
        found = _data(drawn, axes, names, chosen(drawn, most))
        if len(json.dumps(found)) <= MOST_BYTES or most <= 1:
            return found
        most = int(most * 0.8)


def _data(drawn: Subject, axes: list[Coordinate], names: list[str], shown: list[Outcome]) -> dict[str, Any]:
    scale = drawn.scale
    verdicts = list(VERDICTS)
    return {
        "metric": visible(scale.name),
        "lower": scale.sign < 0,
        "ends": [formatting.number(float(scale.worst)), formatting.number(float(scale.best))],
        "best": None if drawn.best is None else drawn.best.number,
        "all": len(drawn.outcomes),
        "of": len(drawn.ranked()),
        "last": max(drawn.outcomes, default=0),
        "verdicts": [VERDICTS[name].label for name in verdicts],
        "axes": [
            {"n": visible(shortened(one.name)), "l": [[round(p, 3), visible(shortened(t, 12))] for p, t in one.labels]}
            for one in axes
        ],
        "names": [visible(shortened(name)) for name in names],
        "lines": [
            [visible(b.name), formatting.number(scale.value(b.score)), _share(drawn, b.score)] for b in drawn.baselines
        ],
        "t": [
            [
                o.number,
                verdicts.index(o.verdict),
                formatting.number(scale.value(o.score)) if np.isfinite(o.score) else "",
                None if (place := height(drawn, o)) < 0 else round(place, 3),
                [None if (at := one.places.get(o.number)) is None else round(at, 3) for one in axes],
                [_value(o.params[name]) if name in o.params else None for name in names],
            ]
            for o in sorted(shown, key=lambda o: o.number)
        ],
    }


def _share(drawn: Subject, score: float) -> float | None:
    """Return the height of a baseline from 0 (worst) to 1; None if it is off the scale."""
    scale = drawn.scale
    return round(abs(scale.value(score) - scale.worst) / scale.height, 3) if scale.holds(score) else None


def _value(value: Any) -> str:
    return visible(formatting.number(value)[:LONGEST_VALUE])
