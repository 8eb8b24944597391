"""Constructor and documentation of `BPSearchCV`, generated from the table of options.

Type checkers read `constructor.pyi`, which `make docs` generates from the same table.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from typing import TypeVar

from bpmodel.option import SaysWhatWasMeant, initializer
from search.options import ABSENT, POSITIONAL, SEARCH_CV


def _constructor() -> Callable[..., None]:
    """Return the `__init__` of `BPSearchCV`, with its signature."""
    kinds = inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [inspect.Parameter(o.name, kinds[o.name in POSITIONAL], default=o.search_cv) for o in SEARCH_CV]
    return initializer(parameters)


Class = TypeVar("Class", bound=type)


def documented(cls: Class) -> Class:
    """Insert the section ``Parameters`` into a class docstring, before ``Attributes``."""
    lines = ["Parameters", "----------"]
    for o in SEARCH_CV:
        default = "" if o.search_cv is ABSENT else f", default={o.search_cv!r}"
        lines += [f"{o.name} : {o.allowed}{default}", *_wrapped(o.meaning, "")]
        lines += [""] if o.choices else []
        for name, meaning in o.choices.items():
            lines += _wrapped(f"- {name!r}: {meaning}", "  ")
    text, body = "\n".join(lines), inspect.cleandoc(cls.__doc__ or "")
    cls.__doc__ = body.replace("Attributes\n", f"{text}\n\nAttributes\n", 1)
    return cls


def _wrapped(text: str, further: str) -> list[str]:
    return textwrap.wrap(text, 112, initial_indent="    ", subsequent_indent=f"    {further}")


class SearchParameters(SaysWhatWasMeant):
    """Base class with one attribute for each row of `search.options.SEARCH_CV`."""

    __init__ = _constructor()
