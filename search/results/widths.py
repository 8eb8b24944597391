"""Tables whose names and numbers stay readable in narrow terminals and in pipes."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table

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


class Whole(Fitted):
    """A table with all its columns: where it is too wide, its lines run on."""

    def __init__(self, table: Table) -> None:
        super().__init__(lambda columns: table, most=1)
