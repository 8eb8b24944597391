"""Rows in the order of time: which column orders them, how far apart they are, and what is written."""

import numpy as np
import pandas as pd
import pytest

from search.profiling.spacing import spacing

N = 400
WAVE = np.sin(np.arange(N) / 10)
HOURS = pd.date_range("2024-01-01", periods=N, freq="h")
NOISE = np.random.default_rng(4).normal(size=(N, 3))


def changes(finding) -> list[tuple]:
    return [(change.table, change.key, change.value, change.active) for change in finding.changes]


def blend(correlation: float) -> np.ndarray:
    """Return a wave with so much noise that its correlation with its predecessor is as given."""
    low, high = 0.0, 9.0
    for _ in range(60):
        middle = (low + high) / 2
        y = WAVE + middle * NOISE[:, 0]
        low, high = (low, middle) if np.corrcoef(y[:-1], y[1:])[0, 1] < correlation else (middle, high)
    return WAVE + low * NOISE[:, 0]


def test_an_hourly_series_is_split_in_order_bug(find):
    """Folds were shuffled, and scores 3.3 times too optimistic; nothing pointed to `time`."""
    (finding,) = find({"when": HOURS, "x": NOISE[:, 1]}, WAVE)["time"]
    assert changes(finding) == [("data", "time", "when", True), ("data", "lags", 24, False)]
    assert '"when" orders the rows in time: a step is 1 hour; the target resembles its predecessor' in finding.sentence


def test_rows_without_a_target_are_steps(find):
    """A row without a target was taken for a gap of the series."""
    (finding,) = find({"when": HOURS, "x": NOISE[:, 1]}, np.where(np.arange(N) % 60 == 7, np.nan, WAVE))["time"]
    assert "a step is 1 hour; the target" in finding.sentence


def test_gaps_and_doubled_times_are_counted_bug(find):
    """Lags reached across 50 missing hours, in silence."""
    kept = np.r_[0:100, 150:N]
    (finding,) = find({"when": HOURS[kept], "x": NOISE[kept, 1]}, WAVE[kept])["time"]
    assert "a step is 1 hour, 1 gap (50 steps missing); the target" in finding.sentence
    assert finding.sentence.endswith("set lags, but lags reach across gaps")
    doubled = np.r_[0:200, 199:N]
    (finding,) = find({"when": HOURS[doubled], "x": NOISE[:, 1].take(doubled)}, WAVE[doubled])["time"]
    assert "a step is 1 hour, 1 time occurs more than once" in finding.sentence
    assert changes(finding) == [("data", "time", "when", True)]


