"""The figures of a study in its report: where each stands, and what it shows."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import NamedTuple

from matplotlib.figure import Figure

from search.plots.canvas import Drawing, png
from search.report.markup import Markup, joined, tag

LARGEST, SMALL_DPI = 300_000, 100
"""Bytes of a picture from which on it is drawn again with fewer dots: a page with ten of them is to have less than 3 MB."""


class Place(NamedTuple):
    """Where a figure stands: its section, its title, and what can be read from it."""

    section: str
    title: str
    caption: str


PLACES = {
    "importance": Place(
        "mattered", "Importance of the hyperparameters", "How much of the scores each hyperparameter explains."
    ),
    "parameters": Place(
        "mattered",
        "Score and each hyperparameter",
        "Each mark is a trial. Values at which all marks lie at the worse edge are values at which training diverges.",
    ),
    "parallel_coordinates": Place(
        "mattered", "Whole configurations", "Each line is a trial, from its values to its score."
    ),
    "contour": Place(
        "mattered", "Two hyperparameters together", "The score over two of them, and where training diverges."
    ),
    "history": Place(
        "search",
        "The search, trial by trial",
        "The best score so far is the line. Diverged trials lie at the worse edge.",
    ),
    "learning_curves": Place(
        "search",
        "Learning curves of the best trials",
        "Solid is the loss of the validation rows, dashed that of the training rows; the mark is the best number of epochs.",
    ),
    "fold_scores": Place("search", "Scores of the folds", "The best trials and the baselines, fold by fold."),
    "size": Place("search", "Score and size", "The line joins the trials that no smaller one is better than."),
    "residuals": Place("search", "Errors on rows that were held out", "What the best trial misses by, and where."),
    "predictions": Place("search", "Predictions and true values", "Of rows that were held out."),
    "confusion_matrix": Place("search", "Classes that are confused", "Of rows that were held out."),
    "roc": Place("search", "ROC curves", "Of rows that were held out."),
    "stability_map": Place("diverged", "Where training diverges", "The region of the space in which it does."),
}
"""Figures by their names, in the order of the page; a figure without a row stands at the end of the section "search"."""


def pictures(figures: Mapping[str, Figure], section: str) -> Markup:
    """Return the figures of one section."""
    known = [name for name in PLACES if name in figures]
    others = [name for name in figures if name not in PLACES]
    places = {
        name: PLACES.get(name) or Place("search", name.replace("_", " ").capitalize(), "") for name in [*known, *others]
    }
    return joined(_picture(figures[name], place) for name, place in places.items() if place.section == section)


def _picture(figure: Figure, place: Place) -> Markup:
    caption = [tag("b", place.title), *([". ", place.caption] if place.caption else [])]
    return tag(
        "figure",
        tag("img", src=_png(figure), alt=f"{place.title}. {place.caption}".strip()),
        tag("figcaption", *caption),
    )


def _png(figure: Figure) -> Markup:
    """Return a figure as the address of an image; the same figure is the same text."""
    drawn = figure.png() if isinstance(figure, Drawing) else png(figure, SMALL_DPI)
    if len(drawn) > LARGEST:
        drawn = png(figure, SMALL_DPI)
    return Markup(f"data:image/png;base64,{base64.b64encode(drawn).decode('ascii')}")
