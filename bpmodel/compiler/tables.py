"""Tables of options: rows by name, numbered for compiled code. Rows can be added, never changed or removed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar, Generic, Protocol, TypeVar


class Row(Protocol):
    """What every row has."""

    @property
    def name(self) -> str: ...


R = TypeVar("R", bound=Row)


class Table(Mapping[str, R], Generic[R]):
    """Rows by name, in the order of their codes.

    Parameters
    ----------
    kind : str
        The noun for a row in messages, such as "activation".
    rows : iterable
        The rows that are built in.
    register : str
        The function of `bpmodel` that adds rows, if there is one.

    Examples
    --------
    >>> from bpmodel.functions.schedules import SCHEDULES
    >>> list(SCHEDULES)[:2], SCHEDULES.code("invscaling")
    (['constant', 'invscaling'], 1)
    >>> SCHEDULES.code("warp")
    Traceback (most recent call last):
    ...
    LookupError: no schedule is called 'warp' in this process; if it is your own, call bpmodel.register_schedule first, ...
    """

    revision: ClassVar[int] = 0
    """Number of rows added to all tables: machine code of an older revision does not know the newest row."""

    def __init__(self, kind: str, rows: Iterable[R], register: str = "") -> None:
        self.kind, self._register = kind, register
        self._rows = {row.name: row for row in rows}
        self._codes = {name: code for code, name in enumerate(self._rows)}
        self._built_in = len(self._rows)
        self._reserved: set[str] = set()

    def __getitem__(self, name: str) -> R:
        return self._rows[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def added(self) -> list[R]:
        """The rows that are not built in."""
        return list(self._rows.values())[self._built_in :]

    def code(self, name: str) -> int:
        """Return the number of a row in compiled code; raise LookupError if there is no such row."""
        try:
            return self._codes[name]
        except KeyError:
            raise LookupError(
                f"no {self.kind} is called {name!r} in this process; {self.hint}known are {', '.join(self)}"
            ) from None

    @property
    def hint(self) -> str:
        """Advice for messages about an unknown name."""
        if not self._register:
            return ""
        return f"if it is your own, call bpmodel.{self._register} first, in every process that uses it; "

    def reserve(self, names: Iterable[str]) -> None:
        """Reserve names that cannot be added because the same option uses them for something else."""
        self._reserved |= set(names)

    def check_new(self, name: str) -> None:
        """Raise ValueError unless a row of this name can be added."""
        if not (isinstance(name, str) and name.isidentifier()):
            raise ValueError(f"name={name!r} must be a Python identifier, such as 'mine'")
        if name in self._rows or name in self._reserved:
            raise ValueError(f"name={name!r} is taken by another {self.kind}; use another name")

    def add(self, row: R) -> None:
        """Add a row; the next fit recompiles the loops."""
        self.check_new(row.name)
        self._codes[row.name] = len(self._rows)
        self._rows[row.name] = row
        Table.revision += 1


class View(Mapping[str, Any]):
    """A live view of one or several tables: it also shows rows that are added later."""

    def __init__(self, *tables: Mapping[str, Any], hint: str = "") -> None:
        self._tables, self.hint = tables, hint

    def _rows(self) -> dict[str, Any]:
        return {name: row for table in self._tables for name, row in table.items()}

    def __getitem__(self, name: str) -> Any:
        return self._rows()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows())

    def __len__(self) -> int:
        return len(self._rows())


class Selection(View):
    """The rows of a table that satisfy a condition."""

    def __init__(self, table: Mapping[str, Any], holds: Callable[[Any], bool], hint: str = "") -> None:
        super().__init__(table, hint=hint)
        self._holds = holds

    def _rows(self) -> dict[str, Any]:
        return {name: row for name, row in super()._rows().items() if self._holds(row)}


class Column(View):
    """One field of each row of a table."""

    def __init__(self, table: Mapping[str, Any], field: str) -> None:
        super().__init__(table)
        self._field = field

    def _rows(self) -> dict[str, Any]:
        return {name: getattr(row, self._field) for name, row in super()._rows().items()}
