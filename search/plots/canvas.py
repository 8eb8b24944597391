"""What the figures of a study share: a size for phones, the scale of scores, short labels of logarithmic axes."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, Locator, LogLocator, MaxNLocator, NullFormatter
from numpy.typing import NDArray
from PIL import Image

from bpmodel.colors import GREY
from bpmodel.functions.scaling import FARTHEST
from search import formatting
from search.errors import StudyError
from search.files import writing
from search.trials.baselines import Baseline
from search.trials.outcomes import Outcome

DPI, WIDTH = 200, 5.6
"""With this width in inches, 10 points are 10 pixels where the figure is 390 pixels wide, as on a phone."""

GOOD_SHARE = 0.75
"""Share of the finished trials, the best ones, that fill most of a plot."""

BEYOND = 1.5
"""A plot reaches this many times as far below the best trial as the worst of these trials."""

LARGEST = FARTHEST
"""Numbers are drawn up to here, because squares and differences of what is drawn have to be finite."""

SAME = 1e-9
"""Numbers that differ by a smaller share have the same place."""

MARGIN, STRIP = 0.06, 0.14
"""Heights of the margins, and of the strip for trials off the scale, as shares of the scores that are shown."""


@contextmanager
def plain_look() -> Iterator[None]:
    """Draw with Matplotlib's own settings: a ``matplotlibrc`` of the current folder, which may be a stranger's, does not count.

    It may ask for LaTeX, which is a program that has to be there, and that names of others would be commands for.
    """
    with style.context("default"):  # but for the backend and the like, which stay as they are
        yield


class Drawing(Figure):
    """A figure that is saved with the settings with which it was drawn."""

    _picture: bytes | None = None

    def savefig(self, *arguments: Any, **options: Any) -> None:
        """Save the figure in a file; a PNG with little compression, which costs a tenth of the time of drawing more."""
        kind = options.get("format") or Path(str(arguments[0] if arguments else options.get("fname", ""))).suffix
        if kind.removeprefix(".").lower() == "png":
            options.setdefault("pil_kwargs", {"compress_level": 1})
        with plain_look():
            super().savefig(*arguments, **options)

    def png(self) -> bytes:
        """Return the figure as a PNG file, which is drawn once: the same figure is the same bytes."""
        if self._picture is None:
            self._picture = png(self, DPI)
        return self._picture


def png(figure: Figure, dpi: float) -> bytes:
    """Return a figure as a PNG file; nothing in it tells when, or by which version, it was drawn.

    `Figure.savefig` would draw it twice, the first time to find the layout, which drawing does anyway.
    """
    stream, canvas, own = io.BytesIO(), figure.canvas, figure.dpi
    try:
        figure.dpi, agg = dpi, FigureCanvasAgg(figure)
        with plain_look():
            agg.draw()
    finally:
        figure.set_canvas(canvas)
        figure.dpi = own
    dots = Image.fromarray(np.asarray(agg.buffer_rgba())).convert("RGB")
    dots.save(stream, "png", dpi=(dpi, dpi), compress_level=1)
    return stream.getvalue()


def canvas(height: float, rows: int = 1, columns: int = 1, *, sharey: bool = True) -> tuple[Figure, Sequence[Axes]]:
    """Return a figure and its panels, row by row."""
    figure = Drawing(figsize=(WIDTH, height), dpi=DPI, layout="constrained")
    panels = list(figure.subplots(rows, columns, squeeze=False, sharey=sharey).flat)
    for axes in panels:
        _plain(axes)
    return figure, panels


def panel(ax: Axes | None, height: float) -> tuple[Figure, Axes]:
    """Return a figure of one panel; it is that of `ax`, if it is given."""
    if ax is None:
        figure, (ax,) = canvas(height)
        return figure, ax
    _plain(ax)
    return ax.get_figure(root=True), ax  # type: ignore[return-value]


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.2)


PICTURES = (".png", ".svg", ".pdf")
"""Endings of the files in which figures are saved."""


def check(path: Path) -> None:
    """Check that a figure may be saved in a file; one that exists is replaced.

    Raises
    ------
    StudyError
        If its ending is not one of `PICTURES`, it is a link or no file, or its folder does not exist.
    """
    if path.suffix.lower() not in PICTURES:
        raise StudyError(f"--plot {path}: the name must end in one of {', '.join(PICTURES)}")
    writing.check(path, "--plot")


def save(figure: Figure, path: Path) -> None:
    """Save a figure in a file, which is complete or not there.

    Raises
    ------
    StudyError
        If it cannot be written.
    """
    with writing.replacing(path, "--plot") as draft:
        figure.savefig(draft, format=path.suffix.lower().removeprefix("."))


def legend_below(figure: Figure, columns: int = 2) -> None:
    """Put one legend for all panels below them."""
    found = {
        text: handle for axes in figure.axes for handle, text in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    look: dict[str, Any] = {"frameon": False, "fontsize": 9, "columnspacing": 1.2, "handlelength": 1.8}
    figure.legend(list(found.values()), list(found), loc="outside lower center", ncols=columns, **look)


def legend(figure: Figure, ax: Axes | None, columns: int = 2) -> None:
    """Put the legend below the figure, or inside of a panel `ax` that somebody else has made."""
    if ax is None:
        legend_below(figure, columns)
    elif ax.get_legend_handles_labels()[1]:
        ax.legend(fontsize=8)


def say(axes: Axes, text: str) -> None:
    """Write why there is nothing to draw in the middle of a panel."""
    axes.set_axis_off()
    lines = textwrap.fill(text, 44)
    axes.text(0.5, 0.5, lines, transform=axes.transAxes, ha="center", va="center", color=GREY, fontsize="large")


def bounded(values: Any) -> NDArray[np.float64]:
    """Return numbers that can be drawn: further ones are drawn at `LARGEST`, and what is no number stays as it is.

    >>> bounded([0.5, -1.7e308]).tolist()
    [0.5, -1e+100]
    """
    return np.clip(np.asarray(values, dtype=np.float64), -LARGEST, LARGEST)


def width(one: float, other: float) -> float:
    """Return how far apart the ends of a scale are; of ends that are equal but for rounding, a part of them, or 1.

    >>> width(0.5, 0.25), width(0.5, 0.5), width(1e17, 1e17)
    (0.25, 1.0, 1e+16)
    """
    apart, largest = abs(one - other), max(abs(one), abs(other))
    return apart if apart > SAME * largest else max(1.0, largest / 10)


@dataclass(frozen=True)
class Scale:
    """The axis of scores, as people say them: an error has no sign, and lower is better.

    Attributes
    ----------
    name : str
        Name of the metric.
    sign : int
        Converts a score to it.
    best, worst : float
        The scores that are shown lie between them, in the metric's sign.
    strip : bool
        Whether there is a strip on the worse side, for trials without a place on the scale.
    """

    name: str
    sign: int
    best: float
    worst: float
    strip: bool

    @property
    def label(self) -> str:
        """The label of the axis."""
        return f"{self.name}\n({'lower' if self.sign < 0 else 'higher'} is better)"

    @property
    def height(self) -> float:
        """Difference of the scores that are shown; of equal ones, one that can be seen beside them."""
        return width(self.best, self.worst)

    @property
    def edge(self) -> float:
        """Where trials without a place are drawn: in the middle of the strip."""
        return self.worst - self.sign * (MARGIN + STRIP / 2) * self.height

    @property
    def strip_limits(self) -> tuple[float, float]:
        """The two sides of the strip, the one towards the scale first."""
        return self.worst - self.sign * MARGIN * self.height, self.worst - self.sign * (MARGIN + STRIP) * self.height

    @property
    def limits(self) -> tuple[float, float]:
        """The limits of the axis, from bottom to top."""
        ends = self.best + self.sign * MARGIN * self.height, self.strip_limits[1 if self.strip else 0]
        return min(ends), max(ends)

    def value(self, score: float) -> float:
        """Return a score in the metric's sign."""
        return self.sign * score

    def holds(self, score: float) -> bool:
        """Return whether a score has a place on the scale."""
        low, high = sorted((self.best, self.worst))
        return low <= self.value(score) <= high

    def place(self, outcome: Outcome) -> float:
        """Return where a trial is drawn."""
        return self.value(outcome.score) if self.holds(outcome.score) else self.edge


