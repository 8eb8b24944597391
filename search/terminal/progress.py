"""The progress of a study where it is read: a bar in a terminal, lines in a pipe or a file, documents for programs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console

from search.results.progress import Progress
from search.terminal.bar import ProgressBar
from search.terminal.lines import ProgressDocuments, ProgressLines
from search.terminal.status import tell_lost


class Display(Protocol):
    """Draws the state of a study."""

    def start(self) -> None: ...

    def show(self, progress: Progress) -> None: ...

    def stop(self) -> None: ...


@contextmanager
def shown(title: str, scoring: str, console: Console) -> Iterator[Callable[[Progress], None]]:
    """Show progress during the body, which receives the function to call with each new state."""
    display = Spared(_display(title, scoring, console))
    display.start()
    try:
        yield display.show
    finally:
        display.stop()


def _display(title: str, scoring: str, console: Console) -> Display:
    if getattr(console, "tells_programs", False):
        return ProgressDocuments(title, scoring, Console(file=sys.stderr))
    if console.quiet:
        return Nothing()
    kind = ProgressBar if redraws(console) else ProgressLines
    return kind(title, scoring, console)


class Spared:
    """A display whose failure does not end the study: it is told in one line, and nothing more is shown."""

    def __init__(self, display: Display) -> None:
        self._display: Display | None = display

    def start(self) -> None:
        """Begin."""
        with self._failing() as display:
            display.start()

    def show(self, progress: Progress) -> None:
        """Draw a state."""
        with self._failing() as display:
            display.show(progress)

    def stop(self) -> None:
        """Draw the final state."""
        with self._failing() as display:
            display.stop()

    @contextmanager
    def _failing(self) -> Iterator[Display]:
        try:
            yield self._display or Nothing()
        except Exception as error:  # of a terminal, or a bug: neither is worth a study
            self._display = None
            tell_lost(error)


class Nothing:
    """A display that shows nothing."""

    def start(self) -> None:
        """Do nothing."""

    def show(self, progress: Progress) -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Do nothing."""


def redraws(console: Console) -> bool:
    """Return whether a line can be drawn again: not in pipes and files, even if colors are forced there."""
    return console.file.isatty() and not console.is_dumb_terminal and not console.quiet
