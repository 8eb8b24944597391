"""Names and choices in the few characters that have a place beside an axis."""

from __future__ import annotations

LONGEST = 28
"""Characters of a name that are drawn beside an axis."""


def shortened(text: str, longest: int = LONGEST) -> str:
    """Return a name of which there is a place beside an axis: of a long one its end, which tells parameters apart.

    >>> shortened("transformedtargetregressor__regressor__alpha", 18), shortened("alpha")
    ('…_regressor__alpha', 'alpha')
    """
    return text if len(text) <= longest else "…" + text[-longest + 1 :]


def choice(text: str) -> str:
    """Return the label of a choice in a few characters.

    >>> choice("[64, 32]"), choice("[]"), choice("relu")
    ('64-32', 'none', 'relu')
    """
    return text.strip("[]").replace(", ", "-") or "none"
