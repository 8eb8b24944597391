"""Scores as people say them: a root mean squared error is 53.7, though its scorer says -53.7."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from bpmodel.names.visible import visible
from search.formatting import metric, number, short
from search.tracking.contents.names import OWN

NAME = re.compile(r"\w[\w .-]{0,200}", re.ASCII)
"""What may be the name of a metric in any of MLflow's stores. Names of users' own scorers may be anything."""

MOST_LETTERS = 60
"""Letters of a metric in the name of a run."""


def plain(scores: Mapping[str, float]) -> dict[str, float]:
    """Return scores by scorer as metrics under their plain names, with the sign that these have.

    Names that are ours already, or cannot be those of a metric, are left out.

    >>> plain({"neg_root_mean_squared_error": -53.7, "r2": 0.5, "score": 1.0})
    {'root_mean_squared_error': 53.7, 'r2': 0.5}
    """
    found: dict[str, float] = {}
    for scoring, score in scores.items():
        name, sign = said(scoring)
        if name:
            found.setdefault(name, sign * score)
    return found


@cache
def said(scoring: str) -> tuple[str, int]:
    """Return the plain name of a metric, and the sign that converts a score to it; an empty name if it may have none.

    >>> said("neg_log_loss"), said("accuracy"), said("score")
    (('log_loss', -1), ('accuracy', 1), ('', 1))
    """
    name = scoring.removeprefix("neg_")
    return name if NAME.fullmatch(name) and name not in OWN else "", metric(scoring)[1]


def told(scoring: str, score: float) -> str:
    """Return a score for the name of a run.

    >>> told("neg_root_mean_squared_error", -53.7), told("accuracy", 0.96), told("score", 2.0)
    ('RMSE 53.7', 'accuracy 0.96', 'score 2')
    """
    return f"{visible(short(scoring))[:MOST_LETTERS]} {number(metric(scoring)[1] * float(score))}"
