"""A finding about a table, and the change of the study file that it proposes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Change:
    """A line of a study file.

    Attributes
    ----------
    table, key : str
        Where it stands: ``data`` and ``drop``.
    value : str, int, bool or list
        For ``drop``, a list of one name; all such changes share one line.
    active : bool
        Whether it is a key; else it is written as a comment, for the user to decide.
    why : str
        The comment beside it; that of the finding if it is empty.
    """

    table: str
    key: str
    value: Any
    active: bool = True
    why: str = ""


@dataclass(frozen=True)
class Finding:
    """Something about a table that its user should know.

    Attributes
    ----------
    code : str
        A key of `FINDINGS`.
    columns : tuple of str
        The columns that it is about; empty if it is about the target or the rows.
    sentence : str
        What was found, on one line whatever the names.
    why : str
        The same in a few words, for a comment beside the key and for the table of columns.
    changes : tuple of Change
    """

    code: str
    columns: tuple[str, ...]
    sentence: str
    why: str
    changes: tuple[Change, ...] = ()

    @property
    def written(self) -> bool:
        """Whether the study file has a key because of it."""
        return any(change.active for change in self.changes)


def drop(name: str, active: bool = True) -> tuple[Change, ...]:
    """Return the change that leaves a column out."""
    return (Change("data", "drop", [name], active),)
