"""A model that somebody else wrote is built of known types, or it is refused; nothing in it is run."""

import functools
import io
import json
import operator
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sklearn
import skops
import skops.io
from packaging.version import parse
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingRegressor, VotingRegressor
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, DotProduct, WhiteKernel
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, TweedieRegressor
from sklearn.metrics import make_scorer
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, KBinsDiscretizer, StandardScaler
from sklearn.tree import DecisionTreeRegressor

from bpmodel import BPClassifier, BPEnsembleClassifier, BPRegressor
from bpmodel.preprocessing import TablePreprocessor
from bpmodel.preprocessing.options import PREPROCESSING
from search import load_model
from search.errors import StudyError
from search.trials.pipeline import default_pipeline
from search.trust import loading, types
from tests.bpmodel.saved.make import MODELS

SAVED = Path(__file__).parents[2] / "bpmodel" / "saved"
X = np.arange(12.0).reshape(6, 2)
COMMAND = "touch canary"


def noticed(*_, **__):
    """Leave a trace, as a function of an attacker would."""
    Path("canary").touch()
    return 1


class Own(BaseEstimator):
    """A class of the user's, which leaves a trace when it is rebuilt."""

    def __setstate__(self, state):
        noticed()
        super().__setstate__(state)

    def predict(self, X):
        return np.zeros(len(X))


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    assert not Path("canary").exists()


def dumped(model) -> bytes:
    return skops.io.dumps(model)


def around(step):
    """Return a pipeline with this step, unfitted: it counts what is built, not what is predicted."""
    return make_pipeline(step, LinearRegression())


HOLDING = {
    "a function of the system": (
        lambda: around(FunctionTransformer(os.system, kw_args={"command": COMMAND})),
        "system",
    ),
    "eval": (lambda: around(FunctionTransformer(eval)), "builtins.eval"),
    "exec as the inverse": (lambda: around(FunctionTransformer(None, inverse_func=exec)), "builtins.exec"),
    "open": (lambda: around(FunctionTransformer(open)), "open"),
    "a class that runs programs": (lambda: around(FunctionTransformer(subprocess.Popen)), "subprocess.Popen"),
    "a part of a function": (lambda: around(FunctionTransformer(functools.partial(os.system, COMMAND))), "partial"),
    "a caller of methods": (
        lambda: around(FunctionTransformer(operator.methodcaller("system", COMMAND))),
        "methodcaller",
    ),
    "a getter of attributes": (lambda: around(FunctionTransformer(operator.attrgetter("__class__"))), "attrgetter"),
    "a method of a path": (lambda: around(FunctionTransformer(Path("canary").touch)), "touch"),
    "a method": (lambda: around(FunctionTransformer(LinearRegression().predict)), "predict"),
    "an analyzer": (lambda: around(CountVectorizer(analyzer=os.system)), "system"),
    "a metric": (lambda: KNeighborsRegressor(metric=noticed), "noticed"),
    "a function of the target": (lambda: TransformedTargetRegressor(LinearRegression(), func=noticed), "noticed"),
    "a scorer": (lambda: GridSearchCV(LinearRegression(), {}, scoring=make_scorer(noticed)), "noticed"),
    "a cache of pickles": (lambda: make_pipeline(StandardScaler(), memory=__import__("joblib").Memory("m")), "Memory"),
    "a class of the user": (lambda: around(Own()), "Own"),
    "a reader of files": (lambda: around(FunctionTransformer(np.load)), "numpy.load"),
    "a reader of pickles": (lambda: around(FunctionTransformer(pickle.loads)), "loads"),
    "functions among the levels": (
        lambda: around(StandardScaler(copy=np.array([os.system, 1], dtype=object))),
        "system",
    ),
    "functions among the options of a network": (lambda: BPRegressor(activation=noticed), "noticed"),
    "functions in the state of a preprocessor": (lambda: around(TablePreprocessor(column_formats=noticed)), "noticed"),
}


@pytest.mark.parametrize(("make", "named"), HOLDING.values(), ids=HOLDING)
def test_a_model_that_holds_a_function_is_refused_by_name(make, named):
    Path("m.skops").write_bytes(dumped(make()))
    with pytest.raises(StudyError, match=r"^m\.skops is not loaded: it holds ") as error:
        load_model("m.skops")
    assert named in str(error.value)
    ours = named in ("noticed", "Own", "Memory", "numpy.load", "predict")
    assert ("--trust " in str(error.value)) == ours  # nobody is shown how to allow a part of Python
    assert "\n" not in str(error.value)


# ----------------------------------------------------------------------------- files that no library has written


