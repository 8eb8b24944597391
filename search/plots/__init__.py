"""Figures of a search: of a fitted `BPSearchCV`, or of the result of a study.

Each function returns a Matplotlib figure, and draws in `ax` if it has one panel and is given one.

>>> from sklearn.datasets import load_diabetes
>>> from bpmodel import BPRegressor
>>> from search import BPSearchCV, plots
>>> X, y = load_diabetes(return_X_y=True)
>>> model = BPRegressor(hidden_layer_sizes=(8,), scale_target=True, max_iter=20)
>>> space = {"learning_rate_init": (1e-3, 1.0, "log"), "alpha": (1e-3, 1.0, "log")}
>>> search = BPSearchCV(model, space, n_trials=5, cv=3, random_state=0).fit(X, y)
>>> plots.history(search).axes[0].get_xlabel()
'trial'
>>> from matplotlib.figure import Figure
>>> panels = Figure().subplots(1, 2)
>>> plots.fold_scores(search, ax=panels[1]) is panels[1].figure
True
>>> len(plots.residuals(search).axes)
2
"""

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

__all__ = [
    "confusion_matrix",
    "contour",
    "fold_scores",
    "history",
    "importance",
    "learning_curves",
    "parallel_coordinates",
    "parameters",
    "residuals",
    "roc",
    "size",
    "stability_map",
]
