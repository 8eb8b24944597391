"""Fits of hostile options and hostile data: what leaves them, and whether a verdict is true.

An attempt draws an estimator, options, rows, targets and weights, most of them allowed and extreme, some of them nonsense. It
finds a fault where

- another exception than ValueError, TypeError or one of the project's own leaves `fit`, `predict` or what is shown of a fit;
- a warning of NumPy, or a flood of warnings, is issued;
- a verdict "ok" stands over predictions that are not finite, or over a loss thousands of times the dummy predictor's and the
  start's;
- a fit has diverged, and its diagnosis finds nothing, or cannot be shown.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, issparse
from scipy.special import log_softmax
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning

from bpmodel import (
    BPClassifier,
    BPEnsembleClassifier,
    BPEnsembleRegressor,
    BPRegressor,
    DivergenceError,
    DivergenceWarning,
    preflight,
    sharpness,
)
from bpmodel.full_batch.solvers import FULL_BATCH
from bpmodel.functions.activations import ACTIVATIONS
from bpmodel.functions.clipping import CLIPPINGS
from bpmodel.functions.initializers import INITIALIZERS
from bpmodel.functions.losses import CLASSIFICATION, LOSSES, REGRESSION
from bpmodel.functions.normalization import NORMALIZATIONS
from bpmodel.functions.optimizers import OPTIMIZERS
from bpmodel.functions.scaling import SCALINGS
from bpmodel.functions.schedules import SCHEDULES
from bpmodel.option import Option
from bpmodel.options import CLASSIFIER_OPTIONS, ON_DIVERGENCE, REGRESSOR_OPTIONS

NAME = "fits"
GOAL = 20_000
SHORT = 60

ALLOWED = (ValueError, TypeError, DivergenceError)
ISSUED = (ConvergenceWarning, DivergenceWarning, DataConversionWarning, UserWarning)
MOST_WARNINGS, MOST_KINDS = 12, 4
WORSE = 1000.0
"""Loss over the larger of the dummy predictor's and the start's from which no fit is "ok"."""

JUDGES: dict[str, Callable[[NDArray, NDArray], Any]] = {
    "squared_error": lambda z, y: np.mean((z - y) ** 2) / 2,
    "absolute_error": lambda z, y: np.abs(z - y).sum(axis=1).mean(),
    "binary_log_loss": lambda z, y: (np.logaddexp(0, z) - z * y).sum(axis=1).mean(),
    "log_loss": lambda z, y: -(y * log_softmax(z, axis=1)).sum(axis=1).mean(),
}
"""Losses computed anew from pre-activations and targets of shape (rows, outputs)."""

Random = np.random.Generator


class Unusual:
    """An object of no kind that an option takes, whose text is hostile, too."""

    def __repr__(self) -> str:
        return "\x1b]52;c;aGk=\x07\nsecond line"


def _raises(*arguments: Any) -> Any:
    raise ZeroDivisionError("a callable of the user's")


NONSENSE: tuple[Callable[[], Any], ...] = (
    *(partial(float, text) for text in ("nan", "inf", "-inf", "-0.0")),
    *(partial(int, number) for number in (-1, 0, 10**400, -(10**400), 10**5000)),
    partial(bool, 1),
    *(partial(kind, 3) for kind in (np.float16, np.uint8, np.array, range)),
    *(list, tuple, dict),
    *(partial(list, [element]) for element in ([], None)),
    *(partial(str, text) for text in ("", "none")),
    lambda: "\x1b[31mred\nline",
    lambda: b"adam",
    lambda: None,
    lambda: [["relu", "relu"]],
    lambda: [[16], 10**400],
    lambda: [16, 10**400],
    lambda: [16, 10**5000],
    lambda: {"a": 1e308},
    lambda: {0: float("nan"), 1: 1},
    lambda: {0: 10**400, 1: 1},
    lambda: np.float32(1e-45),
    lambda: np.float64(1e308),
    lambda: np.int8(-3),
    lambda: np.bool_(True),
    lambda: np.str_("relu"),
    lambda: np.array([]),
    lambda: np.array([3.0, np.nan]),
    lambda: np.array([[2, 3], [4, 5]]),
    lambda: np.ones((200, 3)),
    lambda: 1j,
    lambda: _raises,
    lambda: {3},
    lambda: object,
    Unusual,
)


def _size(random: Random) -> float:
    """Return a positive number of any magnitude that double precision has; many are near the ends."""
    kind = random.integers(4)
    exponent = (random.uniform(-3, 3), random.uniform(-323, 308), random.uniform(140, 308), random.uniform(-323, -140))
    return float(10.0 ** exponent[kind])


def _share(random: Random) -> float:
    return float(random.choice([0.0, 1e-300, 1e-17, 0.1, 0.5, 0.9, 0.999, 1 - 1e-12]))


def _layers(random: Random) -> Any:
    return tuple(int(n) for n in random.integers(1, 9, size=random.integers(0, 4)))


def _pick(table: Any) -> Callable[[Random], Any]:
    return lambda random: str(random.choice(list(table)))


EXTREME: dict[str, Callable[[Random], Any]] = {
    "activation": _pick(ACTIVATIONS),
    "alpha": _size,
    "batch_size": lambda random: int(random.integers(1, 80)),
    "learning_rate": _pick(SCHEDULES),
    "learning_rate_init": _size,
    "power_t": _size,
    "tol": _size,
    "momentum": lambda random: float(random.choice([0.0, 0.9, 1.0])),
    "nesterovs_momentum": lambda random: bool(random.integers(2)),
    "shuffle": lambda random: bool(random.integers(2)),
    "early_stopping": lambda random: bool(random.integers(2)),
    "warm_start": lambda random: bool(random.integers(2)),
    "validation_fraction": lambda random: float(random.choice([0.0, 1e-300, 0.1, 0.5, 0.99])),
    "beta_1": _share,
    "beta_2": _share,
    "epsilon": _size,
    "n_iter_no_change": lambda random: random.choice([1, 2, np.inf]),
    "max_fun": lambda random: int(random.integers(1, 20)),
    "on_divergence": _pick(ON_DIVERGENCE),
    "scale_input": _pick(SCALINGS),
    "init": _pick(["auto", *INITIALIZERS]),
    "init_gain": _size,
    "zero_last_layer": lambda random: bool(random.integers(2)),
    "normalization": _pick(NORMALIZATIONS),
    "dropout": _share,
    "input_noise": _size,
    "l1": _size,
    "weight_decay": _size,
    "max_norm": _size,
    "ema_decay": _share,
    "clipping": _pick(CLIPPINGS),
    "clip_threshold": _size,
    "rho": _share,
    "decay_rate": lambda random: float(random.choice([1e-300, 0.1, 0.5, 1.0])),
    "decay_epochs": _size,
    "warmup_epochs": _size,
    "scale_target": lambda random: bool(random.integers(2)),
    "huber_delta": _size,
    "quantile": lambda random: float(random.choice([1e-300, 1e-17, 0.1, 0.5, 1 - 1e-16])),
    "focal_gamma": _size,
    "label_smoothing": lambda random: float(random.choice([0.0, 1e-300, 0.1, 0.499])),
    "class_weight": lambda random: [None, "balanced", {0: _size(random), 1: _size(random), 2: 1.0}][random.integers(3)],
}


def _options(random: Random, table: tuple[Option, ...]) -> dict[str, Any]:
    """Return options of an estimator: a few extreme ones, and in a third of the attempts one that is nonsense."""
    names = [option.name for option in table]
    losses = CLASSIFICATION if "class_weight" in names else REGRESSION
    methods = [
        s for s in (*OPTIMIZERS, *FULL_BATCH) if s not in FULL_BATCH or losses is REGRESSION or not FULL_BATCH[s].losses
    ]
    given: dict[str, Any] = {
        "hidden_layer_sizes": _layers(random),
        "solver": str(random.choice(methods)),
        "loss": str(random.choice(list(losses))) if random.random() < 0.3 else next(iter(losses)),
        "dtype": str(random.choice(["auto", "float32", "float64"])),
        "max_iter": int(random.integers(1, 6)),
        "random_state": int(random.integers(100)),
    }
    changed = [name for name in names if name in EXTREME]
    many = int(random.choice([0, 1, 2, 4, 10]))
    for name in random.choice(changed, size=many, replace=False):
        given[str(name)] = EXTREME[str(name)](random)
    if random.random() < 0.3:
        given[str(random.choice(names))] = NONSENSE[random.integers(len(NONSENSE))]()
    return given


def _columns(random: Random, rows: int, width: int) -> NDArray:
    """Return finite columns, each of its own magnitude; some are constant, some have one cell far from the others."""
    values = random.normal(size=(rows, width))
    for j in range(width):
        kind = random.integers(8)
        if kind == 0:
            values[:, j] = values[0, j]
        elif kind == 1:
            values[random.integers(rows), j] = _size(random)
        elif kind == 2:
            values[:, j] = np.sign(values[:, j]) * np.finfo(float).max
        scale = _size(random) if random.random() < 0.4 else 1.0
        with np.errstate(all="ignore"):
            scaled = values[:, j] * scale + (_size(random) if random.random() < 0.1 else 0.0)
        values[:, j] = np.nan_to_num(scaled)
    return values


def _damaged(random: Random, values: NDArray) -> Any:
    """Return an array that is malformed in one of many ways."""
    kind = random.integers(11)
    if kind == 0:
        return np.where(random.random(values.shape) < 0.1, np.nan, values)
    if kind == 1:
        return np.where(random.random(values.shape) < 0.1, np.inf, values)
    if kind == 2:
        return values.ravel().tolist()
    if kind == 3:
        return values[:0]
    if kind == 4:
        return values.astype(object) * 10**400 if values.dtype.kind in "iu" else [[10**400] * 2] * len(values)
    if kind == 5:
        return [["a"] * 2] * len(values)
    if kind == 6:
        return None
    if kind == 7:
        return values.astype(complex)
    if kind == 8:
        return values[:-1]
    if kind == 9:
        return [[1.0], [2.0, 3.0]] * len(values)
    return np.full(len(values), "2020-01-01", dtype="datetime64[D]")


def _rows(random: Random, rows: int) -> Any:
    X: Any = _columns(random, rows, int(random.integers(1, 5)))
    kind = random.integers(12)
    if kind == 0:
        return csr_array(np.where(random.random(X.shape) < 0.5, 0, X))
    if kind == 1:
        with np.errstate(all="ignore"):
            return np.nan_to_num(X.astype(np.float32))
    if kind == 2:
        return np.asfortranarray(X)
    return _damaged(random, X) if kind == 3 and random.random() < 0.5 else X


def _target(random: Random, rows: int, loss: Any, classes: bool) -> Any:
    if classes:
        labels = random.integers(0, int(random.integers(1, 5)), size=rows)
        if random.random() < 0.1:
            return random.integers(0, 2, size=(rows, 3))
        return _damaged(random, labels) if random.random() < 0.05 else labels
    y = _columns(random, rows, 1 if random.random() < 0.8 else 2)
    if isinstance(loss, str) and loss in LOSSES and LOSSES[loss].least is not None:
        y = np.abs(y) + np.finfo(float).tiny
    y = y[:, 0] if y.shape[1] == 1 else y
    return _damaged(random, y) if random.random() < 0.05 else y


def _weights(random: Random, rows: int) -> Any:
    kind = random.integers(8)
    if kind == 0:
        return (
            _columns(random, rows, 1)[:, 0] ** 2 if random.random() < 0.1 else np.abs(_columns(random, rows, 1)[:, 0])
        )
    if kind == 1:
        return (np.arange(rows) < rows // 2) * _size(random)
    if kind == 2:
        return _size(random)
    if kind == 3:
        return NONSENSE[random.integers(len(NONSENSE))]()
    return None


# ----------------------------------------------------------------------------------------------------------- an attempt


def attempt(seed: int, number: int, folder: Path) -> str | None:
    """Make one fit, which follows from the two numbers; return the fault in one line, or None."""
    random = np.random.default_rng([seed, number])
    with warnings.catch_warnings(record=True) as issued:
        warnings.simplefilter("always")
        try:
            with np.errstate(all="ignore"):
                made = _made(random)
            fault = _fault(random, *made)
        except ALLOWED:
            fault = None
        except Exception as error:  # whatever else leaves a fit is what is looked for
            fault = f"{type(error).__name__}: {error}"
    return fault or _flood(issued)


def _made(random: Random) -> tuple[Any, Any, Any, Any]:
    classes = bool(random.integers(2))
    options = _options(random, CLASSIFIER_OPTIONS if classes else REGRESSOR_OPTIONS)
    model: Any = (BPClassifier if classes else BPRegressor)(**options)
    rows = int(random.choice([1, 2, 3, 20, 60, 90]))
    X, y = _rows(random, rows), _target(random, rows, options["loss"], classes)
    if random.random() < 0.05:
        model = (BPEnsembleClassifier if classes else BPEnsembleRegressor)(model, n_members=2, random_state=0)
    return model, X, y, _weights(random, rows)


def _fault(random: Random, model: Any, X: Any, y: Any, weight: Any) -> str | None:
    """Fit a model in one of several ways; return what is wrong with it."""
    way = random.integers(8)
    single = isinstance(model, BPRegressor | BPClassifier)
    if way == 0 and single and model.solver not in FULL_BATCH and not model.early_stopping:
        more = {"classes": np.unique(y)} if isinstance(model, BPClassifier) else {}
        for _ in range(int(random.integers(1, 4))):
            model.partial_fit(X, y, weight, **more)
            more = {}
    elif way == 1 and single:
        model.set_params(warm_start=True).fit(X, y, weight).fit(X, y, weight)
    elif way == 2 and single:
        model.fit(X, y, weight, X_val=X, y_val=y)
    elif way == 4 and single:
        _stopped(model, model.begin_fit(X, y, weight))
    elif way == 3 and single and random.random() < 0.5:
        str(preflight(model, X, y)), sharpness(model, X, y)
        return None
    else:
        model.fit(X, y, weight)
    predictions = _shown(model, X, y)
    return _lie(model, X, y, weight, predictions) if single else None


def _stopped(model: Any, training: Any) -> None:
    training.on_epoch.append(lambda training: training.stop() if training.epoch == 2 else None)
    training.advance(model.max_iter)
    model.end_fit(training)


def _shown(model: Any, X: Any, y: Any) -> list[NDArray]:
    """Return predictions of a fitted model, and show whatever can be shown of it."""
    repr(model), model._repr_html_()
    found = [model.predict(X)]
    model.score(X, y)
    if hasattr(model, "predict_proba"):
        found += [model.predict_proba(X), model.predict_log_proba(X)]
    if hasattr(model, "diagnose"):
        note = model.diagnose()
        str(note), note._repr_html_(), note.to_json(), str(model.verdict_)
    return found


def _lie(model: Any, X: Any, y: Any, weight: Any, predictions: list[NDArray]) -> str | None:
    """Return in what a verdict does not agree with the predictions for the training rows, or None."""
    verdict = model.verdict_
    if verdict.diverged and not verdict.reason:
        return "a diverged fit without a reason"
    if verdict.diverged and not model.diagnose().findings:
        return f"a diverged fit without findings: {verdict}"
    if verdict.status != "ok":
        return None
    counts = (
        slice(None) if np.ndim(weight) == 0 else np.asarray(weight, dtype=np.float64) > 0
    )  # others are not trained on
    if not all(np.isfinite(p[counts]).all() for p in predictions if p.dtype.kind == "f"):
        return f"silent: {verdict} over predictions that are not finite"
    judge = JUDGES.get(model._loss)
    if model.on_divergence == "ignore" or judge is None or getattr(model, "class_weight", None) is not None:
        return None
    outputs, targets = model._predict_outputs(X, "squared_error").astype(np.float64), model._encode(y)
    if weight is not None or targets.shape != outputs.shape:
        return None
    with np.errstate(all="ignore"):  # in units of the network's targets, in which losses are
        rest = _rounding(model, X)
        likely = outputs + np.clip(targets - outputs, -rest, rest)
        loss = min(float(judge(outputs, targets)), float(judge(likely, targets)))
        rounding = np.finfo(model._parameters.dtype).eps ** 2 * np.mean(targets.astype(np.float64) ** 2)
    known = max(model.baseline_loss_, model.initial_loss_)
    if loss > WORSE * max(known, float(rounding), float(np.finfo(model._parameters.dtype).tiny)):
        return (
            f"silent: {verdict}, with {loss:.3g} for a loss where the dummy predictor's or the start's is {known:.3g}"
        )
    return None


def _rounding(model: Any, X: Any) -> Any:
    """Return how much of each output may be rounding, where large numbers cancel: sums are in another order than in the fit."""
    if model.normalization != "none":
        return 0.0
    dtype = model._parameters.dtype
    rows = model._scale(X.toarray() if issparse(X) else np.asarray(X, dtype=np.float64))
    size = np.abs(rows.astype(np.float64))
    for weights, shift in zip(model.coefs_, model.intercepts_, strict=True):
        size = 2 * (size @ np.abs(weights.astype(np.float64)) + np.abs(shift)) + 2  # no activation is larger
    return size * np.finfo(dtype).eps


def _flood(issued: list[warnings.WarningMessage]) -> str | None:
    for warning in issued:
        if issubclass(warning.category, RuntimeWarning) or not issubclass(warning.category, ISSUED):
            place = "/".join(warning.filename.split("/")[-2:])
            return f"{warning.category.__name__} of {place}, line {warning.lineno}: {warning.message}"
    kinds = {(warning.category, str(warning.message)[:40]) for warning in issued}
    if len(issued) > MOST_WARNINGS or len(kinds) > MOST_KINDS:
        return f"{len(issued)} warnings of {len(kinds)} kinds: {issued[0].message}"
    return None
