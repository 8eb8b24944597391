"""What a fitted search shows in a notebook, below scikit-learn's diagram."""

import re

import numpy as np
import pytest
from sklearn.metrics import make_scorer, mean_absolute_error

from bpmodel import BPRegressor
from search import BPSearchCV

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
