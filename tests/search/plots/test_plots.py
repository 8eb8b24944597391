"""What is drawn: the data behind every line and point of a figure, by hand."""

import numpy as np
import pytest
import scipy.stats

from search import plots
from search.plots import gallery, marks
from search.plots.figures import learning_curves as learning_curves_of
from search.plots.subject import Subject
from search.space import spaces
from search.trials.baselines import BOOSTING, DUMMY, LINEAR, PERSISTENCE, Baseline
from search.trials.outcomes import VERDICTS

RMSE = "neg_root_mean_squared_error"
BASELINES = [Baseline("dummy", -2.0, 0.1), Baseline("linear", -0.5, 0.1)]
SPACE = spaces.build(
    {"rate": (1e-3, 1.0, "log"), "share": (0.0, 1.0), "kind": ["relu", "tanh"], "layers": [[], [64, 32]]}
)


def history(outcomes, baselines, scoring):
    return plots.history(Subject(outcomes, baselines=baselines, scoring=scoring))


def parameters(outcomes, space, baselines, scoring):
    return plots.parameters(Subject(outcomes, space, baselines, scoring))


def size(outcomes, baselines, scoring):
    return plots.size(Subject(outcomes, baselines=baselines, scoring=scoring))


def learning_curves(outcomes, loss=""):
    return plots.learning_curves(Subject(outcomes, loss=loss))


@pytest.fixture
def outcomes(make_outcome):
    """Return six trials by number, not in order; the fourth is worse than the dummy predictor, the second tried no fold."""

    def params(number: int) -> dict:
        return {"rate": 10.0**-number, "share": number / 10, "kind": "tanh", "layers": [64, 32]}

    made = [
        make_outcome(3, scores=(-9.0,), params=params(3)),
        make_outcome(0, scores=(-1.5,), params=params(0)),
        make_outcome(1, "diverged", params=params(1)),
        make_outcome(2, scores=(-1.0,), params=params(2)),
        make_outcome(4, "stopped", scores=(-1.2,), params=params(4)),
        make_outcome(5, "error", params=params(5)),
    ]
    return {o.number: o for o in made}


def points(axes) -> dict:
    """Return the points of a panel by their label."""
    return {drawn.get_label(): drawn.get_offsets().tolist() for drawn in axes.collections}


def line(axes, label):
    (found,) = (line for line in axes.lines if line.get_label() == label)
    return found


def legend(figure) -> list[str]:
    (found,) = figure.legends
    return [text.get_text() for text in found.get_texts()]


def test_history(outcomes):
    """Those without a score, and the one that is worse than the dummy predictor, lie in the strip: below -2 by 13 % of 1.5."""
    (axes,) = history(outcomes, BASELINES, "score").axes
    strip = -2 - 0.13 * 1.5
    assert axes.get_ylim() == pytest.approx((-2 - 0.2 * 1.5, -0.5 + 0.06 * 1.5))
    found = points(axes)
    assert sorted(found["finished"]) == [[0, -1.5], [2, -1.0], [3, pytest.approx(strip)]]
    assert found["stopped early"] == [[4, -1.2]]
    assert found["diverged"] == [[1, pytest.approx(strip)]]
    assert found["error"] == [[5, pytest.approx(strip)]]
    (patch,) = axes.patches
    assert (patch.get_y(), patch.get_height()) == pytest.approx((-2 - 0.06 * 1.5, -0.14 * 1.5))


def test_errors_have_no_sign_bug(outcomes):
    """The axis was "score (neg_root_mean_squared_error)", from -55 up; the report says 53.7."""
    figure = history(outcomes, BASELINES, RMSE)
    (axes,) = figure.axes
    assert axes.get_ylabel() == "root mean squared error\n(lower is better)"
    assert axes.get_ylim() == pytest.approx((0.5 - 0.06 * 1.5, 2 + 0.2 * 1.5))
    assert sorted(points(axes)["finished"]) == [[0, 1.5], [2, 1.0], [3, pytest.approx(2 + 0.13 * 1.5)]]
    assert list(line(axes, "best so far").get_ydata()) == [1.5, 1.0, 1.0, 1.0]
    assert "linear: 0.5" in legend(figure)
    assert legend(figure)[-1] == "worse, or without a score"
    panels = parameters(outcomes, SPACE, BASELINES, RMSE)
    assert panels.get_supylabel() == "root mean squared error (lower is better)"


