"""What a worker of the cluster runs: a batch of trials of a study, whose data it loads once.

A batch names the study's file, whose data is a copy under the hash of its content. So every worker makes the same
problem from it: rows, folds and seeds. Nothing is pickled but names, numbers and outcomes.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, replace
from pathlib import Path

import sklearn

from search.errors import StudyError
from search.loop.workers import configured
from search.service.place import Place
from search.study import data, nested_cv, study_file
from search.study.assembly import build_problem
from search.trials.outcomes import Outcome
from search.trials.problem import Problem, Trial
from search.trials.shared_cache import ComputeOnce

MOST_PROBLEMS = 4
"""Studies whose rows a worker keeps."""

LOOK_SECONDS = 0.5
"""Seconds between two questions whether a batch has been called off."""

_problems = ComputeOnce(MOST_PROBLEMS)


@dataclass(frozen=True)
class Batch:
    """Trials of one study for one worker.

    Attributes
    ----------
    root : str
        The absolute path of the project.
    name, text : str
        The study, and its file as submitted.
    folds : str
        Fingerprint of the folds that they are scored on: those of the study, or of one of its outer folds.
    trials : tuple of (int, Trial)
        Each with the seed of its problem.
    event : str
        Name of the event that calls the batch off.
    """

    root: str
    name: str
    text: str
    folds: str
    trials: tuple[tuple[int, Trial], ...]
    event: str


def evaluate(batch: Batch) -> list[Outcome]:
    """Evaluate a batch; return its outcomes in the order of its trials. One that is called off ends in `Cancelled`."""
    problem = _problem(batch)
    cancelled = _CalledOff(batch.event)
    config = sklearn.get_config()
    return [configured(config, replace(problem, seed=seed), trial, cancelled) for seed, trial in batch.trials]


def warm() -> None:
    """Import what the first trial needs: this module has done it."""


def _problem(batch: Batch) -> Problem:
    key = hashlib.sha256(f"{batch.root}\0{batch.name}\0{batch.text}".encode()).hexdigest()
    problems = _problems.get(key, lambda: _load(batch))
    if batch.folds not in problems:
        raise StudyError(
            f"study {batch.name!r}: a worker finds other folds than its coordinator; its data have changed"
        )
    return problems[batch.folds]  # type: ignore[no-any-return]


def _load(batch: Batch) -> dict[str, Problem]:
    """Make the problems of a study, by the fingerprints of their folds."""
    study = study_file.parse(batch.text, Path(batch.root) / Place().study(batch.name))
    dataset = data.load(study)
    problems = [build_problem(study, dataset), *(part.problem for part in nested_cv.parts(study, dataset))]
    return {problem.folds.fingerprint: problem for problem in problems}


class _CalledOff:
    """Says whether an event is set; it asks the scheduler now and then only."""

    def __init__(self, name: str) -> None:
        from distributed import Event

        self._event, self._asked, self._set = Event(name), time.monotonic(), False

    def __call__(self) -> bool:
        if not self._set and time.monotonic() - self._asked > LOOK_SECONDS:
            self._set, self._asked = bool(self._event.is_set()), time.monotonic()
        return self._set
