"""Misspelt names are told what they may have meant, before the long list of what is allowed."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bpmodel import BPRegressor
from bpmodel.names import hints
from search import BPSearchCV, StudyError, cli, configuration, options
from search.cv.kinds import KINDS
from search.study import data, study_file
from search.study.keys import CrossValidation, Data, File, places
from search.trials import pipeline

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
    "kind": ("n_splits = 3", 'kind = "kfold"', "[cv] kind = 'kfold' (did you mean 'k_fold'?); allowed are k_fold"),
    "scorer": ("n_splits = 3", 'scoring = "R2"', "scorer (did you mean r2?); allowed are accuracy"),
    "what people say": ("n_splits = 3", 'scoring = "RMSE"', "(did you mean neg_root_mean_squared_error?)"),
    "without neg": ("n_splits = 3", 'scoring = "max_error"', "(did you mean neg_max_error?)"),
    "in another table": (
        "max_iter = 8",
        "n_trials = 8",
        "n_trials is not a hyperparameter (did you mean [search] n_trials?)",
    ),
    "at the top": (
        'name = "small"',
        'name = "small"\nepochs = 9',
        "epochs is not a key of a study file (epochs in MATLAB is [model]",
    ),
    "preprocessing in the model": ("max_iter = 8", "numric = 8", "(did you mean [preprocessing] numeric?)"),
    "dotted key of MATLAB": (
        "max_iter = 8",
        "trainParam.epochs = 8",
        "(epochs in MATLAB is max_iter here); allowed are",
    ),
    "split of MATLAB": ("max_iter = 8", 'divideFcn = "dividerand"', "(divideFcn in MATLAB is [cv] kind here)"),
    "scikit-learn's": ("n_trials = 3", "param_grid = 3", "[search] param_grid is not a key of a study file; allowed"),
    "value": (
        "max_iter = 8",
        'solver = "trainlm"',
        "solver = 'trainlm' (trainlm in MATLAB is solver = 'lm' here); allowed:",
    ),
    "value in a list": (
        "max_iter = 8",
        'activation = ["tanh", "logsig"]',
        "(logsig in MATLAB is activation = 'logistic' here)",
    ),
    "value in the space": (
        "alpha = [0.1, 1.0]",
        'solver = ["adm"]',
        "[space] solver = 'adm' (did you mean 'adam'?); allowed:",
    ),
    "value of preprocessing": (
        "[model]",
        '[preprocessing]\nnumeric = "mapstd"\n[model]',
        "numeric = 'standard' here); allowed:",
    ),
    "method": (
        "n_trials = 3",
        'method = "bayes"',
        "[search] method = 'bayes' (bayes in other libraries is method = 'bayesian' here); allow",
    ),
    "near method": ("n_trials = 3", 'method = "gird"', "[search] method = 'gird' (did you mean 'grid'?); allowed are"),
    "penalty": ("n_trials = 3", 'penalty = "worstt"', "[search] penalty = 'worstt' (did you mean 'worst'?); allowed"),
    "task": (
        '"regression"',
        '"regresion"',
        "[data] task = 'regresion' (did you mean 'regression'?); it must be 'regression' or",
    ),
    "Chinese task": (
        '"regression"',
        '"回归"',
        "[data] task = '回归' (回归 in Chinese textbooks is task = 'regression' here); it must",
    ),
    "of two texts": (
        "[model]",
        "missing_target = 'drp'\n[model]",
        "missing_target = 'drp' (did you mean 'drop'?); it must be",
    ),
    "no texts": ("n_trials = 3", "n_trials = 'grid'", "[search] n_trials = 'grid'; allowed are whole numbers from 1"),
    "kind of MATLAB": (
        "n_splits = 3",
        'kind = "dividerand"',
        "(dividerand in MATLAB is kind = 'k_fold' here); allowed are",
    ),
    "scorer in a book": ("n_splits = 3", 'scoring = "决定系数"', "(did you mean r2?); allowed"),
    "key of a range": (
        "alpha = [0.1, 1.0]",
        "alpha = { low = 1, hihg = 2 }",
        "has a key 'hihg' (did you mean high?); allowed",
    ),
    "condition": (
        "alpha = [0.1, 1.0]",
        "alpha = { low = 1, high = 2, when = { slover = 'sgd' } }\nsolver = ['sgd']",
        "(did you mean solver?)",
    ),
    "choice": (
        "n_trials = 3",
        "initial_points = [{ alpah = 1.0 }]",
        "alpah is not in the space (did you mean alpha?); allowed",
    ),
    "nothing similar": ("max_iter", "zzz", "[model] zzz is not a hyperparameter; allowed are loss"),
}


@pytest.mark.parametrize(("old", "new", "told"), MISTAKES.values(), ids=MISTAKES.keys())
def test_keys_of_a_study_file(tmp_path, old, new, told):
    (tmp_path / "small.toml").write_text(STUDY.replace(old, new))
    with pytest.raises(StudyError) as error:
        study_file.load(tmp_path / "small.toml")
    assert told in str(error.value)
    assert "\n" not in str(error.value)


COLUMNS = {
    "target": ('target = "prise"', "target = 'prise' is not a column (did you mean price?); the columns are"),
    "drop": ('target = "price"\ndrop = ["aera"]', "'aera' is not a column (did you mean area?); the columns are"),
    "time": (
        'target = "price"\ntime = "dya"',
        "time = 'dya' is not a column besides the target (did you mean day?); the",
    ),
    "category": (
        'target = "price"\n[preprocessing]\ncategorical_columns = ["roms"]',
        "'roms', which is not a column (did you mean rooms?)",
    ),
    "not similar": ('target = "banana"', "target = 'banana' is not a column; the columns are"),
    "in Chinese": ('target = "总价格"', "target = '总价格' is not a column (did you mean 总价?)"),
}


@pytest.mark.parametrize(("lines", "told"), COLUMNS.values(), ids=COLUMNS)
def test_columns(tmp_path, lines, told):
    (tmp_path / "homes.csv").write_text(
        "rooms,area,day,总价,price\n" + "".join(f"{i},{i * i},{i},{i},{i}\n" for i in range(9))
    )
    text = STUDY.replace('source = "sklearn:diabetes"', 'source = "homes.csv"\n').replace(
        'task = "regression"', f'task = "regression"\n{lines}'
    )
    (tmp_path / "homes.toml").write_text(text)
    study = study_file.load(tmp_path / "homes.toml")
    with pytest.raises(StudyError) as error:
        pipeline.check_columns(study.preprocessing, data.load(study).X, str(study.path))
    assert told in str(error.value)
    assert "\n" not in str(error.value)


TABLES = {
    "a study file": list(File.model_fields),
    "[data]": list(Data.model_fields),
    "[search]": [o.name for o in options.STUDY],
    "[cv]": list(CrossValidation.model_fields),
    "BPSearchCV": [o.name for o in options.SEARCH_CV],
}


@pytest.mark.parametrize("known", TABLES.values(), ids=TABLES)
def test_a_slip_of_one_letter_is_told_the_key(known):
    """A letter too few, two transposed, or another case."""
    for key in known:
        letters = 0, len(key) // 2, len(key) - 2
        slips = {key[:i] + key[i + 1 :] for i in letters} | {key.upper(), key.title()}
        slips |= {key[:i] + key[i + 1] + key[i] + key[i + 2 :] for i in letters if i + 1 < len(key)}
        for slip in slips - set(known):
            assert re.search(rf"\b{key}\b", hints.of_key(slip, known, places())) or len(slip) < 2, slip


CHOICES = {o.name: list(o.domain.names) for o in options.SEARCH_CV if o.domain.names} | {"kind": list(KINDS)}


@pytest.mark.parametrize(("option", "names"), CHOICES.items(), ids=CHOICES)
def test_a_slip_of_one_letter_is_told_the_value(option, names):
    assert len(names) > 1
    for name in names:
        slips = {name[:i] + name[i + 1 :] for i in range(len(name))} | {name.upper()}
        for slip in slips - set(names):
            assert repr(name) in hints.of_value(option, slip, names) or len(slip) < 2, slip


@pytest.mark.parametrize("word", ["banana", "house", "window", "python", "my own", ""])
def test_unrelated_words_are_told_nothing(word):
    for known in TABLES.values():
        assert hints.of_key(word, known, places()) == ""
    for option, names in CHOICES.items():
        assert hints.of_value(option, word, names) == ""


def test_data_set_of_scikit_learn(tmp_path):
    (tmp_path / "small.toml").write_text(STUDY.replace("diabetes", "diabets"))
    with pytest.raises(StudyError, match=r"'sklearn:diabets' is unknown \(did you mean diabetes\?\); allowed are"):
        data.load(study_file.load(tmp_path / "small.toml"))


def test_study_file_beside_it(tmp_path):
    (tmp_path / "small.toml").write_text(STUDY)
    with pytest.raises(StudyError, match=r"smal\.toml: no such study file \(did you mean small\.toml\?\)$"):
        study_file.load(tmp_path / "smal.toml")
    with pytest.raises(StudyError, match=r"other\.toml: no such study file$"):
        study_file.load(tmp_path / "other.toml")
    (tmp_path / "房价.toml").write_text(STUDY)
    with pytest.raises(StudyError, match=r"无\.toml: no such study file$"):  # the suffix is no similarity
        study_file.load(tmp_path / "无.toml")
    (tmp_path / "smell.toml").write_text(STUDY)
    with pytest.raises(StudyError, match=r"\(did you mean small\.toml or smell\.toml\?\)$"):
        study_file.load(tmp_path / "smll")


@pytest.mark.parametrize("place", ["small.toml", "studies/small.toml"])
def test_the_name_of_a_study_instead_of_its_file(tmp_path, monkeypatch, place):
    """`predict` takes the name, so it is tried with `tune`, too."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "studies").mkdir()
    (tmp_path / place).write_text(STUDY)
    with pytest.raises(StudyError, match=rf"^small: no such study file \(did you mean {place}\?\)$"):
        study_file.load("small")


