"""`BPSearchCV` is a scikit-learn estimator around the search."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from optuna.distributions import CategoricalDistribution, FloatDistribution
from scipy.sparse import csr_matrix
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.exceptions import FitFailedWarning, NotFittedError
from sklearn.linear_model import Ridge
from sklearn.metrics import get_scorer, make_scorer, mean_absolute_error
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from bpmodel import BPClassifier, BPEnsembleRegressor, BPRegressor, DivergenceError
from search import BPSearchCV, StudyError
from search.samplers.methods import METHODS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


RATES = {"learning_rate_init": [1e-4, 0.02]}


def network(task: str = "regression", **more):
    kind = BPClassifier if task == "classification" else BPRegressor
    scaled = {} if task == "classification" else {"scale_target": True}
    return kind(hidden_layer_sizes=(8,), learning_rate_init=0.02, batch_size=16, max_iter=12, **scaled, **more)


def search(estimator, space=RATES, **more) -> BPSearchCV:
    return BPSearchCV(estimator, space, **{"method": "grid", "cv": 3, "random_state": 0} | more)


@pytest.mark.filterwarnings("ignore:n_trials = 6, but the space has 2")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("task", ["regression", "classification"])
def test_bare_estimator(rows, task, method):
    X, y = rows(task)
    X = StandardScaler().fit_transform(X)
    fitted = search(
        network(task), {"learning_rate_init": [1e-5, 0.02], "alpha": [0.01]}, method=method, n_trials=6
    ).fit(X, y)
    assert fitted.best_params_ == {"learning_rate_init": 0.02, "alpha": 0.01}
    assert fitted.best_estimator_.n_iter_ == fitted.best_n_epochs_
    assert len(fitted.cv_results_["params"]) == (2 if method in ("grid", "random") else 6)
    assert fitted.score(X, y) > 0.5
    assert fitted.predict(X).shape == y.shape
    assert fitted.n_features_in_ == 4


@pytest.mark.filterwarnings("ignore:n_trials = 8, but the space has 4")
@pytest.mark.parametrize("method", METHODS)
def test_pipeline_with_parameters_of_all_steps(rows, method):
    X, y = rows()
    space = {
        "scaler": [StandardScaler(), MinMaxScaler()],
        "scaler__copy": [True],
        "bpregressor__learning_rate_init": [1e-5, 0.05],
    }
    pipeline = make_pipeline("passthrough", network())
    pipeline.steps[0] = ("scaler", StandardScaler())
    fitted = search(pipeline, space, method=method, n_trials=8).fit(X, y)
    assert set(fitted.best_params_) == set(space)
    assert fitted.best_params_["bpregressor__learning_rate_init"] == 0.05
    best = fitted.best_estimator_
    assert type(best["scaler"]) is type(fitted.best_params_["scaler"])
    assert best["bpregressor"].learning_rate_init == 0.05
    assert fitted.predict(X).shape == y.shape


@pytest.mark.parametrize("kind", ["tuple", "optuna", "scipy"])
def test_forms_of_a_space(rows, kind):
    X, y = rows()
    rate, activation = {
        "tuple": ((1e-3, 0.1, "log"), ["relu", "tanh"]),
        "optuna": (FloatDistribution(1e-3, 0.1, log=True), CategoricalDistribution(["relu", "tanh"])),
        "scipy": (scipy.stats.loguniform(1e-3, 0.1), ["relu", "tanh"]),
    }[kind]
    space = {"learning_rate_init": rate, "activation": activation}
    for method in METHODS:
        fitted = search(network(), space, method=method, n_trials=3, refit=False).fit(
            StandardScaler().fit_transform(X), y
        )
        assert all(1e-3 <= p["learning_rate_init"] <= 0.1 for p in fitted.cv_results_["params"])


def test_classifier_predicts_classes_and_probabilities(rows):
    X, y = rows("classification")
    names = np.array(["low", "middle", "high"])[y]
    fitted = search(make_pipeline(StandardScaler(), network("classification")), {"bpclassifier__alpha": [0.1]}).fit(
        X, names
    )
    assert fitted.classes_.tolist() == ["high", "low", "middle"]
    probabilities = fitted.predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(fitted.predict_log_proba(X), np.log(probabilities))
    np.testing.assert_array_equal(fitted.classes_[probabilities.argmax(axis=1)], fitted.predict(X))
    assert fitted.score(X, names) == np.mean(fitted.predict(X) == names)


def test_regressor_has_no_probabilities():
    assert not hasattr(search(network()), "predict_proba")
    assert hasattr(search(network("classification")), "predict_proba")


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_kind_of_estimator_is_that_of_the_inner_one(task):
    assert is_classifier(search(network(task))) is (task == "classification")
    assert is_regressor(search(make_pipeline(StandardScaler(), network(task)))) is (task == "regression")


def test_results_have_the_shape_of_scikit_learns(rows):
    X, y = rows()
    estimator, space = (
        make_pipeline(StandardScaler(), network(random_state=0)),
        {"bpregressor__learning_rate_init": [1e-4, 0.02]},
    )
    ours, theirs = search(estimator, space).fit(X, y), GridSearchCV(estimator, space, cv=3).fit(X, y)
    common = {k for k in theirs.cv_results_ if not k.endswith("_time")}
    assert common < set(ours.cv_results_)
    assert {len(column) for column in ours.cv_results_.values()} == {2}
    assert ours.cv_results_["params"] == theirs.cv_results_["params"]
    np.testing.assert_array_equal(ours.cv_results_["rank_test_score"], theirs.cv_results_["rank_test_score"])
    assert (ours.best_params_, ours.n_splits_, ours.best_index_) == (theirs.best_params_, 3, theirs.best_index_)
    assert len(pd.DataFrame(ours.cv_results_)) == 2


def test_mean_and_deviation_are_those_of_the_splits(rows):
    X, y = rows()
    results = search(network(), {"alpha": [0.1, 1.0, 10.0]}).fit(StandardScaler().fit_transform(X), y).cv_results_
    splits = np.column_stack([results[f"split{i}_test_score"] for i in range(3)])
    np.testing.assert_allclose(results["mean_test_score"], splits.mean(axis=1))
    np.testing.assert_allclose(results["std_test_score"], splits.std(axis=1))
    np.testing.assert_array_equal(results["rank_test_score"], scipy.stats.rankdata(-splits.mean(axis=1)))


def test_diverged_configurations_rank_last(rows):
    X, y = rows()
    space = {"learning_rate_init": [900.0, 1e-6, 0.02], "solver": ["sgd"], "alpha": [0.0, -1.0]}
    with pytest.warns(FitFailedWarning, match="3 of 6 configurations could not be evaluated; the first: Invalid"):
        fitted = search(network(), space).fit(StandardScaler().fit_transform(X), y)
    results = pd.DataFrame(fitted.cv_results_)
    assert results["verdict"].tolist() == ["diverged", "error", "ok", "error", "ok", "error"]
    assert results["rank_test_score"].tolist() == [3, 4, 2, 4, 1, 4]
    assert results["mean_test_score"].isna().tolist() == [True, True, False, True, False, True]
    assert "loss" in results["reason"][0]
    assert "alpha" in results["reason"][1]
    assert results["finding"].tolist() == ["exploding_step", "", "", "", "", ""]
    assert fitted.best_index_ == 4
    assert fitted.advice_ == []  # one diverged configuration is too few


def test_advice(rows):
    X, y = rows()
    space = {"learning_rate_init": (1e-4, 1e3, "log")}
    model = network().set_params(solver="sgd")
    fitted = search(model, space, method="random", n_trials=24).fit(StandardScaler().fit_transform(X), y)
    assert set(fitted.cv_results_["finding"]) == {"", "exploding_step"}
    rule, change = fitted.advice_
    assert "diverged trials have learning_rate_init > " in rule
    assert change.startswith("learning_rate_init: high = ")


def test_nothing_healthy(rows):
    X, y = rows()
    diverging = search(network(), {"learning_rate_init": [900.0], "solver": ["sgd"]})
    with pytest.raises(DivergenceError, match="none of 1 configurations finished healthy; the first: fold 1 of 3"):
        diverging.fit(X, y)
    assert diverging.cv_results_["verdict"].tolist() == ["diverged"]
    assert not hasattr(diverging, "best_params_")


def test_timeout_before_the_first_configuration_bug(rows):
    """`results` and the message of `DivergenceError` failed on an empty table."""
    fitted = search(network(), method="random", timeout=1e-9).fit(*rows())
    assert len(fitted.cv_results_["params"]) == 1


def test_without_refit(rows):
    X, y = rows()
    fitted = search(network(), refit=False).fit(X, y)
    assert fitted.best_params_ in fitted.cv_results_["params"]
    assert not hasattr(fitted, "best_estimator_")
    with pytest.raises(AttributeError) as error:
        fitted.predict(X)
    assert "`refit=False`. predict is available only after refitting on the best parameters" in str(
        error.value.__cause__
    )


def test_before_fit(rows):
    X, y = rows()
    for call in (lambda s: s.predict(X), lambda s: s.score(X, y), lambda s: s.classes_):
        with pytest.raises(NotFittedError):
            call(search(network("classification")))
    assert not hasattr(search(network()), "n_features_in_")


def test_inside_cross_validate(rows):
    X, y = rows()
    scores = cross_validate(
        search(make_pipeline(StandardScaler(), network()), {"bpregressor__alpha": [0.01, 0.1]}), X, y, cv=3
    )
    assert (scores["test_score"] > 0.3).all()


def test_clone_has_the_same_parameters():
    one = search(make_pipeline(StandardScaler(), network()), {"bpregressor__alpha": (0.1, 1.0)}, n_jobs=2, scoring="r2")
    copy = clone(one)
    assert copy.get_params().keys() == one.get_params().keys()
    assert repr(copy) == repr(one)
    assert copy.set_params(estimator__bpregressor__max_iter=3).estimator[-1].max_iter == 3


def test_pickle_predicts_the_same(rows):
    X, y = rows()
    fitted = search(make_pipeline(StandardScaler(), network()), {"bpregressor__alpha": [0.01, 0.1]}).fit(X, y)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict(X), fitted.predict(X))


@pytest.mark.parametrize("method", METHODS)
def test_random_state_makes_it_repeatable(rows, method):
    X, y = rows()
    one, two, other = (
        search(network(), {"alpha": (0.01, 1.0, "log")}, method=method, n_trials=4, random_state=s).fit(X, y)
        for s in (1, 1, 2)
    )
    assert one.cv_results_["params"] == two.cv_results_["params"]
    np.testing.assert_array_equal(one.cv_results_["mean_test_score"], two.cv_results_["mean_test_score"])
    np.testing.assert_array_equal(one.predict(X), two.predict(X))
    assert not np.array_equal(one.cv_results_["mean_test_score"], other.cv_results_["mean_test_score"])


@pytest.mark.parametrize("method", ["grid", "random"])
def test_results_are_the_same_for_any_number_of_jobs(rows, method):
    X, y = rows()
    one, two = (
        search(network(), {"alpha": (0.01, 1.0, "log")}, method=method, n_trials=5, n_jobs=n).fit(X, y) for n in (1, 2)
    )
    assert one.cv_results_["params"] == two.cv_results_["params"]
    np.testing.assert_array_equal(one.cv_results_["mean_test_score"], two.cv_results_["mean_test_score"])


def test_table_with_column_names(rows):
    X, y = rows()
    frame = pd.DataFrame(X, columns=list("abcd"))
    for estimator, space in (
        (network(), RATES),
        (make_pipeline(StandardScaler(), network()), {"bpregressor__alpha": [0.1]}),
    ):
        fitted = search(estimator, space).fit(frame, pd.Series(y))
        assert fitted.feature_names_in_.tolist() == list("abcd")
        with pytest.raises(ValueError, match="feature names"):
            fitted.predict(frame[list("dcba")])


def test_several_outputs(rows):
    X, y = rows()
    fitted = search(make_pipeline(StandardScaler(), network()), {"bpregressor__alpha": [0.1]}).fit(
        X, np.column_stack([y, -y])
    )
    assert fitted.predict(X).shape == (90, 2)


@pytest.mark.parametrize(
    "scoring", [None, "neg_mean_absolute_error", make_scorer(mean_absolute_error, greater_is_better=False)]
)
def test_scoring(rows, scoring):
    X, y = rows()
    fitted = search(network(), scoring=scoring).fit(X, y)
    expected = get_scorer("r2" if scoring is None else "neg_mean_absolute_error")(fitted.best_estimator_, X, y)
    assert fitted.score(X, y) == pytest.approx(expected)


def test_splits_are_those_of_the_splitter(rows):
    X, y = rows()
    cv = KFold(4, shuffle=True, random_state=5)
    by_splitter, by_list = (search(network(), cv=c).fit(X, y) for c in (cv, list(cv.split(X))))
    assert by_splitter.n_splits_ == 4
    np.testing.assert_array_equal(by_splitter.cv_results_["mean_test_score"], by_list.cv_results_["mean_test_score"])


def test_default_space(rows):
    X, y = rows()
    fitted = search(make_pipeline(StandardScaler(), network()), None, method="random", n_trials=2)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Got `batch_size` less than 1 or larger", category=UserWarning)
        fitted.fit(X, y)
    assert {name.removeprefix("bpregressor__") for name in fitted.best_params_} == {
        "hidden_layer_sizes",
        "activation",
        "learning_rate_init",
        "alpha",
        "batch_size",
    }


MISTAKES = {
    "point": (
        {"space": {"alpha": (0.1, 1.0)}, "initial_points": [{}, {"alpha": 99}]},
        StudyError,
        r"initial_points\[1\]: alpha is 99; allowed are numbers from 0.1 to 1.0",
    ),
    "name of a space": (
        {"space": "small"},
        ValueError,
        "space = 'small'; allowed are a dict, a list of dicts and 'default'",
    ),
    "method": ({"method": "banana"}, ValueError, "method = 'banana'; allowed are bayesian, gp, cma-es, grid"),
    "penalty": ({"penalty": "nan"}, ValueError, "penalty = 'nan'; allowed are graded_constraint, constraint, graded"),
    "budget": ({"n_trials": 0}, ValueError, "n_trials = 0; allowed are whole numbers from 1"),
    "budget as text": ({"n_trials": "9"}, ValueError, "n_trials = '9'; allowed are whole numbers from 1"),
    "no time": ({"timeout": 0}, ValueError, "timeout = 0; allowed are numbers above 0, in seconds, and None"),
    "time as text": ({"timeout": "1h"}, ValueError, "timeout = '1h'; allowed are numbers"),
    "target": ({"target_score": "best"}, ValueError, "target_score = 'best'; allowed are numbers, and None"),
    "patience": ({"n_trials_no_change": 0.5}, ValueError, "n_trials_no_change = 0.5; allowed are whole numbers from 1"),
    "unknown key": (
        {"space": {"alhpa": [1]}},
        ValueError,
        r"'alhpa' is not a parameter that can be searched \(did you mean alpha\?\); allowed are activation, alpha",
    ),
    "what the search sets": (
        {"space": {"random_state": [1, 2]}},
        ValueError,
        "'random_state' is not a parameter that can be searched; allowed are activation, alpha",
    ),
    "no dimension": (
        {"space": {"alpha": 1}},
        StudyError,
        r"alpha is 1; allowed are a list of choices, a range \(low, high\)",
    ),
    "bad range": ({"space": {"alpha": (1, 0)}}, StudyError, "space: alpha has low = 1 and high = 0"),
    "no default space": (
        {"estimator": Ridge(), "space": None},
        ValueError,
        "space = None is only for BP networks; Ridge",
    ),
    "nothing to prune": (
        {"estimator": Ridge(), "space": {"alpha": [1]}, "prune": True},
        ValueError,
        "prune = True is only for BP networks",
    ),
    "error score": ({"error_score": "no"}, ValueError, "error_score = 'no'; allowed are 'raise' and numbers"),
    "refit": ({"scoring": ["r2", "neg_max_error"]}, ValueError, "refit = True with several metrics; allowed are 'r2'"),
    "scorer": ({"scoring": "rmse"}, ValueError, "rmse"),
    "folds": ({"cv": 1}, ValueError, "1"),
    "more folds than rows": ({"cv": 91}, ValueError, "91"),
    "groups": ({"cv": GroupKFold(3)}, ValueError, "groups"),
}


CONDITIONAL = {
    "solver": ["adam", "sgd"],
    "momentum": {"low": 0.5, "high": 0.9, "when": {"solver": "sgd"}},
    "hidden_layer_sizes": {"layers": [1, 2], "width": [4, 8]},
}


@pytest.mark.parametrize("method", METHODS)
def test_parameters_that_exist_in_some_configurations_only_and_initial_points(rows, method):
    first = [{"solver": "sgd", "momentum": 0.75, "hidden_layer_sizes": [8, 4]}, {"solver": "adam"}]
    fitted = search(network(), CONDITIONAL, method=method, n_trials=8, initial_points=first).fit(*rows())
    params = fitted.cv_results_["params"]
    assert len(params) == (26 if method == "grid" else 8)
    assert [{k: p[k] for k in given} for p, given in zip(params[:2], first, strict=True)] == first
    assert all(("momentum" in p) == (p["solver"] == "sgd") for p in params)
    column = fitted.cv_results_["param_momentum"]
    assert np.ma.getmaskarray(column).tolist() == ["momentum" not in p for p in params]
    assert fitted.best_estimator_.hidden_layer_sizes == fitted.best_params_["hidden_layer_sizes"]


@pytest.mark.parametrize("penalty", ["constraint", "fail"])
def test_penalty(rows, penalty):
    space = {"bpregressor__learning_rate_init": [0.02, 500.0], "bpregressor__alpha": (1e-3, 1.0, "log")}
    pipeline = make_pipeline(StandardScaler(), network(solver="sgd"))
    fitted = search(pipeline, space, method="bayesian", n_trials=8, penalty=penalty, portfolio=False).fit(*rows())
    assert set(fitted.cv_results_["verdict"]) == {"ok", "diverged"}
    assert fitted.best_params_["bpregressor__learning_rate_init"] == 0.02


@pytest.mark.parametrize(("change", "error", "told"), MISTAKES.values(), ids=MISTAKES.keys())
def test_mistakes(rows, change, error, told):
    with pytest.raises(error, match=told):
        search(network(), **{}).set_params(**change).fit(*rows())


def test_the_network_itself_is_not_a_parameter_bug(rows):
    """Two networks as choices were accepted, and every trial trained the one of the estimator."""
    pipeline = make_pipeline(StandardScaler(), network())
    with pytest.raises(ValueError, match="bpregressor"):
        search(pipeline, {"bpregressor": [network(alpha=0.1), network(alpha=1.0)]}).fit(*rows())


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_rows_that_are_not_finite(rows, value):
    X, y = rows()
    X = X.copy()
    X[3, 1] = value
    with pytest.raises((ValueError, DivergenceError), match=r"NaN|infinity"):
        search(network()).fit(X, y)


def test_scikit_learns_grid_search_works_on_the_pipeline(rows):
    X, y = rows()
    grid = GridSearchCV(
        make_pipeline(StandardScaler(), network(random_state=0)), {"bpregressor__learning_rate_init": [1e-5, 0.02]}
    )
    assert grid.fit(X, y).best_params_ == {"bpregressor__learning_rate_init": 0.02}


TRACKED = {
    "ridge": (Ridge(), {"alpha": [0.1, 1.0]}, lambda X: X),
    "transformer": (PCA(), {"n_components": [1, 2]}, lambda X: X),
    "target": (TransformedTargetRegressor(network(), transformer=StandardScaler()), {"regressor__alpha": [0.1]}, list),
    "sparse rows": (network(), {"alpha": [0.1, 1.0]}, csr_matrix),
}


@pytest.mark.parametrize(("estimator", "space", "rows_of"), TRACKED.values(), ids=TRACKED)
def test_whatever_is_tuned_can_be_tracked(rows, folder, mlflow, estimator, space, rows_of):
    X, y = rows()
    uri = f"sqlite:///{folder}/mlruns/mlflow.db"
    fitted = search(estimator, space, tracking=uri, study_name="mine").fit(
        rows_of(StandardScaler().fit_transform(X)), y
    )
    client = mlflow.MlflowClient(tracking_uri=uri)
    runs = client.search_runs([client.get_experiment_by_name("mine").experiment_id])
    assert max(r.data.metrics["score"] for r in runs) == fitted.best_score_
    registered = client.search_registered_models("name = 'mine'")
    assert len(registered) == hasattr(estimator, "predict")


def test_study_in_mlflow(rows, folder, mlflow):
    X, y = rows()
    uri = f"sqlite:///{folder}/mlruns/mlflow.db"
    space = {"bpregressor__learning_rate_init": [900.0, 0.02], "bpregressor__solver": ["sgd"]}
    pipeline = make_pipeline(StandardScaler(), network())
    several = {"scoring": ["r2", "neg_max_error"], "refit": "r2", "return_train_score": True}
    fitted = search(pipeline, space, tracking=uri, study_name="mine", **several).fit(X, y)
    client = mlflow.MlflowClient(tracking_uri=uri)
    runs = client.search_runs([client.get_experiment_by_name("mine").experiment_id])
    assert sorted(r.data.tags["verdict"] for r in runs if "verdict" in r.data.tags) == ["diverged", "ok"]
    (parent,) = [r for r in runs if "verdict" not in r.data.tags]
    assert parent.info.status == "FINISHED"
    assert parent.data.metrics["score"] == parent.data.metrics["score.r2"] == fitted.best_score_
    told = {"method": "grid", "n_trials": "2", "n_seeds": "1", "n_members": "1", "portfolio": "True", "prune": "False"}
    assert parent.data.params.items() >= told.items()
    (best,) = [r for r in runs if r.data.tags.get("verdict") == "ok"]
    table = fitted.cv_results_
    assert best.data.metrics["score.neg_max_error"] == table["mean_test_neg_max_error"][fitted.best_index_]
    assert best.data.metrics["train_score.r2"] == table["mean_train_r2"][fitted.best_index_]
    assert client.get_model_version_by_alias("mine", "champion").run_id == parent.info.run_id


def test_the_winner_of_several_seeds_ranks_first(rows):
    fitted = search(network(), n_trials=8, n_seeds=2).fit(*rows())
    assert fitted.cv_results_["rank_test_score"][fitted.best_index_] == 1
    assert fitted.cv_results_["mean_test_score"][fitted.best_index_] == pytest.approx(fitted.best_score_)
    with pytest.raises(ValueError, match="n_seeds = 2 is only for BP networks"):
        BPSearchCV(Ridge(), {"alpha": [1.0, 2.0]}, n_seeds=2).fit(*rows())


def test_several_networks_of_the_winner_are_averaged(rows):
    X, y = rows()
    rates = {f"bpregressor__{name}": values for name, values in RATES.items()}
    model = make_pipeline(StandardScaler(), network())
    one, three = (search(model, rates, n_members=n).fit(X, y) for n in (1, 3))
    assert three.best_params_ == one.best_params_
    assert three.best_score_ == one.best_score_
    assert isinstance(three.best_estimator_[-1], BPEnsembleRegressor)
    assert three.best_estimator_[-1].n_members == 3
    scaled = three.best_estimator_[:-1].transform(X)
    members = [member.predict(scaled) for member in three.best_estimator_[-1].estimators_]
    np.testing.assert_array_equal(members[0], one.predict(X))
    np.testing.assert_allclose(three.predict(X), np.mean(members, axis=0), rtol=1e-6)
    assert three.n_features_in_ == X.shape[1]
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(three)).predict(X), three.predict(X))
    assert clone(three.best_estimator_).fit(X, y).predict(X).shape == y.shape
    with pytest.raises(ValueError, match="n_members = 2 is only for BP networks"):
        BPSearchCV(Ridge(), {"alpha": [1.0, 2.0]}, n_members=2).fit(X, y)


def test_several_networks_of_a_classifier_say_what_one_says():
    X, y = load_iris(return_X_y=True, as_frame=True)
    names = load_iris().target_names[y]
    model = make_pipeline(StandardScaler(), BPClassifier(max_iter=9, learning_rate_init=0.03))
    fitted = search(model, {"bpclassifier__alpha": [0.1]}, n_members=3).fit(X, names)
    assert fitted.classes_.tolist() == sorted(set(names))
    assert fitted.feature_names_in_.tolist() == list(X.columns)
    np.testing.assert_allclose(np.exp(fitted.predict_log_proba(X)), fitted.predict_proba(X), rtol=1e-6)
    assert (fitted.predict(X) == fitted.classes_[fitted.predict_proba(X).argmax(axis=1)]).all()
    assert fitted.score(X, names) > 0.7


def test_a_target_score_ends_the_search(rows):
    assert len(search(network(), n_trials=9, target_score=-1e9).fit(*rows()).cv_results_["params"]) == 1
