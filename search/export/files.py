"""Writing a model to a file: at once or not at all, and not before it was loaded back."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from bpmodel.export import NotExportable
from search.errors import StudyError
from search.export import formats
from search.export.formats import Format
from search.files import writing
from search.signals.command import unwinding
from search.tracking.models.registry import Facts

CANNOT_BE_SAVED = NotExportable, pickle.PicklingError, AttributeError, TypeError
"""What the graph, pickle and skops raise of a model that they cannot save. Anything else is a bug of ours."""


class Written(NamedTuple):
    """An exported file.

    Attributes
    ----------
    path : Path
    size : int
        Bytes.
    rows : int
        Rows of the example for which predictions were compared; 0 if they were not.
    difference : float or None
        The largest difference of predictions; None if they were not compared.
    usage : list of str
        Lines of Python that use the file.
    """

    path: Path
    size: int
    rows: int
    difference: float | None
    usage: list[str]


def check_target(path: Path, force: bool) -> None:
    """Check, before anything takes time, that a file can be written.

    Raises
    ------
    StudyError
        If it exists and `force` is not set, is a link or no file, or its folder does not exist.
    """
    writing.check(path, "--output", force=force)


@unwinding()
def write(
    model: Any,
    path: Path,
    name: str,
    *,
    example: Any = None,
    dtype: str = "float32",
    facts: Mapping[str, str] | None = None,
    force: bool = False,
) -> Written:
    """Write a fitted model to a file, load it back, and compare the predictions for rows of an example.

    The file appears under its name only after that; an older one stays if anything goes wrong.

    Parameters
    ----------
    model : estimator
    path : Path
    name : str
        A key of `FORMATS`.
    example : DataFrame or array-like, optional
        Rows to predict.
    dtype : {"float32", "float64"}, default="float32"
        Precision of the numbers of an ONNX file.
    facts : mapping of str to str, optional
        What is known of the model, for the metadata of an ONNX file.
    force : bool, default=False
        Whether an existing file is replaced.

    Raises
    ------
    StudyError
        If a library is missing, the model cannot be written in this format, the file cannot be written, or its predictions
        are not those of the model.
    """
    row = formats.check(name)
    with writing.replacing(path, "--output", force=force) as draft:
        difference = _written_and_compared(row, model, draft, name, example, dtype, facts or {})
        if difference is not None and not difference <= row.tolerance:
            raise StudyError(_unlike(path, name, dtype, difference))
        usage = row.usage(draft, model, str(path))
    return Written(path, path.stat().st_size, 0 if difference is None else len(example), difference, usage)


def facts_of(known: Facts) -> dict[str, str]:
    """Return what is known of a model as texts: what a file without a store should remember."""
    score = known.metrics.get("score")
    facts = {
        "model": known.version.name,
        "version": str(known.version.number),
        "description": known.version.description,
        "target": str(known.study.get("target", "")),
        "score": "" if score is None else f"{score:.6g}",
    }
    return {name: text for name, text in facts.items() if text}


def judged(written: Written, name: str) -> str:
    """Return how the file was checked, in words."""
    if written.difference is not None:
        how = "to the last bit" if written.difference == 0 else f"to within {written.difference:.1g}"
        return f"loaded back; it predicts the {written.rows} rows of the model's example as the model does, {how}"
    if name == "onnx" and not formats.installed("onnxruntime"):
        return "no, the library onnxruntime is missing: pip install onnxruntime, and export again"
    return "no, the model has no example rows"


def document(written: Written, name: str, known: Facts) -> dict[str, Any]:
    """Return the result of an export for ``--json``."""
    return {
        "model": known.version.name,
        "version": known.version.number,
        "format": name,
        "written": str(written.path),
        "bytes": written.size,
        "rows_checked": written.rows,
        "difference": written.difference,
        "usage": written.usage,
    }


def _written_and_compared(
    row: Format, model: Any, draft: Path, name: str, example: Any, dtype: str, facts: Mapping[str, str]
) -> float | None:
    try:
        row.write(model, draft, dtype, facts)
        return row.compare(draft, model, example)
    except CANNOT_BE_SAVED as error:
        told = " ".join(str(error).split())
        raise StudyError(f"--to {name}: the model cannot be exported: {told}") from error


def _unlike(path: Path, name: str, dtype: str, difference: float) -> str:
    told = (
        f"--to {name}: the predictions of {path} would differ from the model's by {difference:.2g}; nothing was written"
    )
    return f"{told}. --dtype float64 computes as the model does" if name == "onnx" and dtype == "float32" else told