@pytest.mark.parametrize(
    ("scoring", "label"),
    [("accuracy", "accuracy\n(higher is better)"), ("score", "score\n(higher is better)")],
    ids=["known", "a scorer of one's own"],
)
def test_scores_are_named(outcomes, scoring, label):
    assert history(outcomes, BASELINES, scoring).axes[0].get_ylabel() == label


def test_the_best_so_far_is_of_finished_trials_and_goes_on_to_the_last_one(outcomes):
    best = line(history(outcomes, BASELINES, "score").axes[0], "best so far")
    assert best.get_drawstyle() == "steps-post"
    assert list(best.get_xdata()) == [0, 2, 3, 5]
    assert list(best.get_ydata()) == [-1.5, -1.0, -1.0, -1.0]


def test_the_best_trial_has_a_ring(outcomes, make_outcome):
    axes = history(outcomes, BASELINES, RMSE).axes[0]
    ring = line(axes, "best (trial 2): 1")
    assert (list(ring.get_xdata()), list(ring.get_ydata())) == ([2], [1.0])
    assert ring.get_markerfacecolor() == "none"
    several = {0: make_outcome(0, seed_scores=[-1.0, -2.0])}
    assert line(history(several, [], RMSE).axes[0], "best (trial 0, 2 seeds): 0.375")
    nothing = history({0: make_outcome(0, "diverged")}, BASELINES, RMSE)
    assert not any(text.startswith("best") for text in legend(nothing))


def test_baselines_are_lines_across(outcomes):
    axes = history(outcomes, BASELINES, "score").axes[0]
    dummy, linear = line(axes, "dummy: -2"), line(axes, "linear: -0.5")
    assert (list(dummy.get_ydata()), list(linear.get_ydata())) == ([-2.0, -2.0], [-0.5, -0.5])
    assert dummy.get_linestyle() != linear.get_linestyle()


def test_any_number_of_baselines_is_drawn(outcomes):
    several = [Baseline(f"b{n}", -1.5 + n / 10, 0.1) for n in range(6)]
    figure = history(outcomes, several, "score")
    axes = figure.axes[0]
    assert [text for text in legend(figure) if text.startswith("b") and "best" not in text] == [
        f"{b.name}: {b.score:.3g}" for b in several
    ]
    looks = {str(line(axes, f"b{n}: {-1.5 + n / 10:.3g}")._dash_pattern) for n in range(4)}
    assert len(looks) == 4


@pytest.mark.parametrize(("scoring", "marker", "y"), [(RMSE, "^", 0.97), ("r2", "v", 0.03)])
def test_a_baseline_far_away_is_an_arrow_at_the_worse_edge_bug(make_outcome, scoring, marker, y):
    """The axis went down to the dummy predictor, and all good trials lay in the top eight percent."""
    outcomes = {n: make_outcome(n, scores=(score,)) for n, score in enumerate([-53.5, -54.0, -54.5, -55.0])}
    figure = history(outcomes, [Baseline("dummy", -77.0, 0.1), Baseline("linear", -54.6, 0.1)], scoring)
    (axes,) = figure.axes
    low, high = sorted(abs(end) for end in axes.get_ylim())
    assert 53 < low < 53.5 < 55 < high < 56, "good trials fill the plot"
    sign = "" if scoring == RMSE else "-"
    arrow = line(axes, f"dummy: {sign}77, off scale")
    assert arrow.get_marker() == marker
    assert (list(arrow.get_xdata()), list(arrow.get_ydata())) == ([1.02], [y])
    assert line(axes, f"linear: {sign}54.6").get_linestyle() == "-."


def test_a_linear_model_that_is_far_better_is_an_arrow_at_the_better_edge(make_outcome):
    outcomes = {n: make_outcome(n, scores=(-1000.0 - 100 * n,)) for n in range(4)}
    (axes,) = history(outcomes, [Baseline("dummy", -9e4, 0.1), Baseline("linear", -0.6, 0.1)], RMSE).axes
    assert line(axes, "linear: 0.6, off scale").get_marker() == "v"
    assert line(axes, "dummy: 90,000, off scale").get_marker() == "^"


def test_every_baseline_has_a_line_of_its_own(outcomes):
    """A forecast has four."""
    baselines = [Baseline(name, -2.0, 0.1) for name in (DUMMY, LINEAR, BOOSTING, PERSISTENCE)]
    axes = history(outcomes, baselines, "score").axes[0]
    assert all(line(axes, f"{b.name}: -2").get_linestyle() != "-" for b in baselines)
    assert len(set(marks.DASHES[:4])) == 4


