"""Models that version 0.1.0 saved load and predict as they did; models saved from now on name public classes only."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn.base import clone

import bpmodel
from bpmodel import Diagnosis, Repair, Verdict
from bpmodel.functions.scaling import Scaling
from tests.bpmodel.saved.make import MODELS, TABLE, X

# scikit-learn says that it is not the version that saved its own scaler; older and newer ones load it all the same
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.InconsistentVersionWarning")

FOLDER = Path(__file__).parent / "saved"
OLD_TYPES = {"bpmodel.monitor.Verdict", "bpmodel.record.Scales", "bpmodel.repair.Repair", "bpmodel.scaling.Scaling"}


def by_pickle(name):
    return pickle.loads((FOLDER / f"{name}.pkl").read_bytes())


def by_skops(name):
    file = FOLDER / f"{name}.skops"
    return skops.io.load(file, trusted=skops.io.get_untrusted_types(file=file))


def network_of(model):
    """Return the network in a pipeline or an ensemble."""
    return model[-1] if hasattr(model, "steps") else getattr(model, "estimators_", [model])[0]


def saved(model):
    data = skops.io.dumps(model)
    types = skops.io.get_untrusted_types(data=data)
    return types, skops.io.loads(data, trusted=types)


@pytest.mark.parametrize("load", [by_pickle, by_skops])
@pytest.mark.parametrize("name", MODELS)
def test_an_old_model_predicts_as_it_did_and_tells_how_its_fit_went(name, load):
    model = load(name)
    np.testing.assert_array_equal(model.predict(X[:5]), np.load(FOLDER / "predictions.npz")[name])
    network = network_of(model)
    assert isinstance(network.verdict_, Verdict)
    assert isinstance(network.diagnose(), Diagnosis)
    assert network.diverged_ == (name == "diverged")
    assert (len(network.repairs_) > 0) == (name == "repaired")
    assert all(isinstance(repair, Repair) for repair in network.repairs_)


@pytest.mark.parametrize("load", [by_pickle, by_skops])
def test_an_old_preprocessor_prepares_rows_as_it_did_bug(load):
    """It had no formats of columns, and the first row ended in an AttributeError."""
    table = load("table")
    np.testing.assert_array_equal(table.transform(TABLE), np.load(FOLDER / "predictions.npz")["table"])
    again = clone(table).fit(TABLE)
    np.testing.assert_array_equal(again.transform(TABLE), table.transform(TABLE))


def test_old_models_name_every_class_that_has_moved():
    """A fixture that named fewer would let a module at an old path be deleted."""
    types = {name for file in FOLDER.glob("*.skops") for name in skops.io.get_untrusted_types(file=file)}
    assert types >= OLD_TYPES


@pytest.mark.parametrize("load", [by_pickle, by_skops])
@pytest.mark.parametrize("name", MODELS)
def test_an_old_model_saved_again_names_public_classes(name, load):
    types, again = saved(load(name))
    assert not OLD_TYPES & set(types)
    np.testing.assert_array_equal(again.predict(X[:5]), np.load(FOLDER / "predictions.npz")[name])


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", MODELS)
def test_saved_models_name_public_classes_only(name):
    model, y = MODELS[name]
    types, again = saved(model.fit(X, y))
    public = {f"{c.__module__}.{c.__name__}" for c in vars(bpmodel).values() if isinstance(c, type)}
    assert set(types) <= public
    assert "bpmodel.Verdict" in types
    assert str(network_of(again).diagnose()) == str(network_of(model).diagnose())


@pytest.mark.parametrize("name", ["Diagnosis", "DivergenceError", "DivergenceWarning", "Finding", "Repair", "Verdict"])
def test_what_a_fit_leaves_behind_has_a_public_path(name):
    assert getattr(bpmodel, name).__module__ == "bpmodel"


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_state_is_plain(problems):
    X, y, ours, _ = problems["regression"]
    state = ours(max_iter=1, scale_input="standard").fit(X, y).__getstate__()
    modules = {type(value).__module__ for value in state.values()}
    assert modules <= {"builtins", "numpy", "bpmodel"}
    assert set(state["_scaling"]) == set(Scaling._fields)
