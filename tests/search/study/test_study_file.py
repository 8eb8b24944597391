"""A study file is valid, or one line says where, key, value and what is allowed."""

import tomllib
from pathlib import Path

import pytest

from search import StudyError
from search.cv.kinds import Scheme
from search.space import spaces
from search.study import keys, study_file
from search.tracking.models import registry

ROOT = Path(__file__).parents[3]
SHIPPED = sorted((ROOT / "studies").glob("*.toml"))

GOOD = """\
# Why it exists.
name = "small"
[data]
source = "sklearn:diabetes"
task = "regression"
[model]
max_iter = 20
[space]
alpha = { low = 1e-3, high = 1.0, log = true }
[search]
n_trials = 3
[cv]
n_splits = 3
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write a study file in which texts are replaced; return its name."""
    monkeypatch.chdir(tmp_path)

    def write(*changes: tuple[str, str]) -> str:
        text = GOOD
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        Path("small.toml").write_text(text, encoding="utf-8")
        return "small.toml"

    return write


MISTAKES = {
    # unknown keys
    "key": (
        "n_trials = 3",
        "n_trails = 3",
        [
            "[search] n_trails",
            "method, n_trials, timeout, target_score, n_trials_no_change, n_seeds, n_members, register, seed, n_jobs",
        ],
    ),
    "table": ("[cv]", "[cross]", ["cross is not a key", "name, data, preprocessing, model, space, search, cv"]),
    "hyperparameter": ("max_iter = 20", "max_iterr = 20", ["[model] max_iterr is not a hyperparameter", "max_iter, "]),
    "hyperparameter in the space": ("alpha =", "alhpa =", ["[space] alhpa is not a hyperparameter", "alpha, "]),
    "what the search sets": (
        "alpha =",
        "random_state =",
        ["[space] random_state is not a hyperparameter", "activation, "],
    ),
    "other task's": (
        '"regression"\n[model]',
        '"classification"\n[model]\nscale_target = true',
        ["[model] scale_target"],
    ),
    # missing
    "no name": ('name = "small"', "", ["name is missing"]),
    "no source": ('source = "sklearn:diabetes"', "", ["[data] source is missing"]),
    # wrong type or value
    "name": ('"small"', '"a/b"', ["name = 'a/b'", "letters, digits"]),
    "task": ('"regression"', '"ranking"', ["[data] task = 'ranking'", "'regression' or 'classification'"]),
    "text for a number": (
        "n_trials = 3",
        'n_trials = "3"',
        ["[search] n_trials = '3'; allowed are whole numbers from 1"],
    ),
    "fraction for a whole number": (
        "n_trials = 3",
        "n_trials = 3.5",
        ["[search] n_trials = 3.5; allowed are whole numbers from 1"],
    ),
    "budget": ("n_trials = 3", "n_trials = 0", ["[search] n_trials = 0; allowed are whole numbers from 1"]),
    "penalty": (
        "n_trials = 3",
        'penalty = "nan"',
        ["[search] penalty = 'nan'; allowed are graded_constraint, ", "pruned, fail"],
    ),
    "method": (
        "n_trials = 3",
        'method = "genetic"',
        [
            "[search] method = 'genetic' (genetic in other libraries is method = 'cma-es' here); allowed are bayesian, gp"
        ],
    ),
    "timeout": ("n_trials = 3", "timeout = 0", ["[search] timeout = 0; allowed are numbers above 0, in seconds"]),
    "no change": (
        "n_trials = 3",
        "n_trials_no_change = 0",
        ["[search] n_trials_no_change = 0; allowed are whole"],
    ),
    "seeds": ("n_trials = 3", "n_seeds = 9", ["[search] n_seeds = 9; allowed are whole numbers from 1 to 8"]),
    "seed": ("n_trials = 3", "seed = -1", ["[search] seed = -1; allowed are whole numbers from 0 to 4294967295"]),
    "jobs": (
        "n_trials = 3",
        "n_jobs = 0",
        ["[search] n_jobs = 0", "whole numbers from -1024 to 1024, but not 0; -1 means all cores"],
    ),
    "folds": ("n_splits = 3", "n_splits = 1", ["[cv] n_splits = 1", "greater than or equal to 2"]),
    "shuffle": ("n_splits = 3", 'shuffle = "yes"', ["[cv] shuffle = 'yes'", "boolean"]),
    "scorer": (
        "n_splits = 3",
        'scoring = "rmse"',
        ["[cv] scoring = 'rmse' is not a scikit-learn scorer (did you mean neg_root_mean_squared_error?)"],
    ),
    "scorer like no other": ("n_splits = 3", 'scoring = "profit"', ["'profit' is not", "allowed are accuracy, "]),
    "scorer in a list": (
        "n_splits = 3",
        'scoring = ["r2", "MAE"]',
        ["[cv] scoring = ['r2', 'MAE']: 'MAE' is not", "did you mean neg_mean_absolute_error?"],
    ),
    "no scorer": ("n_splits = 3", "scoring = []", ["[cv] scoring = []; allowed are the name of a scikit-learn scorer"]),
    "scorer twice": (
        "n_splits = 3",
        'scoring = ["r2", "r2"]',
        ["[cv] scoring = ['r2', 'r2']; allowed are", "different"],
    ),
    "number for a scorer": ("n_splits = 3", "scoring = 3", ["[cv] scoring = 3; allowed are the name"]),
    "number among scorers": ("n_splits = 3", 'scoring = ["r2", 3]', ["[cv] scoring = ['r2', 3]; allowed are the name"]),
    "table that is a number": ("[model]\nmax_iter = 20", "", ["model = 3"]),
    "preprocessing": (
        "[model]",
        "[preprocessing]\nscaler = 1\n[model]",
        ["[preprocessing] scaler is not a preprocessing option", "numeric, n_bins"],
    ),
    # out of range
    "scaling": (
        "[model]",
        "[preprocessing]\nnumeric = 'log'\n[model]",
        ["[preprocessing] numeric = 'log'", "one of minmax, none, piecewise"],
    ),
    "bins": ("[space]", "[space]\nn_bins = [0, 4]", ["[space] n_bins = 0", "a whole number >= 1"]),
    "epochs": ("max_iter = 20", "max_iter = 0", ["[model] max_iter = 0", "a whole number >= 1"]),
    "epochs as text": ("max_iter = 20", 'max_iter = "many"', ["[model] max_iter = 'many'", "a whole number >= 1"]),
    "momentum": ("max_iter = 20", "momentum = 1.5", ["[model] momentum = 1.5", ">= 0 and <= 1"]),
    "activation": (
        "max_iter = 20",
        'activation = "step"',
        ["[model] activation = 'step'", "one of elu, gelu, identity"],
    ),
    "layers": (
        "max_iter = 20",
        "hidden_layer_sizes = [8, 0]",
        ["[model] hidden_layer_sizes = [8, 0]", "a whole number >= 1 and <= 1000000 or a list of at most 1000 of them"],
    ),
    "layers as text": (
        "max_iter = 20",
        'hidden_layer_sizes = "8"',
        ["[model] hidden_layer_sizes = '8'", "a whole number >= 1 and <= 1000000 or a list of at most 1000 of them"],
    ),
    "one choice": (
        "[space]",
        "[space]\nsolver = ['adam', 'newton']",
        ["[space] solver = 'newton'", "one of adagrad, adam"],
    ),
    "end of a range": ("low = 1e-3", "low = 1e-3, high = 1", ["is not valid TOML"]),
    "negative rate": (
        "[space]",
        "[space]\nlearning_rate_init = [-0.1]",
        ["[space] learning_rate_init = -0.1", "a number > 0"],
    ),
    "range beyond the domain": (
        "[space]",
        "[space]\nmomentum = {low=0.0, high=2}",
        ["[space] momentum = 2", ">= 0 and <= 1"],
    ),
    "range of fractions": (
        "[space]",
        "[space]\nbatch_size = {low=1.5, high=9.5}",
        ["[space] batch_size = 1.5", "a whole number >= 1"],
    ),
    # cross-validation
    "kind": (
        "n_splits = 3",
        "kind = 'kfold'",
        ["[cv] kind = 'kfold' (did you mean 'k_fold'?); allowed are k_fold, stratified, group, "],
    ),
    "kind of another task": (
        "n_splits = 3",
        "kind = 'stratified'",
        ["[cv] kind = 'stratified' needs [data] task = 'classification'"],
    ),
    "gap of shuffled rows": (
        "n_splits = 3",
        "gap = 1",
        ["[cv] gap = 1 is not supported by kind = 'k_fold'", "n_splits, shuffle"],
    ),
    "shuffled series": (
        "n_splits = 3",
        "kind = 'time_series'\nshuffle = true",
        ["[cv] shuffle = True is not supported by kind = 'time_series'; allowed are n_splits, gap, outer, scoring"],
    ),
    "no group": ("n_splits = 3", "kind = 'group'", ["[cv] kind = 'group' needs group, the name of a column"]),
    "no split": ("n_splits = 3", "kind = 'predefined'", ["[cv] kind = 'predefined' needs split, the name of a column"]),
    "number of given folds": (
        "n_splits = 3",
        "n_splits = 3\nsplit = 'age'",
        ["[cv] n_splits = 3 is not supported by", "'predefined'"],
    ),
    "group and split": (
        "n_splits = 3",
        "group = 'sex'\nsplit = 'age'",
        ["[cv] group = 'sex' is not supported by kind = 'predefined'"],
    ),
    "repeats in order": ("n_splits = 3", "shuffle = false\nrepeats = 2", ["[cv] repeats = 2 needs shuffle = true"]),
    "no repeats": ("n_splits = 3", "repeats = 0", ["[cv] repeats = 0", "greater than or equal to 1"]),
    # the space
    "condition": (
        "[space]",
        "[space]\nmomentum = {low=0.5, high=0.9, when={slover='sgd'}}",
        ["[space]: momentum has when = { slover = … }; it can name momentum, alpha"],
    ),
    "width beyond the domain": (
        "[space]",
        "[space]\nhidden_layer_sizes = {layers=[1, 2], width=[0, 8]}",
        ["[space]: hidden_layer_sizes has width", "allowed are whole numbers from 1"],
    ),
    "point": (
        "n_trials = 3",
        "initial_points = [{ alpha = 0.1 }, { alpha = 2.0 }]",
        ["[search] initial_points[1]: alpha is 2.0; allowed are numbers from 0.001 to 1.0"],
    ),
    "empty space": ("alpha = { low = 1e-3, high = 1.0, log = true }", "", ["[space] is empty"]),
    "no choices": ("{ low = 1e-3, high = 1.0, log = true }", "[]", ["[space]: alpha is an empty list", "at least one"]),
    "fixed value": ("{ low = 1e-3, high = 1.0, log = true }", "0.1", ["[space]: alpha is 0.1", "under [model]"]),
    "in preprocessing and space": (
        "[space]",
        "[preprocessing]\nn_bins = 4\n[space]\nn_bins = [2, 4]",
        ["[space] n_bins is also fixed under [preprocessing]"],
    ),
    "in both": ("[model]", "[model]\nalpha = 0.1", ["[space] alpha is also fixed under [model]"]),
    "bad range": (
        "high = 1.0",
        "high = 1e-4",
        ["[space]: alpha has low = 0.001 and high = 0.0001", "low must be below"],
    ),
    "log from 0": ("low = 1e-3", "low = 0", ["[space]: alpha has low = 0 and log = true", "above 0"]),
    "key of a range": (
        "log = true",
        "scale = 'log'",
        ["[space]: alpha has a key 'scale'", "low, high, log, integer, points"],
    ),
    # not a study file at all
    "not TOML": ("[data]", "[data", ["is not valid TOML", "line 3"]),
}


