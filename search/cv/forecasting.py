"""Forecasting as supervised learning: each row holds what is known when a forecast is made.

The target is some steps later. The rows of the series are equally spaced steps in order of time. Row t of the table
uses only rows up to t of the series, and its target is the value of row t + horizon. Lag 1 is the value of row t
itself, the last one known. With a horizon of 1, lag 24 is the value 24 steps before the forecast one.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from bpmodel.network.sizes import too_large


def lacking(n_rows: int, lags: int | Sequence[int], horizon: int = 1, n_columns: int = 1) -> str:
    """Return why a series cannot be made a table of forecasts: it is too short, or memory too small; otherwise nothing.

    Parameters
    ----------
    n_columns : int
        Columns whose lags are features.

    Examples
    --------
    >>> lacking(60, 60), lacking(60, [1, 59])
    ('leave none of 60 rows: the series is too short', '')
    """
    longest, n = (lags, lags) if isinstance(lags, int) else (max(lags), len(lags))
    if longest - 1 + horizon >= n_rows:
        return f"leave none of {n_rows} rows: the series is too short"
    told = too_large(8.0 * n * n_columns * n_rows)
    return f"make {n * n_columns:,} columns of {n_rows:,} rows, which {told}" if told else ""


def features(
    series: pd.DataFrame, target: str, lags: int | Sequence[int], exogenous: Sequence[str] = ()
) -> pd.DataFrame:
    """Return the features at each step of a series, including the last: the rows that a model predicts from.

    Parameters
    ----------
    series : DataFrame of shape (n, columns)
    target : str
        The column to forecast.
    lags : int or sequence of int
        Latest values to use as features: a number of lags, or a list of lags.
    exogenous : sequence of str
        Columns whose lags are features as well. All other columns contribute their value at the step itself.

    Returns
    -------
    DataFrame
        With the index of `series`, without the first steps: those with less history than the longest lag, or before the first
        known value of the target.

    Examples
    --------
    >>> series = pd.DataFrame({"sales": [1.0, 2.0, 3.0, 5.0], "week": [7, 8, 9, 10]})
    >>> features(series, "sales", lags=2)
       week  sales_lag_1  sales_lag_2
    1     8          2.0          1.0
    2     9          3.0          2.0
    3    10          5.0          3.0
    """
    wanted = range(1, lags + 1) if isinstance(lags, int) else lags
    columns = [series.drop(columns=[target, *exogenous])]
    for name in (target, *exogenous):
        columns += [series[name].shift(lag - 1).rename(f"{name}_lag_{lag}") for lag in wanted]
    known = series[target].notna().cummax()
    return pd.concat(columns, axis=1).iloc[max(wanted) - 1 :].loc[known]


def supervised(
    series: pd.DataFrame, target: str, lags: int | Sequence[int], horizon: int = 1, exogenous: Sequence[str] = ()
) -> tuple[pd.DataFrame, pd.Series]:
    """Return `features` and the target `horizon` steps later, for the rows where that target is known.

    Examples
    --------
    >>> series = pd.DataFrame({"sales": [1.0, 2.0, 3.0, 5.0]})
    >>> X, y = supervised(series, "sales", lags=[1], horizon=2)
    >>> X.assign(y=y)
       sales_lag_1    y
    0          1.0  3.0
    1          2.0  5.0
    """
    X = features(series, target, lags, exogenous)
    y = series[target].shift(-horizon).loc[X.index].dropna()
    return X.loc[y.index], y
