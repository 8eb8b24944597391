"""What each column is, and what becomes of it."""

import numpy as np
import pandas as pd
import pytest

from search.profiling.evidence import AS_NUMBERS, Evidence
from search.profiling.findings import findings
from search.profiling.overview import BECOMES, LEVELS, columns

N = 120
RANDOM = np.random.default_rng(0)
X = pd.DataFrame(
    {
        "area": RANDOM.normal(size=N),
        "gap": [np.nan, *RANDOM.normal(size=N - 1)],
        "town": RANDOM.choice(["Ulm", "Bonn", None], N),
        "street": RANDOM.permutation([f"{i % 40} Main St" for i in range(N)]),
        "garden": RANDOM.permutation([True, False] * (N // 2)),
        "sold": RANDOM.permutation(pd.date_range("2024-02-29", periods=N, freq="D")),
        "noon": RANDOM.permutation(pd.date_range("2024-01-01 12:00", periods=N, freq="7D").repeat(1)),
        "lasted": pd.to_timedelta(RANDOM.random(N), unit="D"),
        "remark": [f"very nice {RANDOM.random()}" for _ in range(N)],
        "same": 1,
    }
)
KINDS = {
    "area": "number",
    "gap": "number",
    "town": "category",
    "street": "category",
    "garden": "truth",
    "sold": "date",
    "noon": "date",
    "lasted": "duration",
    "remark": "text",
    "same": "number",
}


@pytest.fixture(scope="module")
def rows():
    e = Evidence.of(X, KINDS, pd.Series(RANDOM.normal(size=N)), "regression")
    return {column.name: column for column in columns(e, findings(e))}


@pytest.mark.parametrize(
    ("name", "becomes", "warnings"),
    [
        ("area", "scaled", ()),
        ("gap", "median where missing, scaled", ()),
        ("town", "one-hot, 3 levels", ()),
        ("street", "one-hot, 32 of 40 levels", ()),
        ("garden", "0 and 1", ()),
        ("sold", "days; month, weekday on a circle", ()),
        ("noon", "days; month on a circle", ()),
        ("lasted", "scaled", ()),
        ("remark", "left out", ("all different",)),
        ("same", "left out", ("constant",)),
    ],
)
def test_what_becomes_of_a_column(rows, name, becomes, warnings):
    assert (rows[name].becomes, rows[name].warnings) == (becomes, warnings)
    assert rows[name].kind == KINDS[name]


def test_what_is_in_a_column(rows):
    assert (rows["gap"].missing, rows["gap"].distinct) == ("1 (< 1 %)", N - 1)
    assert rows["town"].missing == f"{X.town.isna().sum()} ({100 * X.town.isna().mean():.0f} %)"
    assert (rows["town"].distinct, rows["area"].missing) == (2, "")
    assert rows["sold"].example == str(X.sold[0].date())
    assert rows["noon"].example.endswith(" 12:00:00")
    assert rows["garden"].example in ("true", "false")
    assert float(rows["area"].example) == pytest.approx(X.area[0], rel=1e-5)


def test_the_column_of_groups_is_no_feature(find):
    key = RANDOM.permutation(np.repeat(np.arange(30), 4))
    own = RANDOM.normal(size=(30, 2))
    frame = pd.DataFrame(
        {"key": [f"K{k}" for k in key], "a": own[key, 0], "b": own[key, 1], "c": RANDOM.normal(size=N)}
    )
    kinds = {"key": "category", "a": "number", "b": "number", "c": "number"}
    e = Evidence.of(frame, kinds, pd.Series(RANDOM.normal(size=N)), "regression")
    assert [column.becomes for column in columns(e, findings(e))] == ["the group", "scaled", "scaled", "scaled"]


@pytest.mark.parametrize(("levels", "told"), [(LEVELS, "32 levels"), (LEVELS + 1, "32 of 33 levels")])
def test_many_levels_share_one(levels, told):
    town = pd.Series([f"T{i % levels}" for i in range(200)])
    assert BECOMES["category"](town, levels) == f"one-hot, {told}"


def test_every_kind_has_its_rows():
    assert set(BECOMES) == set(AS_NUMBERS)


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        ("number", pd.Series([1, None, 3], dtype="Int64"), [1, np.nan, 3]),
        ("number", pd.Series([1.5, np.inf, -np.inf]), [1.5, np.nan, np.nan]),
        ("number", pd.Series([3.5e38, 1e150, 1.1e150, -1.1e150]), [3.5e38, 1e150, np.nan, np.nan]),
        ("truth", pd.Series([True, None, False], dtype="boolean"), [1, np.nan, 0]),
        ("truth", pd.Series([True, None, False], dtype=object), [1, np.nan, 0]),
        (
            "date",
            pd.to_datetime(pd.Series(["1970-01-02", None, "1970-01-01 12:00"], dtype="str"), format="ISO8601"),
            [1, np.nan, 0.5],
        ),
        ("date", pd.Series(pd.date_range("1970-01-01", periods=2, tz="Etc/GMT+6")), [0.25, 1.25]),
        ("duration", pd.Series(pd.to_timedelta([90, None], unit="s")), [90, np.nan]),
        ("category", pd.Series(["b", None, "a"]), [1, np.nan, 0]),
        ("category", pd.Series([10, 9, None], dtype="category"), [0, 1, np.nan]),
        ("text", pd.Series([["a"], ["b"], ["a"]]), [0, 1, 0]),
    ],
)
def test_columns_as_numbers(kind, values, expected):
    np.testing.assert_array_equal(AS_NUMBERS[kind](values), expected)
