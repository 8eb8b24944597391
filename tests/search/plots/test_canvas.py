"""The scale of scores and the labels of axes, by hand."""

import io

import numpy as np
import pytest
from PIL import Image

from search.plots.canvas import DPI, WIDTH, canvas, legend_below, logarithmic, png, scale_of, short
from search.trials.baselines import Baseline

RMSE = "neg_root_mean_squared_error"

SCALES = {
    # quarter of the worst: -3.25, so the scale would reach to -1 - 1.5 * 2.25 = -4.375; the worst trial ends it
    "up to the worst trial": ([-1, -2, -3, -4], [], (-1, -4)),
    # the worst trial lies far away: -1 - 1.5 * (27.25 - 1)
    "bad trials are cut off": ([-1, -2, -3, -100], [], (-1, -40.375)),
    "not beyond the dummy predictor": ([-1, -2, -3, -100], [-20], (-1, -20)),
    "the dummy predictor near by": ([-1, -2, -3, -4], [-5.6875], (-1, -5.6875)),
    "the dummy predictor too far away": ([-1, -2, -3, -4], [-5.69], (-1, -4)),
    "a better linear model near by": ([-1, -2, -3, -4], [-9, 0.6875], (0.6875, -4)),
    "a better linear model too far away": ([-1, -2, -3, -4], [-9, 0.69], (-1, -4)),
    "worse than the dummy predictor": ([-1, -2, -3, -4], [5], (-1, -4)),
    "one trial: all baselines": ([-3], [-9, -1], (-1, -9)),
    "equal trials": ([-3, -3, -3], [], (-3, -3)),
    "one bad trial": ([-99], [-9, -1], (-1, -9)),
    "nothing": ([], [], (1, 0)),
}


@pytest.mark.parametrize(("scores", "baselines", "ends"), SCALES.values(), ids=SCALES.keys())
def test_good_trials_fill_the_scale(make_outcome, scores, baselines, ends):
    outcomes = {n: make_outcome(n, scores=(float(score),)) for n, score in enumerate(scores)}
    yardsticks = [Baseline(f"b{n}", float(score), 0.1) for n, score in enumerate(baselines)]
    up, down = scale_of(outcomes, yardsticks, "r2"), scale_of(outcomes, yardsticks, RMSE)
    assert (up.best, up.worst) == pytest.approx(ends)
    assert (down.best, down.worst) == pytest.approx((-ends[0], -ends[1])), "an error has no sign"
    assert up.strip is any(not ends[1] <= score <= ends[0] for score in scores)


def test_stopped_trials_better_than_the_best_have_a_place(make_outcome):
    outcomes = {n: make_outcome(n, scores=(-1.0 - n,)) for n in range(4)}
    outcomes[4] = make_outcome(4, "stopped", scores=(0.0,))
    scale = scale_of(outcomes, [], "r2")
    assert scale.best == 0
    assert scale.place(outcomes[4]) == 0


def test_stopped_trials_say_nothing_about_what_is_good(make_outcome):
    outcomes = {n: make_outcome(n, scores=(-1.0 - n,)) for n in range(4)}
    stopped = {n: make_outcome(n, "stopped", scores=(-50.0,)) for n in range(4, 20)}
    assert scale_of(outcomes | stopped, [], "r2").worst == pytest.approx(-1 - 1.5 * 2.25)


def test_diverged_trials_lie_in_a_strip_outside_the_scale(make_outcome):
    outcomes = {0: make_outcome(0, scores=(-1.0,)), 1: make_outcome(1, scores=(-2.0,)), 2: make_outcome(2, "diverged")}
    for scoring, worse in (("r2", -1), (RMSE, 1)):
        scale = scale_of(outcomes, [], scoring)
        height = scale.height
        assert scale.strip
        assert scale.edge == pytest.approx(scale.worst + worse * 0.13 * height)
        inner, outer = scale.strip_limits
        assert (inner, outer) == pytest.approx(
            (scale.worst + worse * 0.06 * height, scale.worst + worse * 0.2 * height)
        )
        assert scale.limits == pytest.approx(sorted([scale.best - worse * 0.06 * height, outer]))
        assert scale.place(outcomes[2]) == scale.edge
    assert not scale_of({0: outcomes[0]}, [], "r2").strip


def test_a_scale_of_nothing_has_a_height(make_outcome):
    low, high = scale_of({0: make_outcome(0, scores=(-3.0,))}, [], "r2").limits
    assert (low, high) == pytest.approx((-3.06, -2.94))


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0.21, 0.29, ["0.22", "0.24", "0.26", "0.28"]),
        (0.2, 0.8, ["0.2", "0.3", "0.4", "0.6", "0.8"]),
        (16, 128, ["20", "30", "40", "60", "80", "100"]),
        (0.1, 9, ["0.1", "0.2", "0.5", "1", "2", "5"]),
        (1e-4, 1, ["$10^{-4}$", "0.001", "0.01", "0.1", "1"]),
        (10, 1e6, ["10", "100", "1000", "$10^{4}$", "$10^{5}$", "$10^{6}$"]),
    ],
)
def test_logarithmic_axes_have_short_labels_bug(low, high, labels):
    """Ticks were labelled 2 x 10^-1 and so on, one over the other."""
    figure, (axes,) = canvas(3)
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    logarithmic(axes.xaxis, low, high)
    figure.draw_without_rendering()
    shown = [
        label.get_text()
        for tick, label in zip(axes.get_xticks(), axes.get_xticklabels(), strict=True)
        if low * (1 - 1e-9) <= tick <= high * (1 + 1e-9)
    ]
    assert shown == labels
    assert {label.get_text() for label in axes.get_xticklabels(minor=True)} <= {""}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.001, "0.001"),
        (9.9999999999e-5, "$10^{-4}$"),
        (0.0009, "$9\\cdot10^{-4}$"),
        (9999, "9999"),
        (1e4, "$10^{4}$"),
        (25000, "$2.5\\cdot10^{4}$"),
    ],
)
def test_short_labels(value, text):
    assert short(value) == text


def test_figures_can_be_read_on_a_phone():
    """At 390 pixels a letter of ten points is about ten pixels high; stored, the figure has 150 dots an inch or more."""
    figure, panels = canvas(4.0, 2, 2)
    assert len(panels) == 4
    assert figure.get_size_inches()[0] == WIDTH
    assert figure.dpi == DPI >= 150
    assert 390 / WIDTH * 10 / 72 > 9
    assert np.isclose(figure.get_size_inches()[1], 4.0)


def test_a_picture_is_what_matplotlib_saves():
    """It is drawn once and not twice, with the same dots; the figure stays as it was."""
    figure, (left, right) = canvas(3.0, 1, 2)
    left.plot([1, 2, 3], [1e3, 2e5, 1e4], label="losses")
    left.set(title="A title of some length", xlabel="trial")
    right.semilogy([1, 10], [1, 1e6], label="others")
    right.tick_params(axis="x", rotation=60)
    legend_below(figure)
    before = figure.canvas
    drawn, stream = Image.open(io.BytesIO(png(figure, 120))), io.BytesIO()
    assert (figure.canvas, figure.dpi) == (before, DPI)
    figure.savefig(stream, format="png", dpi=120)
    assert np.array_equal(np.asarray(drawn), np.asarray(Image.open(stream).convert("RGB")))
    assert drawn.size == (round(WIDTH * 120), 360)
    assert set(drawn.info) == {"dpi"}
