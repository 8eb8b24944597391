"""The task follows from the values of the target, and the reason is said."""

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets

from bpmodel.preprocessing.columns import kind
from search import StudyError
from search.profiling import task


def guess(values, own: str | None = None) -> tuple[str, str]:
    y = pd.Series(values)
    return task.guess(y, own or kind(y), "--target 'y'")


@pytest.mark.parametrize(
    ("values", "expected", "reason"),
    [
        (["a", "b"] * 20, "classification", "text with 2 different values"),
        (pd.Categorical([1, 2] * 20, categories=[1, 2, 3]), "classification", "a category with 2 different values"),
        ([True, False] * 20, "classification", "true or false"),
        ([True, None, False] * 20, "classification", "true or false"),
        ([0, 1] * 2, "classification", "only 2 different whole numbers"),
        ([-1, 1] * 20, "classification", "only 2 different whole numbers"),
        ([0.0, 1.0, np.nan] * 20, "classification", "only 2 different whole numbers"),
        ([0, 1, 2, 1] * 20, "classification", "only 3 different whole numbers"),
        ([1, 2, 9] * 20, "classification", "only 3 different whole numbers"),  # 9 is a code: unknown
        ([0.5, 1.0] * 20, "regression", "numeric with 2 different values"),
        (list(range(40)), "regression", "numeric with 40 different values"),
        ([1, 2, 3], "regression", "numeric with 3 different values"),
        ([239_200.0, 180_000.0, 99_000.0] * 2, "regression", "numeric with 3 different values"),
        ([0, 5, 10] * 20, "regression", "far apart, such as 0 and 5"),
    ],
)
def test_guessed_task_and_its_reason(values, expected, reason):
    """Of true and false it was said that they are texts; two values in few rows were amounts."""
    guessed, told = guess(values)
    assert guessed == expected
    assert reason in told


@pytest.mark.parametrize(
    ("distinct", "rows", "expected"),
    [
        (20, 220, "classification"),
        (20, 200, "regression"),  # a tenth of the rows is too many
        (21, 2100, "regression"),  # and so are more than twenty
        (3, 31, "classification"),
        (3, 30, "regression"),
    ],
)
def test_whole_numbers_are_classes_where_they_are_few(distinct, rows, expected):
    values = pd.Series([i % distinct for i in range(rows)])
    assert guess(values)[0] == expected
    assert guess(values + 0.5)[0] == "regression"


@pytest.mark.parametrize(("step", "expected"), [(4, "classification"), (5, "regression")])
def test_whole_numbers_that_are_far_apart_are_amounts(step, expected):
    assert guess([step * (i % 4) for i in range(80)])[0] == expected


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([10, 53, 681, 638, 199, 18], "regression"),  # ratings of wines
        ([500, 300, 100, 40, 20, 9], "regression"),  # a count
        ([500, 300, 100, 40, 20], "classification"),  # five may be anything
        ([30, 40, 90, 80, 60, 30], "classification"),  # the ends are not rare enough
        ([29, 40, 90, 80, 60, 29], "regression"),
        ([70, 76, 17, 13, 9, 29], "classification"),  # kinds of glass: no single peak
        ([178, 182, 177, 183, 181, 182, 181, 179, 174, 180], "classification"),  # digits
        ([384, 579, 53, 81, 72, 332, 252, 107, 69, 197], "classification"),  # ten patterns of cardiotocograms
        ([384, 579, 53, 81, 72, 332, 252, 107, 69, 197, 50], "regression"),  # eleven uneven ones are rather a count
        ([90] * 11, "classification"),  # vowels
    ],
)
def test_counts_and_ratings_are_amounts(counts, expected):
    assert guess(np.repeat(np.arange(len(counts)), counts))[0] == expected


@pytest.mark.parametrize("name", ["breast_cancer", "diabetes", "digits", "iris", "wine"])
def test_data_sets_of_scikit_learn(name):
    y = getattr(datasets, f"load_{name}")(as_frame=True).target
    assert guess(y)[0] == ("regression" if name == "diabetes" else "classification")


@pytest.mark.parametrize(
    ("values", "own", "told"),
    [
        ([f"house {i}" for i in range(60)], None, "60 different texts in 60 rows: too many for classes"),
        ([f"house {i}" for i in range(60)], None, '"house 0" cannot be read as a number'),
        ([*map(str, range(50)), "12 (?)"], "text", '1 of them cannot be read as numbers, first "12 (?)"'),
        ([None] * 5, None, "has no values"),
        ([1.5, np.inf, 2.5], None, "has inf in 1 row; allowed are numbers up to 1e+150"),
        ([1.5, -1.1e150, np.inf], None, "has -1.1e+150 in 2 rows"),
        ([2**63 - 1 - i for i in range(5)], None, "is 9.22337e+18 in every row"),
        ([3.0] * 5, None, "is 3 in every row; there is nothing to learn"),
        (["a", "a", None], None, 'is "a" in every row'),
        ([True, True], None, "is true in every row"),
        (pd.date_range("2024-02-28", periods=5), None, "has dates, such as"),
    ],
)
def test_a_target_that_cannot_be_learned_bug(values, own, told):
    """Texts that nearly all differ were guessed to be as many classes."""
    with pytest.raises(StudyError) as error:
        guess(values, own)
    assert str(error.value).startswith("--target 'y' ")
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_a_duration_is_a_regression_in_seconds():
    told = "the target is a duration, in seconds, with 3 different values"
    assert guess([9044.0, 8000.5, 7100.0], "duration") == ("regression", told)


@pytest.mark.parametrize(("distinct", "refused"), [(20, False), (21, True)])
def test_texts_are_classes_up_to_half_of_the_rows(distinct, refused):
    values = [f"x{i % distinct}" for i in range(40)]
    if refused:
        with pytest.raises(StudyError, match="too many for classes"):
            guess(values)
    else:
        assert guess(values)[0] == "classification"
