"""What the sampler is told about an outcome, and that it learns from it where not to go."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpmodel.network.watch import EXPLOSION_FACTOR
from search.samplers.tpe import TPESampler
from search.space import spaces
from search.trials.penalties import DEFAULT_PENALTY, MARGIN, PENALTIES, Feedback, Penalizer

DUMMIES = [-76.9, -1.0, -1e-9, 0.0, 0.5, 1e6]
VERDICTS = ["ok", "stopped", "diverged", "error"]
each_penalty = pytest.mark.parametrize("penalty", PENALTIES)


def feedback(outcome, dummy: float, penalty: str = DEFAULT_PENALTY) -> Feedback:
    return Penalizer(penalty, dummy).feedback(outcome)


@pytest.mark.parametrize("dummy", DUMMIES)
@pytest.mark.parametrize("penalty", ["graded", "graded_constraint"])
def test_worse_is_told_less(make_outcome, dummy, penalty):
    better = make_outcome(scores=(dummy + 2.0,))
    useless = make_outcome(scores=(dummy - 1e6,))
    stopped = make_outcome(verdict="stopped", scores=(dummy + 1.0,))
    late, early = (make_outcome(verdict="diverged", survived=s) for s in (0.9, 0.0))
    error = make_outcome(verdict="error")
    values = [feedback(o, dummy, penalty).value for o in (better, stopped, useless, late, early)]
    assert values[0] > values[1] > values[2] == dummy > values[3] > values[4]
    assert feedback(error, dummy, penalty).value == values[4]


@each_penalty
def test_healthy_trials_are_told_the_same_by_every_penalty(make_outcome, penalty):
    assert feedback(make_outcome(scores=(-0.5, -0.25)), -1.0, penalty) == Feedback(-0.375)
    assert feedback(make_outcome(scores=(-5.0,)), -1.0, penalty) == Feedback(-1.0)
    assert feedback(make_outcome(verdict="stopped", scores=(-0.5,)), -1.0, penalty) == Feedback(-0.5, state="pruned")


@pytest.mark.parametrize(
    ("penalty", "diverged", "error"),
    [
        ("graded_constraint", Feedback(-2.35, 1.0), Feedback(-2.4, 10.0)),
        ("constraint", Feedback(-2.0, 1.0), Feedback(-2.0, 1.0)),
        ("graded", Feedback(-2.35), Feedback(-2.4)),
        ("worst", Feedback(-1.0), Feedback(-1.0)),
        ("constant", Feedback(-1e6), Feedback(-1e6)),
        ("pruned", Feedback(-0.75, state="pruned"), Feedback(-2.0, state="pruned")),
        ("fail", Feedback(math.nan, state="failed"), Feedback(math.nan, state="failed")),
    ],
)
def test_what_each_penalty_tells(make_outcome, penalty, diverged, error):
    penalizer = Penalizer(penalty, -2.0, [make_outcome(0, scores=(-0.5,)), make_outcome(1, scores=(-1.0,))])
    broken = make_outcome(2, "diverged", survived=0.25, ratio=100.0, curve={4: -0.5, 6: -0.75, 9: math.inf})
    np.testing.assert_allclose(penalizer.feedback(broken)[:2], diverged[:2])
    np.testing.assert_allclose(penalizer.feedback(make_outcome(3, "error"))[:2], error[:2])
    assert [penalizer.feedback(make_outcome(n, v)).state for n, v in ((4, "diverged"), (5, "error"))] == [
        error.state
    ] * 2


def test_a_last_score_below_the_dummy_predictor_is_told_as_that(make_outcome):
    broken = make_outcome(verdict="diverged", curve={4: -0.5, 6: -7.0})
    assert feedback(broken, -2.0, "pruned") == Feedback(-2.0, state="pruned")


def test_every_study_has_a_copy_of_the_users_penalty(make_outcome):
    """What one study has taught it, another one does not see."""

    class Harsher:
        times = 0

        def feedback(self, outcome, standard):
            self.times += 1
            return Feedback(standard.dummy - self.times)

    penalty = Harsher()
    first, second = Penalizer(penalty, -2.0), Penalizer(penalty, -2.0)
    broken = make_outcome(verdict="diverged")
    assert [first.feedback(broken).value, first.feedback(broken).value, second.feedback(broken).value] == [
        -3.0,
        -4.0,
        -3.0,
    ]
    assert penalty.times == 0


def test_without_any_score_the_standard_is_0(make_outcome):
    broken = make_outcome(verdict="diverged", survived=0.25)
    assert feedback(broken, -math.inf, "worst") == Feedback(0.0)
    assert feedback(broken, -math.inf, "graded").value == pytest.approx(-0.0175)
    assert feedback(broken, math.nan, "constraint") == Feedback(0.0, 1.0)


def test_one_fold_that_diverged_is_enough(make_outcome):
    """Whatever the scores of the others."""
    broken = replace(make_outcome(verdict="diverged"), fold_scores=[-0.5, -0.25])
    assert feedback(broken, -1.0, "constant") == Feedback(-1e6)


def test_table_of_what_is_told_is_complete():
    (mark,) = test_what_each_penalty_tells.pytestmark
    assert [row[0] for row in mark.args[1]] == list(PENALTIES)


def test_the_worst_score_is_that_of_the_healthy_trials_so_far(make_outcome):
    penalizer = Penalizer("worst", -2.0)
    told = [penalizer.feedback(o).value for o in (
        make_outcome(0, "diverged"),
        make_outcome(1, scores=(-0.5,)),
        make_outcome(2, "diverged"),
        make_outcome(3, scores=(-1.0,)),
        make_outcome(4, "error"),
        make_outcome(5, scores=(-9.0,)),
        make_outcome(6, "diverged"),
    )]  # fmt: skip
    assert told == [-2.0, -0.5, -0.5, -1.0, -1.0, -2.0, -2.0]


def test_the_constraint_of_a_healthy_trial_is_minus_one(make_outcome):
    assert feedback(make_outcome(), -1.0).constraint == -1.0
    assert feedback(make_outcome(verdict="diverged"), -1.0, "graded").constraint == -1.0


@each_penalty
@pytest.mark.parametrize("verdict", VERDICTS)
def test_sign_of_the_constraint_is_the_verdict(make_outcome, verdict, penalty):
    feasible = verdict in ("ok", "stopped") or not penalty.endswith("constraint")
    assert (feedback(make_outcome(verdict=verdict), -1.0, penalty).constraint <= 0) is feasible


@pytest.mark.parametrize(
    ("dummy", "survived", "expected"),
    [(-50.0, 0.0, -60.0), (-50.0, 1.0, -55.0), (-50.0, 0.5, -57.5), (0.5, 0.0, 0.4), (0.0, 0.0, -0.02)],
)
def test_margin_in_units_of_the_dummy_predictor(make_outcome, dummy, survived, expected):
    assert MARGIN == 0.1
    assert feedback(make_outcome(verdict="diverged", survived=survived), dummy).value == pytest.approx(expected)


@pytest.mark.parametrize(
    ("ratio", "constraint"),
    [(10, 0.1), (100, 1.0), (1e5, 4.0), (1e30, 10.0), (math.inf, 10.0), (math.nan, 10.0), (0.0, 10.0), (2.0, 0.1)],
)
def test_constraint_is_how_far_the_loss_went(make_outcome, ratio, constraint):
    assert EXPLOSION_FACTOR == 10
    assert feedback(make_outcome(verdict="diverged", ratio=ratio), -1.0).constraint == pytest.approx(constraint)


@settings(deadline=None)
@given(
    penalty=st.sampled_from([name for name in PENALTIES if name != "fail"]),
    verdict=st.sampled_from(VERDICTS),
    score=st.floats(allow_nan=True, allow_infinity=True),
    survived=st.floats(0, 1),
    ratio=st.floats(allow_nan=True, allow_infinity=True),
    dummy=st.floats(-1e9, 1e9) | st.just(-math.inf),
)
def test_everything_told_is_finite(make_outcome, penalty, verdict, score, survived, ratio, dummy):
    more = {"survived": survived, "ratio": ratio} if verdict == "diverged" else {}
    told = feedback(make_outcome(verdict=verdict, scores=(score,), **more), dummy, penalty)
    assert math.isfinite(told.value)
    assert math.isfinite(told.constraint)


SPACE = spaces.build({"rate": (1e-4, 10.0, "log"), "momentum": (0.0, 1.0), "activation": ["relu", "tanh"]})


def n_diverged(penalty: str, seed: int, make_outcome, trials: int = 40) -> int:
    """Search where 40 percent diverges, the best near the cliff; return the diverged trials in the second half."""
    sampler, penalizer, diverged = TPESampler(SPACE, seed), Penalizer(penalty, -4.0), []
    for number in range(trials):
        params = sampler.ask(number)
        diverged.append(params["rate"] * (1 + 5 * params["momentum"]) > 0.25)
        score = -abs(math.log10(params["rate"] / 0.03))
        outcome = make_outcome(
            number, "diverged" if diverged[-1] else "ok", scores=(score,), params=params, curve={4: score}
        )
        sampler.tell(outcome, penalizer.feedback(outcome))
    return sum(diverged[trials // 2 :])


def test_bayesian_search_learns_from_every_penalty_but_fail(make_outcome):
    """The estimator knows only ranks, so that any of them will do; of failed trials it learns nothing."""
    found = {penalty: sum(n_diverged(penalty, seed, make_outcome) for seed in range(4)) for penalty in PENALTIES}
    failed = found.pop("fail")
    assert max(found.values()) < 0.75 * failed
