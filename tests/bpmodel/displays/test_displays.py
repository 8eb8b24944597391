"""What a display draws is what the fit left behind, or what it says that it computes."""

from types import SimpleNamespace

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.exceptions import NotFittedError

from bpmodel import (
    ActivationDisplay,
    BPClassifier,
    BPRegressor,
    GradientFlowDisplay,
    HealthDisplay,
    StabilityMapDisplay,
    rate_limit,
)
from bpmodel.displays.gradient_flow import SIGNALS
from bpmodel.functions.activations import ACTIVATIONS
from bpmodel.network.watch import EXPLOSION_FACTOR

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore::bpmodel.DivergenceWarning"
)


@pytest.fixture
def ax():
    return Figure(layout="constrained").subplots()


@pytest.fixture(scope="module")
def data():
    random = np.random.default_rng(0)
    X = random.normal(size=(150, 4))
    return X, np.sin(X[:, 0]) + X[:, 1]


def regressor(**options):
    return BPRegressor(**{"hidden_layer_sizes": (8, 5), "max_iter": 10, "random_state": 0} | options)


def drawn(display):
    """Render everything, with warnings as errors, and return the names in the legend."""
    display.figure_.draw_without_rendering()
    return [text.get_text() for text in display.figure_.axes[0].get_legend().get_texts()]


# ---------------------------------------------------------------------------------------------------- gradient flow


@pytest.mark.parametrize("signal", SIGNALS)
def test_flow_draws_a_line_for_each_layer(signal, data, ax):
    network = regressor().fit(*data)
    display = GradientFlowDisplay.from_estimator(network, signal, ax=ax)
    layers = ["1: 4 to 8", "2: 8 to 5", "3: 5 to 1"][: 2 if signal == "chi" else 3]
    assert drawn(display) == layers
    for i, line in enumerate(display.lines_):
        start, curve = network.probes_[signal][0, i], network.history_[f"layer_{signal}"][:, i]
        np.testing.assert_array_equal(line.get_xdata(), range(11))
        np.testing.assert_array_equal(line.get_ydata(), [start, *curve])
    assert (display.ax_, display.figure_) == (ax, ax.figure)


def test_flow_colors_go_from_input_to_output(data, ax):
    display = GradientFlowDisplay.from_estimator(regressor().fit(*data), ax=ax)
    brightness = [np.dot(line.get_color()[:3], [0.3, 0.6, 0.1]) for line in display.lines_]
    assert brightness == sorted(brightness)


def test_flow_of_many_layers_names_some_of_them(data, ax):
    display = GradientFlowDisplay.from_estimator(regressor(hidden_layer_sizes=(3,) * 30).fit(*data), ax=ax)
    names = drawn(display)
    assert len(display.lines_) == 31
    assert (len(names), names[0], names[-1]) == (12, "1: 4 to 3", "31: 3 to 1")


def test_flow_of_a_fit_that_diverged_at_once(data, ax):
    network = regressor(solver="sgd", learning_rate_init=1e30, batch_size=10).fit(*data)
    assert network.verdict_.epoch == 1
    display = GradientFlowDisplay.from_estimator(network, "weight_norm", ax=ax)
    drawn(display)
    assert display.epoch.tolist() == [0, 1]


def test_flow_of_nothing_but_zeros(data, ax):
    display = GradientFlowDisplay(epoch=np.array([0, 1]), values=np.zeros((2, 2)), layers=["1", "2"], signal="chi")
    assert drawn(display.plot(ax)) == ["1", "2"]


def test_flow_refuses_unknown_signals(data):
    with pytest.raises(ValueError, match=r"signal='loss' is unknown; allowed are delta_norm"):
        GradientFlowDisplay.from_estimator(regressor().fit(*data), "loss")


@pytest.mark.parametrize(
    ("signal", "options"), [("delta_norm", {"solver": "lbfgs"}), ("chi", {"hidden_layer_sizes": ()})]
)
def test_flow_refuses_fits_without_numbers(signal, options, data):
    with pytest.raises(ValueError, match=f"signal='{signal}' is not available"):
        GradientFlowDisplay.from_estimator(regressor(**options).fit(*data), signal)


@pytest.mark.parametrize("display", [GradientFlowDisplay, HealthDisplay])
def test_unfitted_estimators_are_refused(display):
    with pytest.raises(NotFittedError):
        display.from_estimator(regressor())


