"""Prepare a fit: build a `Training` from arrays and options.

`prepare` calls the functions below it in the order of this file. The results of the preparation (scales, weights, counters) are
stored on the estimator. Random numbers are drawn in the same order as in scikit-learn.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse
from sklearn.base import ClassifierMixin
from sklearn.model_selection import train_test_split

from bpmodel.diagnosis.evidence import UNKNOWN, scales, symmetric_layer
from bpmodel.domains import MOST_UNITS
from bpmodel.full_batch.solvers import FULL_BATCH
from bpmodel.full_batch.training import BLOCK_ROWS, FullBatchTraining, in_double_precision
from bpmodel.functions import initializers, scaling
from bpmodel.functions.losses import LOSSES, Loss
from bpmodel.functions.optimizers import OPTIMIZERS
from bpmodel.intake.seeds import generator
from bpmodel.intake.settings import full_batch, minibatch
from bpmodel.intake.weights import row_weights as row_weights  # the name under which it was released
from bpmodel.intake.weights import rows_that_count, sized
from bpmodel.names.short import short
from bpmodel.network import sizes, spikes
from bpmodel.network.fit import Memory
from bpmodel.network.minibatch import Rows
from bpmodel.network.parameters import Network, build, check_size, read_only, split_sparse
from bpmodel.network.training import Training, new_memory, new_state
from bpmodel.options import hidden_activations

FEW_ROWS = 64
"""Up to this number of rows, ``dtype="auto"`` means double precision.

With so few rows, double precision makes an epoch 1.1 to 1.5 times as long for a layer of up to 100 units, and twice as long for
wide layers; such an epoch takes only 10 microseconds to 3 milliseconds.
"""

AT_ONCE = 2**16
"""Rows whose targets are in memory in double precision, and squared, at once."""

MOST_IN_DIGITS = 1e16
"""Losses from which the line of an epoch has no digits for each power of ten: there are up to 308 of them."""


class Request(NamedTuple):
    """The validated input of a fit: rows, and the state that the fit starts from."""

    X: Any
    y: NDArray
    weight: NDArray
    """sample weight of each row of X; empty if all rows have equal weight"""
    numbers: NDArray[np.integer]
    """row numbers of the training rows in X; after `weighed`, all have a positive weight"""
    whole: bool
    """whether `numbers` are all rows in order; statistics of X then need no copy"""
    validation: tuple[Any, Any] | NDArray[np.integer] | None
    """validation rows, or their numbers in X"""
    set_aside: bool
    """whether a share of the training rows is set aside for validation; `validation` is then not used"""
    first: bool
    """whether scales, target encoding and weights are new; otherwise the fit continues from those of the last fit"""
    incremental: bool
    """whether the optimizer's memory and the counters are also kept, as in `partial_fit`"""


def prepare(estimator: Any, request: Request) -> Training:
    """Return a fit before its first epoch, with the settings from the estimator's options."""
    _check_sparse(estimator, request.X)
    weight = estimator._weigh(request.y, request.weight, request.numbers, incremental=request.incremental)
    if weight is not request.weight:
        request = _counting(request, weight)
    X, targets = _scaled(estimator, request, weight)
    random_state = generator(estimator.random_state)
    if request.first:
        dtype = precision(estimator.dtype, len(request.numbers), incremental=request.incremental)
        _draw_weights(estimator, X.shape[1], targets.shape[1], dtype, len(request.numbers), random_state)
    loss = _set_loss(estimator)
    rows, held_out = _rows(estimator, request, X, targets, weight, random_state)
    _measure(estimator, request, X, targets, rows)
    del X, targets  # `rows` has them in the solver's precision
    kept = _begin_counters(estimator, incremental=request.incremental)
    mean, mean_square = _target_means(estimator, rows, anew=kept is None)
    if request.first and estimator.zero_last_layer:
        _start_constant(estimator, loss, mean)
    network = _network_to_train(estimator)
    parts: dict[str, Any] = {
        "network": network,
        "rows": rows,
        "validation": held_out,
        "memory": _memory(estimator, network, kept, random_state),
        "state": estimator._state,
        "max_iter": int(estimator.max_iter),
        "baseline": loss.baseline(mean, mean_square, estimator._loss_number()),
        "reference": _reference(loss, held_out),
        "on_epoch": [_print_epoch] if estimator.verbose else [],
    }
    estimator._symmetric = 0 if request.incremental else symmetric_layer(estimator.coefs_)
    n_rows = len(rows.order)
    if estimator.solver in FULL_BATCH:
        return FullBatchTraining(solver=FULL_BATCH[estimator.solver], settings=full_batch(estimator, n_rows), **parts)
    dtype, baseline = estimator._parameters.dtype, parts["baseline"]
    return Training(
        settings=minibatch(estimator, dtype, n_rows, baseline, incremental=request.incremental),
        **parts,
    )


