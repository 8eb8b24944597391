"""Which hyperparameters matter: planted ones are found, and chance is not."""

import numpy as np
import pytest

from search.plots.importances import importances
from search.plots.subject import Subject
from search.space import spaces

SPACE = spaces.build(
    {
        "rate": (1e-4, 1.0, "log"),
        "kind": ["a", "b", "c"],
        "share": (0.0, 1.0),
        "extra": {"low": 0.0, "high": 1.0, "when": {"kind": "a"}},
    }
)


@pytest.fixture
def told(make_outcome):
    def make(n, score, space=SPACE, verdict=lambda params: "ok"):
        random = np.random.default_rng(0)
        outcomes = {}
        for number in range(n):
            params = space.random_point(1, number)
            value = score(params, random)
            outcomes[number] = make_outcome(number, verdict(params), scores=(value, value), params=params)
        return Subject(outcomes, space).importances

    return make


def test_the_one_that_decides_is_found(told):
    found = told(60, lambda params, random: -abs(np.log10(params["rate"]) + 2))
    assert next(iter(found.shares)) == "rate"
    assert found.shares["rate"] > 0.8
    assert sum(found.shares.values()) == pytest.approx(1)
    assert found.explained > 0.5
    assert not found.doubt


def test_one_that_exists_in_few_trials_counts_for_these(told):
    found = told(150, lambda params, random: -5 * params.get("extra", 0) - params["share"])
    assert found.shares["extra"] > found.shares["rate"]
    assert found.shares["share"] > found.shares["rate"]


def test_what_makes_trials_diverge_matters(told):
    found = told(
        60, lambda params, random: -1 + random.normal() / 100, verdict=lambda p: "diverged" if p["rate"] > 0.1 else "ok"
    )
    assert next(iter(found.shares)) == "rate"


def test_chance_is_not_importance(told):
    found = told(60, lambda params, random: random.normal())
    assert found.shares == {}
    assert found.doubt == "chance explains the scores of the 60 trials as well"


@pytest.mark.parametrize(
    ("n", "score", "space", "doubt"),
    [
        (9, lambda p, r: -p["rate"], SPACE, "9 trials are too few: 10 are needed"),
        (60, lambda p, r: -1.0, SPACE, "all trials are equally good"),
        (
            60,
            lambda p, r: -p["rate"],
            spaces.build({"rate": (0.0, 1.0), "kind": ["a"]}),
            "fewer than two hyperparameters vary",
        ),
    ],
)
def test_it_says_why_nothing_is_known(told, n, score, space, doubt):
    found = told(n, score, space)
    assert (found.shares, found.doubt) == ({}, doubt)


def test_equal_trials_have_equal_importances(told):
    first, again = (told(60, lambda params, random: -params["share"]) for _ in range(2))
    assert first == again


def test_nothing_at_all():
    assert importances({}, {}).shares == {}
