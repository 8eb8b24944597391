"""Grid, random search and Optuna see the same space."""

import json
import math
import re

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from search import StudyError
from search.samplers.optuna_terms import distributions
from search.samplers.tpe import TPESampler
from search.space import spaces
from search.space.dimensions import Choice, Quantile, Range, label
from search.space.parsing import dimension
from search.space.spaces import Leaf, Space

DIMENSIONS = {
    "choice of texts": Choice(("relu", "tanh", "logistic")),
    "choice of lists": Choice(([32], [64, 32], [])),
    "choice of mixed values": Choice((None, True, 1.5, "auto", (3, 4))),
    "linear": Range(-1.5, 2.0),
    "log": Range(1e-4, 10.0, log=True),
    "integer": Range(1, 4, integer=True),
    "integer log": Range(1, 1000, log=True, integer=True),
    "negative integer": Range(-3, 3, integer=True),
    "normal": Quantile(scipy.stats.norm(1, 2)),
    "log-uniform": Quantile(scipy.stats.loguniform(1e-3, 1e3)),
    "randint": Quantile(scipy.stats.randint(2, 7)),
}

each_dimension = pytest.mark.parametrize("dimension", DIMENSIONS.values(), ids=DIMENSIONS.keys())


def lies_in(value, dimension) -> bool:
    if isinstance(dimension, Choice):
        return any(value is allowed for allowed in dimension.values)
    if isinstance(dimension, Range):
        return dimension.low <= value <= dimension.high and (not dimension.integer or isinstance(value, int))
    low, high = dimension.distribution.support()
    return bool(low <= value <= high)


@each_dimension
@settings(deadline=None, max_examples=60)
@given(u=st.floats(0, 1))
def test_every_number_gives_a_value_of_the_domain(dimension, u):
    assert lies_in(dimension.at(u), dimension)


@each_dimension
@settings(deadline=None, max_examples=60)
@given(u=st.floats(0, 1))
def test_the_place_of_a_value_gives_the_value(dimension, u):
    value = dimension.at(u)
    place = dimension.place(value)
    assert 0 <= place <= 1
    again = dimension.at(place)
    assert again == value or again == pytest.approx(value, rel=1e-6, abs=1e-9)


def test_the_code_of_a_whole_number_lies_in_the_middle_of_its_numbers():
    """A sampler that moves a code a little, up or down, still means the same value."""
    units = DIMENSIONS["randint"]
    for value in range(2, 7):
        assert {units.decode(units.encode(value) + moved) for moved in (-0.09, 0.0, 0.09)} == {value}


@each_dimension
@settings(deadline=None, max_examples=60)
@given(u=st.floats(0, 1))
def test_its_own_values_are_allowed(dimension, u):
    value = dimension.at(u)
    assert dimension.check(value) == value


@pytest.mark.parametrize(
    ("dimension", "value"),
    [
        (Choice((1, 2)), 3),
        (Choice((1, "a")), True),
        (Range(0.0, 1.0), 1.5),
        (Range(0.0, 1.0), math.nan),
        (Range(0.0, 1.0), "0.5"),
        (Range(1, 4, integer=True), 1.5),
        (Quantile(scipy.stats.uniform(0, 1)), -0.1),
        (Quantile(scipy.stats.randint(2, 7)), 2.5),
    ],
)
def test_other_values_are_not_allowed(dimension, value):
    with pytest.raises(ValueError, match=rf"^is {value!r}; allowed are "):
        dimension.check(value)


def test_a_choice_of_numbers_allows_them_as_real_numbers():
    assert type(Choice((0.1, 1)).check(1.0)) is int


@each_dimension
@settings(deadline=None, max_examples=60)
@given(u=st.floats(0, 1))
def test_what_is_stored_as_json_is_read_as_it_was(dimension, u):
    value = dimension.at(u)
    code = json.loads(json.dumps(dimension.encode(value)))
    if isinstance(dimension, Quantile):
        assert dimension.decode(code) == pytest.approx(value, rel=1e-5, abs=1e-8)
    else:
        assert dimension.decode(code) == value


