"""Where the trials of a search are evaluated: in threads of this process, or wherever joblib's backend runs them.

Anything with the methods of `Workers` takes their place: the service hands trials to the processes of a cluster.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from itertools import islice
from typing import Any, NamedTuple, Protocol

import sklearn
from joblib import Parallel, delayed, effective_n_jobs

from search.tracking.autologging import autologging_aside
from search.trials.evaluation import evaluate
from search.trials.outcomes import Outcome
from search.trials.problem import Problem, Trial


class Job(NamedTuple):
    """A trial to evaluate, and the problem that it belongs to."""

    problem: Problem
    trial: Trial


class Workers(Protocol):
    """Evaluates trials."""

    @property
    def n_jobs(self) -> int:
        """How many trials run at the same time."""

    def outcomes(self, jobs: Iterable[Job], cancelled: Callable[[], bool]) -> Generator[Outcome, None, None]:
        """Return the outcomes of jobs as they finish.

        A job is taken from the iterable when somebody is free to evaluate it: one that is taken late knows more results. Any
        thread may take it, one at a time.

        Parameters
        ----------
        jobs : iterable of Job
        cancelled : callable returning bool
            Whether the search has been interrupted: jobs that run end early, and nothing more is returned.
        """


class JoblibWorkers:
    """Workers of joblib: threads, unless `joblib.parallel_config` says otherwise.

    Parameters
    ----------
    n_jobs : int or None
        Trials at the same time, as in joblib.

    Examples
    --------
    >>> JoblibWorkers(2).n_jobs
    2
    """

    def __init__(self, n_jobs: int | None) -> None:
        self._asked, self.n_jobs = n_jobs, effective_n_jobs(n_jobs)

    def outcomes(self, jobs: Iterable[Job], cancelled: Callable[[], bool]) -> Generator[Outcome, None, None]:
        """Return the outcomes of jobs as they finish.

        Some of joblib's backends, such as multiprocessing, only return whole lists: there, jobs run in batches of `n_jobs`.
        """
        config = sklearn.get_config()
        calls = (delayed(configured)(config, *job, cancelled) for job in jobs)
        options = {"n_jobs": self._asked, "prefer": "threads", "pre_dispatch": "n_jobs"}
        try:
            parallel = Parallel(**options, return_as="generator_unordered")
        except ValueError:
            return _in_batches(Parallel(**options), calls)
        return parallel(calls)  # type: ignore[no-any-return]


def _in_batches(parallel: Parallel, calls: Iterable[Any]) -> Generator[Outcome, None, None]:
    waiting = iter(calls)
    with parallel:
        while batch := list(islice(waiting, effective_n_jobs(parallel.n_jobs))):
            yield from parallel(batch)


def configured(config: dict[str, Any], problem: Problem, trial: Trial, cancelled: Callable[[], bool]) -> Outcome:
    """Evaluate a trial with the scikit-learn configuration of the thread that started the study: it is thread-local.

    MLflow's autologging may be on in another process, too.
    """
    with sklearn.config_context(**config), autologging_aside():
        return evaluate(problem, trial, cancelled)
