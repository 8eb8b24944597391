"""Numbers near the ends of double precision: each transformer returns finite numbers, without a warning."""

import numpy as np
import pandas as pd
import pytest

from bpmodel.preprocessing import (
    NormalScores,
    PiecewiseLinearEncoder,
    RangeScaler,
    SmoothClipScaler,
    TablePreprocessor,
    TargetTransformer,
)
from bpmodel.preprocessing.encodings import NUMERIC

ROWS = 40
VALUES = [0.0, -0.0, 5e-324, -5e-324, 1e-310, 1e-160, 1e17, 1e30, 3.4e38, 3.5e38, -1e39, 1e100, 1e149, 1e150, 1.1e150]
VALUES += [1e154, 1e160, 1e200, -1e300, 1.7e308, -1.7e308]
ANY = np.resize(VALUES, ROWS)


def columns(value: float) -> dict[str, np.ndarray]:
    """Return columns that are hard for this value."""
    normal = np.random.default_rng(0).normal(size=ROWS)
    one = normal.copy()
    one[3] = value
    signs = np.where(np.arange(ROWS) % 2, 1.0, -1.0)
    return {"one": one, "all": normal * 0.1 * value, "constant": np.full(ROWS, value), "two": signs * value}


TRANSFORMERS = {
    "range": RangeScaler,
    "clip": SmoothClipScaler,
    "scores": NormalScores,
    "piecewise": PiecewiseLinearEncoder,
    "none": TargetTransformer,
    "log": lambda: TargetTransformer(target_transform="log"),
}


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("make", TRANSFORMERS.values(), ids=TRANSFORMERS)
def test_transformers_return_finite_numbers(make, value):
    for column in columns(value).values():
        X = np.column_stack([column, ANY])
        transformer = make().fit(X)
        for rows in (X, np.column_stack([ANY, ANY])):
            found = transformer.transform(rows)
            assert np.isfinite(found).all()
            if hasattr(transformer, "inverse_transform"):
                assert np.isfinite(transformer.inverse_transform(found)).all()


@pytest.mark.parametrize("value", [*VALUES, np.inf, -np.inf])
@pytest.mark.parametrize("numeric", [name for name in NUMERIC if name != "none"])
def test_a_table_becomes_finite_numbers(numeric, value):
    for name, column in columns(value if np.isfinite(value) else 1e308).items():
        if name == "one":
            column[3] = value
        table = pd.DataFrame({"x": column, "z": np.arange(ROWS)})
        table.loc[5, "z"] = np.nan
        preprocessor = TablePreprocessor(numeric=numeric).fit(table)
        for rows in (table, pd.DataFrame({"x": ANY, "z": ANY[::-1]})):
            assert np.isfinite(preprocessor.transform(rows)).all()


@pytest.mark.parametrize("value", [0.1, 1e17, 1e60, 1e149, -3e100])
def test_a_constant_column_is_zero(value):
    """The mean of equal numbers differs from them by rounding, which grows with them."""
    table = pd.DataFrame({"x": np.full(41, value), "z": np.arange(41)})
    preprocessor = TablePreprocessor()
    assert (preprocessor.fit_transform(table)[:, 0] == 0).all()
    assert (preprocessor.transform(table)[:, 0] == 0).all()


@pytest.mark.parametrize("unit", [1e-310, 1e-160, 1e160, 1e300])
@pytest.mark.parametrize(
    "make", [SmoothClipScaler, NormalScores, PiecewiseLinearEncoder, RangeScaler, TRANSFORMERS["log"]]
)
def test_the_unit_of_a_column_changes_nothing(make, unit):
    """What is scaled in two steps is what would be scaled in one, if there were no end."""
    plain = np.random.default_rng(1).uniform(1, 9, size=(30, 1))
    rows = np.random.default_rng(2).uniform(1, 9, size=(30, 1))
    expected = make().fit(plain).transform(rows)
    np.testing.assert_allclose(make().fit(plain * unit).transform(rows * unit), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("far", [1e151, -1e151, np.inf, -np.inf])
def test_a_number_that_is_too_far_counts_as_missing_on_either_side(far):
    table = pd.DataFrame({"a": [1.0, 2.0, 4.0, 8.0], "b": [0.5, 1.0, -1.0, 3.0]})
    preprocessor = TablePreprocessor().fit(table)
    given, gap = table.copy(), table.copy()
    given.loc[1, "a"], gap.loc[1, "a"] = far, np.nan
    np.testing.assert_array_equal(preprocessor.transform(given), preprocessor.transform(gap))
