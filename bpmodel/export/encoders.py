"""Encoders of categories as ONNX operators: one row each, by their class.

ONNX has no missing text: the empty text stands for a missing value, unless it is a level itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

from bpmodel.export.flow import Column, Flow, Numbers, apart, joined, settled
from bpmodel.export.graph import ML, Graph
from bpmodel.export.refusal import NotExportable

UNKNOWN = -1


def codes(part: Column | Numbers, levels: NDArray, values: Sequence[int], unknown: int, graph: Graph) -> str:
    """Return the code of each row's level, whole numbers of shape (n, 1).

    Parameters
    ----------
    part : Column or Numbers
        One column.
    levels : ndarray of shape (levels,)
        Texts, numbers or truth values; one may be None or NaN, which is a missing value.
    values : sequence of int
        The code of each level.
    unknown : int
        The code of any other value.

    Raises
    ------
    NotExportable
        If levels are neither texts nor numbers.
    """
    if _are_texts(levels, part):
        return _text_codes(part, levels, values, unknown, graph)
    missing = pd.isna(levels)
    return _number_codes(part, levels[~missing].astype(np.float64), missing, values, unknown, graph)


def _are_texts(levels: NDArray, part: Column | Numbers) -> bool:
    """Return whether levels are texts, and not numbers; one of them may be missing."""
    known = levels[~pd.isna(levels)]
    if levels.dtype.kind in "OU" and all(isinstance(level, str) for level in known):
        return True
    if levels.dtype.kind in "iufb" or all(isinstance(level, int | float | np.number | np.bool_) for level in known):
        return False
    name = getattr(part, "name", "a column")
    raise NotExportable(f"the levels of {name!r} are neither texts nor numbers; only these can be exported")


def _text_codes(part: Column | Numbers, levels: NDArray, values: Sequence[int], unknown: int, graph: Graph) -> str:
    if isinstance(part, Numbers):
        raise NotExportable(
            "an encoder reads numbers of an earlier step as texts; only columns of the table can be texts"
        )
    table = {"" if pd.isna(level) else str(level): value for level, value in zip(levels, values, strict=True)}
    if part.fill is not None:
        table = {"": table.get(part.fill, unknown)} | table
    return graph.add(
        "LabelEncoder",
        graph.texts(part.name),
        domain=ML,
        keys_strings=list(table),
        values_int64s=list(table.values()),
        default_int64=unknown,
    )


def _number_codes(
    part: Column | Numbers, known: NDArray, missing: NDArray, values: Sequence[int], unknown: int, graph: Graph
) -> str:
    x = settled(joined([part], graph), graph)
    hits = [graph.add("Equal", x, known[None])]
    places = [*np.flatnonzero(~missing), *np.flatnonzero(missing)]
    if missing.any():
        hits.append(graph.add("IsNaN", x))
    hit = graph.cast(graph.add("Concat", *hits, axis=1) if len(hits) > 1 else hits[0], graph.dtype)
    ranks = graph.add("MatMul", hit, np.arange(1.0, len(places) + 1)[:, None])  # 0 for no hit
    table = np.array([unknown, *np.asarray(values)[places]], dtype=np.int64)
    return graph.add("Gather", table, graph.cast(ranks, np.int64), axis=0)


def _onehot(encoder: OneHotEncoder, flow: Flow, graph: Graph) -> Flow:
    return [
        _onehot_column(encoder, i, part, graph) for i, part in enumerate(apart(flow, len(encoder.categories_), graph))
    ]


def _onehot_column(encoder: OneHotEncoder, i: int, part: Column | Numbers, graph: Graph) -> Numbers:
    levels = encoder.categories_[i]
    rare = _rare(encoder, i, levels)
    frequent = np.flatnonzero(~rare)
    places = np.full(len(levels), len(frequent))
    places[frequent] = np.arange(len(frequent))
    shared = bool(rare.any()) and encoder.handle_unknown in ("infrequent_if_exist", "warn")
    unknown = len(frequent) if shared else UNKNOWN
    width = len(frequent) + bool(rare.any())
    dropped = None if encoder.drop_idx_ is None else encoder.drop_idx_[i]
    if dropped is not None:
        gone = places[dropped]
        places = np.where(places == gone, UNKNOWN, places - (places > gone))
        unknown = UNKNOWN if unknown == gone else unknown - (unknown > gone)
        width -= 1
    code = codes(part, levels, places.tolist(), int(unknown), graph)
    return Numbers(graph.cast(graph.add("Equal", code, np.arange(width, dtype=np.int64)[None]), graph.dtype), width)


def _rare(encoder: Any, i: int, levels: NDArray) -> NDArray[np.bool_]:
    """Return which levels are infrequent, and share one output."""
    if encoder.max_categories is None and encoder.min_frequency is None:
        return np.zeros(len(levels), dtype=bool)
    infrequent = encoder.infrequent_categories_[i]
    if infrequent is None:
        return np.zeros(len(levels), dtype=bool)
    return pd.Series(levels).isin(list(infrequent)).to_numpy(dtype=bool)


def _ordinal(encoder: OrdinalEncoder, flow: Flow, graph: Graph) -> Flow:
    parts = apart(flow, len(encoder.categories_), graph)
    for levels, part in zip(encoder.categories_, parts, strict=True):
        _are_texts(levels, part)
    most = max(map(len, encoder.categories_))
    rows: Any = np.array([np.resize(levels.astype(object), most) for levels in encoder.categories_], dtype=object).T
    if hasattr(encoder, "feature_names_in_"):
        rows = pd.DataFrame(rows, columns=encoder.feature_names_in_)
    tables = np.asarray(encoder.transform(rows), dtype=np.float64).T
    unknown = encoder.unknown_value if encoder.handle_unknown == "use_encoded_value" else np.nan
    made: Flow = []
    for part, levels, table in zip(parts, encoder.categories_, tables, strict=True):
        code = codes(part, levels, range(1, len(levels) + 1), 0, graph)
        values = np.array([unknown, *table[: len(levels)]], dtype=np.float64)
        made.append(Numbers(graph.add("Gather", values, code, axis=0), 1))
    return made


ENCODERS: dict[type, Callable[[Any, Flow, Graph], Flow]] = {OneHotEncoder: _onehot, OrdinalEncoder: _ordinal}
