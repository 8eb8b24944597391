"""The picture of `architecture.md`: the way of one trial, from the command to the arithmetic and back."""

from __future__ import annotations

from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

SEARCH, NETWORK, EDGE = "#cfe3f3", "#f7dcc0", "#e6e6e6"
WIDTH, HEIGHT = 2.5, 0.72
PAPER = {"boxstyle": "square,pad=0.1", "fc": "white", "ec": "none"}


class Box(NamedTuple):
    """A file, what it does, its place, and its color."""

    file: str
    job: str
    x: float
    y: float
    color: str = SEARCH


BOXES = {
    "tune": Box("commands/tune.py", "reads the command line", 0, 6, EDGE),
    "tuning": Box("tuning.py", "study file, data, folds, plan", 0, 5),
    "experiment": Box("experiment.py", "search, refit, report", 0, 4),
    "runner": Box("loop/runner.py", "asks, evaluates, tells, records", 0, 3),
    "sampler": Box("samplers/", "propose a configuration", 4, 4),
    "penalties": Box("trials/penalties.py", "what a diverged trial is worth", 4, 3),
    "journal": Box("loop/journal.py", "keeps every finished trial", 0, 1.85, EDGE),
    "tracking": Box("tracking/", "MLflow: runs and model", 0, 0.85, EDGE),
    "evaluation": Box("trials/evaluation.py", "configuration x folds", 4, 1.85),
    "folds": Box("trials/side_by_side.py", "trains all folds to a checkpoint", 8, 1.85),
    "prepared": Box("trials/fold_fits.py", "columns prepared, fits begun", 8, 3),
    "scoring": Box("trials/scoring.py", "scores at the checkpoint", 8, 0.85),
    "training": Box("network/training.py", "one fit that can pause", 12, 1.85, NETWORK),
    "loop": Box("network/loop.py", "epochs and minibatches", 12, 3, NETWORK),
    "watch": Box("network/watch.py", "has the loss exploded?", 12, 5, NETWORK),
    "propagation": Box("network/propagation.py", "forward and backward pass", 12, 4, NETWORK),
    "functions": Box("functions/", "activations, losses, update rules", 8, 4, NETWORK),
}
ARROWS = [
    ("tune", "tuning", "study"),
    ("tuning", "experiment", "problem, space, plan"),
    ("experiment", "runner", ""),
    ("sampler", "runner", "configuration"),
    ("penalties", "sampler", "tell"),
    ("runner", "penalties", "outcome"),
    ("runner", "evaluation", "trial, cut-offs"),
    ("runner", "journal", "outcome"),
    ("journal", "tracking", ""),
    ("prepared", "folds", ""),
    ("evaluation", "folds", ""),
    ("folds", "scoring", ""),
    ("folds", "training", "advance"),
    ("training", "loop", ""),
    ("loop", "propagation", ""),
    ("propagation", "watch", ""),
    ("functions", "propagation", "linked in"),
]


def draw() -> Figure:
    """Return the picture."""
    figure = Figure(figsize=(13, 6.6), layout="constrained")
    ax = figure.subplots()
    for box in BOXES.values():
        _box(ax, box)
    for start, end, label in ARROWS:
        _arrow(ax, BOXES[start], BOXES[end], label)
    for x, y, name in ((0, 6.65, "search"), (12, 5.65, "bpmodel")):
        ax.text(x, y, name, ha="center", fontsize=13, fontweight="bold")
    ax.set(xlim=(-1.4, 13.4), ylim=(0.3, 6.9))
    ax.set_axis_off()
    return figure


def _box(ax: Axes, box: Box) -> None:
    corner = (box.x - WIDTH / 2, box.y - HEIGHT / 2)
    ax.add_patch(FancyBboxPatch(corner, WIDTH, HEIGHT, "round,pad=0,rounding_size=0.1", fc=box.color, ec="#555555"))
    ax.text(box.x, box.y + 0.13, box.file, ha="center", va="center", fontsize=10, family="monospace")
    ax.text(box.x, box.y - 0.17, box.job, ha="center", va="center", fontsize=9)


def _arrow(ax: Axes, start: Box, end: Box, label: str) -> None:
    dx, dy = end.x - start.x, end.y - start.y
    if dx:
        side = WIDTH / 2 if dx > 0 else -WIDTH / 2
        begin, stop = (start.x + side, start.y), (end.x - side, end.y)
    else:
        side = HEIGHT / 2 if dy > 0 else -HEIGHT / 2
        begin, stop = (start.x, start.y + side), (end.x, end.y - side)
    ax.annotate("", stop, begin, arrowprops={"arrowstyle": "-|>", "color": "#333333", "lw": 1.2})
    if label:
        middle = ((begin[0] + stop[0]) / 2, (begin[1] + stop[1]) / 2)
        place = {"ha": "center", "va": "center"} if dx else {"ha": "left", "va": "center"}
        shift = (0, 8 * (not dy)) if dx else (6, 0)
        ax.annotate(label, middle, shift, textcoords="offset points", fontsize=9, bbox=PAPER, **place)
