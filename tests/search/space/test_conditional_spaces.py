"""Layers and the width of each, parameters that exist only beside certain others, and spaces side by side."""

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search import StudyError
from search.loop.journal import StudyStore
from search.plots import gallery
from search.plots.subject import Subject
from search.results import report
from search.results.advice import advice
from search.results.cv_results import cv_results
from search.space import spaces
from search.space.dimensions import Layers, Range, label
from search.space.parsing import dimension
from search.trials.penalties import Feedback

LAYERS = {"layers": {"low": 1, "high": 3}, "width": {"low": 4, "high": 64, "log": True}}
GIVEN = {
    "layers": {"hidden_layer_sizes": LAYERS},
    "none or two layers": {"hidden_layer_sizes": {"layers": [0, 2], "width": [8, 16]}},
    "always two layers": {"hidden_layer_sizes": {"layers": [2], "width": (8, 16)}},
    "a rate of one solver": {
        "momentum": {"low": 0.5, "high": 0.99, "when": {"solver": "sgd"}},
        "solver": ["adam", "sgd", "rmsprop"],
    },
    "of two solvers": {
        "solver": ["adam", "sgd", "rmsprop"],
        "momentum": {"values": [0.5, 0.9], "when": {"solver": ["sgd", "rmsprop"]}},
    },
    "a chain": {
        "nesterovs_momentum": {"values": [True, False], "when": {"momentum": 2}},
        "momentum": {"low": 1, "high": 3, "when": {"solver": "sgd"}},
        "solver": ["adam", "sgd"],
    },
    "two conditions": {
        "a": [True, False],
        "b": [[1], [1, 2]],
        "c": {"values": (0.0, 1.0), "when": {"a": True, "b": [1, 2]}},
    },
    "layers of one kind": {
        "kind": ["deep", "linear"],
        "sizes": {**LAYERS, "when": {"kind": "deep"}},
        "dropout": {"low": 0.0, "high": 0.5, "when": {"sizes.layers": [2, 3]}},
    },
    "side by side": [{"kernel": ["rbf"], "C": [1, 10]}, {"kernel": ["poly"], "degree": (2, 4), "C": (0.1, 0.9)}],
    "the same parameters": [
        {"alpha": (0.1, 1.0), "n": [1]},
        {"alpha": [5.0, 7.0], "n": [1, 2]},
        {"n": [9], "alpha": [0.5]},
    ],
    "layers in one of them": [
        {"sizes": LAYERS},
        {"linear": [True], "rate": {"values": [1, 2], "when": {"linear": True}}},
    ],
}
SPACES = {name: spaces.build(given) for name, given in GIVEN.items()}
each_space = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES.keys())


def lies_in(params, space) -> bool:
    """Say whether a configuration has exactly the parameters that exist, each with a value that is allowed."""
    leaves, axes = space.leaves(params), space.axes
    one = space.members[leaves.get(spaces.ALTERNATIVE, 0)]
    for name, value in params.items():
        one[name].check(value)
    return {name for name, leaf in axes.items() if leaf.exists(leaves)} == leaves.keys()


@each_space
@settings(deadline=None, max_examples=40)
@given(numbers=st.lists(st.floats(0, 1, exclude_max=True), min_size=8, max_size=8))
def test_what_is_drawn_lies_in_the_space_and_is_taken_apart_and_put_together_again(space, numbers):
    leaves = space.draw(numbers[: len(space.axes)])
    params = space.assemble(leaves)
    assert lies_in(params, space)
    assert space.leaves(params) == leaves
    one = space.members[leaves.get(spaces.ALTERNATIVE, 0)]
    assert list(params) == [name for name in one if name in params]


@each_space
def test_grid_and_random_points_lie_in_the_space_without_repeats(space):
    grid = list(space.grid_points())
    assert len({json.dumps(point) for point in grid}) == len(grid) == space.grid_size
    assert all(lies_in(point, space) for point in grid)
    drawn = [space.random_point(0, n) for n in range(60)]
    assert all(lies_in(point, space) for point in drawn)
    # both see each way in which parameters can exist together
    assert {frozenset(p) for p in grid} == {frozenset(p) for p in drawn}


def test_a_grid_has_layers_of_equal_width():
    space = spaces.build({"hidden_layer_sizes": {"layers": [1, 2], "width": [8, 16]}})
    assert [p["hidden_layer_sizes"] for p in space.grid_points()] == [[8], [16], [8, 8], [16, 16]]


@each_space
def test_the_journal_keeps_what_exists(space, tmp_path, make_outcome):
    outcomes = {n: make_outcome(n, params=space.random_point(0, n)) for n in range(12)}
    store = StudyStore(tmp_path / "x.journal", "x", {"[space]": space.describe()}, space)
    for outcome in outcomes.values():
        store.record(outcome, Feedback(-0.5))
    store.close()
    again = StudyStore(tmp_path / "x.journal", "x", {"[space]": space.describe()}, space)
    again.close()
    assert again.outcomes == outcomes
    assert again.feedback == dict.fromkeys(range(12), Feedback(-0.5))


@each_space
def test_reports_plots_and_results_do_without_what_does_not_exist(space, make_outcome):
    verdicts = ["ok", "diverged", "ok", "stopped"] * 5
    outcomes = {n: make_outcome(n, v, params=space.random_point(1, n)) for n, v in enumerate(verdicts)}
    gallery.figures(Subject(outcomes, space, [], "score"))
    names = {name for n in (0, 2, 4, 6, 8) for name in outcomes[n].params}
    assert report.best_trials(outcomes, {}, "accuracy").row_count == 3 + len(names)
    dashes = sum(len(space) - len(o.params) for o in outcomes.values() if o.divergence)
    assert sum(line.count("-, ") + line.count("-)") for line in report.divergences(outcomes)) >= dashes
    table = cv_results(list(outcomes.values()), 2)
    for name in space:
        assert table[f"param_{name}"].mask.tolist() == [name not in o.params for o in outcomes.values()]


