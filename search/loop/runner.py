"""The study loop: ask, evaluate, penalize, tell, record."""

from __future__ import annotations

import gc
import math
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import field, fields, make_dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from joblib import effective_n_jobs

from bpmodel.functions.optimizers import OPTIMIZERS
from bpmodel.preload import preload, preloaded
from bpmodel.preparation import precision
from search import options
from search.errors import StudyError
from search.loop import reevaluation
from search.loop.journal import StudyStore
from search.loop.ordering import LAG, AsTheyEnd, InOrder, decisive
from search.loop.stopping import Incumbent, StopRules
from search.loop.workers import Job, JoblibWorkers, Workers
from search.samplers import portfolio
from search.samplers.external import find
from search.samplers.methods import MOST_TRIALS, Queued
from search.signals.command import check
from search.signals.interruption import Cancellation, postponed
from search.space.counting import MOST_GONE_THROUGH
from search.space.spaces import Space
from search.space.unit_cube import UnitCube
from search.trials.nesting import network_of
from search.trials.outcomes import Outcome
from search.trials.penalties import Penalizer
from search.trials.prepared.sample import too_small
from search.trials.problem import Problem, Trial
from search.trials.pruning import Cutoffs
from search.trials.subsample import Rung


class _Plan:
    """How a space is searched: one attribute for each row of `search.options.PLAN`, with the defaults of `BPSearchCV`.

    `n_trials` counts the trials of the whole study; `initial_points` are complete configurations. `plan` fills in what
    is open.
    """

    if TYPE_CHECKING:

        def __init__(self, *values: Any, **options: Any) -> None: ...

        def __getattr__(self, name: str) -> Any: ...

    @property
    def stop(self) -> StopRules:
        """The rules that can end the study before `n_trials` is reached."""
        return StopRules(**{rule.name: getattr(self, rule.name) for rule in fields(StopRules)})

    @property
    def ordered(self) -> bool:
        """Whether trials are proposed from others in the order of their numbers: if anything depends on that order."""
        waits = self.target_score is not None or self.n_trials_no_change is not None
        return bool(self.deterministic and (find(self.method).learns or self.prune or waits))

    @property
    def in_waves(self) -> bool:
        """Whether trials that begin on a sample wait for others before them: if the method does not learn."""
        return bool(self.subsample != 1 and not self.ordered and not find(self.method).learns)

    @property
    def workers(self) -> JoblibWorkers:
        """Workers of this process: no more than can be busy in order."""
        if self.ordered:
            return JoblibWorkers(min(effective_n_jobs(self.n_jobs), LAG + 1), batch_size=1)
        return JoblibWorkers(self.n_jobs, batch_size=1 if self.in_waves else "auto")

    def tracked(self, *, once: bool) -> dict[str, Any]:
        """Return the parameters to log in a tracker.

        A search that runs `once` and is never resumed also logs its limits.
        """
        values = {o.name: getattr(self, o.name) for o in options.PLAN}
        return options.tracked(values | {"n_jobs": effective_n_jobs(self.n_jobs)}, once=once)


if TYPE_CHECKING:
    Plan = _Plan
else:
    Plan = make_dataclass(
        "Plan",
        [(o.name, Any, field(default=o.search_cv)) for o in options.PLAN],
        bases=(_Plan,),
        namespace={"__doc__": _Plan.__doc__, "__module__": __name__},
        frozen=True,
    )


def plan(problem: Problem, space: Space, **values: Any) -> Plan:
    """Return a plan with every option decided.

    A grid, and a space of one configuration, is searched completely. Only networks are stopped early, by default if the
    method learns. The portfolio is added to the initial points. A sample of too few rows is none.

    Raises
    ------
    StudyError
        If a grid has more than `MOST_TRIALS` points, and no time limit ends it, or a space has too many features for the method.

    Parameters
    ----------
    problem : Problem
    space : Space
    **values
        Options in `search.options.PLAN` that differ from the defaults of `BPSearchCV`; `initial_points` as complete
        configurations.
    """
    asked = Plan(**values)
    method, points = find(asked.method), list(asked.initial_points or ())
    if asked.portfolio:
        points = list(portfolio.behind(points, space, problem, asked.method))
    prune = method.learns if asked.prune is None else asked.prune
    n_trials = len(points) + space.grid_size if method.exhaustive or not space.axes else asked.n_trials
    if n_trials > MOST_TRIALS and (asked.timeout is None or not math.isfinite(n_trials)):
        size = f"{space.grid_size:,}" if math.isfinite(space.grid_size) else f"more than {MOST_GONE_THROUGH:,}"
        raise StudyError(
            f"method = {options.text(asked.method)!r}: the grid of the space has {size} points; allowed are up to "
            f"{MOST_TRIALS:,}, or any number with a timeout: list fewer values, lower points, or use another method"
        )
    if method.most_features and (features := UnitCube(space).n_features) > method.most_features:
        raise StudyError(
            f"method = {options.text(asked.method)!r}: the space has {features:,} features, of which ranges and choices among "
            f"numbers count one, and other choices one for each value; allowed are up to {method.most_features:,}: "
            "list fewer values, or use another method"
        )
    is_network = network_of(problem.estimator) is not None
    decided = {"n_trials": n_trials, "prune": bool(prune and is_network), "initial_points": points}
    return Plan(**values | decided | {"subsample": 1 if too_small(problem, asked.subsample) else asked.subsample})


