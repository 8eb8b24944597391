"""Transformers of targets, backwards, as ONNX operators: one row each, by their class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler

from bpmodel.export.graph import Graph, divisible
from bpmodel.export.refusal import NotExportable, refuse_option
from bpmodel.export.scalers import FUNCTIONS, function_names
from bpmodel.preprocessing import TargetTransformer
from bpmodel.preprocessing.target import FARTHEST


def _log(transformer: TargetTransformer, z: str, graph: Graph) -> str:
    most = np.log1p(FARTHEST * transformer.largest_ / transformer.scale_)
    size = graph.add("Sub", graph.add("Exp", graph.add("Min", graph.add("Abs", z), most)), 1.0)
    return graph.add("Mul", graph.add("Mul", graph.add("Sign", z), size), transformer.scale_)


TARGETS: dict[str, Callable[[TargetTransformer, str, Graph], str]] = {
    "none": lambda transformer, z, graph: z,
    "log": _log,
}
"""By the values of `target_transform`."""


def _target(transformer: TargetTransformer, z: str, graph: Graph) -> str:
    return TARGETS[transformer.target_transform](transformer, z, graph)


def _standard(scaler: StandardScaler, z: str, graph: Graph) -> str:
    z = graph.add("Mul", z, divisible(scaler.scale_, graph.dtype)) if scaler.with_std else z
    return graph.add("Add", z, scaler.mean_) if scaler.with_mean else z


def _min_max(scaler: MinMaxScaler, z: str, graph: Graph) -> str:
    return graph.add("Div", graph.add("Sub", z, scaler.min_), divisible(scaler.scale_, graph.dtype))


def _function(transformer: FunctionTransformer, z: str, graph: Graph) -> str:
    if transformer.inv_kw_args:
        raise refuse_option(transformer, "inv_kw_args", "None")
    if transformer.inverse_func not in FUNCTIONS:
        raise refuse_option(transformer, "inverse_func", function_names())
    return FUNCTIONS[transformer.inverse_func](graph, z)


INVERSES: dict[type, Callable[[Any, str, Graph], str]] = {
    TargetTransformer: _target,
    StandardScaler: _standard,
    MinMaxScaler: _min_max,
    FunctionTransformer: _function,
}


def inverted(transformer: Any, z: str, graph: Graph) -> str:
    """Return predictions of shape (n, outputs) in the target's own units."""
    if type(transformer) not in INVERSES:
        names = ", ".join(kind.__name__ for kind in INVERSES)
        raise NotExportable(f"transformer: {type(transformer).__name__} cannot be exported; can be: {names}")
    return INVERSES[type(transformer)](transformer, z, graph)
