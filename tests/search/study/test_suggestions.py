"""What columns suggest for the preprocessing: each limit just below and just above."""

import pandas as pd
import pytest

from bpmodel.preprocessing.columns import kind
from search.study import suggestions


def fixed(column) -> str:
    X = pd.DataFrame({"x": column})
    return suggestions.fixed_lines(X, suggestions.columns_by_kind({name: kind(X[name]) for name in X}))


@pytest.mark.parametrize(("n", "codes"), [(2, False), (3, True), (12, True), (13, False)])
def test_three_to_twelve_different_whole_numbers_may_be_codes(n, codes):
    assert ('categorical_columns = ["x"]' in fixed([float(i % n) for i in range(60)])) is codes
    assert "categorical_columns" not in fixed([i % n + 0.5 for i in range(60)])


@pytest.mark.parametrize(("n", "searched"), [(0, False), (1, True), (100, True), (101, False)])
def test_how_numbers_are_prepared_is_searched_for_up_to_a_hundred_columns(n, searched):
    kinds = {"number": [f"x{i}" for i in range(n)]} if n else {"category": ["town"]}
    assert suggestions.searched_lines(kinds).startswith('numeric = ["standard", "piecewise"]') is searched
