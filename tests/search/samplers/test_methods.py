"""What every method of search promises, on every kind of space."""

import json
import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from search import BPSearchCV
from search.samplers.methods import METHODS, Queued
from search.samplers.tpe import MOST_SHOWN
from search.space import spaces
from search.space.dimensions import label
from search.study import init
from search.trials.penalties import DEFAULT_PENALTY, PENALTIES, Penalizer

ROOT = Path(__file__).parents[3]

SPACES = {
    name: spaces.build(given)
    for name, given in {
        "real": {"rate": (1e-4, 1.0, "log"), "alpha": (0.0, 1.0)},
        "mixed": {
            "activation": ["relu", "tanh", "logistic"],
            "sizes": [[8], [8, 4]],
            "batch": (1, 64),
            "width": [4, 8, 16],
            "rate": (1e-4, 1.0, "log"),
            "decay": scipy.stats.loguniform(1e-3, 1.0),
        },
        "choices": {"activation": ["relu", "tanh"], "flag": [True, False]},
        "whole numbers": {"batch": (1, 4), "width": (2, 3)},
        "one point": {"activation": ["relu"], "sizes": [[8]]},
        "conditional": {
            "solver": ["adam", "sgd"],
            "momentum": {"low": 0.5, "high": 0.99, "when": {"solver": "sgd"}},
            "sizes": {"layers": (1, 3), "width": {"low": 4, "high": 64, "log": True}},
        },
        "side by side": [
            {"solver": ["adam"], "rate": (1e-4, 0.1, "log")},
            {"solver": ["sgd"], "rate": (1e-3, 1.0, "log")},
        ],
    }.items()
}
each_method = pytest.mark.parametrize("method", METHODS)
each_space = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES.keys())
each_penalty = pytest.mark.parametrize("penalty", PENALTIES)
LEARNING = [name for name, method in METHODS.items() if method.learns]


def lies_in(params, space) -> bool:
    """Say whether a configuration has exactly the parameters that exist, each with a value that is allowed."""
    leaves = space.leaves(params)
    one = space.members[leaves.get(spaces.ALTERNATIVE, 0)]
    for name, value in params.items():
        assert label(one[name].check(value)) == label(value)
    return {name for name, leaf in space.axes.items() if leaf.exists(leaves)} == leaves.keys()


def outcome_of(number, params, make_outcome):
    """Return an outcome that depends on the configuration: healthy, stopped or diverged."""
    share = sum(map(ord, json.dumps(params, sort_keys=True))) % 10
    verdict = "diverged" if share < 3 else "stopped" if share < 5 else "ok"
    return make_outcome(number, verdict, scores=(-share / 10,), params=params)


def tell(sampler, outcome, penalty: str = DEFAULT_PENALTY) -> None:
    sampler.tell(outcome, Penalizer(penalty, -2.0).feedback(outcome))


def run(sampler, numbers, make_outcome, penalty: str = DEFAULT_PENALTY) -> list[dict]:
    """Ask and tell one after the other; return what was proposed."""
    proposed = []
    for number in numbers:
        proposed.append(sampler.ask(number))
        tell(sampler, outcome_of(number, proposed[-1], make_outcome), penalty)
    return proposed


def points(method, space, n: int = 26) -> range:
    """Return the numbers of trials to run: a grid has only so many."""
    return range(min(n, space.grid_size) if method == "grid" else n)


@each_method
@each_space
def test_proposals_lie_in_the_space_and_are_the_same_again(method, space, make_outcome):
    first, again = (run(METHODS[method].sampler(space, 3), points(method, space), make_outcome) for _ in range(2))
    assert all(lies_in(params, space) for params in first)
    assert first == again


@pytest.mark.parametrize("given", [{"a": [1, 2, 3], "b": [True, False]}, [{"a": [1, 2]}, {"b": [1, 2, 3, 4]}]])
def test_random_points_of_choices_are_each_drawn_once_in_every_turn(given, make_outcome):
    space = spaces.build(given)
    drawn = [json.dumps(params) for params in run(METHODS["random"].sampler(space, 0), range(12), make_outcome)]
    whole = sorted(json.dumps(point) for point in space.grid_points())
    assert sorted(drawn[:6]) == sorted(drawn[6:]) == whole
    assert drawn[:6] != drawn[6:]


@pytest.mark.parametrize("method", [name for name in METHODS if name != "grid"])
def test_another_seed_proposes_something_else(method, make_outcome):
    one, two = (run(METHODS[method].sampler(SPACES["mixed"], seed), range(12), make_outcome) for seed in (0, 1))
    assert all(a != b for a, b in zip(one, two, strict=True))


