"""One training step: forward and backward pass of a minibatch, check of its loss, and parameter update."""

from __future__ import annotations

from operator import attrgetter

import numpy as np

from bpmodel.compiler.kernels import choose, inner, part
from bpmodel.compiler.views import matrix
from bpmodel.functions.clipping import CLIPPINGS
from bpmodel.functions.optimizers import OPTIMIZERS
from bpmodel.functions.random import add_normal, next_number
from bpmodel.functions.regularization import add_penalties, average, decay_weights, limit_norms
from bpmodel.functions.schedules import SCHEDULES
from bpmodel.network import watch
from bpmodel.network.minibatch import gather
from bpmodel.network.parameters import Mode
from bpmodel.network.probes import Measured, measure_rows
from bpmodel.network.propagation import backward, count_weights, evaluate_loss, forward
from bpmodel.network.spikes import skip, stands_out
from bpmodel.network.verdicts import LOSS_EXPLODED, RUNNING

update_parameters = choose(OPTIMIZERS, attrgetter("update"))
rate_factor = choose(SCHEDULES, attrgetter("factor"))
clip_gradient = choose(CLIPPINGS, attrgetter("clip"))
limit, symptom_of_loss = inner(watch.limit), inner(watch.symptom_of_loss)


@part
def take_step(fit, start):
    """Take a step on the minibatch at position `start` of the order, unless it is a spike or the fit fails here."""
    settings, s, sums = fit.settings, fit.state[0], fit.sums[0]
    count = min(settings.batch_size, fit.rows.order.size - start)
    batch, total_weight = gather(fit.rows, start, count, fit.work)
    if total_weight <= 0:
        return
    loss = propagate(fit, start, batch, total_weight)
    weights = count_weights(fit.network.units)
    penalty, squared = add_penalties(fit.network.parameters, fit.work.gradient, weights, settings, total_weight)
    norm = np.sqrt(squared)
    if stands_out(fit.state, loss, norm, settings.baseline):
        sums.spikes += 1
        if settings.repairing and skip(fit.state):
            s.step += 1  # the learning-rate schedule continues as if the step had been taken
            return
    add_up(sums, count, loss, penalty, norm)
    if s.step == 0:
        raise_start(settings, s, sums, fit.rows.order.size, loss)
    if settings.watch:
        s.code = symptom_of_loss(loss, sums.loss, sums.most)
        if s.code != RUNNING:
            s.step += 1
            s.loss, s.gradient_norm = sums.worst if s.code == LOSS_EXPLODED else loss, norm
            return
    update(fit, weights, norm)


@part
def propagate(fit, start, batch, total_weight):
    """Run the forward and backward pass of a minibatch; return its mean loss and leave the gradient in the workspace."""
    network, work, settings, history = fit.network, fit.work, fit.settings, fit.history
    number = network.parameters.dtype.type
    key = np.int64(0)
    if settings.dropout > 0 or settings.input_noise > 0:
        key = np.int64(next_number(fit.memory.random) >> np.uint64(33))
    if settings.input_noise > 0:  # dropout masks use the keys from `key` on, one per layer
        add_normal(matrix(work.x, 0, batch.rows, network.units[0]), settings.input_noise, key + 1000)
    # the last full minibatch represents the epoch: a shorter one would give noisier measurements
    mode = Mode(True, settings.dropout, key, settings.probing and start == fit.sums[0].last_full)
    z = forward(network, work, batch, mode)
    scale = number(1 / total_weight)
    loss = evaluate_loss(network.loss, z, work.y, work.w, scale, network.loss_number) / total_weight
    backward(network, work, batch, mode)
    if mode.measured:
        out = Measured(history.layer_delta_norm, history.layer_dead, history.layer_saturated, history.layer_chi)
        measure_rows(network, work, batch, mode, scale, fit.state[0].epoch, out)
    return loss


@part
def add_up(sums, count, loss, penalty, norm):
    """Add a step of `count` rows to the sums of its epoch."""
    sums.steps += 1
    sums.rows += count
    sums.loss += loss * count
    sums.worst = max(sums.worst, loss)
    sums.penalized += (loss + penalty) * count
    sums.gradient_norm += norm


@part
def raise_start(settings, s, sums, n, loss):
    """Use the loss of the first step as the start loss if it is higher, because dropout or noise may raise training losses."""
    if sums.noisy and loss > s.first_loss:
        s.first_loss = loss
        set_limit(settings, s, sums, n)


@inner
def set_limit(settings, s, sums, n):
    """Set the explosion limit for the sum of the losses of n rows."""
    sums.most = limit(settings.baseline, s.first_loss, sums.noisy != 0) * max(n, settings.steady_rows)


@part
def update(fit, weights, norm):
    """Update the parameters; the first `weights` entries are weights, and `norm` is the gradient norm."""
    settings, memory, network, s = fit.settings, fit.memory, fit.network, fit.state[0]
    parameters, gradient = network.parameters, fit.work.gradient
    number = parameters.dtype.type
    rate = rate_of_step(settings, s, fit.sums[0].steps_due)
    fit.sums[0].rate = rate
    s.step += 1
    clip_gradient(settings.clipping, network, gradient, norm, settings.clip_threshold, memory.recent)
    if settings.weight_decay > 0:
        decay_weights(parameters, weights, number(1 - rate * settings.weight_decay))
    since_restart = s.step - s.restart  # step count of Adam's bias correction: steps since the optimizer's reset
    update_parameters(
        settings.optimizer, parameters, gradient, memory.optimizer, settings.rule, number(rate), since_restart
    )
    if settings.max_norm > 0:
        limit_norms(network, number(settings.max_norm))
    if settings.ema_decay > 0:
        average(memory.average, parameters, settings.ema_decay, s.step)


@part
def rate_of_step(settings, s, steps):
    """Return the learning rate of the next step of an epoch of `steps` steps."""
    epochs = s.step / steps
    done = min(epochs / settings.max_iter, 1.0)
    rate = s.rate * rate_factor(settings.schedule, done, epochs, settings.decay_epochs, settings.decay_rate)
    warm = s.step - s.restart  # after a rewind it warms up again
    if warm / steps < settings.warmup_epochs:
        rate *= min((warm + 1) / (settings.warmup_epochs * steps), 1.0)
    return rate
