"""The line on the terminal that says where a running study stands."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.text import Text

from search.results import report
from search.trials.outcomes import VERDICTS
from search.tuning import Progress

COUNTED = [name for name in reversed(VERDICTS) if VERDICTS[name].counted]


class Standing(ProgressColumn):
    """Best score and counts of what failed, found when the line is drawn, some times a second, and not with every trial."""

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
    """Shows progress from its first report on: only then is it certain that nothing is wrong with the study."""

    def __init__(self, heading: str, scoring: str, console: Console) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn(), Standing(scoring))
        self._heading, self._console = heading, console
        self._bar = Bar(*columns, TimeRemainingColumn(), console=console)
        self._task = self._bar.add_task("trials", progress=None)

    def show(self, progress: Progress) -> None:
        """Show where the study stands."""
        if not self._bar.live.is_started:
            self._console.print(self._heading)
            self._bar.start()
        done = len(progress.outcomes)
        self._bar.update(
            self._task, description=progress.stage, total=progress.n_trials, completed=done, progress=progress
        )

    def stop(self) -> None:
        """Draw the line a last time."""
        self._bar.stop()