@contextmanager
def old_objects_at_rest() -> Iterator[None]:
    """Exclude objects that already exist from garbage collection during the body; new objects are collected as usual.

    With MLflow, pandas and scikit-learn imported, a full collection scans 300,000 long-lived objects. It takes 0.14 s,
    and all threads wait for it. One is due as soon as a search begins, because so much has just been imported. If
    the caller has already frozen the heap, leave it frozen.
    """
    mine = gc.get_freeze_count() == 0
    if mine:
        gc.freeze()
    try:
        yield
    finally:
        if mine:
            gc.unfreeze()


@old_objects_at_rest()
def run(
    problem: Problem,
    space: Space,
    plan: Plan,
    store: StudyStore,
    dummy_score: float,
    on_outcome: Callable[[Outcome, float], None] = lambda outcome, value: None,
    workers: Workers | None = None,
) -> dict[int, Outcome]:
    """Run the trials missing from the store, then the reevaluations; return all outcomes by trial number.

    Parameters
    ----------
    dummy_score : float
        Mean score of the dummy predictor on the same folds: the unit of the penalties.
    on_outcome : callable
        Called with each new outcome and the value given to the sampler, after both are stored.
    workers : Workers, optional
        Where trials are evaluated; by default in `plan.n_jobs` threads.

    Raises
    ------
    KeyboardInterrupt
        When the user interrupts; every finished trial is in the store.
    """
    study = _Run(problem, space, plan, store, dummy_score, workers or plan.workers)
    study.run_trials(on_outcome)
    reevaluation.settle(store.outcomes, problem, plan.n_seeds, store.again, study.evaluate_again)
    return store.settled


class _Run:
    """One run of a study: the state shared by its trials, which run in parallel threads."""

    def __init__(
        self, problem: Problem, space: Space, plan: Plan, store: StudyStore, dummy_score: float, workers: Workers
    ) -> None:
        self.problem, self.plan, self.store, self.stop = problem, plan, store, plan.stop
        method = plan.method if space.axes else "grid"  # without parameters there is one configuration
        sampler = Queued(plan.initial_points or (), find(method).sampler(space, problem.seed))
        cutoffs = Cutoffs(getattr(network_of(problem.estimator), "max_iter", 1))
        made = partial(InOrder, UnitCube(space)) if plan.ordered else AsTheyEnd
        penalizer = Penalizer(plan.penalty, dummy_score)
        rung = Rung(plan.subsample, in_waves=plan.in_waves) if plan.subsample != 1 else None
        self.learner = made(sampler, cutoffs, penalizer, store.outcomes, store.feedback, prune=plan.prune, rung=rung)
        self.started, self.workers = time.monotonic(), workers
        self.lock, self.cancellation = threading.Lock(), Cancellation()

    def run_trials(self, on_outcome: Callable[[Outcome, float], None]) -> None:
        """Run the trials that are missing from the store."""
        with self.running(self.trials()) as finished:
            if len(self.store.outcomes) < self.plan.n_trials:
                _preload(self.problem)
            for outcome in finished:
                check()
                if outcome is None:
                    continue
                feedback = self.learner.feedback(outcome)
                with postponed():
                    with self.lock:
                        self.learner.add(outcome, feedback)
                    self.store.record(outcome, feedback)
                    on_outcome(outcome, feedback.value)

    def evaluate_again(self, again: Sequence[tuple[Problem, Trial]]) -> None:
        """Run reevaluations until time runs out."""
        with self.running(Job(*each) for each in again if not self.is_late()) as finished:
            for outcome in finished:
                check()
                with postponed():
                    self.store.record_again(outcome)

    def trials(self) -> Iterator[Job | None]:
        """Propose a trial whenever a thread is free, until the study is complete; the first trial has no time limit.

        None stands for a trial that cannot be proposed before another one has ended.
        """
        begun = bool(self.store.outcomes)
        for number in range(self.plan.n_trials):
            if number in self.store.outcomes:
                continue
            while not self.ready(number) and not self.cancellation.requested():
                yield None
            incumbent = self.learner.incumbent
            if begun and self.is_late(reevaluation.seconds(incumbent.trial, self.plan.n_seeds, self.workers.n_jobs)):
                return
            if self.cancellation.requested() or self.stop.enough(incumbent):
                return
            begun = True
            with self.lock:
                trial = self.learner.ask(number)
            yield Job(self.problem, trial)

    def ready(self, number: int) -> bool:
        with self.lock:
            return self.learner.ready(number)

    def is_late(self, kept: float = 0.0) -> bool:
        return self.stop.out_of_time(time.monotonic() - self.started, kept)

    @contextmanager
    def running(self, jobs: Iterable[Job | None]) -> Iterator[Iterable[Any]]:
        """Run jobs in parallel; the body receives outcomes as they finish, and its failure cancels the rest."""
        results = self.workers.outcomes(jobs, self.cancellation.requested)
        try:
            yield results
        except BaseException:
            self.cancellation.request()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # joblib's warning about unused trials is not news here
                results.close()
            raise


def ended(plan: Plan, store: StudyStore) -> str:
    """Return why a study needs no further trial, or an empty string."""
    if len(store.outcomes) >= plan.n_trials:
        return f"all {plan.n_trials} trials are done"
    return plan.stop.enough(Incumbent.after(decisive(store.outcomes) if plan.ordered else store.outcomes.values()))


def _preload(problem: Problem) -> None:
    """Load the training loop while the first trials prepare their rows, if this process trains its first networks.

    Wrong options of a network are ignored here: the trials report them.
    """
    network = network_of(problem.estimator)
    if network is None or preloaded() or network.dtype not in ("auto", "float32", "float64"):
        return
    if network.solver in list(OPTIMIZERS):
        fewest = min(len(train) for train, _ in problem.folds.splits)
        preload(precision(network.dtype, fewest, incremental=False).name)
