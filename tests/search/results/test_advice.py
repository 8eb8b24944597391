"""Sentences about a space: what they say of the trials is so, and the change that they name does what they say."""

import re

import pytest
import scipy.stats

from search.results.advice import advice, codes
from search.space import spaces
from search.space.dimensions import Choice, Range

SPACE = spaces.build(
    {"rate": (1e-3, 10.0, "log"), "momentum": (0.0, 0.99), "batch": (1, 4), "kind": ["relu", "tanh", "logistic"]}
)


def made(make_outcome, diverges, space=SPACE, n: int = 80, seed: int = 0) -> list:
    params = [space.random_point(seed, number) for number in range(n)]
    return [make_outcome(i, "diverged" if diverges(p) else "ok", params=p) for i, p in enumerate(params)]


def test_one_condition(make_outcome):
    outcomes = made(make_outcome, lambda p: p["rate"] > 0.3)
    bad = sum(o.verdict == "diverged" for o in outcomes)
    rule, change = advice(outcomes, SPACE)
    bound = float(
        re.fullmatch(rf"All {bad} diverged trials have rate > (\S+); none of the {80 - bad} others does\.", rule)[1]
    )
    assert change == f"rate: high = {bound} would exclude {bad} of {bad} diverged and 0 of {80 - bad} other trials."
    assert [o.verdict == "diverged" for o in outcomes] == [o.params["rate"] > bound for o in outcomes]


def test_two_conditions_and_exceptions(make_outcome):
    outcomes = made(make_outcome, lambda p: p["rate"] > 0.05 and p["kind"] != "tanh", n=200)
    healthy = next(o for o in outcomes if o.params["rate"] > 5 and o.params["kind"] == "relu")
    outcomes[healthy.number] = make_outcome(healthy.number, params=healthy.params)
    bad = sum(o.verdict == "diverged" for o in outcomes)
    rule, *changes = advice(outcomes, SPACE)
    assert rule.startswith(f"All {bad} diverged trials have rate > 0.0")
    assert rule.endswith(f" and kind = relu or logistic; 1 of the {200 - bad} others does.")
    lost = sum(o.verdict != "diverged" and o.params["kind"] != "tanh" for o in outcomes)
    assert len(changes) == 2
    assert changes[1] == f'kind: ["tanh"] would exclude {bad} of {bad} diverged and {lost} of {200 - bad} other trials.'


CHANGES = {
    "below": (lambda p: p["momentum"] < 0.5, r"momentum: low = 0\.\d+ "),
    "whole numbers": (lambda p: p["batch"] > 2, r"batch: high = 2 "),
    "all but the least": (lambda p: p["batch"] > 1, r"batch: no value above 1 "),
    "choice": (lambda p: p["kind"] == "relu", r'kind: \["tanh", "logistic"\] '),
}


@pytest.mark.parametrize(("diverges", "change"), CHANGES.values(), ids=CHANGES.keys())
def test_change(make_outcome, diverges, change):
    assert re.match(change, advice(made(make_outcome, diverges), SPACE)[1])


@pytest.mark.parametrize(("diverges", "_"), CHANGES.values(), ids=CHANGES.keys())
def test_change_leaves_out_what_it_says(make_outcome, diverges, _):
    outcomes = made(make_outcome, diverges)
    line = advice(outcomes, SPACE)[1]
    name, text = line.split(": ", 1)
    text = text.split(" would")[0]
    if isinstance(SPACE[name], Choice):
        kept = {o.number for o in outcomes if o.params[name] in text}
    else:
        assert isinstance(SPACE[name], Range)
        bound = float(text.split()[-1])
        upper = "high" in text or "above" in text
        kept = {o.number for o in outcomes if (o.params[name] <= bound if upper else o.params[name] >= bound)}
    left = [o for o in outcomes if o.number not in kept]
    bad = [o for o in left if o.verdict == "diverged"]
    assert f"exclude {len(bad)} of " in line
    assert f" and {len(left) - len(bad)} of " in line


