"""Repair: diagnose a fit that diverged or stalled, change the options that caused it, and continue.

The actions, each with a bounded number of uses; if the cause allows several, the cheaper one comes first:

1. *skip*: do not take a step that is a spike (`spikes`); this happens within the training loop.
2. *restructure*, if the diagnosis names a cause that no learning rate cures (scale of inputs or target, weights, activation):
   make all changes that it names at once, and restart the fit.
3. *rewind*, if steps were too long: go back to the best weights, lower the learning rate, reset the optimizer's memory and warm
   up for one epoch. If the fit had learned something, the rate is halved the first time and then divided by ten. If nothing was
   learned, it is divided by thirty, because a rate just below those that explode is seldom good.
   *restart*: start again at a tenth of the rate, if the fit ended without a failure but its long steps had killed units.
4. *give up*, with the diagnosis, when the bounds are reached.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpmodel.diagnosis.diagnose import examine
from bpmodel.diagnosis.evidence import Record
from bpmodel.diagnosis.findings import Diagnosis
from bpmodel.diagnosis.rules import RULES
from bpmodel.network.training import Training
from bpmodel.network.watch import LEARNED

RESTRUCTURES, LOWERED = 2, 6
WARMUP_EPOCHS = 1.0
GENTLE, FIRM, STEEP = 2.0, 10.0, 30.0
"""Divisors of the learning rate: the first time and later, if the fit had learned something; and if it had learned nothing."""

CAUSES = {rule.code for rule in RULES if rule.repair == "cause"}
SYMPTOMS = {rule.code for rule in RULES if rule.repair == "symptom"}


Step = tuple[str, str, dict[str, Any]]
"""action, code of the finding, change"""


@dataclass(frozen=True)
class Repair:
    """One change of a fit that had diverged or stalled.

    Attributes
    ----------
    action : {"skip", "rewind", "restart", "restructure"}
        ``skip`` is one entry for all skipped steps. ``rewind`` goes back to the best weights. ``restart`` and ``restructure``
        draw new weights: ``restart`` because the rate was lowered, ``restructure`` because other options changed.
    code : str
        Code of the finding that led to it.
    change : dict
        Options with the new values used from then on.
    reason : str
        What had happened before.
    epoch : int
        Number of epochs that had been run.
    kept : int
        Number of epochs kept; 0 after a new start.
    losses : ndarray of shape (epoch - kept,)
        Losses of the discarded epochs.
    """

    action: str
    code: str
    change: dict[str, Any]
    reason: str
    epoch: int
    kept: int
    losses: NDArray[np.float64]

    def __str__(self) -> str:
        if self.action == "skip":
            return f"{self.code}: {self.reason}"
        settings = ", ".join(f"{name}={value!r}" for name, value in self.change.items())
        where = f"back to epoch {self.kept}" if self.kept else "from the start"
        return f"{self.code}: {where} with {settings}"


@dataclass
class Repairer:
    """Repairs a `Training` and records the repairs.

    Parameters
    ----------
    record : callable
        ``record(training, changes)`` returns the input of a diagnosis.
    again : callable or None
        ``again(changes)`` returns a new fit of the same rows with these options changed; None if the fit cannot start again.
    """

    record: Callable[[Training, Mapping[str, Any]], Record]
    again: Callable[[Mapping[str, Any]], Training] | None
    changes: dict[str, Any] = field(default_factory=dict)
    """all changes so far: option -> value"""
    repairs: list[Repair] = field(default_factory=list)

    def __call__(self, training: Training) -> None:
        """Change and resume a fit that failed or whose steps were too long, if a change is possible."""
        record = self.record(training, self.changes)
        diagnosis = examine(record)
        step = self._after_failure(record, diagnosis) if training.failed else self._after_end(record, diagnosis)
        if step is None:
            return
        action, code, change = step
        self.changes |= change
        kept = 0
        if action == "rewind":
            kept = training.rewind(change["learning_rate_init"], change["warmup_epochs"])
        elif self.again is not None:
            training.begin_anew(self.again(self.changes))
        reason = record.verdict.reason if record.verdict.failed else str(diagnosis)
        self.repairs.append(Repair(action, code, change, reason, len(record.loss), kept, record.loss[kept:]))

    def _after_failure(self, record: Record, diagnosis: Diagnosis) -> Step | None:
        """Return a restructure step if the cause is structural; else a rewind to the best weights at a lower rate."""
        structure = self._new_structure(diagnosis)
        if structure is not None or not self._may_lower(record):
            return structure
        learned = float(np.min(record.loss[:-1], initial=np.inf)) < LEARNED * record.baseline
        factor = (GENTLE if self._lowered == 0 else FIRM) if learned else STEEP
        return "rewind", "exploding_step", self._lower(record, factor)

    def _after_end(self, record: Record, diagnosis: Diagnosis) -> Step | None:
        """Return a step if the fit did not fail, but killed units, or learned nothing or oscillates at a lowered rate."""
        lost = "exploding_step" in diagnosis.codes or (self._lowered > 0 and record.final_share > LEARNED)
        restless = self._lowered > 0 and not {"oscillating", "loss_spike"}.isdisjoint(diagnosis.codes)
        structure = self._new_structure(diagnosis) if lost else None
        if structure is not None or not (lost or restless) or not self._may_lower(record):
            return structure
        anew = lost and self.again is not None  # dead units do not recover
        code = diagnosis.codes[0] if diagnosis.codes else "exploding_step"  # what was lost may have no finding
        return "restart" if anew else "rewind", code, self._lower(record, FIRM)

    def _new_structure(self, diagnosis: Diagnosis) -> Step | None:
        """Return a restructure step that treats all causes that the diagnosis names, or the first symptom if there is none.

        Changes already made are left out.
        """
        if self.again is None or self._count("restructure") >= RESTRUCTURES:
            return None
        new = [f for f in diagnosis if f.change and not f.change.items() <= self.changes.items()]
        found = [f for f in new if f.code in CAUSES] or [f for f in new if f.code in SYMPTOMS][:1]
        change: dict[str, Any] = {}
        for finding in found:
            change |= finding.change
        return ("restructure", found[0].code, change) if found else None

    @property
    def _lowered(self) -> int:
        return self._count("rewind") + self._count("restart")

    def _may_lower(self, record: Record) -> bool:
        return record.stochastic and self._lowered < LOWERED

    def _lower(self, record: Record, factor: float) -> dict[str, Any]:
        warmup = max(float(record.option("warmup_epochs")), WARMUP_EPOCHS)
        return {"learning_rate_init": float(f"{record.rate / factor:.3g}"), "warmup_epochs": warmup}

    def account(self, training: Training) -> list[Repair]:
        """Return the repairs made, including skipped steps."""
        skips = int(training.state["skips"][0])
        if not skips:
            return list(self.repairs)
        reason = f"{skips} {'step with a loss spike was' if skips == 1 else 'steps with loss spikes were'} skipped"
        return [*self.repairs, Repair("skip", "loss_spike", {}, reason, training.epoch, training.epoch, np.zeros(0))]

    def _count(self, action: str) -> int:
        return sum(repair.action == action for repair in self.repairs)


@contextmanager
def altered(estimator: Any, changes: Mapping[str, Any]) -> Iterator[None]:
    """Change options of an estimator within a `with` block."""
    given = {name: getattr(estimator, name) for name in changes}
    for name, value in changes.items():
        setattr(estimator, name, value)
    try:
        yield
    finally:
        for name, value in given.items():
            setattr(estimator, name, value)
