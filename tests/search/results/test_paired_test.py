"""Two configurations are compared by their scores on the same folds, by the corrected resampled t-test."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_rel

from search.cv import folds
from search.cv.kinds import Scheme
from search.results import paired_test
from search.results.paired_test import Difference, difference

A, B = [0.90, 0.85, 0.88, 0.93, 0.87], [0.88, 0.86, 0.84, 0.90, 0.86]
SCORES = st.lists(st.tuples(*[st.floats(-1e3, 1e3, allow_subnormal=False)] * 2), min_size=2, max_size=12)


def test_formula_by_hand():
    """d = .02, -.01, .04, .03, .01: mean .018, variance .00037; t = .018 / sqrt((1/5 + 1/4) .00037) with 4 degrees of freedom."""
    found = difference(A, B, ratio=0.25)
    spread = (0.45 * 0.00037) ** 0.5
    assert found.mean == pytest.approx(0.018)
    assert found.half_width == pytest.approx(2.776445105 * spread)  # the 97.5 % point of t with 4, from tables
    assert found.p_value == pytest.approx(0.2355, abs=5e-5)
    assert not found.distinguishable


def test_without_shared_training_rows_it_is_the_paired_t_test():
    theirs = ttest_rel(A, B)
    found = difference(A, B, ratio=0.0)
    assert found.p_value == pytest.approx(theirs.pvalue)
    interval = theirs.confidence_interval(paired_test.CONFIDENCE)
    assert (found.mean - found.half_width, found.mean + found.half_width) == pytest.approx(tuple(interval))


@pytest.mark.parametrize(("p_value", "distinguishable"), [(0.0499, True), (0.0501, False)])
def test_two_differ_where_it_is_certain_to_95_percent(p_value, distinguishable):
    assert Difference(0.1, 0.1, p_value).distinguishable is distinguishable


@pytest.mark.parametrize("shift", [0.999, 1.001])
def test_the_interval_has_no_0_where_they_differ(shift):
    """The interval and the p-value agree: the mean is moved to just below and just above the half width."""
    found = difference(A, B, 0.25)
    moved = difference(np.array(A) - found.mean + shift * found.half_width, B, 0.25)
    assert moved.half_width == pytest.approx(found.half_width)
    assert moved.distinguishable is (shift > 1)


@given(SCORES, st.floats(0, 1))
def test_which_one_comes_first_changes_the_sign_only(pairs, ratio):
    ours, theirs = np.transpose(pairs)
    one, other = difference(ours, theirs, ratio), difference(theirs, ours, ratio)
    assert one.mean == -other.mean
    assert (one.half_width, one.p_value) == (other.half_width, other.p_value)
    assert 0 <= one.p_value <= 1


@given(SCORES, st.floats(0, 1))
def test_the_correction_never_makes_it_more_certain(pairs, ratio):
    ours, theirs = np.transpose(pairs)
    assert difference(ours, theirs, ratio).p_value >= difference(ours, theirs, 0.0).p_value


@pytest.mark.parametrize(("shift", "distinguishable"), [(0.0, False), (0.25, True)])
def test_the_same_difference_in_every_fold(shift, distinguishable):
    found = difference(np.array([0.5, 0.75]) + shift, [0.5, 0.75], 0.2)
    assert (found.mean, found.half_width, found.distinguishable) == (shift, 0.0, distinguishable)


def test_rejects_no_more_than_it_should_where_training_rows_are_shared():
    """Two rules of the same accuracy on 5 folds of 60 rows, fitted to training rows that folds share."""
    random = np.random.default_rng(0)
    splits = folds.split(Scheme("k_fold", 5), np.zeros(60), seed=0, where="test").splits
    rejected = []
    for _ in range(400):
        X, y = random.normal(size=(60, 2)), random.normal(size=60)
        errors = []
        for column in X.T:  # a slope on a column of noise: none of the two is better
            slopes = [column[train] @ y[train] / (column[train] @ column[train]) for train, _ in splits]
            errors.append([np.mean((y[v] - s * column[v]) ** 2) for s, (_, v) in zip(slopes, splits, strict=True)])
        rejected.append(difference(*errors, ratio=0.25).distinguishable)
    assert np.mean(rejected) < 0.05


def test_rivals_are_the_next_best_healthy_trials(make_outcome):
    splits = folds.split(Scheme("k_fold", 2), np.zeros(8), seed=0, where="test")
    outcomes = {n: make_outcome(n, scores=(s, s + 0.5)) for n, s in enumerate([0.1, 0.6, 0.3, 0.9, 0.2, 0.8])}
    outcomes[6] = make_outcome(6, "diverged")
    outcomes[7] = make_outcome(7, "stopped", scores=(2.0, 2.0))
    found = paired_test.rivals(outcomes, outcomes[3], splits)
    assert list(found) == [5, 1, 2, 4]
    assert [d.mean for d in found.values()] == pytest.approx([-0.1, -0.3, -0.6, -0.7])


def test_rivals_evaluated_with_several_seeds_come_first_as_in_the_report(make_outcome):
    """A trial with one lucky evaluation once stood among them, in place of one that had a column of the report."""
    splits = folds.split(Scheme("k_fold", 2), np.zeros(8), seed=0, where="test")
    outcomes = {n: make_outcome(n, scores=(s, s)) for n, s in enumerate([0.9, 0.5, 0.8, 0.7, 0.6, 0.4])}
    outcomes |= {n: replace(outcomes[n], seed_scores=[outcomes[n].score] * 2) for n in (1, 5)}
    assert list(paired_test.rivals(outcomes, outcomes[1], splits)) == [5, 0, 2, 3]


def test_of_equally_good_rivals_the_first_ones_count(make_outcome):
    splits = folds.split(Scheme("k_fold", 2), np.zeros(8), seed=0, where="test")
    outcomes = {n: make_outcome(n, scores=(0.1, 0.5)) for n in (5, 6, 2, 4, 3, 1)}
    assert list(paired_test.rivals(outcomes, outcomes[4], splits)) == [1, 2, 3, 5]


@pytest.mark.parametrize("healthy", [True, False])
def test_no_rivals_without_a_best_or_with_one_fold(make_outcome, healthy):
    one = folds.split(Scheme("predefined"), np.zeros(4), np.array([-1, -1, 0, 0]), seed=0, where="test")
    two = folds.split(Scheme("k_fold", 2), np.zeros(4), seed=0, where="test")
    outcomes = {n: make_outcome(n) for n in range(3)}
    assert paired_test.rivals(outcomes, outcomes[0] if healthy else None, one if healthy else two) == {}


def test_the_ratio_is_the_mean_over_the_folds(make_outcome):
    """Folds of time order train on 2, 4 and 6 rows and validate 2 each."""
    splits = folds.split(Scheme("time_series", 3), np.zeros(8), seed=0, where="test")
    outcomes = {0: make_outcome(0, scores=(3.0, 2.0, 4.0)), 1: make_outcome(1, scores=(2.0, 1.5, 1.0))}
    found = paired_test.rivals(outcomes, outcomes[0], splits)[1]
    assert found == difference([2.0, 1.5, 1.0], [3.0, 2.0, 4.0], ratio=(1 + 1 / 2 + 1 / 3) / 3)


@pytest.mark.parametrize(("rounding", "expected"), [(0.9e-12, 0.0), (1.1e-12, 1.1e-12)])
def test_differences_by_rounding_are_none_bug(rounding, expected):
    """Sums in another order were "worse by 2.22e-17"; five such differences of one sign would have been distinguishable."""
    found = paired_test.difference([1.0] * 5, [1.0 + rounding] * 5, 0.25)
    assert found.mean == pytest.approx(-expected, rel=1e-3)
    assert found.distinguishable is bool(expected)


def test_scores_of_any_size_are_compared_bug():
    """The differences of finite scores, or their squares, were not finite: a warning, and no p-value."""
    huge = [1.7e308, 1.6e308, 1.5e308]
    found = difference(huge, [-score for score in huge], 0.5)
    assert (found.mean, found.half_width) == (np.inf, pytest.approx(0.6e308, rel=0.5))
    assert found.p_value == pytest.approx(difference([1.7, 1.6, 1.5], [-1.7, -1.6, -1.5], 0.5).p_value)
    assert difference(huge, huge, 0.5) == Difference(0.0, 0.0, 1.0)
