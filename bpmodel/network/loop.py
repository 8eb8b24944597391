"""The only epoch loop: minibatches, updates, validation, stopping, and the watch for divergence.

`train` runs whole epochs in compiled code without holding the interpreter lock.
"""

from __future__ import annotations

from operator import attrgetter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpmodel.compiler.denormals import flush_denormals, restore_denormals
from bpmodel.compiler.kernels import choose, entry_point, inner
from bpmodel.compiler.views import matrix
from bpmodel.functions.clipping import CLIPPINGS
from bpmodel.functions.losses import LOSSES
from bpmodel.functions.optimizers import OPTIMIZERS, Rule
from bpmodel.functions.random import add_normal, next_number, shuffle
from bpmodel.functions.regularization import add_penalties, average, decay_weights, limit_norms
from bpmodel.functions.schedules import SCHEDULES
from bpmodel.network import monitor
from bpmodel.network.minibatch import gather
from bpmodel.network.parameters import Mode, Network
from bpmodel.network.probes import is_dead, is_due, measure_rows, measure_weights, probe
from bpmodel.network.propagation import backward, copy, count_weights, evaluate_loss, forward
from bpmodel.network.spikes import FIELDS, skip, stands_out
from bpmodel.network.watch import limit, note_progress, symptom_of_loss


class Settings(NamedTuple):
    """Everything the loop needs to know that is not an array; the meaning of most is that of the option of the same name."""

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
    steady_rows: int


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
    """of the epoch's last full minibatch, as the next three: root mean square over rows of the norm of d loss / d z"""
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
        ("loss", np.float64),  # evidence of a divergence
        ("gradient_norm", np.float64),
        *FIELDS,
    ]
)

update_parameters = choose(OPTIMIZERS, attrgetter("update"))
rate_after_epoch = choose(SCHEDULES, attrgetter("after_epoch"))
rate_after_plateau = choose(SCHEDULES, attrgetter("after_plateau"))
rate_factor = choose(SCHEDULES, attrgetter("factor"))
clip_gradient = choose(CLIPPINGS, attrgetter("clip"))
tally_errors = choose(LOSSES, attrgetter("tally"))


@inner
def evaluate(network, work, batch_y, batch_w, rows, most, reference, tally):
    """Return loss and score of the first `most` rows; the score is R^2 or the accuracy (`Loss.tally`)."""
    total, total_weight = 0.0, 0.0
    for j in range(tally.size):
        tally[j] = 0
    n = min(rows.order.size, most)
    for start in range(0, n, batch_w.size):
        count = min(batch_w.size, n - start)
        batch, weight = gather(rows, start, count, work, batch_y, batch_w)
        total_weight += weight
        z = forward(network, work, batch, Mode(False, 0.0, 0, False))
        tally_errors(network.loss, z, batch_y, batch_w, tally)
        total += evaluate_loss(network.loss, z, batch_y, batch_w, batch_w.dtype.type(1), network.loss_number)
    share = 0.0
    for j in range(tally.size):
        if reference[j] > 0:
            share += tally[j] / reference[j]
        elif tally[j] > 0:  # a constant target that is missed: R^2 is 0 by convention
            share += 1
    return total / max(total_weight, 1e-30), 1.0 - share / tally.size


@inner
def keep_weights(parameters, running, target):
    """Copy parameters and running moments to one row."""
    copy(parameters, target[: parameters.size])
    start, half = parameters.size, running.shape[1]
    copy(running[0], target[start : start + half])
    copy(running[1], target[start + half :])


@inner
def rate_of_step(settings, state, steps):
    """Return the learning rate of the next step of an epoch of `steps` steps."""
    s = state[0]
    epochs = s.step / steps
    rate = s.rate * rate_factor(
        settings.schedule,
        min(epochs / settings.max_iter, 1.0),
        epochs,
        settings.decay_epochs,
        settings.decay_rate,
    )
    warm = s.step - s.restart
    if warm / steps < settings.warmup_epochs:
        rate *= min((warm + 1) / (settings.warmup_epochs * steps), 1.0)
    return rate


