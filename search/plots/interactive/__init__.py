"""Figures as HTML that shows the trial under the pointer: fragments for other pages, and pages of their own.

>>> from search.plots.subject import Subject
>>> history(Subject({})).startswith("<figure")
True
"""

from typing import Any

from search.plots.interactive.page import fragment, page
from search.plots.interactive.trials import data
from search.plots.subject import Subject, subject

HISTORY, PARALLEL = "Search history", "Trials as lines through their hyperparameters"

__all__ = ["history", "pages", "parallel_coordinates"]


def history(result: Any) -> str:
    """Return the score of each trial in the order of the search, as an HTML fragment with its own style and script.

    Parameters
    ----------
    result : BPSearchCV or Result
    """
    return fragment("history", HISTORY, data(subject(result)))


def parallel_coordinates(result: Any) -> str:
    """Return each trial as a line through its hyperparameters to its score, as an HTML fragment.

    Parameters
    ----------
    result : BPSearchCV or Result
    """
    return fragment("parallel", PARALLEL, data(subject(result)))


def pages(result: Any) -> dict[str, str]:
    """Return the pages of a study by the names of their files; those that have something to show."""
    drawn: Subject = subject(result)
    told = data(drawn)
    found = {"history": page(HISTORY, fragment("history", HISTORY, told))}
    if len(told["axes"]) > 1:
        found["parallel_coordinates"] = page(PARALLEL, fragment("parallel", PARALLEL, told))
    return found
