"""Samplers of the user's, and Optuna's: told everything, repeatable, and a fresh copy for each search."""

import math

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState

from bpmodel import BPRegressor
from search import BPSearchCV, StudyError
from search.samplers.external import CheckedSampler, OptunaSampler, find, is_sampler
from search.samplers.methods import METHODS
from search.samplers.optuna_terms import CONSTRAINT
from search.space import spaces
from search.trials.penalties import DEFAULT_PENALTY, Feedback, Penalizer

SPACE = spaces.build({"alpha": (1e-3, 1.0, "log"), "solver": ["adam", "sgd"], "batch_size": (1, 9)})
CONDITIONAL = spaces.build(
    {"solver": ["adam", "sgd"], "momentum": {"low": 0.5, "high": 0.9, "when": {"solver": "sgd"}}}
)
CHOICES = spaces.build({"alpha": [1, 2], "solver": ["adam", "sgd"]})
SAMPLERS = {
    "tpe": (lambda: optuna.samplers.TPESampler(seed=1), SPACE),
    "tpe, conditional": (lambda: optuna.samplers.TPESampler(seed=1), CONDITIONAL),
    "random": (lambda: optuna.samplers.RandomSampler(seed=1), SPACE),
    "evolution": (lambda: optuna.samplers.NSGAIISampler(seed=1), SPACE),
    "cma-es, which uses no constraints": (lambda: optuna.samplers.CmaEsSampler(seed=1), SPACE),
    "grid, which ends": (
        lambda: optuna.samplers.GridSampler({"alpha": ["1", "2"], "solver": ["adam", "sgd"]}, seed=1),
        CHOICES,
    ),
}


def proposals(sampler, make_outcome, n=16) -> list[dict]:
    """Return what a sampler proposes while each trial ends in another way."""
    penalizer, asked = Penalizer(DEFAULT_PENALTY, -2.0), []
    for number in range(n):
        asked.append(sampler.ask(number))
        verdict = ("ok", "ok", "diverged", "stopped")[number % 4]
        outcome = make_outcome(number, verdict, scores=(-asked[-1].get("alpha", 1.0),), params=asked[-1])
        sampler.tell(outcome, penalizer.feedback(outcome))
    return asked


@pytest.mark.parametrize(("make", "space"), SAMPLERS.values(), ids=SAMPLERS)
def test_a_search_has_a_copy_of_optunas_sampler_and_repeats_itself(make_outcome, make, space):
    method = find(make())
    first, again = (proposals(method.sampler(space, seed), make_outcome) for seed in (0, 7))
    assert first == again
    assert len({str(point) for point in first}) >= 3
    for point in first:
        assert space.assemble(space.leaves(point)) == point


def test_optunas_sampler_is_told_value_state_and_constraint(make_outcome):
    sampler = OptunaSampler(SPACE, optuna.samplers.RandomSampler(seed=0))
    feedback = [
        Feedback(-0.5),
        Feedback(-2.5, 3.0),
        Feedback(-0.75, state="pruned"),
        Feedback(math.nan, state="failed"),
        Feedback(-0.25),
    ]
    params = [sampler.ask(number) for number in range(4)] + [SPACE.random_point(0, 9)]
    for number, (point, told) in enumerate(zip(params, feedback, strict=True)):
        sampler.tell(make_outcome(number, params=point, curve={4: -0.5, 6: -0.375}), told)
    trials = sampler._study.get_trials()
    states = [TrialState.COMPLETE, TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL, TrialState.COMPLETE]
    assert [t.state for t in trials] == states
    assert [t.value for t in trials if t.state is TrialState.COMPLETE] == [-0.5, -2.5, -0.25]
    assert [t.constraints[CONSTRAINT] for t in trials] == [-1.0, 3.0, -1.0, -1.0, -1.0]
    assert trials[2].intermediate_values == {4: -0.5, 6: -0.375}
    assert trials[4].params.keys() == SPACE.axes.keys()


class Counted:
    """Proposes alpha = 0.1, 0.2, … and remembers what it is told."""

    def __init__(self):
        self.told = []

    def ask(self, number):
        return {"alpha": (len(self.told) + 1) / 10}

    def tell(self, outcome, feedback):
        self.told.append((outcome.number, feedback))


def search(method, **more) -> BPSearchCV:
    network = BPRegressor(hidden_layer_sizes=(3,), scale_input="standard", scale_target=True, max_iter=3)
    space = {"alpha": (0.1, 1.0), "momentum": (0.5, 0.9)}
    return BPSearchCV(network, space, **{"method": method, "n_trials": 3, "cv": 2, "random_state": 0} | more)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("method", [Counted(), optuna.samplers.TPESampler(seed=3)], ids=["own", "optuna"])
def test_fit_twice_gives_the_same(rows, method):
    X, y = rows(n=40)
    one = search(method, portfolio=False).fit(X, y)
    first = one.cv_results_["params"]
    if isinstance(method, Counted):
        assert [point["alpha"] for point in first] == [0.1, 0.2, 0.3]
        assert len({point["momentum"] for point in first}) == 3, "drawn at random, each anew"
        assert method.told == []
    assert one.fit(X, y).cv_results_["params"] == first
    assert search(method, portfolio=False).fit(X, y).cv_results_["params"] == first


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_points_that_a_sampler_did_not_ask_for_come_first(rows):
    points = [{"alpha": 1.0, "momentum": 0.5}]
    found = search(Counted(), initial_points=points, portfolio=False).fit(*rows(n=40)).cv_results_["params"]
    assert found[0] == points[0]
    assert [point["alpha"] for point in found[1:]] == [0.2, 0.3], "the first point is told, too"


@pytest.mark.parametrize(
    ("point", "told"),
    [
        ({"alpha": 7}, r"^Fixed\.ask\(2\)\[0\]: alpha is 7; allowed are numbers from 0\.001 to 1"),
        ({"beta": 7}, r"^Fixed\.ask\(2\)\[0\]: beta is not in the space; allowed are alpha, solver, batch_size$"),
    ],
)
def test_a_proposal_outside_the_space_is_named(point, told):
    class Fixed(Counted):
        def ask(self, number):
            return point

    with pytest.raises(StudyError, match=told):
        CheckedSampler(SPACE, 0, Fixed()).ask(2)


@pytest.mark.parametrize("value", [object(), Counted, optuna.samplers.TPESampler, None, 3])
def test_other_objects_are_no_samplers(value):
    assert not is_sampler(value)


def test_rows_of_the_table_are_found_by_name():
    assert all(find(name) is row for name, row in METHODS.items())
    assert find(Counted()).learns


def test_an_asked_configuration_is_told_as_it_was_asked(make_outcome):
    own = Counted()
    checked = CheckedSampler(SPACE, 0, own)
    point = checked.ask(0)
    checked.tell(make_outcome(0, params=point), Feedback(-1.0))
    assert own.told == [(0, Feedback(-1.0))]
    assert np.isclose(point["alpha"], 0.1)