# ------------------------------------------------------------------------------------------------- rows


def _check_sparse(estimator: Any, X: Any) -> None:
    if issparse(X) and estimator.input_noise > 0:
        raise ValueError(f"input_noise={estimator.input_noise!r} needs dense rows; X is sparse")
    if issparse(X) and not scaling.SCALINGS[estimator.scale_input].takes_sparse:
        raise ValueError(f"scale_input={estimator.scale_input!r} needs dense rows; X is sparse: use 'standard'")


def weighed(request: Request) -> Request:
    """Return a request without the training rows of weight 0, and with weights of a size that single precision holds."""
    if not request.weight.size:
        return request
    counting = _counting(request, request.weight)
    return counting._replace(weight=sized(request.weight, request.weight[counting.numbers]))


def _counting(request: Request, weight: NDArray) -> Request:
    kept = rows_that_count(weight, request.numbers)
    return request._replace(numbers=kept, whole=request.whole and kept is request.numbers)


def _scaled(estimator: Any, request: Request, weight: NDArray) -> tuple[Any, NDArray]:
    """Return the scaled X and encoded targets of all rows; a first fit learns the scales from the training rows."""
    X, y, index = request.X, request.y, request.numbers
    if request.first:
        own = request.weight[index].astype(np.float64) if request.weight.size else None
        unscaled = request.whole or scaling.SCALINGS[estimator.scale_input].dense is None  # then rows need no copy
        learned = scaling.learn(estimator.scale_input, X if unscaled else X[index], own)
        estimator._scaling = None if learned is None else learned._asdict()
    X = estimator._scale(X)
    if request.first:
        estimator._learn_target(y[index], weight[index] if weight.size else None)  # copies
    targets = estimator._encode(y)
    if not request.first and targets.shape[1] != estimator.n_outputs_:
        raise ValueError(f"outputs of y: {targets.shape[1]}; the network was fitted with {estimator.n_outputs_}")
    return X, targets


def _rows(
    estimator: Any, request: Request, X: Any, targets: NDArray, weight: NDArray, random_state: np.random.RandomState
) -> tuple[Rows, Rows]:
    """Return the training rows and the validation rows."""
    index, validation = request.numbers, request.validation
    if request.set_aside:
        index, validation = _set_aside(estimator, targets, index, random_state)
    rows = _typed(estimator, X, targets, weight).picked(index)
    if isinstance(validation, tuple):
        return rows, _other_rows(estimator, *validation)
    return rows, rows.picked(index[:0] if validation is None else _that_count(estimator, weight, validation))


def _that_count(estimator: Any, weight: NDArray, validation: NDArray[np.integer]) -> NDArray[np.integer]:
    """Return the validation rows, or none of them if all have the weight 0: then there is no score.

    Raises
    ------
    ValueError
        If early stopping needs that score.
    """
    if not weight.size or weight[validation].any():
        return validation
    if estimator.early_stopping:
        raise ValueError("sample_weight is 0 for all validation rows; early_stopping needs a positive one")
    return validation[:0]


def _set_aside(
    estimator: Any, targets: NDArray, index: NDArray[np.integer], random_state: np.random.RandomState
) -> tuple[NDArray[np.integer], NDArray[np.integer]]:
    """Split the training rows: return the row numbers for training and those set aside for validation."""
    two_classes = isinstance(estimator, ClassifierMixin) and targets.shape[1] == 1
    stratify = targets[index] > 0.5 if two_classes else None  # as in scikit-learn, classes are False and True
    train, validation = train_test_split(
        index, random_state=random_state, test_size=estimator.validation_fraction, stratify=stratify
    )
    if len(validation) < 2:
        raise ValueError("The validation set is too small. Increase 'validation_fraction' or the size of your dataset.")
    return train, validation


def _other_rows(estimator: Any, X: Any, y: ArrayLike) -> Rows:
    """Return validation rows that are not part of the training X."""
    X, targets = estimator._scale(X), estimator._encode(y)
    if targets.shape[1] != estimator.n_outputs_:
        raise ValueError(f"y_val has {targets.shape[1]} outputs; the network has {estimator.n_outputs_} outputs")
    return _typed(estimator, X, targets, np.zeros(0), "_val").picked(np.arange(len(targets)))


