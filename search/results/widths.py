"""Tables whose names and numbers stay readable in narrow terminals and in pipes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple, cast

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

BEST_COLUMNS, UNLIMITED = 5, 10_000


class Fitted:
    """A table that has as many columns as fit the width where it is printed, at least one beside its labels.

    Parameters
    ----------
    table : callable
        Returns the table with up to so many columns beside the labels.
    most : int
    """

    def __init__(self, table: Callable[[int], Table | None], most: int = BEST_COLUMNS) -> None:
        self._table, self._most = cast("Callable[[int], Table]", table), most

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for columns in range(self._most, 0, -1):
            table = self._table(columns)
            width = console.measure(table, options=options.update(max_width=UNLIMITED)).maximum
            if width <= options.max_width:
                break
        yield from console.render(table, options.update(max_width=max(width, options.max_width)))


class Column(NamedTuple):
    """A column of a list: how wanted it is (1 is the most), and the cell of a row."""

    rank: int
    cell: Callable[[Any], str]
    justify: Literal["left", "right"] = "left"


def ranked(rows: Iterable[tuple[str, Any]], columns: Mapping[str, Column]) -> Fitted:
    """Return a list as a table with as many columns beside the names as fit, the most wanted ones.

    Parameters
    ----------
    rows : iterable of (str, object)
        The name of each row, and what its cells are made of.
    columns : dict of str to Column
        By their titles.
    """
    every = list(rows)

    def table(most: int) -> Table:
        shown = {title: column for title, column in columns.items() if column.rank <= most}
        made = Table(box=None, padding=(0, 1))
        made.add_column("name", no_wrap=True)
        for title, column in shown.items():
            made.add_column(title, justify=column.justify, no_wrap=True)
        for name, row in every:
            made.add_row(*map(Text, [name, *(column.cell(row) for column in shown.values())]))
        return made

    return Fitted(table, len(columns))


class Whole(Fitted):
    """A table with all its columns: where it is too wide, its lines run on."""

    def __init__(self, table: Table) -> None:
        super().__init__(lambda columns: table, most=1)
