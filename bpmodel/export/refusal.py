"""The error of a model that has no ONNX graph."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class NotExportable(ValueError):  # noqa: N818 - what it says
    """A part of a model cannot be exported; one line names the step, the option, its value and what can be exported."""


def refuse_option(owner: Any, name: str, allowed: str) -> NotExportable:
    """Return the error that an option of a step has a value that cannot be exported.

    >>> from sklearn.impute import SimpleImputer
    >>> str(refuse_option(SimpleImputer(missing_values=-1), "missing_values", "nan"))
    'SimpleImputer has missing_values=-1; only nan can be exported'
    """
    return NotExportable(f"{type(owner).__name__} has {name}={getattr(owner, name)!r}; only {allowed} can be exported")


def refuse_row(what: str, value: str, rows: Iterable[str]) -> NotExportable:
    """Return the error that a table has no row for a value.

    >>> str(refuse_row("activation", "mine", ["relu", "tanh"]))
    "activation='mine' cannot be exported; can be: relu, tanh"
    """
    return NotExportable(f"{what}={value!r} cannot be exported; can be: {', '.join(rows)}")
