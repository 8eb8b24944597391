"""The tables of a queue copied into another database, in one transaction, and compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection, Engine, Table, insert, select

from search.errors import StudyError
from search.service.queued import STUDY
from search.service.schema import asked, studies, tokens
from search.service.states import RUNNING, STOPPING
from search.service.tokens import is_local

LIVE = (RUNNING, STOPPING)


def check(source: Engine) -> None:
    """Check that no study of a queue runs.

    Raises
    ------
    StudyError
        If one does.
    """
    with source.begin() as connection:
        for name, state, kind in connection.execute(select(studies.c.name, studies.c.state, studies.c.kind)):
            if state in LIVE and kind == STUDY:
                raise StudyError(f"study {name!r} is {state} in the queue; stop it first: bpsearch pause {name}")


def copy(source: Engine, target: Engine) -> int:
    """Copy studies, tokens and trials that are lent; return how many studies there are.

    What is there already, from a copy that was interrupted, stays.

    Raises
    ------
    StudyError
        If the target has another study or another token of a name, or differs after the copy.
    """
    with source.begin() as reading, target.begin() as writing:
        wanted = {row["name"]: row for row in _rows(reading, studies)}
        _add(writing, studies, wanted, ("fingerprint", "kind"))
        given = {row["name"]: row for row in _rows(reading, tokens)}
        _add(writing, tokens, given, ("digest",), but=is_local)
        _add_asked(reading, writing)
        found = {row["name"]: row for row in _rows(writing, studies)}
        if any(_plain(found[name]) != _plain(row) for name, row in wanted.items()):
            raise StudyError("the queue differs after the copy; nothing was changed")
        return len(wanted)


def _rows(connection: Connection, table: Table) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(select(table).order_by(table.c.id)).mappings()]


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row without its number, which is that of its database."""
    return {key: value for key, value in row.items() if key != "id"}


def _add(
    connection: Connection,
    table: Table,
    wanted: Mapping[str, Mapping[str, Any]],
    same: tuple[str, ...],
    but: Callable[[str], bool] = lambda name: False,
) -> None:
    """Add rows that are missing; those of a name must agree in some columns."""
    known = {row["name"]: row for row in _rows(connection, table)}
    for name, row in wanted.items():
        there = known.get(name)
        if there is None:
            connection.execute(insert(table).values(_plain(row)))
        elif not but(name) and any(there[key] != row[key] for key in same):
            raise StudyError(
                f"the target has another one of the name {name!r} among its {table.name}; nothing was changed"
            )


def _add_asked(reading: Connection, writing: Connection) -> None:
    names = {row["id"]: row["name"] for row in _rows(reading, studies)}
    numbers = {row["name"]: row["id"] for row in _rows(writing, studies)}
    known = {(row["study"], row["number"]) for row in _rows(writing, asked)}
    for row in _rows(reading, asked):
        study = numbers[names[row["study"]]]
        if (study, row["number"]) not in known:
            writing.execute(insert(asked).values({**_plain(row), "study": study}))
