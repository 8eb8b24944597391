"""Scorers that are told the classes: the same numbers as those of 0 and 1, and of classes that all have rows."""

import numpy as np
import pytest
from sklearn import metrics
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer, get_scorer_names
from sklearn.model_selection import GridSearchCV, PredefinedSplit

from bpmodel import BPClassifier
from search import BPSearchCV, scorers
from search.scorers import OF_CLASSES, told_classes
from search.trials.fast_metrics import directly

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(120, 3))
BINARY = (X[:, 0] + RANDOM.normal(size=120) > 0.5).astype(int)
THREE = np.digitize(X[:, 0] + 0.5 * RANDOM.normal(size=120), [-0.5, 0.5])
OF_TWO = [name for name, row in OF_CLASSES.items() if row.positive]
NEEDING_LABELS = [name for name, row in OF_CLASSES.items() if row.labels and not row.positive] + ["neg_brier_score"]
WAYS = {"texts": np.array(["no", "yes"]), "truth values": np.array([False, True]), "one and two": np.array([1, 2])}

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:'k'.*will result in a perfect score"),
]


def test_the_table_is_of_scorers():
    assert OF_CLASSES.keys() <= set(get_scorer_names())


@pytest.mark.parametrize("name", OF_TWO)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("lacking", [False, True])
def test_the_positive_class_may_have_any_name(name, way, lacking):
    """As with 0 and 1, where 1 is positive for scikit-learn."""
    names = WAYS[way]
    expected = get_scorer(name)(LogisticRegression().fit(X, BINARY), X, BINARY)
    model = LogisticRegression().fit(X, names[BINARY])
    scorer = told_classes(name, names.tolist(), names[1], lacking=lacking)
    assert scorer(model, X, names[BINARY]) == pytest.approx(expected)
    other = LogisticRegression().fit(X, names[1 - BINARY])
    scorer = told_classes(name, names.tolist(), names[0], lacking=lacking)
    assert scorer(other, X, names[1 - BINARY]) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("name", OF_CLASSES)
@pytest.mark.parametrize("known", [[0, 1], [-1, 1], [False, True]], ids=str)
def test_scikit_learns_own_scorer_where_it_will_do(name, known):
    """It is the one that `fast_metrics` knows."""
    assert repr(told_classes(name, known, known[1])) == repr(get_scorer(name))
    assert repr(told_classes("accuracy", known, known[0], lacking=True)) == repr(get_scorer("accuracy"))


@pytest.mark.parametrize("name", NEEDING_LABELS)
def test_labels_change_nothing_where_all_classes_have_rows(name):
    model = LogisticRegression().fit(X, THREE)
    found = told_classes(name, [0, 1, 2], lacking=True)(model, X, THREE)
    assert found == pytest.approx(get_scorer(name)(model, X, THREE))


@pytest.mark.parametrize("name", NEEDING_LABELS)
def test_a_class_without_a_row_bug(name):
    """ "Please provide the true labels explicitly": nobody could, in a study file."""
    model, rows = LogisticRegression().fit(X, THREE), THREE > 0
    found = told_classes(name, [0, 1, 2], lacking=True)(model, X[rows], THREE[rows])
    p = model.predict_proba(X[rows])
    truth = THREE[rows]
    one_hot = np.eye(3)[truth]
    area = {c: metrics.roc_auc_score(truth == c, p[:, c]) for c in (1, 2)}
    shares = [np.mean(truth == c) for c in (1, 2)]
    dummy = np.full_like(p, [0, *shares])
    expected = {
        "neg_log_loss": np.mean(np.log(p[np.arange(len(p)), truth])),
        "neg_brier_score": -np.mean(np.sum((p - one_hot) ** 2, axis=1)) / 1,
        "top_k_accuracy": np.mean([t in np.argsort(row)[-2:] for t, row in zip(truth, p, strict=True)]),
        "roc_auc_ovr": np.mean(list(area.values())),
        "roc_auc_ovr_weighted": np.average(list(area.values()), weights=shares),
        "roc_auc_ovo": np.mean(list(area.values())),
        "roc_auc_ovo_weighted": np.mean(list(area.values())),
        "d2_log_loss_score": 1
        - np.mean(np.log(p[np.arange(len(p)), truth])) / np.mean(np.log(dummy[np.arange(len(p)), truth])),
    }
    assert found == pytest.approx(expected[name], rel=1e-6)


