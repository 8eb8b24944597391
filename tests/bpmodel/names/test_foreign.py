"""Names of other tools: each is told a setting that is allowed here."""

from collections import Counter

import pytest

from bpmodel import BPClassifier, BPEnsembleRegressor, BPRegressor
from bpmodel.domains import InvalidParameterError
from bpmodel.names import foreign, hints
from bpmodel.names.foreign import KEYS, OPTION, VALUES, find
from bpmodel.names.near import plain
from bpmodel.options import CLASSIFIER_OPTIONS, REGRESSOR_OPTIONS
from bpmodel.preprocessing.options import PREPROCESSING
from bpmodel.preprocessing.table import TablePreprocessor

NETWORKS = {"regression": BPRegressor, "classification": BPClassifier}
TASKS = {
    "regression": {o.name: o for o in (*REGRESSOR_OPTIONS, *PREPROCESSING)},
    "classification": {o.name: o for o in (*CLASSIFIER_OPTIONS, *PREPROCESSING)},
}
IN_NETWORKS = [row for row in VALUES if row.option in TASKS["regression"]]
MATLABS = [
    "traingd",
    "traingdm",
    "traingda",
    "traingdx",
    "trainrp",
    "trainscg",
    "trainbfg",
    "trainlm",
    "trainbr",
    "traincgf",
    "traincgp",
    "traincgb",
    "trainoss",
    "tansig",
    "logsig",
    "purelin",
    "poslin",
    "softmax",
    "radbas",
    "mapminmax",
    "mapstd",
    "removeconstantrows",
    "processpca",
    "mse",
    "mae",
    "sse",
    "msereg",
    "crossentropy",
    "dividerand",
    "divideblock",
    "divideint",
]
MATLABS_KEYS = [
    "trainParam.epochs",
    "net.trainParam.lr",
    "trainParam.mc",
    "trainParam.goal",
    "max_fail",
    "min_grad",
    "hiddenSizes",
    "trainFcn",
    "performFcn",
    "transferFcn",
    "divideFcn",
    "divideParam.valRatio",
]


def tasks(row):
    """Return the tasks that a row is for."""
    return [task for task in TASKS if row.task in ("", task)]


def identifier(row):
    return f"{row.name}-{row.option}-{row.task}"


def allows(option, value):
    return value in option.domain


@pytest.mark.parametrize("row", IN_NETWORKS, ids=identifier)
def test_value_is_allowed_and_told(row):
    """A row for both tasks needs a value that both allow."""
    for task in tasks(row):
        options = TASKS[task]
        assert allows(options[row.option], row.value)
        assert all(allows(options[name], value) for name, value in row.also.items())
        assert not allows(options[row.option], row.name), "it is no foreign name"
        told = hints.of_value(row.option, row.name, options[row.option].domain.names)
        assert repr(row.value) in told
        assert "\n" not in told


@pytest.mark.parametrize("name", MATLABS)
def test_every_name_of_matlab_has_a_row(name):
    assert {"MATLAB"} <= {row.tool for row in find(VALUES, name)}


@pytest.mark.parametrize("name", MATLABS_KEYS)
def test_every_parameter_of_matlab_has_a_row(name):
    assert {"MATLAB"} <= {row.tool for row in find(KEYS, name)}


def test_rows_are_unique_and_their_words_are_one_line():
    for rows in (VALUES, KEYS):
        counted = Counter((plain(row.name), row.option, row.task, row.tool) for row in rows)
        assert {key: n for key, n in counted.items() if n > 1} == {}
        assert all("\n" not in row.remark and not row.remark.endswith(".") for row in rows)
        assert all(row.remark for row in rows if not row.option)
        assert all(plain(row.name) for row in rows)
    assert all(row.value is OPTION or not row.option for row in KEYS)
    assert all(row.value is not OPTION for row in VALUES)


def test_of_two_rows_the_first_that_is_allowed_is_told():
    assert hints.of_value("solver", "trainlm", TASKS["regression"]["solver"].domain.names) == (
        " (trainlm in MATLAB is solver = 'lm' here)"
    )
    assert hints.of_value("solver", "trainlm", TASKS["classification"]["solver"].domain.names) == (
        " (trainlm in MATLAB is solver = 'lbfgs' here)"
    )


VALUES_TOLD = {
    "case": ("regression", {"solver": "Adam"}, "Got 'Adam' instead (did you mean 'adam'?)."),
    "case of a loss": ("regression", {"activation": "ReLU"}, "Got 'ReLU' instead (did you mean 'relu'?)."),
    "near": ("regression", {"solver": "rmsprob"}, "(did you mean 'rmsprop'?)."),
    "other option": ("regression", {"activation": "trainscg"}, "(trainscg in MATLAB is solver = 'scg' here)."),
    "several settings": (
        "regression",
        {"solver": "traingdx"},
        "solver = 'sgd' with momentum = 0.9, nesterovs_momentum = false, learning_rate = 'adaptive' here).",
    ),
    "no such thing": ("regression", {"activation": "radbas"}, "(radbas in MATLAB: these networks have no radial"),
    "other task": ("regression", {"loss": "CrossEntropyLoss"}, "loss = 'log_loss' here, for classification only)."),
    "other task, the other way": ("classification", {"loss": "HuberLoss"}, "for regression only)."),
    "book": ("regression", {"activation": "双曲正切"}, "(双曲正切 in Chinese textbooks is activation = 'tanh' here)."),
    "number": ("regression", {"learning_rate": 0.01}, "Got 0.01 instead (a number is learning_rate_init)."),
    "patience": ("classification", {"early_stopping": 5}, "Got 5 instead (a number is n_iter_no_change)."),
    "nothing": ("regression", {"solver": "banana"}, "Got 'banana' instead."),
    "truth value": ("regression", {"learning_rate": True}, "Got True instead."),
}