@pytest.mark.parametrize(("old", "new", "told"), MISTAKES.values(), ids=MISTAKES.keys())
def test_one_line_names_file_key_value_and_what_is_allowed(write, old, new, told):
    changes = [(old, new)]
    if told == ["model = 3"]:
        changes.append(("# Why it exists.", "model = 3"))
    with pytest.raises(StudyError) as error:
        study_file.load(write(*changes))
    line = str(error.value)
    assert line.startswith("small.toml: ")
    assert "\n" not in line
    assert [text for text in told if text not in line] == []


NO_SPACE = ("[space]\nalpha = { low = 1e-3, high = 1.0, log = true }\n", "")


@pytest.mark.parametrize("named", ["", 'space = "default"\n'])
def test_without_a_space_there_is_a_default_one_without_what_is_fixed(write, named):
    study = study_file.load(write(NO_SPACE, ("[model]", "[model]\nalpha = 0.1"), ("[data]", f"{named}[data]")))
    default = {name: d for name, d in spaces.default().items() if name != "alpha"}
    assert study.space == default


ADAM = '[[space]]\nsolver = ["adam"]\nalpha = { low = 1e-3, high = 1.0, log = true }\n'


def test_spaces_side_by_side(write):
    study = study_file.load(write((NO_SPACE[0], f'{ADAM}[[space]]\nsolver = ["sgd"]\nmomentum = [0.5, 0.9]\n')))
    adam, sgd = study.space.members
    assert list(adam) == ["solver", "alpha"]
    assert list(sgd.grid_points()) == [{"solver": "sgd", "momentum": 0.5}, {"solver": "sgd", "momentum": 0.9}]
    alone = study_file.load(write((NO_SPACE[0], ADAM)))
    assert alone.space == adam


