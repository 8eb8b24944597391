"""Diagnosis: turn the record of a fit into findings, the most likely cause first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse
from sklearn.preprocessing import LabelBinarizer

from bpmodel.diagnosis.evidence import DEFAULTS, UNKNOWN, Record, scales
from bpmodel.diagnosis.findings import Diagnosis, Finding
from bpmodel.diagnosis.rules import RULES
from bpmodel.functions.losses import LOSSES
from bpmodel.network.probes import no_signals
from bpmodel.network.verdicts import LOSS_EXPLODED, LOSS_NOT_FINITE, Verdict, epochs, failure
from bpmodel.network.watch import limit
from bpmodel.options import hidden_activations

CONSEQUENCES = {rule.code for rule in RULES if rule.consequence}


def examine(record: Record, rules: Iterable[Callable[[Record], Finding | None]] = RULES) -> Diagnosis:
    """Return the diagnosis of a fit: what went wrong in it.

    Parameters
    ----------
    record : Record
        The measurements of the fit.
    rules : iterable of callable, default=RULES
        ``rule(record)`` returns a `Finding` or None. Findings are listed in the order of the rules, so a cause comes before
        its consequences. To add your own rule, pass ``(*RULES, my_rule)``.
    """
    if record.scales.target_std == 0 and record.baseline <= 1e-12 and not record.diverged:
        return Diagnosis((), "healthy: the target is constant")
    with np.errstate(all="ignore"):
        found = [finding for rule in rules if (finding := rule(record)) is not None]
    if len(found) > 1:
        found = [finding for finding in found if finding.code not in CONSEQUENCES]
    if not found:
        verdict = record.verdict
        return Diagnosis((), f"{verdict}; no rule explains it" if verdict.failed else f"healthy: {verdict.reason}")
    many = "1 finding" if len(found) == 1 else f"{len(found)} findings, the most likely cause first"
    return Diagnosis(tuple(found), f"{record.verdict}; {many}")


def diagnose(
    history: Mapping[str, ArrayLike],
    X: Any = None,
    y: ArrayLike | None = None,
    *,
    options: Mapping[str, Any] | None = None,
    baseline: float | None = None,
    task: Literal["regression", "classification"] | None = None,
) -> Diagnosis:
    """Diagnose a fit of any network from its loss curves.

    Use it when the fitted network is no longer available or comes from another library. `BPRegressor.diagnose` and
    `BPClassifier.diagnose` find more, because they examine each layer.

    Parameters
    ----------
    history : mapping of str to array-like of shape (epochs,)
        ``loss`` and, if known, ``validation_loss``, ``gradient_norm`` and ``spikes``, as in `BPRegressor.history_`.
    X : array-like or sparse matrix of shape (n_samples, n_features), optional
        The training rows, scaled as the network saw them.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
        Their targets.
    options : mapping, optional
        Hyperparameters under the names of `BPRegressor`, which are scikit-learn's; missing ones have their defaults.
    baseline : float, optional
        Loss of the dummy predictor, in the unit of the history. By default it is computed from y: half the variance of numbers
        (the squared error of scikit-learn's MLP and of this package), or the entropy of classes.
    task : {"regression", "classification"}, optional
        The task; by default "regression" if y holds floats, else "classification".

    Raises
    ------
    ValueError
        If there is no ``loss``, curves differ in length, or neither `y` nor `baseline` is given.

    Examples
    --------
    >>> import numpy as np
    >>> from bpmodel import diagnose
    >>> y = np.random.default_rng(0).normal(size=100)
    >>> note = diagnose({"loss": [0.9, 3.1, 250.0, 9e6]}, y=y, options={"solver": "sgd", "learning_rate_init": 0.5})
    >>> note.codes, note.findings[0].change
    (['exploding_step'], {'learning_rate_init': 0.05})
    """
    curves = {name: np.asarray(values, dtype=np.float64) for name, values in history.items()}
    if "loss" not in curves or curves["loss"].ndim != 1 or len(curves["loss"]) == 0:
        raise ValueError(f"history needs a curve 'loss' with one or more epochs; it has {sorted(curves)}")
    lengths = {name: len(curve) for name, curve in curves.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"the curves of history differ in length: {lengths}")
    options = dict(options or {})
    seen, start = UNKNOWN, np.inf
    if y is not None:
        classes = task == "classification" or (task is None and np.asarray(y).dtype.kind != "f")
        targets = _targets(y, classes)
        if baseline is None:
            loss = LOSSES[("log_loss" if targets.shape[1] > 1 else "binary_log_loss") if classes else "squared_error"]
            baseline = loss.baseline(targets.mean(axis=0), (targets**2).mean(axis=0), 0.0)
        if not classes:
            start = float((targets**2).mean()) / 2
        if X is not None:
            rows = X.tocsr() if issparse(X) else np.asarray(X)
            seen = scales(rows, targets, np.arange(len(targets)), classes)
    if baseline is None:
        raise ValueError("pass y or baseline: the loss is compared with that of the dummy predictor")
    sizes = options.get("hidden_layer_sizes", DEFAULTS["hidden_layer_sizes"])
    hidden = np.atleast_1d(np.asarray(sizes, dtype=np.int64)).tolist()
    return examine(
        Record(
            options=options,
            verdict=_verdict(curves, baseline, max(baseline, start)),
            history=curves,
            probes=no_signals(len(hidden) + 1),
            scales=seen,
            activations=hidden_activations(options.get("activation", DEFAULTS["activation"]), len(hidden)),
            units=[1, *hidden, 1],
            baseline=baseline,
            first_loss=float(curves["loss"][0]),
        )
    )


def _targets(y: ArrayLike, classes: bool) -> np.ndarray:
    """Return y as the targets that a network would be trained on, of shape (n, outputs)."""
    targets = np.asarray(LabelBinarizer().fit_transform(y) if classes else y, dtype=np.float64)
    return targets.reshape(len(targets), -1)


def _verdict(curves: Mapping[str, np.ndarray], baseline: float, start: float) -> Verdict:
    """Return the verdict on a loss curve by the rules of `watch`, applied epoch by epoch.

    The loss before the first step is unknown. If the loss falls from the first epoch on, the loss of that epoch is assumed, but
    at most `start`, the loss of the prediction 0.
    """
    loss = curves["loss"]
    falls = len(loss) > 1 and loss[1] < loss[0]
    exploded = loss > limit(baseline, min(start, loss[0]) if falls else 0.0)
    bad = np.flatnonzero(~np.isfinite(loss) | exploded)
    if len(bad) == 0:
        return Verdict("ok", f"ended after {epochs(len(loss))}")
    epoch = int(bad[0])
    code = LOSS_EXPLODED if np.isfinite(loss[epoch]) else LOSS_NOT_FINITE
    norm = float(curves.get("gradient_norm", np.full(len(loss), np.nan))[epoch])
    return failure(code, epoch=epoch + 1, step=None, loss=float(loss[epoch]), baseline=baseline, gradient_norm=norm)
