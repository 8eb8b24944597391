"""How far a running study has come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from search.trials.outcomes import Outcome, winner


@dataclass(frozen=True)
class Progress:
    """The trials of a running study so far, how many there will be, and what is under way."""

    outcomes: Mapping[int, Outcome]
    n_trials: int
    stage: str = "trials"

    @property
    def best(self) -> Outcome | None:
        return winner(self.outcomes)

    @property
    def counts(self) -> Counter[str]:
        """How many trials have each verdict."""
        return Counter(o.verdict for o in list(self.outcomes.values()))  # a copy: trials may finish meanwhile
