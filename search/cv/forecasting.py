"""A series as a supervised table: each row holds what is known when a forecast is made, and the target some steps later.

Rows of the series are its steps, in order of time and equally far apart. Row t of the table uses rows up to t of the series only,
and its target is that of row t + horizon. Lag 1 is the value of row t itself, the last one known; lag 24 with a horizon of 1 is
the value 24 steps before the one that is forecast.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd


def features(
    series: pd.DataFrame, target: str, lags: int | Sequence[int], exogenous: Sequence[str] = ()
) -> pd.DataFrame:
    """Return what is known at each step of a series, the last one included: its rows are what a model is asked to predict from.

    Parameters
    ----------
    series : DataFrame of shape (n, columns)
    target : str
        The column to forecast.
    lags : int or sequence of int
        Which of its latest values are features: that many, or those.
    exogenous : sequence of str
        Columns of which the same lags are features. Of all others it is the value at the step itself.

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
    """Return `features`, and for each row the target `horizon` steps later, where that is known.

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