# ----------------------------------------------------------------------------------------------------------- health


def test_health_of_a_sound_fit(data, ax):
    network = regressor().fit(*data, X_val=data[0], y_val=data[1])
    display = HealthDisplay.from_estimator(network, ax=ax)
    best = int(np.argmin(network.history_["loss"])) + 1
    assert drawn(display) == [
        "training loss",
        "validation loss",
        "dummy predictor",
        "divergence limit",
        f"best epoch ({best})",
    ]
    lines = display.lines_
    np.testing.assert_array_equal(lines["training loss"].get_xdata(), np.arange(1, 11))
    np.testing.assert_array_equal(lines["training loss"].get_ydata(), network.history_["loss"])
    np.testing.assert_array_equal(lines["validation loss"].get_ydata(), network.history_["validation_loss"])
    np.testing.assert_allclose(lines["dummy predictor"].get_ydata(), np.var(data[1]) / 2)
    assert display.limit >= EXPLOSION_FACTOR * display.baseline
    assert lines["divergence limit"].get_ydata()[0] == display.limit
    assert ax.get_ylim()[1] > display.limit


def test_health_without_validation_rows_draws_none(data, ax):
    assert "validation loss" not in drawn(HealthDisplay.from_estimator(regressor().fit(*data), ax=ax))


def test_health_with_early_stopping_marks_the_best_score(data, ax):
    network = regressor(early_stopping=True, max_iter=60).fit(*data)
    display = HealthDisplay.from_estimator(network, ax=ax)
    assert network.history_["validation_score"][display.best_epoch - 1] == network.best_validation_score_
    assert f"best epoch ({display.best_epoch})" in drawn(display)


@pytest.mark.parametrize("rate", [30.0, 1e30])
def test_health_marks_a_divergence_in_the_first_epoch(rate, data, ax):
    """With a loss that is finite, and one that is not."""
    network = regressor(solver="sgd", learning_rate_init=rate, batch_size=10).fit(*data)
    assert network.verdict_.epoch == 1
    display = HealthDisplay.from_estimator(network, ax=ax)
    name = f"diverged at epoch 1, step {network.verdict_.step}"
    assert name in drawn(display)
    (x,), (y,) = display.lines_[name].get_data()
    loss = network.verdict_.evidence["loss"]
    assert x == 1
    assert y == loss if np.isfinite(loss) else y > display.limit
    assert y <= ax.get_ylim()[1]
    assert display.best_epoch is None


def test_health_marks_losses_that_are_not_finite(data, ax):
    network = regressor(solver="sgd", learning_rate_init=1e30, on_divergence="ignore", max_iter=5).fit(*data)
    lost = ~np.isfinite(network.history_["loss"])
    assert lost.any()
    display = HealthDisplay.from_estimator(network, ax=ax)
    drawn(display)
    assert network.verdict_.epoch == 5, "the last epoch has the mark of the verdict"
    np.testing.assert_array_equal(display.lines_["loss not finite"].get_xdata(), np.flatnonzero(lost)[:-1] + 1)


def test_health_where_the_dummy_predictor_has_no_loss(data, ax):
    X, _ = data
    display = HealthDisplay.from_estimator(regressor().fit(X, np.ones(len(X))), ax=ax)
    assert display.baseline == 0
    assert "dummy predictor" in drawn(display)


def test_health_draws_repairs_and_spikes(data, ax):
    network = regressor().fit(*data)
    network.repairs_ = [
        SimpleNamespace(action="rewind", epoch=6, kept=3, losses=np.array([2.0, np.nan, np.inf])),
        SimpleNamespace(action="rewind", epoch=5, kept=4, losses=np.array([3.0])),
        SimpleNamespace(action="restructure", epoch=1, kept=0, losses=np.zeros(0)),
    ]
    network.history_["spikes"] = np.array([0, 2, 0, 0, 1, 0, 0, 0, 0, 0.0])
    display = HealthDisplay.from_estimator(network, ax=ax)
    names = drawn(display)
    assert names.count("repair: rewind") == names.count("repair: restructure") == names.count("discarded epochs") == 1
    given_up = [line for line in ax.lines if line.get_label().endswith("discarded epochs")]
    np.testing.assert_array_equal(given_up[0].get_data(), [[4, 5, 6], [2, np.nan, np.nan]])
    marks = [line.get_xydata()[0] for line in ax.lines if "repair: " in line.get_label()]
    assert [x for x, _ in marks] == [6, 5, 1]
    assert marks[0][1] > display.limit
    assert marks[1][1] == 3
    np.testing.assert_array_equal(display.lines_["spikes (3 steps)"].get_xdata(), [2, 5])


