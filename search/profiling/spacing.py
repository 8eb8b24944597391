"""How far apart the steps of a series are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.profiling import limits
from search.profiling.evidence import DAY
from search.tables.reading import number

UNITS = (("week", 7 * 86_400), ("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
SEASONS = {"hour": 24, "day": 7, "week": 52, "minute": 60, "month": 12, "quarter": 4}
"""Steps of the season that is most usual, by the length of a step."""


@dataclass(frozen=True)
class Spacing:
    """The steps of a series.

    Attributes
    ----------
    step : str
        The most frequent step, such as "1 hour"; empty if it has no unit.
    regular : bool
        Whether at least `REGULAR` of the steps are this long.
    gaps, missing, doubled : int
        Places where steps are missing, the number of missing steps, and times that occur more than once.
    season : int
        Steps in a season, or 10 where none is usual.
    """

    step: str
    regular: bool
    gaps: int
    missing: int
    doubled: int
    season: int

    def __str__(self) -> str:
        """Return the spacing in words."""
        if not self.regular:
            words = ["the steps have different lengths"]
        else:
            words = [f"a step is {self.step}" if self.step else "the steps are equal"]
            words.append(f"{number(self.gaps, 'gap')} ({number(self.missing, 'step')} missing)" if self.gaps else "")
        words.append(f"{number(self.doubled, 'time')} {'occurs' if self.doubled == 1 else 'occur'} more than once")
        return ", ".join(word for word in (words if self.doubled else words[:-1]) if word)


def spacing(times: NDArray[np.float64], dates: bool) -> Spacing:
    """Return the spacing of times: days since 1970 if they are dates, else plain numbers.

    Dates that all lie on the same day of the month, or on its last one, are counted in months.

    Examples
    --------
    >>> str(spacing(np.array([0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 12]) / 24, dates=True))
    'a step is 1 hour, 1 gap (1 step missing), 1 time occurs more than once'
    """
    distinct, counts = np.unique(times, return_counts=True)
    doubled = int((counts > 1).sum())
    places = np.round(distinct * DAY) if dates else distinct
    months = _months(distinct) if dates else None
    steps = np.diff(places if months is None else months)
    if not len(steps):
        return Spacing("", False, 0, 0, doubled, 10)
    lengths, frequencies = np.unique(np.round(steps, 9), return_counts=True)
    modal = float(lengths[frequencies.argmax()])
    multiples = np.round(steps / modal)
    wide = multiples > 1
    regular = float(frequencies.max()) / len(steps) >= limits.REGULAR
    count, unit = _named(int(modal), months is not None) if dates else (0, "")
    season = SEASONS.get(unit, 10) if count == 1 else 10
    step = number(count, unit) if dates else ""
    return Spacing(step, regular, int(wide.sum()), int((multiples[wide] - 1).sum()), doubled, season)


def _months(days: NDArray[np.float64]) -> NDArray[np.int64] | None:
    """Return the months of dates, if each has one date on the same day, or on its last day."""
    seconds = np.round(days * DAY).astype("datetime64[s]")
    months = seconds.astype("datetime64[M]")
    first = seconds - months.astype("datetime64[s]")
    last = (months + 1).astype("datetime64[s]") - seconds
    if np.unique(first).size > 1 and np.unique(last).size > 1:
        return None
    return months.astype(np.int64) if len(months) > 1 else None


def _named(step: int, in_months: bool) -> tuple[int, str]:
    """Return a step as a count and a unit.

    >>> _named(7200, False), _named(3, True), _named(24, True)
    ((2, 'hour'), (1, 'quarter'), (2, 'year'))
    """
    if in_months:
        size, unit = next(s for s in ((12, "year"), (3, "quarter"), (1, "month")) if step % s[0] == 0)
        return step // size, unit
    return next(((step // size, unit) for unit, size in UNITS if step and step % size == 0), (step, "second"))
