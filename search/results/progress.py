"""Progress of a running study."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from search.trials.outcomes import Outcome, winner


@dataclass(frozen=True)
class Progress:
    """The state of a running study, as it was when this was made: other threads draw it while trials finish.

    Attributes
    ----------
    outcomes : dict of int to Outcome
        The finished trials of the current stage.
    n_trials : int
        Number of trials planned in this stage.
    stage : str
        "trials", or the outer fold whose trials are running.
    notes : sequence of str
        What was noticed in the data.
    further : int
        Number of trials planned in later stages.
    timeout : float or None
        Seconds after which a stage begins no further trial.
    """

    outcomes: Mapping[int, Outcome]
    n_trials: int
    stage: str = "trials"
    notes: Sequence[str] = ()
    further: int = 0
    timeout: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "outcomes", MappingProxyType(dict(self.outcomes)))

    @property
    def best(self) -> Outcome | None:
        return winner(self.outcomes)

    @property
    def counts(self) -> Counter[str]:
        """Number of trials with each verdict."""
        return Counter(o.verdict for o in self.outcomes.values())
