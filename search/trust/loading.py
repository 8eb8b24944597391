"""Load a model from a file in the skops format, if it holds nothing but trusted types."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from search.errors import StudyError
from search.trust.types import TRUSTED, is_name

MOST_NAMED = 5


def load(file: Path, where: str, trusted: Iterable[str] = ()) -> Any:
    """Load a model from a file that anybody may have written.

    The file has no say in what it may hold, and no code that lies beside it is run: classes come from what is installed here.

    Parameters
    ----------
    file : Path
    where : str
        What the user calls the model, for messages.
    trusted : iterable of str
        Classes and functions that are allowed besides `search.trust.types.TRUSTED`: those of the user's own modules.

    Returns
    -------
    estimator

    Raises
    ------
    StudyError
        If the file cannot be read, is damaged, holds other types, or holds no model.
    """
    import skops.io

    allowed = TRUSTED | set(trusted)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise StudyError(f"{where}: its file cannot be read: {error.strerror}") from None
    try:
        refused = sorted(set(skops.io.get_untrusted_types(data=content)) - allowed)
    except Exception as error:  # whatever a damaged file, or one made to deceive, leads to
        raise StudyError(f"{where}: is no model in the skops format: {_line(error)}") from error
    if refused:
        raise StudyError(f"{where} is not loaded: {_refusal(refused)}")
    try:
        model = skops.io.loads(content, trusted=sorted(allowed))
    except ImportError as error:
        raise StudyError(f"{where} needs a module that is not installed here: {_line(error)}") from error
    except Exception as error:  # a class may raise anything of a state that is not its own
        raise StudyError(f"{where}: the model is damaged, or of another version: {_line(error)}") from error
    if not hasattr(model, "predict"):
        raise StudyError(f"{where}: holds no model: {type(model).__name__} has no predict")
    return model


def types_of(model: Any) -> frozenset[str]:
    """Return the types in a model that are not trusted, and which must be named to load it from a file again.

    >>> from bpmodel import BPRegressor
    >>> types_of(BPRegressor())
    frozenset()
    """
    import skops.io

    return frozenset(skops.io.get_untrusted_types(data=skops.io.dumps(model))) - TRUSTED


def written(model: Any, path: Path) -> Any:
    """Return what a file holds that was written from this model: it may hold the types that are in the model, and no others."""
    import skops.io

    return skops.io.loads(path.read_bytes(), trusted=sorted(TRUSTED | types_of(model)))


def _refusal(refused: list[str]) -> str:
    strange = [name for name in refused if not is_name(name)]
    if strange:
        return f"it names {strange[0]!r}, which is no class and no function; its file is damaged or made to deceive"
    more = f" and {len(refused) - MOST_NAMED} more" if len(refused) > MOST_NAMED else ""
    listed = ", ".join(refused[:MOST_NAMED]) + more
    of_python = [name for name in refused if name.partition(".")[0] in sys.stdlib_module_names]
    if of_python:
        return (
            f"it holds {listed}; {of_python[0]} is a part of Python itself, for which models have no use and attackers have; "
            "trust it only if you have put it there"
        )
    allow = " ".join(f"--trust {name}" for name in refused[:MOST_NAMED])
    return (
        f"it holds {listed}, and whoever wrote it decides what is done with that; if you trust them, allow it with {allow} "
        f"(in Python: trusted={refused[:MOST_NAMED]})"
    )


def _line(error: Exception) -> str:
    """Return the first line of an error as a literal: it may quote the file."""
    first = str(error).strip().splitlines()
    return f"{type(error).__name__}: {ascii(first[0])[1:-1]}" if first else type(error).__name__
