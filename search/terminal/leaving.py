"""What leaves the program for a terminal, a log or a pipe: one line each, no passwords, nothing that acts on a terminal."""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import IO, cast

from search.errors import one_line
from search.tables.secrets import masked

STORES = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")
"""Environment variables with an address, whose password is looked for by itself, too."""


def told(text: object) -> str:
    """Return a text as one line that may be shown.

    >>> print(told("postgresql://me:s3cret@host/db" + chr(27) + "]52;c;cHduZWQ="))
    postgresql://***@host/db\\u001b]52;c;cHduZWQ=
    """
    return masked(one_line(text), *(os.environ.get(name, "") for name in STORES))


def tell(text: object) -> None:
    """Write a line to the error stream."""
    print(told(text), file=sys.stderr)


@contextmanager
def notes_told(wanted: bool) -> Iterator[None]:
    """Have what the search logs told during the body, or only its errors."""
    import logging  # late, to keep --help fast

    logger = logging.getLogger("search")
    before = logger.level
    if not wanted:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Write a traceback as Python does, each of its lines as one that may be shown. For ``sys.excepthook``."""
    text = "".join(traceback.format_exception(kind, error, trace)).rstrip("\n")
    for each in _chain(error):
        if "\n" in str(each):  # else the message would go on in lines of its own
            text = text.replace(str(each), one_line(each))
    for line in text.split("\n"):
        tell(line)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception, those that it came from, and those of a group."""
    known: set[int] = set()
    waiting = [error]
    while waiting:
        each = waiting.pop()
        if each is not None and id(each) not in known:
            known.add(id(each))
            yield each
            waiting += [each.__cause__, each.__context__, *getattr(each, "exceptions", ())]


class Screen:
    """A text stream to a terminal, for tables: all lines stay lines, and nothing in them acts on it."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return self._stream.write("\n".join(map(one_line, text.split("\n"))))

    def flush(self) -> None:
        self._stream.flush()


def screen(stream: IO[str]) -> IO[str]:
    """Return a stream for a table: as it is for files and pipes, which get every character, and safe for a terminal."""
    return cast(IO[str], Screen(stream)) if stream.isatty() else stream


@contextmanager
def warnings_told() -> Iterator[None]:
    """Write each warning during the body as one line that may be shown."""
    before = warnings.formatwarning

    def one(
        message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
    ) -> str:
        return told(f"{filename}:{lineno}: {category.__name__}: {message}") + "\n"

    warnings.formatwarning = one
    try:
        yield
    finally:
        warnings.formatwarning = before
