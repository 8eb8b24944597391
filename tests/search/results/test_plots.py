"""What is drawn: the data behind every line and point of a figure, by hand."""

import numpy as np
import pytest
import scipy.stats

from search.results import plots
from search.space import spaces
from search.trials.baselines import BOOSTING, DUMMY, LINEAR, PERSISTENCE, Baseline
from search.trials.outcomes import VERDICTS

BASELINES = [Baseline("dummy", -2.0, 0.1), Baseline("linear", -0.5, 0.1)]
SPACE = spaces.build(
    {"rate": (1e-3, 1.0, "log"), "share": (0.0, 1.0), "kind": ["relu", "tanh"], "layers": [[], [64, 32]]}
)


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


def test_history(outcomes):
    """Those without a score, and those below the dummy predictor, lie at the bottom edge: -2 less 6 % of the height."""
    (axes,) = plots.history(outcomes, BASELINES, "score").axes
    bottom = -2 - 0.06 * 1.5
    assert axes.get_ylim() == pytest.approx((bottom, -0.5 + 0.06 * 1.5))
    found = points(axes)
    assert sorted(found["finished"]) == [[0, -1.5], [2, -1.0], [3, pytest.approx(bottom)]]
    assert found["stopped early"] == [[4, -1.2]]
    assert found["diverged"] == [[1, pytest.approx(bottom)]]
    assert found["error"] == [[5, pytest.approx(bottom)]]


def test_the_best_so_far_is_of_finished_trials_and_goes_on_to_the_last_one(outcomes):
    best = line(plots.history(outcomes, BASELINES, "score").axes[0], "best so far")
    assert best.get_drawstyle() == "steps-post"
    assert list(best.get_xdata()) == [0, 2, 3, 5]
    assert list(best.get_ydata()) == [-1.5, -1.0, -1.0, -1.0]


def test_baselines_are_lines_across(outcomes):
    axes = plots.history(outcomes, BASELINES, "score").axes[0]
    assert {b.name: line(axes, b.name).get_ydata() for b in BASELINES} == {
        "dummy": [-2.0, -2.0],
        "linear": [-0.5, -0.5],
    }
    assert line(axes, "dummy").get_linestyle() != line(axes, "linear").get_linestyle()


def test_every_baseline_has_a_line_of_its_own(outcomes):
    """A forecast has four."""
    baselines = [Baseline(name, -2.0, 0.1) for name in (DUMMY, LINEAR, BOOSTING, PERSISTENCE)]
    axes = plots.history(outcomes, baselines, "score").axes[0]
    assert all(line(axes, b.name).get_linestyle() != "-" for b in baselines)
    assert len(set(plots.BASELINE_STYLES[:4])) == 4


def test_every_verdict_has_its_own_color_and_marker(outcomes):
    axes = plots.history(outcomes, BASELINES, "score").axes[0]
    for drawn, verdict in zip(axes.collections, VERDICTS.values(), strict=True):
        assert drawn.get_label() == verdict.label
        red, green, blue = (round(255 * part) for part in drawn.get_facecolor()[0][:3])
        assert f"#{red:02x}{green:02x}{blue:02x}" == verdict.color.lower()
    assert len({tuple(map(tuple, drawn.get_paths()[0].vertices)) for drawn in axes.collections}) == len(VERDICTS)


@pytest.mark.parametrize(
    ("scores", "baselines", "limits"),
    [
        ([-1.0, -3.0], [], (-3.12, -0.88)),  # without baselines from the worst trial
        ([-1.0, -3.0], [Baseline("dummy", -2.0, 0.1)], (-2.06, -0.94)),
        (
            [-3.0],
            [Baseline("dummy", -2.0, 0.1), Baseline("linear", -1.0, 0.1)],
            (-2.06, -0.94),
        ),  # up to the best baseline
        ([-1.0], [], (-1.06, -0.94)),  # all are equal: the height is taken as 1
    ],
)
def test_limits_leave_six_percent_on_both_sides(make_outcome, scores, baselines, limits):
    outcomes = {n: make_outcome(n, scores=(score,)) for n, score in enumerate(scores)}
    outcomes[9] = make_outcome(9, "diverged")
    assert plots._limits(outcomes, baselines) == pytest.approx(limits)


