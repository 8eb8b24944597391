"""The progress bar of a study."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.text import Text

from search.results import report
from search.results.progress import Progress
from search.trials.outcomes import VERDICTS

COUNTED = [name for name in reversed(VERDICTS) if VERDICTS[name].counted]


class StatusColumn(ProgressColumn):
    """Best score and counts of failures, computed when the line is drawn (a few times a second), not per trial."""

    def __init__(self, scoring: str) -> None:
        super().__init__()
        self._sign = report.metric(scoring)[1]

    def render(self, task: Task) -> Text:
        progress: Progress | None = task.fields["progress"]
        if progress is None:
            return Text()
        best, counts = progress.best, progress.counts
        score = report.number(self._sign * best.score) if best else "-"
        return Text("  ".join([f"best {score}", *(f"{name} {counts[name]}" for name in COUNTED)]))


class ProgressBar:
    """Appears with the first report: before that, a mistake in the study may still end it with one line."""

    def __init__(self, heading: str, scoring: str, console: Console) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            StatusColumn(scoring),
        )
        self._heading, self._console = heading, console
        self._bar = Bar(*columns, TimeRemainingColumn(), console=console)
        self._task = self._bar.add_task("trials", progress=None)

    def show(self, progress: Progress) -> None:
        """Draw the current state."""
        if not self._bar.live.is_started:
            self._console.print(self._heading)
            for note in progress.notes:
                self._console.print(f"data: {note}")
            self._bar.start()
        done = len(progress.outcomes)
        self._bar.update(
            self._task, description=progress.stage, total=progress.n_trials, completed=done, progress=progress
        )

    def stop(self) -> None:
        """Draw the final state."""
        self._bar.stop()