@entry_point
def train(
    network, work, batch_y, batch_w, rows, validation, reference, settings, memory, history, signals, state, until
):
    """Run epochs until ``state.epoch == until`` or the fit ends, whichever comes first."""
    denormals = flush_denormals()
    s = state[0]
    parameters, gradient = network.parameters, work.gradient
    n, inputs = rows.order.size, network.units[0]
    weights = count_weights(network.units)
    number = parameters.dtype.type
    tally = np.zeros(reference.size)
    best, before = memory.best[0], memory.best[1]
    averaging = settings.ema_decay > 0
    plain_weights = not (averaging or settings.early_stopping)
    begun_with = before if plain_weights else signals.before
    noisy = settings.dropout > 0 or settings.input_noise > 0 or network.normalization > 0
    shown = Network(
        memory.average,
        network.running,
        network.units,
        network.activations,
        network.normalization,
        network.loss,
        network.loss_number,
    )
    steps_per_epoch = (n + settings.batch_size - 1) // settings.batch_size
    last_full = max(n // settings.batch_size - 1, 0) * settings.batch_size
    while s.epoch < until and s.code == monitor.RUNNING:
        if settings.shuffle:
            copy(
                rows.numbers, rows.order
            )  # so that an order depends on the random state alone, not on the epochs before
            shuffle(rows.order, memory.random)
        if s.step == 0:
            loss, _ = evaluate(shown, work, batch_y, batch_w, rows, monitor.STEADY_ROWS, reference, tally)
            s.first_loss = loss
            if settings.probing:
                probe(network, work, batch_y, batch_w, rows, s.epoch, signals, history, state, True)
        if not settings.early_stopping:
            keep_weights(memory.average, network.running, before)
        most = limit(settings.baseline, s.first_loss, noisy) * max(n, settings.steady_rows)
        penalised, plain, worst, norms, steps, spikes, taken, rate = 0.0, 0.0, 0.0, 0.0, 0, 0, 0, 0.0
        for start in range(0, n, settings.batch_size):
            count = min(settings.batch_size, n - start)
            batch, total_weight = gather(rows, start, count, work, batch_y, batch_w)
            if total_weight <= 0:
                continue
            key = np.int64(0)
            if settings.dropout > 0 or settings.input_noise > 0:
                key = np.int64(next_number(memory.random) >> np.uint64(33))
            if settings.input_noise > 0:
                add_normal(matrix(work.x, 0, count, inputs), settings.input_noise, key + 1000)
            mode = Mode(True, settings.dropout, key, settings.probing and start == last_full)
            z = forward(network, work, batch, mode)
            scale = number(1 / total_weight)
            loss = evaluate_loss(network.loss, z, batch_y, batch_w, scale, network.loss_number) / total_weight
            backward(network, work, batch, mode)
            if mode.measured:
                measure_rows(
                    network,
                    work,
                    batch,
                    mode,
                    scale,
                    s.epoch,
                    history.layer_delta_norm,
                    history.layer_dead,
                    history.layer_saturated,
                    history.layer_chi,
                )
            penalty, squared_gradient = add_penalties(parameters, gradient, weights, settings, total_weight)
            norm = np.sqrt(squared_gradient)
            if stands_out(state, loss, norm, settings.baseline):
                spikes += 1
                if settings.repairing and skip(state):
                    s.step += 1
                    continue
            steps += 1
            taken += count
            plain += loss * count
            worst = max(worst, loss)
            penalised += (loss + penalty) * count
            norms += norm
            if (
                s.step == 0 and noisy and loss > s.first_loss
            ):  # what training begins from is then more than what is shown
                s.first_loss = loss
                most = limit(settings.baseline, s.first_loss, noisy) * max(n, settings.steady_rows)
            if settings.watch:
                s.code = symptom_of_loss(loss, plain, most)
                if s.code != monitor.RUNNING:
                    s.step += 1
                    s.loss, s.gradient_norm = worst if s.code == monitor.LOSS_EXPLODED else loss, norm
                    break
            rate = rate_of_step(settings, state, steps_per_epoch)
            s.step += 1
            clip_gradient(settings.clipping, network, gradient, norm, settings.clip_threshold, memory.recent)
            if settings.weight_decay > 0:
                decay_weights(parameters, weights, number(1 - rate * settings.weight_decay))
            update_parameters(
                settings.optimizer,
                parameters,
                gradient,
                memory.optimizer,
                settings.rule,
                number(rate),
                s.step - s.restart,
            )
            if settings.max_norm > 0:
                limit_norms(network, number(settings.max_norm))
            if averaging:
                average(memory.average, parameters, settings.ema_decay, s.step)
        if s.code == monitor.RUNNING and settings.watch and not np.isfinite(parameters.sum()):
            s.code = monitor.WEIGHTS_NOT_FINITE
            s.loss, s.gradient_norm = plain / max(taken, 1), norms / max(steps, 1)

        epoch = s.epoch
        s.epoch += 1
        s.samples += n
        history.loss[epoch] = penalised / (n if s.code != monitor.RUNNING else max(taken, 1))
        history.gradient_norm[epoch] = norms / max(steps, 1)
        history.learning_rate[epoch] = rate
        history.spikes[epoch] = spikes
        if s.code == monitor.RUNNING:
            if validation.order.size > 0:
                most = validation.order.size
                loss, score = evaluate(shown, work, batch_y, batch_w, validation, most, reference, tally)
                history.validation_loss[epoch] = loss
                history.validation_score[epoch] = score
            if watch_progress(settings, history, state):
                if settings.early_stopping:
                    keep_weights(memory.average, network.running, best)
                else:
                    copy(before, best)
        ends = s.code != monitor.RUNNING or s.epoch == settings.max_iter
        if settings.probing:
            measure_weights(network, work, begun_with, signals, history, epoch, steps)
            if not plain_weights:
                copy(parameters, begun_with)
        if settings.probing and (ends or is_due(signals, s.probes, s.epoch)):
            probe(network, work, batch_y, batch_w, rows, s.epoch, signals, history, state, s.code > monitor.OK)
            if settings.watch and s.code <= monitor.OK and settings.baseline > 0:
                loss = plain / max(taken, 1)
                share = loss / settings.baseline
                if share > monitor.LEARNED and is_dead(signals, s.probes - 1):
                    s.code = monitor.LAYER_DEAD
                elif settings.repairing and ends and share > monitor.EXPLOSION_FACTOR:
                    s.code = monitor.STILL_FAR
                if s.code > monitor.OK:
                    s.loss, s.gradient_norm = loss, norms / max(steps, 1)
    restore_denormals(denormals)


@inner
def watch_progress(settings, history, state):
    """Count the epochs without improvement, move the learning rate, end the fit; return whether the epoch is the best.

    An epoch's training loss belongs to the weights it started with, its validation score to those it ended with.
    """
    s = state[0]
    best = note_progress(settings, history, state)
    s.rate = rate_after_epoch(settings.schedule, s.rate, settings.learning_rate_init, settings.power_t, s.samples)
    if s.stagnant > settings.n_iter_no_change:
        rate = rate_after_plateau(settings.schedule, s.rate)
        if rate > 0:
            s.rate = rate
            s.stagnant = 0
        else:
            s.code = monitor.OK
    return best
