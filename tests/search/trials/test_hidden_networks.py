"""Networks inside estimators that are fitted as a whole: a divergence there is one, too."""

import numpy as np
import pytest
from sklearn.ensemble import BaggingRegressor

from bpmodel import BPEnsembleRegressor, BPRegressor, DivergenceError
from search import BPSearchCV

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ROWS = np.arange(40.0)[:, None] / 40
TARGET = ROWS[:, 0]
WILD = {"hidden_layer_sizes": (4,), "learning_rate_init": 1e3, "solver": "sgd", "max_iter": 5}
RATE = "estimator__learning_rate_init"
MODELS = {
    "ensemble": BPEnsembleRegressor(BPRegressor(**WILD), n_members=2, random_state=0),
    "bagging": BaggingRegressor(BPRegressor(**WILD, on_divergence="raise"), n_estimators=2, random_state=0),
}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_an_estimator_whose_networks_diverge_was_an_error_bug(model):
    space = {RATE: [1e-3, 1e3]}
    search = BPSearchCV(model, space, method="grid", cv=2, error_score="raise").fit(ROWS, TARGET)
    assert search.cv_results_["verdict"].tolist() == ["ok", "diverged"]
    assert search.cv_results_["finding"][1]
    assert search.cv_results_["reason"][1].startswith("fold 1 of 2: ")
    assert search.best_params_ == {RATE: 1e-3}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_a_search_of_which_all_diverge_says_so(model):
    with pytest.raises(DivergenceError, match="none of 1 configurations finished healthy; the first: fold 1 of 2"):
        BPSearchCV(model, {RATE: [1e3]}, method="grid", cv=2).fit(ROWS, TARGET)
