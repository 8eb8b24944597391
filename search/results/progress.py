"""Progress of a running study."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from search.trials.outcomes import Outcome, winner


@dataclass(frozen=True)
class Progress:
    """The finished trials of a running study, the number of trials planned, the current step, and notes on the data."""

    outcomes: Mapping[int, Outcome]
    n_trials: int
    stage: str = "trials"
    notes: Sequence[str] = ()

    @property
    def best(self) -> Outcome | None:
        return winner(self.outcomes)

    @property
    def counts(self) -> Counter[str]:
        """Number of trials with each verdict."""
        return Counter(o.verdict for o in list(self.outcomes.values()))  # a copy, because trials may finish meanwhile
