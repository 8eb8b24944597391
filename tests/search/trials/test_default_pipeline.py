"""The default pipeline takes columns as they come, also values it has never seen, and learns from training rows only."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.preprocessing import QuantileTransformer, StandardScaler

from bpmodel.preprocessing.options import PREPROCESSING
from search import StudyError
from search.study import assembly, data, study_file
from search.trials.evaluation import evaluate
from search.trials.pipeline import PATHS, check_columns, default_pipeline
from search.trials.prepared.folds import prepare
from search.trials.problem import Trial
from search.trials.refitting import refit


def table(n: int = 60) -> pd.DataFrame:
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "area": random.normal(80, 20, n),
            "rooms": random.integers(1, 6, n),
            "town": random.choice(["Ulm", "Bonn", "Jena"], n),
            "garden": random.choice([True, False], n),
            "pool": random.choice([True, False, None], n),
            "empty": np.full(n, np.nan),
        }
    )
    frame.loc[::7, "area"] = np.nan
    frame.loc[::5, "town"] = None
    return frame


def target(frame: pd.DataFrame, task: str) -> np.ndarray:
    y = 1000 * frame["rooms"].to_numpy() + 500.0 * frame["garden"].to_numpy()
    return y if task == "regression" else np.where(y > 3000, "dear", "cheap")


STRANGE = {
    "unseen town": {"town": "Rom"},
    "missing town": {"town": None},
    "missing area": {"area": np.nan},
    "missing garden": {"garden": None},
    "value where all were missing": {"empty": 3.0},
    "everything missing": {"area": np.nan, "rooms": np.nan, "town": None, "garden": None, "pool": None},
}


@pytest.mark.parametrize("task", ["regression", "classification"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_predicts_for_values_never_seen(task):
    frame = table()
    pipeline = default_pipeline(task, {"hidden_layer_sizes": [8], "max_iter": 5, "random_state": 0})
    pipeline.fit(frame, target(frame, task))
    for name, values in STRANGE.items():
        row = frame.iloc[[1]].astype(object).assign(**values)
        prediction = pipeline.predict(row)
        assert prediction.shape == (1,), name
        assert prediction[0] in ("dear", "cheap") if task == "classification" else np.isfinite(prediction[0]), name


def test_target_is_scaled_inside_the_model_unless_told_otherwise():
    assert default_pipeline("regression", {})[-1].scale_target
    assert not default_pipeline("regression", {"scale_target": False})[-1].scale_target


@pytest.mark.parametrize("option", PREPROCESSING, ids=lambda option: option.name)
def test_option_reaches_the_pipeline(option):
    value = next(iter(option.choices)) if option.choices else [] if option.domain.elements else not option.default
    pipeline = default_pipeline("regression", {}, {option.name: value})
    assert pipeline.get_params()[PATHS[option.name]] == value


def test_preprocessing_is_searched_like_any_hyperparameter(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frame = table().assign(price=target(table(), "regression"))
    frame.to_csv("prices.csv", index=False)
    Path("prices.toml").write_text(
        """name = "prices"
