"""The study loop: ask, evaluate, penalise, tell, record."""

from __future__ import annotations

import gc
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import field, fields, make_dataclass
from typing import TYPE_CHECKING, Any

import sklearn
from joblib import Parallel, delayed, effective_n_jobs

from bpmodel.functions.optimizers import OPTIMIZERS
from bpmodel.preload import preload, preloaded
from bpmodel.preparation import precision
from search import options
from search.loop import reevaluation
from search.loop.journal import StudyStore
from search.loop.stopping import Incumbent, StopRules
from search.samplers import portfolio
from search.samplers.external import find
from search.samplers.methods import Queued
from search.space.spaces import Space
from search.trials.evaluation import evaluate
from search.trials.interruption import Cancellation, postponed
from search.trials.nesting import network_of
from search.trials.outcomes import Outcome
from search.trials.penalties import Penalizer
from search.trials.problem import Problem, Trial
from search.trials.pruning import Cutoffs


class _Plan:
    """How a space is searched: an attribute for each row of `search.options.PLAN`, by default as in `BPSearchCV`.

    `n_trials` are those of the whole study, `initial_points` are whole configurations. `plan` decides what is left open.
    """

    if TYPE_CHECKING:

        def __init__(self, *values: Any, **options: Any) -> None: ...

        def __getattr__(self, name: str) -> Any: ...

    @property
    def stop(self) -> StopRules:
        """What ends the study before its trials are used up."""
        return StopRules(**{rule.name: getattr(self, rule.name) for rule in fields(StopRules)})

    def tracked(self, *, once: bool) -> dict[str, Any]:
        """Return what a tracker is told of it; a search that runs `once` and never goes on also tells its limits."""
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
    """Return a plan in which nothing is left open.

    A grid is searched whole; only networks are stopped early, by default where the method learns; the portfolio is among the
    initial points.

    Parameters
    ----------
    problem : Problem
    space : Space
    **values
        Those of the options in `search.options.PLAN` that are not the defaults of `BPSearchCV`; whole configurations as
        `initial_points`.
    """
    asked = Plan(**values)
    learns, points = find(asked.method).learns, list(asked.initial_points or ())
    if asked.portfolio:
        points = list(portfolio.behind(points, space, problem, asked.method))
    prune = learns if asked.prune is None else asked.prune
    n_trials = len(points) + space.grid_size if asked.method == "grid" else asked.n_trials
    is_network = network_of(problem.estimator) is not None
    return Plan(**values | {"n_trials": n_trials, "prune": bool(prune and is_network), "initial_points": points})


@contextmanager
def old_objects_at_rest() -> Iterator[None]:
    """Keep the garbage collector from what was there before; what is made meanwhile is collected as ever.

    Beside MLflow, pandas and scikit-learn a full collection looks through 300,000 objects that stay, which takes 0.14 s, and all
    threads wait for it. One is due as soon as a search begins, because so much has just been imported. If the caller has already
    frozen the heap, it is left frozen.
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
    study = _Run(problem, space, plan, store, dummy_score)
    study.run_trials(on_outcome)
    reevaluation.settle(store.outcomes, problem, plan.n_seeds, store.again, study.evaluate_again)
    return store.settled


class _Run:
    """One run of a study: what its trials share while they run side by side, in threads."""

    def __init__(self, problem: Problem, space: Space, plan: Plan, store: StudyStore, dummy_score: float) -> None:
        known = store.outcomes.values()
        self.problem, self.plan, self.store, self.stop = problem, plan, store, plan.stop
        self.sampler = Queued(plan.initial_points or (), find(plan.method).sampler(space, problem.seed))
        for outcome in known:
            self.sampler.tell(outcome, store.feedback[outcome.number])
        self.cutoffs = Cutoffs(getattr(network_of(problem.estimator), "max_iter", 1), known)
        self.penalizer = Penalizer(plan.penalty, dummy_score, known)
        self.incumbent = Incumbent.after(known)
        self.started, self.n_jobs = time.monotonic(), effective_n_jobs(plan.n_jobs)
        self.lock, self.cancellation, self.config = threading.Lock(), Cancellation(), sklearn.get_config()

    def run_trials(self, on_outcome: Callable[[Outcome, float], None]) -> None:
        """Run the trials that are not in the store."""
        with self.running(self.trials()) as finished:
            if len(self.store.outcomes) < self.plan.n_trials:
                _preload(self.problem)
            for outcome in finished:
                feedback = self.penalizer.feedback(outcome)
                with postponed():
                    with self.lock:
                        self.sampler.tell(outcome, feedback)
                        self.cutoffs.add(outcome)
                        self.incumbent.see(outcome)
                    self.store.record(outcome, feedback)
                    on_outcome(outcome, feedback.value)

    def evaluate_again(self, again: Sequence[tuple[Problem, Trial]]) -> None:
        """Evaluate trials once more, as far as there is time."""
        with self.running(self.job(*trial) for trial in again if not self.is_late()) as finished:
            for outcome in finished:
                with postponed():
                    self.store.record_again(outcome)

    def trials(self) -> Iterator[Any]:
        """Propose a trial whenever a thread is free, until the study has enough; the first of a study has no time limit."""
        begun = bool(self.store.outcomes)
        for number in range(self.plan.n_trials):
            if number in self.store.outcomes:
                continue
            if begun and self.is_late(reevaluation.seconds(self.incumbent.trial, self.plan.n_seeds, self.n_jobs)):
                return
            if self.cancellation.requested() or self.stop.enough(self.incumbent):
                return
            begun = True
            with self.lock:
                params = self.sampler.ask(number)
                limits = self.cutoffs.limits() if self.plan.prune else {}
            yield self.job(self.problem, Trial(number, params, limits))

    def job(self, problem: Problem, trial: Trial) -> Any:
        return delayed(_configured)(self.config, problem, trial, self.cancellation.requested)

    def is_late(self, kept: float = 0.0) -> bool:
        return self.stop.out_of_time(time.monotonic() - self.started, kept)

    @contextmanager
    def running(self, jobs: Iterable[Any]) -> Iterator[Iterable[Outcome]]:
        """Run jobs side by side; the body gets the outcomes in the order in which they end, and its failure cancels the rest."""
        parallel = Parallel(
            n_jobs=self.plan.n_jobs, prefer="threads", pre_dispatch="n_jobs", return_as="generator_unordered"
        )
        results = parallel(jobs)
        try:
            yield results
        except BaseException:
            self.cancellation.request()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that trials were started in vain is no news here
                results.close()
            raise


def ended(plan: Plan, store: StudyStore) -> str:
    """Return why a study needs no further trial, or an empty text."""
    if len(store.outcomes) >= plan.n_trials:
        return f"all {plan.n_trials} trials are done"
    return plan.stop.enough(Incumbent.after(store.outcomes.values()))


def _preload(problem: Problem) -> None:
    """Load the training loop while the first trials prepare their rows, if networks are trained for the first time.

    A network with wrong options is left to its trials, which say what is wrong.
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
