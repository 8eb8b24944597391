"""A hash of user-defined functions, as part of the cache key of the machine code that contains them."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Sequence
from types import CodeType, FunctionType, ModuleType
from typing import Any


def fingerprint(rows: Sequence[Any]) -> str:
    """Hash table rows: their fields, and for functions their code, constants and everything they refer to.

    Parameters
    ----------
    rows : sequence of tuple

    Returns
    -------
    str
        Empty if there are no rows.
    """
    if not rows:
        return ""
    digest = hashlib.sha256()
    seen: set[int] = set()
    for row in rows:
        _add(digest, row, seen)
    return digest.hexdigest()[:16]


def _add(digest: Any, value: Any, seen: set[int]) -> None:
    value = getattr(value, "py_func", value)  # the Python function of a compiled one
    if isinstance(value, FunctionType):
        if id(value) not in seen:  # it may refer to itself
            seen.add(id(value))
            cells = [cell.cell_contents for cell in value.__closure__ or ()]
            names = [value.__globals__.get(name) for name in sorted(_names(value.__code__))]
            _add(digest, [value.__code__, value.__defaults__, cells, names], seen)
    elif isinstance(value, CodeType):
        digest.update(value.co_code)
        _add(digest, [value.co_consts, value.co_names, value.co_varnames], seen)
    elif isinstance(value, list | tuple):
        digest.update(f"{len(value)}:".encode())
        for part in value:
            _add(digest, part, seen)
    elif isinstance(value, ModuleType):
        digest.update(value.__name__.encode())
    else:
        digest.update(_bytes(value))


def _names(code: CodeType) -> set[str]:
    """Return the names of globals that a function and its nested functions may refer to."""
    inside = (part for part in code.co_consts if isinstance(part, CodeType))
    return set(code.co_names).union(*map(_names, inside))


def _bytes(value: Any) -> bytes:
    try:
        return pickle.dumps(value)
    except Exception:  # objects that cannot be pickled are identified by their repr
        return repr(value).encode()
