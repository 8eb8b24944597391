"""How well the probabilities of the best trial tell classes apart, in rows that it was not trained on."""

from __future__ import annotations

from itertools import cycle
from typing import Any

from matplotlib.figure import Figure

from bpmodel.colors import COLORS, GREY
from search.plots.canvas import canvas, legend_below, plain_look
from search.plots.fonts import drawable, families
from search.plots.labels import shortened
from search.plots.subject import subject

STYLES = ("-", "--", "-.", ":")
"""Lines of classes that share a color."""


@plain_look()
def roc(result: Any) -> Figure:
    """Plot the ROC curve of each class against all others, and precision against recall, from out-of-fold probabilities.

    Of two classes, one has the curve. Of more than ten, the most frequent ten have one.

    Parameters
    ----------
    result : BPSearchCV or Result
        Of a classification with probabilities.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        If there are no out-of-fold probabilities.
    """
    told = subject(result).out_of_fold
    if told is None or not told.curves:
        raise ValueError("there are no out-of-fold probabilities to draw")
    figure, (left, right) = canvas(3.6 + 0.12 * len(told.curves), 1, 2)
    left.plot([0, 1], [0, 1], color=GREY, lw=1, ls=":")
    looks = zip(cycle(COLORS), (style for style in STYLES for _ in COLORS), told.curves, strict=False)
    for color, style, curve in looks:
        text = f"{drawable(shortened(curve.name, 16))}: AUC {curve.area:.3f}, AP {curve.average_precision:.3f}"
        left.plot(*curve.roc, color=color, ls=style, lw=1.5, label=text)
        right.plot(*curve.precision_recall, color=color, ls=style, lw=1.5, drawstyle="steps-pre")
    left.set(xlabel="false positive rate", ylabel="true positive rate\nor precision", title="ROC")
    right.set(xlabel="recall", title="precision")
    for axes in (left, right):
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    figure.suptitle(f"Trial {told.trial}, rows it was not trained on", fontsize="medium")
    legend_below(figure, columns=1 if len(told.curves) < 4 else 2)
    for told_of in figure.legends[0].get_texts():
        told_of.set_fontfamily(families())
    return figure
