"""The data structures of a fit in compiled code: settings, arrays, optimizer memory, counters and history."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpmodel.functions.optimizers import Rule
from bpmodel.network.minibatch import Rows
from bpmodel.network.parameters import Network, Workspace
from bpmodel.network.probes import Signals
from bpmodel.network.spikes import FIELDS


class Settings(NamedTuple):
    """The scalar settings of the training loop; those with the name of an estimator's option are that option."""

    optimizer: int
    rule: Rule
    learning_rate_init: float
    schedule: int
    power_t: float
    decay_rate: float
    decay_epochs: float
    warmup_epochs: float
    l2: float
    l1: float
    weight_decay: float
    dropout: float
    input_noise: float
    max_norm: float
    ema_decay: float
    clipping: int
    clip_threshold: float
    batch_size: int
    shuffle: bool
    max_iter: int
    tol: float
    n_iter_no_change: float
    early_stopping: bool
    watch: bool
    repairing: bool
    probing: bool
    baseline: float
    """loss of the dummy predictor"""
    steady_rows: int
    """least number of rows assumed for an epoch when its loss is compared with the divergence limit"""


class History(NamedTuple):
    """The training curves: shape (epochs,), or (epochs, layers) for values per layer; NaN where a value is missing."""

    loss: NDArray[np.float64]
    gradient_norm: NDArray[np.float64]
    learning_rate: NDArray[np.float64]
    validation_loss: NDArray[np.float64]
    validation_score: NDArray[np.float64]
    spikes: NDArray[np.float64]
    layer_gradient_norm: NDArray[np.float64]
    """norm of the weights' part of the last step's gradient"""
    layer_weight_norm: NDArray[np.float64]
    """norm of the weights after the epoch"""
    layer_step_ratio: NDArray[np.float64]
    """distance the weights moved in the epoch, divided by their norm before it and by the number of steps"""
    layer_delta_norm: NDArray[np.float64]
    """root mean square over rows of the norm of d loss / d z; this and the next three are measured on the last full minibatch"""
    layer_dead: NDArray[np.float64]
    """share of hidden units whose slope is 0 on every row; this and the next two are NaN for the output layer"""
    layer_saturated: NDArray[np.float64]
    """share of slopes of living hidden units below 0.05"""
    layer_chi: NDArray[np.float64]
    """the mean-field number of a hidden layer, with the weights after the epoch (`bpmodel.network.probes`)"""


def new_history(epochs: int, layers: int) -> History:
    """Allocate a history for this number of epochs and layers."""
    shapes = {name: (epochs, layers) if name.startswith("layer_") else epochs for name in History._fields}
    return History(**{name: np.full(shape, np.nan) for name, shape in shapes.items()})


class Memory(NamedTuple):
    """The state that a fit carries from step to step besides its parameters."""

    optimizer: NDArray
    """(slots, parameters)"""
    average: NDArray
    """the weights used for predictions: an exponential moving average of the parameters, or the parameters themselves"""
    recent: NDArray[np.float64]
    """gradient norms of the last steps, in the layout that `clipping` uses"""
    best: NDArray
    """(2, parameters + running): the best weights so far, and the weights at the start of the epoch, each with running moments"""
    random: NDArray[np.uint64]
    """(1,), the state of the generator"""


STATE = np.dtype(
    [
        ("epoch", np.int64),  # epochs of this fit
        ("step", np.int64),  # updates since the weights were drawn
        ("restart", np.int64),  # updates before the optimizer's memory was last reset
        ("samples", np.int64),  # rows seen since the weights were drawn
        ("rate", np.float64),
        ("stagnant", np.int64),  # epochs in a row without an improvement
        ("best_loss", np.float64),
        ("best_score", np.float64),
        ("first_loss", np.float64),  # before the first update
        ("probes", np.int64),  # taken so far
        ("code", np.int64),  # status code of verdicts
        ("loss", np.float64),  # evidence of a failure
        ("gradient_norm", np.float64),
        *FIELDS,
    ]
)
"""The counters of a fit. The estimator keeps them, so `partial_fit` continues from them, even after the model was loaded."""

SUMS = np.dtype(
    [
        ("noisy", np.int64),  # whether the loss of a row varies although no weight changes
        ("last_full", np.int64),  # where the last full minibatch of the epoch starts
        ("steps_due", np.int64),  # minibatches of an epoch
        ("most", np.float64),  # limit of the loss sum; above it the epoch has exploded
        ("loss", np.float64),  # sum over the rows of their step's loss
        ("penalized", np.float64),  # the same, penalty included
        ("worst", np.float64),  # largest loss of a step
        ("gradient_norm", np.float64),  # sum over the steps
        ("rows", np.int64),  # of the steps taken, including the one where the fit failed
        ("steps", np.int64),
        ("spikes", np.int64),
        ("rate", np.float64),  # of the last step
    ]
)
"""The sums over the steps of one epoch."""


class Fit(NamedTuple):
    """All data of a minibatch fit. The loop writes to `rows.order` and to every field after `reference`."""

    settings: Settings
    rows: Rows
    validation: Rows
    reference: NDArray[np.float64]
    """(outputs,), the reference that validation scores are relative to (`Loss.reference`)"""
    network: Network
    work: Workspace
    memory: Memory
    history: History
    signals: Signals
    state: NDArray
    """(1,), a record of `STATE`"""
    sums: NDArray
    """(1,), a record of `SUMS`"""
