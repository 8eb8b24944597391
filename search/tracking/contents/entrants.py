"""What a model enters the registry with: its score, what it was scored on, and its hyperparameters."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

SCORE, SCORING, DATA, FOLDS = "bpsearch.score", "bpsearch.scoring", "bpsearch.data", "bpsearch.folds"
"""Tags of a version by which later models are compared with it."""

LONGEST = 1000
"""Characters of such a text."""


@dataclass(frozen=True)
class Entrant:
    """A model that enters the registry.

    Attributes
    ----------
    score : float
        Greater is better.
    scoring : str
        The metric, and whatever else scores depend on, such as the positive class.
    data, folds : str
        Fingerprints of the rows and of the folds. Empty if they are not known: then the score compares with no other.
    metric, value : str
        The metric and the score as people say them: ``root mean squared error`` and ``53.7``.
    trial : int or None
        The trial that the model is of.
    params : mapping
        Its hyperparameters.
    """

    score: float
    scoring: str = ""
    data: str = ""
    folds: str = ""
    metric: str = "score"
    value: str = ""
    trial: int | None = None
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def known(self) -> bool:
        """Whether it is known what the model was scored on."""
        return bool(self.scoring and self.data and self.folds)

    def tags(self, study: str) -> dict[str, str]:
        """Return the tags of a version: those for people, and those by which `held` knows it again."""
        told = {"study": study, "metric": self.metric, "score": self.value}
        told |= {} if self.trial is None else {"trial": str(self.trial)}
        kept = {SCORE: repr(float(self.score)), SCORING: self.scoring, DATA: self.data, FOLDS: self.folds}
        return {name: text[:LONGEST] for name, text in (told | kept).items() if text}


def held(tags: Mapping[str, str]) -> Entrant | None:
    """Return what a version entered the registry with, given its tags; None if they do not say.

    >>> entrant = Entrant(-53.7, "neg_mean_absolute_error", "12ab", "34cd", "mean absolute error", "53.7", 3)
    >>> held(entrant.tags("prices")) == entrant, held({})
    (True, None)
    """
    with suppress(KeyError, ValueError):
        trial = tags.get("trial", "")
        return Entrant(
            float(tags[SCORE]),
            tags[SCORING],
            tags[DATA],
            tags[FOLDS],
            tags.get("metric", "score"),
            tags.get("score", ""),
            int(trial) if trial.isdecimal() else None,
        )
    return None
