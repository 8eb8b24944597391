"""What a worker of the cluster runs: a batch of trials of a study, whose data it loads once.

A batch names the study's file, whose data is a copy under the hash of its content. So every worker makes the same
problem from it: rows, folds and seeds. Nothing is pickled but names, numbers and outcomes.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import sklearn
from distributed import get_worker

from search.errors import StudyError
from search.loop.workers import configured
from search.service.cluster import deadlines, standing
from search.study import data, nested_cv, study_file
from search.study.assembly import build_problem
from search.trials.outcomes import Outcome
from search.trials.problem import Problem, Trial
from search.trials.shared_cache import ComputeOnce

MOST_PROBLEMS = 4
"""Studies whose rows a worker keeps."""

MOST_CALLED_OFF = 1_000
"""Events that a worker remembers."""

TELL_SECONDS = 0.1
"""How long a trial that may kill its worker waits, until it is known that it has begun."""

_problems = ComputeOnce(MOST_PROBLEMS)
_off: OrderedDict[str, None] = OrderedDict()


class NotReadyError(Exception):
    """This worker has other versions than the service, or lacks the data: the batch is for another one."""


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
        Name under which batches are called off, and of the topic under which it is told that a batch begins.
    number : int
        Which batch of the run it is.
    suspect : bool
        Whether it was running when a worker died.
    limit : float
        Seconds after which a trial is hung, and ends with its worker; 0 if that is not known.
    data, place : str
        Address of the copy of the data, and what identifies the folder with it; empty if the source is no file.
    versions : dict
        What the worker must have, as `standing.versions`.
    """

    root: str
    name: str
    text: str
    folds: str
    trials: tuple[tuple[int, Trial], ...]
    event: str
    number: int = 0
    suspect: bool = False
    limit: float = 0.0
    data: str = ""
    place: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)


def evaluate(batch: Batch) -> list[Outcome]:
    """Evaluate a batch; return its outcomes in the order of its trials. One that is called off ends in `Cancelled`.

    Raises
    ------
    NotReadyError
        If this worker must not run it.
    """
    _tell_of(batch)
    if batch.versions and standing.differing(batch.versions, standing.versions()):
        raise NotReadyError
    problem = _problem(batch)
    config = sklearn.get_config()
    outcomes = []

    def cancelled() -> bool:
        return batch.event in _off

    for seed, trial in batch.trials:
        with deadlines.within(batch.limit):
            outcome = configured(config, replace(problem, seed=seed), trial, cancelled)
        outcomes.append(with_text(outcome))
    return outcomes


def with_text(outcome: Outcome) -> Outcome:
    """Return an outcome that brings what the coordinator would compute of it: the text that it stores, and the score."""
    _ = outcome.encoded, outcome.score
    return outcome


def warm() -> None:
    """Import what the first trial needs: this module has done it."""


def _tell_of(batch: Batch) -> None:
    """Tell the coordinator that a batch begins: if this worker dies, it was at this one, not at those that wait behind it."""
    get_worker().log_event(batch.event, batch.number)
    if batch.suspect:
        time.sleep(TELL_SECONDS)


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
    place = standing.place_of(batch.root, batch.place, batch.data)
    if place is None:
        raise NotReadyError
    study = study_file.parse(batch.text, place.study(batch.name))
    dataset = data.load(study)
    problems = [build_problem(study, dataset), *(part.problem for part in nested_cv.parts(study, dataset))]
    return {problem.folds.fingerprint: problem for problem in problems}


def call_off(event: str) -> None:
    """Have the batches of an event end, those of this worker that run or come late."""
    _off[event] = None
    while len(_off) > MOST_CALLED_OFF:
        _off.popitem(last=False)