def test_advice_names_the_number_of_layers(make_outcome):
    space = SPACES["layers"]
    points = [space.random_point(0, n) for n in range(60)]
    outcomes = [
        make_outcome(n, "diverged" if len(p["hidden_layer_sizes"]) > 2 else "ok", params=p)
        for n, p in enumerate(points)
    ]
    told = advice(outcomes, space)
    assert "hidden_layer_sizes.layers > 2" in told[0]
    assert told[1].startswith("hidden_layer_sizes.layers: high = 2 would exclude")


def test_advice_bounds_no_single_width(make_outcome):
    space = SPACES["always two layers"]
    points = [space.random_point(0, n) for n in range(60)]
    outcomes = [
        make_outcome(n, "diverged" if p["hidden_layer_sizes"][1] > 12 else "ok", params=p) for n, p in enumerate(points)
    ]
    (told,) = advice(outcomes, space)
    assert "hidden_layer_sizes.width_2 > 12" in told


def test_advice_on_what_exists_in_some_trials(make_outcome):
    space = SPACES["a rate of one solver"]
    points = [space.random_point(0, n) for n in range(120)]
    outcomes = [
        make_outcome(n, "diverged" if p.get("momentum", 0) > 0.8 else "ok", params=p) for n, p in enumerate(points)
    ]
    assert "momentum > 0.8" in advice(outcomes, space)[0]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"layers": (1, 2)}, "has no width; a list of layers needs layers and width"),
        (LAYERS | {"depth": 2}, "has a key 'depth'; allowed in layers are layers, width, when"),
        (LAYERS | {"layers": 3}, "has layers, which is 3; allowed are"),
        (LAYERS | {"layers": (0.5, 2.5)}, "has layers = {'low': 0.5, "),
        (LAYERS | {"width": [0, 8]}, "has width = ['0', '8']; allowed are whole numbers from 1"),
        (LAYERS | {"width": ["a"]}, "has width = ['a']; allowed are whole numbers from 1"),
        (LAYERS | {"width": LAYERS}, "has width = {'layers': "),
        ({"values": [1], "low": 2}, "has a key 'low'; allowed beside values are values, when"),
        ({"values": {"values": [1], "when": {"solver": "sgd"}}}, "has a when inside its values"),
        ({"values": [1, 2], "when": "sgd"}, "has when = 'sgd'; allowed is a table"),
        ({"values": [1, 2], "when": {}}, "has when = {}; allowed is a table"),
        ({"values": [1, 2], "when": {"slover": "sgd"}}, "has when = { slover = … }; it can name solver, rate, x"),
        ({"values": [1, 2], "when": {"solver": "newton"}}, "has when, where solver is 'newton'; allowed are sgd, adam"),
        ({"values": [1, 2], "when": {"solver": ["sgd", 3]}}, "has when, where solver is 3; allowed are sgd, adam"),
        ({"values": [1, 2], "when": {"rate": 0.5}}, "has when, where rate is a range of real numbers"),
        ({"values": [1, 2], "when": {"x": 1}}, "x have a cycle of conditions"),
    ],
    ids=str,
)
def test_mistakes_name_key_and_value(changed, told):
    with pytest.raises(StudyError, match=rf"^here: x.*{re.escape(told.removeprefix('x '))}"):
        spaces.build({"solver": ["sgd", "adam"], "rate": (0.1, 1.0), "x": changed}, "here")


def test_a_configuration_is_of_the_first_space_all_of_whose_parameters_it_has():
    space = spaces.build([{"a": [1, 2], "b": [1]}, {"a": [1]}, {"a": [1, 2]}])
    found = [space.leaves(params)["alternative"] for params in ({"a": 1, "b": 1}, {"a": 1}, {"a": 2})]
    assert found == [0, 1, 2]
    assert [space.has(params) for params in ({"a": 1}, {"b": 1}, {"a": 3}, {})] == [True, False, False, False]


def test_circle():
    circle = {"a": {"values": [1], "when": {"b": 1}}, "b": {"values": [1], "when": {"a": 1}}, "c": [1]}
    with pytest.raises(StudyError, match=r"^here: a, b have a cycle of conditions"):
        spaces.build(circle, "here")


def test_a_list_may_be_one_value_of_the_other_parameter_or_several():
    leaf = SPACES["two conditions"].axes["c"]
    assert leaf.when == {"a": {"true"}, "b": {"[1, 2]"}}
    several = spaces.build({"b": [[1], [2]], "c": {"values": [1], "when": {"b": [[1], [2]]}}})
    assert several.axes["c"].when == {"b": {"[1]", "[2]"}}


def test_layers_of_any_numbers():
    assert dimension(LAYERS) == Layers(Range(1, 3, integer=True), Range(4, 64, log=True, integer=True))
    assert [label(v) for v in dimension(LAYERS).extremes()] == ["[4]", "[64]", "[4, 4, 4]", "[64, 64, 64]"]
    with pytest.raises(ValueError, match=r"is \[8, 200\]: its width is 200; allowed are whole numbers from 4 to 64"):
        dimension(LAYERS).check([8, 200])
    with pytest.raises(ValueError, match=r"is \[\]: its layers is 0; allowed are whole numbers from 1 to 3"):
        dimension(LAYERS).check([])