@pytest.mark.parametrize(
    ("second", "told"),
    {
        "unknown": ("alfa = [1.0]", r"\[space\] alfa .*; allowed are"),
        "value": ("solver = ['adam']\nalpha = [-1.0]", r"\[space\] alpha = -1.0"),
        "form": ("alpha = { low = 2, high = 1 }", r"\[space\]\[1\]: alpha has low = 2 and high = 1"),
        "nothing": ("", r"\[space\]\[1\] is empty"),
    }.values(),
)
def test_mistakes_in_spaces_side_by_side(write, second, told):
    with pytest.raises(StudyError, match=told):
        study_file.load(write((NO_SPACE[0], f"{ADAM}[[space]]\n{second}\n")))


@pytest.mark.parametrize("given", ["'small'", "3", "['default']", "[]"])
def test_no_other_space_has_a_name(write, given):
    with pytest.raises(
        StudyError, match=r"^small.toml: space = .*; allowed are a table \[space\], several .* and 'default'$"
    ):
        study_file.load(write(NO_SPACE, ("[data]", f"space = {given}\n[data]")))


def test_points_of_the_users_are_completed(write):
    study = study_file.load(write(("n_trials = 3", "initial_points = [{ alpha = 1 }, {}]")))
    assert study.initial_points[0] == {"alpha": 1.0}
    assert 1e-3 <= study.initial_points[1]["alpha"] <= 1.0