# ------------------------------------------------------------------------------------------------------ activations


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_and_its_derivative(name):
    display = ActivationDisplay.from_names([name], -4.03, 5.0, ax=Figure().subplots(1, 2))
    function, derivative = display.lines_[name]
    np.testing.assert_array_equal(function.get_data(), [display.x, display.values[name]])
    np.testing.assert_array_equal(derivative.get_data(), [display.x, display.derivatives[name]])
    assert [line.axes for line in display.lines_[name]] == display.axes_
    slope = np.diff(display.values[name]) / np.diff(display.x)
    middle = (display.derivatives[name][1:] + display.derivatives[name][:-1]) / 2
    away = np.abs(display.x[1:] - np.diff(display.x)[0] / 2) > 0.02  # from the kink of relu
    np.testing.assert_allclose(slope[away], middle[away], atol=1e-3)


def test_slopes_of_s_shaped_functions_peak_at_zero_and_vanish():
    display = ActivationDisplay.from_names(["tanh", "logistic"], -20, 20, ax=Figure().subplots(1, 2))
    for name, peak in (("tanh", 1.0), ("logistic", 0.25)):
        slopes = display.derivatives[name]
        assert (slopes.max(), display.x[slopes.argmax()]) == (peak, 0)
        assert max(slopes[0], slopes[-1]) < 1e-8


def test_all_activations_can_be_told_apart():
    display = ActivationDisplay.from_names(list(ACTIVATIONS), ax=Figure().subplots(1, 2))
    looks = {(str(f.get_color()), f.get_linestyle(), str(f._dash_pattern)) for f, _ in display.lines_.values()}
    assert len(looks) == len(ACTIVATIONS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"names": ["sine"]}, "'sine' is unknown; allowed are identity"),
        ({"low": 2, "high": 2}, "low=2, high=2"),
        ({"names": ["relu"], "ax": Figure().subplots()}, "ax must be 2 axes; got 1"),
    ],
)
def test_activations_refuse(arguments, message):
    with pytest.raises(ValueError, match=message):
        ActivationDisplay.from_names(**arguments)


# ---------------------------------------------------------------------------------------------------- stability map


def stable_or_not(**options):
    return regressor(**{"activation": "tanh", "solver": "sgd", "momentum": 0.0, "batch_size": 150} | options)


def test_map_holds_fits_and_limits(data, ax):
    X, y = data
    display = StabilityMapDisplay.from_estimator(
        stable_or_not(), X, y, learning_rates=[1e-3, 1e3], values=[1, 3], n_repeats=2, random_state=0, ax=ax
    )
    assert drawn(display) == ["fits that diverged, of 2", "predicted limit (r = 1)"]
    np.testing.assert_array_equal(display.diverged, [[0, 1], [0, 1]])
    assert (display.log_ratio[:, 1] > 1).all()
    assert (display.log_ratio[:, 0] < 0.5).all()
    assert [text.get_text() for text in ax.texts] == ["2", "2"]
    np.testing.assert_array_equal(display.mesh_.get_array(), np.clip(display.log_ratio, -1, 1))
    seeds = np.random.RandomState(0).randint(2**31 - 1, size=2)
    expected = [
        [rate_limit(stable_or_not(hidden_layer_sizes=(8,) * depth, random_state=int(s)), X, y) for s in seeds]
        for depth in (1, 3)
    ]
    np.testing.assert_array_equal(display.rate_limits, expected)
    np.testing.assert_array_equal(display.boundary_.get_xdata(), np.repeat(np.median(expected, axis=1), 2))
    assert [label.get_text() for label in ax.get_yticklabels()] == ["1", "3"]


