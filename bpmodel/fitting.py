"""Whole fits: `fit` and `partial_fit`, and the fitted attributes that they leave; what both estimators share."""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.metaestimators import available_if

from bpmodel.callbacks import EpochTasks
from bpmodel.full_batch.solvers import FULL_BATCH
from bpmodel.network.training import Training
from bpmodel.trainable import TrainableNetwork


def learns_in_parts(estimator: Any) -> bool:
    """Return True; raise AttributeError if the solver needs all rows at once."""
    if estimator.solver in FULL_BATCH:
        raise AttributeError(
            f"partial_fit is only available for stochastic optimizers. {estimator.solver} is not stochastic."
        )
    return True


class BPEstimator(CallbackSupportMixin, TrainableNetwork):
    """Fits a network; subclasses say what it learns, and turn its outputs into predictions."""

    @with_callbacks
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: ArrayLike | None = None,
        y_val: ArrayLike | None = None,
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), optional
        X_val, y_val : array-like, optional
            Rows to validate on: their loss and score are recorded every epoch, and decide with `early_stopping`.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter is out of its domain, or X, y or sample_weight are malformed.
        DivergenceError
            If the fit diverges and ``on_divergence="raise"``.

        Warns
        -----
        ConvergenceWarning
            If training would have gone on after `max_iter` epochs, stalled, or a full-batch solver gave up.
        DivergenceWarning
            If the fit diverges and ``on_divergence="stop"``, or is repaired.
        """
        if (X_val is None) != (y_val is None):
            raise ValueError("X_val and y_val belong together: give both or none")
        validation = None if X_val is None or y_val is None else (X_val, y_val)
        training = self.begin_fit(X, y, sample_weight, validation=validation, stop_on_validation=True)
        most = None if self.on_divergence == "repair" else self.max_iter  # epochs that are given up count, too
        context = self._init_callback_context(max_subtasks=most)
        data = {"X": X, "y": y, "metadata": None if sample_weight is None else {"sample_weight": sample_weight}}
        context.call_on_fit_task_begin(estimator=self, **data)
        if hasattr(self, "_skl_callbacks"):
            training.on_epoch.append(EpochTasks(self, context, data, self._weights))
        try:
            training.advance(self.max_iter)
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=3)
        self.end_fit(training)
        context.call_on_fit_task_end(estimator=self, **data, reconstruction_attributes=self._weights)
        self._report(4)
        if not self.verdict_.failed and training.shortfall:
            warnings.warn(training.shortfall, ConvergenceWarning, stacklevel=3)
        return self

    def _weights(self) -> dict[str, Any]:
        return {"_parameters": self._parameters.copy(), "_running": self._running.copy()}

    @available_if(learns_in_parts)
    def partial_fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train for one epoch on these rows, going on from the present weights and optimizer state.

        Parameters and errors are those of `fit`; `early_stopping` is not possible here.
        """
        return self._partial_fit(X, y, sample_weight)

    def _partial_fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None) -> Self:
        if self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        training = self.begin_fit(X, y, sample_weight, incremental=True)
        training.advance(1)
        self.end_fit(training)
        self._report(4)
        return self

    def end_fit(self, training: Training) -> Self:
        """Turn a `Training`, as far as it has come, into fitted attributes."""
        if self.early_stopping or (training.broken and self.on_divergence != "ignore"):
            training.restore_best()
        self._keep_account(training)
        state = training.state[0]
        self.n_iter_ = training.epoch
        self.t_ = int(state["samples"])
        self._loss_curve += self.history_["loss"].tolist()
        self.loss_curve_ = list(self._loss_curve)
        self.loss_ = self.loss_curve_[-1] if self.loss_curve_ else np.inf
        self.best_loss_ = None if self.early_stopping else float(state["best_loss"])
        self._validation_scores += self.history_["validation_score"].tolist()
        self.validation_scores_ = list(self._validation_scores) if self.early_stopping else None
        self.best_validation_score_ = float(state["best_score"]) if self.early_stopping else None
        for name, value in training.learned.items():
            setattr(self, f"{name}_", value)
        return self
