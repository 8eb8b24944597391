"""Rows that stand for those of a table: readable, of the same form, and nobody's."""

import numpy as np
import pandas as pd
import pytest

from search.profiling import made_up

WIDE = 25


def numbers(n_columns: int) -> tuple[pd.DataFrame, dict[str, str]]:
    values = np.random.default_rng(0).normal(size=(50, n_columns))
    table = pd.DataFrame(values - values.mean(axis=0), columns=[f"x{j}" for j in range(n_columns)])
    return table, dict.fromkeys(table, "number")


@pytest.mark.parametrize("n", [1, 5])
def test_columns_with_the_mean_zero_had_tiny_examples_bug(n):
    """The mean of a centered column is no more than an error of rounding, such as 4.5e-19."""
    table, kinds = numbers(WIDE)
    made = made_up.rows(table, kinds, {}, n).to_numpy()
    assert np.all((made == 0) | (np.abs(made) > 1e-2))
    assert np.all(made[0] == 0)


def test_every_tenth_column_had_one_value_in_all_rows_bug():
    table, kinds = numbers(WIDE)
    made = made_up.rows(table, kinds, {}, 5)
    assert (made.nunique() == 5).all()


@pytest.mark.parametrize(
    ("mean", "std", "told"), [(1e6, 1.0, 1e6), (0.011, 1.0, 0.011), (0.0099, 1.0, 0.0), (7.0, 0.0, 7.0)]
)
def test_numbers_above_a_hundredth_of_the_spread_stay(mean, std, told):
    values = mean + std * np.tile([-1.0, 1.0], 10)
    assert made_up.cells(values, 1) == [told]