COMMANDS = {
    "verb": (["tun", "x.toml"], "(did you mean tune?)"),
    "no verb": (["banana"], "'worker')"),
    "switch": (["tune", "x.toml", "--trails", "5"], "unrecognized arguments: --trails 5 (did you mean --trials?)"),
    "switch with its value": (["tune", "x.toml", "--trails=5"], "(did you mean --trials?)"),
    "no switch": (["tune", "x.toml", "--banana"], "unrecognized arguments: --banana"),
    "method": (["tune", "x.toml", "--method", "tpe"], "(tpe in other libraries is method = 'bayesian' here)"),
}


@pytest.mark.parametrize(("arguments", "told"), COMMANDS.values(), ids=COMMANDS)
def test_command_line(capsys, arguments, told):
    with pytest.raises(SystemExit):
        cli.main(arguments)
    assert capsys.readouterr().err.strip().endswith(told)


@pytest.mark.parametrize("verb", ["tun", "--trails"])
def test_what_a_typo_loads(verb):
    """The answer to a typo took as long as a study's start."""
    code = f"import sys\nfrom search import cli\ntry: cli.main(['tune', 'x', {verb!r}] if '-' in {verb!r} else [{verb!r}])\n"
    code += "except SystemExit: print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, "did you mean" in done.stderr) == ("False\n", True)


