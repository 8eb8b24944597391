"""Misspelt names are told what they may have meant, before the long list of what is allowed."""

from pathlib import Path

import pytest

from search import StudyError, configuration
from search.study import study_file

STUDY = """\
name = "small"
[data]
source = "sklearn:diabetes"
task = "regression"
[model]
max_iter = 8
[space]
alpha = [0.1, 1.0]
[search]
n_trials = 3
[cv]
n_splits = 3
"""

MISTAKES = {
    "table": ("[search]", "[serach]", "serach is not a key of a study file (did you mean search?); allowed are"),
    "a key that must be there": ("source", "souce", "[data] souce is not a key of a study file (did you mean source?)"),
    "key of [search]": ("n_trials", "trials", "(did you mean n_trials?)"),
    "key of [cv]": ("n_splits", "n_split", "(did you mean n_splits?)"),
    "hyperparameter": ("max_iter", "maxiter", "maxiter is not a hyperparameter (did you mean max_iter?); allowed are"),
    "searched": ("alpha", "alhpa", "[space] alhpa is not a hyperparameter (did you mean alpha?); allowed are"),
    "option": ("[model]", "[preprocessing]\nmissing_indcator = true\n[model]", "(did you mean missing_indicator?)"),
    "kind": ("n_splits = 3", 'kind = "kfold"', "[cv] kind = 'kfold' (did you mean k_fold?); allowed are k_fold"),
    "scorer": ("n_splits = 3", 'scoring = "R2"', "scorer (did you mean r2?); allowed are accuracy"),
    "what people say": ("n_splits = 3", 'scoring = "RMSE"', "(did you mean neg_root_mean_squared_error?)"),
    "without neg": ("n_splits = 3", 'scoring = "max_error"', "(did you mean neg_max_error?)"),
    "nothing similar": ("max_iter", "zzz", "[model] zzz is not a hyperparameter; allowed are loss"),
}


@pytest.mark.parametrize(("old", "new", "told"), MISTAKES.values(), ids=MISTAKES.keys())
def test_keys_of_a_study_file(tmp_path, old, new, told):
    (tmp_path / "small.toml").write_text(STUDY.replace(old, new))
    with pytest.raises(StudyError) as error:
        study_file.load(tmp_path / "small.toml")
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_names_given_with_set_bug(tmp_path):
    """All options were listed, without a hint."""
    path = tmp_path / "small.toml"
    path.write_text(STUDY)
    with pytest.raises(StudyError, match=r"^--set: \[model\] alhpa is not a hyperparameter \(did you mean alpha\?\); "):
        configuration.changed(study_file.load(path), {}, ["alhpa=1"])


SPACES = {
    "default in the range": (
        "learning_rate_init = { low = 1e-4, high = 1.0, log = true }",
        {"learning_rate_init": 1e-3},
    ),
    "default not in the range": ("alpha = { low = 1.0, high = 100.0, log = true }", {"alpha": 10.0}),
    "linear": ("l1 = { low = 1.0, high = 3.0 }", {"l1": 2.0}),
    "integers": ("batch_size = { low = 16, high = 128, log = true }", {"batch_size": 45}),
    "default among the choices": ('solver = ["sgd", "adam"]', {"solver": "adam"}),
    "numbers in any order": ("batch_size = [128, 16, 32, 64]", {"batch_size": 32}),
    "two numbers": ("learning_rate_init = [900.0, 0.01]", {"learning_rate_init": 0.01}),
    "no order": ("hidden_layer_sizes = [[64, 32], [32]]", {"hidden_layer_sizes": [64, 32]}),
    "default layers": ("hidden_layer_sizes = { layers = [1, 2], width = [50, 100] }", {"hidden_layer_sizes": [100]}),
    "other layers": (
        "hidden_layer_sizes = { layers = [2, 4, 3], width = { low = 16, high = 64, log = true } }",
        {"hidden_layer_sizes": [32, 32, 32]},
    ),
    "condition that holds": (
        'momentum = { low = 0.1, high = 0.5, when = { solver = "sgd" } }\nsolver = ["sgd"]',
        {"momentum": 0.3, "solver": "sgd"},
    ),
    "condition that does not hold": (
        'momentum = { low = 0.1, high = 0.5, when = { solver = "sgd" } }\nsolver = ["sgd", "adam"]',
        {"solver": "adam"},
    ),
    "preprocessing": ('numeric = ["piecewise", "standard"]', {"numeric": "standard"}),
    "default of studies": ("ema_decay = [0.0, 0.98]", {"ema_decay": 0.98}),
    "alternatives": ("alpha = [3.0]\n[[space]]\nalpha = [4.0]", {"alpha": 3.0}),
}


@pytest.mark.parametrize(("space", "params"), SPACES.values(), ids=SPACES.keys())
def test_cv_took_the_lowest_of_each_range_bug(tmp_path, space, params):
    """With `learning_rate_init` from 1e-4 on, `cv` trained at 1e-4, which is hardly what one wants to see."""
    name = "[[space]]" if "[[space]]" in space else "[space]"
    path: Path = tmp_path / "small.toml"
    path.write_text(STUDY.replace("[space]\nalpha = [0.1, 1.0]", f"{name}\n{space}"))
    study = study_file.load(path)
    assert configuration.typical(study) == params
    assert list(configuration.typical(study)) == list(params)
    assert study.space.has(configuration.typical(study))
