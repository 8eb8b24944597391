"""Rules: planted ones are found, the search is exact, and nothing is found where there is nothing."""

import itertools
import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.results import divergence_rules
from search.results.divergence_rules import Condition, all_hold, between, find_rule, log_bayes_factor
from search.space import spaces
from search.space.dimensions import Choice

SPACE = spaces.build(
    {
        "rate": (1e-3, 10.0, "log"),
        "momentum": (0.0, 0.99),
        "batch": (1, 64),
        "size": [16, 32, 64],
        "kind": ["relu", "tanh", "logistic"],
        "layers": [[8], [8, 4], "none"],
    }
)

PLANTED = {
    "above, log": [Condition("rate", "above", 0.3)],
    "below": [Condition("momentum", "below", 0.4)],
    "whole numbers": [Condition("batch", "above", 40)],
    "numbers to choose from": [Condition("size", "among", ("64",))],
    "choices": [Condition("kind", "among", ("relu", "logistic"))],
    "choices of mixed types": [Condition("layers", "among", ("none",))],
    "two thresholds": [Condition("rate", "above", 0.1), Condition("momentum", "above", 0.5)],
    "threshold and choice": [Condition("rate", "below", 0.05), Condition("kind", "among", ("tanh",))],
}


def points(n: int, seed: int) -> list[dict]:
    return [SPACE.random_point(seed, number) for number in range(n)]


def labels(rule, params) -> np.ndarray:
    return np.array([all_hold(tuple(rule), p) for p in params])


@pytest.mark.parametrize("rule", PLANTED.values(), ids=PLANTED.keys())
@pytest.mark.parametrize("seed", range(3))
def test_a_planted_rule_is_found(rule, seed):
    params = points(150, seed)
    diverged = labels(rule, params)
    found = find_rule(params, diverged, SPACE)
    assert [(c.name, c.kind) for c in found] == [(c.name, c.kind) for c in rule]
    np.testing.assert_array_equal(labels(found, params), diverged)


@pytest.mark.parametrize("rule", PLANTED.values(), ids=PLANTED.keys())
def test_a_planted_rule_is_found_although_some_trials_are_against_it(rule):
    params = points(300, 1)
    diverged = labels(rule, params) ^ (np.random.default_rng(0).random(300) < 0.05)
    assert [c.name for c in find_rule(params, diverged, SPACE)] == [c.name for c in rule]


@pytest.mark.parametrize("n", [20, 60, 150])
def test_labels_without_a_rule_give_none(n):
    random, found = np.random.default_rng(n), 0
    for seed in range(100):
        params = points(n, seed)
        found += bool(find_rule(params, random.permutation(np.arange(n) < n * random.uniform(0.1, 0.7)), SPACE))
    assert found <= 1


def test_one_condition_is_not_refined_by_chance():
    random, refined = np.random.default_rng(0), 0
    for seed in range(100):
        params = points(60, seed)
        diverged = labels(PLANTED["above, log"], params) ^ (random.random(60) < 0.08)
        refined += len(find_rule(params, diverged, SPACE)) > 1
    assert refined <= 1


def test_a_certain_rule_that_separates_badly_is_not_told():
    params = points(2000, 0)
    random = np.random.default_rng(0)
    shares = np.where(labels(PLANTED["above, log"], params), 0.4, 0.2)
    assert find_rule(params, random.random(2000) < shares, SPACE) == ()


RULE, PAIR = (
    (Condition("momentum", "above", 0.5),),
    (Condition("momentum", "above", 0.5), Condition("rate", "above", 0.01)),
)


@pytest.mark.parametrize(
    ("single", "pair", "size"),
    [
        (math.log(20) - 1e-9, -math.inf, 0),
        (math.log(20), -math.inf, 1),
        (5.0, 5.0 + math.log(20) - 1e-9, 1),
        (5.0, 5.0 + math.log(20) + 1e-9, 2),
        (-3.0, math.log(20) - 1e-9, 0),  # a second condition is weighed against none, too
        (-3.0, math.log(20), 2),
    ],
)
def test_a_rule_and_a_second_condition_need_odds_of_twenty(monkeypatch, single, pair, size):
    params = points(60, 0)
    monkeypatch.setattr(divergence_rules, "_best_single", lambda *_: (single, RULE))
    monkeypatch.setattr(divergence_rules, "_best_pair", lambda *_: (pair, PAIR))
    assert len(find_rule(params, labels(PAIR if size > 1 else RULE, params), SPACE)) == size