@each_dimension
@settings(deadline=None, max_examples=60)
@given(u=st.floats(0, 1))
def test_optuna_knows_every_value(dimension, u):
    distribution = distributions({"x": Leaf(dimension)})["x"]
    code = dimension.encode(dimension.at(u))
    assert distribution._contains(distribution.to_internal_repr(code))


@each_dimension
def test_what_optuna_proposes_lies_in_the_domain(dimension):
    sampler = TPESampler(Space({"x": dimension}), 0)
    assert all(lies_in(sampler.ask(n)["x"], dimension) for n in range(20))


@each_dimension
def test_grid_lies_in_the_domain_without_repeats(dimension):
    grid = dimension.grid()
    assert all(lies_in(value, dimension) for value in grid)
    assert len({label(value) for value in grid}) == len(grid) > 1


@pytest.mark.parametrize(
    ("dimension", "grid"),
    [
        (Range(0.0, 1.0, points=3), [0, 0.5, 1]),
        (Range(1e-4, 1.0, log=True), [1e-4, 1e-3, 1e-2, 0.1, 1.0]),
        (Range(1, 3, integer=True), [1, 2, 3]),
        (Range(0, 100, integer=True, points=2), [0, 100]),
        (Choice(("a", [1])), ["a", [1]]),
        (Quantile(scipy.stats.uniform(0, 10)), [1, 3, 5, 7, 9]),
    ],
)
def test_grid_points(dimension, grid):
    assert dimension.grid() == pytest.approx(grid) if not isinstance(dimension, Choice) else dimension.grid() == grid


@pytest.mark.parametrize(("low", "high"), [(1, 4), (0, 9), (-2, 2)])
def test_integer_ends_are_as_likely_as_the_others(low, high):
    dimension = Range(low, high, integer=True)
    u = (np.arange(1000 * (high - low + 1)) + 0.5) / (1000 * (high - low + 1))
    values, counts = np.unique([dimension.at(x) for x in u], return_counts=True)
    assert values.tolist() == list(range(low, high + 1))
    assert set(counts) == {1000}


@settings(deadline=None)
@given(u=st.floats(0.0, 1.0), exponent=st.integers(-8, -1))
def test_log_range_is_even_in_the_logarithm(u, exponent):
    low = 10.0**exponent
    assert math.log(Range(low, 1.0, log=True).at(u)) == pytest.approx((1 - u) * math.log(low), abs=1e-9)


FORMS = [
    (["relu", "tanh"], Choice(("relu", "tanh"))),
    (("relu", "tanh"), Choice(("relu", "tanh"))),
    (np.array([1, 2]), Choice((1, 2))),
    ((1e-4, 1.0, "log"), Range(1e-4, 1.0, log=True)),
    ((1, 8), Range(1, 8, integer=True)),
    ((1, 8.0), Range(1, 8.0)),
    ((np.int64(1), np.int64(8)), Range(1, 8, integer=True)),
    ((np.float32(0.5), np.float32(8)), Range(0.5, 8.0)),
    ({"low": 1, "high": 8}, Range(1, 8, integer=True)),
    ({"low": 1, "high": 8, "integer": False}, Range(1, 8)),
    ({"low": 0.1, "high": 1, "log": True, "points": 3}, Range(0.1, 1, log=True, points=3)),
    (FloatDistribution(1e-3, 1, log=True), Range(1e-3, 1.0, log=True)),
    (FloatDistribution(0, 1, step=0.25), Choice((0.0, 0.25, 0.5, 0.75, 1.0))),
    (FloatDistribution(0, 3, step=1), Choice((0.0, 1.0, 2.0, 3.0))),
    (IntDistribution(1, 9), Range(1, 9, integer=True)),
    (IntDistribution(1, 9, log=True), Range(1, 9, log=True, integer=True)),
    (IntDistribution(1, 9, step=4), Choice((1, 5, 9))),
    (CategoricalDistribution(["a", "b"]), Choice(("a", "b"))),
    (Choice(("a",)), Choice(("a",))),
]


