"""The only epoch loop: minibatches, updates, validation, stopping, and the watch for divergence.

`train` runs whole epochs in compiled code without holding the interpreter lock. `Training` owns the arrays of one fit and
advances it to a given epoch, so that a caller can pause several fits at the same epoch and compare them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpmodel import monitor
from bpmodel.blas import single_thread
from bpmodel.compiled import choose, entry_point, kernel
from bpmodel.losses import LOSSES
from bpmodel.monitor import Verdict
from bpmodel.network import Network, Workspace, count_weights, evaluate_loss, forward, workspace
from bpmodel.network import backward as backward_pass
from bpmodel.optimizers import OPTIMIZERS
from bpmodel.schedules import SCHEDULES

RESPONSE_SECONDS = 0.1
"""How long compiled code may run before Python can see a Ctrl-C, as far as whole epochs allow."""


class Rows(NamedTuple):
    """Rows of a data set: `order` picks them from arrays that several fits may share."""

    X: NDArray
    """(n, inputs), C-contiguous and, like y and weight, read-only: the compiled loop is made for one kind"""
    y: NDArray
    """(n, outputs)"""
    weight: NDArray
    """(n,)"""
    order: NDArray[np.int64]
    """(rows,), row numbers of X; the training rows are shuffled in place"""


class Rule(NamedTuple):
    """Numbers of the update rules."""

    momentum: float
    nesterovs_momentum: bool
    beta_1: float
    beta_2: float
    epsilon: float


class Settings(NamedTuple):
    """Everything the loop needs to know that is not an array."""

    optimizer: int
    schedule: int
    rule: Rule
    learning_rate_init: float
    power_t: float
    alpha: float
    batch_size: int
    shuffle: bool
    tol: float
    n_iter_no_change: float
    early_stopping: bool
    watch: bool
    baseline: float
    steady_rows: int


class History(NamedTuple):
    """One number per epoch, each of shape (epochs,); NaN where there is none."""

    loss: NDArray[np.float64]
    gradient_norm: NDArray[np.float64]
    validation_loss: NDArray[np.float64]
    validation_score: NDArray[np.float64]


STATE = np.dtype(
    [
        ("epoch", np.int64),  # epochs of this fit
        ("step", np.int64),  # updates since the weights were drawn
        ("samples", np.int64),  # rows seen since the weights were drawn
        ("stagnant", np.int64),  # epochs since the last improvement
        ("code", np.int64),  # monitor.RUNNING, or how the fit ended
        ("rate", np.float64),
        ("best_loss", np.float64),
        ("best_score", np.float64),
        ("first_loss", np.float64),  # mean loss of some rows before the first update
        ("loss", np.float64),  # what the verdict quotes
        ("gradient_norm", np.float64),
    ],
    align=True,
)

update_parameters = choose([row.update for row in OPTIMIZERS.values()])
rate_after_epoch = choose([row.after_epoch for row in SCHEDULES.values()])
rate_after_plateau = choose([row.after_plateau for row in SCHEDULES.values()])
tally_errors = choose([row.tally for row in LOSSES.values()])


# ------------------------------------------------------------------------------------------------------ compiled


@kernel
def shuffle(index, random):
    """Fisher-Yates with xorshift64* (Vigna, 2016) and Lemire's multiplication in place of a remainder."""
    x = random[0]
    for i in range(index.size - 1, 0, -1):
        x ^= x >> np.uint64(12)
        x ^= x << np.uint64(25)
        x ^= x >> np.uint64(27)
        high = (x * np.uint64(0x2545F4914F6CDD1D)) >> np.uint64(32)
        j = np.int64((high * np.uint64(i + 1)) >> np.uint64(32))
        index[i], index[j] = index[j], index[i]
    random[0] = x


@kernel
def gather(rows, start, count, a, y, w):
    """Copy `count` rows from position `start` of the order into the batch; return the sum of their weights."""
    total = 0.0
    for i in range(count):
        row = rows.order[start + i]
        for j in range(a.shape[1]):
            a[i, j] = rows.X[row, j]
        for j in range(y.shape[1]):
            y[i, j] = rows.y[row, j]
        w[i] = rows.weight[row]
        total += w[i]
    return total


@kernel
def add_decay(parameters, gradient, weights, decay):
    """Add ``decay * weights`` to the gradient; return the sums of squares of the weights and of the gradient."""
    squared_weights, squared_gradient = gradient.dtype.type(0), gradient.dtype.type(0)
    for i in range(weights):
        p = parameters[i]
        g = gradient[i] + decay * p
        gradient[i] = g
        squared_weights += p * p
        squared_gradient += g * g
    for i in range(weights, gradient.size):
        squared_gradient += gradient[i] * gradient[i]
    return squared_weights, squared_gradient


