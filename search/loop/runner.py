"""The study loop: ask, evaluate, penalise, tell, record."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sklearn
from joblib import Parallel, delayed, effective_n_jobs

from bpmodel.functions.optimizers import OPTIMIZERS
from bpmodel.preload import preload, preloaded
from bpmodel.preparation import precision
from search.loop import reevaluation
from search.loop.garbage import old_objects_at_rest
from search.loop.journal import StudyStore
from search.loop.stopping import NONE, Standing, StopRules
from search.samplers.methods import METHODS, Queued
from search.space import spaces
from search.space.spaces import Space
from search.trials.evaluation import evaluate
from search.trials.interruption import Cancellation, postponed
from search.trials.nesting import network_of
from search.trials.outcomes import Outcome
from search.trials.penalties import DEFAULT_PENALTY, Teacher
from search.trials.problem import Problem, Trial
from search.trials.pruning import Cutoffs


@dataclass(frozen=True)
class Plan:
    """How a space is searched.

    Attributes
    ----------
    method : str
        A name of `METHODS`.
    n_trials : int
        Trials of the whole study, those of earlier runs included.
    stop : StopRules
        What ends the study before these are used up.
    n_jobs : int or None
        Trials at the same time, as in joblib.
    prune : bool
        Whether trials may be stopped early. What they are compared with depends on which trials have finished, and so on
        `n_jobs`.
    n_seeds : int
        Evaluations of the best trials, each with seeds of its own (`leaders`).
    initial_points : sequence of dict
        Whole configurations that are tried first.
    penalty : str
        A name of `PENALTIES`: what the sampler is told of a diverged trial.
    n_members : int
        Networks of the winner that are fitted on all rows and averaged.
    """

    method: str
    n_trials: int
    stop: StopRules = NONE
    n_jobs: int | None = None
    prune: bool = True
    n_seeds: int = 1
    initial_points: Sequence[Mapping[str, Any]] = ()
    penalty: str = DEFAULT_PENALTY
    n_members: int = 1

    @property
    def params(self) -> dict[str, Any]:
        """What MLflow is told of it."""
        told = ("method", "prune", "penalty", "n_seeds", "n_members")
        return {name: getattr(self, name) for name in told} | {"n_jobs": effective_n_jobs(self.n_jobs)}


def plan(
    method: str,
    space: Space,
    n_trials: int,
    stop: StopRules = NONE,
    *,
    n_jobs: int | None = None,
    prune: bool | None = None,
    n_seeds: int = 1,
    initial_points: Sequence[Mapping[str, Any]] = (),
    penalty: str = DEFAULT_PENALTY,
    n_members: int = 1,
) -> Plan:
    """Return a plan: a grid is searched whole, and by default only methods that learn stop trials early."""
    if method == "grid":
        n_trials = len(initial_points) + spaces.grid_size(space)
    prune = METHODS[method].learns if prune is None else prune
    return Plan(method, n_trials, stop, n_jobs, prune, n_seeds, initial_points, penalty, n_members)


@old_objects_at_rest()
def run(
    problem: Problem,
    space: Space,
    plan: Plan,
    store: StudyStore,
    dummy_score: float,
    on_outcome: Callable[[Outcome, float], None] = lambda outcome, value: None,
) -> dict[int, Outcome]:
    """Run the trials of a study that are not in its store yet, and the best ones again; return all outcomes by trial number.

    Parameters
    ----------
    dummy_score : float
        Mean score of the dummy predictor on the same folds: what penalties are measured in.
    on_outcome : callable
        Called with each new outcome and the value told to the sampler, after both are stored.

    Raises
    ------
    KeyboardInterrupt
        When the user interrupts; every finished trial is in the store.
    """
    sampler = Queued(plan.initial_points, METHODS[plan.method].sampler(space, problem.seed))
    for number, outcome in store.outcomes.items():
        sampler.tell(outcome, store.lessons[number])
    started, n_jobs = time.monotonic(), effective_n_jobs(plan.n_jobs)
    lock, cancellation, config = threading.Lock(), Cancellation(), sklearn.get_config()
    cutoffs = Cutoffs(getattr(network_of(problem.estimator), "max_iter", 1), store.outcomes.values())
    teacher = Teacher(plan.penalty, dummy_score, store.outcomes.values())
    standing = Standing()
    for outcome in store.outcomes.values():
        standing.see(outcome)

    def late(kept: float = 0.0) -> bool:
        return plan.stop.out_of_time(time.monotonic() - started, kept)

    def trials() -> Iterator[Any]:
        begun = bool(store.outcomes)
        for number in range(plan.n_trials):
            if number in store.outcomes:
                continue
            if begun and late(kept=reevaluation.seconds(standing.leader, plan.n_seeds, n_jobs)):
                return
            if cancellation.requested() or plan.stop.enough(standing):
                return
            begun = True
            with lock:
                params = sampler.ask(number)
                limits = cutoffs.limits() if plan.prune else {}
            yield delayed(_configured)(config, problem, Trial(number, params, limits), cancellation.requested)

    parallel = Parallel(n_jobs=plan.n_jobs, prefer="threads", pre_dispatch="n_jobs", return_as="generator_unordered")

    @contextmanager
    def running(jobs: Iterable[Any]) -> Iterator[Iterable[Outcome]]:
        results = parallel(jobs)
        try:
            yield results
        except BaseException:
            cancellation.request()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that trials were started in vain is no news here
                results.close()
            raise

    with running(trials()) as finished:
        if len(store.outcomes) < plan.n_trials:
            _preload(problem)
        for outcome in finished:
            lesson = teacher.lesson(outcome)
            with postponed():
                with lock:
                    sampler.tell(outcome, lesson)
                    cutoffs.add(outcome)
                    standing.see(outcome)
                store.record(outcome, lesson)
                on_outcome(outcome, lesson.value)

    def evaluate_again(jobs: Sequence[tuple[Problem, Trial]]) -> None:
        calls = (delayed(_configured)(config, *job, cancellation.requested) for job in jobs if not late())
        with running(calls) as finished:
            for outcome in finished:
                with postponed():
                    store.record_again(outcome)

    reevaluation.settle(store.outcomes, problem, plan.n_seeds, store.again, evaluate_again)
    return store.settled


def ended(plan: Plan, store: StudyStore) -> str:
    """Return why a study needs no further trial, or an empty text."""
    standing = Standing()
    for outcome in store.outcomes.values():
        standing.see(outcome)
    if len(store.outcomes) >= plan.n_trials:
        return f"all {plan.n_trials} trials are done"
    return plan.stop.enough(standing)


def _preload(problem: Problem) -> None:
    """Load the training loop while the first trials prepare their rows, if networks are trained for the first time.

    What is wrong with a network its trials tell.
    """
    network = network_of(problem.estimator)
    if network is None or preloaded() or network.dtype not in ("auto", "float32", "float64"):
        return
    if network.solver in list(OPTIMIZERS):
        fewest = min(len(train) for train, _ in problem.folds.splits)
        preload(precision(network.dtype, fewest, incremental=False).name)


def _configured(config: dict[str, Any], *arguments: Any) -> Outcome:
    """Evaluate a trial under the configuration of scikit-learn where the study was started: each thread has its own."""
    with sklearn.config_context(**config):
        return evaluate(*arguments)
