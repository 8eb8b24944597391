"""A block of the document: a table, a note on how it was measured, and an optional figure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from benchmarks.common import grid

IMAGES = Path(__file__).parents[1] / "images"


class Block(NamedTuple):
    """What one module measured; `caption` describes the figure."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str
    figure: Figure | None = None
    caption: str = ""

    def text(self, name: str) -> str:
        """Return the block as Markdown, with a link to the figure that `save` writes."""
        parts = [grid(self.head, self.rows), self.note]
        if self.figure is not None:
            parts.append(f"![{self.caption}](images/{image(name)})")
        return "\n\n".join(parts)

    def save(self, name: str, folder: Path = IMAGES) -> None:
        """Write the figure, if there is one."""
        if self.figure is not None:
            self.figure.savefig(folder / image(name), dpi=110)


def image(name: str) -> str:
    """Return the file name of a block's figure."""
    return f"article_{name}.png"


def number(value: float) -> str:
    """Return a number as text with two significant digits.

    >>> number(0.00123), number(1234.0), number(0.5), number(31e9), number(float("inf"))
    ('0.0012', '1200', '0.5', '3.1e10', 'not finite')
    """
    if not np.isfinite(value):
        return "not finite"
    if value != 0 and not 1e-4 <= abs(value) < 1e5:
        digits, exponent = f"{value:.1e}".split("e")
        return f"{digits}e{int(exponent)}"
    return f"{float(f'{value:.2g}'):g}"


def percent(flags: Iterable[bool]) -> str:
    """Return the share of true values as text.

    >>> percent([True, False, False])
    '33 %'
    """
    return f"{100 * np.mean(list(flags)):.0f} %"


def median(values: Iterable[float]) -> str:
    """Return the median as text; a value that is not a number counts as infinite."""
    return number(float(np.median(np.nan_to_num(list(values), nan=np.inf, posinf=np.inf))))


def score(value: float) -> str:
    """Return R^2 as text; all negative values read "below 0".

    >>> score(0.8123), score(-12.0)
    ('0.81', 'below 0')
    """
    return f"{value:.2f}" if value >= 0 else "below 0"
