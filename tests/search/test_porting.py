"""Habits of scikit-learn's searches: what a script brings along when only its import is changed."""

import pickle
import subprocess
import sys

import joblib
import lightgbm
import numpy as np
import pandas as pd
import pytest
from joblib.parallel import ThreadingBackend
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, ParameterGrid, cross_val_score
from sklearn.utils import get_tags

from bpmodel import BPRegressor
from search import BPSearchCV

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(40, 3))
Y = X[:, 0] + 0.1 * RANDOM.normal(size=40)
NETWORK = BPRegressor(hidden_layer_sizes=(3,), max_iter=3, random_state=0)


def search(space, estimator=None, **more) -> BPSearchCV:
    return BPSearchCV(estimator or Ridge(), space, **{"method": "grid", "cv": 2, "random_state": 0} | more)


def params(fitted) -> list[dict]:
    return list(fitted.cv_results_["params"])


# ----------------------------------------------------------------------------------------------------------- spaces


@pytest.mark.parametrize(
    "space", [{}, [{}], [{}, {"alpha": [1.0, 2.0]}], {"alpha": np.array([1, 2, 2])}, [{"alpha": [1]}] * 2]
)
def test_the_candidates_are_those_of_a_grid(space):
    """Empty dicts were refused, and values listed twice."""
    expected = [point for n, point in enumerate(ParameterGrid(space)) if point not in list(ParameterGrid(space))[:n]]
    found = params(search(space).fit(X, Y))
    assert found == expected or (found == expected * 2 and len(space) == 2)


@pytest.mark.parametrize("method", ["bayesian", "gp", "cma-es", "grid", "random", "quasi-random"])
@pytest.mark.parametrize("estimator", [Ridge(), NETWORK])
def test_an_empty_space_is_one_configuration(method, estimator):
    fitted = search({}, estimator, method=method).fit(X, Y)
    assert params(fitted) == [{}]
    assert fitted.best_params_ == {}


def test_a_random_search_has_no_more_trials_than_there_are_configurations():
    with pytest.warns(UserWarning, match="n_trials = 5, but the space has 4 configurations; each is tried once"):
        fitted = search({"alpha": [1, 2], "tol": [0.1, 0.2]}, method="random", n_trials=5).fit(X, Y)
    assert sorted(map(str, params(fitted))) == sorted(map(str, ParameterGrid({"alpha": [1, 2], "tol": [0.1, 0.2]})))
    for n_trials, first in ((4, None), (50, None), (5, [{"alpha": 2}])):  # 50 is the default: nobody asked for it
        fitted = search({"alpha": [1, 2, 3, 4]}, method="random", n_trials=n_trials, initial_points=first).fit(X, Y)
        assert len(params(fitted)) == 4 + bool(first)
    assert len(params(search({"alpha": (1.0, 2.0)}, method="random", n_trials=6).fit(X, Y))) == 6


class Steps:
    def rvs(self, random_state):
        return float(random_state.choice([0.5, 1.5]))


def test_an_object_with_rvs():
    fitted = search({"alpha": Steps()}, method="random", n_trials=12).fit(X, Y)
    assert {point["alpha"] for point in params(fitted)} == {0.5, 1.5}
    assert params(search({"alpha": Steps()}, method="random", n_trials=12).fit(X, Y)) == params(fitted)
    assert fitted.advice_ == []
    for method in ("grid", "bayesian"):
        with pytest.raises(ValueError, match=r"space: alpha is .*Steps.*; allowed with method = 'random'"):
            search({"alpha": Steps()}, method=method).fit(X, Y)
    several = [{"alpha": [1.0]}, {"alpha": Steps()}]
    assert len(params(search(several, method="random", n_trials=3).fit(X, Y))) == 3
    with pytest.raises(ValueError, match="allowed with method = 'random'"):
        search(several).fit(X, Y)


def test_messages_do_not_speak_of_study_files():
    with pytest.raises(
        ValueError, match=r"^space: alpha is 1; allowed are a list of choices, a range \(low, high\) or"
    ) as error:
        search({"alpha": 1}).fit(X, Y)
    assert "[" not in str(error.value)


def test_a_large_grid_begins_at_once_and_ends_in_time_bug():
    """It was counted and kept point by point: 10^12 points had not begun after 8 minutes."""
    space = {
        "alpha": list(range(1, 10001)),
        "max_iter": list(range(1, 10001)),
        "tol": (0.1, 0.2),
        "copy_X": [True, False],
    }
    for method in ("grid", "random", "bayesian"):
        fitted = search(space, method=method, n_trials=10**6, timeout=1e-9).fit(X, Y)
        assert len(params(fitted)) == 1


# ------------------------------------------------------------------------------------------------------- estimators


class Lenient(BaseEstimator):
    """Takes more parameters than it lists, as LightGBM does."""

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha
        self.more = {}

    def set_params(self, **given):
        self.more |= {name: given.pop(name) for name in list(given) if name.startswith("lambda_")}
        return super().set_params(**given)

    def fit(self, X, y):
        self.fitted_ = True
        return self

    def score(self, X, y):
        return -self.more.get("lambda_l1", 0)


def test_parameters_that_get_params_does_not_list():
    fitted = search({"lambda_l1": [3, 1, 2], "alpha": [1.0]}, Lenient()).fit(X, Y)
    assert fitted.best_params_ == {"lambda_l1": 1, "alpha": 1.0}
    assert fitted.best_estimator_.more == {"lambda_l1": 1}
    with pytest.raises(ValueError, match=r"'alhpa' is not a parameter that can be searched \(did you mean alpha\?\)"):
        search({"alhpa": [3]}, Lenient()).fit(X, Y)


