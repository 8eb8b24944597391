"""Support for scikit-learn's callbacks: each epoch is a task, and callbacks see the network at its start and end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bpmodel.network.training import Training


class EpochTasks:
    """Calls the hooks of an estimator's callbacks epoch by epoch.

    Parameters
    ----------
    estimator : estimator
        The estimator that is being fitted.
    context : sklearn.callback.CallbackContext
        Context of the whole fit.
    data : dict
        ``X``, ``y`` and ``metadata``, which callbacks may request.
    weights : callable
        Returns a copy of the attributes that predictions use.
    """

    def __init__(
        self, estimator: Any, context: Any, data: dict[str, Any], weights: Callable[[], dict[str, Any]]
    ) -> None:
        self._estimator, self._context, self._data, self._weights = estimator, context, data, weights
        self._begin()

    def __call__(self, training: Training) -> None:
        """End the task of an epoch and start the next one, unless a callback stops the training."""
        stop = self._task.call_on_fit_task_end(
            estimator=self._estimator, **self._data, reconstruction_attributes=self._weights
        )
        if stop:
            training.stop()
        if training.running:
            self._begin()

    def _begin(self) -> None:
        self._task = self._context.subcontext(task_name="epoch")
        self._task.call_on_fit_task_begin(
            estimator=self._estimator, **self._data, reconstruction_attributes=self._weights
        )
