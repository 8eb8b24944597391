"""What the sampler is told about an outcome, and that it learns from it where not to go."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpmodel.monitor import EXPLOSION_FACTOR
from search import spaces
from search.designs import RandomSampler
from search.divergence import MARGIN, penalise
from search.tpe import TPESampler

DUMMIES = [-76.9, -1.0, -1e-9, 0.0, 0.5, 1e6]


@pytest.mark.parametrize("dummy", DUMMIES)
def test_worse_is_told_less(make_outcome, dummy):
    better = make_outcome(scores=(dummy + 2.0,))
    useless = make_outcome(scores=(dummy - 1e6,))
    stopped = make_outcome(verdict="stopped", scores=(dummy + 1.0,))
    late, early = (make_outcome(verdict="diverged", survived=s) for s in (0.9, 0.0))
    error = make_outcome(verdict="error")
    values = [penalise(o, dummy)[0] for o in (better, stopped, useless, late, early)]
    assert values[0] > values[1] > values[2] == dummy > values[3] > values[4]
    assert penalise(error, dummy)[0] == values[4]


@pytest.mark.parametrize(
    ("verdict", "feasible"), [("ok", True), ("stopped", True), ("diverged", False), ("error", False)]
)
def test_sign_of_the_constraint_is_the_verdict(make_outcome, verdict, feasible):
    assert (penalise(make_outcome(verdict=verdict), -1.0)[1] <= 0) is feasible


@pytest.mark.parametrize(
    ("dummy", "survived", "expected"),
    [(-50.0, 0.0, -60.0), (-50.0, 1.0, -55.0), (-50.0, 0.5, -57.5), (0.5, 0.0, 0.4), (0.0, 0.0, -0.02)],
)
def test_margin_in_units_of_the_dummy_predictor(make_outcome, dummy, survived, expected):
    assert MARGIN == 0.1
    assert penalise(make_outcome(verdict="diverged", survived=survived), dummy)[0] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("ratio", "constraint"),
    [(10, 0.1), (100, 1.0), (1e5, 4.0), (1e30, 10.0), (math.inf, 10.0), (math.nan, 10.0), (0.0, 10.0), (2.0, 0.1)],
)
def test_constraint_is_how_far_the_loss_went(make_outcome, ratio, constraint):
    assert EXPLOSION_FACTOR == 10
    assert penalise(make_outcome(verdict="diverged", ratio=ratio), -1.0)[1] == pytest.approx(constraint)


@settings(deadline=None)
@given(
    verdict=st.sampled_from(["ok", "stopped", "diverged", "error"]),
    score=st.floats(allow_nan=True, allow_infinity=True),
    survived=st.floats(0, 1),
    ratio=st.floats(allow_nan=True, allow_infinity=True),
    dummy=st.floats(-1e9, 1e9),
)
def test_everything_told_is_finite(make_outcome, verdict, score, survived, ratio, dummy):
    more = {"survived": survived, "ratio": ratio} if verdict == "diverged" else {}
    value, constraint = penalise(make_outcome(verdict=verdict, scores=(score,), **more), dummy)
    assert math.isfinite(value)
    assert math.isfinite(constraint)
    assert value >= dummy or constraint > 0


SPACE = spaces.build({"rate": (1e-4, 10.0, "log"), "momentum": (0.0, 1.0), "activation": ["relu", "tanh"]})


def diverges(params) -> bool:
    """Say where the made-up network explodes: about 40 percent of the space."""
    return params["rate"] * (1 + 5 * params["momentum"]) > 0.25


def share_diverged(sampler, make_outcome, trials: int = 60) -> float:
    """Ask and tell; return the share of diverged trials in the second half."""
    diverged = []
    for number in range(trials):
        params = sampler.ask(number)
        diverged.append(diverges(params))
        if diverged[-1]:
            outcome = make_outcome(number, "diverged", params=params, ratio=100 * params["rate"])
        else:
            # the best rates lie near the cliff, as they do for networks
            outcome = make_outcome(number, scores=(-abs(math.log10(params["rate"] / 0.03)),), params=params)
        sampler.tell(outcome, *penalise(outcome, -4.0))
    return sum(diverged[trials // 2 :]) / (trials - trials // 2)


def test_bayesian_search_avoids_what_diverges(make_outcome):
    shares = [
        [share_diverged(sampler, make_outcome) for sampler in (TPESampler(SPACE, seed), RandomSampler(SPACE, seed))]
        for seed in range(4)
    ]
    assert all(bayesian < random for bayesian, random in shares)
    assert sum(bayesian for bayesian, _ in shares) < 0.65 * sum(random for _, random in shares)