def test_every_verdict_has_its_own_color_and_marker(outcomes):
    axes = history(outcomes, BASELINES, "score").axes[0]
    for drawn, verdict in zip(axes.collections, VERDICTS.values(), strict=True):
        assert drawn.get_label() == verdict.label
        red, green, blue = (round(255 * part) for part in drawn.get_facecolor()[0][:3])
        assert f"#{red:02x}{green:02x}{blue:02x}" == verdict.color.lower()
    assert len({tuple(map(tuple, drawn.get_paths()[0].vertices)) for drawn in axes.collections}) == len(VERDICTS)


def test_a_panel_for_each_parameter(outcomes):
    outcomes[4].params.pop("share")
    figure = parameters(outcomes, SPACE, BASELINES, "score")
    assert figure.get_suptitle() == "Score and each hyperparameter"
    assert "linear: -0.5" in legend(figure)
    assert "best (trial 2): -1" in legend(figure)
    panels = {axes.get_xlabel(): axes for axes in figure.axes if axes.get_visible()}
    assert list(panels) == list(SPACE)
    assert [axes.get_xscale() for axes in panels.values()] == ["log", "linear", "linear", "linear"]
    assert len(figure.axes) == 4
    assert sorted(points(panels["rate"])["finished"]) == [
        [1e-3, pytest.approx(-2.195)],
        [1e-2, -1.0],
        [1.0, -1.5],
    ]
    assert points(panels["share"])["diverged"] == [[0.1, pytest.approx(-2.195)]]
    assert "stopped early" not in points(panels["share"]), "where the parameter does not exist there is no point"
    assert points(panels["rate"])["stopped early"] == [[1e-4, -1.2]]


def test_choices_are_places_of_an_axis_in_their_order(outcomes):
    figure = parameters(outcomes, SPACE, BASELINES, "score")
    kind, layers = figure.axes[2:4]
    assert [text.get_text() for text in kind.get_xticklabels()] == ["relu", "tanh"]
    assert [text.get_text() for text in layers.get_xticklabels()] == ["none", "64-32"]
    x = [x for drawn in points(kind).values() for x, _ in drawn]
    assert len(set(x)) == 6, "points do not hide one another"
    assert np.abs(np.array(x) - 1).max() < 0.2


def test_a_distribution_has_a_linear_scale(make_outcome):
    space = spaces.build({"rate": scipy.stats.loguniform(1e-3, 1)})
    outcomes = {0: make_outcome(0, params={"rate": 0.25}, scores=(-1.0,))}
    axes = parameters(outcomes, space, [], "score").axes[0]
    assert axes.get_xscale() == "linear"
    assert points(axes)["finished"] == [[0.25, -1.0]]


def test_the_front_of_score_and_size(make_outcome):
    """The step from one member of the front to the next goes along the smaller one's score."""
    known = [(0, -1.0, 100), (1, -2.0, 50), (2, -1.5, 200), (3, -2.2, 10), (4, -0.5, 0)]
    outcomes = {n: make_outcome(n, scores=(score,), n_weights=weights) for n, score, weights in known}
    (axes,) = size(outcomes, [], "score").axes
    front = line(axes, "smaller networks (front)")
    assert (list(front.get_xdata()), list(front.get_ydata())) == ([10, 50, 100], [-2.2, -2.0, -1.0])
    assert front.get_drawstyle() == "steps-post"
    assert {text.get_text(): text.xy for text in axes.texts} == {"3": (10, -2.2), "1": (50, -2.0), "0": (100, -1.0)}
    assert sorted(x for x, _ in points(axes)["finished"]) == [10, 50, 100, 200], "uncounted weights have no point"
    assert axes.get_xscale() == "log"