@kernel
def first_loss(network, layers, batch_y, batch_w, rows):
    """Return the mean loss of the first rows before any update, a few batches' worth."""
    total, total_weight = 0.0, 0.0
    inputs = network.units[0]
    for start in range(0, min(rows.order.size, monitor.STEADY_ROWS), batch_w.size):
        count = min(batch_w.size, rows.order.size - start)
        a = layers[: count * inputs].reshape(count, inputs)
        total_weight += gather(rows, start, count, a, batch_y, batch_w)
        z = forward(network, layers, count)
        total += evaluate_loss(network.loss, z, batch_y, batch_w, batch_w.dtype.type(1))
    return total / total_weight if total_weight > 0 else 0.0


@kernel
def validate(network, layers, batch_y, batch_w, rows, reference, tally):
    """Return loss and score of the validation rows; the score is R^2 or the accuracy (`Loss.tally`)."""
    total, total_weight = 0.0, 0.0
    for j in range(tally.size):
        tally[j] = 0
    inputs = network.units[0]
    for start in range(0, rows.order.size, batch_w.size):
        count = min(batch_w.size, rows.order.size - start)
        a = layers[: count * inputs].reshape(count, inputs)
        total_weight += gather(rows, start, count, a, batch_y, batch_w)
        z = forward(network, layers, count)
        tally_errors(network.loss, z, batch_y, batch_w, tally)
        total += evaluate_loss(network.loss, z, batch_y, batch_w, batch_w.dtype.type(1))
    share = 0.0
    for j in range(tally.size):
        if reference[j] > 0:
            share += tally[j] / reference[j]
        elif tally[j] > 0:  # a constant target that is missed: R^2 is 0 by convention
            share += 1
    return total / total_weight, 1.0 - share / tally.size


@kernel
def copy(source, target):
    for i in range(source.size):
        target[i] = source[i]


@entry_point
def train(
    network, work, batch_y, batch_w, rows, validation, reference, settings, memory, kept, history, random, state, until
):
    """Run epochs until ``state.epoch == until`` or the fit ends, whichever comes first."""
    s = state[0]
    parameters, gradient = network.parameters, work.gradient
    n, inputs = rows.order.size, network.units[0]
    weights = count_weights(network.units)
    number = parameters.dtype.type
    tally = np.zeros(reference.size)
    best, before = kept[0], kept[1]
    while s.epoch < until and s.code == monitor.RUNNING:
        if settings.shuffle:
            shuffle(rows.order, random)
        if s.step == 0:
            s.first_loss = first_loss(network, work.layers, batch_y, batch_w, rows)
        if not settings.early_stopping:
            copy(parameters, before)
        limit = monitor.EXPLOSION_FACTOR * max(settings.baseline, s.first_loss) * max(n, settings.steady_rows)
        penalised, plain, norms, steps = 0.0, 0.0, 0.0, 0
        for start in range(0, n, settings.batch_size):
            count = min(settings.batch_size, n - start)
            a = work.layers[: count * inputs].reshape(count, inputs)
            total_weight = gather(rows, start, count, a, batch_y, batch_w)
            if total_weight <= 0:
                continue
            z = forward(network, work.layers, count)
            loss = evaluate_loss(network.loss, z, batch_y, batch_w, number(1 / total_weight)) / total_weight
            backward_pass(network, work, count)
            decay = number(settings.alpha / total_weight)
            squared_weights, squared_gradient = add_decay(parameters, gradient, weights, decay)
            steps += 1
            s.step += 1
            plain += loss * count
            penalised += (loss + 0.5 * decay * squared_weights) * count
            norm = np.sqrt(squared_gradient)
            norms += norm
            if settings.watch:
                if not np.isfinite(loss):
                    s.code = monitor.LOSS_NOT_FINITE
                elif plain > limit:
                    s.code = monitor.LOSS_EXPLODED
                if s.code != monitor.RUNNING:
                    s.loss, s.gradient_norm = loss, norm
                    break
            update_parameters(settings.optimizer, parameters, gradient, memory, settings.rule, number(s.rate), s.step)
        if s.code == monitor.RUNNING and settings.watch and not np.isfinite(parameters.sum()):
            s.code = monitor.WEIGHTS_NOT_FINITE
            s.loss, s.gradient_norm = plain / n, norms / steps

        epoch = s.epoch
        s.epoch += 1
        s.samples += n
        history.loss[epoch] = penalised / n
        history.gradient_norm[epoch] = norms / max(steps, 1)
        if s.code != monitor.RUNNING:
            break
        if validation.order.size > 0:
            loss, score = validate(network, work.layers, batch_y, batch_w, validation, reference, tally)
            history.validation_loss[epoch] = loss
            history.validation_score[epoch] = score
        if watch_progress(settings, history, state):
            copy(parameters if settings.early_stopping else before, best)


