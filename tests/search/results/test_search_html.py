"""What a fitted search shows in a notebook, below scikit-learn's diagram."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from sklearn.metrics import make_scorer, mean_absolute_error

from bpmodel import BPRegressor
from search import BPSearchCV
from search.results.history_svg import HEIGHT, STRIP, WIDTH, history

MAE = "neg_mean_absolute_error"
SCORINGS = {
    "a name": (MAE, True, "mean absolute error", -1),
    "none": (None, True, "score", 1),
    "a function": (make_scorer(mean_absolute_error, greater_is_better=False), True, "score", 1),
    "names": ([MAE, "r2"], MAE, "mean absolute error", -1),
    "a table": ({"mine": MAE, "other": "r2"}, "mine", "mean absolute error", -1),
    "no refit": ([MAE, "r2"], False, "mean absolute error", -1),
}
X = np.random.default_rng(0).normal(size=(60, 2))


@pytest.mark.parametrize(("scoring", "refit", "label", "sign"), SCORINGS.values(), ids=SCORINGS.keys())
def test_best_configurations_with_their_scores(scoring, refit, label, sign):
    space = {"alpha": [0.0, 0.1], "learning_rate_init": [0.01, 1e5]}
    net = BPRegressor(hidden_layer_sizes=(4,), solver="sgd", max_iter=4, random_state=0)
    search = BPSearchCV(net, space, method="grid", cv=3, scoring=scoring, refit=refit, random_state=0)
    assert "configurations" not in search._repr_html_()
    html = search.fit(X, X[:, 0])._repr_html_().split("</style>")[-1]
    verdicts = list(search.cv_results_["verdict"])
    assert "diverged" in verdicts
    assert f"{verdicts.count('diverged')} diverged" in html
    shown = html[html.index("4 configurations") :]
    head, *rows = (re.findall("<t[hd]>(.*?)</t[hd]>", row) for row in re.findall("<tr>(.*?)</tr>", shown))
    assert head == ["", label, "std over the folds", "epochs", "alpha", "learning_rate_init"]
    assert len(rows) == verdicts.count("ok")
    name = "score" if not isinstance(scoring, list | dict) else next(iter(scoring))
    best = int(np.argmin(search.cv_results_[f"rank_test_{name}"]))
    assert int(rows[0][0]) == best
    assert float(rows[0][1]) == pytest.approx(sign * search.cv_results_[f"mean_test_{name}"][best], rel=1e-3)
    assert float(rows[0][4]) == search.cv_results_["params"][best]["alpha"]


def test_the_answer_comes_first_and_has_a_sign_that_people_use():
    net = BPRegressor(hidden_layer_sizes=(4,), max_iter=4, random_state=0)
    search = BPSearchCV(net, {"alpha": [0.0, 0.1, 1.0]}, method="grid", cv=3, scoring=MAE, random_state=0)
    text = search.fit(X, X[:, 0])._repr_html_().split("</style>")[-1]
    text = text[text.rindex('<div style="font-family: monospace') :]
    said = re.match(
        r"<div[^>]*><b>best mean absolute error: (\S+) ± \S+ \(configuration (\d)\)</b>: alpha = (\S+)<br>", text
    )
    assert said
    assert float(said[1]) == pytest.approx(-search.best_score_, rel=1e-3)
    assert (int(said[2]), float(said[3])) == (search.best_index_, search.best_params_["alpha"])


@pytest.mark.parametrize("verdict", ["stopped", "diverged", "error"])
def test_the_history_has_a_mark_for_each_configuration(verdict):
    drawn = ElementTree.fromstring(history(["ok", verdict, "ok"], [1.0, 1.5 if verdict == "stopped" else np.nan, 2.0]))
    kinds = [mark.tag for mark in drawn if mark.tag != "polyline"]
    assert kinds == ["circle", "circle" if verdict == "stopped" else "path", "circle"]
    for mark in drawn.iter("circle"):
        assert 0 < float(mark.attrib["cx"]) < WIDTH
        assert 0 < float(mark.attrib["cy"]) < HEIGHT
    (line,) = drawn.iter("polyline")
    heights = [float(point.split(",")[1]) for point in line.attrib["points"].split()]
    assert heights == sorted(heights, reverse=True), "the best score so far never falls"


def test_a_history_of_odd_scores():
    """One configuration is far worse than the others: it lies in the strip, and the others fill the drawing."""
    assert history(["ok"], [1.0]) == ""
    assert history(["diverged"] * 3, [np.nan] * 3) == ""
    drawn = ElementTree.fromstring(history(["ok"] * 4, [-1e9, 1.0, 2.0, 3.0]))
    heights = [float(mark.attrib["cy"]) for mark in drawn.iter("circle")]
    assert heights[0] > HEIGHT - STRIP > heights[1] > heights[2] > heights[3]
    assert "nan" not in history(["ok"] * 3, [2.0] * 3)
    huge = history(["ok"] * 4, [-1.7e308, 1.7e308, 1.0, 0.5])  # their difference is not finite
    assert "nan" not in huge
    assert "inf" not in huge
