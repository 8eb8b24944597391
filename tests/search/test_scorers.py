"""What is known of scikit-learn's scorers; a search gives the same results where nothing is known."""

import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.metrics import check_scoring, get_scorer, make_scorer, max_error, r2_score
from sklearn.utils import estimator_html_repr

from bpmodel import BPRegressor
from search import BPSearchCV, scorers

X, y = (part[:90] for part in load_diabetes(return_X_y=True))
NETWORK = BPRegressor(hidden_layer_sizes=(4,), max_iter=3, random_state=0)


def search(**changes):
    settings = {
        "space": {"alpha": [1e-3, 1.0]},
        "method": "grid",
        "n_trials": 2,
        "n_seeds": 1,
        "cv": 2,
        "random_state": 0,
    }
    return BPSearchCV(NETWORK, **settings | changes)


class Own(type(get_scorer("r2"))):
    """A scorer derived from scikit-learn's."""


@pytest.mark.parametrize(
    ("scorer", "expected"),
    [
        (get_scorer("r2"), (r2_score, 1, "predict")),
        (get_scorer("neg_max_error"), (max_error, -1, "predict")),
        (make_scorer(r2_score, multioutput="raw_values"), None),
        (check_scoring(Ridge(), None), None),
        (check_scoring(Ridge(), ["r2"]), None),
        (Own(r2_score, 1, {}, "predict"), None),
        (lambda estimator, X, y: 0.0, None),
        (get_scorer("roc_auc"), None),  # of one method or another
    ],
)
def test_metric_of_a_scorer(scorer, expected):
    assert scorers.metric(scorer) == expected


@pytest.mark.parametrize("lost", ["_score_func", "_sign", "_response_method", "_kwargs"])
def test_a_scorer_without_an_attribute_is_unknown(lost):
    scorer = get_scorer("r2")
    delattr(scorer, lost)
    assert scorers.metric(scorer) is None


def test_parts_needs_and_weights():
    several = check_scoring(Ridge(), {"a": "r2", "b": "max_error"} | {"b": "neg_max_error"})
    assert list(scorers.parts(several)) == ["a", "b"]
    assert scorers.parts(get_scorer("r2")) is None
    assert scorers.see_predictions_only(several)
    assert scorers.see_predictions_only(check_scoring(Ridge()))
    assert not scorers.see_predictions_only(check_scoring(Ridge(), {"a": "r2", "b": lambda *_: 0.0}))
    assert [scorers.accepts_weights(get_scorer(name)) for name in ("r2", "neg_max_error")] == [True, False]
    assert scorers.accepts_weights(lambda estimator, X, y, sample_weight=None: 0.0)
    assert not scorers.accepts_weights(lambda estimator, X, y: 0.0)


@pytest.fixture
def unknown(monkeypatch):
    """Let scikit-learn's scorers be of classes that nothing is known of."""
    for name in ("ONE", "SEVERAL", "OWN"):
        monkeypatch.setattr(scorers, name, type(name, (), {}))


@pytest.mark.parametrize("scoring", [None, "r2", ["r2", "neg_mean_absolute_error"]], ids=str)
def test_a_search_with_unknown_scorers_finds_the_same(scoring, request):
    refit = "neg_mean_absolute_error" if isinstance(scoring, list) else True
    known = search(scoring=scoring, refit=refit).fit(X, y)
    request.getfixturevalue("unknown")
    unknown = search(scoring=scoring, refit=refit).fit(X, y)
    assert unknown.best_params_ == known.best_params_
    assert unknown.multimetric_ == known.multimetric_
    name = f"mean_test_{refit if scoring and refit is not True else 'score'}"
    np.testing.assert_allclose(unknown.cv_results_[name], known.cv_results_[name], rtol=1e-12)
    np.testing.assert_allclose(unknown.score(X, y), known.score(X, y), rtol=1e-12)


def test_a_diagram_without_scikit_learns_blocks_is_one_box(monkeypatch):
    whole = estimator_html_repr(search())
    assert "estimator: BPRegressor" in whole
    monkeypatch.setitem(__import__("sys").modules, "sklearn.utils._repr_html.estimator", None)
    plain = estimator_html_repr(search())
    assert "BPSearchCV" in plain
    assert "estimator: BPRegressor" not in plain