def test_not_text(tmp_path):
    (tmp_path / "x.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(StudyError, match=r"x\.toml: cannot be read"):
        study_file.load(tmp_path / "x.toml")


@pytest.mark.parametrize("path", ["missing.toml", "."])
def test_no_such_file(path):
    with pytest.raises(StudyError, match=r"no such study file|cannot be read"):
        study_file.load(path)


def test_what_a_study_file_does_not_say_has_defaults(write):
    study = study_file.load(write(("[search]\nn_trials = 3\n[cv]\nn_splits = 3\n", "")))
    assert study.search == keys.Search(method="bayesian", n_trials=50, timeout=None, seed=0, n_jobs=-1, prune=None)
    assert (study.scheme, study.scoring) == (Scheme("k_fold", 5), "neg_root_mean_squared_error")
    assert study.scheme.shuffled


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("", "k_fold"),
        ("group = 'town'", "group"),
        ("split = 'part'", "predefined"),
        ("kind = 'leave_one_group_out'\ngroup = 'town'", "leave_one_group_out"),
        ("kind = 'time_series'\ngap = 2", "time_series"),
    ],
)
def test_kind_of_cross_validation_follows_from_the_columns_named(write, said, kind):
    scheme = study_file.load(write(("n_splits = 3", said))).scheme
    assert (scheme.kind, scheme.shuffled) == (kind, kind == "k_fold")


