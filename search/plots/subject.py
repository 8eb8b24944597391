"""What is drawn: the trials of a search, and what they are compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from sklearn.exceptions import NotFittedError

from search.plots.canvas import LARGEST, Scale, bounded, scale_of
from search.plots.coordinates import Coordinate, coordinates
from search.plots.importances import Importances, importances
from search.space.spaces import Space
from search.trials.baselines import Baseline
from search.trials.out_of_fold.summary import Summary
from search.trials.outcomes import Outcome, winner

Scored = TypeVar("Scored", Outcome, Baseline)


@dataclass(frozen=True)
class Subject:
    """The trials of a search as figures see them.

    Attributes
    ----------
    outcomes : dict of int to Outcome
        All trials by number.
    space : Space
    baselines : sequence of Baseline
        The first one is the dummy predictor.
    scoring : str
        Name of the scorer. Errors (``neg_…``) are drawn without their sign.
    loss : str
        Name of the networks' loss, if all have the same.
    out_of_fold : Summary, optional
        How the best trial predicts rows that it was not trained on.
    chosen : Outcome, optional
        The best trial, if another rule than that of `winner` has chosen it.
    """

    outcomes: Mapping[int, Outcome]
    space: Space = field(default_factory=lambda: Space({}))
    baselines: Sequence[Baseline] = ()
    scoring: str = "score"
    loss: str = ""
    out_of_fold: Summary | None = None
    chosen: Outcome | None = None

    @cached_property
    def best(self) -> Outcome | None:
        """The best trial; None if no trial finished healthy."""
        return self.chosen or winner(self.outcomes)

    @cached_property
    def scale(self) -> Scale:
        """The axis of scores."""
        return scale_of(self.outcomes, self.baselines, self.scoring)

    @cached_property
    def coordinates(self) -> dict[str, Coordinate]:
        """The axes of the space that some trial has a value of."""
        return coordinates(self.space.axes, self.leaves)

    @cached_property
    def importances(self) -> Importances:
        """How much each axis matters that two trials differ in: of the widths of all layers, the first."""
        varied = {
            name: one for name, one in self.coordinates.items() if len(set(one.places.values())) > 1 and not one.shared
        }
        return importances(varied, self.values)

    @cached_property
    def values(self) -> dict[int, float]:
        """The score of each trial as `importances` compares them; diverged ones lie at the edge of the scale."""
        low, high = sorted((self.scale.best, self.scale.worst))
        return {
            number: self.scale.edge if outcome.diverged else float(np.clip(self.scale.value(outcome.score), low, high))
            for number, outcome in self.outcomes.items()
            if outcome.diverged or np.isfinite(outcome.score)
        }

    def ranked(self) -> list[Coordinate]:
        """Return the axes that two trials differ in, the most important first; in the order of the space if that is not known."""
        shares = self.importances.shares
        varied = [one for one in self.coordinates.values() if len(set(one.places.values())) > 1]
        return sorted(varied, key=lambda one: (-shares.get(one.name, 0.0), one.shared))

    @cached_property
    def leaves(self) -> dict[int, dict[str, Any]]:
        """Values of the axes of the space for each trial, by its number."""
        return {number: self.space.leaves(outcome.params) for number, outcome in self.outcomes.items()}


def subject(searched: Any) -> Subject:
    """Return what is drawn of a fitted `BPSearchCV` or the result of a study.

    Raises
    ------
    NotFittedError
        If a search has not been fitted.
    TypeError
        If it is something else.

    Examples
    --------
    >>> subject([1, 2])
    Traceback (most recent call last):
        ...
    TypeError: plots are of a fitted BPSearchCV or the result of a study, got list
    """
    if isinstance(searched, Subject):
        return searched
    found = getattr(searched, "result_", searched)
    if not hasattr(found, "outcomes"):
        if hasattr(searched, "fit"):
            raise NotFittedError(f"this {type(searched).__name__} is not fitted yet: plots are of what its trials were")
        raise TypeError(f"plots are of a fitted BPSearchCV or the result of a study, got {type(searched).__name__}")
    outcomes = {number: _drawable(outcome) for number, outcome in found.outcomes.items()}
    baselines = [_drawable(baseline) for baseline in found.baselines]
    best = None if found.best is None else _drawable(found.best)
    best = outcomes.get(best.number, best) if best is not None else None
    return Subject(outcomes, found.space, baselines, found.scoring, found.loss, found.out_of_fold, best)


def _drawable(scored: Scored) -> Scored:
    """Return a trial or baseline whose scores are drawn as they are, or the nearest that can be drawn."""
    scores = [scored.score, *scored.fold_scores]
    if not any(abs(score) > LARGEST for score in scores):
        return scored
    folds = bounded(scored.fold_scores).tolist()
    if isinstance(scored, Outcome):
        return replace(scored, fold_scores=folds)
    return replace(scored, fold_scores=tuple(folds), score=float(bounded(scored.score)), std=float(bounded(scored.std)))
