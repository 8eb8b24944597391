"""Values of any size in a message: one line of bounded length."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

MOST, HEAD, TAIL = 240, 160, 20
"""Characters of a value that is shown whole; what is shown of the beginning and of the end of a longer one."""

MOST_LISTED = 50
"""Names that a list in a message has."""

LINES = re.compile(r"\s*\n\s*")


def short(value: Any) -> str:
    """Return the ``repr`` of a value in one line, without its middle if it is long.

    Python does not write whole numbers of more than 4,300 digits, nor lists nested a thousand deep: of these only the type is
    shown.

    Examples
    --------
    >>> short([16, "relu"]), short(2**63)
    ("[16, 'relu']", '9223372036854775808')
    >>> short(10**400)[-40:]
    '000000…00000000000000000000 (401 digits)'
    >>> short([1, 10**5000])
    'a list too large to show'
    """
    try:
        text = LINES.sub(" ", repr(value))
    except (ValueError, RecursionError):
        kind = "a whole number" if isinstance(value, int) else f"a {type(value).__name__}"
        return f"{kind} too large to show"
    if len(text) <= MOST:
        return text
    size = f"{len(text.lstrip('-'))} digits" if isinstance(value, int) else f"{len(text)} characters"
    return f"{text[:HEAD]}…{text[-TAIL:]} ({size})"


def named(name: str) -> str:
    """Return a name as it was written, or like `short` if it is long or has characters that are not printed.

    >>> named("alpha"), named("a\\nb")
    ('alpha', "'a\\\\nb'")
    """
    return name if name.isprintable() and len(name) <= MOST else short(name)


def listed(names: Iterable[Any], write: Callable[[Any], str] = str) -> str:
    """Join names for a message: the first ones of many, each without its middle if it is long.

    >>> listed(["a", 1]), listed(range(10_000)).endswith("48, 49 and 9,950 more"), len(listed(["x" * 10**6]))
    ('a, 1', True, 181)
    """
    every = list(names)
    shown = [write(_cut(str(name))) for name in every[:MOST_LISTED]]
    more = f" and {len(every) - MOST_LISTED:,} more" if len(every) > MOST_LISTED else ""
    return ", ".join(shown) + more


def _cut(text: str) -> str:
    return text if len(text) <= MOST else f"{text[:HEAD]}…{text[-TAIL:]}"