@pytest.mark.parametrize("name", ["roc_auc_ovr", "roc_auc_ovo"])
@pytest.mark.parametrize("weighted", ["", "_weighted"])
def test_areas_of_four_classes_of_which_one_has_no_row(name, weighted):
    """As of a model that knows the three others only, with the same scores up to their sum."""
    y = np.digitize(X[:, 0], [-1, 0, 1])
    model, rows = LogisticRegression().fit(X, y), y != 2
    truth, p = y[rows], model.predict_proba(X[rows])
    found = told_classes(name + weighted, [0, 1, 2, 3], lacking=True)(model, X[rows], truth)
    three, pairs = [0, 1, 3], [(0, 1), (0, 3), (1, 3)]
    if name == "roc_auc_ovr":
        areas = [metrics.roc_auc_score(truth == c, p[:, c]) for c in three]
        shares = [np.mean(truth == c) for c in three]
    else:
        of = [np.isin(truth, pair) for pair in pairs]
        areas = [
            np.mean([metrics.roc_auc_score(truth[m] == c, p[m, c]) for c in pair])
            for pair, m in zip(pairs, of, strict=True)
        ]
        shares = [m.mean() for m in of]
    assert found == pytest.approx(np.average(areas, weights=shares if weighted else None))


@pytest.mark.parametrize("name", ["roc_auc_ovr", "roc_auc_ovo"])
def test_an_area_of_one_class_is_undefined(name):
    model, rows = LogisticRegression().fit(X, THREE), THREE == 1
    assert np.isnan(told_classes(name, [0, 1, 2], lacking=True)(model, X[rows], THREE[rows]))


def test_weights_reach_the_areas():
    model, weight = LogisticRegression().fit(X, THREE), RANDOM.integers(1, 4, 120)
    rows = THREE > 0
    scorer = told_classes("roc_auc_ovr_weighted", [0, 1, 2], lacking=True)
    repeated = np.repeat(np.flatnonzero(rows), weight[rows])
    found = scorer(model, X[rows], THREE[rows], sample_weight=weight[rows])
    assert found == pytest.approx(scorer(model, X[repeated], THREE[repeated]))


def test_fast_metrics_leave_told_scorers_alone():
    model, rows = LogisticRegression().fit(X, THREE), THREE > 0
    told = told_classes("neg_log_loss", [0, 1, 2], lacking=True)
    assert scorers.metric(told) is None
    assert directly(told, model, X[rows], THREE[rows]) is None
    assert scorers.see_predictions_only(told)


NETWORK = BPClassifier(hidden_layer_sizes=(6,), max_iter=20, random_state=0)
LACKING = PredefinedSplit(np.where(THREE == 0, -1, np.arange(120) % 2))
"""No validation rows of class 0."""


@pytest.mark.parametrize("estimator", [NETWORK, LogisticRegression()], ids=["network", "another estimator"])
@pytest.mark.parametrize(
    "scoring", ["neg_log_loss", "top_k_accuracy", ["neg_log_loss", "accuracy"], {"a": "roc_auc_ovr"}], ids=str
)
def test_a_search_whose_folds_lack_a_class_bug(estimator, scoring):
    space = {"alpha": [1e-4]} if estimator is NETWORK else {"C": [1.0]}
    refit = {str: True, list: "neg_log_loss", dict: "a"}[type(scoring)]
    search = BPSearchCV(estimator, space, method="grid", cv=LACKING, scoring=scoring, refit=refit, random_state=0)
    search.fit(X, THREE)
    assert np.isfinite(search.best_score_)
    assert np.isfinite(search.score(X[THREE > 0], THREE[THREE > 0]))
    plain = [name for name in ("neg_log_loss", "accuracy") if isinstance(scoring, list)]
    assert [name for name in plain if f"mean_test_{name}" not in search.cv_results_] == []


@pytest.mark.parametrize("scoring", ["f1", "average_precision", "neg_brier_score"])
def test_a_search_over_text_classes(scoring):
    """Where scikit-learn's search has no number, the affirmative class is the positive one."""
    texts = np.where(BINARY == 1, "yes", "no")
    found = BPSearchCV(LogisticRegression(), {"C": [1.0]}, method="grid", cv=3, scoring=scoring).fit(X, texts)
    expected = GridSearchCV(LogisticRegression(), {"C": [1.0]}, cv=3, scoring=scoring).fit(X, BINARY)
    assert found.best_score_ == pytest.approx(expected.best_score_)


@pytest.mark.parametrize("y", [BINARY, BINARY + 1, 2 * BINARY - 1, BINARY == 1], ids=["0 1", "1 2", "-1 1", "bool"])
@pytest.mark.parametrize("scoring", ["f1", "average_precision", "positive_likelihood_ratio"])
def test_where_scikit_learn_has_a_number_it_is_the_same(y, scoring):
    found = BPSearchCV(LogisticRegression(), {"C": [1.0]}, method="grid", cv=3, scoring=scoring).fit(X, y)
    expected = GridSearchCV(LogisticRegression(), {"C": [1.0]}, cv=3, scoring=scoring).fit(X, y)
    assert found.best_score_ == pytest.approx(expected.best_score_)


def test_classes_that_rows_lack():
    codes = np.array([0, 1, 2, 1, 0])
    splits = [(np.array([0, 1, 2]), np.array([3, 4])), (np.array([3, 4]), np.array([0, 1, 2]))]
    assert scorers.lacking(codes, splits) == {2}
    assert scorers.lacking(codes, splits, part=0) == {2}
    assert scorers.lacking(codes, splits[1:]) == set()
