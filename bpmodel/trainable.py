"""A fit before its first epoch: from arrays and options to a `Training`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse
from sklearn import get_config
from sklearn.base import ClassifierMixin
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_consistent_length, validate_data

from bpmodel import settings
from bpmodel.diagnosis.evidence import UNKNOWN, scales, symmetric_layer
from bpmodel.diagnosis.repair import Repairer, altered
from bpmodel.explained import ExplainedNetwork
from bpmodel.fitted import is_plain, is_plain_target
from bpmodel.full_batch.solvers import FULL_BATCH, check
from bpmodel.full_batch.training import FullBatchTraining, in_double_precision
from bpmodel.functions import initializers, scaling
from bpmodel.functions.activations import ACTIVATIONS
from bpmodel.functions.losses import LOSSES, Loss
from bpmodel.functions.optimizers import OPTIMIZERS
from bpmodel.network import spikes
from bpmodel.network.fit import Memory
from bpmodel.network.minibatch import Rows
from bpmodel.network.parameters import Network, build, read_only, split_sparse
from bpmodel.network.training import Training, new_memory, new_state


class TrainableNetwork(ExplainedNetwork):
    """Begins fits; subclasses say what is learned."""

    _parameter_constraints: dict
    _state: NDArray
    _memory: list[NDArray] | None
    _moments: NDArray
    _loss_curve: list[float]
    _validation_scores: list[float]
    n_outputs_: int

    @abstractmethod
    def _validate(self, X: Any, y: Any, *, first: bool, incremental: bool) -> tuple[NDArray, NDArray]:
        """Check X and y and return them as arrays."""

    @abstractmethod
    def _validate_labels(self, y: Any) -> NDArray:
        """Check the targets of rows to validate on."""

    @abstractmethod
    def _learn_target(self, y: NDArray, weight: NDArray) -> None:
        """Learn from the targets of a first fit what `_encode` needs."""

    @abstractmethod
    def _encode(self, y: ArrayLike) -> NDArray:
        """Return what the network learns in place of y, of shape (n, outputs)."""

    def _weigh(self, y: NDArray, weight: NDArray, index: NDArray, *, incremental: bool) -> NDArray:
        """Return the weights of the rows, given those of the samples and which are trained on; none where all count the same."""
        return weight

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

        For callers that train several networks side by side: advance each `Training` as far as wanted, predict with the
        estimator at any time in between, then call `end_fit`.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.
        rows : ndarray of int, optional
            Numbers of the rows of X to train on; by default all. Folds of one array share it this way, uncopied.
        validation : tuple (X, y), or ndarray of int, optional
            Rows, or numbers of rows of X, whose loss and score are recorded every epoch in the history.
        stop_on_validation : bool, default=False
            Whether `early_stopping` uses these rows; if not, the rows that it sets aside are recorded instead.
        incremental : bool, default=False
            Whether to go on from the present weights and optimizer state, as `partial_fit` does.
        """
        if not get_config()["skip_parameter_validation"]:
            self._validate_params()
        if self.solver in FULL_BATCH:
            check(self.get_params(deep=False))
        first = not hasattr(self, "_parameters") or not (self.warm_start or incremental)
        X, y = self._validate(X, y, first=first, incremental=incremental)
        if isinstance(validation, tuple):
            validation = self._validate_held_out(*validation)
        training = self._begin(X, y, sample_weight, rows, validation, stop_on_validation, incremental, first)
        if self.on_divergence == "repair" and not incremental:
            held_out = validation if isinstance(validation, tuple) else training.validation.numbers
            numbers, known = training.rows.numbers, isinstance(held_out, tuple) or len(held_out) > 0

            def again(changes: Mapping[str, Any]) -> Training:
                with altered(self, changes):
                    return self._begin(X, y, sample_weight, numbers, held_out if known else None, known, False, True)

            training.mend = Repairer(self._record_of, again if first else None)
        return training

    def _begin(
        self,
        X: Any,
        y: Any,
        sample_weight: ArrayLike | None,
        rows: NDArray[np.integer] | None,
        validation: tuple[ArrayLike, ArrayLike] | NDArray[np.integer] | None,
        stop_on_validation: bool,
        incremental: bool,
        first: bool,
    ) -> Training:
        """The same of rows that were validated, and without repair; a `first` fit draws new weights."""
        solver = FULL_BATCH.get(self.solver)
        if issparse(X) and self.input_noise > 0:
            raise ValueError(f"input_noise={self.input_noise!r} needs dense rows; X is sparse")
        if issparse(X) and self.scale_input == "robust":
            raise ValueError("scale_input='robust' needs dense rows; X is sparse, for which 'standard' is possible")
        weight = np.zeros(0) if sample_weight is None else _check_sample_weight(sample_weight, X)
        index = np.arange(X.shape[0]) if rows is None else np.asarray(rows)
        weight = self._weigh(y, weight, index, incremental=incremental)
        if first:
            self._scaling = scaling.learn(self.scale_input, X if rows is None else X[index])
        X = scaling.apply(self._scaling, X)
        if first:
            self._learn_target(y[index], weight[index] if weight.size else np.broadcast_to(1.0, index.shape))
        targets = self._encode(y)
        if not first and targets.shape[1] != self.n_outputs_:
            raise ValueError(f"y has {targets.shape[1]} outputs; the network was fitted with {self.n_outputs_} outputs")
        random_state = check_random_state(self.random_state)

        if first:
            dtype = settings.precision(self.dtype, len(index), incremental=incremental)
            self._draw_weights(X.shape[1], targets.shape[1], dtype, random_state)
        self._loss = self._loss_name()
        self.out_activation_ = LOSSES[self._loss].output
        own_split = self.early_stopping and not (stop_on_validation and validation is not None)
        train_index, validation_index = self._split(targets, index, random_state, own_split)
        training_rows = self._rows(X, targets, weight, train_index)
        held_out = self._held_out(training_rows, validation_index if own_split or validation is None else validation)

        slots = OPTIMIZERS[self.solver].slots if solver is None else 0
        kept = self._memory if incremental else None
        if kept is None or len(kept[0]) != slots:
            kept = None
            self._state["rate"], self._state["step"], self._state["restart"] = self.learning_rate_init, 0, 0
            spikes.forget(self._state)
            self._moments = np.zeros((3, targets.shape[1]))
        self._state["epoch"], self._state["code"], self._state["probes"], self._state["skips"] = 0, 0, 0, 0
        self._moments += _moments(training_rows)
        mean, mean_square = self._moments[1:] / self._moments[0]
        loss = LOSSES[self._loss]
        if first and self.zero_last_layer:
            self.coefs_[-1][:] = 0
            self.intercepts_[-1][:] = loss.constant(mean)
        network = self._network_to_train()
        baseline = loss.baseline(mean, mean_square, self._loss_number())
        parts: dict[str, Any] = {
            "network": network,
            "rows": training_rows,
            "validation": held_out,
            "memory": self._memory_of(network, slots, kept, random_state),
            "state": self._state,
            "max_iter": self.max_iter,
            "baseline": baseline,
            "reference": _reference(loss, held_out),
            "on_epoch": [_print_epoch] if self.verbose else [],
        }
        n_rows = len(train_index)
        classes = isinstance(self, ClassifierMixin)
        self._scales = UNKNOWN if incremental else scales(X, targets, train_index, classes)
        self._symmetric = 0 if incremental else symmetric_layer(self.coefs_)
        if solver is not None:
            return FullBatchTraining(solver=solver, settings=settings.full_batch(self, n_rows), **parts)
        numbers = settings.stochastic(self, self._parameters.dtype, n_rows, baseline, incremental=incremental)
        return Training(settings=numbers, **parts)

    def _network_to_train(self) -> Network:
        """Return the network whose parameters training moves: those that predict, or what they are an average of."""
        if self.solver in FULL_BATCH:
            return in_double_precision(self._network())
        if self.ema_decay == 0:
            self._trained = None
            return self._network()
        if self._trained is None:
            self._trained = self._parameters.copy()
        return self._network()._replace(parameters=self._trained)

    def _memory_of(
        self, network: Network, slots: int, kept: list[NDArray] | None, random_state: np.random.RandomState
    ) -> Memory:
        """Return what a fit remembers: nothing yet, or what was kept of the one before."""
        if kept is None:
            random = random_state.randint(1, 2**63 - 1, size=1, dtype=np.uint64)
            memory = new_memory(network, slots, self._parameters, random)
        else:
            memory = new_memory(network, 0, self._parameters, kept[2])
            memory = memory._replace(optimizer=kept[0], recent=kept[1])
        self._memory = [memory.optimizer, memory.recent, memory.random]
        return memory

    def _validate_rows(self, X: Any, y: Any, *, first: bool, **checks: Any) -> tuple[Any, NDArray]:
        """Return rows and targets as arrays. What `validate_data` would return as it is takes a shortcut."""
        if first and is_plain(X) and is_plain_target(y, len(X)):
            self.n_features_in_ = X.shape[1]
            self.__dict__.pop("feature_names_in_", None)
            return X, y
        types = (np.float64, np.float32)
        return validate_data(self, X, y, accept_sparse="csr", multi_output=True, dtype=types, reset=first, **checks)

    def _validate_held_out(self, X: Any, y: Any) -> tuple[Any, Any]:
        """Return rows to validate on as arrays."""
        X = validate_data(self, X, accept_sparse="csr", dtype=(np.float64, np.float32), reset=False)
        y = self._validate_labels(y)
        check_consistent_length(X, y)
        return X, y

    def _held_out(self, training_rows: Rows, validation: tuple[ArrayLike, ArrayLike] | NDArray[np.integer]) -> Rows:
        """Return the rows to validate on: other rows, or others of the same arrays."""
        if not isinstance(validation, tuple):
            return training_rows.picked(validation)
        X, y = validation
        X, targets = scaling.apply(self._scaling, X), self._encode(y)
        if targets.shape[1] != self.n_outputs_:
            raise ValueError(f"y_val has {targets.shape[1]} outputs; the network has {self.n_outputs_} outputs")
        return self._rows(X, targets, np.zeros(0), np.arange(len(targets)))

    def _draw_weights(self, inputs: int, outputs: int, dtype: np.dtype, random_state: np.random.RandomState) -> None:
        hidden = np.atleast_1d(np.asarray(self.hidden_layer_sizes, dtype=object)).tolist()
        if any(isinstance(n, bool) or not isinstance(n, int | np.integer) for n in hidden):
            raise ValueError(f"hidden_layer_sizes must be whole numbers, got {hidden}.")
        if any(n <= 0 for n in hidden):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {hidden}.")
        self._layer_units = [int(n) for n in (inputs, *hidden, outputs)]
        self._activations = self._activation_names(len(hidden))
        blank = build(
            self._layer_units,
            self._activations,
            self._loss_name(),
            dtype,
            normalization=self.normalization,
        )
        self._parameters, self._running, self._trained = blank.parameters, blank.running, None
        self._normalization = self.normalization
        weights, biases = initializers.draw(
            self.init, self._layer_units, self._activations, self.init_gain, random_state
        )
        self.coefs_, self.intercepts_ = weights, biases
        self._state, self._memory = new_state(), None
        self._loss_curve, self._validation_scores = [], []
        self.n_layers_, self.n_outputs_ = len(self._layer_units), outputs

    def _activation_names(self, n_hidden: int) -> list[str]:
        if isinstance(self.activation, str):
            return [self.activation] * n_hidden
        names = list(self.activation)
        if len(names) != n_hidden:
            raise ValueError(f"activation={names} names {len(names)} functions for {n_hidden} hidden layers")
        for name in names:
            if name not in ACTIVATIONS:
                raise ValueError(f"activation={names}: {name!r} is unknown; allowed are {', '.join(ACTIVATIONS)}")
        return names

    def _split(
        self, targets: NDArray, index: NDArray, random_state: np.random.RandomState, split: bool
    ) -> tuple[NDArray[np.integer], NDArray[np.integer]]:
        """Return the numbers of the rows to train on, and of those to validate on."""
        if not split:
            return index, index[:0]
        stratify = targets[index] if isinstance(self, ClassifierMixin) and targets.shape[1] == 1 else None
        train, validation = train_test_split(
            index, random_state=random_state, test_size=self.validation_fraction, stratify=stratify
        )
        if len(validation) < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
            )
        return train, validation

    def _rows(self, X: Any, targets: NDArray, weight: NDArray, index: NDArray[np.integer]) -> Rows:
        dtype = np.dtype(np.float64) if self.solver in FULL_BATCH else self._parameters.dtype
        dense, sparse = split_sparse(X, dtype)
        none = np.zeros(0, dtype=np.int32)
        y, weight = read_only(targets, dtype), read_only(weight, dtype)
        return Rows(dense, sparse, y, weight, none, none).picked(index)


def _moments(rows: Rows) -> NDArray:
    """Return the sums of w, w y and w y^2 over the rows, shape (3, outputs)."""
    y, w = rows.y[rows.order].astype(np.float64), rows.weights()
    return np.stack([np.full(y.shape[1], w.sum()), w @ y, w @ y**2])


def _reference(loss: Loss, held_out: Rows) -> NDArray[np.float64]:
    return loss.reference(held_out.y[held_out.order], held_out.weights()) if len(held_out.order) else np.ones(1)


def _print_epoch(training: Training) -> None:
    epoch = training.epoch
    print(f"Iteration {epoch}, loss = {training.history.loss[epoch - 1]:.8f}")
    score = training.history.validation_score[epoch - 1]
    if np.isfinite(score):
        print(f"Validation score: {score:.6f}")
