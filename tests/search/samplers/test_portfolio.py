"""A search that learns begins with the points of its space that are nearest to a portfolio."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import loguniform
from sklearn.linear_model import Ridge

from bpmodel import BPRegressor
from search import BPSearchCV
from search.samplers.methods import METHODS
from search.samplers.portfolio import PLAIN, PORTFOLIO, behind, nearest, nearest_point
from search.space import spaces
from search.space.dimensions import Choice, Layers, Quantile, Range
from search.space.initial_points import complete
from search.space.spaces import Space
from search.trials.pipeline import PATHS, default_pipeline

LEARNING = [name for name, method in METHODS.items() if method.learns]
NUMERIC = {"numeric": ["standard", "piecewise"]}
RATES = {"learning_rate_init": (1e-4, 0.1, "log"), "alpha": (1e-4, 10.0, "log"), "batch_size": [16, 32, 128]}


def test_every_entry_lies_in_the_default_space_and_configures_a_network():
    for entries, space in ((PLAIN, spaces.default()), (PORTFOLIO, spaces.build({**spaces.default(), **NUMERIC}))):
        assert complete(space, entries, 0, "portfolio") == list(entries)
        for entry in entries:
            own = {name: value for name, value in entry.items() if name != "numeric"}
            default_pipeline("regression", own, {"numeric": entry.get("numeric", "standard")})[-1]._check_options()


@pytest.mark.parametrize("method", METHODS)
def test_methods_that_learn_begin_with_it_behind_the_users_points(make_problem, method):
    problem, space = make_problem(), spaces.build(RATES)
    mine = {"learning_rate_init": 0.1, "alpha": 10.0, "batch_size": 16}
    found = behind([mine], space, problem, method)
    assert found[0] == mine
    assert len(found) == (1 + len({tuple(e[n] for n in RATES) for e in PLAIN}) if method in LEARNING else 1)
    assert behind(found, space, problem, method) == found, "no point comes twice"
    assert behind([mine, mine], space, problem, method)[:2] == [mine, mine], "unless it is asked for"
    for point, entry in zip(found[1:2], PLAIN, strict=False):
        assert point == nearest_point(space, entry)


def test_what_it_says_nothing_of_stays_as_it_is(make_problem):
    problem = make_problem(momentum=0.55, dropout=0.2)
    space = spaces.build({"alpha": (1e-4, 1.0, "log"), "momentum": [0.1, 0.5, 0.9], "dropout": (0.0, 0.5)})
    points = behind([], space, problem, "bayesian")
    assert {point["momentum"] for point in points} == {0.5}
    assert {point["dropout"] for point in points} == {0.2}
    foreign = Space({name: d for name, d in space.items() if name != "alpha"})
    assert behind([], foreign, problem, "bayesian") == []


def test_alternative_spaces_have_none(make_problem):
    """A portfolio's point would have to choose one of them."""
    space = spaces.build([RATES, {**RATES, "momentum": (0.5, 0.9)}])
    assert behind([], space, make_problem(), "bayesian") == []


def test_only_networks_have_one(make_problem):
    problem = replace(make_problem(), estimator=Ridge(), prefix="")
    assert behind([], spaces.build({"alpha": (0.1, 1.0)}), problem, "bayesian") == []


