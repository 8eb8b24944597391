"""Probes: layer by layer, how derivatives, weights and units stand in a network that is being trained.

What the weights and the last gradient say of a layer is measured after every epoch (`measure_layers`). What takes rows needs a
probe, which sends up to `ROWS` of them forward and back once more. It is taken before the first step, after the epochs 1, 2, 4,
8, …, where the fit ends or diverges, and wherever `SHARE` times as many rows were trained on since the last one: after every
epoch of 200 minibatches and more, and a dozen times in 200 epochs of a few. After each of those it would cost as much as they do.

`chi` is the mean-field number of a layer (Schoenholz et al., 2017): what a derivative's squared norm is multiplied by on its
way back through the layer, ``mean_j |W_:j|^2 * mean(slope^2)``; a depth of layers with chi > 1 makes gradients explode, with
chi < 1 vanish.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpmodel.compiled import inner
from bpmodel.network import Mode, Network
from bpmodel.propagation import (
    copy,
    count_weights,
    evaluate_loss,
    forward,
    multiply_by_slope,
    multiply_columns,
    normalize_backward,
)
from bpmodel.rows import gather

ROWS = 256
"""Most rows of a probe; it has no more than a minibatch."""

SHARE = 200
"""Rows trained on for each row of a probe: a probe costs little more than a step, all of them half a percent."""

FLAT_SLOPE = 0.05
"""A unit whose slope is below this on a row is saturated on it."""


class Signals(NamedTuple):
    """What probes measured; rows are probes, columns are layers, the last one is the output layer."""

    epoch: NDArray[np.int64]
    """(probes,), epochs before the probe"""
    delta_norm: NDArray[np.float64]
    """(probes, layers), root mean square over rows of the norm of d loss / d z of a layer"""
    gradient_norm: NDArray[np.float64]
    """(probes, layers), norm of the weights' part of the last step's gradient; NaN before the first step"""
    weight_norm: NDArray[np.float64]
    """(probes, layers), norm of the weights"""
    step_ratio: NDArray[np.float64]
    """(probes, layers), how far the weights moved since the last probe, over their norm then and over the steps between"""
    dead: NDArray[np.float64]
    """(probes, layers), share of hidden units whose slope is 0 on every row; NaN for the output layer"""
    saturated: NDArray[np.float64]
    """(probes, layers), share of slopes of living hidden units below 0.05; NaN for the output layer"""
    chi: NDArray[np.float64]
    """(probes, layers), the mean-field number of a hidden layer; NaN for the output layer"""
    previous: NDArray
    """parameters at the last probe"""
    before: NDArray
    """parameters before the epoch"""
    step: NDArray[np.int64]
    """(probes,), updates before the probe"""

    def taken(self, count: int) -> dict[str, NDArray]:
        """Return what the probes taken so far measured, by name."""
        return {name: values[:count].copy() for name, values in self._asdict().items() if name not in WEIGHTS}


WEIGHTS = ("previous", "before")


def new_signals(
    parameters: NDArray, layers: int, max_iter: int, rows: int, batch_size: int, probing: bool = True
) -> Signals:
    """Return room for all probes of a fit of so many epochs and rows."""
    most = 4 + max(max_iter, 1).bit_length() + max_iter * rows // (SHARE * min(batch_size, ROWS)) if probing else 0
    per_layer = [name for name in Signals._fields if name not in ("epoch", "step", *WEIGHTS)]
    room = {name: np.full((most, layers), np.nan) for name in per_layer}
    count = np.zeros(most, dtype=np.int64)
    weights = parameters[: parameters.size if probing else 0]
    return Signals(epoch=count, step=count.copy(), previous=weights.copy(), before=weights.copy(), **room)


def no_signals(layers: int) -> dict[str, NDArray]:
    """Return what a fit without probes has to show."""
    return new_signals(np.zeros(0), layers, 0, 0, 1, probing=False).taken(0)


@inner
def is_due(signals, probes, epoch, rows, batch_size):
    """Return whether a probe is to be taken after an epoch of so many rows"""
    last = signals.epoch[probes - 1] if probes > 0 else 0
    return epoch >= max(2 * last, 1) or (epoch - last) * rows >= SHARE * min(batch_size, ROWS)


@inner
def measure_layers(network, work, signals, history, epoch, steps):
    """Write what an epoch of so many steps did to each layer, and keep its weights for the next one"""
    units, start = network.units, 0
    for layer in range(units.size - 1):
        stop = start + units[layer] * units[layer + 1]
        # slices, and one array written to by itself: a fifth of the time
        parameters, gradient, before = (
            network.parameters[start:stop],
            work.gradient[start:stop],
            signals.before[start:stop],
        )
        weights, slopes, old, moved = 0.0, 0.0, 0.0, 0.0
        for i in range(parameters.size):
            value, slope, value_before = np.float64(parameters[i]), np.float64(gradient[i]), np.float64(before[i])
            weights += value * value
            slopes += slope * slope
            old += value_before * value_before
            moved += (value - value_before) * (value - value_before)
        copy(parameters, before)
        history.layer_weight_norm[epoch, layer] = math.sqrt(weights)
        history.layer_gradient_norm[epoch, layer] = math.sqrt(slopes)
        history.layer_step_ratio[epoch, layer] = math.sqrt(moved / max(old, 1e-300)) / max(steps, 1)
        start = stop


@inner
def norm_of(values, start, stop):
    part, total = values[start:stop], 0.0
    for i in range(part.size):
        value = np.float64(part[i])
        total += value * value
    return math.sqrt(total)


@inner
def distance(values, others, start, stop):
    part, other, total = values[start:stop], others[start:stop], 0.0
    for i in range(part.size):
        difference = np.float64(part[i]) - np.float64(other[i])
        total += difference * difference
    return math.sqrt(total)


@inner
def look_at_slopes(slopes, out):
    """Write the share of dead units, that of flat slopes of the others, and the mean of slope^2"""
    rows, units = slopes.shape
    dead, flat, squares = 0, 0, 0.0
    for j in range(units):
        alive, flat_here = False, 0
        for i in range(rows):
            slope = abs(np.float64(slopes[i, j]))
            squares += slope * slope
            if slope > 0:
                alive = True
            if slope < FLAT_SLOPE:
                flat_here += 1
        if alive:
            flat += flat_here
        else:
            dead += 1
    out[0] = dead / units
    out[1] = flat / max((units - dead) * rows, 1)
    out[2] = squares / (rows * units)


@inner
def is_dead(signals, k):
    """Return whether, at a probe, every unit of a hidden layer was dead"""
    found = False
    for layer in range(signals.dead.shape[1] - 1):
        found |= signals.dead[k, layer] == 1
    return found


@inner
def probe(network, work, batch_y, batch_w, rows, epoch, signals, state):
    """Measure the layers; the workspace is overwritten, the network is not changed."""
    s = state[0]
    k = s.probes
    if k >= signals.epoch.size:
        return
    s.probes += 1
    signals.epoch[k], signals.step[k] = epoch, s.step
    units, parameters = network.units, network.parameters
    last = units.size - 2
    weight = count_weights(units)
    start = weight
    steps = s.step - signals.step[k - 1] if k > 0 else 0
    for layer in range(last, -1, -1):
        start, stop = start - units[layer] * units[layer + 1], start
        signals.weight_norm[k, layer] = norm_of(parameters, start, stop)
        if steps > 0:
            signals.gradient_norm[k, layer] = norm_of(work.gradient, start, stop)
            moved = distance(parameters, signals.previous, start, stop)
            signals.step_ratio[k, layer] = moved / max(norm_of(signals.previous, start, stop), 1e-300) / steps
    for i in range(parameters.size):
        signals.previous[i] = parameters[i]

    count = min(rows.order.size, batch_w.size, ROWS)
    batch, _ = gather(rows, np.int64(0), count, work, batch_y, batch_w)
    shown = Network(
        parameters,
        network.running.copy(),
        units,
        network.activations,
        network.normalization,
        network.loss,
        network.loss_number,
    )
    z = forward(shown, work, batch, Mode(True, 0.0, 0))
    evaluate_loss(network.loss, z, batch_y, batch_w, batch_w.dtype.type(1), network.loss_number)
    capacity = work.layers.size // units[1:].sum()
    start, scale = work.layers.size - capacity * units[-1], parameters.size
    delta = work.layers[start : start + count * units[-1]].reshape(count, units[-1])
    found = np.zeros(3)
    for layer in range(last, -1, -1):
        fan_in, fan_out = units[layer], units[layer + 1]
        signals.delta_norm[k, layer] = norm_of(delta.ravel(), 0, delta.size) / math.sqrt(count)
        weight -= fan_in * fan_out
        if layer < last and network.normalization > 0:
            scale -= fan_out
            n = work.normalized[start : start + count * fan_out].reshape(count, fan_out)
            multiply_columns(delta, parameters[scale : scale + fan_out])
            normalize_backward(network.normalization, delta, n, work.spread[layer])
        if layer > 0:
            start -= capacity * fan_in
            stop = start + count * fan_in
            a = work.layers[start:stop].reshape(count, fan_in)
            kept = work.inputs[start:stop].reshape(count, fan_in) if work.inputs.size > 0 else a
            below = work.deltas[layer % 2, : count * fan_in].reshape(count, fan_in)
            for i in range(count):
                for j in range(fan_in):
                    below[i, j] = 1
            multiply_by_slope(network.activations[layer - 1], below, a, kept)
            look_at_slopes(below, found)
            signals.dead[k, layer - 1], signals.saturated[k, layer - 1] = found[0], found[1]
            norm = signals.weight_norm[k, layer]
            signals.chi[k, layer - 1] = norm * norm / fan_out * found[2]
            np.dot(delta, parameters[weight : weight + fan_in * fan_out].reshape(fan_in, fan_out).T, below)
            multiply_by_slope(network.activations[layer - 1], below, a, kept)
            delta = below