@pytest.mark.parametrize(("wrong", "told"), [(24, True), (26, False)])
def test_a_rule_must_separate_by_a_correlation_of_a_half(monkeypatch, wrong, told):
    """Of 100 trials 50 fulfill the rule; of these so many did not diverge, and as many of the others did: 1 - 4 `wrong` / 100."""
    params = [{"momentum": 0.1 + 0.8 * (number % 2), "batch": 1} for number in range(100)]
    diverged = labels(RULE, params)
    diverged[:wrong] = ~diverged[:wrong]
    monkeypatch.setattr(divergence_rules, "_best_single", lambda *_: (99.0, RULE))
    monkeypatch.setattr(divergence_rules, "_best_pair", lambda *_: (-math.inf, ()))
    assert np.corrcoef(labels(RULE, params), diverged)[0, 1] == pytest.approx(1 - wrong / 50)
    assert bool(find_rule(params, diverged, SPACE)) is told


@pytest.mark.parametrize(("n_diverged", "told"), [(3, False), (4, True)])
def test_four_trials_must_have_diverged(n_diverged, told):
    params = points(200, 0)
    order = np.argsort([-p["rate"] for p in params])
    assert bool(find_rule(params, np.isin(np.arange(200), order[:n_diverged]), SPACE)) is told


@pytest.mark.parametrize(
    ("values", "sets"),
    [
        ("ab", ["a", "b"]),
        ("abcd", ["a", "b", "c", "d", "ab", "ac", "ad", "bc", "bd", "cd", "abc", "abd", "acd", "bcd"]),
        ("abcde", ["a", "b", "c", "d", "e", "bcde", "acde", "abde", "abce", "abcd"]),
        ((16, 8, 32), [("8",), ("16", "32"), ("8", "16"), ("32",)]),
    ],
    ids=str,
)
def test_sets_of_choices(values, sets):
    found, tried = divergence_rules._choices("x", Choice(tuple(values)), [], np.zeros(0, dtype=bool))
    assert [c.bound for c in found] == [tuple(s) for s in sets]
    assert tried == len(sets)


def test_thresholds_lie_between_a_diverged_and_another_trial():
    params = [{"x": x} for x in (1, 2, 3, 4, 4, 5)] + [{}]
    diverged = np.array([False, False, True, True, False, False, True])
    found, tried = divergence_rules._thresholds("x", SPACE["batch"], params, diverged)
    assert [str(c) for c in found] == ["x > 2", "x < 4", "x < 5"]
    assert tried == 2 * 4


@pytest.mark.parametrize("number", [0, 1, 3, 60])
def test_too_few_or_all_diverged(number):
    params = points(60, 0)
    order = np.argsort([-p["rate"] for p in params])
    assert find_rule(params, np.isin(np.arange(60), order[:number]), SPACE) == ()


def test_missing_and_odd_values_hold_nowhere():
    params = points(80, 0)
    diverged = labels(PLANTED["above, log"], params)
    for i, odd in zip(np.flatnonzero(~diverged)[:6], (None, "auto", True, [1], {}, 1j), strict=True):
        params[i]["rate"] = odd
    for i in np.flatnonzero(~diverged)[6:12]:
        del params[i]["rate"], params[i]["kind"]
    (found,) = find_rule(params, diverged, SPACE)
    assert (found.name, found.kind) == ("rate", "above")
    np.testing.assert_array_equal(labels([found], params), diverged)


def every_rule(params, small) -> list[list[tuple[Condition, ...]]]:
    """Return all single conditions at thresholds between values, and all pairs."""
    groups = []
    for name in small:
        values = sorted({p[name] for p in params})
        groups.append(
            [Condition(name, "above", low) for low in values[:-1]]
            + [Condition(name, "below", high) for high in values[1:]]
        )
    pairs = [pair for a, b in itertools.combinations(groups, 2) for pair in itertools.product(a, b)]
    return [[(c,) for group in groups for c in group], pairs]


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.booleans()), min_size=6, max_size=24))
@settings(max_examples=100, deadline=None)
def test_no_rule_has_a_higher_score(trials):
    """The thresholds that are left out, and the sums by matrix products, change nothing: brute force finds the same.

    That is so for rules that say something (a score above 0 before it is divided by the number of rules), and without pairs of
    which one condition could be left out.
    """
    small = spaces.build({"a": (0, 6), "b": (0.0, 6.0)})
    params = [{"a": a, "b": float(b)} for a, b, _ in trials]
    diverged = np.array([bad for *_, bad in trials])
    groups = [divergence_rules._group(name, d, params, diverged) for name, d in small.items()]
    best, expected = [], []
    for given_rules, find in zip(
        every_rule(params, small), (divergence_rules._best_single, divergence_rules._best_pair), strict=True
    ):
        value, rule = find(groups, diverged)
        tried = math.log(max(len(given_rules), 1))
        masks = [labels(other, params) for other in given_rules]
        expected += [float(log_bayes_factor(mask.sum(), (mask & diverged).sum(), diverged)) for mask in masks]
        if rule:
            mask = labels(rule, params)
            assert value + tried == pytest.approx(
                float(log_bayes_factor(mask.sum(), (mask & diverged).sum(), diverged))
            )
        best.append(value + tried)
        most = max(expected, default=-math.inf)
        assert max(best) == pytest.approx(most) if most > 0 else max(best) <= 1e-9


