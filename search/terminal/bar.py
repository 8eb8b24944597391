"""The progress bar of a study, for terminals."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.text import Text

from search.results.progress import Progress
from search.terminal.status import heading, lost, status


class StatusColumn(ProgressColumn):
    """Best score and counts of failures, computed when the line is drawn (a few times a second), not per trial."""

    def __init__(self, scoring: str) -> None:
        super().__init__()
        self._scoring = scoring

    def render(self, task: Task) -> Text:
        progress: Progress | None = task.fields["progress"]
        if progress is None:
            return Text()
        try:
            return Text(status(progress, self._scoring))
        except Exception as error:  # the thread that draws would end with a traceback
            return Text(lost(error))


class ProgressBar:
    """Appears with the first report: before that, a mistake in the study may still end it with one line."""

    def __init__(self, title: str, scoring: str, console: Console) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            StatusColumn(scoring),
        )
        self._title, self._console = title, console
        self._bar = Bar(*columns, TimeRemainingColumn(), console=console)
        self._task = self._bar.add_task("trials", progress=None)

    def start(self) -> None:
        """Do nothing: the bar starts with the first report."""

    def show(self, progress: Progress) -> None:
        """Draw the current state."""
        if not self._bar.live.is_started:
            for line in heading(self._title, progress):
                self._console.print(line)
            self._bar.start()
        done = len(progress.outcomes)
        self._bar.update(
            self._task, description=progress.stage, total=progress.n_trials, completed=done, progress=progress
        )

    def stop(self) -> None:
        """Draw the final state."""
        self._bar.stop()