@each_method
@each_space
def test_a_study_that_is_gone_on_with_repeats_nothing(method, space, make_outcome):
    numbers = points(method, space)
    whole = run(METHODS[method].sampler(space, 0), numbers, make_outcome)
    cut = len(whole) // 2
    resumed = METHODS[method].sampler(space, 0)
    for number, params in enumerate(whole[:cut]):
        tell(resumed, outcome_of(number, params, make_outcome))
    rest = run(resumed, numbers[cut:], make_outcome)
    assert all(lies_in(params, space) for params in rest)
    if not METHODS[method].learns:
        assert rest == whole[cut:]
    if "rate" in space and method != "grid":
        assert not set(map(label, rest)) & set(map(label, whole[:cut]))


@each_method
@each_space
def test_many_trials_at_a_time(method, space, make_outcome):
    """Asked without being told, told in another order, some never."""
    sampler = METHODS[method].sampler(space, 0)
    numbers = points(method, space)
    proposed = {number: sampler.ask(number) for number in numbers}
    assert all(lies_in(params, space) for params in proposed.values())
    for number in list(reversed(numbers))[::2]:
        tell(sampler, outcome_of(number, proposed[number], make_outcome))
    if method != "grid":
        assert lies_in(sampler.ask(len(numbers)), space)


@each_method
@each_space
def test_all_trials_diverge(method, space, make_outcome):
    sampler = METHODS[method].sampler(space, 0)
    for number in points(method, space):
        params = sampler.ask(number)
        assert lies_in(params, space)
        tell(sampler, make_outcome(number, "diverged", params=params))


@each_penalty
@pytest.mark.parametrize("method", LEARNING)
@pytest.mark.parametrize("name", ["mixed", "conditional"])
def test_every_penalty_of_every_method_that_learns(method, name, penalty, make_outcome):
    """Asked and told, gone on with from what was told, and with nothing but divergence."""
    space = SPACES[name]
    numbers = points(method, space, 20)
    whole = run(METHODS[method].sampler(space, 0), numbers, make_outcome, penalty)
    assert all(lies_in(params, space) for params in whole)
    assert whole == run(METHODS[method].sampler(space, 0), numbers, make_outcome, penalty)
    one, other = (METHODS[method].sampler(space, 0) for _ in range(2))
    for sampler in (one, other):
        for number, params in enumerate(whole[:-1]):
            tell(sampler, outcome_of(number, params, make_outcome), penalty)
    following = one.ask(len(whole) - 1)
    assert following == other.ask(len(whole) - 1)
    assert lies_in(following, space)
    broken = METHODS[method].sampler(space, 0)
    for number in numbers:
        params = broken.ask(number)
        assert lies_in(params, space)
        curve = {4: -0.5} if number % 2 else {}
        tell(broken, make_outcome(number, "diverged" if number % 3 else "error", params=params, curve=curve), penalty)


@each_penalty
def test_bayesian_search_forgets_trials_of_every_penalty(penalty, make_outcome):
    """A trial that broke at once has no score at any checkpoint."""
    space = SPACES["real"]
    sampler = METHODS["bayesian"].sampler(space, 0)
    for number in range(MOST_SHOWN + 20):
        params = space.random_point(0, number)
        tell(sampler, make_outcome(number, "diverged" if number % 2 else "ok", params=params), penalty)
    assert lies_in(sampler.ask(number + 1), space)


def test_bayesian_search_forgets_no_trial_that_is_running(make_outcome):
    """It keeps away from where trials are running also where it has just forgotten some of those that were told."""

    def proposed(running) -> list[dict]:
        sampler, asked = METHODS["bayesian"].sampler(SPACES["real"], 0), {}
        for number in range(MOST_SHOWN + 1):
            if number == MOST_SHOWN:
                asked = {later: sampler.ask(later) for later in running}
            params = SPACES["real"].random_point(0, number)
            tell(sampler, make_outcome(number, scores=(-abs(params["alpha"] - 0.5) - params["rate"],), params=params))
        following = [sampler.ask(number) for number in range(2000, 2003)]
        for number, params in asked.items():
            tell(sampler, make_outcome(number, params=params))
        return following

    assert proposed(range(1000, 1008)) != proposed([])


@each_method
def test_the_points_of_a_queue_come_first(method, make_outcome):
    space = SPACES["conditional"]
    first = [space.random_point(9, n) for n in range(3)]
    queued = run(Queued(first, METHODS[method].sampler(space, 0)), range(8), make_outcome)
    assert queued[:3] == first
    assert all(lies_in(params, space) for params in queued)
    if not METHODS[method].learns:
        alone = METHODS[method].sampler(space, 0)
        assert queued[3:] == [alone.ask(n) for n in range(5)]