def test_map_cell_is_the_fit_of_that_width_and_rate(data, ax):
    X, y = data
    display = StabilityMapDisplay.from_estimator(
        stable_or_not(), X, y, learning_rates=[0.2], values=[3], vary="width", n_repeats=1, random_state=0, ax=ax
    )
    seed = int(np.random.RandomState(0).randint(2**31 - 1, size=1)[0])
    fitted = stable_or_not(hidden_layer_sizes=(3, 3), learning_rate_init=0.2, random_state=seed).fit(X, y)
    assert display.log_ratio[0, 0] == pytest.approx(np.log10(fitted.loss_ / (np.var(y) / 2)), abs=1e-5)


@pytest.mark.parametrize("options", [{"solver": "adam"}, {"normalization": "layer"}])
def test_map_without_a_known_limit_draws_none(options, data, ax):
    network = stable_or_not(**options)
    display = StabilityMapDisplay.from_estimator(
        network, *data, learning_rates=[0.01], values=[1], n_repeats=1, random_state=0, ax=ax
    )
    assert display.rate_limits is None
    assert drawn(display) == ["fits that diverged, of 1"]


def test_map_of_losses_that_are_not_finite(data, ax):
    display = StabilityMapDisplay.from_estimator(
        stable_or_not(), *data, learning_rates=[1e35], values=[1], n_repeats=1, random_state=0, ax=ax
    )
    assert drawn(display)[0] == "fits that diverged, of 1"
    assert display.diverged == 1


def test_map_of_a_classifier(data, ax):
    X, y = data
    network = BPClassifier(hidden_layer_sizes=(4,), solver="sgd", max_iter=5)
    display = StabilityMapDisplay.from_estimator(
        network, X, (y > 0).astype(int), learning_rates=[0.01, 0.1], values=[1], n_repeats=1, random_state=0, ax=ax
    )
    assert np.isfinite(display.rate_limits).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"vary": "height"}, "vary='height' is unknown; allowed are depth, width"),
        ({"values": []}, "need at least one item each"),
        ({"n_repeats": 0}, "n_repeats must be at least 1"),
        ({"learning_rates": [1, 0.1]}, "must be positive and increasing"),
        ({"learning_rates": [0, 0.1]}, "must be positive and increasing"),
        ({"estimator": stable_or_not(hidden_layer_sizes=())}, "no hidden layer"),
        ({"estimator": stable_or_not(activation=["tanh", "relu"])}, "one activation"),
    ],
)
def test_map_refuses(arguments, message, data):
    usual = {"estimator": stable_or_not(), "learning_rates": [0.1], "values": [1]}
    with pytest.raises(ValueError, match=message):
        StabilityMapDisplay.from_estimator(X=data[0], y=data[1], **usual | arguments)


# -------------------------------------------------------------------------------------------------------- all of them


def test_a_figure_is_made_where_no_axes_are_given(data):
    import matplotlib.pyplot as plt

    before = matplotlib.get_backend()
    plt.switch_backend("Agg")
    try:
        for display in (
            GradientFlowDisplay.from_estimator(regressor().fit(*data)),
            HealthDisplay.from_estimator(regressor().fit(*data)),
            ActivationDisplay.from_names(["relu"]),
        ):
            assert plt.fignum_exists(display.figure_.number)
    finally:
        plt.close("all")
        plt.switch_backend(before)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("signal", [None, "weight_norm", "step_ratio"])
@pytest.mark.parametrize(
    "values", [[1e308, 1.0, 2.0], [5e-324, 1.0, 1e308], [np.inf, np.nan, 1e308], [1e-310, 1e-300, 0.0]]
)
def test_numbers_of_any_size_are_drawn(values, signal):
    """Matplotlib's logarithmic axes computed infinite numbers, and raised OverflowError."""
    model = BPRegressor(hidden_layer_sizes=(3,), max_iter=3, random_state=0)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        model.fit(np.arange(10.0)[:, None], np.arange(10.0))
    model.history_["loss"] = np.array(values)
    for name in ("layer_weight_norm", "layer_step_ratio"):
        model.history_[name] = np.tile(np.array(values)[:, None], 2)
    for name in ("weight_norm", "step_ratio"):
        model.probes_[name] = np.resize(np.array(values), model.probes_[name].shape)
    made = HealthDisplay.from_estimator(model) if signal is None else GradientFlowDisplay.from_estimator(model, signal)
    made.figure_.canvas.draw()
