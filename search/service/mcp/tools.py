"""The table of tools, and a call of one: its arguments checked, its answer short, any error in one line."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from search.errors import StudyError
from search.service.desk import Desk
from search.service.mcp.answers import cut, lines, written
from search.service.mcp.arguments import Tool, read
from search.service.mcp.reading import READING
from search.service.mcp.writing import WRITING
from search.spelling import did_you_mean
from search.terminal.leaving import told

MOST_OF_AN_ERROR = 2_000


def tools(*, write: bool) -> dict[str, type[Tool]]:
    """Return the tools by name; those that change something only if that is allowed."""
    return READING | WRITING if write else dict(READING)


def described(kind: type[Tool]) -> str:
    """Return what a language model reads of a tool; lines that only break a sentence are joined.

    >>> described(READING["list_studies"])[:40]
    'List the studies of this folder: those i'
    """
    paragraphs = inspect.cleandoc(kind.__doc__ or "").split("\n\n")
    return "\n\n".join(text if " = " in text else " ".join(text.split()) for text in paragraphs)


def called(found: Mapping[str, type[Tool]], name: str, arguments: Any, desk: Desk) -> str:
    """Call a tool; return its answer.

    Parameters
    ----------
    found : mapping
        The tools that there are.
    name : str
    arguments : object
        As they came.
    desk : Desk

    Raises
    ------
    StudyError
        If there is no such tool, an argument is not allowed, or the tool fails.
    """
    if name not in found:
        raise StudyError(
            f"there is no tool {name[:100]!r}{did_you_mean(name, list(found))}; allowed are {', '.join(found)}"
        )
    answer = read(found[name], name, arguments).answer(desk)
    return cut(lines(answer)) if isinstance(answer, str) else written(answer)


def error(raised: Exception) -> str:
    """Return what a language model reads of an error: one line of bounded length."""
    return cut(told(raised), MOST_OF_AN_ERROR)