def _typed(estimator: Any, X: Any, targets: NDArray, weight: NDArray, suffix: str = "") -> Rows:
    """Return all rows in the solver's precision, with no rows picked yet; `suffix` is that of the arguments' names."""
    predicted = estimator._parameters.dtype
    dtype = np.dtype(np.float64) if estimator.solver in FULL_BATCH else predicted
    if dtype != predicted:  # predictions have the network's precision
        check_size(X.data if issparse(X) else X, predicted, f"Input X{suffix}")
        check_size(targets, predicted, f"y{suffix}")
    dense, sparse = split_sparse(X, dtype, f"Input X{suffix}")
    none = np.zeros(0, dtype=np.int32)
    return Rows(
        dense, sparse, read_only(targets, dtype, f"y{suffix}"), read_only(weight, dtype, "sample_weight"), none, none
    )


# ------------------------------------------------------------------------------------------------- the network


def precision(dtype: str, n_rows: int, *, incremental: bool) -> np.dtype:
    """Return the precision of a network's first fit.

    A network trained with `partial_fit` will see more rows than in the first call, so "auto" is float32 there.
    """
    if dtype == "auto":
        dtype = "float64" if n_rows <= FEW_ROWS and not incremental else "float32"
    return np.dtype(dtype)


def _draw_weights(
    estimator: Any, inputs: int, outputs: int, dtype: np.dtype, rows: int, random_state: np.random.RandomState
) -> None:
    """Give the estimator a newly initialized network, and discard the state of the last one."""
    hidden = np.atleast_1d(np.asarray(estimator.hidden_layer_sizes, dtype=object)).tolist()
    if any(isinstance(n, bool) or not isinstance(n, int | np.integer) for n in hidden):
        raise ValueError(f"hidden_layer_sizes must be whole numbers, got {short(hidden)}.")
    if any(n <= 0 for n in hidden):
        raise ValueError(f"hidden_layer_sizes must be > 0, got {short(hidden)}.")
    if any(n > MOST_UNITS for n in hidden):
        raise ValueError(f"hidden_layer_sizes must be <= {MOST_UNITS}, got {short(hidden)}.")
    units = [int(n) for n in (inputs, *hidden, outputs)]
    _check_demand(estimator, units, dtype, rows)
    activations = hidden_activations(estimator.activation, len(hidden))
    blank = build(units, activations, estimator._loss_name(), dtype, normalization=estimator.normalization)
    estimator._layer_units, estimator._activations = units, activations
    estimator._normalization = estimator.normalization
    estimator._parameters, estimator._running, estimator._trained = blank.parameters, blank.running, None
    with np.errstate(over="ignore"):
        weights, biases = initializers.draw(estimator.init, units, activations, estimator.init_gain, random_state)
    _check_gain(estimator.init_gain, weights, dtype)
    estimator.coefs_, estimator.intercepts_ = weights, biases
    estimator._state, estimator._memory = new_state(), None
    estimator._loss_curve, estimator._validation_scores = [], []
    estimator.n_layers_, estimator.n_outputs_ = len(units), outputs


def _check_gain(gain: float, weights: list[NDArray], dtype: np.dtype) -> None:
    """Raise ValueError if initial weights are too large for the network's precision."""
    largest, most = max(float(np.abs(w).max(initial=0)) for w in weights), float(np.finfo(dtype).max)
    if not largest <= most:
        raise ValueError(
            f"init_gain = {gain:g} makes an initial weight of {largest:.3g}; allowed are weights up to {most:.3g} in {dtype}"
        )


def _check_demand(estimator: Any, units: list[int], dtype: np.dtype, rows: int) -> None:
    """Raise ValueError if the fit takes more memory than there is."""
    full = estimator.solver in FULL_BATCH
    item = 8 if full else dtype.itemsize
    batch = min(rows, BLOCK_ROWS if full else 200 if estimator.batch_size == "auto" else estimator.batch_size)
    normalized = estimator.normalization != "none"
    epochs = int(estimator.max_iter)  # a number of NumPy may have 8 bits
    found = sizes.demand(units, item, _slots(estimator.solver), int(batch), epochs, normalized=normalized)

    def told() -> dict[str, str]:
        width = f"hidden_layer_sizes = {short(units[1:-1])}"
        batches = f"{width}, batch_size = {estimator.batch_size!r}"
        return {"weights": width, "outputs": batches, "history": f"max_iter = {estimator.max_iter}"}

    sizes.check(found, told)


