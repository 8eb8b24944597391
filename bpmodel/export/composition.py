"""Transformers of tables, and compositions of steps, as ONNX operators; the table of all that can be exported."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.pipeline import Pipeline

from bpmodel.export.encoders import ENCODERS
from bpmodel.export.flow import Column, Flow, Numbers, apart, joined
from bpmodel.export.graph import Graph
from bpmodel.export.refusal import NotExportable
from bpmodel.export.scalers import SCALERS, filled
from bpmodel.preprocessing import NormalScores, PiecewiseLinearEncoder, SmoothClipScaler, TablePreprocessor
from bpmodel.preprocessing.values import KINDS, LARGEST, MISSING

BOUNDED = (NormalScores, PiecewiseLinearEncoder, SmoothClipScaler)
"""Encoders of numbers whose outputs are small, whatever the number."""


def transformed(transformer: Any, flow: Flow, graph: Graph) -> Flow:
    """Return the columns behind a fitted transformer.

    Raises
    ------
    NotExportable
        If it, a step of it or an option of it has no row.
    """
    if transformer is None or (isinstance(transformer, str) and transformer == "passthrough"):
        return flow
    if type(transformer) in TRANSFORMERS:
        return TRANSFORMERS[type(transformer)](transformer, flow, graph)
    if isinstance(transformer, Pipeline):  # those of imbalanced-learn, too
        return _pipeline(transformer, flow, graph)
    names = sorted({kind.__name__ for kind in TRANSFORMERS} | {"Pipeline"})
    raise NotExportable(f"{type(transformer).__name__} cannot be exported; can be: {', '.join(names)}")


def first_step(estimator: Any) -> Any:
    """Return the step that reads the rows: the first one of a pipeline that does anything."""
    if isinstance(estimator, TransformedTargetRegressor):
        return first_step(estimator.regressor_)
    if isinstance(estimator, Pipeline):
        return first_step(next(step for _, step in estimator.steps if step is not None and step != "passthrough"))
    return estimator


def steps(pipeline: Pipeline, flow: Flow, graph: Graph) -> Flow:
    """Return the columns behind all steps of a pipeline but the last."""
    return _through(pipeline.steps[:-1], flow, graph)


def _pipeline(pipeline: Pipeline, flow: Flow, graph: Graph) -> Flow:
    return _through(pipeline.steps, flow, graph)


def _through(named: Sequence[tuple[str, Any]], flow: Flow, graph: Graph) -> Flow:
    for name, step in named:
        if hasattr(step, "fit_resample"):
            continue  # works in `fit` only
        try:
            flow = transformed(step, flow, graph)
        except NotExportable as error:
            raise NotExportable(f"step {name!r}: {error}") from None
    return flow


def _column_transformer(transformer: ColumnTransformer, flow: Flow, graph: Graph) -> Flow:
    names = [str(name) for name in getattr(transformer, "feature_names_in_", range(transformer.n_features_in_))]
    flow = apart(flow, len(names), graph)
    made: Flow = []
    for name, part, columns in transformer.transformers_:
        indices = _positions(columns, names)
        if (isinstance(part, str) and part == "drop") or not indices:
            continue
        done = _through([(name, part)], [flow[i] for i in indices], graph)
        weight = (transformer.transformer_weights or {}).get(name)
        made += done if weight is None else [_times(joined(done, graph), float(weight), graph)]
    return made


def _times(numbers: Numbers, factor: float, graph: Graph) -> Numbers:
    fill = None if numbers.fill is None else numbers.fill * factor
    return numbers._replace(tensor=graph.add("Mul", numbers.tensor, factor), fill=fill)


def _positions(columns: Any, names: list[str]) -> list[int]:
    """Return the positions of the columns that a `ColumnTransformer` gives to one of its parts."""
    if isinstance(columns, slice):
        start, stop = columns.start, columns.stop
        if isinstance(start, str) or isinstance(stop, str):  # by name, the last one included
            first = names.index(start) if isinstance(start, str) else 0
            last = names.index(stop) + 1 if isinstance(stop, str) else len(names)
            return list(range(len(names))[first : last : columns.step])
        return list(range(len(names))[columns])
    chosen = np.atleast_1d(np.asarray(columns))
    if chosen.dtype == bool:
        return np.flatnonzero(chosen).tolist()
    return [names.index(c) if isinstance(c, str) else int(c) for c in chosen.tolist()]


def _table(preprocessor: TablePreprocessor, flow: Flow, graph: Graph) -> Flow:
    columns = {part.name: part for part in flow if isinstance(part, Column)}
    if len(columns) < len(flow):
        raise NotExportable("TablePreprocessor is not the first step; only columns of the table can be its input")
    made: Flow = []
    gaps: list[str] = []
    for kind, names in preprocessor.kinds_.items():
        if KINDS[kind].used:
            if kind not in OF_KIND:
                raise NotExportable(f"column {names[0]!r} is of kind {kind!r}; can be exported: {', '.join(OF_KIND)}")
            encoder = preprocessor.encoders_[kind]
            made += OF_KIND[kind](encoder, [columns[name] for name in names], kind, gaps, graph)
    return [*made, *_indicators(preprocessor.gaps_.tolist(), gaps, graph)]


def _numbers(encoder: Any, columns: list[Column], kind: str, gaps: list[str], graph: Graph) -> Flow:
    """Encode numbers; those that are infinite or too large, as they are or once encoded, are missing."""
    numbers = _read(columns, kind, graph)
    missing = graph.add("Or", graph.add("IsNaN", numbers.tensor), _beyond(numbers.tensor, LARGEST, graph))
    (_, imputer), (name, scaler) = encoder.steps
    encoded = joined(_through([(name, scaler)], [filled(numbers, missing, imputer)], graph), graph)
    if not isinstance(scaler, BOUNDED):
        missing = graph.add("Or", missing, _beyond(encoded.tensor, float(np.finfo(np.float32).max), graph))
        encoded = encoded._replace(gaps=missing)
    gaps.append(missing)
    return [encoded]


def _beyond(x: str, limit: float, graph: Graph) -> str:
    """Return where numbers are farther from 0 than a limit, or infinite."""
    return graph.add("Greater", graph.add("Abs", x), min(limit, float(np.finfo(graph.dtype).max)))


def _truths(imputer: Any, columns: list[Column], kind: str, gaps: list[str], graph: Graph) -> Flow:
    """Encode truth values; what is neither 0 nor 1 is missing."""
    numbers = _read(columns, kind, graph)
    known = graph.add("Or", graph.add("Equal", numbers.tensor, 0.0), graph.add("Equal", numbers.tensor, 1.0))
    gaps.append(graph.add("Not", known))
    return [filled(numbers, gaps[-1], imputer)]


def _categories(encoder: Any, columns: list[Column], kind: str, gaps: list[str], graph: Graph) -> Flow:
    return transformed(encoder, [column._replace(fill=MISSING) for column in columns], graph)


def _read(columns: list[Column], kind: str, graph: Graph) -> Numbers:
    return joined([Numbers(graph.numbers(column.name, kind), 1) for column in columns], graph)


def _indicators(wanted: list[int], gaps: list[str], graph: Graph) -> Flow:
    """Return the columns that say where a value is missing."""
    if not wanted:
        return []
    missing = graph.add("Concat", *gaps, axis=1) if len(gaps) > 1 else gaps[0]
    some = graph.add("Gather", missing, np.array(wanted, dtype=np.int64), axis=1)
    return [Numbers(graph.cast(some, graph.dtype), len(wanted))]


OF_KIND: dict[str, Callable[[Any, list[Column], str, list[str], Graph], Flow]] = {
    "number": _numbers,
    "truth": _truths,
    "duration": _numbers,
    "category": _categories,
}
"""Kinds of columns whose values a number or a text of ONNX can be: durations are numbers of seconds."""

TRANSFORMERS: dict[type, Callable[[Any, Flow, Graph], Flow]] = {
    **SCALERS,
    **ENCODERS,
    ColumnTransformer: _column_transformer,
    TablePreprocessor: _table,
}
"""All transformers that can be exported, by their class."""