def crafted(state, protocol: int = 2, **files: bytes) -> bytes:
    """Return a file whose content is a state written by hand."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as file:
        file.writestr("schema.json", json.dumps(state | {"protocol": protocol, "_skops_version": "0.16"}))
        for name, content in files.items():
            file.writestr(name, content)
    return written.getvalue()


def node(loader: str, name: str, **more) -> dict:
    module, _, name = name.rpartition(".")
    return {"__class__": name, "__module__": module, "__loader__": loader, **more}


def value(content) -> dict:
    return node("JsonNode", "builtins.str", content=json.dumps(content), is_json=True)


def listed(*items: dict, kind: str = "builtins.list", loader: str = "ListNode") -> dict:
    return node(loader, kind, content=list(items))


def model(**attributes: dict) -> dict:
    """Return the state of a linear model with these attributes."""
    attributes["_sklearn_version"] = value(sklearn.__version__)
    keys = listed(*(node("TypeNode", "builtins.str") for _ in attributes))
    state = node("DictNode", "builtins.dict", content=attributes, key_types=keys)
    return node("ObjectNode", "sklearn.linear_model._base.LinearRegression", content=state)


def dictionary(key_type: dict) -> dict:
    return node("DictNode", "builtins.dict", content={COMMAND: value(1)}, key_types=listed(key_type))


def pickled_array() -> bytes:
    class Evil:
        def __reduce__(self):
            return os.system, (COMMAND,)

    written = io.BytesIO()
    np.save(written, np.array([Evil()], dtype=object), allow_pickle=True)
    return written.getvalue()


ARGUMENTS = listed(value(COMMAND), kind="builtins.tuple", loader="TupleNode")
GENERATOR = {
    "bit_generator": node(
        "DictNode",
        "builtins.dict",
        content={"bit_generator": value("seed")},
        key_types=listed(node("TypeNode", "builtins.str")),
    ),
    "seed_seq": node("DictNode", "builtins.dict", content={}, key_types=listed()),
}
CRAFTED = {
    "a call": lambda: crafted(model(x=node("ConstructorFromReduceNode", "os.system", content=ARGUMENTS))),
    "a call of a class": lambda: crafted(
        model(x=node("ConstructorFromReduceNode", "subprocess.Popen", content=ARGUMENTS))
    ),
    "a list that is a program": lambda: crafted(
        model(x=listed(value("touch"), value("canary"), kind="subprocess.Popen"))
    ),
    "a set that is a program": lambda: crafted(
        model(x=listed(value("touch"), kind="subprocess.Popen", loader="SetNode"))
    ),
    "a key that is called": lambda: crafted(model(x=dictionary(node("TypeNode", "os.system")))),
    "a key that is called, as a function": lambda: crafted(model(x=dictionary(node("FunctionNode", "os.system")))),
    "an object without a class": lambda: crafted(node("ObjectNode", "os.system")),
    "a generator that is called": lambda: crafted(
        model(x=node("RandomGeneratorNode", "numpy.random._generator.Generator", content=GENERATOR))
    ),
    "an array of pickles": lambda: crafted(
        model(x=node("NdArrayNode", "numpy.ndarray", type="numpy", file="a.npy")), **{"a.npy": pickled_array()}
    ),
    "a sparse matrix of pickles": lambda: crafted(
        model(x=node("SparseMatrixNode", "scipy.sparse._matrix.spmatrix", type="scipy", file="a.npz")),
        **{"a.npz": pickled_array()},
    ),
    "a method of what cannot be rebuilt": lambda: crafted(
        model(
            x=node(
                "MethodNode",
                "sklearn.linear_model._base.LinearRegression",
                content={"func": "__reduce__", "obj": model()},
            )
        )
    ),
    "an operator that is none": lambda: crafted(model(x=node("OperatorFuncNode", "os.system", attrs=ARGUMENTS))),
    "a tree's constructor": lambda: crafted(
        model(
            x=node(
                "LossNode",
                "os.system",
                __reduce__={"args": ARGUMENTS},
                content=dictionary(node("TypeNode", "builtins.str")),
            )
        )
    ),
    "a name with control signs": lambda: crafted(model(x=node("FunctionNode", "os.\x1b]52;c;eA==\x07system"))),
    "a name of several lines": lambda: crafted(model(x=node("FunctionNode", "os.a\nerror: none"))),
    "a protocol of the future": lambda: crafted(model(), protocol=99),
    "a protocol below 0": lambda: crafted(model(), protocol=-1),
    "no protocol": lambda: crafted(model(), protocol=None),
    "an unknown loader": lambda: crafted(model(x=node("EvalNode", "builtins.eval"))),
    "a file that is not there": lambda: crafted(
        model(x=node("BytesNode", "builtins.bytes", file="../../../etc/passwd"))
    ),
    "no content": lambda: crafted({}),
    "a list": lambda: b"[]",
    "nothing": lambda: b"",
    "a pickle": lambda: pickle.dumps(noticed),
    "deep": lambda: _deep(),
    "something that predicts nothing": lambda: dumped(StandardScaler()),
    "a text": lambda: dumped("text"),
}


def _deep() -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as file:
        file.writestr("schema.json", '{"protocol": 2, "a": ' + "[" * 100_000 + "]" * 100_000 + "}")
    return written.getvalue()


@pytest.mark.parametrize("protocol", [0, 1, 2])
@pytest.mark.parametrize("make", CRAFTED.values(), ids=CRAFTED)
def test_a_crafted_file_is_an_error_of_one_line(make, protocol, monkeypatch):
    """An older protocol has older loaders."""
    content = make()
    if protocol != 2 and zipfile.is_zipfile(io.BytesIO(content)):
        content = content.replace(b'"protocol": 2', b'"protocol": %d' % protocol)
        content = _sealed(content, protocol)
    Path("m.skops").write_bytes(content)
    with pytest.raises(StudyError, match=r"^m\.skops") as error:
        load_model("m.skops")
    assert str(error.value).isprintable()


def _sealed(content: bytes, protocol: int) -> bytes:
    """Return the file with another protocol, and checksums that hold."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(written, "w") as new:
        for name in old.namelist():
            read = old.open(name)
            read._expected_crc = None
            new.writestr(name, read.read())
    return written.getvalue()


