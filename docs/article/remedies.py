"""Which remedy cures which cause: one fault, one remedy, and the score on other rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bpmodel import BPRegressor
from bpmodel.options import ON_DIVERGENCE
from docs.article.block import Block
from docs.article.drawing import canvas
from docs.article.fits import Data, fit_all, friedman, healthy, r2

Remedy = Callable[[BPRegressor, BPRegressor], Any]
CURED = 0.9


def outlying(y: np.ndarray) -> np.ndarray:
    """Return targets of which one in a hundred is 100 standard deviations too high."""
    return y + 100 * y.std() * (np.arange(len(y)) % 100 == 0)


CAUSES: dict[str, tuple[dict[str, Any], Callable[[Data], Data]]] = {
    "rate too high": ({"learning_rate_init": 1.0}, lambda d: d),
    "weights too large": ({"init_gain": 5.0}, lambda d: d),
    "inputs not scaled": (
        {},
        lambda d: d._replace(X=d.X * np.logspace(0, 3, 10), X_val=d.X_val * np.logspace(0, 3, 10)),
    ),
    "target not scaled": (
        {"scale_target": False},
        lambda d: d._replace(y=1000 * d.y, y_val=1000 * d.y_val),
    ),
    "deep sigmoid stack": (
        {"activation": "logistic", "init": "auto", "hidden_layer_sizes": (32,) * 8},
        lambda d: d,
    ),
    "outlying targets": ({}, lambda d: d._replace(y=outlying(d.y))),
}
"""fault -> (options that change, function that changes the rows)."""


def options(**changes: Any) -> Remedy:
    """Return the remedy that sets some options."""
    return lambda broken, _: clone(broken).set_params(**changes)


def scaled_input(broken: BPRegressor, _: BPRegressor) -> Any:
    """Put a `StandardScaler` before the network."""
    return make_pipeline(StandardScaler(), clone(broken))


def other_activation(broken: BPRegressor, _: BPRegressor) -> BPRegressor:
    """Replace relu by tanh and all others by relu, with matching initial weights."""
    name = "tanh" if broken.activation == "relu" else "relu"
    return clone(broken).set_params(activation=name, init="auto")


def first_finding(broken: BPRegressor, fitted: BPRegressor) -> Any:
    """Apply the first finding of `diagnose()`."""
    found = fitted.diagnose().findings
    if found and found[0].code == "unscaled_input":
        return scaled_input(broken, fitted)
    return clone(broken).set_params(**(found[0].change if found else {}))


REMEDIES: dict[str, Remedy] = {
    "none": options(),
    "a tenth of the rate": lambda broken, _: clone(broken).set_params(
        learning_rate_init=broken.learning_rate_init / 10
    ),
    "clipping by norm, 1.0": options(clipping="norm", clip_threshold=1.0),
    'init="auto", init_gain=1': options(init="auto", init_gain=1.0),
    "StandardScaler": scaled_input,
    "scale_target=True": options(scale_target=True),
    "another activation": other_activation,
    "batch normalization": options(normalization="batch"),
    "layer normalization": options(normalization="layer"),
    'loss="huber", scale_target=False': options(loss="huber", scale_target=False),
    'loss="huber", scale_target=True': options(loss="huber", scale_target=True),
    "what `diagnose()` names first": first_finding,
    **({'on_divergence="repair"': options(on_divergence="repair")} if "repair" in ON_DIVERGENCE else {}),
}


def measure(
    seeds: int = 20,
    causes: Mapping[str, tuple[dict[str, Any], Callable[[Data], Data]]] = CAUSES,
    remedies: Mapping[str, Remedy] = REMEDIES,
) -> Block:
    """Return the share of seeds for which each remedy brings the score to within 10 percent of the healthy network's."""
    clean = [friedman(seed) for seed in range(seeds)]
    control = fit_all((healthy(seed), d.X, d.y) for seed, d in enumerate(clean))
    aims = [CURED * r2(n, d) for n, d in zip(control, clean, strict=True)]
    rates = np.zeros((len(remedies), len(causes)))
    for column, (changes, spoil) in enumerate(causes.values()):
        data = [spoil(d) for d in clean]
        broken = [healthy(seed, **changes) for seed in range(seeds)]
        fitted = fit_all((clone(n), d.X, d.y) for n, d in zip(broken, data, strict=True))
        for row, remedy in enumerate(remedies.values()):
            models = fit_all((remedy(n, f), d.X, d.y) for n, f, d in zip(broken, fitted, data, strict=True))
            scores = [float(m.score(d.X_val, d.y_val)) for m, d in zip(models, data, strict=True)]
            rates[row, column] = 100 * np.mean(np.array(scores) >= aims)
    rows = [[name, *(f"{rate:.0f} %" for rate in line)] for name, line in zip(remedies, rates, strict=True)]
    return Block(
        ["remedy", *causes],
        rows,
        f"Share of {seeds} seeds for which R² on 350 other rows reached at least {CURED} of the R² of the healthy "
        f"network on the rows without the fault (median R² {np.median(aims) / CURED:.2f}). The healthy network: two "
        "layers of 32 relu units, momentum 0.9, rate 0.01, standardized rows and target. The faults, in order: rate 1; "
        "weights times 5; columns times 1 to 1000; target times 1000 and not scaled; eight layers of 32 sigmoid "
        "units; one target in a hundred 100 standard deviations too high. After a divergence the weights of the "
        "best epoch are scored.",
        heat_map(rates, list(causes), list(remedies)),
        "Repair rates of remedies by cause",
    )


def heat_map(rates: np.ndarray, causes: Sequence[str], remedies: Sequence[str]) -> Figure:
    """Draw the table as a heat map."""
    figure, (axes,) = canvas(1, width=7.6, height=4.6)
    axes.grid(False)
    axes.imshow(rates, cmap="Blues", vmin=0, vmax=130, aspect="auto")
    for row, column in np.ndindex(*rates.shape):
        dark = rates[row, column] > 70
        axes.text(
            column, row, f"{rates[row, column]:.0f}", ha="center", va="center", color="white" if dark else "#333333"
        )
    axes.set_xticks(range(len(causes)), [name.replace(" ", "\n", 1) for name in causes], fontsize=9)
    axes.set_yticks(range(len(remedies)), [name.replace("`", "") for name in remedies], fontsize=9)
    axes.tick_params(length=0)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.set_title("Repaired, percent of seeds", fontsize=10)
    return figure
