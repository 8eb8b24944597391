"""Cut-offs of asynchronous successive halving: which rungs there are, and which trials count there."""

import math

import numpy as np
import pytest

from search.trials import pruning

EPOCHS = 100
RUNG = pruning.rungs(EPOCHS)[0]


def limits(outcomes) -> dict[int, float]:
    return pruning.Cutoffs(EPOCHS, outcomes).limits()


def test_rungs_are_at_halves_of_the_epochs():
    assert pruning.rungs(1024) == [76, 150, 294, 577]  # the first checkpoints from 64, 128, 256 and 512 on
    assert pruning.rungs(8) == [4]


@pytest.mark.parametrize(("n", "expected"), [(7, {}), (8, {RUNG: 3.5}), (9, {RUNG: 4.0})])
def test_eight_trials_must_have_reached_a_rung(make_outcome, n, expected):
    assert limits([make_outcome(i, curve={RUNG: float(i)}) for i in range(n)]) == expected


@pytest.mark.parametrize(
    ("verdict", "counts"), [("ok", True), ("stopped", True), ("diverged", False), ("error", False)]
)
def test_only_trials_with_scores_count(make_outcome, verdict, counts):
    outcomes = [make_outcome(i, verdict, curve={RUNG: float(i)}) for i in range(8)]
    assert limits(outcomes) == ({RUNG: 3.5} if counts else {})


def test_a_trial_counts_with_its_best_score_up_to_the_rung(make_outcome):
    curves = [{4: 10.0 + i, RUNG: float(i), RUNG + 1: 1000.0} for i in range(8)]
    assert limits([make_outcome(i, curve=curve) for i, curve in enumerate(curves)]) == {RUNG: 13.5}
    at_the_rung = [{4: -10.0, RUNG: float(i)} for i in range(8)]
    assert limits([make_outcome(i, curve=curve) for i, curve in enumerate(at_the_rung)]) == {RUNG: 3.5}


def test_scores_that_are_not_finite_do_not_count(make_outcome):
    outcomes = [make_outcome(i, curve={RUNG: float(i)}) for i in range(8)]
    assert limits([*outcomes, make_outcome(8, curve={RUNG: math.inf})]) == limits(outcomes)
    assert limits([*outcomes[:7], make_outcome(8, curve={RUNG: math.nan})]) == {}


@pytest.mark.parametrize("n", range(1, 12))
@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 0.75, 1.0])
def test_quantile_is_numpys(n, share):
    ordered = np.sort(np.random.default_rng(n).normal(size=n)).tolist()
    assert pruning._quantile(ordered, share) == pytest.approx(np.quantile(ordered, share))