@pytest.mark.parametrize(
    ("dimension", "wanted", "value"),
    [
        (Range(0.1, 1.0), 0.01, 0.1),
        (Range(8, 64, integer=True), 23.6, 24),
        (Range(0.1, 10.0, log=True), None, 1.0),
        (Choice(("tanh", "relu")), "relu", "relu"),
        (Choice(("tanh", "logistic")), "relu", "tanh"),
        (Choice((16, 64, 256)), 100, 64),
        (Choice(([16], [64], [64, 64])), [50, 50], [64, 64]),
        (Choice((10, 100)), [64, 32], 100),
        (Choice((1, 10)), 4, 10),  # by their ratio
        (Choice((-1, 8)), 7, 8),
        (Choice((0, 2)), 1.9, 2),
        (Choice((1, 2)), 0, 1),
        (Choice(([30], [64])), [32, 32], [30]),  # by their mean width
        (Choice(([0], [64])), [32], [64]),
        (Layers(Range(1, 3, integer=True), Range(4, 48, integer=True)), [64, 32], [48, 32]),
        (Layers(Choice((1, 4)), Choice((8, 32))), [30, 9], [32]),
        (Layers(Range(3, 4, integer=True), Choice((8, 32))), [30, 9], [32, 8, 8]),
        (Layers(Range(1, 2, integer=True), Range(4, 16, integer=True)), None, [10]),
    ],
    ids=str,
)
def test_nearest(dimension, wanted, value):
    found = nearest(dimension, wanted)
    assert found == value
    assert type(found) is type(value)


def test_nearest_of_a_distribution():
    assert nearest(Quantile(loguniform(1e-3, 1e-1)), 0.02) == pytest.approx(0.02, rel=0.05)
    assert nearest(Quantile(loguniform(1e-3, 1e-1)), 7.0) == pytest.approx(0.1)


@pytest.mark.parametrize("sgd_first", [True, False])
def test_what_does_not_exist_beside_the_others_is_left_out(sgd_first):
    solvers = ["sgd", "adam"] if sgd_first else ["adam", "sgd"]
    space = spaces.build(
        {
            "momentum": {"low": 0.5, "high": 0.9, "when": {"solver": "sgd"}},
            "solver": solvers,
            "hidden_layer_sizes": {"layers": (1, 3), "width": (4, 64)},
        }
    )
    point = nearest_point(space, {"solver": None, "momentum": 0.6, "hidden_layer_sizes": [8, 8]})
    assert point == ({"momentum": 0.6} if sgd_first else {}) | {"solver": solvers[0], "hidden_layer_sizes": [8, 8]}


@given(
    st.lists(st.integers(1, 500), max_size=5) | st.floats(-10, 1e6) | st.sampled_from(["relu", None, "x"]),
    st.sampled_from(
        [
            Range(1e-3, 10.0, log=True),
            Range(1, 9, integer=True),
            Choice(([5], [5, 5], 7, "relu")),
            Layers(Range(0, 3, integer=True), Range(2, 300, log=True, integer=True)),
        ]
    ),
)
def test_the_nearest_value_lies_in_its_dimension_and_is_the_value_itself_where_that_does(wanted, dimension):
    found = nearest(dimension, wanted)
    assert dimension.check(found) == found
    assert nearest(dimension, found) == found


@pytest.mark.parametrize("portfolio", [True, False])
@pytest.mark.parametrize("method", LEARNING)
def test_in_a_search(rows, method, portfolio):
    network = BPRegressor(hidden_layer_sizes=(4,), scale_input="standard", scale_target=True, max_iter=8)
    search = BPSearchCV(
        network, RATES, method=method, n_trials=4, cv=2, n_jobs=1, random_state=0, portfolio=portfolio
    ).fit(*rows())
    assert (search.cv_results_["params"][0] == nearest_point(spaces.build(RATES), PLAIN[0])) == portfolio


def test_a_study_that_searches_how_numbers_are_prepared_has_a_portfolio_of_its_own(make_problem):
    pipeline = default_pipeline("regression", {})
    problem = replace(make_problem(), estimator=pipeline, prefix=f"{pipeline.steps[-1][0]}__", paths=PATHS)
    for space, entries in (
        (spaces.build(RATES | NUMERIC), PORTFOLIO),
        (spaces.build(RATES | {"numeric": ["standard", "quantile"]}), PLAIN),
        (spaces.build(RATES), PLAIN),
    ):
        first = behind([], space, problem, "bayesian")[0]
        assert first == nearest_point(space, {"numeric": "standard", **entries[0]})
