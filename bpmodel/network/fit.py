"""A fit as compiled code sees it: what it was told, what it works on, and what it remembers."""

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
    """Everything the loop needs to know that is not an array; most are the options of the same name."""

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
    """rows that an epoch counts as having, at least, when its loss is judged"""


class History(NamedTuple):
    """One number per epoch, of shape (epochs,), or per epoch and layer, of shape (epochs, layers); NaN where there is none."""

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
    """how far the weights moved in the epoch, over their norm before and over the steps"""
    layer_delta_norm: NDArray[np.float64]
    """root mean square over rows of the norm of d loss / d z; this and the next three are of the last full minibatch"""
    layer_dead: NDArray[np.float64]
    """share of hidden units whose slope is 0 on every row; NaN for the output layer, as the next two"""
    layer_saturated: NDArray[np.float64]
    """share of slopes of living hidden units below 0.05"""
    layer_chi: NDArray[np.float64]
    """the mean-field number of a hidden layer, with the weights after the epoch (`bpmodel.network.probes`)"""


def new_history(epochs: int, layers: int) -> History:
    """Return room for the numbers of so many epochs."""
    shapes = {name: (epochs, layers) if name.startswith("layer_") else epochs for name in History._fields}
    return History(**{name: np.full(shape, np.nan) for name, shape in shapes.items()})


class Memory(NamedTuple):
    """What a fit remembers from step to step besides its parameters."""

    optimizer: NDArray
    """(slots, parameters)"""
    average: NDArray
    """the weights that predictions use: a decaying mean of the parameters, or the parameters themselves"""
    recent: NDArray[np.float64]
    """gradient norms of the last steps, as `clipping` keeps them"""
    best: NDArray
    """(2, parameters + running): the best weights so far with their running moments, and those the epoch started with"""
    random: NDArray[np.uint64]
    """(1,), the state of the generator"""


STATE = np.dtype(
    [
        ("epoch", np.int64),  # epochs of this fit
        ("step", np.int64),  # updates since the weights were drawn
        ("restart", np.int64),  # updates before the optimizer's memory was last empty
        ("samples", np.int64),  # rows seen since the weights were drawn
        ("rate", np.float64),
        ("stagnant", np.int64),  # epochs in a row without an improvement
        ("best_loss", np.float64),
        ("best_score", np.float64),
        ("first_loss", np.float64),  # before the first update
        ("probes", np.int64),  # taken so far
        ("code", np.int64),  # of monitor
        ("loss", np.float64),  # evidence of a failure
        ("gradient_norm", np.float64),
        *FIELDS,
    ]
)
"""What a fit counts. An estimator keeps it, so `partial_fit` goes on from it, also after a model was loaded."""

SUMS = np.dtype(
    [
        ("noisy", np.int64),  # whether the loss of a row varies while no weight changes
        ("last_full", np.int64),  # where the last full minibatch of the epoch starts
        ("steps_due", np.int64),  # minibatches of an epoch
        ("most", np.float64),  # the sum of losses above which the epoch has exploded
        ("loss", np.float64),  # sum over the rows of their step's loss
        ("penalized", np.float64),  # the same with the penalty
        ("worst", np.float64),  # largest loss of a step
        ("gradient_norm", np.float64),  # sum over the steps
        ("rows", np.int64),  # of the steps that were taken, the one where the fit failed included
        ("steps", np.int64),
        ("spikes", np.int64),
        ("rate", np.float64),  # of the last step
    ]
)
"""What the steps of one epoch add up to."""


class Fit(NamedTuple):
    """Everything a fit in minibatches works on. `rows.order` and all that follows `reference` is written to."""

    settings: Settings
    rows: Rows
    validation: Rows
    reference: NDArray[np.float64]
    """(outputs,), what the scores of the validation rows are measured by (`Loss.reference`)"""
    network: Network
    work: Workspace
    memory: Memory
    history: History
    signals: Signals
    state: NDArray
    """(1,), a record of `STATE`"""
    sums: NDArray
    """(1,), a record of `SUMS`"""
