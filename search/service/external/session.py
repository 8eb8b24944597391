"""An external study whose journal a service has open."""

from __future__ import annotations

from typing import Any

from search.loop.journal import StudyStore, address_of
from search.loop.stopping import Incumbent
from search.samplers.external import find
from search.samplers.methods import Queued as QueuedSampler
from search.study import external, records
from search.tables.secrets import masked
from search.trials.outcomes import VERDICTS, Outcome
from search.trials.penalties import Feedback, Penalizer


class Session:
    """An external study whose journal this process has open."""

    def __init__(self, text: str, fence: int) -> None:
        self.text, self.fence = text, fence
        self.study = study = external.parse(text)
        self.store = StudyStore(address_of(study.file.name), study.file.name, study.identity, study.space)
        if self.store.notes.get(records.EXTERNAL) != text:
            self.store.note(records.EXTERNAL, text)
        known = self.store.outcomes.values()
        self.sampler = QueuedSampler(study.points, find(study.file.method).sampler(study.space, study.file.seed))
        for outcome in known:
            self.sampler.tell(outcome, self.store.feedback[outcome.number])
        self.penalizer = Penalizer("graded_constraint", study.dummy, known)
        self.incumbent = Incumbent.after(known)

    def record(self, outcome: Outcome) -> Feedback:
        """Append the outcome of a trial, let the sampler learn from it, and return what that was told."""
        feedback = self.penalizer.feedback(outcome)
        self.store.record(outcome, feedback)
        self.sampler.tell(outcome, feedback)
        self.incumbent.see(outcome)
        return feedback

    def complete(self, uri: str) -> None:
        """Note in the journal that the study has all of its trials, and goes to a store, as `tune` does."""
        self.store.note(records.FINISHED, {"trials": len(self.store.outcomes), "uri": masked(uri)})

    def counts(self) -> dict[str, Any]:
        """Return the live figures of the study."""
        best = self.incumbent.trial
        verdicts = [outcome.verdict for outcome in self.store.outcomes.values()]
        return {
            "trials": {verdict: verdicts.count(verdict) for verdict in VERDICTS},
            "stage": "trials",
            "further": 0,
            "best": None if best is None else best.score,
            "best_trial": None if best is None else best.number,
        }
