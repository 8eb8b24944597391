"""Transformers of numbers as ONNX operators: one row each, by their class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import FunctionTransformer, MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

from bpmodel.export.flow import Column, Flow, Numbers, joined, picked
from bpmodel.export.graph import Graph, divisible
from bpmodel.export.refusal import NotExportable, refuse_option
from bpmodel.functions.scaling import BOUND
from bpmodel.preprocessing import NormalScores, PiecewiseLinearEncoder, RangeScaler, SmoothClipScaler

FAR = 1e8
"""Beyond this, smooth clipping equals its bound in double precision; its square would overflow in single precision."""

FUNCTIONS: dict[Any, Callable[[Graph, str], str]] = {
    None: lambda graph, x: x,
    np.exp: lambda graph, x: graph.add("Exp", x),
    np.expm1: lambda graph, x: graph.add("Sub", graph.add("Exp", x), 1.0),
    np.log: lambda graph, x: graph.add("Log", x),
    np.log1p: lambda graph, x: graph.add("Log", graph.add("Add", x, 1.0)),
    np.sqrt: lambda graph, x: graph.add("Sqrt", x),
    np.square: lambda graph, x: graph.add("Mul", x, x),
    np.abs: lambda graph, x: graph.add("Abs", x),
}
"""Functions of a `FunctionTransformer`."""


def function_names() -> str:
    """Return the functions of `FUNCTIONS` for an error."""
    return ", ".join(f"np.{function.__name__}" if function else "None" for function in FUNCTIONS)


def shifted(graph: Graph, x: str, shift: NDArray | None, scale: NDArray | None) -> str:
    """Return (x - shift) / scale, exact in single precision, too.

    The shift is subtracted in two parts. The first is the shift in single precision, and the difference from a near x is exact;
    the second is its rounding error.
    """
    if shift is not None and np.any(shift):
        x = graph.add("Sub", x, shift)
        high = shift.astype(graph.dtype).astype(np.float64)
        if np.any(shift != high):
            x = graph.add("Sub", x, shift - high)
    return x if scale is None or np.all(scale == 1) else graph.add("Div", x, divisible(scale, graph.dtype))


def clipped_smoothly(graph: Graph, z: str) -> str:
    """Return z / sqrt(1 + (z / 3)^2)."""
    z = graph.add("Clip", z, -FAR, FAR)
    shares = graph.add("Div", z, BOUND)
    return graph.add("Div", z, graph.add("Sqrt", graph.add("Add", graph.add("Mul", shares, shares), 1.0)))


def _standard(scaler: StandardScaler, x: str, graph: Graph) -> str:
    return shifted(graph, x, scaler.mean_ if scaler.with_mean else None, scaler.scale_)


def _robust(scaler: RobustScaler, x: str, graph: Graph) -> str:
    return shifted(graph, x, scaler.center_, scaler.scale_)


def _range(scaler: RangeScaler, x: str, graph: Graph) -> str:
    return shifted(graph, x, scaler.center_, scaler.scale_)


def _min_max(scaler: MinMaxScaler, x: str, graph: Graph) -> str:
    x = graph.add("Add", shifted(graph, x, scaler.data_min_, 1 / scaler.scale_), float(scaler.feature_range[0]))
    return graph.add("Clip", x, *map(float, scaler.feature_range)) if scaler.clip else x


def _max_abs(scaler: MaxAbsScaler, x: str, graph: Graph) -> str:
    x = shifted(graph, x, None, scaler.scale_)
    return graph.add("Clip", x, -1.0, 1.0) if getattr(scaler, "clip", False) else x


def _smooth_clip(scaler: SmoothClipScaler, x: str, graph: Graph) -> str:
    return clipped_smoothly(graph, shifted(graph, x, scaler.center_, scaler.scale_))


def _function(transformer: FunctionTransformer, x: str, graph: Graph) -> str:
    if transformer.kw_args:
        raise refuse_option(transformer, "kw_args", "None")
    if transformer.func not in FUNCTIONS:
        raise refuse_option(transformer, "func", function_names())
    return FUNCTIONS[transformer.func](graph, x)


def _normal_scores(scaler: NormalScores, x: str, graph: Graph) -> str:
    """Interpolate as a sum over the knots: each adds its rise times the share of its interval that x has passed."""
    scores = []
    for i, (values, heights) in enumerate(scaler.knots_):
        column = graph.add("Gather", x, np.array([i]), axis=1)
        if len(values) == 1:
            scores.append(graph.add("Add", graph.add("Mul", column, 0.0), float(heights[0])))
            continue
        passed = graph.add("Clip", shifted(graph, column, values[:-1], np.diff(values)), 0.0, 1.0)
        rise = graph.add("MatMul", passed, np.diff(heights)[:, None])
        scores.append(graph.add("Add", rise, float(heights[0])))
    return graph.add("Concat", *scores, axis=1)


ELEMENTWISE: dict[type, Callable[[Any, str, Graph], str]] = {
    StandardScaler: _standard,
    RobustScaler: _robust,
    RangeScaler: _range,
    MinMaxScaler: _min_max,
    MaxAbsScaler: _max_abs,
    SmoothClipScaler: _smooth_clip,
    NormalScores: _normal_scores,
    FunctionTransformer: _function,
}
"""Transformers with one output for each column, which depends on that column only."""


def _elementwise(transformer: Any, flow: Flow, graph: Graph) -> Flow:
    numbers = joined(flow, graph)
    tensor = ELEMENTWISE[type(transformer)](transformer, numbers.tensor, graph)
    return [numbers._replace(tensor=tensor, fill=_carried(transformer, numbers.fill))]


def _piecewise(encoder: PiecewiseLinearEncoder, flow: Flow, graph: Graph) -> Flow:
    numbers = joined(flow, graph)
    starts = [edges[:-1] if len(edges) > 1 else edges for edges in encoder.bin_edges_]
    widths = [np.diff(edges) if len(edges) > 1 else np.ones(1) for edges in encoder.bin_edges_]
    sources = [i for i, bins in enumerate(starts) for _ in bins]
    spread = picked(numbers, sources, graph)
    shares = graph.add("Clip", shifted(graph, spread.tensor, np.concatenate(starts), np.concatenate(widths)), 0.0, 1.0)
    return [
        spread._replace(
            tensor=graph.add("Sub", shares, encoder.mean_), fill=_carried(encoder, numbers.fill), width=len(sources)
        )
    ]


def _imputed(imputer: SimpleImputer, flow: Flow, graph: Graph) -> Flow:
    """Open the gaps of numbers, or let texts know what stands for a missing one."""
    if not (isinstance(imputer.missing_values, float) and np.isnan(imputer.missing_values)):
        raise refuse_option(imputer, "missing_values", "nan")
    if imputer.add_indicator:
        raise refuse_option(imputer, "add_indicator", "False")
    statistics = np.asarray(imputer.statistics_)
    if statistics.dtype.kind in "OU" and all(isinstance(value, str) for value in statistics):
        return [_worded(part, str(value)) for part, value in zip(flow, statistics, strict=True)]
    fill = statistics.astype(np.float64)
    numbers = joined(flow, graph)
    if numbers.gaps is not None:
        return [numbers]  # nothing is missing any more
    kept = np.flatnonzero(~np.isnan(fill))  # a column without values is left out, or filled with 0
    numbers = picked(numbers, kept.tolist(), graph)
    return [numbers._replace(gaps=graph.add("IsNaN", numbers.tensor), fill=fill[kept])]


def _worded(part: Column | Numbers, fill: str) -> Column:
    """Return a column of texts that knows what a missing one stands for."""
    if isinstance(part, Numbers):
        raise NotExportable(
            "SimpleImputer fills numbers of an earlier step with texts; only columns of the table can be texts"
        )
    return part if part.fill is not None else Column(part.name, fill)


def _carried(transformer: Any, fill: NDArray | None) -> NDArray | None:
    """Return what becomes of the values that stand in for missing ones."""
    if fill is None:
        return None
    row: Any = fill[None]
    if hasattr(transformer, "feature_names_in_"):
        row = pd.DataFrame(row, columns=transformer.feature_names_in_)
    return np.asarray(transformer.transform(row), dtype=np.float64)[0]


SCALERS: dict[type, Callable[[Any, Flow, Graph], Flow]] = {
    **dict.fromkeys(ELEMENTWISE, _elementwise),
    PiecewiseLinearEncoder: _piecewise,
    SimpleImputer: _imputed,
}


def filled(numbers: Numbers, gaps: str, imputer: SimpleImputer) -> Numbers:
    """Return numbers whose gaps, which are known already, the imputer of a table fills."""
    return numbers._replace(gaps=gaps, fill=imputer.statistics_.astype(np.float64))