def _set_loss(estimator: Any) -> Loss:
    """Return the loss to minimize; its output function is the network's."""
    estimator._loss = estimator._loss_name()
    loss = LOSSES[estimator._loss]
    estimator.out_activation_ = loss.output
    return loss


def _start_constant(estimator: Any, loss: Loss, mean: NDArray[np.float64]) -> None:
    """Set the output layer so that the network starts as the best constant prediction: weights 0, biases from the loss."""
    estimator.coefs_[-1][:] = 0
    estimator.intercepts_[-1][:] = loss.constant(mean)


def _network_to_train(estimator: Any) -> Network:
    """Return the network whose parameters are trained: the prediction parameters, or those that they average."""
    network: Network = estimator._network()
    if estimator.solver in FULL_BATCH:
        return in_double_precision(network)
    if estimator.ema_decay == 0:
        estimator._trained = None
        return network
    if estimator._trained is None:
        estimator._trained = estimator._parameters.copy()
    return network._replace(parameters=estimator._trained)


# ------------------------------------------------------------------------------------------------- memory


def _slots(solver: str) -> int:
    return 0 if solver in FULL_BATCH else OPTIMIZERS[solver].slots


def _begin_counters(estimator: Any, *, incremental: bool) -> list[NDArray] | None:
    """Reset the counters for a new fit; return the optimizer's memory if the fit continues a previous one."""
    state, kept = estimator._state, estimator._memory if incremental else None
    state["epoch"], state["code"], state["probes"], state["skips"] = 0, 0, 0, 0
    if kept is not None and len(kept[0]) == _slots(estimator.solver):
        return kept
    state["rate"], state["step"], state["restart"] = estimator.learning_rate_init, 0, 0
    spikes.forget(state)
    return None


def _target_means(estimator: Any, rows: Rows, *, anew: bool) -> NDArray[np.float64]:
    """Return the means of the targets and of their squares, shape (2, outputs), over all rows learned so far."""
    sums = np.zeros((3, rows.y.shape[1]))
    with np.errstate(over="ignore", invalid="ignore"):  # a loss that is not finite is a divergence
        for start in range(0, len(rows.order), AT_ONCE):
            part = rows._replace(order=rows.order[start : start + AT_ONCE])
            y, w = part.y[part.order].astype(np.float64), part.weights()
            sums += [np.full(y.shape[1], w.sum()), w @ y, w @ y**2]
        estimator._moments = sums if anew else estimator._moments + sums
        return estimator._moments[1:] / estimator._moments[0]


def _memory(
    estimator: Any, network: Network, kept: list[NDArray] | None, random_state: np.random.RandomState
) -> Memory:
    """Return the memory of a fit: empty, or kept from the previous fit."""
    if kept is None:
        random = random_state.randint(1, 2**63 - 1, size=1, dtype=np.uint64)
        memory = new_memory(network, _slots(estimator.solver), estimator._parameters, random)
    else:
        memory = new_memory(network, 0, estimator._parameters, kept[2])
        memory = memory._replace(optimizer=kept[0], recent=kept[1])
    estimator._memory = [memory.optimizer, memory.recent, memory.random]
    return memory


# ------------------------------------------------------------------------------------------------- diagnosis and display


def _measure(estimator: Any, request: Request, X: Any, targets: NDArray, rows: Rows) -> None:
    """Store the scales that a diagnosis needs; with `partial_fit` nothing is measured."""
    seen = UNKNOWN if request.incremental else scales(X, targets, rows.numbers, isinstance(estimator, ClassifierMixin))
    estimator._scales = dict(vars(seen))


def _reference(loss: Loss, held_out: Rows) -> NDArray[np.float64]:
    if not len(held_out.order):
        return np.ones(held_out.y.shape[1])  # compiled code adds up an error for each output
    return loss.reference(held_out.y[held_out.order], held_out.weights())


def _print_epoch(training: Training) -> None:
    epoch = training.epoch
    loss = float(training.history.loss[epoch - 1])
    print(f"Iteration {epoch}, loss = {loss:{'.8f' if abs(loss) < MOST_IN_DIGITS else '.8g'}}")
    score = training.history.validation_score[epoch - 1]
    if np.isfinite(score):
        print(f"Validation score: {score:.6f}")
