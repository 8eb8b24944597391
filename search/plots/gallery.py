"""The figures of a study: which there are, and when each has something to show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from matplotlib.figure import Figure

from search.plots.figures import contour as plane_of_scores
from search.plots.figures import stability_map as plane_of_divergence
from search.plots.figures.confusion_matrix import confusion_matrix
from search.plots.figures.contour import contour
from search.plots.figures.fold_scores import fold_scores
from search.plots.figures.history import history
from search.plots.figures.importance import importance
from search.plots.figures.learning_curves import learning_curves
from search.plots.figures.parallel_coordinates import parallel_coordinates
from search.plots.figures.parameters import parameters
from search.plots.figures.residuals import residuals
from search.plots.figures.roc import roc
from search.plots.figures.size import size
from search.plots.figures.stability_map import stability_map
from search.plots.subject import Subject, subject
from search.trials.outcomes import front


class Picture(NamedTuple):
    """A figure of a study: what draws it, and whether there is something to draw."""

    draw: Callable[[Any], Figure]
    worth: Callable[[Subject], bool]


PICTURES = {
    "history": Picture(history, lambda drawn: True),
    "parameters": Picture(parameters, lambda drawn: bool(drawn.space.axes)),
    "parallel_coordinates": Picture(parallel_coordinates, lambda drawn: len(drawn.ranked()) > 1),
    "importance": Picture(importance, lambda drawn: bool(drawn.importances.shares)),
    "contour": Picture(contour, lambda drawn: plane_of_scores.plane(drawn) is not None),
    "stability_map": Picture(
        stability_map,
        lambda drawn: any(o.diverged for o in drawn.outcomes.values()) and plane_of_divergence.plane(drawn) is not None,
    ),
    "learning_curves": Picture(
        learning_curves, lambda drawn: any(o.healthy and o.losses for o in drawn.outcomes.values())
    ),
    "fold_scores": Picture(fold_scores, lambda drawn: drawn.best is not None and len(drawn.best.fold_scores) > 1),
    "size": Picture(size, lambda drawn: len(front(drawn.outcomes)) > 1),
    "residuals": Picture(residuals, lambda drawn: drawn.out_of_fold is not None and bool(drawn.out_of_fold.outputs)),
    "confusion_matrix": Picture(
        confusion_matrix, lambda drawn: drawn.out_of_fold is not None and bool(drawn.out_of_fold.confusion)
    ),
    "roc": Picture(roc, lambda drawn: drawn.out_of_fold is not None and bool(drawn.out_of_fold.curves)),
}
"""All figures by the names of their files."""


def figures(result: Any) -> dict[str, Figure]:
    """Return all figures of a study that have something to show, by name."""
    drawn = subject(result)
    return {name: picture.draw(drawn) for name, picture in PICTURES.items() if picture.worth(drawn)}
