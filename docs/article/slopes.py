"""The derivatives of tanh and the logistic function, from the same functions that training runs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bpmodel.functions.activations import ACTIVATIONS
from docs.article.block import Block, number
from docs.article.drawing import COLORS, canvas, legend

POINTS = (0.0, 1.0, 2.0, 4.0, 6.0, 8.0)
SHOWN = ("tanh", "logistic", "relu")


def slope(name: str, z: float) -> float:
    """Return the derivative at z in double precision.

    >>> slope("tanh", 0.0), slope("logistic", 0.0), slope("relu", 3.0)
    (1.0, 0.25, 1.0)
    """
    row = ACTIVATIONS[name]
    a = row.value(z)
    return float(row.slope(a, a if row.from_output else z))


def measure(points: Sequence[float] = POINTS) -> Block:
    """Return the derivatives at some points, next to the exponentials that they approach."""
    rows = [
        [f"{z:g}", *(number(v) for v in (slope("tanh", z), 4 * np.exp(-2 * z), slope("logistic", z), np.exp(-z)))]
        for z in points
    ]
    figure, axes = canvas(2)
    z = np.linspace(-8, 8, 401)
    for name, color in zip(SHOWN, COLORS, strict=False):
        values = np.array([slope(name, v) for v in z])
        for panel in axes:
            panel.plot(z, values, color=color, lw=1.6, label=f"{name}'")
    right = z[z >= 1]
    axes[1].plot(right, 4 * np.exp(-2 * right), color=COLORS[0], lw=1, ls=":", label="$4e^{-2z}$")
    axes[1].plot(right, np.exp(-right), color=COLORS[1], lw=1, ls=":", label="$e^{-z}$")
    axes[0].set(xlabel="z", ylabel="derivative", title="Derivatives")
    axes[1].set(xlabel="z", yscale="log", ylim=(1e-7, 8), xlim=(0, 8), title="The same, logarithmic")
    legend(axes[1], loc="lower left")
    return Block(
        ["z", "tanh'", "4 exp(-2z)", "logistic'", "exp(-z)"],
        rows,
        "The compiled functions of `bpmodel/functions/activations.py`, called in double precision.",
        figure,
        "Derivatives of tanh, the logistic function and relu",
    )
