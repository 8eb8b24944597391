"""The only epoch loop: minibatches, validation, early stopping and divergence checks.

`train` runs whole epochs in compiled code without holding the interpreter lock. `step` holds a single step, `fit` the data
structures of an epoch.
"""

from __future__ import annotations

from operator import attrgetter

import numpy as np

from bpmodel.compiler.denormals import flush_denormals, restore_denormals
from bpmodel.compiler.kernels import choose, entry_point, inner, part
from bpmodel.compiler.views import uncounted
from bpmodel.functions.losses import LOSSES
from bpmodel.functions.random import shuffle
from bpmodel.functions.schedules import SCHEDULES
from bpmodel.network import watch
from bpmodel.network.minibatch import gather
from bpmodel.network.parameters import Mode
from bpmodel.network.probes import is_dead, is_due, measure_weights, probe
from bpmodel.network.propagation import copy, evaluate_loss, forward, with_parameters
from bpmodel.network.step import set_limit, take_step
from bpmodel.network.verdicts import OK, RUNNING
from bpmodel.network.watch import STEADY_ROWS

rate_after_epoch = choose(SCHEDULES, attrgetter("after_epoch"))
rate_after_plateau = choose(SCHEDULES, attrgetter("after_plateau"))
tally_errors = choose(LOSSES, attrgetter("tally"))
symptom_of_weights, symptom_of_stall = inner(watch.symptom_of_weights), inner(watch.symptom_of_stall)
note_progress = inner(watch.note_progress)


@entry_point
def train(fit, until):
    """Run epochs until ``state.epoch == until`` or the fit ends, whichever comes first."""
    denormals = flush_denormals()
    fit = uncounted(fit)
    s = fit.state[0]
    while s.epoch < until and s.code == RUNNING:
        open_epoch(fit)
        for start in range(0, fit.rows.order.size, fit.settings.batch_size):
            take_step(fit, start)
            if s.code != RUNNING:
                break
        close_epoch(fit)
    restore_denormals(denormals)


@entry_point
def score(network, work, rows, reference):
    """Return loss and score of rows, as `evaluate` does for all of them."""
    denormals = flush_denormals()
    found = evaluate(network, work, rows, rows.order.size, reference)
    restore_denormals(denormals)
    return found


# ------------------------------------------------------------------------------------------------ before the steps


@part
def open_epoch(fit):
    """Start an epoch: shuffle the rows, keep the weights it starts from, and clear its sums."""
    settings, rows, network, s = fit.settings, fit.rows, fit.network, fit.state[0]
    if settings.shuffle:
        copy(rows.numbers, rows.order)  # the order depends only on the random state, not on earlier epochs
        shuffle(rows.order, fit.memory.random)
    if s.step == 0:
        shown = with_parameters(network, fit.memory.average, network.running)
        s.first_loss, _ = evaluate(shown, fit.work, rows, np.int64(STEADY_ROWS), fit.reference)
        if settings.probing:
            probe(network, fit.work, rows, fit.signals, fit.history, fit.state)
    if not settings.early_stopping:
        keep_weights(fit.memory.average, network.running, fit.memory.best[1])
    clear_sums(settings, network.normalization, s, fit.sums[0], rows.order.size)


