"""Conditions for MLflow's searches: what would not be one text in them is compared afterwards."""

from __future__ import annotations

import re

PLAIN = re.compile(r"\w[\w.-]*")
"""Texts that mean themselves between quotes, in every version of MLflow's language of conditions."""


def equal(field: str, text: str) -> str:
    """Return the condition that a field is equal to a text; empty if that cannot be written safely.

    What is found must be compared with the text again: the condition may ask for less, never for something else.

    >>> equal("name", "houses"), equal(tag("trial"), "3"), equal("name", "x' OR name = 'a")
    ("name = 'houses'", "tags.`trial` = '3'", '')
    """
    return f"{field} = '{text}'" if PLAIN.fullmatch(text) else ""


def tag(name: str) -> str:
    """Return a tag as a field."""
    return f"tags.`{name}`"


def both(*conditions: str) -> str:
    """Return the conjunction of conditions; empty ones are left out.

    >>> both("a = '1'", "", "b = '2'")
    "a = '1' AND b = '2'"
    """
    return " AND ".join(filter(None, conditions))