def test_others_that_fulfil_a_rule_are_counted(make_outcome):
    """None, 1 and 2 of the others."""
    outcomes = made(make_outcome, lambda p: p["rate"] > 0.3, n=200)
    bad = [o.number for o in outcomes if o.verdict == "diverged" and o.params["rate"] > 1]
    for healthy, told in enumerate(["none of the {} others does", "1 of the {} others does", "2 of the {} others do"]):
        if healthy:
            number = bad[healthy]
            outcomes[number] = make_outcome(number, params=outcomes[number].params)
        others = sum(o.verdict == "ok" for o in outcomes)
        assert advice(outcomes, SPACE)[0].endswith(f"; {told.format(others)}.")


def test_diverged_trials_against_a_rule_are_counted(make_outcome):
    outcomes = made(make_outcome, lambda p: p["rate"] > 0.3, n=200)
    stray = next(o.number for o in outcomes if o.params["rate"] < 0.01)
    outcomes[stray] = make_outcome(stray, "diverged", params=outcomes[stray].params)
    bad = sum(o.verdict == "diverged" for o in outcomes)
    assert advice(outcomes, SPACE)[0].startswith(f"{bad - 1} of {bad} diverged trials have rate > 0.")


def test_all_of_a_range_below_its_upper_end(make_outcome):
    """Where only the largest value is healthy, a lower end there would leave a range of one point."""
    assert re.match(r"batch: no value below 4 ", advice(made(make_outcome, lambda p: p["batch"] < 4), SPACE)[1])
    assert re.match(r"batch: low = 3 ", advice(made(make_outcome, lambda p: p["batch"] < 3), SPACE)[1])


def test_no_change_is_told_of_what_all_layers_share(make_outcome):
    """The width of one layer cannot be limited without that of the others."""
    space = spaces.build({"hidden_layer_sizes": {"layers": (1, 3), "width": (4, 64)}, "alpha": (0.0, 1.0)})
    wide = made(make_outcome, lambda p: p["hidden_layer_sizes"][0] > 32, space)
    (rule,) = advice(wide, space)
    assert re.match(r"All \d+ diverged trials have hidden_layer_sizes\S* > 3\d; none of the \d+ others does\.", rule)
    deep = made(make_outcome, lambda p: len(p["hidden_layer_sizes"]) > 2, space)
    assert len(advice(deep, space)) == 2


def test_distribution(make_outcome):
    space = spaces.build({"rate": scipy.stats.loguniform(1e-3, 10)})
    assert re.match(
        r"rate: no value above 0\.\d+ would", advice(made(make_outcome, lambda p: p["rate"] > 0.3, space), space)[1]
    )


def test_nothing_to_say(make_outcome):
    assert advice([], SPACE) == []
    assert advice(made(make_outcome, lambda p: False), SPACE) == []
    assert advice(made(make_outcome, lambda p: True), SPACE) == []
    few = made(make_outcome, lambda p: p["rate"] > 0.3)
    assert advice([o for o in few if o.verdict == "ok"] + [o for o in few if o.verdict == "diverged"][:3], SPACE) == []


def test_errors_are_neither_diverged_nor_others(make_outcome):
    outcomes = made(make_outcome, lambda p: p["rate"] > 0.3)
    failed = [make_outcome(100 + i, "error", params=o.params) for i, o in enumerate(outcomes[:30])]
    assert advice(outcomes + failed, SPACE) == advice(outcomes, SPACE)


def test_codes(make_outcome):
    found = ["exploding_step", "unscaled_input", "exploding_step", None]
    outcomes = [make_outcome(i, "diverged", code=code) for i, code in enumerate(found)]
    assert list(codes([*outcomes, make_outcome(9)]).items()) == [
        ("exploding_step", 2),
        ("not diagnosed", 1),
        ("unscaled_input", 1),
    ]
