"""What columns suggest for the preprocessing: each limit just below and just above."""

import numpy as np
import pandas as pd
import pytest

from search.study import suggestions


def fixed(column, target=None) -> str:
    X = pd.DataFrame({"x": column})
    y = pd.Series(np.linspace(0, 1, len(X)) if target is None else target)
    return suggestions.fixed(X, y, suggestions.columns_by_kind(X))


@pytest.mark.parametrize(("n", "codes"), [(2, False), (3, True), (12, True), (13, False)])
def test_three_to_twelve_different_whole_numbers_may_be_codes(n, codes):
    assert ('categorical_columns = ["x"]' in fixed([float(i % n) for i in range(60)])) is codes
    assert "categorical_columns" not in fixed([i % n + 0.5 for i in range(60)])


@pytest.mark.parametrize(("n", "searched"), [(0, False), (1, True), (100, True), (101, False)])
def test_how_numbers_are_prepared_is_searched_for_up_to_a_hundred_columns(n, searched):
    kinds = {"number": [f"x{i}" for i in range(n)]} if n else {"category": ["town"]}
    assert suggestions.searched(kinds).startswith('numeric = ["standard", "piecewise"]') is searched


@pytest.mark.parametrize(("skewness", "told"), [(1.99, False), (2.01, True)])
def test_a_logarithm_is_suggested_from_a_skewness_of_2_on(skewness, told):
    """A power of evenly spread numbers, with the exponent that has this skewness."""
    spread = np.linspace(0, 1, 200)
    low, high = 1.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if pd.Series(spread**middle).skew() < skewness else (low, middle)
    assert ("target_transform" in fixed(spread, spread**low)) is told


@pytest.mark.parametrize(("n", "told"), [(20, False), (21, True)])
def test_a_target_of_few_values_is_no_amount(n, told):
    target = np.zeros(200)
    target[:n] = np.arange(n) ** 4
    assert pd.Series(target).skew() > 2
    assert ("target_transform" in fixed(np.arange(200.0), target)) is told
