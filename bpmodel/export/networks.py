"""The graph of a fitted network: from rows to the outputs of its output function."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from bpmodel.export.activations import ACTIVATIONS, LINKS, NORMALIZATIONS
from bpmodel.export.flow import Flow, joined, settled
from bpmodel.export.graph import Graph
from bpmodel.export.refusal import refuse_row
from bpmodel.export.scalers import clipped_smoothly, shifted
from bpmodel.functions.losses import LOSSES
from bpmodel.functions.scaling import Scaling


def outputs(network: Any, flow: Flow, graph: Graph) -> str:
    """Return the outputs of a fitted `BPRegressor` or `BPClassifier`, of shape (n, outputs), in the precision of the graph.

    In a graph of double precision, the network computes in its own precision, as in `predict`.

    Raises
    ------
    NotExportable
        If it has an activation that was registered.
    """
    x = settled(joined(flow, graph), graph)
    if network._scaling is not None:
        scaling = Scaling(**network._scaling)
        x = shifted(graph, x, scaling.shift, scaling.scale)
        x = clipped_smoothly(graph, x) if scaling.clip else x
    dtype = min(graph.dtype, network._parameters.dtype, key=lambda dtype: dtype.itemsize)
    op = partial(graph.add, dtype=dtype)
    a = graph.cast(x, dtype, before=graph.dtype)
    weights, biases = network.coefs_, network.intercepts_
    scales = np.split(_scales(network), np.cumsum(network._layer_units[1:-1])[:-1])
    running = np.split(network._running, np.cumsum(network._layer_units[1:-1])[:-1], axis=1)
    for layer, name in enumerate(network._activations):
        if name not in ACTIVATIONS:
            raise refuse_row("activation", name, ACTIVATIONS)
        normalized = NORMALIZATIONS[network._normalization]
        z = normalized(op, a, weights[layer], biases[layer], scales[layer], running[layer])
        a = ACTIVATIONS[name](op, z)
    z = op("Gemm", a, weights[-1], biases[-1])
    return graph.cast(LINKS[LOSSES[network._loss].output](op, z), graph.dtype, before=dtype)


def _scales(network: Any) -> Any:
    """Return the scales of the normalized hidden layers, of shape (hidden units,)."""
    hidden = sum(network._layer_units[1:-1])
    return network._parameters[network._parameters.size - hidden :]
