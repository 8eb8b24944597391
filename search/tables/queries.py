"""Queries that only read."""

from __future__ import annotations

import re

from search.tables.reading import UnreadableError

NO_CODE = re.compile(
    r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]|--[^\n]*|/\*.*?\*/""",
    re.DOTALL,
)
"""Texts, quoted names and comments."""

WRITES = {"alter", "create", "delete", "drop", "exec", "execute", "grant", "insert", "into", "merge", "revoke"}
WRITES |= {"truncate", "update"}
"""Words of statements that write. Transact-SQL needs no semicolon before them. A column of such a name needs quotes."""

BEGINNINGS = ("select", "with")


def check(query: str) -> None:
    """Raise unless a query is one SELECT statement, which may begin with WITH.

    This is a guard against mistakes. Against malice, only the rights of the database's user help.

    Raises
    ------
    UnreadableError

    Examples
    --------
    >>> check("WITH big AS (SELECT * FROM sales) SELECT price, 'delete' AS word FROM big;")
    >>> check("DELETE FROM sales")
    Traceback (most recent call last):
    search.tables.reading.UnreadableError: query = 'DELETE FROM sales' is not a SELECT, which only reads
    """
    words = re.findall(r"\w+|;", NO_CODE.sub(" ", query).strip().rstrip("; \n\t").lower())
    if not words or words[0] not in BEGINNINGS:
        raise UnreadableError(f"query = {query!r} is not a SELECT, which only reads")
    if ";" in words:
        raise UnreadableError(f"query = {query!r} has several statements; it must have one")
    if writes := sorted(WRITES.intersection(words)):
        raise UnreadableError(f"query = {query!r} has the word {writes[0].upper()}; a query must only read")
