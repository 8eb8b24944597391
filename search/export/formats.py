"""The formats of exported models: one row each, with how a file is written, read back, and used."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from search.errors import StudyError


class Format(NamedTuple):
    """One format.

    Attributes
    ----------
    meaning : str
    library : str
        The library that writes it.
    write : callable
        ``write(model, path, dtype, facts)`` writes a fitted model; `facts` are texts about it.
    compare : callable
        ``compare(path, model, example)`` loads the file and returns the largest difference of its predictions for rows; None if
        there are no rows, or the library that predicts is missing.
    usage : callable
        ``usage(path, model, name)`` returns lines of Python that use the file; `name` is the one that the file will have.
    remark : str
        What its user should know.
    tolerance : float
        Largest difference with which the file counts as the same model.
    """

    meaning: str
    library: str
    write: Callable[[Any, Path, str, Mapping[str, str]], None]
    compare: Callable[[Path, Any, Any], float | None]
    usage: Callable[[Path, Any, str], list[str]]
    remark: str
    tolerance: float = 0.0


def installed(library: str) -> bool:
    """Return whether a library can be imported."""
    return importlib.util.find_spec(library) is not None


def _write_skops(model: Any, path: Path, dtype: str, facts: Mapping[str, str]) -> None:
    import skops.io

    skops.io.dump(model, path)


def _use_skops(path: Path, model: Any, name: str) -> list[str]:
    from search.trust import loading

    own = sorted(loading.types_of(model))
    trusted = f", trusted={json.dumps(own)}" if own else ""
    return ["import bpsearch", f"model = bpsearch.load_model({name!r}{trusted})  # model.predict(rows)"]


def _write_joblib(model: Any, path: Path, dtype: str, facts: Mapping[str, str]) -> None:
    import joblib

    joblib.dump(model, path)


def _load_skops(path: Path, model: Any) -> Any:
    from search.trust import loading

    return loading.written(model, path)


def _load_joblib(path: Path, model: Any) -> Any:
    import joblib

    return joblib.load(path)


def _use_joblib(path: Path, model: Any, name: str) -> list[str]:
    return ["import joblib", f"model = joblib.load({name!r})  # model.predict(rows)"]


def _compared(load: Callable[[Path, Any], Any]) -> Callable[[Path, Any, Any], float | None]:
    def compare(path: Path, model: Any, example: Any) -> float | None:
        """Return 0 if the loaded model predicts the same to the last bit, and infinity otherwise."""
        loaded = load(path, model)
        if example is None:
            return None
        methods = [method for method in ("predict", "predict_proba") if hasattr(model, method)]
        pairs = [(getattr(model, method)(example), getattr(loaded, method)(example)) for method in methods]
        return 0.0 if all(_same(*pair) for pair in pairs) else np.inf

    return compare


def _same(one: Any, other: Any) -> bool:
    return bool(np.array_equal(one, other, equal_nan=np.asarray(one).dtype.kind == "f"))


def _write_onnx(model: Any, path: Path, dtype: str, facts: Mapping[str, str]) -> None:
    from bpmodel.export import to_onnx

    name, description = facts.get("model", "model"), facts.get("description", "")
    path.write_bytes(
        to_onnx(model, dtype=dtype, name=name, description=description, metadata=facts).SerializeToString()
    )


def _compare_onnx(path: Path, model: Any, example: Any) -> float | None:
    if example is None or not installed("onnxruntime"):
        return None
    import onnx

    from bpmodel.export.agreement import disagreement

    return disagreement(onnx.load(path), model, example)


def _use_onnx(path: Path, model: Any, name: str) -> list[str]:
    import onnx

    graph = onnx.load(path).graph
    numbers = (
        "float64" if any(i.type.tensor_type.elem_type == onnx.TensorProto.DOUBLE for i in graph.input) else "float32"
    )
    outputs = [output.name for output in graph.output]
    start = ["import onnxruntime, pandas as pd", f"session = onnxruntime.InferenceSession({name!r})"]
    end = [f"{', '.join(outputs)}{',' * (len(outputs) == 1)} = session.run({outputs!r}, rows)"]
    if [i.name for i in graph.input] == ["X"]:
        return [*start, f"rows = {{'X': pd.read_csv('new.csv').to_numpy({numbers!r})}}", *end]
    return [
        *start,
        "texts = {i.name: str for i in session.get_inputs() if i.type == 'tensor(string)'}",
        "table = pd.read_csv('new.csv', dtype=texts)",
        "rows = {name: table[[name]].fillna('').to_numpy(object) for name in texts}",
        "numbers = [i.name for i in session.get_inputs() if i.name not in texts]",
        f"rows |= {{name: table[[name]].to_numpy({numbers!r}) for name in numbers}}",
        *end,
    ]


FORMATS = {
    "skops": Format(
        "the pipeline in a file that is loaded without running code in it",
        "skops",
        _write_skops,
        _compared(_load_skops),
        _use_skops,
        "load it where bpsearch is installed, with the same versions; `trusted` lists types that only your own modules have",
    ),
    "joblib": Format(
        "the pipeline as a pickle, the usual file of scikit-learn",
        "joblib",
        _write_joblib,
        _compared(_load_joblib),
        _use_joblib,
        "loading runs code in the file: load only files that you trust, where bpsearch is installed, with the same versions",
    ),
    "onnx": Format(
        "the whole pipeline as an ONNX graph, which C#, Java, JavaScript and others run without Python",
        "onnx",
        _write_onnx,
        _compare_onnx,
        _use_onnx,
        "one input a column: numbers, NaN if missing; truth values as 1 and 0; categories as texts, empty if missing",
        tolerance=1e-5,
    ),
}


def check(name: str) -> Format:
    """Return the format of this name.

    Raises
    ------
    StudyError
        If its library is missing.
    """
    found = FORMATS[name]
    if not installed(found.library):
        raise StudyError(f'--to {name}: the library {found.library} is missing: pip install "bpsearch[{name}]"')
    return found
