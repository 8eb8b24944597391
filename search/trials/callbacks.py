"""Callback events of a search: the tasks that scikit-learn's callbacks receive.

Their names are those of scikit-learn's own searches.
The whole fit is a task. It contains the search and the refit. The search contains a task for each fold of each
configuration, from the start of the fold until it has been scored. All hooks receive the search as the estimator.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any


class NoTasks:
    """The tasks of a search without callbacks: every method does nothing."""

    def end(self) -> None:
        """End the task of the whole fit."""

    @contextmanager
    def search(self, most: int) -> Iterator[None]:
        """Run the task of the search; `most` is an upper limit of the number of folds over all configurations."""
        yield

    @contextmanager
    def fold(self, number: int, data: Mapping[str, Any], estimator: Any = None) -> Iterator[None]:
        """Run the task of one fold; `number` counts all folds of the search.

        The estimator receives the propagated callbacks.

        ``X``, ``y`` and ``metadata`` of the training rows may be callables that return them.
        """
        yield

    @contextmanager
    def refit(self, estimator: Any = None) -> Iterator[None]:
        """Run the task of the refit: the best configuration on all rows."""
        yield


class Tasks(NoTasks):
    """The tasks of a search with callbacks; tasks in other processes are not reported.

    Parameters
    ----------
    search : BPSearchCV
    data : dict
        ``X``, ``y`` and ``metadata`` of the whole fit.
    refits : bool
        Whether a refit follows.
    """

    def __init__(self, search: Any, data: Mapping[str, Any], refits: bool) -> None:
        self._estimator, self._data = search, data
        self._fit = search._init_callback_context(max_subtasks=1 + refits)
        self._fit.call_on_fit_task_begin(estimator=search, **data)

    def __reduce__(self) -> Any:
        return NoTasks, ()

    def end(self) -> None:
        self._fit.call_on_fit_task_end(estimator=self._estimator, **self._data)

    @contextmanager
    def search(self, most: int) -> Iterator[None]:
        self._search = self._fit.subcontext(task_name="search", max_subtasks=most, sequential_subtasks=False)
        self._search.call_on_fit_task_begin(estimator=self._estimator)
        yield
        self._search.call_on_fit_task_end(estimator=self._estimator)

    @contextmanager
    def fold(self, number: int, data: Mapping[str, Any], estimator: Any = None) -> Iterator[None]:
        task = self._search.subcontext(task_name="candidate-split-evaluation", task_id=number)
        try:
            with self._passed_on(task, data, estimator):
                yield
        finally:
            task.call_on_fit_task_end(estimator=self._estimator, **data)

    @contextmanager
    def refit(self, estimator: Any = None) -> Iterator[None]:
        task = self._fit.subcontext(task_name="refit-with-best-params")
        with self._passed_on(task, self._data, estimator):
            yield
        task.call_on_fit_task_end(estimator=self._estimator, **self._data)

    @contextmanager
    def _passed_on(self, task: Any, data: Mapping[str, Any], estimator: Any) -> Iterator[None]:
        """Begin a task; callbacks propagated to an estimator receive its fit from there, and only once."""
        with nullcontext() if estimator is None else task.propagate_callback_context(estimator):
            task.call_on_fit_task_begin(estimator=self._estimator, **data)
            yield


def metadata(params: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the fit parameters that callbacks receive: the sample weights."""
    weight = params.get("sample_weight")
    return None if weight is None else {"sample_weight": weight}


def tasks_of(search: Any, X: Any, y: Any, params: Mapping[str, Any]) -> NoTasks:
    """Return the tasks of a search, before it is fitted."""
    if not (hasattr(search, "_skl_callbacks") or hasattr(search, "_parent_callback_ctx")):
        return NoTasks()
    return Tasks(search, {"X": X, "y": y, "metadata": metadata(params)}, refits=search.refit is not False)
