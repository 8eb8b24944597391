"""What clients tell of trials: scores, or that one diverged, or could not be trained."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from search.errors import StudyError, one_line
from search.study.external import LARGEST
from search.trials.outcomes import DIVERGED, OK, VERDICTS, Divergence, Outcome

MOST_TEXT = 500
"""Characters of a client's reason."""


@dataclass(frozen=True)
class Told:
    """What a client tells of a trial.

    Attributes
    ----------
    verdict : str
        A key of `VERDICTS`.
    score : float, optional
        In the client's own direction; needed for trials that finished or were stopped.
    epoch, epochs : int
        The epoch at which it diverged or was best, and those that were planned.
    reason : str
        Why it ended.
    loss_ratio : float, optional
        The loss at the divergence, as a multiple of the trivial model's.
    seconds : float
    """

    verdict: str = OK
    score: float | None = None
    epoch: int = 0
    epochs: int = 0
    reason: str = ""
    loss_ratio: float | None = None
    seconds: float = 0.0

    def check(self) -> None:
        """Raise StudyError if it is not a result."""
        if self.verdict not in VERDICTS:
            raise StudyError(f"verdict = {self.verdict!r}; allowed are {', '.join(VERDICTS)}")
        scored = VERDICTS[self.verdict].scored
        if scored and (self.score is None or not math.isfinite(self.score)):
            raise StudyError(
                f"score = {self.score}; a trial with verdict {self.verdict!r} needs a finite number: "
                "tell one that went wrong with verdict 'diverged' or 'error'"
            )
        if self.score is not None and abs(self.score) > LARGEST:
            raise StudyError(f"score = {self.score:g}; allowed are numbers from {-LARGEST:g} to {LARGEST:g}")
        if not scored and self.score is not None:
            raise StudyError(f"score = {self.score}; a trial with verdict {self.verdict!r} has none")
        if self.epochs and self.epoch > self.epochs:
            raise StudyError(f"epoch = {self.epoch}; allowed are whole numbers up to epochs = {self.epochs}")
        for key, low, high in (("epoch", 0, 10**9), ("epochs", 0, 10**9), ("seconds", 0, 1e9)):
            if not low <= getattr(self, key) <= high:
                raise StudyError(f"{key} = {getattr(self, key)}; allowed are numbers from {low} to {high:g}")
        if self.loss_ratio is not None and not self.loss_ratio > 0:
            raise StudyError(f"loss_ratio = {self.loss_ratio}; allowed are numbers above 0")

    def outcome(self, number: int, params: Mapping[str, Any], sign: int) -> Outcome:
        """Return it as the outcome of a trial."""
        score = None if self.score is None else sign * self.score
        scores = [] if score is None else [score]
        reason = one_line(self.reason[:MOST_TEXT]) or f"told by a client: {self.verdict}"
        divergence = None
        if self.verdict == DIVERGED:
            survived = min(1.0, self.epoch / self.epochs) if self.epochs else 0.0
            ratio = math.inf if self.loss_ratio is None else self.loss_ratio
            divergence = Divergence(0, self.epoch, 0, reason, ratio, survived)
        curve = {self.epoch: score} if score is not None and self.epoch else {}
        return Outcome(
            number, dict(params), self.verdict, reason, scores, self.epoch, curve, {}, self.seconds, divergence
        )


def told_of(outcome: Outcome) -> tuple[object, ...]:
    """Return what two tellings of one result have in common."""
    diverged = outcome.divergence
    how = None if diverged is None else (diverged.ratio, diverged.survived)
    return outcome.verdict, outcome.fold_scores, outcome.epoch, how
