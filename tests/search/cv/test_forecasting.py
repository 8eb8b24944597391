"""Forecasts are made from what is known at the time, and trained on what is known by then."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from search import StudyError
from search.cv.forecasting import features, supervised
from search.study import assembly, data, nested_cv, study_file
from search.trials import baselines
from search.trials.evaluation import evaluate
from search.trials.problem import Problem, Trial
from search.trials.refitting import refit

N = 60
RANDOM = np.random.default_rng(11)
SERIES = pd.DataFrame(
    {"y": RANDOM.normal(size=N).cumsum().round(3), "wind": RANDOM.normal(size=N), "hour": np.arange(N) % 24}
)
GAPS = SERIES.assign(y=SERIES.y.mask((SERIES.index < 3) | SERIES.index.isin([20, 21, 40])))
STUDY = """\
name = "air"
[data]
source = "air.csv"
target = "y"
task = "regression"
lags = 3
{data}
[model]
hidden_layer_sizes = [4]
max_iter = 4
[space]
alpha = [0.1]
[cv]
{cv}
"""


@pytest.fixture
def load(folder):
    """Write a series and a study of its forecasts; return the study and its table."""

    def load(
        keys: str = "", cv: str = "n_splits = 3", series: pd.DataFrame = SERIES
    ) -> tuple[study_file.Study, data.Dataset]:
        series.to_csv("air.csv", index=False)
        Path("air.toml").write_text(STUDY.format(data=keys, cv=cv))
        study = study_file.load("air.toml")
        return study, data.load(study)

    return load


@pytest.mark.parametrize("lags", [4, [1, 2, 12]], ids=str)
@pytest.mark.parametrize("horizon", [1, 5])
def test_lags_and_target_by_hand(lags, horizon):
    X, y = supervised(SERIES, "y", lags, horizon, ["wind"])
    wanted = range(1, lags + 1) if isinstance(lags, int) else lags
    assert list(X.index) == list(range(max(wanted) - 1, N - horizon))
    assert list(X) == ["hour", *(f"{name}_lag_{lag}" for name in ("y", "wind") for lag in wanted)]
    for t in X.index:
        assert y[t] == SERIES.y[t + horizon]
        assert X.hour[t] == SERIES.hour[t]
        for lag in wanted:
            assert X.loc[t, f"y_lag_{lag}"] == SERIES.y[t + 1 - lag]
            assert X.loc[t, f"wind_lag_{lag}"] == SERIES.wind[t + 1 - lag]


@pytest.mark.parametrize("t", [5, 30, N - 1])
def test_features_see_nothing_of_the_future(t):
    spoiled = SERIES.copy()
    spoiled.loc[t + 1 :] = np.nan
    pd.testing.assert_frame_equal(
        features(spoiled, "y", 3, ["wind"]).loc[:t], features(SERIES, "y", 3, ["wind"]).loc[:t], check_dtype=False
    )


def test_missing_targets_are_left_out_after_lagging():
    X, y = supervised(GAPS, "y", 2, horizon=2)
    assert set(range(N)) - set(X.index) == {0, 1, 2, 18, 19, 38, N - 2, N - 1}  # no value known, no target
    assert X.loc[[20, 22], "y_lag_1"].isna().tolist() == [True, False]
    assert y.notna().all()


def test_last_row_is_for_the_next_forecast(load):
    study, dataset = load("exogenous = ['wind']\nhorizon = 2")
    problem = assembly.build_problem(study, dataset)
    model = refit(problem, evaluate(problem, Trial(0, {"alpha": 0.1})))
    latest = features(SERIES, "y", 3, ["wind"]).tail(1)
    assert list(latest.index) == [N - 1]
    assert list(latest) == list(dataset.X)
    assert np.isfinite(model.predict(latest)).all()


SPLITS = {
    "by default": ("n_splits = 3", SERIES),
    "with a gap": ("n_splits = 3\ngap = 7", SERIES),
    "missing targets": ("n_splits = 3", GAPS),
    "test": ("split = 'part'", SERIES.assign(part=np.where(SERIES.index < 40, "train", "test"))),
    "two periods": (
        "split = 'part'",
        SERIES.assign(part=np.select([SERIES.index < 20, SERIES.index < 40], [-1, 0], 1)),
    ),
}


@pytest.mark.parametrize("horizon", [1, 4])
@pytest.mark.parametrize(("cv", "series"), SPLITS.values(), ids=SPLITS)
def test_no_fold_is_trained_on_what_is_not_known_yet(load, horizon, cv, series):
    study, dataset = load(f"horizon = {horizon}", cv, series)
    for train, validation in assembly.build_problem(study, dataset).folds.splits:
        first = dataset.origins[validation].min()
        assert dataset.origins[train].max() + horizon <= first

        spoiled = series.copy()  # a future that is visible through a leak only
        spoiled.loc[first + 1 :, ["y", "wind", "hour"]] = 1e6
        _, other = load(f"horizon = {horizon}", cv, spoiled)
        kept = np.isin(other.origins, dataset.origins[train])
        pd.testing.assert_frame_equal(
            other.X[kept].reset_index(drop=True), dataset.X.iloc[train].reset_index(drop=True), check_dtype=False
        )
        np.testing.assert_array_equal(other.y[kept], dataset.y[train])
        pd.testing.assert_frame_equal(
            other.X[other.origins == first].reset_index(drop=True),
            dataset.X[dataset.origins == first].reset_index(drop=True),
            check_dtype=False,
        )


@pytest.mark.parametrize("horizon", [1, 4])
def test_default_gap_loses_no_row_that_may_be_trained_on(load, horizon):
    study, dataset = load(f"horizon = {horizon}")
    for train, validation in assembly.build_problem(study, dataset).folds.splits:
        assert dataset.origins[train].max() + horizon == dataset.origins[validation].min()


def test_outer_folds_are_in_order_of_time(load):
    study, dataset = load("horizon = 4", "n_splits = 2\nouter = 3", GAPS)
    for part in nested_cv.parts(study, dataset):
        assert part.dataset.origins.max() + 4 <= part.test.origins.min()
        for train, validation in part.problem.folds.splits:
            assert part.dataset.origins[train].max() + 4 <= part.dataset.origins[validation].min()


def test_persistence_is_the_last_known_value(load):
    study, dataset = load("horizon = 2", "n_splits = 3", GAPS)
    problem = assembly.build_problem(study, dataset)
    found = assembly.measure_baselines(study, problem, dataset.last_known)
    assert [b.name for b in found] == [baselines.DUMMY, baselines.LINEAR, baselines.BOOSTING, baselines.PERSISTENCE]
    errors = []
    for _, validation in problem.folds.splits:
        last = [GAPS.y[: t + 1].dropna().iloc[-1] for t in dataset.origins[validation]]
        errors.append(np.sqrt(np.mean((dataset.y[validation] - last) ** 2)))
    assert found[-1].score == pytest.approx(-np.mean(errors))


@pytest.mark.parametrize(
    "times", [range(N), pd.date_range("2026-01-01", periods=N, freq="h").astype(str)], ids=["number", "date"]
)
def test_time_orders_the_series_and_is_no_feature(load, times):
    _, ordered = load()
    shuffled = SERIES.assign(when=times).sample(frac=1, random_state=0)
    _, dataset = load("time = 'when'", series=shuffled)
    pd.testing.assert_frame_equal(dataset.X, ordered.X)
    np.testing.assert_array_equal(dataset.y, ordered.y)


def test_a_series_may_have_a_target_only(load):
    _, dataset = load(series=SERIES[["y"]])
    assert list(dataset.X) == ["y_lag_1", "y_lag_2", "y_lag_3"]


def build(path: str) -> Problem:
    study = study_file.load(path)
    return assembly.build_problem(study, data.load(study))


MISTAKES = {
    "lag 0": (
        "lags = [0, 1]",
        "",
        "[data] lags = [0, 1]; allowed are a whole number from 1 to 1000000 and a list of different ones",
    ),
    "lag twice": ("lags = [1, 1]", "", "[data] lags = [1, 1]; allowed"),
    "no lags": ("lags = []", "", "[data] lags = []; allowed"),
    "lags as text": ("lags = 'all'", "", "[data] lags = 'all'; allowed"),
    "horizon 0": ("lags = 3\nhorizon = 0", "", "[data] horizon = 0"),
    "horizon of a table": ("horizon = 2", "", "[data] horizon = 2 needs lags"),
    "exogenous column of a table": ("exogenous = ['wind']", "", "[data] exogenous = ['wind'] needs lags"),
    "unknown exogenous column": ("lags = 3\nexogenous = ['rain']", "", "[data] exogenous = 'rain' is not a column"),
    "shuffled": (
        "lags = 3",
        "kind = 'k_fold'",
        "[cv] kind = 'k_fold' would train on the future of a forecast; allowed with lags are time_series",
    ),
    "gap": (
        "lags = 3\nhorizon = 4",
        "gap = 2",
        "[cv] gap = 2 would train on targets that are not known yet; a horizon of 4 needs at least 3",
    ),
    "exogenous column twice": (
        "lags = 2\nexogenous = ['wind', 'wind']",
        "",
        "exogenous = ['wind', 'wind'] create duplicate column names: wind_lag_1, wind_lag_2",
    ),
    "short": ("lags = 60", "", "[data] lags = 60, horizon = 1 leave none of 60 rows: the series is too short"),
    "time twice": (
        "lags = 3\ntime = 'hour'",
        "",
        "[data] time = 'hour' has 0 twice; a series has one row for each time",
    ),
    "test first": (
        "lags = 3",
        "split = 'part'",
        "[cv] fold 1 of 1 has no training rows from before its validation rows",
    ),
}


@pytest.mark.parametrize(("keys", "cv", "told"), MISTAKES.values(), ids=MISTAKES)
def test_one_line_says_what_is_wrong(folder, keys, cv, told):
    SERIES.assign(part=np.where(SERIES.index < 30, "test", "train")).to_csv("air.csv", index=False)
    Path("air.toml").write_text(STUDY.replace("lags = 3\n", "").format(data=keys, cv=cv))
    with pytest.raises(StudyError) as error:
        build("air.toml")
    assert str(error.value).startswith("air.toml: ")
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('task = "regression"', 'task = "classification"', "lags = 3 needs task = 'regression'"),
        (
            'source = "air.csv"',
            'source = "sklearn:diabetes"',
            "lags = 3 needs a file; the data sets of scikit-learn are not series",
        ),
    ],
)
def test_what_cannot_be_forecast(folder, old, new, told):
    Path("air.toml").write_text(STUDY.format(data="", cv="").replace(old, new))
    with pytest.raises(StudyError, match=told):
        study_file.load("air.toml")
