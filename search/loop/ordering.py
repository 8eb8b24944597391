"""What trials are proposed from: those that have ended so far, or, the same in every run, those of certain numbers.

With several workers, trials end in an order that depends on the machine. `AsTheyEnd` learns from them in that order.
`InOrder` proposes trial n from the trials 0 to n - 1 - `LAG`, in the order of their numbers, whatever else has ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import numpy as np

from search.errors import StudyError
from search.loop.stopping import Incumbent
from search.samplers.methods import Sampler
from search.space.unit_cube import UnitCube
from search.trials.outcomes import Outcome
from search.trials.penalties import Feedback, Penalizer
from search.trials.problem import Trial
from search.trials.pruning import Cutoffs
from search.trials.subsample import Rung

LAG = 7
"""Number of trials directly before a trial that it is not proposed from: so many may be under way beside it. With fewer,
four workers often wait for a slow trial; with more, proposals are worse (`benchmarks/deterministic.py`). With another
number, every journal of a deterministic search would be refused."""


class AsTheyEnd:
    """Proposes trials from all that have ended.

    Parameters
    ----------
    sampler : Sampler
    cutoffs : Cutoffs
    penalizer : Penalizer
        Sampler, cut-offs and penalizer that know no trial yet.
    outcomes, feedback : dict of int to Outcome and to Feedback
        The trials of earlier runs of the study, by number.
    prune : bool, default=False
        Whether trials get cut-offs.
    rung : Rung, optional
        Decides which trials begin on a sample of the rows.

    Attributes
    ----------
    incumbent : Incumbent
        Of the trials that the next one is proposed from.
    """

    def __init__(
        self,
        sampler: Sampler,
        cutoffs: Cutoffs,
        penalizer: Penalizer,
        outcomes: Mapping[int, Outcome],
        feedback: Mapping[int, Feedback],
        *,
        prune: bool = False,
        rung: Rung | None = None,
    ) -> None:
        self._sampler, self._cutoffs, self._penalizer, self._prune = sampler, cutoffs, penalizer, prune
        self._rung, self.incumbent = rung, Incumbent()
        self._begin({number: (outcome, feedback[number]) for number, outcome in outcomes.items()})

    def ready(self, number: int) -> bool:
        """Return whether all is known that trial `number` is proposed from."""
        return self._rung is None or self._rung.ready(number)

    def ask(self, number: int) -> Trial:
        """Propose trial `number`, for which `ready` has returned True."""
        cutoffs = self._cutoffs.limits() if self._prune else {}
        return Trial(number, self._sampler.ask(number), cutoffs, None if self._rung is None else self._rung.at(number))

    def feedback(self, outcome: Outcome) -> Feedback:
        """Return the feedback for a trial that has just ended."""
        return self._penalizer.feedback(outcome)

    def add(self, outcome: Outcome, feedback: Feedback) -> None:
        """Learn from a trial that has just ended."""
        self._sampler.tell(outcome, feedback)
        self._cutoffs.add(outcome)
        if self._rung is not None:
            self._rung.add(outcome)
        self.incumbent.see(outcome)

    def _begin(self, known: Mapping[int, tuple[Outcome, Feedback]]) -> None:
        for outcome, feedback in known.values():
            self._penalizer.feedback(outcome)
            self.add(outcome, feedback)


class InOrder(AsTheyEnd):
    """Proposes trial n from the trials 0 to n - 1 - `LAG`, which it learns from in the order of their numbers.

    So the trials are the same for any order in which they end, and for a study that was interrupted at any point: the
    sampler proposes the trials of earlier runs again, because proposals may change its state. The feedback for trial n
    depends on the same trials as its proposal, and can be given as soon as it ends.

    Parameters
    ----------
    cube : UnitCube
        Of the space, to compare configurations.
    *arguments, **options
        As for `AsTheyEnd`.
    """

    def __init__(self, cube: UnitCube, *arguments: Any, **options: Any) -> None:
        self._cube = cube
        self._proposed, self._learned = 0, 0  # how many trials, from number 0 on
        self._penalizers: dict[int, Penalizer] = {}
        super().__init__(*arguments, **options)

    def ready(self, number: int) -> bool:
        """Return whether all is known that trial `number` is proposed from; if so, learn from it.

        Raises
        ------
        StudyError
            If a trial of an earlier run is not the one that is proposed again.
        """
        while self._proposed < number:
            if not self._learn(self._proposed):
                return False
            self._propose_again(self._proposed)
        return self._learn(number)

    def ask(self, number: int) -> Trial:
        """Propose trial `number`, for which `ready` has returned True."""
        self._penalizers[number] = deepcopy(self._penalizer)
        self._proposed = number + 1
        return super().ask(number)

    def feedback(self, outcome: Outcome) -> Feedback:
        """Return the feedback for a trial that has just ended."""
        return self._penalizers.pop(outcome.number).feedback(outcome)

    def add(self, outcome: Outcome, feedback: Feedback) -> None:
        """Hold a trial that has just ended back, until the next one to be proposed is proposed from it."""
        self._held[outcome.number] = outcome, feedback

    def _begin(self, known: Mapping[int, tuple[Outcome, Feedback]]) -> None:
        self._held = dict(known)

    def _learn(self, number: int) -> bool:
        """Learn from all that trial `number` is proposed from, as far as it is known; return whether it is."""
        for due in range(self._learned, number - LAG):
            if due not in self._held:
                return False
            outcome, feedback = self._held.pop(due)
            self._penalizer.feedback(outcome)
            super().add(outcome, feedback)
            self._learned = due + 1
        return True

    def _propose_again(self, number: int) -> None:
        before, again = (self._cube.row(params) for params in (self._held[number][0].params, self._sampler.ask(number)))
        if not np.allclose(before, again):
            raise StudyError(
                f"deterministic = true, but trial {number} of the journal is not the one that this search proposes: the study "
                "was begun without it, or with other versions; set deterministic = false, or choose a new name"
            )
        self._proposed = number + 1


def decisive(outcomes: Mapping[int, Outcome]) -> list[Outcome]:
    """Return the outcomes that the first missing trial is proposed from, in the order of their numbers.

    Examples
    --------
    >>> [len(decisive(dict.fromkeys(range(n)))) for n in (5, 8, 9)]
    [0, 1, 2]
    """
    missing = next(number for number in range(len(outcomes) + 1) if number not in outcomes)
    return [outcomes[number] for number in range(missing - LAG)]
