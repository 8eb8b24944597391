"""Colors are told apart by readers of every kind of color vision: simulated, and compared in CIELAB."""

from itertools import combinations

import numpy as np
import pytest

from bpmodel import colors
from search.trials.outcomes import VERDICTS

SIMULATIONS = {
    "all cones": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
"""Of linear RGB: Machado, Oliveira and Fernandes (2009), severity 1."""

TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]]
)
DISTANCE = 20.0
"""In CIELAB; a difference of 2.3 can just be noticed, side by side (Mahy et al., 1994)."""

CONTRAST = 3.0
"""WCAG 2.1, success criterion 1.4.11, for graphics."""

BLACK = 0.0056
"""Luminance of #111111, the background of dark notebooks."""


def linear(color: str) -> np.ndarray:
    """Return the linear RGB of a color such as #0072b2."""
    parts = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255 if color != "black" else np.zeros(3)
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    t = TO_XYZ @ np.clip(rgb, 0, 1) / TO_XYZ.sum(axis=1)
    x, y, z = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def distance(one: str, other: str, simulation: str) -> float:
    matrix = np.asarray(SIMULATIONS[simulation])
    return float(np.linalg.norm(lab(matrix @ linear(one)) - lab(matrix @ linear(other))))


def luminance(color: str) -> float:
    return float(TO_XYZ[1] @ linear(color))


GROUPS = {
    "verdicts of trials": [verdict.color for verdict in VERDICTS.values()],
    "statuses of fits": list(colors.STATUS_COLORS.values()),
    "curves": list(colors.COLORS[:5]),
    "training and validation": [colors.BLUE, colors.ORANGE],
}


@pytest.mark.parametrize("simulation", SIMULATIONS)
@pytest.mark.parametrize("group", GROUPS)
def test_any_two_can_be_told_apart(group, simulation):
    apart = {pair: distance(*pair, simulation) for pair in combinations(GROUPS[group], 2)}
    assert {pair: round(d, 1) for pair, d in apart.items() if d < DISTANCE} == {}


@pytest.mark.parametrize("color", sorted({*colors.COLORS, *(c for group in GROUPS.values() for c in group)}))
def test_they_stand_out_from_white(color):
    assert 1.05 / (luminance(color) + 0.05) >= CONTRAST


@pytest.mark.parametrize("color", [*colors.STATUS_COLORS.values(), colors.BLUE, colors.ORANGE])
def test_those_of_notebooks_stand_out_from_black(color):
    assert (luminance(color) + 0.05) / (BLACK + 0.05) >= CONTRAST


def test_the_simulation_by_hand():
    """White and grey have no color to lose. For deuteranopes, pure red and a dark yellow-green are nearly the same."""
    for simulation in SIMULATIONS:
        np.testing.assert_allclose(lab(np.asarray(SIMULATIONS[simulation]) @ np.ones(3)), [100, 0, 0], atol=0.01)
    assert distance("#000000", "#ffffff", "protanopia") == pytest.approx(100, abs=0.01)
    assert distance("#9a7500", colors.RED, "deuteranopia") < 10 < 35 < distance("#9a7500", colors.RED, "all cones")
    assert 1.05 / (luminance("#56b4e9") + 0.05) == pytest.approx(2.31, abs=0.01), "the sky blue that was too pale"
