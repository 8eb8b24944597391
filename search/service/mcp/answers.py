"""Answers for language models: JSON of a bounded size, whatever a study holds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Any

from search.terminal.leaving import told
from search.terminal.output import plain

MOST = 20_000
"""Characters of an answer: some 6,000 tokens."""

MARGIN = 100
"""Characters for what is said of the items that are left out."""

MOST_OF_A_TEXT = 4_000
MOST_ITEMS = 100
"""Items of a list inside of an answer, and keys of an object."""

DEEPEST = 8
DIGITS = 8
"""Significant digits of a number."""


@dataclass(frozen=True)
class Page:
    """A part of a list that may be long.

    Attributes
    ----------
    key : str
        What its items are.
    items : sequence
        Those that were asked for, as many as there are.
    first : int
        How many come before them.
    total : int
        How many there are in all.
    about : mapping
        What else is said.
    hint : str
        How to get those that follow.

    Examples
    --------
    >>> Page("trials", ["a", "b"], 0, 3).document(2)
    {'trials': ['a', 'b'], 'total': 3, 'next': 2, 'note': '1 more: ask again with first = 2'}
    >>> Page("trials", ["c"], 2, 3).document(1)
    {'trials': ['c'], 'total': 3}
    """

    key: str
    items: Sequence[Any]
    first: int
    total: int
    about: Mapping[str, Any] = field(default_factory=dict)
    hint: str = "ask again with first = {next}"

    def document(self, count: int) -> dict[str, Any]:
        """Return the page with so many of its items, and how to get those that follow."""
        following = self.first + count
        document = {**self.about, self.key: list(self.items[:count]), "total": self.total}
        if following < self.total:
            left = self.total - following
            document |= {"next": following, "note": f"{left} more: {self.hint.format(next=following)}"}
        return document


def written(answer: Page | Mapping[str, Any]) -> str:
    """Return an answer as JSON of at most `MOST` characters.

    >>> written({"score": float("nan"), "reason": "the loss" + chr(27) + "[2J exploded"})
    '{"score": null, "reason": "the loss\\\\\\\\u001b[2J exploded"}'
    >>> len(written(Page("trials", [{"note": "x" * 900}] * 50, 0, 50))) < MOST
    True
    """
    if not isinstance(answer, Page):
        return cut(_json(_short(plain(answer))))
    page = replace(answer, items=[_short(plain(item)) for item in answer.items], about=_short(plain(answer.about)))
    room = MOST - MARGIN - len(_json(page.document(0)))
    sizes = accumulate(len(_json(item)) + len(", ") for item in page.items)
    count = sum(size <= room for size in sizes)
    return cut(_json(page.document(count or min(1, len(page.items)))))


def cut(text: str, most: int = MOST) -> str:
    """Return the beginning of a text that is too long, and how long it was.

    >>> cut("abc", 3), cut("x" * 300, 100)[-36:]
    ('abc', 'xxxxx … (cut; 300 characters in all)')
    """
    if len(text) <= most:
        return text
    note = f" … (cut; {len(text):,} characters in all)"
    return text[: most - len(note)] + note


def _json(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, allow_nan=False)


def _short(value: Any, depth: int = 0) -> Any:
    """Return plain data with short texts and lists, and nothing that acts on a terminal."""
    if isinstance(value, str):
        return lines(cut(value, MOST_OF_A_TEXT))
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if depth > DEEPEST and isinstance(value, dict | list):
        return "…"
    if isinstance(value, dict):
        kept = {told(cut(key, MOST_ITEMS)): _short(each, depth + 1) for key, each in list(value.items())[:MOST_ITEMS]}
        return kept | ({"…": f"{len(value) - MOST_ITEMS} more"} if len(value) > MOST_ITEMS else {})
    if isinstance(value, list):
        rest = [f"… {len(value) - MOST_ITEMS} more"] if len(value) > MOST_ITEMS else []
        return [_short(each, depth + 1) for each in value[:MOST_ITEMS]] + rest
    return value


def lines(text: str) -> str:
    """Return a text whose lines stay lines, and whose other characters can all be seen."""
    return "\n".join(map(told, text.split("\n")))


def short_curve(curve: Mapping[Any, float], most: int = 10) -> dict[str, Any]:
    """Return what is worth telling of a curve: its ends, its lowest and highest value, and some points, by epoch.

    >>> short_curve({1: 4.0, 2: 1.0, 3: 2.0})
    {'epochs': 3, 'lowest': [2, 1.0], 'highest': [1, 4.0], 'points': [[1, 4.0], [2, 1.0], [3, 2.0]]}
    """
    points = sorted([int(epoch), value] for epoch, value in curve.items() if value is not None)
    if not points:
        return {}
    steps = (
        [round(i * (len(points) - 1) / (most - 1)) for i in range(most)] if len(points) > most else range(len(points))
    )
    known = [point for point in points if point[1] == point[1]] or points
    return {
        "epochs": points[-1][0],
        "lowest": min(known, key=lambda point: point[1]),
        "highest": max(known, key=lambda point: point[1]),
        "points": [points[step] for step in steps],
    }
