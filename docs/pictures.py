"""Make the picture of `architecture.md` and those of `plots.md` from fits on scikit-learn's digits: `make pictures`."""

from __future__ import annotations

import warnings
from functools import cache
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from bpmodel import (
    ActivationDisplay,
    BPClassifier,
    DivergenceWarning,
    GradientFlowDisplay,
    HealthDisplay,
    StabilityMapDisplay,
)
from docs import way_of_a_trial
from search import BPSearchCV, plots

FOLDER = Path(__file__).with_name("images")
DPI = 110


def digits() -> tuple[np.ndarray, np.ndarray]:
    X, y = load_digits(return_X_y=True)
    return X / 16, y


def activations() -> Figure:
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    ActivationDisplay.from_names(ax=figure.subplots(1, 2))
    return figure


def gradient_flow() -> Figure:
    """Ten hidden layers: logistic units, through which gradients vanish, and relu units with matching initial weights."""
    X, y = digits()
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    for ax, activation, init in zip(
        figure.subplots(1, 2, sharey=True), ("logistic", "relu"), ("auto", "he_uniform"), strict=True
    ):
        network = BPClassifier(hidden_layer_sizes=(32,) * 10, activation=activation, init=init, max_iter=64, tol=0)
        network.set_params(learning_rate_init=0.0003, n_iter_no_change=64, random_state=0).fit(X, y)
        GradientFlowDisplay.from_estimator(network, ax=ax)
        ax.set_title(f"10 hidden layers, {activation}")
    return figure


def health() -> Figure:
    """A fit that ends by early stopping, and one whose learning rate rises until it diverges."""
    X, y = digits()
    figure = Figure(figsize=(12, 4.2), layout="constrained")
    options = {"learning rate 0.05": {"learning_rate_init": 0.05, "early_stopping": True}}
    rising = {"learning_rate_init": 20, "warmup_epochs": 30, "n_iter_no_change": 60, "activation": "leaky_relu"}
    options["learning rate rising to 20"] = rising
    X_train, X_val, y_train, y_val = train_test_split(X, y, random_state=0)
    for ax, (title, values) in zip(figure.subplots(1, 2), options.items(), strict=True):
        network = BPClassifier(solver="sgd", random_state=0, **values).fit(X_train, y_train, X_val=X_val, y_val=y_val)
        HealthDisplay.from_estimator(network, ax=ax)
        ax.set_title(title)
    return figure


def stability() -> Figure:
    """Full batches, plain gradient descent: tanh diverges where theory predicts it, relu survives longer steps."""
    X, y = digits()
    figure = Figure(figsize=(13, 4.2), layout="constrained")
    for ax, activation in zip(figure.subplots(1, 2), ("tanh", "relu"), strict=True):
        network = BPClassifier(hidden_layer_sizes=(64,), activation=activation, solver="sgd", momentum=0)
        network.set_params(batch_size=len(X), max_iter=80, tol=0, n_iter_no_change=80)
        StabilityMapDisplay.from_estimator(
            network,
            X,
            y,
            learning_rates=np.geomspace(0.05, 25.6, 10),
            values=[1, 2, 3, 4, 6, 8],
            random_state=0,
            ax=ax,
        )
        ax.set_title(activation, loc="right")
    return figure


@cache
def searched() -> BPSearchCV:
    """A search on digits in which high learning rates diverge, the earlier the deeper the network is."""
    X, y = digits()
    network = BPClassifier(solver="sgd", activation="relu", max_iter=12, tol=0)
    space = {
        "learning_rate_init": (1e-3, 10.0, "log"),
        "hidden_layer_sizes": [[32], [32] * 3, [32] * 6],
        "alpha": (1e-5, 1.0, "log"),
        "batch_size": [32, 128],
    }
    return BPSearchCV(network, space, n_trials=60, cv=3, random_state=0, scoring="neg_log_loss").fit(X, y)


PICTURES = {
    "architecture": way_of_a_trial.draw,
    "activations": activations,
    "gradient_flow": gradient_flow,
    "health": health,
    "stability_map": stability,
    "search_parallel_coordinates": lambda: plots.parallel_coordinates(searched()),
    "search_contour": lambda: plots.contour(searched()),
    "search_importance": lambda: plots.importance(searched()),
    "search_stability_map": lambda: plots.stability_map(searched()),
    "search_fold_scores": lambda: plots.fold_scores(searched()),
    "search_confusion_matrix": lambda: plots.confusion_matrix(searched()),
}

if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DivergenceWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)  # of fits that are as long as the picture is wide
        for name, draw in PICTURES.items():
            draw().savefig(FOLDER / f"{name}.png", dpi=DPI)