def test_learning_curves_are_those_of_the_five_best(make_outcome):
    def made(number, **more):
        losses = {"training": [3.0, 2.0, 1.0], "validation": [3.5, 2.5 + number, 4.5]}
        return make_outcome(number, scores=(-float(number),), losses=losses, **more)

    outcomes = {n: made(n, epoch=2) for n in (6, 5, 4, 3, 2, 1)}
    outcomes[0] = make_outcome(0, "stopped", scores=(0.0,))
    figure = learning_curves(outcomes, "squared_error")
    (axes,) = figure.axes
    assert axes.get_ylabel() == "loss (squared error), mean over the folds"
    assert legend(figure) == ["validation", "training", "best number of epochs"]
    assert [text.get_text() for text in axes.texts] == ["● trial 1", "■ trial 2", "▲ trial 3", "◆ trial 4", "▼ trial 5"]
    dots = [
        (*dot.get_xdata(), *dot.get_ydata()) for dot in axes.lines if dot.get_marker() in learning_curves_of.MARKERS
    ][:5]
    assert dots == [(2, 2.5 + n) for n in range(1, 6)], "at the best number of epochs"
    marker = next(drawn for drawn in axes.lines if drawn.get_marker() == "^")
    training, validation, dot = (drawn for drawn in axes.lines if drawn.get_color() == marker.get_color())
    assert list(training.get_ydata()) == [3.0, 2.0, 1.0]
    assert (list(validation.get_xdata()), list(validation.get_ydata())) == ([1, 2, 3], [3.5, 5.5, 4.5])
    assert list(dot.get_ydata()) == [5.5]
    assert (training.get_linestyle(), validation.get_linestyle()) == ("--", "-")
    figure.draw_without_rendering()


def test_curves_can_be_told_apart_without_color(make_outcome):
    """Each trial has a marker of its own, and its name where its curve ends, not over another name."""
    losses = {"training": [3.0, 1.0], "validation": [3.5, 1.0]}
    outcomes = {n: make_outcome(n, losses=losses) for n in range(5)}
    (axes,) = learning_curves(outcomes).axes
    assert len({text.get_text()[0] for text in axes.texts}) == 5
    heights = sorted(text.xyann[1] for text in axes.texts)
    assert np.diff(heights) == pytest.approx([learning_curves_of.APART] * 4)
    assert {text.xy for text in axes.texts} == {(2, 1.0)}
    assert heights[-1] <= 1.0


def test_names_of_curves_that_end_at_the_top_stay_beside_the_axes(make_outcome):
    losses = {"training": [1.0, 3.0], "validation": [1.0, 3.0]}
    (axes,) = learning_curves({n: make_outcome(n, losses=losses) for n in range(5)}).axes
    heights = sorted(text.xyann[1] for text in axes.texts)
    assert heights[-1] == pytest.approx(1.0)
    assert np.diff(heights) == pytest.approx([learning_curves_of.APART] * 4)


@pytest.mark.parametrize(
    ("loss", "params", "label"),
    [
        ("huber", {}, "loss (huber), mean over the folds"),
        ("", {}, "loss, mean over the folds"),
        ("huber", {"loss": "huber"}, "loss, mean over the folds"),
        ("huber", {"bpregressor__loss": "huber"}, "loss, mean over the folds"),
    ],
)
def test_the_loss_is_named_if_all_trials_have_the_same(make_outcome, loss, params, label):
    (axes,) = learning_curves({0: make_outcome(0, params=params)}, loss).axes
    assert axes.get_ylabel() == label


def test_a_dot_lies_on_a_curve_that_ends_before_the_best_epoch(make_outcome):
    """While one fold had ended, its mean loss is not known."""
    (axes,) = learning_curves({0: make_outcome(0, epoch=6)}).axes
    dot = next(line for line in axes.lines if line.get_marker() == "o")
    assert (list(dot.get_xdata()), list(dot.get_ydata())) == ([2], [0.75])


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ([{}], {"learning_curves"}),
        ([{"losses": {}}], set()),
        ([{"verdict": "stopped"}], set()),
        ([{"n_weights": 5}], {"learning_curves"}),
        ([{"n_weights": 5}, {"n_weights": 4, "scores": (-9.0,)}], {"learning_curves", "size"}),
    ],
)
def test_figures_of_which_there_is_something_to_draw(make_outcome, changes, names):
    params = {"rate": 0.1, "share": 0.5, "kind": "relu", "layers": []}
    outcomes = {n: make_outcome(n, params=params, **more) for n, more in enumerate(changes)}
    drawn = gallery.figures(Subject(outcomes, SPACE, BASELINES, "score"))
    assert (
        drawn.keys()
        == {"history", "parameters", "fold_scores"} - {"fold_scores" if "verdict" in changes[0] else ""} | names
    )


def test_a_history_of_nothing_but_failures_has_axes(make_outcome):
    figure = history({0: make_outcome(0, "diverged")}, [], "r2")
    bottom, top = figure.axes[0].get_ylim()
    assert bottom < 0 < top
