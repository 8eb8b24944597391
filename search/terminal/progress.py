"""The progress of a study where it is read: a bar in a terminal, lines in a pipe or a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

from search.results.progress import Progress
from search.terminal.bar import ProgressBar
from search.terminal.lines import ProgressLines


@contextmanager
def shown(title: str, scoring: str, console: Console) -> Iterator[Callable[[Progress], None]]:
    """Show progress during the body, which receives the function to call with each new state."""
    kind = ProgressBar if redraws(console) else ProgressLines
    display = kind(title, scoring, console)
    display.start()
    try:
        yield display.show
    finally:
        display.stop()


def redraws(console: Console) -> bool:
    """Return whether a line can be drawn again: not in pipes and files, even if colors are forced there."""
    return console.file.isatty() and not console.is_dumb_terminal and not console.quiet
