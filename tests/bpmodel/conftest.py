"""The problems every table of tests runs over: one per kind of target, with the two implementations that solve it."""

from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import settings
from numpy.typing import NDArray
from sklearn.neural_network import MLPClassifier, MLPRegressor

from bpmodel import BPClassifier, BPRegressor
from bpmodel.compiler.announcement import silence

silence()  # so that no test depends on whether it is the one that compiles
settings.register_profile("untimed", deadline=None)  # a busy machine is no fault of a test
settings.load_profile("untimed")


class Problem(NamedTuple):
    X: NDArray[np.float64]
    y: NDArray
    ours: Any
    theirs: Any


@pytest.fixture(scope="session")
def everything() -> dict[str, Any]:
    """An option of every kind that is switched off by default, all at once, for two hidden layers."""
    return {
        "activation": ["gelu", "tanh"],
        "solver": "amsgrad",
        "learning_rate": "one_cycle",
        "learning_rate_init": 0.01,
        "warmup_epochs": 1.5,
        "init": "orthogonal",
        "zero_last_layer": True,
        "normalization": "batch",
        "dropout": 0.2,
        "input_noise": 0.1,
        "l1": 1e-3,
        "weight_decay": 0.01,
        "max_norm": 3.0,
        "ema_decay": 0.9,
        "clipping": "median",
        "clip_threshold": 1.1,
    }


@pytest.fixture(scope="session")
def problems() -> dict[str, Problem]:
    random = np.random.default_rng(0)
    X = random.normal(size=(120, 6))
    signal = X[:, :3] @ random.normal(size=(3, 3)) + 0.3 * random.normal(size=(120, 3))
    made = {
        "regression": Problem(X, signal[:, 0], BPRegressor, MLPRegressor),
        "several outputs": Problem(X, signal, BPRegressor, MLPRegressor),
        "binary": Problem(X, (signal[:, 0] > 0).astype(int), BPClassifier, MLPClassifier),
        "multiclass": Problem(X, signal.argmax(axis=1), BPClassifier, MLPClassifier),
        "multilabel": Problem(X, (signal > 0).astype(int), BPClassifier, MLPClassifier),
    }
    for problem in made.values():
        problem.X.setflags(write=False)
        problem.y.setflags(write=False)
    return made