@pytest.mark.parametrize("protocol", [0, 1, 2])
def test_the_crafted_files_are_refused_for_what_they_hold(protocol):
    """The harmless frame around them loads."""
    Path("m.skops").write_bytes(crafted(model(positive=value(False)), protocol))
    assert isinstance(load_model("m.skops"), LinearRegression)


# ------------------------------------------------------------------------------------- classes of ours with another's state

FITTED = BPRegressor(hidden_layer_sizes=(3,), max_iter=2, normalization="batch", random_state=0)
STATES = {
    "too few parameters": {"_parameters": np.zeros(3)},
    "too many parameters": {"_parameters": np.zeros(500)},
    "parameters in a matrix": {"_parameters": np.zeros((2, 8))},
    "parameters of another type": {"_parameters": np.zeros(16, np.float16)},
    "parameters that are objects": {"_parameters": np.zeros(16, object)},
    "no parameters": {"_parameters": None},
    "too few running means": {"_running": np.zeros((2, 1))},
    "running means of another type": {"_running": np.zeros((2, 3), np.float32)},
    "more units": {"_layer_units": [2, 300, 1]},
    "units below 0": {"_layer_units": [2, -3, 1]},
    "a unit that is a text": {"_layer_units": [2, "3", 1]},
    "a fraction of a unit": {"_layer_units": [2, 3.0, 1]},
    "no layers": {"_layer_units": [2]},
    "fewer activations": {"_activations": []},
    "more activations": {"_activations": ["relu", "relu"]},
    "more inputs": {"n_features_in_": 7},
    "no inputs": {"n_features_in_": None},
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("change", STATES.values(), ids=STATES)
def test_a_network_whose_sizes_do_not_fit_is_not_loaded(change):
    """Compiled code looks at no bounds: it would read and write memory that is not its own."""
    network = FITTED.fit(X, X[:, 0])
    Path("m.skops").write_bytes(dumped(network))
    assert load_model("m.skops").predict(X).tolist() == network.predict(X).tolist()
    vars(network).update(change)
    Path("m.skops").write_bytes(dumped(network))
    with pytest.raises(StudyError, match=r"^m\.skops: the model is damaged") as error:
        load_model("m.skops")
    assert str(error.value).isprintable()


# ------------------------------------------------------------------------------------------------- what is loaded


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.InconsistentVersionWarning")
@pytest.mark.parametrize("name", MODELS)
def test_models_of_older_versions_load(name):
    found = load_model(SAVED / f"{name}.skops")
    assert hasattr(found, "predict")


HOMES = pd.DataFrame(
    {
        "area": np.linspace(30, 200, 12),
        "wage": [5.5, np.nan] * 6,
        "town": ["Ulm", "Bonn", None] * 4,
        "new": [True, False] * 6,
        "sold": pd.date_range("2024-02-28", periods=12, freq="9D"),
        "took": pd.to_timedelta(np.arange(12), "m"),
    }
)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("option", [o for o in PREPROCESSING if o.choices], ids=lambda option: option.name)
def test_the_pipelines_of_all_studies_hold_trusted_types_only(option):
    for choice in option.choices:
        pipeline = default_pipeline("regression", {"max_iter": 2, "hidden_layer_sizes": (3,)}, {option.name: choice})
        fitted = pipeline.fit(HOMES, HOMES["area"])
        assert loading.types_of(fitted) == frozenset(), choice
        Path("m.skops").write_bytes(dumped(fitted))
        assert load_model("m.skops").predict(HOMES).tolist() == fitted.predict(HOMES).tolist()


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_networks_and_means_of_networks_hold_trusted_types_only():
    diverged = BPRegressor(
        hidden_layer_sizes=(3,), solver="sgd", learning_rate_init=1e6, max_iter=3, on_divergence="repair"
    )
    classes = BPEnsembleClassifier(BPClassifier(hidden_layer_sizes=(3,), max_iter=2), n_members=2)
    for fitted in (diverged.fit(X, X[:, 0]), classes.fit(X, [0, 1] * 3), BPRegressor(solver="lbfgs").fit(X, X[:, 0])):
        assert loading.types_of(fitted) == frozenset()


OTHERS = {
    "kernels": GaussianProcessRegressor(DotProduct() + RBF() * WhiteKernel()),
    "calibration": CalibratedClassifierCV(LogisticRegression(), cv=2),
    "selection": make_pipeline(SelectKBest(f_regression, k=1), Ridge()),
    "bins": make_pipeline(KBinsDiscretizer(2), Ridge()),
    "gaps": make_pipeline(SimpleImputer(), Ridge()),
    "votes": VotingRegressor([("a", Ridge()), ("b", LinearRegression())]),
    "the logarithm": make_pipeline(FunctionTransformer(np.log1p), Ridge()),
    "scikit-learn's own network": MLPRegressor(hidden_layer_sizes=(3,), max_iter=2),
    "counts": TweedieRegressor(),
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("estimator", OTHERS.values(), ids=OTHERS)
def test_estimators_of_scikit_learn_load(estimator):
    fitted = estimator.fit(X, [0, 1] * 3)
    Path("m.skops").write_bytes(dumped(fitted))
    assert load_model("m.skops").predict(X).tolist() == fitted.predict(X).tolist()


@pytest.mark.skipif(parse(skops.__version__) < parse("0.16"), reason="older versions of skops allow trees themselves")
@pytest.mark.parametrize(
    ("estimator", "held"),
    [
        (DecisionTreeRegressor(), "sklearn.tree._tree.Tree"),
        (HistGradientBoostingRegressor(), "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"),
    ],
)
def test_trees_are_refused_unless_the_user_trusts_them(estimator, held):
    """Compiled code of scikit-learn follows their indices without a check."""
    fitted = estimator.fit(X, X[:, 0])
    Path("m.skops").write_bytes(dumped(fitted))
    with pytest.raises(StudyError, match=f"it holds {held}, .*--trust {held}"):
        load_model("m.skops")
    assert load_model("m.skops", trusted=[held]).predict(X).tolist() == fitted.predict(X).tolist()


def test_a_class_of_the_user_is_loaded_if_it_is_named(monkeypatch):
    name = f"{__name__}.Own"
    Path("m.skops").write_bytes(dumped(Own()))
    with pytest.raises(StudyError, match=f"--trust {name} "):
        load_model("m.skops")
    assert isinstance(load_model("m.skops", trusted=[name]), Own)
    Path("canary").unlink()  # it ran, as was asked
    assert isinstance(load_model("m.skops", trusted=name), Own)
    Path("canary").unlink()


def test_a_class_that_is_not_installed_is_named(monkeypatch):
    Path("m.skops").write_bytes(dumped(Own()))
    monkeypatch.setitem(sys.modules, __name__, None)
    with pytest.raises(StudyError, match=r"^m\.skops needs a module that is not installed here: .*test_hostile_models"):
        load_model("m.skops", trusted=[f"{__name__}.Own"])


@pytest.mark.parametrize("name", ["Own", "", "os.system()", "a b.c", "a..b", 3, None])
def test_what_is_trusted_must_be_a_name(name):
    with pytest.raises(StudyError, match="allowed are names with their module"):
        load_model("m.skops", trusted=[name])


def test_files_have_no_versions():
    with pytest.raises(StudyError, match=r"version = 2: 'm\.skops' is a file, which has no versions"):
        load_model("m.skops", 2)
    with pytest.raises(StudyError, match=r"^m\.skops: its file cannot be read: No such file"):
        load_model("m.skops")


def test_the_list_names_what_there_is():
    """A name that leads nowhere would be there for somebody else's module."""
    for name in types.TRUSTED:
        module, _, last = name.rpartition(".")
        assert hasattr(__import__(module, fromlist=[last]), last), name


def test_nothing_on_the_list_does_more_than_keep_or_compute():
    """A file may call each name with arguments of its own."""
    for name in types.OWN | types.OLD:
        module, _, last = name.rpartition(".")
        kind = getattr(__import__(module, fromlist=[last]), last)
        assert isinstance(kind, type), name
        called = None
        try:
            called = kind(COMMAND)
        except TypeError:
            continue
        assert isinstance(called, kind)
