"""A name that is no scorer: which one is meant."""

import pytest
from sklearn.metrics import get_scorer_names

from search.scorer_names import OTHER_NAMES, meant

MEANT = {
    "rmse": "neg_root_mean_squared_error",
    "RMSE": "neg_root_mean_squared_error",
    "R2": "r2",
    "r^2": "r2",
    "mae": "neg_mean_absolute_error",
    "auc": "roc_auc",
    "ROC-AUC": "roc_auc",
    "logloss": "neg_log_loss",
    "log_loss": "neg_log_loss",
    "root_mean_squared_error": "neg_root_mean_squared_error",
    "neg_rot_mean_squared_error": "neg_root_mean_squared_error",
    "acuracy": "accuracy",
    "F1": "f1",
    "f1-macro": "f1_macro",
    "profit": "",
    "x": "",
    "": "",
}


@pytest.mark.parametrize("name", MEANT)
def test_the_scorer_that_is_meant(name):
    assert meant(name) == MEANT[name]


def test_other_names_are_of_scorers_and_written_plainly():
    assert set(OTHER_NAMES.values()) <= set(get_scorer_names())
    assert all(name.isalnum() and name == name.casefold() for name in OTHER_NAMES)
    assert not OTHER_NAMES.keys() & set(get_scorer_names())