@kernel
def watch_progress(settings, history, state):
    """Count the epochs without improvement, move the learning rate, end the fit; return whether the epoch is the best.

    An epoch's training loss belongs to the weights it started with, its validation score to those it ended with.
    """
    s = state[0]
    loss, score = history.loss[s.epoch - 1], history.validation_score[s.epoch - 1]
    if settings.early_stopping:
        stagnant = score < s.best_score + settings.tol
        best = score > s.best_score
    else:
        stagnant = loss > s.best_loss - settings.tol
        best = loss < s.best_loss
    s.stagnant = s.stagnant + 1 if stagnant else 0
    if best:
        s.best_score = score
        s.best_loss = loss
    s.rate = rate_after_epoch(settings.schedule, s.rate, settings.learning_rate_init, settings.power_t, s.samples)
    if s.stagnant > settings.n_iter_no_change:
        rate = rate_after_plateau(settings.schedule, s.rate)
        if rate > 0:
            s.rate = rate
            s.stagnant = 0
        else:
            s.code = monitor.OK
    return best


# -------------------------------------------------------------------------------------------------------- Python


def new_state() -> NDArray:
    """Return the state of weights that were just drawn: a record array of shape (1,)."""
    state = np.zeros(1, dtype=STATE)
    state["best_loss"], state["best_score"] = np.inf, -np.inf
    return state


@dataclass
class Training:
    """One fit in progress.

    `network`, `memory` (of the optimizer), `random` and `state` are advanced in place; what `rows` and `validation` point
    to is only read, but for the order of the training rows.
    """

    network: Network
    settings: Settings
    rows: Rows
    validation: Rows
    memory: NDArray
    random: NDArray[np.uint64]
    state: NDArray
    max_iter: int
    baseline: float
    reference: NDArray[np.float64]
    on_epoch: Callable[[Training], None] | None = None
    work: Workspace = field(init=False)
    history: History = field(init=False)
    kept: NDArray = field(init=False)

    def __post_init__(self) -> None:
        dtype = self.network.parameters.dtype
        self.work = workspace(self.network, self.settings.batch_size)
        self._batch_y = np.zeros((self.settings.batch_size, int(self.network.units[-1])), dtype=dtype)
        self._batch_w = np.zeros(self.settings.batch_size, dtype=dtype)
        self.history = History(*(np.full(self.max_iter, np.nan) for _ in History._fields))
        self.kept = np.stack([self.network.parameters] * 2)
        self._epochs_per_call = 1

    @property
    def epoch(self) -> int:
        """Epochs run so far."""
        return int(self.state["epoch"][0])

    @property
    def running(self) -> bool:
        return self.epoch < self.max_iter and int(self.state["code"][0]) == monitor.RUNNING

    @property
    def out_of_epochs(self) -> bool:
        """Whether the fit ran all its epochs and would have gone on."""
        return self.epoch >= self.max_iter and int(self.state["code"][0]) == monitor.RUNNING

    @property
    def verdict(self) -> Verdict:
        """How the fit ended, or stands."""
        s = self.state[0]
        code = int(s["code"])
        if code in (monitor.RUNNING, monitor.OK):
            end = "paused" if self.running else "ended" if self.out_of_epochs else "stopped improving"
            return Verdict("ok", f"{end} after {self.epoch} epochs")
        return monitor.diverged(
            code,
            epoch=self.epoch,
            step=int(s["step"]),
            loss=float(s["loss"]),
            baseline=self.baseline,
            gradient_norm=float(s["gradient_norm"]),
        )

    def advance(self, until: int) -> Verdict:
        """Train up to epoch `until`, at most `max_iter`; return the verdict so far."""
        until = min(until, self.max_iter)
        with single_thread():
            while self.running and self.epoch < until:
                before, started = self.epoch, time.perf_counter()
                self._run(min(until, before + (1 if self.on_epoch else self._epochs_per_call)))
                seconds = (time.perf_counter() - started) / max(self.epoch - before, 1)
                self._epochs_per_call = max(1, int(RESPONSE_SECONDS / max(seconds, 1e-6)))
                if self.on_epoch:
                    self.on_epoch(self)
        return self.verdict

    def _run(self, until: int) -> None:
        train(
            self.network,
            self.work,
            self._batch_y,
            self._batch_w,
            self.rows,
            self.validation,
            self.reference,
            self.settings,
            self.memory,
            self.kept,
            self.history,
            self.random,
            self.state,
            until,
        )

    def restore_best(self) -> None:
        """Go back to the weights of the best epoch: by validation score with early stopping, by loss without."""
        self.network.parameters[:] = self.kept[0]