data = { source = "prices.csv", target = "price", task = "regression" }
preprocessing = { missing_indicator = false }
model = { hidden_layer_sizes = [4], max_iter = 4 }
space = { numeric = ["standard", "piecewise"], n_bins = [2, 3], alpha = [0.1, 1.0] }
"""
    )
    study = study_file.load("prices.toml")
    problem = assembly.build_problem(study, data.load(study))
    widths = {}
    for number, params in enumerate(study.space.grid_points()):
        outcome = evaluate(problem, Trial(number, params))
        assert outcome.verdict == "ok", outcome.reason
        pipeline = refit(problem, outcome)
        assert {name: pipeline.get_params()[PATHS[name]] for name in ("numeric", "n_bins")} == {
            name: params[name] for name in ("numeric", "n_bins")
        }
        widths[params["numeric"], params["n_bins"]] = pipeline[:-1].transform(frame).shape[1]
    assert widths["standard", 2] == widths["standard", 3]
    assert len(set(widths.values())) == 3
    assert len(problem.prepared) == 4  # alpha is none of preprocessing's


class Witness(TransformerMixin, BaseEstimator):
    """Notes the first column of the rows it is fitted on and of those it transforms."""

    fitted: list = []  # noqa: RUF012 - shared by all clones on purpose
    transformed: list = []  # noqa: RUF012

    def fit(self, X, y=None):
        self.fitted.append(set(X[:, 0]))
        return self

    def transform(self, X):
        self.transformed.append(set(X[:, 0]))
        return X


def test_no_step_is_fitted_on_validation_rows(make_problem):
    Witness.fitted.clear()
    Witness.transformed.clear()
    problem = make_problem(steps=(Witness(), StandardScaler()))
    prepared = list(prepare(problem))
    column = problem.X[:, 0]
    assert Witness.fitted == [set(column[train]) for train, _ in problem.folds.splits]
    assert Witness.transformed[1::2] == [set(column[validation]) for _, validation in problem.folds.splits]
    for fold, (train, validation) in zip(prepared, problem.folds.splits, strict=True):
        scaler = StandardScaler().fit(problem.X[train])
        np.testing.assert_allclose(fold.X_train, scaler.transform(problem.X[train]), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(fold.X_validation, scaler.transform(problem.X[validation]), rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(fold.y_train, problem.y[train])
        np.testing.assert_array_equal(fold.y_validation, problem.y[validation])


def test_folds_are_prepared_once_for_the_same_parameters(make_problem):
    problem = make_problem()
    first = prepare(problem)
    assert prepare(problem) is first
    assert prepare(problem, {"standardscaler__with_mean": False}) is not first
    assert prepare(problem) is first


def test_a_fold_is_prepared_when_it_is_asked_for(make_problem):
    Witness.fitted.clear()
    problem = make_problem(steps=(Witness(), StandardScaler()))
    prepared = prepare(problem)
    assert len(prepared) == len(problem.folds.splits)
    assert Witness.fitted == []
    second = prepared[1]
    assert prepare(problem)[1] is second
    assert Witness.fitted == [set(problem.X[problem.folds.splits[1][0], 0])]


def test_few_preparations_are_kept(make_problem):
    problem = make_problem(steps=(QuantileTransformer(),))
    for n in range(5, 5 + 2 * problem.prepared.limit):
        prepare(problem, {"quantiletransformer__n_quantiles": n})
    assert len(problem.prepared) == problem.prepared.limit


def test_a_column_that_is_not_there_is_named():
    with pytest.raises(
        StudyError, match=r"x\.toml: \[preprocessing\] categorical_columns has 'month', which is not a column"
    ):
        check_columns({"categorical_columns": ["rooms", "month"]}, table(), "x.toml")
    check_columns({"categorical_columns": ["rooms"]}, table(), "x.toml")
    check_columns({}, table(), "x.toml")


@pytest.mark.parametrize("fixed", [True, False])
def test_a_transformed_target_is_scored_and_predicted_in_its_own_units(tmp_path, monkeypatch, fixed):
    monkeypatch.chdir(tmp_path)
    frame = table(200).drop(columns="empty")
    frame.assign(price=np.exp(frame["rooms"] * 2.0)).to_csv("prices.csv", index=False)
    transform = 'preprocessing = { target_transform = "log" }' if fixed else ""
    space = "alpha = [0.1]" if fixed else 'target_transform = ["none", "log"]'
    Path("prices.toml").write_text(
        f"""name = "prices"
data = {{ source = "prices.csv", target = "price", task = "regression" }}
{transform}
model = {{ hidden_layer_sizes = [16], max_iter = 30, learning_rate_init = 0.02, batch_size = 16 }}
space = {{ {space} }}
"""
    )
    study = study_file.load("prices.toml")
    dataset = data.load(study)
    problem = assembly.build_problem(study, dataset)
    points = list(study.space.grid_points())
    outcomes = [evaluate(problem, Trial(number, params)) for number, params in enumerate(points)]
    assert [outcome.verdict for outcome in outcomes] == ["ok"] * len(points)
    logarithmic = outcomes[-1]
    assert -dataset.y.std() < logarithmic.score < 0
    predicted = refit(problem, logarithmic).predict(dataset.X)
    assert np.median(np.abs(predicted / dataset.y - 1)) < 0.5  # the cheapest price is a millionth of the dearest


def test_the_target_of_a_classification_is_not_transformed(tmp_path):
    (tmp_path / "x.toml").write_text(
        """name = "x"
data = { source = "sklearn:iris", task = "classification" }
preprocessing = { target_transform = "log" }
space = { alpha = [1.0] }
"""
    )
    with pytest.raises(StudyError, match=r"\[preprocessing\] target_transform is not a preprocessing option"):
        study_file.load(tmp_path / "x.toml")


@pytest.mark.parametrize(
    ("model", "searched", "decay"),
    [
        ({}, {}, 0.98),
        ({"ema_decay": 0.5}, {}, 0.5),
        ({"solver": "sgd"}, {}, 0.98),
        ({"solver": "lbfgs"}, {}, 0.0),
        ({"solver": "adam"}, {"solver": ["adam", "lm"]}, 0.0),
        ({"solver": "lbfgs"}, {"solver": ["adam", "sgd"]}, 0.98),
    ],
)
def test_networks_of_a_study_average_weights_unless_a_solver_cannot(model, searched, decay):
    assert default_pipeline("regression", model, searched=searched)[-1].ema_decay == decay
