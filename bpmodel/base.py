"""The base class of both estimators: `fit`, `partial_fit`, step-by-step fits (`begin_fit`, `end_fit`), diagnosis and warnings."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from bpmodel.callbacks import EpochTasks
from bpmodel.diagnosis.diagnose import examine
from bpmodel.diagnosis.evidence import Record, Scales, symmetric_layer
from bpmodel.diagnosis.findings import Diagnosis, Finding
from bpmodel.diagnosis.repair import Repair, Repairer, altered
from bpmodel.diagnosis.rules import RULES
from bpmodel.fitted_network import FittedNetwork, is_plain, is_plain_target
from bpmodel.full_batch.solvers import FULL_BATCH, check
from bpmodel.html import Shown
from bpmodel.intake.attempts import CHANGED_IN_PLACE, in_turn, undone_if_it_fails
from bpmodel.intake.rows import row_numbers, validated
from bpmodel.intake.structure import check_structure, structure
from bpmodel.intake.weights import row_weights
from bpmodel.network import interruption
from bpmodel.network.training import Training
from bpmodel.network.verdicts import DivergenceError, DivergenceWarning, Verdict, are_told
from bpmodel.option import Option
from bpmodel.preparation import Request, prepare, weighed

Method = TypeVar("Method", bound=Callable)


def learns_in_parts(estimator: Any) -> bool:
    """Return True if the solver supports `partial_fit`; raise AttributeError if it needs all rows at once."""
    if estimator.solver in FULL_BATCH:
        raise AttributeError(
            f"partial_fit is only available for stochastic optimizers. {estimator.solver} is not stochastic."
        )
    return True


def typed(decorator: Callable) -> Callable[[Method], Method]:
    """Return an untyped scikit-learn decorator as one that preserves the type of a method."""
    return decorator


class BPEstimator(Shown, CallbackSupportMixin, FittedNetwork):
    """Fits a network; subclasses encode its targets and turn its outputs into predictions."""

    _options: tuple[Option, ...]
    _check_options: Callable[[], None]
    _state: NDArray
    _memory: list[NDArray] | None
    _moments: NDArray
    _loss_curve: list[float]
    _validation_scores: list[float]
    _symmetric: int
    _changes: Mapping[str, Any]
    """options that a repair changed, with their values at the end of the last fit"""
    n_outputs_: int

    # --------------------------------------------------------------------------------------------- what is learned

    @abstractmethod
    def _validate(self, X: Any, y: Any, *, first: bool, incremental: bool) -> tuple[NDArray, NDArray]:
        """Check X and y and return them as arrays."""

    @abstractmethod
    def _validate_labels(self, y: Any) -> NDArray:
        """Check the targets of validation rows."""

    @abstractmethod
    def _learn_target(self, y: NDArray, weight: NDArray | None) -> None:
        """Learn the parameters of `_encode` from the targets of a first fit, which it may change, and their weights, if any."""

    @abstractmethod
    def _encode(self, y: ArrayLike) -> NDArray:
        """Return y as the network's targets, of shape (n, outputs)."""

    def _weigh(self, y: NDArray, weight: NDArray, index: NDArray, *, incremental: bool) -> NDArray:
        """Return the weights of all rows, derived from the sample weights; empty if all rows have equal weight."""
        return weight

    # --------------------------------------------------------------------------------------------- whole fits

    @in_turn
    @typed(with_callbacks)
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
            Validation rows. Their loss and score are recorded every epoch; `early_stopping` uses them.

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
            If training reaches `max_iter` before it converges, if it stalls, or if a full-batch solver gives up.
        DivergenceWarning
            If the fit diverges and ``on_divergence="stop"``, or is repaired.
        """
        if (X_val is None) != (y_val is None):
            raise ValueError("X_val and y_val must be passed together: pass both or neither")
        validation = None if X_val is None or y_val is None else (X_val, y_val)
        with undone_if_it_fails(self, CHANGED_IN_PLACE if self.warm_start else ()):
            training = self.begin_fit(X, y, sample_weight, validation=validation, stop_on_validation=True)
            most = None if self.on_divergence == "repair" else self.max_iter  # a repair discards some of its epochs
            context = self._init_callback_context(max_subtasks=most)
            data = {"X": X, "y": y, "metadata": None if sample_weight is None else {"sample_weight": sample_weight}}
            context.call_on_fit_task_begin(estimator=self, **data)
            if hasattr(self, "_skl_callbacks"):
                training.on_epoch.append(EpochTasks(self, context, data, self._weights))
            try:
                training.advance(self.max_iter)
            except KeyboardInterrupt:
                if interruption.raised():
                    raise
                interrupted = True
            else:
                interrupted = False
            self.end_fit(training)
            context.call_on_fit_task_end(estimator=self, **data, reconstruction_attributes=self._weights)
        if interrupted:
            warnings.warn("Training interrupted by user.", stacklevel=4)
        self._report(5)
        if not self.verdict_.failed and training.shortfall:
            warnings.warn(training.shortfall, ConvergenceWarning, stacklevel=4)
        return self

    def _weights(self) -> dict[str, Any]:
        return {"_parameters": self._parameters.copy(), "_running": self._running.copy()}

    @typed(available_if(learns_in_parts))
    @in_turn
    def partial_fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train for one epoch on these rows, continuing from the current weights and optimizer state.

        Parameters and errors are the same as for `fit`; `early_stopping` is not supported here.
        """
        return self._learn_part(self._begin_part(X, y, sample_weight))

    def _begin_part(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None) -> Training:
        if self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        return self.begin_fit(X, y, sample_weight, incremental=True)

    def _learn_part(self, training: Training) -> Self:
        try:
            training.advance(1)
        finally:
            self.end_fit(training)  # also where Ctrl-C or what is printed ends it: the epoch is trained
        self._report(5)
        return self

    # --------------------------------------------------------------------------------------------- fits in the caller's hands

    def begin_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        rows: NDArray[np.integer] | None = None,
        validation: tuple[ArrayLike, ArrayLike] | NDArray[np.integer] | None = None,
        stop_on_validation: bool = False,
        incremental: bool = False,
    ) -> Training:
        """Prepare a fit and return it before its first epoch.

        For callers that train several networks side by side: advance each `Training` by as many epochs as needed, call `predict`
        on the estimator at any time in between, and finally call `end_fit`.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.
        rows : ndarray of int, optional
            Numbers of the training rows in X; by default all rows. Several folds can share one array this way, without copies.
        validation : tuple (X, y), or ndarray of int, optional
            Validation rows, or their numbers in X. Their loss and score are recorded in the history every epoch.
        stop_on_validation : bool, default=False
            Whether `early_stopping` uses these validation rows. If not, it sets training rows aside and records those instead.
        incremental : bool, default=False
            Whether to continue from the current weights and optimizer state, as `partial_fit` does.
        """
        with undone_if_it_fails(self, ("_state",)):
            self._check_options()
            if self.solver in FULL_BATCH:
                check(self.get_params(deep=False))
            first = not hasattr(self, "_parameters") or not (self.warm_start or incremental)
            if not first:
                check_structure(self, self._options, getattr(self, "_structure", {}))
            X, y = self._validate(X, y, first=first, incremental=incremental)
            if isinstance(validation, tuple):
                validation = self._validate_held_out(*validation)
            elif validation is not None:
                validation = row_numbers(validation, X.shape[0], "validation")
            request = Request(
                X=X,
                y=y,
                weight=row_weights(sample_weight, X.shape[0]),
                numbers=np.arange(X.shape[0], dtype=np.int32)
                if rows is None
                else row_numbers(rows, X.shape[0], "rows"),
                whole=rows is None,
                validation=validation,
                set_aside=self.early_stopping and not (stop_on_validation and validation is not None),
                first=first,
                incremental=incremental,
            )
            request = weighed(request)
            training = prepare(self, request)
            if first:
                self._structure = structure(self, self._options)
        if self.on_divergence == "repair" and not incremental:
            training.mend = self._repairer(request, training)
        return training

    def _repairer(self, request: Request, training: Training) -> Repairer:
        """Return the object that repairs a fit; a restart trains and validates on the same rows."""
        given = isinstance(request.validation, tuple) and not request.set_aside
        same_rows = request._replace(
            numbers=training.rows.numbers,
            whole=False,
            validation=request.validation if given else training.validation.numbers,
            set_aside=False,
        )

        def again(changes: Mapping[str, Any]) -> Training:
            with altered(self, changes):
                return prepare(self, same_rows)

        return Repairer(self._record_of, again if request.first else None)

    def end_fit(self, training: Training) -> Self:
        """Store the result of a `Training`, finished or not, in the fitted attributes."""
        training.settle()
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

    def _validate_rows(self, X: Any, y: Any, *, first: bool, **checks: Any) -> tuple[Any, NDArray]:
        """Return rows and targets as arrays; skip the check of inputs that it would return unchanged."""
        if first and is_plain(X) and is_plain_target(y, len(X)):
            self.n_features_in_ = X.shape[1]
            self.__dict__.pop("feature_names_in_", None)
            return X, y
        types = (np.float64, np.float32)
        return validated(self, X, y, accept_sparse="csr", multi_output=True, dtype=types, reset=first, **checks)

    def _validate_held_out(self, X: Any, y: Any) -> tuple[Any, Any]:
        """Return validation rows and their targets as arrays."""
        X = validated(self, X, accept_sparse="csr", dtype=(np.float64, np.float32), reset=False)
        y = self._validate_labels(y)
        check_consistent_length(X, y)
        return X, y

    # --------------------------------------------------------------------------------------------- how the fit went

    def diagnose(self, *, rules: Iterable[Callable[[Record], Finding | None]] = RULES) -> Diagnosis:
        """Diagnose the last fit: return findings with numbers, cause and remedy, the most likely cause first.

        After `partial_fit` and with full-batch solvers there are no probes, so fewer problems are found: they follow from the
        loss alone and, with a full-batch solver, also from the scale of the data.

        Parameters
        ----------
        rules : iterable of callable, default=RULES
            The rules to apply, as in `bpmodel.diagnosis.diagnose.examine`.

        Raises
        ------
        NotFittedError
            Before `fit`.
        """
        check_is_fitted(self)
        return examine(
            self._record(
                self.verdict_, self.history_, self.probes_, self.baseline_loss_, self.initial_loss_, self._changes
            ),
            rules,
        )

    def _record_of(self, training: Training, changes: Mapping[str, Any]) -> Record:
        """Return the input of a diagnosis for a fit that is still in progress."""
        first_loss = float(training.state["first_loss"][0])
        return self._record(training.verdict, training.curves, training.probed, training.baseline, first_loss, changes)

    def _record(
        self,
        verdict: Verdict,
        history: Mapping[str, NDArray[np.float64]],
        probes: Mapping[str, NDArray],
        baseline: float,
        first_loss: float,
        changes: Mapping[str, Any],
    ) -> Record:
        return Record(
            options=self.get_params(deep=False) | dict(changes),
            verdict=verdict,
            history=history,
            probes=probes,
            scales=Scales(**self._scales),
            activations=self._activations,
            units=self._layer_units,
            baseline=baseline,
            first_loss=first_loss,
            symmetric=self._symmetric and symmetric_layer(self.coefs_),
        )

    def _keep_account(self, training: Training) -> None:
        """Store the history, verdict and other results of a fit."""
        self.verdict_: Verdict = training.verdict
        self.diverged_ = self.verdict_.diverged
        self.history_ = training.curves
        self.probes_ = training.probed
        self.baseline_loss_ = training.baseline
        self.initial_loss_ = float(training.state["first_loss"][0])
        self._changes, self.repairs_ = {}, []
        if isinstance(training.mend, Repairer):
            self._changes, self.repairs_ = dict(training.mend.changes), training.mend.account(training)

    def _report(self, stacklevel: int) -> None:
        """Warn about a failure of the last fit, or raise it as an error."""
        if self.on_divergence == "ignore":
            return
        name, verdict = type(self).__name__, self.verdict_
        repairs: list[Repair] = self.repairs_
        done = "; ".join(map(str, repairs))
        if not verdict.failed:
            if repairs and are_told():
                message = f"{name} was repaired: {done}. `repairs_` has the details."
                warnings.warn(message, DivergenceWarning, stacklevel=stacklevel)
            return
        raises = verdict.diverged and self.on_divergence == "raise"
        if verdict.diverged and not (raises or are_told()):
            return
        message = f"{name} {verdict.status}: {verdict.reason}."
        if repairs:
            message += f" {len(repairs)} repairs did not help ({done})."
        found = self.diagnose().findings
        if found:
            message += f" Most likely {found[0].code}: {found[0].remedy}"
        if raises:
            raise self._divergence(message)
        message += " The weights of its best epoch are kept; see `verdict_` and `diagnose()`."
        kind = DivergenceWarning if verdict.diverged else ConvergenceWarning
        warnings.warn(message, kind, stacklevel=stacklevel)

    def _divergence(self, message: str) -> DivergenceError:
        """Return the last fit, which diverged, as an error."""
        survived = (int(self.verdict_.epoch or 1) - 1) / self.max_iter
        return DivergenceError(message, self.verdict_, self.diagnose().to_dict()["findings"], survived)