def test_a_panel_for_each_parameter(outcomes):
    outcomes[4].params.pop("share")
    figure = plots.parameters(outcomes, SPACE, BASELINES, "score")
    panels = {axes.get_xlabel(): axes for axes in figure.axes if axes.get_visible()}
    assert list(panels) == list(SPACE)
    assert [axes.get_xscale() for axes in panels.values()] == ["log", "linear", "linear", "linear"]
    assert len(figure.axes) == 6
    assert sorted(points(panels["rate"])["finished"]) == [
        [1e-3, pytest.approx(-2.09)],
        [1e-2, -1.0],
        [1.0, -1.5],
    ]
    assert points(panels["share"])["diverged"] == [[0.1, pytest.approx(-2.09)]]
    assert "stopped early" not in points(panels["share"]), "where the parameter does not exist there is no point"
    assert points(panels["rate"])["stopped early"] == [[1e-4, -1.2]]


def test_choices_are_places_of_an_axis_in_their_order(outcomes):
    figure = plots.parameters(outcomes, SPACE, BASELINES, "score")
    kind, layers = figure.axes[2:4]
    assert [text.get_text() for text in kind.get_xticklabels()] == ["relu", "tanh"]
    assert [text.get_text() for text in layers.get_xticklabels()] == ["none", "64-32"]
    x = [x for drawn in points(kind).values() for x, _ in drawn]
    assert len(set(x)) == 6, "points do not hide one another"
    assert np.abs(np.array(x) - 1).max() < 0.2


def test_a_distribution_has_a_linear_scale(make_outcome):
    space = spaces.build({"rate": scipy.stats.loguniform(1e-3, 1)})
    outcomes = {0: make_outcome(0, params={"rate": 0.25}, scores=(-1.0,))}
    axes = plots.parameters(outcomes, space, [], "score").axes[0]
    assert axes.get_xscale() == "linear"
    assert points(axes)["finished"] == [[0.25, -1.0]]


def test_the_front_of_score_and_size(make_outcome):
    """The step from one member of the front to the next goes along the smaller one's score."""
    known = [(0, -1.0, 100), (1, -2.0, 50), (2, -1.5, 200), (3, -3.0, 10), (4, -0.5, 0)]
    outcomes = {n: make_outcome(n, scores=(score,), n_weights=weights) for n, score, weights in known}
    (axes,) = plots.size(outcomes, [], "score").axes
    front = line(axes, "front")
    assert (list(front.get_xdata()), list(front.get_ydata())) == ([10, 50, 100], [-3.0, -2.0, -1.0])
    assert front.get_drawstyle() == "steps-post"
    assert {text.get_text(): text.xy for text in axes.texts} == {"3": (10, -3.0), "1": (50, -2.0), "0": (100, -1.0)}
    assert sorted(x for x, _ in points(axes)["finished"]) == [10, 50, 100, 200], "uncounted weights have no point"
    assert axes.get_xscale() == "log"


def test_learning_curves_are_those_of_the_five_best(make_outcome):
    def made(number, **more):
        losses = {"training": [3.0, 2.0, 1.0], "validation": [3.5, 2.5 + number, 4.5]}
        return make_outcome(number, scores=(-float(number),), losses=losses, **more)

    outcomes = {n: made(n, epoch=2) for n in (6, 5, 4, 3, 2, 1)}
    outcomes[0] = make_outcome(0, "stopped", scores=(0.0,))
    (axes,) = plots.learning_curves(outcomes).axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        *(f"trial {n}" for n in range(1, 6)),
        "training",
        "validation",
    ]
    validation = line(axes, "trial 3")
    assert (list(validation.get_xdata()), list(validation.get_ydata())) == ([1, 2, 3], [3.5, 5.5, 4.5])
    dots = [(*dot.get_xdata(), *dot.get_ydata()) for dot in axes.lines if dot.get_marker() == "o"]
    assert dots == [(2, 2.5 + n) for n in range(1, 6)], "at the best number of epochs"
    same = [drawn for drawn in axes.lines if drawn.get_color() == validation.get_color()]
    assert [list(drawn.get_ydata()) for drawn in same] == [[3.0, 2.0, 1.0], [3.5, 5.5, 4.5], [5.5]]
    assert same[0].get_linestyle() == ":"


def test_a_dot_lies_on_a_curve_that_ends_before_the_best_epoch(make_outcome):
    """While one fold had ended, its mean loss is not known."""
    (axes,) = plots.learning_curves({0: make_outcome(0, epoch=6)}).axes
    (dot,) = (line for line in axes.lines if line.get_marker() == "o")
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
    assert plots.figures(outcomes, SPACE, BASELINES, "score").keys() == {"history", "parameters"} | names


def test_a_history_of_nothing_but_failures_has_axes(make_outcome):
    figure = plots.history({0: make_outcome(0, "diverged")}, [], "r2")
    bottom, top = figure.axes[0].get_ylim()
    assert bottom < 0 < top