@pytest.mark.parametrize(("task", "params", "told"), VALUES_TOLD.values(), ids=VALUES_TOLD)
def test_message_of_a_fit(task, params, told):
    with pytest.raises(InvalidParameterError) as error:
        NETWORKS[task](**params).fit([[0.0], [1.0], [2.0]], [0, 1, 1])
    assert str(error.value).endswith(told) or told in str(error.value)
    assert "\n" not in str(error.value)


def test_a_wrong_one_of_several_activations_is_told():
    with pytest.raises(
        ValueError, match=r"'tansig' is unknown \(tansig in MATLAB is activation = 'tanh' here\); allowed"
    ):
        BPRegressor(hidden_layer_sizes=(3, 3), activation=["relu", "tansig"]).fit([[0.0], [1.0]], [0.0, 1.0])


ARGUMENTS = {
    "hidden_layers": " (hidden_layers in other libraries is hidden_layer_sizes here)",
    "hidden_layer_size": " (did you mean hidden_layer_sizes?)",
    "lr": " (lr in MATLAB is learning_rate_init here)",
    "Alpha": " (did you mean alpha?)",
    "epochs": " (epochs in MATLAB is max_iter here)",
    "goal": " (goal in MATLAB: a fit ends by tol, n_iter_no_change and max_iter)",
    "divideFcn": " (divideFcn in MATLAB is early_stopping here)",
    "隐含层": " (隐含层 in Chinese textbooks is hidden_layer_sizes here)",
    "beta": " (did you mean beta_1 or beta_2?)",
    "banana": "",
}


@pytest.mark.parametrize("network", NETWORKS.values())
@pytest.mark.parametrize("name", ARGUMENTS)
def test_argument_of_a_constructor(name, network):
    message = f"{network.__name__}.__init__() got an unexpected keyword argument {name!r}{ARGUMENTS[name]}"
    with pytest.raises(TypeError) as error:
        network(**{name: 1})
    assert str(error.value) == message


@pytest.mark.parametrize(
    "estimator", [BPRegressor(), BPClassifier(), TablePreprocessor(), BPEnsembleRegressor(BPRegressor())]
)
def test_set_params_tells_the_name(estimator):
    """A known name sets; nothing is set if one of several is unknown."""
    before = estimator.get_params()
    name = sorted(estimator.get_params(deep=False))[0]
    with pytest.raises(
        ValueError, match=rf"^Invalid parameter '{name[:-1]}' for estimator .*\(did you mean {name}\?\)"
    ):
        estimator.set_params(**{name: before[name], name[:-1]: 1})
    assert estimator.get_params().keys() == before.keys()
    assert estimator.set_params(**{name: before[name]}) is estimator


def test_set_params_of_nested_and_unknown_names_is_scikit_learns():
    with pytest.raises(ValueError, match="Invalid parameter 'banana' for estimator"):
        BPRegressor().set_params(banana=1)
    ensemble = BPEnsembleRegressor(BPRegressor()).set_params(estimator__alpha=3.0)
    assert ensemble.estimator.alpha == 3.0
    with pytest.raises(ValueError, match=r"'epochs' for estimator BPRegressor \(epochs in MATLAB is max_iter here\)"):
        ensemble.set_params(estimator__epochs=3)


@pytest.mark.parametrize("row", [row for row in KEYS if row.option in TASKS["regression"]], ids=identifier)
def test_key_is_told_the_option(row):
    for options in (REGRESSOR_OPTIONS, CLASSIFIER_OPTIONS, PREPROCESSING):
        known = [o.name for o in options]
        if row.option in known:
            assert hints.of_key(row.name, known).endswith((f" {row.option} here)", f" {row.option}?)"))
        assert row.name not in known, "it is no foreign name"


def test_what_stands_elsewhere_and_dotted_names():
    assert hints.of_key("alhpa", ["beta_1"], {"alpha": "[model] alpha"}) == " (did you mean [model] alpha?)"
    assert hints.of_key("net", ["tol"], value={"trainParam.min_grad": 0.1}) == " (min_grad in MATLAB is tol here)"
    assert hints.of_key("net", ["tol"], value=3) == ""
    assert hints.of_key("net", ["tol"], value={"banana": 3}) == ""
    assert hints.of_key("Seed", ["seed"], {"random_state": "[model] random_state"}) == " (did you mean seed?)"
    assert hints.of_key("alpha_", ["alphabet"], {"alphas": "[x] alphas"}) == " (did you mean alphabet?)"
    assert hints.of_value("bpregressor__solver", "trainlm", ["lm"]) == " (trainlm in MATLAB is solver = 'lm' here)"
    assert foreign.find(KEYS, "...") == []


@pytest.mark.parametrize(
    ("option", "written", "meant"),
    [("activation", "logsigg", "logistic"), ("solver", "trianscg", "scg"), ("activation", "tansigs", "tanh")],
)
def test_a_slip_in_the_name_of_another_tool(option, written, meant):
    """Bug: there was no hint, although the name without the slip had one."""
    allowed = ["logistic", "tanh", "scg", "lm", "lm_bayesian"]
    assert f"is {option} = {meant!r} here" in hints.of_value(option, written, allowed)
    assert hints.of_value(option, written, ["relu"]) == ""  # what is not allowed is not told