def test_score_is_a_ratio_of_likelihoods():
    """3 of 4 inside diverged, none of 6 outside: the integrals over the rates, by hand and by the trapezoid rule."""
    diverged = np.arange(10) < 3
    rate = np.linspace(0, 1, 20001)

    def likelihood(bad, good):
        return np.trapezoid(rate**bad * (1 - rate) ** good, rate)

    expected = math.log(likelihood(3, 1) * likelihood(0, 6) / likelihood(3, 7))
    assert float(log_bayes_factor(np.array(4), np.array(3), diverged)) == pytest.approx(expected, rel=1e-6)
    assert expected == pytest.approx(math.log((1 / 20) * (1 / 7) * 11 * 120))
    assert log_bayes_factor(np.array(4), np.array(1), diverged) == -np.inf  # fewer inside than outside
    half = np.arange(10) < 5
    assert log_bayes_factor(np.array(4), np.array(2), half) == -np.inf  # as many
    assert log_bayes_factor(np.array(4), np.array(3), half) > -np.inf


@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6), st.booleans())
def test_between(near, far, log):
    if near != far:
        value = between(near, far, log=log)
        assert min(near, far) <= value <= max(near, far)
        assert value != far


@given(st.integers(-50, 50), st.integers(-50, 50))
def test_between_whole_numbers(near, far):
    if near != far:
        value = between(near, far, whole=True)
        assert isinstance(value, int)
        assert min(near, far) <= value <= max(near, far)
        assert value != far


@pytest.mark.parametrize(
    ("near", "far", "options", "expected"),
    [
        (10, 20, {}, 15.0),
        (20, 10, {}, 20.0),
        (1.0, 100.0, {"log": True}, 10.0),
        (1.0, 2.0, {}, 1.5),  # 2 has fewer digits, but is the far end
        (2.0, 1.0, {}, 2.0),
        (16, 18, {"whole": True}, 17),
    ],
)
def test_a_threshold_is_about_midway_and_may_be_the_near_end(near, far, options, expected):
    assert between(near, far, **options) == expected


@pytest.fixture
def compared(monkeypatch) -> list[int]:
    """Return a list that grows by the number of trials of each comparison."""
    found = []

    def counted(inside, hits, diverged):
        found.append(len(diverged))
        return log_bayes_factor(inside, hits, diverged)

    monkeypatch.setattr(divergence_rules, "log_bayes_factor", counted)
    return found


def test_the_work_of_a_long_study_is_bounded(compared):
    """It grew with the square of the trials: of 20,000 trials, as many thresholds were compared in each."""
    space = spaces.build({"rate": (1e-3, 10.0, "log"), "momentum": (0.0, 0.99)})
    params = [space.random_point(0, number) for number in range(20_000)]
    diverged = labels(PLANTED["above, log"], params) ^ (np.random.default_rng(0).random(len(params)) < 0.02)
    (found,) = find_rule(params, diverged, space)
    assert str(found) == "rate > 0.3"
    assert max(compared) <= divergence_rules.MOST_TRIALS


def test_the_work_of_many_axes_is_bounded(compared):
    names = [f"x{number}" for number in range(100)]
    space = spaces.build(dict.fromkeys(names, (0.0, 1.0)))
    params = [space.random_point(0, number) for number in range(60)]
    diverged = np.array([p["x40"] > 0.5 and p["x70"] > 0.3 for p in params])
    assert [c.name for c in find_rule(params, diverged, space)] == ["x40", "x70"]
    assert len(compared) <= 2 * len(names) + math.comb(divergence_rules.MOST_PAIRED, 2)


@pytest.mark.parametrize("text", ["", "kind "])
def test_the_work_of_a_long_list_is_bounded(text):
    """Each set of choices is as long as the list: of 10,000 numbers, all sets took 800 MB."""
    values = [f"{text}{number:04}" if text else number for number in range(3000)]
    space = spaces.build({"x": values})
    params = [space.random_point(0, number) for number in range(60)]
    diverged = np.array([values.index(p["x"]) >= 1500 for p in params])
    tracemalloc.start()
    try:
        found = find_rule(params, diverged, space)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 20e6
    assert bool(found) is not bool(text)  # single words tell nothing
    np.testing.assert_array_equal(labels(found, params), diverged | bool(text))


def test_conditions_hold_for_the_same_trials_one_by_one_and_all_at_once():
    params = points(40, 0)
    params += [{}, {"rate": None, "size": "auto"}, {"rate": True, "kind": 1}, {"rate": [1], "size": 10**400}]
    for rule in PLANTED.values():
        for condition in rule:
            (mask,) = divergence_rules._masks(condition.name, [condition], params)
            np.testing.assert_array_equal(mask, labels([condition], params))
