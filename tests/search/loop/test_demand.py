"""What a search asks for is counted before it begins."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from bpmodel import BPClassifier, BPRegressor
from bpmodel.network import sizes
from search import BPSearchCV
from search.errors import StudyError
from search.loop import demand
from search.loop.ordering import LAG
from search.loop.runner import plan
from search.space import spaces
from search.space.unit_cube import UnitCube

SPACE = {"hidden_layer_sizes": [[8], [16, 4]], "solver": ["adam", "sgd"]}


def counted(problem, space, **options):
    built = spaces.build(space)
    outer = options.pop("outer", 0)
    return demand.count(problem, built, plan(problem, built, portfolio=False, **options), outer=outer)


def test_the_counts_are_those_of_the_search(make_problem):
    found = counted(make_problem(), SPACE, n_trials=10, n_seeds=3, n_members=5, n_jobs=2, outer=4)
    assert (found.rows, found.columns, found.features, found.cells) == (90, 4, 4, 360)
    assert (found.folds, found.trials, found.again, found.members, found.at_once) == (3, 10, 6, 5, 2)
    assert found.fits == (10 + 6) * 3 * 5 + 5 * 5
    assert (found.axes, found.largest) == (2, [16, 4])
    assert found.parameters == 4 * 16 + 16 * 4 + 4 * 1 + 16 + 4 + 1
    assert found.folds_bytes == 3 * 90 * 4 * 4
    network = sizes.demand([4, 16, 4, 1], 4, slots=2, batch=90, epochs=12)
    assert found.networks_bytes == 3 * 2 * network.total


@pytest.mark.parametrize(
    ("space", "largest"),
    [
        ({"hidden_layer_sizes": {"layers": (1, 3), "width": (2, 9)}}, [9, 9, 9]),
        ({"hidden_layer_sizes": [4, (5,), "many"]}, [5]),
        ({"alpha": [1.0]}, [8]),
        ([{"hidden_layer_sizes": [[4]]}, {"hidden_layer_sizes": [[3, 3]]}], [3, 3]),
        ({"hidden_layer_sizes": {"values": [[2]], "when": {"alpha": 1}}, "alpha": [1, 2]}, [8]),
    ],
    ids=["ranges", "choices of any type", "its own", "alternatives", "its own where another is conditional"],
)
def test_the_largest_network_of_a_space(make_problem, space, largest):
    assert counted(make_problem(), space, n_trials=2).largest == largest


def test_classes_are_outputs_and_other_estimators_have_no_weights(make_problem):
    three = counted(make_problem("classification"), {"alpha": [1.0]}, n_trials=2)
    assert three.parameters == 4 * 8 + 8 * 3 + 8 + 3
    other = counted(replace(make_problem(), estimator=Ridge()), {"alpha": [1.0]}, n_trials=2)
    assert (other.parameters, other.memory, other.fits) == (0, 0, 2 * 3 + 1)


def test_memory_that_there_is_not_is_refused_with_the_count(make_problem, monkeypatch):
    found = counted(make_problem(), SPACE, n_trials=10, n_jobs=2)
    assert found.table_bytes == 90 * 4 * 8
    monkeypatch.setattr(sizes, "memory", lambda: found.table_bytes + found.memory)
    demand.check(found)
    monkeypatch.setattr(sizes, "memory", lambda: found.table_bytes + found.memory - 1)
    with pytest.raises(
        StudyError, match=r"^x: hidden_layer_sizes = \[16, 4\] has 153 weights .*; 3 folds x 2 trials at a time"
    ):
        demand.check(found, "x")
    wide = replace(found, folds_bytes=1e30, features=10**9)
    with pytest.raises(
        StudyError,
        match=r"^a table of 90 rows, and its 1,000,000,000 columns after preprocessing in each of 3 folds, take .* the rows$",
    ):
        demand.check(wide)


def test_a_search_without_end_is_refused_with_the_count(make_problem):
    found = replace(counted(make_problem(), SPACE, n_trials=10, n_members=1, n_seeds=1), folds=9_999_999)
    demand.check(replace(found, members=10))
    with pytest.raises(
        StudyError, match=r"^10 trials x 9,999,999 folds are 100,000,001 fits; allowed are up to 100,000,000$"
    ):
        demand.check(replace(found, members=11))
    with pytest.raises(StudyError, match="x 3 searches are"):
        demand.check(replace(found, outer=2))


@pytest.mark.parametrize(
    ("n", "size"),
    [(6, None), (7, "10,000,000"), (12, "1,000,000,000,000"), (30, "1,000,000,000,000,000,000,000,000,000,000")],
)
def test_grids_are_counted_before_they_are_searched(make_problem, n, size):
    """A grid of 12 dimensions was searched without end and without a word."""
    values = {f"p{i}": list(range(10)) for i in range(n)}
    problem = make_problem()
    if size is None:
        assert plan(problem, spaces.build(values), method="grid").n_trials == 10**6
        return
    told = f"^method = 'grid': the grid of the space has {size} points; allowed are up to 1,000,000, or any number "
    with pytest.raises(StudyError, match=told):
        plan(problem, spaces.build(values), method="grid")
    assert plan(problem, spaces.build(values), method="grid", timeout=1.0).n_trials == 10**n, "a time limit ends it"


def test_grids_whose_conditions_cannot_be_gone_through_are_refused_too(make_problem):
    wide = {f"p{i}": list(range(100)) for i in range(5)}
    leaf = {"leaf": {"values": [1, 2], "when": {f"p{i}": 1 for i in range(5)}}}
    with pytest.raises(StudyError, match="has more than 1,000,000 points"):
        plan(make_problem(), spaces.build(wide | leaf), method="grid")


@pytest.mark.parametrize(("n", "fits"), [(999, True), (1000, False)])
def test_a_gaussian_process_has_only_so_many_features(make_problem, n, fits):
    """Learning its covariances took ten seconds for 1,000 features, more than a minute for 4,000, and nobody was told."""
    space = spaces.build({"hidden_layer_sizes": [[i + 1] for i in range(n)], "alpha": (0.01, 1.0)})
    assert plan(make_problem(), space, method="random").method == "random"
    if fits:
        assert plan(make_problem(), space, method="gp").method == "gp"
        return
    with pytest.raises(
        StudyError, match=r"^method = 'gp': the space has 1,001 features, .*; allowed are up to 1,000: list"
    ):
        plan(make_problem(), space, method="gp")


def test_choices_take_memory_by_their_number_not_by_its_square():
    cube = UnitCube(spaces.build({"hidden_layer_sizes": [[i + 1] for i in range(10_000)]}))
    tracemalloc.start()
    assert cube.n_features == 10_000
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()


HOSTILE = {
    "wide layers": (
        BPRegressor(max_iter=2),
        {"hidden_layer_sizes": [[10**6, 10**6]]},
        {},
        "1,000,00.* weights and biases",
    ),
    "its own layers": (BPClassifier((10**6, 10**6)), {"alpha": [1.0]}, {}, "weights and biases"),
    "a grid": (
        BPRegressor(),
        {n: list(range(1, 101)) for n in ("alpha", "l1", "tol", "momentum")},
        {"method": "grid"},
        "points",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_bpsearchcv_counts_too(name):
    estimator, space, options, told = HOSTILE[name]
    X, y = np.random.default_rng(0).normal(size=(30, 3)), np.arange(30) % 2
    with pytest.raises(ValueError, match=told):
        BPSearchCV(estimator, space, cv=3, **options).fit(X, y)


def test_a_deterministic_search_runs_no_more_trials_at_a_time_than_it_can(make_problem):
    space = spaces.build({"alpha": (0.1, 1.0)})
    at_once = [
        demand.count(make_problem(), space, plan(make_problem(), space, n_jobs=20, deterministic=on)).at_once
        for on in (True, False)
    ]
    assert at_once == [LAG + 1, 20]
