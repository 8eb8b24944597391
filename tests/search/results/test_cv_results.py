"""Outcomes as scikit-learn's table, and which row is the best."""

import numpy as np
import pytest
from sklearn.exceptions import FitFailedWarning

from bpmodel import DivergenceError
from search.results.cv_results import chosen, cv_results, healthy, ranks


def test_the_best_is_the_winner_and_failures_are_warned_of(make_outcome):
    outcomes = [make_outcome(0, scores=(1.0,)), make_outcome(1, scores=(2.0,)), make_outcome(2, "diverged")]
    assert healthy(outcomes).number == 1
    with pytest.warns(
        FitFailedWarning, match=r"^1 of 4 configurations could not be evaluated; the first: why it is error"
    ):
        assert healthy([*outcomes, make_outcome(3, "error")]).number == 1


def test_none_is_healthy(make_outcome):
    failed, diverged = make_outcome(0, "error"), make_outcome(1, "diverged")
    with pytest.raises(ValueError, match=r"^none of 1 configurations could be evaluated; the first: why it is error"):
        healthy([failed])
    with pytest.raises(
        DivergenceError, match=r"^none of 2 configurations finished healthy; the first: why it is diverged"
    ):
        healthy([diverged, failed])


@pytest.mark.parametrize("index", [0, 2, np.int64(2)])
def test_an_index_chooses_a_row(make_outcome, index):
    outcomes = [make_outcome(n) for n in range(3)]
    assert chosen(index, outcomes) is outcomes[int(index)]


@pytest.mark.parametrize(
    ("index", "error", "told"),
    [
        (-1, IndexError, "refit returned -1; allowed are 0 to 2"),
        (3, IndexError, "refit returned 3; allowed are 0 to 2"),
        (1.0, TypeError, r"is not an integer: refit returned 1\.0"),
        ("0", TypeError, "is not an integer: refit returned '0'"),
        (1, ValueError, "refit returned 1, a configuration without scores: diverged, why it is diverged"),
    ],
)
def test_what_chooses_no_row(make_outcome, index, error, told):
    outcomes = [make_outcome(0), make_outcome(1, "diverged"), make_outcome(2)]
    with pytest.raises(error, match=told):
        chosen(index, outcomes)


def test_more_seeds_rank_above_a_better_score_and_equals_share_a_place():
    verdicts, seeds = ["ok", "ok", "ok", "ok", "error", "diverged", "stopped"], [0, 3, 0, 0, 0, 0, 0]
    means = np.array([0.5, 0.1, 0.9, 0.5, np.nan, np.nan, 2.0])
    assert ranks(verdicts, seeds, means).tolist() == [3, 1, 2, 3, 7, 6, 5]


def test_what_is_missing_has_the_error_score_and_no_time(make_outcome):
    outcomes = [
        make_outcome(0, scores=(1.0, 3.0), params={"a": 1}, fit_seconds=[0.5, 1.5], score_seconds=[0.25, 0.75]),
        make_outcome(1, "diverged", params={"a": 2, "b": "x"}, fit_seconds=[2.0]),
    ]
    table = cv_results(outcomes, 2, error_score=-9.0)
    assert table["mean_test_score"].tolist() == [2.0, -9.0]
    assert table["split1_test_score"].tolist() == [3.0, -9.0]
    assert table["std_test_score"].tolist() == [1.0, 0.0]
    assert table["mean_fit_time"].tolist() == [1.0, 1.0]
    assert table["mean_score_time"].tolist() == [0.5, 0.0]
    assert table["param_a"].tolist() == [1, 2]
    assert table["param_b"].mask.tolist() == [True, False]
    assert table["finding"].tolist() == ["", "exploding_step"]
    assert table["rank_test_score"].tolist() == [1, 2]


def test_scores_whose_squares_are_not_finite_have_a_column(make_outcome):
    table = cv_results([make_outcome(0, scores=(-1e200, -3e200))], 2, ["score"], np.nan)
    assert table["mean_test_score"][0] == -2e200
    assert table["std_test_score"][0] == np.inf
