"""Where the trials of a search are evaluated: in threads of this process, or wherever joblib's backend runs them.

Anything with the methods of `Workers` takes their place: the service hands trials to the processes of a cluster.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable
from itertools import islice
from typing import Any, NamedTuple, Protocol

import sklearn
from joblib import Parallel, delayed, effective_n_jobs

from search.tracking.autologging import autologging_aside
from search.trials.evaluation import evaluate
from search.trials.outcomes import Outcome
from search.trials.problem import Problem, Trial

PAUSE_SECONDS = 0.01
"""After which a worker asks again for a job."""


class Job(NamedTuple):
    """A trial to evaluate, and the problem that it belongs to."""

    problem: Problem
    trial: Trial


class Workers(Protocol):
    """Evaluates trials."""

    @property
    def n_jobs(self) -> int:
        """How many trials run at the same time."""

    def outcomes(
        self, jobs: Iterable[Job | None], cancelled: Callable[[], bool]
    ) -> Generator[Outcome | None, None, None]:
        """Return the outcomes of jobs as they finish; None, which stands for no trial, may be among them.

        A job is taken from the iterable when somebody is free to evaluate it: one that is taken late knows more results. Any
        thread may take it, one at a time. None says that there is no job before one of those under way has ended.

        Parameters
        ----------
        jobs : iterable of Job or None
        cancelled : callable returning bool
            Whether the search has been interrupted: jobs that run end early, and nothing more is returned.
        """


class JoblibWorkers:
    """Workers of joblib: threads, unless `joblib.parallel_config` says otherwise.

    Parameters
    ----------
    n_jobs : int or None
        Trials at the same time, as in joblib.
    batch_size : int or "auto"
        Trials that a process takes at a time, as in joblib. With 1, none is behind pauses, which count as short trials.

    Examples
    --------
    >>> JoblibWorkers(2).n_jobs
    2
    """

    def __init__(self, n_jobs: int | None, batch_size: int | str = "auto") -> None:
        self._asked, self.n_jobs, self._batch_size = n_jobs, effective_n_jobs(n_jobs), batch_size

    def outcomes(
        self, jobs: Iterable[Job | None], cancelled: Callable[[], bool]
    ) -> Generator[Outcome | None, None, None]:
        """Return the outcomes of jobs as they finish.

        Some of joblib's backends, such as multiprocessing, only return whole lists: there, jobs run in batches of `n_jobs`.
        """
        config = sklearn.get_config()
        calls = (delayed(configured)(config, *job, cancelled) if job else delayed(pause)() for job in jobs)
        options = {"n_jobs": self._asked, "prefer": "threads", "pre_dispatch": "n_jobs", "batch_size": self._batch_size}
        try:
            parallel = Parallel(**options, return_as="generator_unordered")
        except ValueError:
            return _in_batches(Parallel(**options), calls)
        return parallel(calls)  # type: ignore[no-any-return]


def _in_batches(parallel: Parallel, calls: Iterable[Any]) -> Generator[Outcome | None, None, None]:
    waiting = iter(calls)
    with parallel:
        while batch := list(islice(waiting, effective_n_jobs(parallel.n_jobs))):
            yield from parallel(batch)


def pause() -> None:
    """Wait in place of a trial."""
    time.sleep(PAUSE_SECONDS)


def configured(config: dict[str, Any], problem: Problem, trial: Trial, cancelled: Callable[[], bool]) -> Outcome:
    """Evaluate a trial with the scikit-learn configuration of the thread that started the study: it is thread-local.

    MLflow's autologging may be on in another process, too.
    """
    with sklearn.config_context(**config), autologging_aside():
        return evaluate(problem, trial, cancelled)