@pytest.mark.parametrize(
    ("times", "target", "active"),
    [
        (HOURS[::-1], WAVE, True),
        (HOURS, NOISE[:, 0], False),
        (HOURS.take(np.random.default_rng(0).permutation(N)), None, False),
        (np.repeat(pd.date_range("2024-01-01", periods=N // 4), 4), WAVE, True),  # four sites a day
    ],
)
def test_time_is_a_key_if_the_file_is_in_its_order_and_the_target_depends_on_it(find, times, target, active):
    target = np.sin((times - HOURS[0]) / pd.Timedelta("10h")) if target is None else target
    (finding,) = find({"when": times, "x": NOISE[:, 1]}, target)["time"]
    assert changes(finding)[0] == ("data", "time", "when", active)


def test_dates_that_do_not_order_anything_are_features(find):
    assert find({"sold": HOURS.take(np.random.default_rng(0).permutation(N)), "x": NOISE[:, 1]}, NOISE[:, 0]) == {}


@pytest.mark.parametrize(("correlation", "active"), [(0.299, False), (0.301, True)])
def test_how_much_a_target_resembles_its_predecessor(find, correlation, active):
    (finding,) = find({"when": HOURS, "x": NOISE[:, 1]}, blend(correlation))["time"]
    assert changes(finding)[0] == ("data", "time", "when", active)


def test_in_a_short_series_more_resemblance_is_chance(find):
    """3 / sqrt(25) is 0.6."""
    for noise, active in ((0.55, True), (1.5, False)):
        y = WAVE[:25] + noise * NOISE[:25, 0] * WAVE[:25].std()
        (finding,) = find({"when": HOURS[:25], "x": NOISE[:25, 1]}, y)["time"]
        assert (np.corrcoef(y[:-1], y[1:])[0, 1] >= 0.6) is np.bool_(active)
        assert changes(finding)[0][-1] is active


def test_classes_in_the_order_of_time(find):
    y = np.where(WAVE > 0, "up", "down")
    (finding,) = find({"when": HOURS, "x": NOISE[:, 1]}, y, "classification")["time"]
    assert changes(finding) == [("data", "time", "when", True)]


@pytest.mark.parametrize(("doubled", "found"), [(40, True), (44, False)])
def test_dates_in_another_order_are_nearly_all_different(find, doubled, found):
    order = np.random.default_rng(0).permutation(N)
    when = HOURS.take(np.r_[np.zeros(doubled, dtype=int), doubled:N])[order]
    assert ("time" in find({"when": when, "x": NOISE[:, 1]}, WAVE[order])) is found


def test_an_irregular_series_has_no_lags(find):
    when = HOURS[0] + pd.to_timedelta(np.random.default_rng(0).random(N).cumsum(), unit="D")
    (finding,) = find({"when": when, "x": NOISE[:, 1]}, WAVE)["time"]
    assert changes(finding) == [("data", "time", "when", True)]
    assert "the steps have different lengths" in finding.sentence


def test_dates_are_better_than_parts_of_them(find):
    times = pd.date_range("2023-12-20", periods=N, freq="h")
    told = find({"when": times, "year": times.year, "month": times.month, "day": times.day, "x": NOISE[:, 1]}, WAVE)
    assert "parts_of_date" not in told
    assert "time" in told


@pytest.mark.parametrize(("name", "found"), [("t", True), ("week", True), ("area", False)])
def test_numbers_that_are_called_a_time(find, name, found):
    told = find({name: np.arange(N) * 1.5, "x": NOISE[:, 1]}, WAVE)
    assert ("time" in told) is found


@pytest.mark.parametrize(("missing", "found"), [(0, True), (1, False)])
def test_a_time_has_no_gaps(find, missing, found):
    when = pd.Series(HOURS).where(np.arange(N) >= missing)
    assert ("time" in find({"when": when, "x": NOISE[:, 1]}, WAVE)) is found


@pytest.mark.parametrize(("rows", "found"), [(19, False), (20, True)])
def test_few_dates_are_no_series(find, rows, found):
    assert ("time" in find({"when": HOURS[:rows], "x": NOISE[:rows, 1]}, WAVE[:rows])) is found


def test_parts_of_a_date_in_columns_of_their_own(find):
    times = pd.date_range("2023-12-20", periods=N, freq="h")
    X = {"year": times.year, "month": times.month, "day": times.day, "hour": times.hour, "x": NOISE[:, 1]}
    (finding,) = find(X, WAVE)["parts_of_date"]
    assert finding.columns == ("year", "month", "day", "hour")
    assert changes(finding) == [("cv", "kind", "time_series", True)]
    assert changes(find(X, NOISE[:, 0])["parts_of_date"][0]) == [("cv", "kind", "time_series", False)]
    order = np.random.default_rng(0).permutation(N)
    assert "parts_of_date" not in find(pd.DataFrame(X).iloc[order].reset_index(drop=True), WAVE[order])
    assert "parts_of_date" not in find({"year": times.year, "x": NOISE[:, 1]}, WAVE)
    assert "parts_of_date" not in find({"month": times.month, "day": times.day, "x": NOISE[:, 1]}, WAVE)


def test_the_order_of_the_longer_parts_is_enough(find):
    """Bike sharing has no day of the month."""
    times = pd.date_range("2011-01-01", periods=N, freq="12h")
    (finding,) = find({"yr": times.year - 2011, "mnth": times.month, "hr": times.hour}, WAVE)["parts_of_date"]
    assert finding.columns == ("yr", "mnth")


def test_time_goes_before_groups_and_repeats(find):
    key = np.repeat(np.arange(20), 4)
    X = {"key": [f"K{k:02}" for k in key], "a": key * 0.7 % 3, "b": key * 1.3 % 2, "when": HOURS[:80]}
    told = find(X, WAVE[:80])
    active = {change.key for kind in told.values() for finding in kind for change in finding.changes if change.active}
    assert {"group", "few_rows", "time"} <= set(told)
    assert active == {"time"}


@pytest.mark.parametrize(
    ("times", "told"),
    [
        (pd.date_range("2024-01-01", periods=30, freq="15min"), "a step is 15 minutes"),
        (pd.date_range("2024-01-01", periods=30, freq="D"), "a step is 1 day"),
        (pd.date_range("2024-01-01", periods=30, freq="W"), "a step is 1 week"),
        (pd.date_range("2024-01-01", periods=30, freq="MS"), "a step is 1 month"),
        (pd.date_range("2024-01-01", periods=30, freq="ME"), "a step is 1 month"),
        (pd.date_range("2024-02-15", periods=30, freq="QS"), "a step is 1 quarter"),
        (pd.date_range("1990-01-01", periods=30, freq="YS"), "a step is 1 year"),
        (pd.date_range("2024-01-01", periods=30, freq="B"), "the steps have different lengths"),
        (
            pd.date_range("2024-01-01", periods=30, freq="MS").delete([4, 5, 9]),
            "a step is 1 month, 2 gaps (3 steps missing)",
        ),
        (
            pd.date_range("2024-01-01", periods=30, freq="s").repeat(2),
            "a step is 1 second, 30 times occur more than once",
        ),
    ],
)
def test_the_length_of_a_step(times, told):
    days = (times - pd.Timestamp(0)) / pd.Timedelta("1D")
    assert str(spacing(days.to_numpy(), dates=True)) == told


def test_steps_of_plain_numbers_have_no_unit():
    assert str(spacing(np.r_[0:5, 7:30] * 0.1, dates=False)) == "the steps are equal, 1 gap (2 steps missing)"


@pytest.mark.parametrize(("gaps", "regular"), [(3, True), (4, False)])
def test_a_regular_series_has_nine_equal_steps_of_ten(gaps, regular):
    times = np.delete(np.arange(31.0 + gaps), np.arange(2, 2 + 2 * gaps, 2))
    assert len(np.diff(times)) == 30
    assert spacing(times, dates=False).regular is regular