@pytest.mark.parametrize(("given_form", "expected"), FORMS, ids=repr)
def test_forms_of_a_dimension(given_form, expected):
    found = dimension(given_form)
    assert found == expected
    assert json.dumps(found.describe()) == json.dumps(expected.describe())  # 1 and 1.0 are equal, but not alike


def test_scipy_distribution_stands_for_itself():
    assert dimension(scipy.stats.expon(scale=2)).at(0.5) == pytest.approx(2 * math.log(2))


class Powers:
    """Draws lists, and nothing else is known of it."""

    def rvs(self, random_state):
        return [2 ** int(random_state.randint(1, 4))]


def test_what_has_only_rvs_is_drawn_from():
    """As in `RandomizedSearchCV`; it was refused."""
    found = dimension(Powers())
    drawn = [found.at(u) for u in np.linspace(0, 1, 50)]
    assert {value[0] for value in drawn} == {2, 4, 8}
    assert all(found.decode(found.encode(value)) == value for value in drawn)
    with pytest.raises(ValueError, match="allowed are values that Powers has drawn"):
        found.check([16])
    assert 0 < dimension(scipy.stats.expon).at(0.5) < 99  # a family, with its default parameters
    with pytest.raises(ValueError, match=r"rvs fails: TypeError: .*argument"):
        dimension(scipy.stats.gamma)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ([], "empty list"),
        ((16, 32, 64), r"write choices as a list: [16, 32, 64]"),
        ("relu", "'relu'; allowed are a list of choices, a range"),
        (3, "3; allowed are a list of choices, a range"),
        ({"low": 1}, "high = None; a range needs a number"),
        ({"low": "a", "high": 2}, "low = 'a'; a range needs a number"),
        ({"low": True, "high": 2}, "low = True; a range needs a number"),
        ({"low": math.nan, "high": 2}, "low = nan; a range needs a number"),
        ({"low": 0, "high": math.inf}, "high = inf; a range needs a number"),
        ({"low": 1, "hihg": 2}, "'hihg' (did you mean high?); allowed in a range are low, high, log, integer, points"),
        ({"low": 2, "high": 1}, "low = 2 and high = 1; low must be below high"),
        ((1.0, 1.0), "low must be below high"),
        ({"low": 0, "high": 1, "log": True}, "low = 0 and log = true; a logarithmic range must start above 0"),
        ({"low": 1, "high": 2, "log": "yes"}, "log = 'yes'; allowed are true and false"),
        ({"low": 1, "high": 2, "integer": 1}, "integer = 1; allowed are true and false"),
        ({"low": 1, "high": 2, "points": 2.5}, "points = 2.5; a grid needs a whole number"),
        ({"low": 1, "high": 2, "points": 1}, "points = 1; a grid needs at least 2"),
        ((1e-3, 1.0, "lin"), "'log'"),
    ],
    ids=str,
)
def test_mistakes_name_key_and_value(value, told):
    with pytest.raises(StudyError, match=rf"^here: alpha .*{re.escape(told)}"):
        spaces.build({"alpha": value}, "here")


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize(("low", "high"), [(0.5, 7), (0.2, 7), (1, 7.5)])
def test_integer_range_with_fractional_ends_bug(low, high, log):
    """It gave values outside the range, or a bare "math domain error" for log(0)."""
    with pytest.raises(StudyError, match=r"here: batch_size .*whole"):
        spaces.build({"batch_size": {"low": low, "high": high, "integer": True, "log": log}}, "here")


def test_an_empty_space_has_one_configuration():
    """As in scikit-learn, where it was refused."""
    space = spaces.build({})
    assert (list(space.grid_points()), space.grid_size, space.most_choices) == ([{}], 1, 1)
    assert spaces.build([{}, {"a": [1, 2]}]).grid_size == 3