@part
def clear_sums(settings, normalization, s, sums, n):
    """Reset the sums for an epoch of n rows."""
    sums.noisy = settings.dropout > 0 or settings.input_noise > 0 or normalization > 0
    sums.last_full = max(n // settings.batch_size - 1, 0) * settings.batch_size
    sums.steps_due = (n + settings.batch_size - 1) // settings.batch_size
    set_limit(settings, s, sums, n)
    sums.loss = sums.penalized = sums.worst = sums.gradient_norm = sums.rate = 0.0
    sums.rows = sums.steps = sums.spikes = 0


@inner
def keep_weights(parameters, running, target):
    """Copy parameters and running moments to `target`, one row of `Memory.best`."""
    copy(parameters, target[: parameters.size])
    start, half = parameters.size, running.shape[1]
    copy(running[0], target[start : start + half])
    copy(running[1], target[start + half :])


# ------------------------------------------------------------------------------------------------- after the steps


@part
def close_epoch(fit):
    """Finish an epoch: record it, validate, keep the weights if they are the best, and decide whether the fit goes on."""
    settings, network, memory, s, sums = fit.settings, fit.network, fit.memory, fit.state[0], fit.sums[0]
    if settings.watch and s.code == RUNNING:
        fail(s, sums, symptom_of_weights(network.parameters))
    epoch = s.epoch
    s.epoch += 1
    s.samples += fit.rows.order.size
    write_down(fit.history, sums, epoch)
    if s.code == RUNNING:
        if fit.validation.order.size > 0:
            shown = with_parameters(network, memory.average, network.running)
            loss, score = evaluate(shown, fit.work, fit.validation, fit.validation.order.size, fit.reference)
            fit.history.validation_loss[epoch], fit.history.validation_score[epoch] = loss, score
        if watch_progress(settings, fit.history, fit.state):
            keep_best(settings, memory, network.running)
    if settings.probing:
        probe_epoch(fit, epoch)


@inner
def fail(s, sums, code):
    """End the fit because a rule found a symptom; keep the epoch's means as evidence."""
    if code != RUNNING:
        s.code = code
        s.loss, s.gradient_norm = sums.loss / max(sums.rows, 1), sums.gradient_norm / max(sums.steps, 1)


@part
def write_down(history, sums, epoch):
    """Write the epoch's sums to the history, as means over the rows seen or over the steps."""
    history.loss[epoch] = sums.penalized / max(sums.rows, 1)
    history.gradient_norm[epoch] = sums.gradient_norm / max(sums.steps, 1)
    history.learning_rate[epoch] = sums.rate
    history.spikes[epoch] = sums.spikes


@inner
def evaluate(network, work, rows, most, reference):
    """Return loss and score of the first `most` rows; the score is R^2 or the accuracy (`Loss.tally`)."""
    total, total_weight, tally = 0.0, 0.0, np.zeros(reference.size)
    n = min(rows.order.size, most)
    for start in range(0, n, work.w.size):
        batch, weight = gather(rows, start, min(work.w.size, n - start), work)
        total_weight += weight
        z = forward(network, work, batch, Mode(False, 0.0, 0, False))
        tally_errors(network.loss, z, work.y, work.w, tally)
        total += evaluate_loss(network.loss, z, work.y, work.w, work.w.dtype.type(1), network.loss_number)
    share = 0.0
    for j in range(tally.size):
        if reference[j] > 0:
            share += tally[j] / reference[j]
        elif tally[j] > 0:  # a constant target, predicted with an error: R^2 is 0 by convention
            share += 1
    return total / max(total_weight, 1e-30), 1.0 - share / tally.size


@part
def watch_progress(settings, history, state):
    """Count epochs without improvement, update the rate, end the fit if due; return whether the epoch is the best so far."""
    s = state[0]
    best = note_progress(settings, history, state)
    s.rate = rate_after_epoch(settings.schedule, s.rate, settings.learning_rate_init, settings.power_t, s.samples)
    if s.stagnant > settings.n_iter_no_change:
        rate = rate_after_plateau(settings.schedule, s.rate)
        if rate > 0:
            s.rate = rate
            s.stagnant = 0
        else:
            s.code = OK
    return best


@part
def keep_best(settings, memory, running):
    """Keep the weights of the best epoch.

    A validation score belongs to the weights at the end of an epoch, a training loss to the weights at its start.
    """
    if settings.early_stopping:
        keep_weights(memory.average, running, memory.best[0])
    else:
        copy(memory.best[1], memory.best[0])


@part
def probe_epoch(fit, epoch):
    """Measure each layer after the epoch; if a probe is due, take it and check whether the fit has stalled."""
    settings, network, signals, s, sums = fit.settings, fit.network, fit.signals, fit.state[0], fit.sums[0]
    # `best` already holds the weights before the epoch, unless it keeps the weights after the epoch or an average
    plain = settings.ema_decay <= 0 and not settings.early_stopping
    begun_with = fit.memory.best[1] if plain else signals.before
    measure_weights(network, fit.work, begun_with, signals, fit.history, epoch, sums.steps)
    if not plain:
        copy(network.parameters, begun_with)
    ends = s.code != RUNNING or s.epoch == settings.max_iter
    if ends or is_due(signals, s.probes, s.epoch):
        probe(network, fit.work, fit.rows, signals, fit.history, fit.state)
        if settings.watch and s.code <= OK and settings.baseline > 0:
            share = sums.loss / max(sums.rows, 1) / settings.baseline
            dead = is_dead(signals, s.probes - 1)
            fail(s, sums, symptom_of_stall(share, dead, ends and settings.repairing))