def score(params) -> float:
    """Return a made-up score: best at a rate of 0.02, two layers wide 32, sgd with momentum 0.9."""
    sizes = params["sizes"]
    loss = 0.5 * abs(math.log10(params["rate"] / 0.02)) + 0.3 * abs(len(sizes) - 2)
    loss += 0.2 * sum(abs(math.log2(width / 32)) for width in sizes) / len(sizes)
    return -loss - (abs(params["momentum"] - 0.9) if params["solver"] == "sgd" else 0.3)


@pytest.mark.parametrize("method", LEARNING)
def test_what_learns_beats_random_search_on_a_conditional_space(method, make_outcome):
    space = spaces.build({**SPACES["conditional"], "rate": SPACES["real"]["rate"]})

    def best(name, seed) -> float:
        sampler, scores = METHODS[name].sampler(space, seed), []
        for number in range(45):
            params = sampler.ask(number)
            scores.append(score(params))
            tell(sampler, make_outcome(number, scores=(scores[-1],), params=params))
        return max(scores)

    assert sum(best(method, seed) for seed in range(4)) > sum(best("random", seed) for seed in range(4))


def one_line(text: str) -> str:
    return " ".join(text.split())


def test_every_penalty_is_in_the_documentation():
    table = (ROOT / "docs" / "studies.md").read_text(encoding="utf-8").partition("### Penalties")[2]
    for name, row in PENALTIES.items():
        assert f'| `"{name}"` | {row.meaning[0].upper()}{row.meaning[1:]}. |\n' in table
        assert f"- '{name}': {row.meaning}" in one_line(BPSearchCV.__doc__)


def test_every_method_is_in_the_documentation():
    table = (ROOT / "docs" / "studies.md").read_text(encoding="utf-8").partition("### Methods")[2]
    for name, row in METHODS.items():
        assert f'| `"{name}"` | {row.meaning[0].upper()}{row.meaning[1:]}' in table
        assert f"- '{name}': {row.meaning}" in one_line(BPSearchCV.__doc__)


@pytest.mark.parametrize("name", METHODS)
def test_a_new_study_and_the_readme_name_every_method(name, tmp_path):
    pd.DataFrame({"x": [1.5, 2.5] * 9, "y": np.arange(18.0)}).to_csv(tmp_path / "x.csv", index=False)
    path, _ = init.write_study(tmp_path / "x.csv", "y", tmp_path / "x.toml")
    for place, text in ((path.name, path.read_text()), ("README.md", (ROOT / "README.md").read_text(encoding="utf-8"))):
        assert re.search(rf'^method = .*"{name}"', text, re.MULTILINE), f"{place} does not name method {name!r}"


CLIFF = spaces.build({"rate": (1e-4, 10.0, "log"), "momentum": (0.0, 1.0), "activation": ["relu", "tanh"]})


def share_diverged(method, seed, make_outcome, trials: int = 40) -> float:
    """Search where 40 percent diverges, the best near the cliff; return the share of diverged trials in the second half."""
    sampler, diverged = METHODS[method].sampler(CLIFF, seed), []
    for number in range(trials):
        params = sampler.ask(number)
        diverged.append(params["rate"] * (1 + 5 * params["momentum"]) > 0.25)
        verdict = "diverged" if diverged[-1] else "ok"
        told = make_outcome(number, verdict, scores=(-abs(math.log10(params["rate"] / 0.03)),), params=params)
        sampler.tell(told, Penalizer(DEFAULT_PENALTY, -4.0).feedback(told))
    return sum(diverged[trials // 2 :]) / (trials - trials // 2)


@pytest.mark.parametrize("method", LEARNING)
def test_what_learns_learns_where_runs_diverge(method, make_outcome):
    shares = [sum(share_diverged(m, seed, make_outcome) for seed in range(5)) for m in (method, "random")]
    assert shares[0] < 0.75 * shares[1]


@pytest.mark.parametrize("method", LEARNING)
def test_running_trials_are_not_proposed_again(method, make_outcome):
    sampler = METHODS[method].sampler(CLIFF, 0)
    for number in range(15):
        params = sampler.ask(number)
        tell(sampler, make_outcome(number, scores=(-abs(math.log10(params["rate"] / 0.03)),), params=params))
    assert len({sampler.ask(number)["rate"] for number in range(15, 23)}) == 8