def test_a_value_listed_twice_counts_once():
    """As `np.linspace(1, 4, 9).astype(int)` has some; it was refused. 1, 1.0 and True are three values."""
    assert dimension(np.linspace(1, 4, 9).astype(int)).grid() == [1, 2, 3, 4]
    assert dimension([[8], [16], [8]]).grid() == [[8], [16]]
    assert dimension([1, 1.0, True, "1"]).labels == ("1", "1.0", "true")


def test_grid_is_the_product_and_the_last_parameter_changes_fastest():
    space = spaces.build({"a": ["x", "y"], "b": (1, 3)})
    points = list(space.grid_points())
    assert points == [{"a": a, "b": b} for a in "xy" for b in (1, 2, 3)]
    assert space.grid_size == len(points)


COUNTED = {
    "conditions": {
        "solver": ["adam", "sgd", "lbfgs"],
        "momentum": {"values": [0.5, 0.6, 0.9], "when": {"solver": "sgd"}},
        "nesterovs_momentum": {"values": [True, False], "when": {"solver": "sgd", "momentum": 0.5}},
        "alpha": [1, 2],
    },
    "a chain": {
        "c": {"values": [1, 2, 3], "when": {"b": ["x", "y"]}},
        "b": {"values": ["x", "y", "z"], "when": {"a": 1}},
        "a": [1, 2],
        "d": {"values": [5, 6], "when": {"a": 2}},
        "e": {"values": [5, 6, 7], "when": {"f": 2}},
        "f": (1, 3),
    },
    "two parents": {"a": [1, 2], "b": [1, 2, 3], "c": {"values": [1, 2], "when": {"a": 1, "b": [2, 3]}}},
    "layers": {
        "hidden_layer_sizes": {"layers": (1, 3), "width": (8, 64)},
        "dropout": {"values": [0.1, 0.2], "when": {"hidden_layer_sizes.layers": [2, 3]}},
    },
    "alternatives": [{"a": [1, 2], "b": [1, 2]}, {}, {"a": (0.0, 1.0)}],
}


@pytest.mark.parametrize("name", COUNTED)
def test_points_of_a_grid_are_counted_without_being_made(name):
    space = spaces.build(COUNTED[name])
    assert space.grid_size == sum(1 for _ in space.grid_points())


def test_a_large_grid_is_counted_at_once_bug():
    """It was counted point by point: 4.1 million took 18 s and 1.2 GB, whatever the timeout."""
    wide = {f"c{i}": list(range(1000)) for i in range(4)} | {"c": {"values": [1, 2], "when": {"c0": [0, 1]}}}
    assert spaces.build(wide).grid_size == 10**12 + 2 * 10**9


def test_random_point_depends_on_seed_and_number_only():
    space = spaces.build({"a": (0.0, 1.0), "b": [1, 2, 3]})
    backwards = [space.random_point(5, n) for n in reversed(range(20))]
    assert backwards[::-1] == [space.random_point(5, n) for n in range(20)]
    assert len({point["a"] for point in backwards}) == 20
    assert space.random_point(6, 0) != space.random_point(5, 0)


def test_random_and_bayesian_search_propose_the_same_kind_of_value():
    space = spaces.build({"a": [[4], [8, 4]], "b": (1, 4), "c": (1e-3, 1.0, "log"), "d": {"low": 0.0, "high": 1.0}})
    sampler = TPESampler(space, 0)
    proposed, drawn = sampler.ask(0), space.random_point(0, 0)
    assert {k: type(v) for k, v in proposed.items()} == {k: type(v) for k, v in drawn.items()}


def test_default_space_takes_a_prefix():
    assert list(spaces.default("net__")) == [f"net__{name}" for name in spaces.default()]


def test_description_is_json_and_tells_spaces_apart():
    one, other = (spaces.build({"a": (1e-3, high, "log"), "b": ["x", [1]]}) for high in (1.0, 2.0))
    assert json.loads(json.dumps(one.describe())) == one.describe() != other.describe()