def scale_of(outcomes: Mapping[int, Outcome], baselines: Sequence[Baseline], scoring: str) -> Scale:
    """Return a scale that good trials fill: bad ones and the dummy predictor, if far away, lie beyond its worse end.

    It begins at the best trial and ends `BEYOND` times as far away as the `GOOD_SHARE` best finished trials reach, but
    not beyond the worst trial or the dummy predictor, which is the first baseline. Baselines at most half as far away
    again are included. Finished trials that are all equal say nothing about a scale: then it holds all baselines.
    """
    name, sign = formatting.metric(scoring)
    scores = [o.score for o in outcomes.values() if np.isfinite(o.score)]
    finished = [o.score for o in outcomes.values() if o.healthy and np.isfinite(o.score)] or scores
    yardsticks = [b.score for b in baselines]
    best, worst = max(scores + yardsticks, default=1.0), min(yardsticks or scores, default=0.0)
    reach = BEYOND * float(np.ptp([max(finished), np.quantile(finished, 1 - GOOD_SHARE)])) if finished else 0.0
    if reach > 0:
        best, worst = max(scores), max(max(finished) - reach, min(scores))
        worst = max([worst, *(score for score in yardsticks[:1] if score < best)])
        near = [score for score in yardsticks if worst - reach / 2 <= score <= best + reach / 2]
        best, worst = max([best, *near]), min([worst, *near])
    strip = any(not worst <= o.score <= best for o in outcomes.values())
    return Scale(name, sign, sign * best, sign * worst, strip)


def logarithmic(axis: Axis, low: float, high: float) -> None:
    """Give a logarithmic axis short labels: powers of ten, and values between them where there are few.

    Parameters
    ----------
    axis : matplotlib Axis
        Its scale is already logarithmic.
    low, high : float
        The range of the values.
    """
    axis.set_major_locator(next(locator() for most, locator in LOCATORS.items() if high / low <= most))
    axis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    axis.set_minor_formatter(NullFormatter())


LOCATORS: dict[float, Callable[[], Locator]] = {
    3.0: lambda: MaxNLocator(4),
    10.0: lambda: LogLocator(subs=(1.0, 2.0, 3.0, 4.0, 6.0, 8.0)),
    100.0: lambda: LogLocator(subs=(1.0, 2.0, 5.0)),
    np.inf: LogLocator,
}
"""Ticks of a logarithmic axis, by the largest ratio of its ends."""


def short(value: float) -> str:
    """Format the label of a tick.

    >>> short(0.2), short(1000.0), short(1e-4), short(2e5)
    ('0.2', '1000', '$10^{-4}$', '$2\\\\cdot10^{5}$')
    """
    if value <= 0 or 1e-3 <= value < 1e4:
        return f"{value:g}"
    power = int(np.floor(np.log10(value) + 1e-9))
    factor = f"{value / 10.0**power:.3g}"
    return f"$10^{{{power}}}$" if factor == "1" else f"${factor}\\cdot10^{{{power}}}$"