def test_another_method_has_a_name_of_its_own(write):
    study = study_file.load(write())
    grid = study.with_method("grid")
    assert (grid.name, grid.search.method, grid.space) == ("small-grid", "grid", study.space)
    assert study.with_method("bayesian") is study
    assert study.with_search(n_trials=9).search.n_trials == 9


@pytest.mark.parametrize(
    ("assignment", "value"),
    [
        ("alpha=0.5", {"alpha": 0.5}),
        ("hidden_layer_sizes=[8, 4]", {"hidden_layer_sizes": [8, 4]}),
        ("activation=tanh", {"activation": "tanh"}),
        ('activation="tanh"', {"activation": "tanh"}),
        ("early_stopping=true", {"early_stopping": True}),
    ],
)
def test_values_from_the_command_line(write, assignment, value):
    assert study_file.parse_values(study_file.load(write()), [assignment]) == value


@pytest.mark.parametrize(
    ("assignment", "told"),
    [
        ("alpha", r"--set alpha: .*name=value"),
        ("alpha=-1", r"--set: .*alpha = -1; allowed: a number >= 0"),
        ("alhpa=1", r"alhpa is not a hyperparameter .did you mean alpha.*; allowed are .*alpha"),
        ("activation=step", r"activation = 'step'; allowed: .*relu"),
        ('activation=["relu", "step"]', r"activation = \['relu', 'step'\]; allowed: .*relu"),
    ],
)
def test_mistakes_on_the_command_line(write, assignment, told):
    with pytest.raises(StudyError, match=told):
        study_file.parse_values(study_file.load(write()), [assignment])


def test_there_are_shipped_studies():
    assert {path.stem for path in SHIPPED} >= {"breast_cancer", "diabetes", "digits", "exploding", "learning_rates"}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_study_loads_and_says_first_why_it_exists(path):
    study = study_file.load(path)
    assert study.name == path.stem
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# ")
    assert first.endswith(".")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("a.toml", "invalid start byte at byte 4; allowed is UTF-8$"),
        ("a.xlsx", "it is no study file; bpsearch init makes one$"),
    ],
)
def test_what_is_no_text_cannot_be_read(tmp_path, name, told):
    (tmp_path / name).write_bytes(b"PK\x03\x04\xff\xfe")
    with pytest.raises(StudyError, match=told):
        study_file.load(tmp_path / name)


@pytest.mark.parametrize("password", ["s3cret", "s3 cret", "s3'cr#et", 's3\\"cret', "cret/@:?cret"])
def test_no_password_is_stored_whatever_its_signs(tmp_path, password):
    path = tmp_path / "a.toml"
    path.write_text(f'[data]\nsource = "postgresql://me:{password}@host/db?table=t"    # of the office\n')
    stored = study_file.source(path)
    assert "cret" not in stored
    assert tomllib.loads(stored)["data"]["source"].endswith("***@host/db?table=t")


def test_what_is_stored_of_a_file_with_a_byte_order_mark_could_not_be_read_again_bug(write):
    """`bpsearch show` had no report, and `bpsearch predict small.toml` was told of invalid TOML."""
    path = Path(write())
    path.write_text("\ufeff" + path.read_text(encoding="utf-8"), encoding="utf-8")
    stored = study_file.source(path)
    assert study_file.parse(stored, path).space == study_file.load(path).space
    assert registry.named(str(path)) == ("small", None)
