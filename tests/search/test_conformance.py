"""`BPSearchCV` keeps the contract of scikit-learn's searches, whatever it tunes."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.cluster import KMeans
from sklearn.compose import TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.exceptions import FitFailedWarning, NotFittedError
from sklearn.linear_model import Ridge
from sklearn.metrics import get_scorer, make_scorer, mean_absolute_error
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, cross_validate
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KernelDensity
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeRegressor
from sklearn.utils.estimator_checks import parametrize_with_checks

from bpmodel import BPClassifier, BPRegressor
from search import BPSearchCV
from search.results.cv_results import cv_results
from search.trials.outcomes import Outcome

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

NETWORK = {"hidden_layer_sizes": (6,), "learning_rate_init": 0.02, "batch_size": 16, "max_iter": 10, "random_state": 0}


def net() -> BPRegressor:
    return BPRegressor(**NETWORK, scale_target=True)


def classes() -> BPClassifier:
    return BPClassifier(**NETWORK)


KINDS = {
    "network": (net(), {"alpha": [0.1, 1.0]}),
    "network of classes": (classes(), {"alpha": [0.1, 1.0]}),
    "pipeline": (make_pipeline(StandardScaler(), net()), {"bpregressor__alpha": [0.1, 1.0]}),
    "pipeline of classes": (make_pipeline(StandardScaler(), classes()), {"bpclassifier__alpha": [0.1, 1.0]}),
    "target": (TransformedTargetRegressor(net(), transformer=StandardScaler()), {"regressor__alpha": [0.1, 1.0]}),
    "pipeline with a target": (
        make_pipeline(StandardScaler(), TransformedTargetRegressor(net())),
        {"transformedtargetregressor__regressor__alpha": [0.1, 1.0]},
    ),
    "ridge": (Ridge(), {"alpha": [0.1, 10.0]}),
    "tree": (DecisionTreeRegressor(random_state=0), {"max_depth": [2, 4]}),
    "kernel": (SVC(), {"C": [0.1, 1.0]}),
    "bayes": (make_pipeline(StandardScaler(), GaussianNB()), {"gaussiannb__var_smoothing": [1e-9, 0.1]}),
}


@pytest.fixture(params=KINDS)
def kind(request):
    estimator, space = KINDS[request.param]
    return clone(estimator), space


def search(kind, **more) -> BPSearchCV:
    return BPSearchCV(*kind, **{"method": "grid", "cv": 3, "random_state": 0} | more)


@pytest.fixture
def data(rows, kind):
    X, y = rows("classification" if is_classifier(kind[0]) else "regression")
    return StandardScaler().fit_transform(X), y


# ----------------------------------------------------------------------------------------------- what is kept


@pytest.mark.parametrize("method", ["bayesian", "grid", "random"])
def test_attributes_agree_with_each_other(kind, data, method):
    X, y = data
    fitted = search(kind, method=method, n_trials=2, return_train_score=True).fit(X, y)
    table = fitted.cv_results_
    assert {len(column) for column in table.values()} == {2}
    assert fitted.best_params_ == table["params"][fitted.best_index_]
    assert fitted.best_score_ == table["mean_test_score"][fitted.best_index_]
    assert table["rank_test_score"][fitted.best_index_] == 1
    assert set(table["verdict"]) == {"ok"}
    assert fitted.n_splits_ == 3
    assert fitted.refit_time_ > 0
    assert fitted.multimetric_ is False
    assert fitted.scorer_(fitted.best_estimator_, X, y) == fitted.score(X, y)
    assert np.isfinite(table["mean_train_score"]).all()
    assert (table["mean_fit_time"] > 0).all()
    np.testing.assert_array_equal(fitted.predict(X), fitted.best_estimator_.predict(X))
    assert fitted.n_features_in_ == 4
    own = {name: value for name, value in fitted.best_estimator_.get_params().items() if name in fitted.best_params_}
    assert own == fitted.best_params_


def test_columns_are_those_of_grid_search(kind, data):
    X, y = data
    ours = search(kind, return_train_score=True).fit(X, y).cv_results_
    theirs = GridSearchCV(*kind, cv=3, return_train_score=True).fit(X, y).cv_results_
    assert list(ours)[: len(theirs)] == list(theirs)
    assert list(ours)[len(theirs) :] == ["verdict", "reason", "finding", "n_epochs", "n_weights"]
    for name, column in theirs.items():
        assert np.shape(ours[name]) == np.shape(column)
        if name != "params":
            assert ours[name].dtype == column.dtype


def test_a_second_fit_starts_anew(kind, data):
    X, y = data
    twice = search(kind).fit(X[:60], y[:60])
    once = search(kind).fit(X, y)
    np.testing.assert_array_equal(twice.fit(X, y).cv_results_["mean_test_score"], once.cv_results_["mean_test_score"])
    twice.set_params(refit=False).fit(X, y)
    gone = {"best_estimator_", "refit_time_"}
    assert {name for name in vars(once) if name.endswith("_")} - gone == {n for n in vars(twice) if n.endswith("_")}


def test_nothing_given_is_changed(kind, data):
    X, y = data
    before = X.copy(), y.copy(), repr(kind), repr(kind[0].get_params())
    X.setflags(write=False)
    y.setflags(write=False)
    search(kind).fit(X, y)
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(y, before[1])
    assert (repr(kind), repr(kind[0].get_params())) == before[2:]
    assert not [name for name in vars(kind[0]) if name.endswith("_") and not name.startswith("_")]


def test_copies(kind, data):
    X, y = data
    one = search(kind, scoring=["r2"] if is_regressor(kind[0]) else None, refit="r2" if is_regressor(kind[0]) else True)
    for copy in (clone(one), pickle.loads(pickle.dumps(one))):
        assert repr(copy) == repr(one)
    fitted = clone(one).fit(X, y)
    thawed = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(thawed.predict(X), fitted.predict(X))
    assert thawed.score(X, y) == fitted.score(X, y)
    assert not hasattr(clone(fitted), "cv_results_")


def test_kinds_of_rows(kind, data):
    X, y = data
    expected = search(kind).fit(X, y).cv_results_["mean_test_score"]
    for rows, targets in ((X.tolist(), y.tolist()), (pd.DataFrame(X, columns=list("abcd")), pd.Series(y))):
        fitted = search(kind).fit(rows, targets)
        np.testing.assert_allclose(fitted.cv_results_["mean_test_score"], expected, rtol=1e-6)
        assert len(fitted.predict(rows)) == len(y)
    assert fitted.feature_names_in_.tolist() == list("abcd")


def test_jobs_change_nothing(kind, data):
    one, two = (search(kind, n_jobs=n).fit(*data).cv_results_["mean_test_score"] for n in (1, 2))
    np.testing.assert_array_equal(one, two)


def test_inside_cross_validate_and_a_pipeline(kind, data):
    X, y = data
    assert np.isfinite(cross_validate(search(kind), X, y, cv=3)["test_score"]).all()
    outer = make_pipeline(StandardScaler(), search(kind)).fit(X, y)
    assert len(outer.predict(X)) == len(y)
    assert is_classifier(outer) is is_classifier(kind[0])


def test_without_refit(kind, data):
    fitted = search(kind, refit=False).fit(*data)
    assert fitted.best_params_ == fitted.cv_results_["params"][fitted.best_index_]
    assert not hasattr(fitted, "best_estimator_")
    assert not hasattr(fitted, "predict")
    for name in ("score", "classes_"):
        with pytest.raises(AttributeError, match=f"`refit=False`. {name} is available only after refitting"):
            getattr(fitted, name)(*data)


def test_before_fit(kind, data):
    with pytest.raises(NotFittedError):
        search(kind).predict(data[0])
    assert not hasattr(search(kind), "n_features_in_")


# ------------------------------------------------------------------------------------------- several metrics


def mean_error(estimator, X, y) -> float:
    return -float(np.mean(np.abs(estimator.predict(X) - y)))


SEVERAL = {
    "list": (["r2", "neg_mean_absolute_error"], "neg_mean_absolute_error"),
    "tuple": (("neg_mean_absolute_error", "r2"), "r2"),
    "dict": ({"error": make_scorer(mean_absolute_error, greater_is_better=False), "r2": "r2"}, "error"),
    "dict of functions": ({"error": mean_error, "fit": lambda e, X, y: e.score(X, y)}, "fit"),
    "function": (lambda e, X, y: {"fit": e.score(X, y), "error": mean_error(e, X, y)}, "error"),
    "choice": (["r2", "neg_mean_absolute_error"], lambda table: int(np.argmin(table["mean_test_r2"]))),
    "no refit": (["r2", "neg_mean_absolute_error"], False),
}
ONE = {
    "score": (None, True),
    "name": ("neg_mean_absolute_error", True),
    "function": (mean_error, True),
    "scorer": (make_scorer(mean_absolute_error, greater_is_better=False), True),
    "choice": ("r2", lambda table: 1),
    "name in a list": (["r2"], "r2"),
    "function that names one": (lambda estimator, X, y: {"r2": estimator.score(X, y)}, "r2"),
    "no refit": ("r2", False),
}
BEST = ("best_index_", "best_params_", "best_score_", "multimetric_", "n_splits_")


@pytest.mark.parametrize(
    ("scoring", "refit"), [*SEVERAL.values(), *ONE.values()], ids=[f"{n}s" for n in SEVERAL] + list(ONE)
)
def test_everything_is_as_in_grid_search(rows, scoring, refit):
    X, y = rows()
    space, more = {"alpha": [0.1, 100.0, 10.0], "fit_intercept": [True, False]}, {"cv": KFold(4), "scoring": scoring}
    ours = BPSearchCV(Ridge(), space, method="grid", refit=refit, return_train_score=True, **more).fit(X, y)
    theirs = GridSearchCV(Ridge(), space, refit=refit, return_train_score=True, **more).fit(X, y)
    for name, column in theirs.cv_results_.items():
        if name == "params":
            assert ours.cv_results_[name] == column
        elif not name.endswith("_time"):
            np.testing.assert_array_equal(ours.cv_results_[name], column, strict=True)
    for name in BEST:
        assert hasattr(ours, name) == hasattr(theirs, name), name
        if hasattr(theirs, name):
            assert getattr(ours, name) == getattr(theirs, name), name
    if isinstance(theirs.scorer_, dict):
        assert ours.scorer_.keys() == theirs.scorer_.keys()
    if refit:
        np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    if refit and not callable(refit):
        assert ours.score(X, y) == theirs.score(X, y)


@pytest.mark.parametrize(("scoring", "refit"), SEVERAL.values(), ids=SEVERAL)
def test_several_metrics_of_networks(rows, scoring, refit):
    X, y = rows()
    fitted = search(KINDS["pipeline with a target"], scoring=scoring, refit=refit, return_train_score=True).fit(X, y)
    names = [name.removeprefix("mean_test_") for name in fitted.cv_results_ if name.startswith("mean_test_")]
    assert len(names) == 2
    for name in names:
        table = fitted.cv_results_
        assert sorted(table[f"rank_test_{name}"]) == [1, 2]
        splits = np.column_stack([table[f"split{i}_test_{name}"] for i in range(3)])
        np.testing.assert_allclose(table[f"mean_test_{name}"], splits.mean(axis=1))
        assert np.isfinite(table[f"mean_train_{name}"]).all()
    assert fitted.multimetric_
    if isinstance(refit, str):
        assert fitted.best_score_ == fitted.cv_results_[f"mean_test_{refit}"][fitted.best_index_]
        scorer = fitted.scorer_[refit] if isinstance(fitted.scorer_, dict) else lambda *a: fitted.scorer_(*a)[refit]
        assert fitted.score(X, y) == scorer(fitted.best_estimator_, X, y)


def test_predictions_are_made_once_for_several_metrics(rows):
    calls = []

    class Counting(Ridge):
        def predict(self, X):
            calls.append(len(X))
            return super().predict(X)

    X, y = rows()
    more = {"scoring": ["r2", "neg_mean_absolute_error"], "refit": False}
    BPSearchCV(Counting(), {"alpha": [1.0]}, method="grid", cv=3, **more).fit(X, y)
    assert calls == [30, 30, 30]


WRONG_REFIT = {
    "not named": (
        ["r2"],
        True,
        ValueError,
        "refit = True with several metrics; allowed are 'r2', a callable and False",
    ),
    "unknown": (["r2"], "mse", ValueError, "refit = 'mse' with several metrics; allowed are 'r2'"),
    "function": (lambda e, X, y: {"a": 1.0}, True, ValueError, "refit = True with several metrics; allowed are 'a'"),
    "no index": (
        "r2",
        lambda table: "best",
        TypeError,
        "best_index_ returned is not an integer: refit returned 'best'",
    ),
    "no row": (
        "r2",
        lambda table: 2,
        IndexError,
        "best_index_ index out of range: refit returned 2; allowed are 0 to 1",
    ),
    "metric": (mean_absolute_error, True, ValueError, "make_scorer"),
    "no number": (lambda e, X, y: "good", True, ValueError, "scoring must return a number, got 'good'"),
}


@pytest.mark.parametrize("name", ["pipeline", "ridge"])
@pytest.mark.parametrize(("scoring", "refit", "error", "told"), WRONG_REFIT.values(), ids=WRONG_REFIT)
def test_wrong_scoring_and_refit(rows, name, scoring, refit, error, told):
    with pytest.raises(error, match=told):
        search(KINDS[name], scoring=scoring, refit=refit).fit(*rows())


def test_a_diverged_configuration_cannot_be_chosen(rows):
    space = {"bpregressor__learning_rate_init": [900.0, 0.02], "bpregressor__solver": ["sgd"]}
    chooses = search((KINDS["pipeline"][0], space), refit=lambda table: 0)
    with pytest.raises(ValueError, match="refit returned 0, a configuration without scores: diverged, fold 1 of 3"):
        chooses.fit(*rows())


# ------------------------------------------------------------------------------------------------- failures


class Fragile(Ridge):
    """Fails on request."""

    def fit(self, X, y, sample_weight=None):
        if self.alpha < 0:
            raise ValueError("alpha is negative\nand that is long to explain")
        return super().fit(X, y, sample_weight)


@pytest.mark.parametrize("score", [np.nan, -7.0])
def test_what_fails_gets_the_error_score_and_ranks_last(rows, score):
    with pytest.warns(
        FitFailedWarning,
        match="2 of 3 configurations .* the first: ValueError: alpha is negative .error_score='raise' shows where.$",
    ):
        fitted = search((Fragile(), {"alpha": [-1.0, 1.0, -2.0]}), error_score=score).fit(*rows())
    table = fitted.cv_results_
    np.testing.assert_array_equal(table["mean_test_score"][[0, 2]], score)
    np.testing.assert_array_equal(table["split1_test_score"][[0, 2]], score)
    assert table["rank_test_score"].tolist() == [2, 1, 2]
    assert table["verdict"].tolist() == ["error", "ok", "error"]
    assert fitted.best_index_ == 1


def test_diverged_configurations_get_the_error_score(rows):
    space = {"bpregressor__learning_rate_init": [900.0, 0.02], "bpregressor__solver": ["sgd"]}
    table = search((KINDS["pipeline"][0], space), error_score=-9.0, return_train_score=True).fit(*rows()).cv_results_
    assert table["mean_test_score"][0] == table["mean_train_score"][0] == -9.0
    assert table["rank_test_score"].tolist() == [2, 1]


@pytest.mark.parametrize("kind", [(Fragile(), {"alpha": [1.0, -1.0]}), (net(), {"alpha": [1.0, -1.0]})])
def test_errors_are_raised_on_request(rows, kind):
    with pytest.raises(ValueError, match=r"alpha is negative|The 'alpha' parameter"):
        search(kind, error_score="raise").fit(*rows())


def test_nothing_can_be_evaluated(rows):
    with pytest.raises(
        ValueError, match="none of 2 configurations could be evaluated; the first: ValueError: alpha is"
    ):
        search((Fragile(), {"alpha": [-1.0, -2.0]})).fit(*rows())


def test_one_of_several_metrics_fails(rows):
    def breaks(estimator, X, y):
        raise RuntimeError("cannot be scored")

    for name in ("pipeline", "ridge"):
        with pytest.warns(UserWarning, match="the score is set to nan. breaks: RuntimeError: cannot be scored"):
            fitted = search(KINDS[name], scoring={"r2": "r2", "breaks": breaks}, refit="r2").fit(*rows())
        assert np.isnan(fitted.cv_results_["mean_test_breaks"]).all()
        assert fitted.cv_results_["rank_test_breaks"].tolist() == [1, 1]
        with pytest.raises(RuntimeError, match="cannot be scored"):
            clone(fitted).set_params(error_score="raise").fit(*rows())


# ---------------------------------------------------------------------------------- weights, groups, routing

WEIGHED = {
    "network": (net(), "", {"alpha": [0.1]}),
    "target": (TransformedTargetRegressor(net()), "", {"regressor__alpha": [0.1]}),
    "pipeline": (make_pipeline(StandardScaler(), net()), "bpregressor__", {"bpregressor__alpha": [0.1]}),
    "ridge": (Ridge(), "", {"alpha": [0.1]}),
}


@pytest.mark.parametrize("name", WEIGHED)
@pytest.mark.filterwarnings("ignore:.* does not support sample_weight:UserWarning")
def test_weights(rows, name):
    X, y = rows()
    estimator, prefix, space = WEIGHED[name]
    weight = np.random.default_rng(0).uniform(0.1, 5, size=len(y))
    plain, ones, weighted = (
        search((estimator, space)).fit(X, y, **given)
        for given in ({}, {f"{prefix}sample_weight": np.ones(len(y))}, {f"{prefix}sample_weight": weight})
    )
    np.testing.assert_allclose(ones.predict(X), plain.predict(X), rtol=1e-5)
    assert not np.allclose(weighted.predict(X), plain.predict(X))
    assert weighted.best_score_ != plain.best_score_


def test_weights_are_those_of_grid_search(rows):
    X, y = rows()
    weight = np.random.default_rng(0).uniform(0.1, 5, size=len(y))
    kind = (Ridge(), {"alpha": [0.1, 10.0]})
    for scoring in (None, "neg_mean_absolute_error"):
        ours = search(kind, scoring=scoring).fit(X, y, sample_weight=weight)
        theirs = GridSearchCV(*kind, cv=3, scoring=scoring).fit(X, y, sample_weight=weight)
        assert ours.cv_results_["mean_test_score"].tolist() == theirs.cv_results_["mean_test_score"].tolist()
    with pytest.warns(UserWarning, match="mean_error .* does not support sample_weight: its scores are not weighted"):
        search(kind, scoring=mean_error).fit(X, y, sample_weight=weight)


def test_groups_reach_the_splitter(kind, data):
    X, y = data
    groups = np.arange(len(y)) % 9
    fitted = search(kind, cv=GroupKFold(3)).fit(X, y, groups=groups)
    by_list = search(kind, cv=list(GroupKFold(3).split(X, y, groups))).fit(X, y)
    np.testing.assert_array_equal(fitted.cv_results_["mean_test_score"], by_list.cv_results_["mean_test_score"])


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("name", ["network", "pipeline", "ridge"])
def test_metadata_routing(rows, name, jobs):
    X, y = rows()
    weight, groups = np.random.default_rng(0).uniform(0.1, 5, size=len(y)), np.arange(len(y)) % 9
    kind, scorer = clone(KINDS[name][0]), get_scorer("neg_mean_absolute_error")
    legacy = f"{'bpregressor__' if name == 'pipeline' else ''}sample_weight"
    expected = search((kind, KINDS[name][1]), scoring=lambda e, X, y: scorer(e, X, y), cv=GroupKFold(3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        expected.fit(X, y, groups=groups, **{legacy: weight})
    with sklearn.config_context(enable_metadata_routing=True):
        network = kind[-1] if name == "pipeline" else kind
        network.set_fit_request(sample_weight=True)
        if name == "pipeline":
            kind[0].set_fit_request(sample_weight=False)
        routed = search((kind, KINDS[name][1]), cv=GroupKFold(3), n_jobs=jobs)
        unweighted = clone(routed).set_params(scoring=scorer.set_score_request(sample_weight=False))
        unweighted.fit(X, y, sample_weight=weight, groups=groups)
        np.testing.assert_allclose(
            unweighted.cv_results_["mean_test_score"], expected.cv_results_["mean_test_score"], rtol=1e-5
        )
        weighted = clone(routed).set_params(scoring=get_scorer("r2").set_score_request(sample_weight=True))
        weighted.fit(X, y, sample_weight=weight, groups=groups)
        assert weighted.score(X, y, sample_weight=weight) != weighted.score(X, y)
        with pytest.raises(TypeError, match="unexpected argument"):
            routed.fit(X, y, color=weight)


def test_score_takes_metadata_with_routing_only(kind, data):
    fitted = search(kind).fit(*data)
    with pytest.raises(
        ValueError,
        match=r"sample_weight passed to BPSearchCV\.score: that is only supported if enable_metadata_routing=True",
    ):
        fitted.score(*data, sample_weight=np.ones(len(data[1])))


# -------------------------------------------------------------------------------------- what else can be tuned


def test_estimators_without_targets(rows):
    X, _ = rows()
    for estimator, space, method in (
        (KMeans(n_clusters=3, n_init=1, random_state=0), {"n_clusters": [2, 3]}, "transform"),
        (PCA(), {"n_components": [1, 2]}, "inverse_transform"),
        (KernelDensity(), {"bandwidth": [0.5, 5.0]}, "score_samples"),
    ):
        for how in ("grid", "bayesian"):
            fitted = search((estimator, space), method=how, n_trials=3).fit(X)
            rows_in = X[:, : fitted.best_params_.get("n_components", 4)] if method == "inverse_transform" else X
            assert len(getattr(fitted, method)(rows_in)) == len(X)
        theirs = GridSearchCV(estimator, space, cv=3).fit(X)
        assert fitted.best_params_ == theirs.best_params_
        assert search((estimator, space)).fit(X).score(X) == theirs.score(X)


def test_methods_are_those_of_the_estimator(rows):
    X, y = rows("classification")
    kernel = search((SVC(), {"C": [1.0]}))
    assert hasattr(kernel, "decision_function")
    assert not hasattr(kernel, "predict_proba")
    assert kernel.fit(X, y).decision_function(X).shape == (90, 3)
    assert kernel.classes_.tolist() == [0, 1, 2]


def test_a_precomputed_kernel(rows):
    X, y = rows("classification")
    kernel, space = X @ X.T, {"C": [0.01, 1.0]}
    ours = search((SVC(kernel="precomputed"), space)).fit(kernel, y)
    theirs = GridSearchCV(SVC(kernel="precomputed"), space, cv=3).fit(kernel, y)
    assert ours.best_score_ == theirs.best_score_


def test_estimators_as_choices(rows):
    X, y = rows()
    space = {"ridge": [Ridge(), net()], "ridge__alpha": [0.1, 1.0]}
    fitted = search((make_pipeline(StandardScaler(), Ridge()), space)).fit(X, y)
    assert {type(p["ridge"]) for p in fitted.cv_results_["params"]} == {Ridge, BPRegressor}
    assert set(fitted.cv_results_["verdict"]) == {"ok"}
    assert fitted.best_estimator_["ridge"].alpha == fitted.best_params_["ridge__alpha"]


def test_masked_where_a_parameter_does_not_exist():
    outcomes = [Outcome(n, params, "ok", "", [1.0], 0, {}, {}, 0.0) for n, params in enumerate(({"a": 1}, {"b": "x"}))]
    table = cv_results(outcomes, 1)
    assert table["param_a"].tolist() == [1, None]
    assert table["param_b"].tolist() == [None, "x"]
    assert table["rank_test_score"].tolist() == [1, 1]


def test_spaces_side_by_side_are_those_of_grid_search(rows):
    X, y = rows("classification")
    space = [{"kernel": ["rbf"], "C": [1.0, 10.0], "gamma": [0.1, 1.0]}, {"kernel": ["poly"], "degree": [1, 2]}]
    ours = BPSearchCV(SVC(), space, method="grid", cv=3).fit(X, y)
    theirs = GridSearchCV(SVC(), space, cv=3).fit(X, y)
    for name in ("params", "param_gamma", "param_degree", "mean_test_score"):
        np.testing.assert_array_equal(ours.cv_results_[name], theirs.cv_results_[name])
    assert np.ma.getmaskarray(ours.cv_results_["param_degree"]).tolist() == [True] * 4 + [False] * 2
    assert ours.best_params_ == theirs.best_params_


@pytest.mark.parametrize("method", ["bayesian", "random"])
def test_networks_in_spaces_side_by_side(rows, method):
    space = [{"solver": ["adam"], "alpha": (0.01, 1.0, "log")}, {"solver": ["sgd"], "momentum": (0.5, 0.9)}]
    fitted = search((net(), space), method=method, n_trials=12, initial_points=[{"momentum": 0.6}]).fit(*rows())
    params = fitted.cv_results_["params"]
    assert params[0] == {"solver": "sgd", "momentum": 0.6}
    assert {frozenset(p) for p in params} == {frozenset(["solver", "alpha"]), frozenset(["solver", "momentum"])}


class Forgetful(Ridge):
    def fit(self, X, y):
        super().fit(X, y)


def test_fit_need_not_return_the_estimator(rows):
    X, y = rows()
    assert BPSearchCV(Forgetful(), {"alpha": [0.1]}, method="grid").fit(X, y).predict(X).shape == y.shape


class Liar(KFold):
    def __init__(self, made):
        super().__init__(3)
        self.made = made

    def split(self, *args, **more):
        return list(super().split(*args, **more))[: self.made]


@pytest.mark.parametrize(("made", "told"), [(0, "No fits were performed"), (2, "Expected 3 splits, got 2")])
def test_splitters_that_make_other_splits_than_they_say(rows, made, told):
    with pytest.raises(ValueError, match=told):
        search(KINDS["ridge"], cv=Liar(made)).fit(*rows())


def test_a_diagram_shows_what_will_be_fitted_or_was(rows):
    pipeline = make_pipeline(StandardScaler(), Ridge())
    fitted = BPSearchCV(pipeline, {"ridge": [net()]}, method="grid", cv=3)
    assert "<div>Ridge</div>" in fitted._repr_html_()
    fitted.fit(*rows())
    assert "<div>Ridge</div>" not in fitted._repr_html_()
    assert "best_estimator_: Pipeline" in fitted._repr_html_()


def test_lines_on_request(rows, capsys):
    X, y = rows()
    search(KINDS["ridge"]).fit(X, y)
    assert capsys.readouterr().out == ""
    search(KINDS["ridge"], verbose=1).fit(X, y)
    assert capsys.readouterr().out == "Fitting 3 folds for each of 2 candidates, totalling 6 fits\n"
    search(KINDS["ridge"], verbose=2, scoring=["r2", "neg_max_error"], refit="r2").fit(X, y)
    first, second, _ = capsys.readouterr().out.splitlines()
    assert first.startswith("Fitting")
    assert second.startswith("[CV] END alpha=0.1; r2=0.9")
    assert "neg_max_error=-" in second
    space = {"bpregressor__learning_rate_init": [900.0, 0.02], "bpregressor__solver": ["sgd"]}
    search((KINDS["pipeline"][0], space), verbose=2).fit(X, y)
    assert "; diverged: fold 1 of 3: the loss" in capsys.readouterr().out


CHECKED = [
    BPSearchCV(
        BPRegressor(**NETWORK), {"alpha": [0.01, 0.1]}, method="grid", cv=2, random_state=0, error_score="raise"
    ),
    BPSearchCV(
        BPClassifier(**NETWORK), {"alpha": [0.01, 0.1]}, method="grid", cv=2, random_state=0, error_score="raise"
    ),
    BPSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, method="grid", cv=2, error_score="raise"),
    BPSearchCV(GaussianNB(), {"var_smoothing": [1e-9, 0.1]}, method="random", n_trials=2, cv=2, error_score="raise"),
]


@parametrize_with_checks(CHECKED)
@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_checks(estimator, check):
    check(estimator)
