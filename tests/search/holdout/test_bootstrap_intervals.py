"""BCa intervals are those of SciPy, and hold the true value as often as they say."""

import numpy as np
import pytest
from scipy import stats

from search.holdout import bootstrap, metrics
from search.holdout.sample import Sample


def skewed(n: int, seed: int = 0) -> Sample:
    return Sample(np.zeros(n), np.random.default_rng(seed).lognormal(size=n))


def mean_error(sample: Sample) -> np.ndarray:
    return np.array([sample.predicted.mean(), np.sqrt((sample.predicted**2).mean())])


def test_intervals_are_those_of_scipy():
    sample = skewed(25)
    found = bootstrap.intervals(sample, mean_error, 9000)
    for each, statistic in zip(found, (np.mean, lambda x, axis: np.sqrt((x**2).mean(axis=axis))), strict=True):
        expected = stats.bootstrap(
            (sample.predicted,),
            statistic,
            n_resamples=9000,
            method="BCa",
            vectorized=True,
            rng=np.random.default_rng(1),
        ).confidence_interval
        np.testing.assert_allclose(each, expected, rtol=0.02)
        percentile = stats.bootstrap(
            (sample.predicted,), statistic, n_resamples=9000, method="percentile", rng=np.random.default_rng(1)
        ).confidence_interval
        assert abs(each[1] - percentile.high) > 0.03 * each[1], "the correction matters here"


@pytest.mark.parametrize("n_right", [13, 17])
def test_values_that_are_often_equal_are_half_below(n_right):
    """Shares of a few rows repeat in many resamples."""
    right = np.array([1.0] * n_right + [0.0] * (20 - n_right))
    sample = Sample(np.zeros(20), right)
    (found,) = bootstrap.intervals(sample, lambda s: np.array([s.predicted.mean()]), 9000)
    expected = stats.bootstrap((right,), np.mean, n_resamples=9000, method="BCa", rng=np.random.default_rng(1))
    np.testing.assert_allclose(found, expected.confidence_interval, atol=1e-9)


def test_many_rows_are_resampled_in_part_and_the_width_falls_with_their_root():
    few, many = (bootstrap.intervals(skewed(n), mean_error, 300)[0] for n in (20_000, 80_000))
    assert np.ptp(few) / np.ptp(many) == pytest.approx(2, rel=0.25)
    expected = 3.92 * skewed(80_000).predicted.std() / np.sqrt(80_000)
    assert np.ptp(many) == pytest.approx(expected, rel=0.2)


def test_the_seed_is_fixed():
    first, again = (bootstrap.intervals(skewed(40), mean_error, 100) for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_groups_stand_for_rows_in_the_jackknife(monkeypatch):
    grouped = bootstrap.intervals(skewed(400), mean_error, 500)
    monkeypatch.setattr(bootstrap, "GROUPS", 400)
    np.testing.assert_allclose(grouped, bootstrap.intervals(skewed(400), mean_error, 500), rtol=0.02)


def test_ends_without_an_interval():
    assert np.isnan(bootstrap.intervals(skewed(1), mean_error, 10)).all()
    right = Sample(np.zeros(9, int), np.zeros(9, int), classes=("a", "b"))
    assert bootstrap.intervals(right, lambda s: np.array([metrics.accuracy(s)]), 50).tolist() == [[1.0, 1.0]]
    nothing = bootstrap.intervals(skewed(9), lambda s: np.array([np.nan]), 10)
    assert np.isnan(nothing).all()


def test_resamples_in_which_a_value_is_undefined_do_not_count():
    sample = Sample(np.array([0] * 9 + [1]), np.zeros(10, int), np.tile([0.4, 0.6], (10, 1)), ("a", "b"), 1)
    low, high = bootstrap.intervals(sample, lambda s: np.array([metrics.roc_auc(s)]), 100)[0]
    assert (low, high) == (0.5, 0.5)
