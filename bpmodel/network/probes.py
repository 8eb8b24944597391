"""Probes: measurements of gradients, weights and units in each layer of a network during training.

After every epoch the history gets measurements of each layer: of the weights and the last gradient (`measure_weights`), and of
the last full minibatch (`measure_rows`), which needs no extra pass. Probes are taken after epochs 1, 2, 4, 8, … and the last
one; they copy these measurements from the history. Before the first step, and where the fit diverges, a probe runs an extra
forward and backward pass on up to `ROWS` rows. `diagnose` reads the probes.

`chi` is the mean-field number of a layer (Schoenholz et al., 2017): the factor by which the squared norm of a gradient changes
on its way back through the layer, ``mean_j |W_:j|^2 * mean(slope^2)``. In a deep network chi > 1 makes gradients explode, and
chi < 1 makes them vanish.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpmodel.compiler.kernels import choose, inner
from bpmodel.compiler.views import matrix
from bpmodel.functions.activations import ACTIVATIONS, Activation
from bpmodel.functions.random import hide
from bpmodel.network.minibatch import gather
from bpmodel.network.parameters import Mode
from bpmodel.network.propagation import (
    backward,
    copy,
    distance,
    evaluate_loss,
    forward,
    multiply_by_slope,
    norm,
    with_parameters,
)
from bpmodel.network.verdicts import OK

ROWS = 256
"""Maximum number of rows of a probe, which is also limited to the size of a minibatch."""

FLAT_SLOPE = 0.05
"""A unit is saturated on a row if its slope there is below this."""


class Signals(NamedTuple):
    """The measurements of the probes: one row per probe, one column per layer; the last column is the output layer."""

    epoch: NDArray[np.int64]
    """(probes,), epochs before the probe"""
    delta_norm: NDArray[np.float64]
    """(probes, layers), root mean square over rows of the norm of d loss / d z of a layer"""
    gradient_norm: NDArray[np.float64]
    """(probes, layers), norm of the weights' part of the last step's gradient; NaN before the first step"""
    weight_norm: NDArray[np.float64]
    """(probes, layers), norm of the weights"""
    step_ratio: NDArray[np.float64]
    """(probes, layers), distance the weights moved since the last probe, divided by their norm then and by the steps since"""
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
        """Return the measurements of the first `count` probes, by name."""
        return {name: values[:count].copy() for name, values in self._asdict().items() if name not in WEIGHTS}


WEIGHTS = ("previous", "before")


class Measured(NamedTuple):
    """The output arrays of `measure_rows`, which writes one row at a time: shape (rows, layers), of a history or of probes."""

    delta_norm: NDArray[np.float64]
    dead: NDArray[np.float64]
    saturated: NDArray[np.float64]
    chi: NDArray[np.float64]


def new_signals(parameters: NDArray, layers: int, max_iter: int, probing: bool = True) -> Signals:
    """Allocate arrays for all probes of a fit of at most `max_iter` epochs."""
    most = 4 + max(max_iter, 1).bit_length() if probing else 0
    per_layer = [name for name in Signals._fields if name not in ("epoch", "step", *WEIGHTS)]
    room = {name: np.full((most, layers), np.nan) for name in per_layer}
    count = np.zeros(most, dtype=np.int64)
    weights = parameters[: parameters.size if probing else 0]
    return Signals(epoch=count, step=count.copy(), previous=weights.copy(), before=weights.copy(), **room)


def no_signals(layers: int) -> dict[str, NDArray]:
    """Return the measurements, by name, of a fit that takes no probes: empty arrays."""
    return new_signals(np.zeros(0), layers, 0, probing=False).taken(0)


@inner
def measure_weights(network, work, weights_before, signals, history, epoch, steps):
    """Write the gradient norm, weight norm and step ratio of each layer after an epoch of `steps` steps"""
    units, start = network.units, 0
    for layer in range(units.size - 1):
        stop = start + units[layer] * units[layer + 1]
        parameters, before = network.parameters[start:stop], weights_before[start:stop]
        history.layer_weight_norm[epoch, layer] = norm(parameters)
        history.layer_gradient_norm[epoch, layer] = norm(work.gradient[start:stop])
        norm_before = history.layer_weight_norm[epoch - 1, layer] if epoch > 0 else signals.weight_norm[0, layer]
        moved = distance(parameters, before)
        history.layer_step_ratio[epoch, layer] = moved / max(norm_before, 1e-300) / max(steps, 1)
        start = stop
    complete_chi(network, history.layer_weight_norm[epoch], history.layer_chi[epoch])


@inner
def complete_chi(network, weight_norm, chi):
    """Turn the mean squared slopes of the hidden layers into chi"""
    for layer in range(chi.size - 1):
        chi[layer] *= weight_norm[layer + 1] * weight_norm[layer + 1] / network.units[layer + 2]


@inner
def measure_rows(network, work, batch, mode, scale, k, out):
    """Measure each layer on rows that have just gone forward and backward; write the results to row k of `out`.

    `scale` is the factor that the loss of each row was multiplied by. The field chi receives mean squared slopes, which
    `complete_chi` turns into chi. In the workspace only the deltas and the tally are overwritten.
    """
    units, rows, start = network.units, batch.rows, 0
    capacity = work.layers.size // units[1:].sum()
    for layer in range(units.size - 1):
        out.delta_norm[k, layer] = work.delta_norm[layer] / (scale * math.sqrt(rows))
    for layer in range(units.size - 2):
        width = units[layer + 1]
        a = matrix(work.layers, start, rows, width)
        kept = matrix(work.inputs, start, rows, width) if work.inputs.size > 0 else a
        tally = matrix(work.tally, 0, 3, width)
        for j in range(tally.size):
            work.tally[j] = 0
        if mode.dropout > 0:
            slopes = matrix(work.deltas[0], 0, rows, width)
            for i in range(rows):
                for j in range(width):
                    slopes[i, j] = 1
            hide(slopes, mode.dropout, mode.key + layer)
            multiply_by_slope(network.activations[layer], slopes, a, kept)
            tally_known(slopes, tally)
        else:
            for j in range(width):
                tally[2, j] = rows
            tally_slopes(network.activations[layer], a, kept, tally)
        out.dead[k, layer], out.saturated[k, layer], out.chi[k, layer] = shares(tally)
        start += capacity * width


def _tally_slopes(activation: Activation):
    slope = activation.slope

    @inner
    def apply(a, inputs, tally):
        """Add up squared slopes and flat slopes for each unit separately"""
        number = tally.dtype.type
        limit, zero, one = number(FLAT_SLOPE), number(0), number(1)
        for i in range(a.shape[0]):
            for j in range(a.shape[1]):
                size = abs(slope(a[i, j], inputs[i, j]))
                tally[0, j] += size * size
                tally[1, j] += one if size < limit else zero

    return apply


tally_slopes = choose(ACTIVATIONS, _tally_slopes)


@inner
def tally_known(slopes, tally):
    """Add up, for each unit, squared slopes, flat slopes and slopes that are not NaN"""
    number = tally.dtype.type
    limit, zero, one = number(FLAT_SLOPE), number(0), number(1)
    for i in range(slopes.shape[0]):
        for j in range(slopes.shape[1]):
            size = abs(slopes[i, j])
            tally[0, j] += size * size if size >= zero else zero
            tally[1, j] += one if size < limit else zero
            tally[2, j] += one if size >= zero else zero


@inner
def shares(tally):
    """Return the share of dead units, the share of flat slopes among the other units, and the mean of slope^2"""
    zero, one = tally.dtype.type(0), tally.dtype.type(1)
    dead, units, squares, saturated, living, seen = zero, zero, zero, zero, zero, zero
    for j in range(tally.shape[1]):
        known = tally[2, j]
        is_known = known > zero
        dies = tally[0, j] == zero
        squares += tally[0, j]
        seen += known
        units += is_known
        dead += dies and is_known
        saturated += zero if dies else tally[1, j]
        living += zero if dies else known
    return dead / max(units, one), saturated / max(living, one), squares / max(seen, one)


@inner
def is_dead(signals, k):
    """Return whether, at a probe, every unit of a hidden layer was dead"""
    found = False
    for layer in range(signals.dead.shape[1] - 1):
        found |= signals.dead[k, layer] == 1
    return found


@inner
def is_due(signals, probes, epoch):
    """Return whether a probe is to be taken after an epoch"""
    return epoch >= max(2 * (signals.epoch[probes - 1] if probes > 0 else 0), 1)


@inner
def probe(network, work, rows, signals, history, state):
    """Take a probe: copy what the last epoch wrote into the history.

    Before the first epoch, and after an interrupted epoch, the history has no measurements. Then the probe runs rows through
    the network, which overwrites the workspace.
    """
    s = state[0]
    k, epoch = s.probes, s.epoch
    if k >= signals.epoch.size:
        return
    s.probes += 1
    signals.epoch[k], signals.step[k] = epoch, s.step
    if epoch > 0:
        measure_steps(network, signals, k)
        copy(history.layer_gradient_norm[epoch - 1], signals.gradient_norm[k])
        copy(history.layer_weight_norm[epoch - 1], signals.weight_norm[k])
    else:
        weights_of_layers(network, signals.weight_norm[k])
    copy(network.parameters, signals.previous)
    if epoch == 0 or s.code > OK:
        send(network, work, rows, signals, k)
    else:
        copy(history.layer_delta_norm[epoch - 1], signals.delta_norm[k])
        copy(history.layer_dead[epoch - 1], signals.dead[k])
        copy(history.layer_saturated[epoch - 1], signals.saturated[k])
        copy(history.layer_chi[epoch - 1], signals.chi[k])


@inner
def send(network, work, rows, signals, k):
    """Send rows forward and back and measure the layers; the network is not changed."""
    count = min(rows.order.size, work.w.size, ROWS)
    batch, _ = gather(rows, np.int64(0), count, work)
    shown = with_parameters(network, network.parameters, network.running.copy())
    mode = Mode(True, 0.0, 0, True)
    z = forward(shown, work, batch, mode)
    evaluate_loss(network.loss, z, work.y, work.w, work.w.dtype.type(1), network.loss_number)
    backward(shown, work, batch, mode)
    out = Measured(signals.delta_norm, signals.dead, signals.saturated, signals.chi)
    measure_rows(network, work, batch, mode, work.w.dtype.type(1), k, out)
    complete_chi(network, signals.weight_norm[k], signals.chi[k])


@inner
def weights_of_layers(network, out):
    """Write the norm of the weights of each layer"""
    start = 0
    for layer in range(out.size):
        stop = start + network.units[layer] * network.units[layer + 1]
        out[layer] = norm(network.parameters[start:stop])
        start = stop


@inner
def measure_steps(network, signals, k):
    """Write the distance each layer's weights moved since the last probe, divided by their norm then and by the steps"""
    steps = signals.step[k] - signals.step[k - 1] if k > 0 else 0
    start = 0
    for layer in range(network.units.size - 1):
        stop = start + network.units[layer] * network.units[layer + 1]
        if steps > 0:
            moved = distance(network.parameters[start:stop], signals.previous[start:stop])
            signals.step_ratio[k, layer] = moved / max(signals.weight_norm[k - 1, layer], 1e-300) / steps
        start = stop