class Minimal:
    """No more than scikit-learn's searches need of an estimator."""

    def __init__(self, param=None):
        self.param = param

    def get_params(self, deep=True):
        return {"param": self.param}

    def set_params(self, **given):
        for name, value in given.items():
            setattr(self, name, value)
        return self

    def fit(self, X, y):
        return self

    def score(self, X, y):
        return self.param

    def __sklearn_tags__(self):
        return get_tags(Ridge())


def test_parameters_that_lightgbm_does_not_list():
    """LightGBM passes them on: `get_params` lists neither."""
    model = lightgbm.LGBMRegressor(n_estimators=2, min_child_samples=1, verbose=-1, n_jobs=1)
    space = {"max_bin": [2, 63], "lambda_l1": [0.0, 50.0]}
    ours = search(space, model).fit(X, Y)
    theirs = GridSearchCV(model, space, cv=2).fit(X, Y)
    assert set(space).isdisjoint(model.get_params())
    assert len(set(theirs.cv_results_["mean_test_score"])) > 1
    scores = [
        {
            tuple(sorted(each.items())): score
            for each, score in zip(params(found), found.cv_results_["mean_test_score"], strict=True)
        }
        for found in (ours, theirs)
    ]
    assert scores[0] == pytest.approx(scores[1])


def test_a_minimal_estimator():
    assert search({"param": [1, 3, 2]}, Minimal()).fit(X, Y).best_params_ == {"param": 3}


# ------------------------------------------------------------------------------------------------ joblib's backends


class ListsOnly(ThreadingBackend):
    """A backend that cannot return results one by one, as multiprocessing, and others that are built on it."""

    supports_return_generator = False


@pytest.mark.parametrize("estimator", [Ridge(), NETWORK])
def test_backends_that_return_whole_lists(estimator):
    """They ended the search with "does not support return_as=generator_unordered"."""
    joblib.register_parallel_backend("lists only", ListsOnly)
    space = {"alpha": [0.1, 1.0, 10.0]}
    alone = search(space, estimator).fit(X, Y).cv_results_["mean_test_score"]
    for backend in ("lists only", "threading"):
        with joblib.parallel_config(backend, n_jobs=2):
            fitted = search(space, estimator).fit(X, Y)
            np.testing.assert_array_equal(fitted.cv_results_["mean_test_score"], alone)
            assert len(params(search(space, estimator, method="bayesian", n_trials=3).fit(X, Y))) == 3
            with pytest.raises(ValueError, match="cannot be"):
                search({"alpha": [-1.0, 1.0]}, Refusing(), error_score="raise").fit(X, Y)


class Refusing(Ridge):
    def fit(self, X, y, sample_weight=None):
        raise ValueError("cannot be")


def test_multiprocessing():
    with joblib.parallel_config("multiprocessing", n_jobs=2):
        fitted = search({"alpha": [0.1, 1.0, 10.0]}).fit(X, Y)
    expected = search({"alpha": [0.1, 1.0, 10.0]}).fit(X, Y)
    np.testing.assert_array_equal(fitted.cv_results_["mean_test_score"], expected.cv_results_["mean_test_score"])


# ----------------------------------------------------------------------------------------------------- and the rest


def test_cv_is_none_a_generator_or_a_list():
    """None was refused."""
    expected = GridSearchCV(Ridge(), {"alpha": [1.0]}, cv=None).fit(X, Y).cv_results_["mean_test_score"]
    for cv in (None, KFold().split(X), list(KFold().split(X)), KFold(5)):
        found = search({"alpha": [1.0]}, cv=cv).fit(X, Y)
        assert found.n_splits_ == 5
        np.testing.assert_allclose(found.cv_results_["mean_test_score"], expected)


def cost(estimator, X, y) -> dict[str, float]:
    assert isinstance(X, pd.DataFrame)
    return {"cost": -float(np.abs(estimator.predict(X) - y).sum()), "bias": float((estimator.predict(X) - y).mean())}


def cheapest(table) -> int:
    return int(table["mean_test_cost"].argmax())


@pytest.mark.parametrize("estimator", [Ridge(), NETWORK])
def test_a_table_with_a_callable_for_several_metrics(estimator):
    table, target = pd.DataFrame(X, columns=list("abc")), pd.Series(Y)
    more = {"scoring": cost, "refit": cheapest, "cv": GroupKFold(2), "return_train_score": True}
    fitted = search({"alpha": [0.1, 100.0]}, estimator, **more).fit(table, target, groups=np.arange(40) // 4)
    assert fitted.best_index_ == cheapest(fitted.cv_results_)
    assert not hasattr(fitted, "best_score_")
    assert {"mean_test_cost", "mean_train_bias", "rank_test_cost"} <= set(fitted.cv_results_)
    thawed = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(thawed.predict(table), fitted.predict(table))
    assert clone(fitted).get_params()["refit"] is cheapest


def test_a_search_within_a_validation():
    scores = cross_val_score(search({"alpha": [0.1, 1.0]}), X, Y, cv=3)
    assert scores == pytest.approx(cross_val_score(GridSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, cv=2), X, Y, cv=3))


@pytest.mark.slow
def test_without_what_only_unix_has():
    """As on Windows. A search that is not tracked does not import MLflow, not even to switch its autologging off."""
    script = (
        "import sys\n"
        "for name in ('fcntl', 'pwd', 'grp', 'resource', 'termios'): sys.modules[name] = None\n"
        "import bpmodel, bpsearch, search.cli, search.tuning\n"
        "from sklearn.linear_model import Ridge\n"
        "bpsearch.BPSearchCV(Ridge(), {'alpha': [1.0]}, method='grid', cv=2).fit([[1.0], [2.0], [3.0], [4.0]], [1, 2, 3, 4])\n"
        "sys.exit(any(name.split('.')[0] == 'mlflow' for name in sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
