"""The progress of a study in a terminal: drawn again and again, in one line, or in two where the terminal is narrow."""

from __future__ import annotations

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar as Bar
from rich.table import Table
from rich.text import Text

from search.results.progress import Progress
from search.terminal import status
from search.terminal.course import Course

WIDTH, NARROW = 24, 10
"""Columns of the bar, and in a narrow terminal."""

STYLES = {"stopped": "cyan", "diverged": "red", "error": "red"}
"""Styles of counts that are not 0; the words stand beside them."""


class ProgressBar:
    """Appears with the first report: before that, a mistake in the study may still end it with one line."""

    def __init__(self, title: str, scoring: str, console: Console) -> None:
        self._title, self._scoring, self._console = title, scoring, console
        self._course = Course()
        self._live = Live(get_renderable=self._safely, console=console, refresh_per_second=4)

    def start(self) -> None:
        """Do nothing: the bar starts with the first report."""

    def show(self, progress: Progress) -> None:
        """Take note of the current state, which is drawn a few times a second."""
        self._course.see(progress)
        if not self._live.is_started:
            for line in status.heading(self._title, progress):
                self._console.print(line)
            self._live.start()

    def stop(self) -> None:
        """Draw the final state."""
        self._live.stop()

    def _safely(self) -> RenderableType:
        try:
            return self._drawn()
        except Exception as error:  # the thread that draws would end with a traceback
            return Text(status.lost(error))

    def _drawn(self) -> RenderableType:
        """Return all parts in one line if they fit, or else how far it is, and below how good."""
        state = self._course.state
        if state is None:
            return Text()
        far, good = self._far(state), self._good(state)
        if sum(len(text.plain) + 2 for text in (*far, *good)) + WIDTH <= self._console.width:
            return _line(state, far[0], WIDTH, *good, *far[1:])
        return Group(_line(state, far[0], NARROW, *far[-1:]), _joined(good, self._console.width))

    def _far(self, state: Progress) -> list[Text]:
        """Return trials, rate and time left; at the end what is still to be done."""
        rate, left = self._course.rate, self._course.left
        done = Text(f"{state.stage} {len(state.outcomes)}/{state.n_trials}")
        if len(state.outcomes) >= state.n_trials:
            return [done, Text("fitting the best", "bright_black")]
        pace = [] if rate is None else [Text(status.rate(rate), "bright_black")]
        return [done, *pace, Text("left -" if left is None else f"left ~{status.duration(left)}")]

    def _good(self, state: Progress) -> list[Text]:
        """Return the best score and the counts."""
        counted = status.counts(state).items()
        counts = [Text(f"{name} {n}", STYLES.get(name, "") if n else "") for name, n in counted]
        return [Text(status.best(self._course, self._scoring), "bold"), *counts]


def _line(state: Progress, done: Text, width: int, *parts: Text) -> Table:
    grid = Table.grid(padding=(0, 1))
    for _ in range(2 + len(parts)):
        grid.add_column(no_wrap=True, overflow="ellipsis")
    grid.add_row(done, Bar(total=state.n_trials, completed=len(state.outcomes), width=width), *parts)
    return grid


def _joined(parts: list[Text], width: int) -> Text:
    line = Text("  ").join(parts)
    if len(line) > width:
        line = Text(" ").join(parts)
    line.no_wrap, line.overflow = True, "ellipsis"
    return line
