"""A name that is no scorer: which one is meant."""

import pytest
from sklearn.metrics import get_scorer_names

from bpmodel.names.near import plain
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
    assert meant(name) == ([MEANT[name]] if MEANT[name] else [])


@pytest.mark.parametrize("scorer", get_scorer_names())
def test_a_slip_of_one_letter_is_told_the_scorer(scorer):
    """A letter too few, two transposed or another case; what is a name itself, or one of another library, is that."""
    places = 0, len(scorer) // 2, len(scorer) - 2
    slips = {scorer[:i] + scorer[i + 1 :] for i in places} | {scorer.upper(), scorer.replace("_", "-")}
    slips |= {scorer[:i] + scorer[i + 1] + scorer[i] + scorer[i + 2 :] for i in places if i + 1 < len(scorer)}
    taken = {plain(each) for each in (*get_scorer_names(), *OTHER_NAMES)} - {plain(scorer)}
    assert [slip for slip in slips if plain(slip) not in taken and len(slip) > 1 and scorer not in meant(slip)] == []


def test_other_names_are_of_scorers_and_written_plainly():
    assert set(OTHER_NAMES.values()) <= set(get_scorer_names())
    assert all(name.isalnum() and name == name.casefold() for name in OTHER_NAMES)
    assert not OTHER_NAMES.keys() & set(get_scorer_names())