SEARCHES = {
    "parameter": ({"n_trails": 3}, TypeError, "unexpected keyword argument 'n_trails' (did you mean n_trials?)"),
    "GridSearchCV's": ({"param_grid": {}}, TypeError, "'param_grid' (param_grid in scikit-learn is space here)"),
    "method": ({"method": "gird"}, ValueError, "method = 'gird' (did you mean 'grid'?); allowed are"),
    "space": (
        {"space": {"alhpa": [1.0]}},
        ValueError,
        "space: 'alhpa' is not a parameter that can be searched (did you mean alpha?)",
    ),
    "space of Keras": ({"space": {"epochs": [1]}}, ValueError, "(epochs in MATLAB is max_iter here)"),
    "scorer": (
        {"scoring": "rmse"},
        ValueError,
        "scoring: 'rmse' is not a scikit-learn scorer (did you mean neg_root_mean",
    ),
    "scorers": ({"scoring": ["r2", "R"]}, ValueError, "scoring: 'R' is not a scikit-learn scorer (did you mean r2?)"),
    "refit": (
        {"scoring": ["r2", "neg_max_error"], "refit": "R2"},
        ValueError,
        "(did you mean r2?) with several metrics; allowed",
    ),
    "value": (
        {"space": {"solver": ["trainlm"]}, "method": "grid"},
        ValueError,
        "(trainlm in MATLAB is solver = 'lm' here)",
    ),
}


@pytest.mark.parametrize(("params", "kind", "told"), SEARCHES.values(), ids=SEARCHES)
def test_search_as_an_estimator(params, kind, told):
    X, y = np.arange(12.0).reshape(-1, 1), np.arange(12.0)
    with pytest.raises(kind) as error:
        BPSearchCV(BPRegressor(max_iter=2), **({"cv": 2} | params)).fit(X, y)
    assert told in str(error.value)


def test_space_of_a_pipeline_names_the_step():
    model = make_pipeline(StandardScaler(), BPRegressor())
    with pytest.raises(
        ValueError, match=r"'bpregressor__lr' is .* \(lr in MATLAB is bpregressor__learning_rate_init here\)"
    ):
        BPSearchCV(model, {"bpregressor__lr": [1.0]}).fit(np.zeros((9, 1)), np.zeros(9))
    with pytest.raises(ValueError, match=r"'bpregresor__alpha' is .* \(did you mean bpregressor__alpha\?\)"):
        BPSearchCV(model, {"bpregresor__alpha": [1.0]}).fit(np.zeros((9, 1)), np.zeros(9))


def test_set_params_of_a_search():
    with pytest.raises(ValueError, match=r"'n_trial' for estimator BPSearchCV \(did you mean n_trials\?\)"):
        BPSearchCV(BPRegressor()).set_params(n_trial=3)


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
