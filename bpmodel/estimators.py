"""`BPRegressor` and `BPClassifier`: encode targets for the network, and turn its outputs into predictions."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_expit, log_softmax
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.metrics import r2_score
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import unique_labels

from bpmodel.base import BPEstimator, learns_in_parts, typed
from bpmodel.constructors import ClassifierConstructor, RegressorConstructor
from bpmodel.fitted_network import ATTRIBUTES
from bpmodel.functions.losses import CLASSIFICATION, LOSSES, REGRESSION
from bpmodel.functions.scaling import FARTHEST
from bpmodel.intake.attempts import in_turn, undone_if_it_fails
from bpmodel.intake.rows import checked
from bpmodel.intake.weights import with_classes
from bpmodel.option import documented
from bpmodel.options import CLASSIFIER_OPTIONS, REGRESSOR_OPTIONS

IDENTITY = next(name for name, row in REGRESSION.items() if row.output == "identity")
"""A loss with which a network returns the pre-activations of its output layer."""

LARGEST = float(np.finfo(np.float64).max)


@documented(REGRESSOR_OPTIONS, ATTRIBUTES)
class BPRegressor(RegressorConstructor, RegressorMixin, BPEstimator):
    """Back-propagation network for regression.

    Minimizes the squared error by minibatch gradient descent in compiled code. If a fit diverges, this is detected within the
    epoch; the fit is stopped, and `verdict_` explains why.

    Attributes
    ----------
    effective_parameters_ : float
        Number of parameters that the data determine; with ``solver="lm_bayesian"`` only.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from bpmodel import BPRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> network = BPRegressor(hidden_layer_sizes=(32,), scale_target=True, tol=0.005, random_state=0)
    >>> model = make_pipeline(StandardScaler(), network).fit(X, y)
    >>> model[-1].verdict_.status
    'ok'
    >>> model.score(X, y) > 0.4
    True
    """

    def _loss_name(self) -> str:
        return str(self.loss)

    def _validate(self, X: Any, y: Any, *, first: bool, incremental: bool) -> tuple[NDArray, NDArray]:
        X, y = self._validate_rows(X, y, first=first, y_numeric=True)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        self._check_domain(y)
        return X, y

    def _validate_labels(self, y: Any) -> NDArray:
        y = checked(y, ensure_2d=False, dtype="numeric", input_name="y_val")
        self._check_domain(y)
        return y

    def _check_domain(self, y: NDArray) -> None:
        least = REGRESSION[self.loss].least
        if least is not None and ((low := np.min(y)) < least[0] or (low == least[0] and not least[1])):
            raise ValueError(
                f"loss={self.loss!r} needs targets {'>=' if least[1] else '>'} {least[0]:g}; y has {low:g}"
            )

    def _learn_target(self, y: NDArray, weight: NDArray | None) -> None:
        targets = _columns(y)
        self._target_mean, self._target_scale = np.zeros(targets.shape[1]), np.ones(targets.shape[1])
        if self.scale_target and (weight is None or weight.any()):
            largest = np.maximum(targets.max(axis=0), -targets.min(axis=0))
            usual = (largest == 0) | ((largest < FARTHEST) & (largest > 1 / FARTHEST))
            unit = np.where(usual, 1.0, largest)  # the squares of the others are not finite, or 0
            shares = np.divide(targets, unit, out=targets)
            mean = np.average(shares, axis=0, weights=weight)
            center = mean if REGRESSION[self.loss].least is None else np.zeros_like(mean)
            shares -= center
            shares *= shares
            spread = np.sqrt(np.average(shares, axis=0, weights=weight))
            scale = spread if REGRESSION[self.loss].least is None else mean
            self._target_mean = center * unit
            self._target_scale = np.where(scale > 0, scale * unit, 1.0)

    def _encode(self, y: ArrayLike) -> NDArray:
        targets = np.asarray(y)  # in its own precision: the difference is in double precision
        targets = targets.reshape(len(targets), -1)
        if targets.shape[1] != len(self._target_mean):
            return targets  # wrong number of outputs: a later check rejects it
        try:
            with np.errstate(over="raise"):
                encoded = targets - self._target_mean
                encoded /= self._target_scale
                return encoded
        except FloatingPointError:
            with np.errstate(over="ignore"):  # the difference of halves is finite
                return (targets / 2 - self._target_mean / 2) / self._target_scale * 2

    def predict(self, X: ArrayLike) -> NDArray[np.float64]:
        """Predict the target, in its own units.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        y = _in_units(self._predict_outputs(X), self._target_scale, self._target_mean)
        return y.ravel() if y.shape[1] == 1 else y

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return R^2, as in scikit-learn, also of targets and predictions whose squares are not finite.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), optional
        """
        return r_squared(y, self.predict(X), sample_weight)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        loss = LOSSES.get(self.loss) if isinstance(self.loss, str) else None
        tags.target_tags.positive_only = loss is not None and loss.least is not None
        tags.target_tags.multi_output = not tags.target_tags.positive_only  # its check would use negative targets
        tags.regressor_tags.poor_score = tags.target_tags.positive_only and not self.scale_target
        return tags


@documented(CLASSIFIER_OPTIONS, ATTRIBUTES)
class BPClassifier(ClassifierConstructor, ClassifierMixin, BPEstimator):
    """Back-propagation network for classification.

    Minimizes the log loss (of a softmax for several classes, of logistic outputs for two classes and for multilabel
    targets) by minibatch gradient descent in compiled code. If a fit diverges, this is detected within the epoch; the fit is
    stopped, and `verdict_` explains why.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from bpmodel import BPClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> model = BPClassifier(tol=0.01, n_iter_no_change=2, random_state=0).fit(X / 16, y)
    >>> model.score(X / 16, y) > 0.95
    True

    A learning rate that is far too high is detected:

    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     wild = BPClassifier(solver="sgd", learning_rate_init=100, random_state=0).fit(X / 16, y)
    >>> wild.verdict_.status, wild.verdict_.epoch
    ('diverged', 1)
    """

    def _loss_name(self) -> str:
        several = self._label_binarizer.y_type_ == "multiclass"
        return str(self.loss if several else CLASSIFICATION[self.loss].binary)

    def _validate(self, X: Any, y: Any, *, first: bool, incremental: bool) -> tuple[NDArray, NDArray]:
        X, y = self._validate_rows(X, y, first=first)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if not hasattr(self, "classes_") or not (self.warm_start or incremental):
            self._label_binarizer = LabelBinarizer().fit(y)
            self.classes_ = self._label_binarizer.classes_
        elif self.warm_start and not incremental:
            if set(_labels(y)) != set(self.classes_):
                raise ValueError(
                    "warm_start can only be used where `y` has the same classes as in the previous call to fit. "
                    f"Previously got {self.classes_}, `y` has {_labels(y)}"
                )
        elif len(np.setdiff1d(_labels(y), self.classes_, assume_unique=True)):
            raise ValueError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes_}. 'y' has {_labels(y)}."
            )
        return X, y

    def _validate_labels(self, y: Any) -> NDArray:
        unknown = np.setdiff1d(_labels(y), self.classes_)
        if len(unknown):
            raise ValueError(f"y_val has the classes {unknown.tolist()}, which are not in y: {self.classes_.tolist()}")
        return np.asarray(y)

    def _weigh(self, y: NDArray, weight: NDArray, index: NDArray, *, incremental: bool) -> NDArray:
        if self.class_weight is None:
            return weight
        if incremental and self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' needs all rows at once; for partial_fit, pass the weights as a dict, for example from "
                "compute_class_weight('balanced', classes=classes, y=y) finds them"
            )
        return with_classes(self.class_weight, y, weight, index)

    def _learn_target(self, y: NDArray, weight: NDArray | None) -> None:
        pass  # `_validate` has learned the classes

    def _encode(self, y: ArrayLike) -> NDArray:
        several = self._label_binarizer.y_type_ == "multiclass"
        if np.ndim(y) > 1:
            targets = self._label_binarizer.transform(y)
        else:  # labels are already checked: this takes a tenth of the time of `LabelBinarizer`
            codes = np.searchsorted(self.classes_, y)
            targets = np.eye(len(self.classes_))[codes] if several else codes[:, None]
        if self.label_smoothing > 0:
            targets = targets + self.label_smoothing * (1 / (targets.shape[1] if several else 2) - targets)
        return targets

    @typed(available_if(learns_in_parts))
    @in_turn
    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        classes: ArrayLike | None = None,
    ) -> Self:
        """Train for one epoch on these rows, continuing from the current weights and optimizer state.

        Parameters and errors are the same as for `fit`; `early_stopping` is not supported here.

        Parameters
        ----------
        classes : array-like of shape (n_classes,), optional
            All classes that will ever occur; required on the first call.
        """
        with undone_if_it_fails(self, ()):
            if self._first_part(classes):
                multilabel = np.ndim(y) == 2 and np.shape(y)[1] > 1
                self._label_binarizer = LabelBinarizer().fit(y if multilabel else classes)
            training = self._begin_part(X, y, sample_weight)
        return self._learn_part(training)

    def _first_part(self, classes: ArrayLike | None) -> bool:
        """Return whether this is the first call of `partial_fit`, and take the classes from it; later ones must have the same."""
        known = getattr(self, "classes_", None)
        if known is None and classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        if known is not None and classes is not None and not np.array_equal(known, _labels(classes)):
            raise ValueError(f"`classes={classes!r}` is not the same as on last call to partial_fit, was: {known!r}")
        if known is None:
            self.classes_ = _labels(classes)
        return known is None

    def predict(self, X: ArrayLike) -> NDArray:
        """Predict the class of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,), or (n_samples, n_classes) for multilabel targets
        """
        outputs = self._predict_outputs(X)
        if self._label_binarizer.y_type_.startswith("multilabel"):
            return self._label_binarizer.inverse_transform(outputs)
        codes = outputs.argmax(axis=1) if self.n_outputs_ > 1 else outputs[:, 0] > 0.5
        return self.classes_[np.minimum(codes, len(self.classes_) - 1)]

    def predict_proba(self, X: ArrayLike) -> NDArray[np.floating]:
        """Return the probability of each class, of shape (n_samples, n_classes), columns as in `classes_`.

        In single precision, a probability above 0.99999997 is 1, and the other class of two then has the probability 0.
        `predict_log_proba` tells such rows apart.
        """
        p = self._predict_outputs(X)
        if self._one_class:
            return np.ones_like(p)
        return np.hstack([1 - p, p]) if self.n_outputs_ == 1 else p

    def predict_log_proba(self, X: ArrayLike) -> NDArray[np.floating]:
        """Return the logarithm of the probability of each class, shaped like `predict_proba` and finite everywhere.

        Where the probability rounds to 0, the logarithm is that of the unrounded one. It follows from the pre-activations z of
        the output layer: z - log(sum(exp(z))) for several classes, -log(1 + exp(-z)) for one of two and for a label.
        """
        p = self.predict_proba(X)
        rounded = is_rounded(p)
        if not rounded.any():
            return np.log(p)
        z = np.clip(self._predict_outputs(X, IDENTITY).astype(np.float64), -LARGEST, LARGEST)
        with np.errstate(over="ignore", invalid="ignore"):
            if LOSSES[self._loss].output == "softmax":
                exact = log_softmax(z, axis=1)
            else:
                exact = log_expit(np.hstack([-z, z]) if self.n_outputs_ == 1 else z)
        least = float(np.finfo(p.dtype).min)  # of outputs so far apart that their difference is infinite
        exact = np.maximum(exact, least)
        return np.where(rounded, exact, np.log(np.where(rounded, 1, p))).astype(p.dtype)

    @property
    def _one_class(self) -> bool:
        return self.n_outputs_ == 1 and len(self.classes_) == 1

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def _labels(y: Any) -> NDArray:
    """Return the sorted classes; numbers that no whole number holds, such as NaN, are told by the check of y, not by NumPy."""
    with np.errstate(invalid="ignore"):
        return unique_labels(y)


def is_rounded(p: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Return which probabilities are 0, or as small as numbers of normal precision get: softmax stops there."""
    return p < 1.01 * np.finfo(p.dtype).tiny


def _in_units(outputs: NDArray, scale: NDArray, mean: NDArray) -> NDArray[np.float64]:
    """Return a network's outputs in the units of the targets; finite outputs stay finite, at most the largest number."""
    try:
        with np.errstate(over="raise"):
            return outputs * scale + mean
    except FloatingPointError:
        with np.errstate(over="ignore"):
            y = outputs * scale + mean
        return np.where(np.isfinite(outputs), np.clip(y, -np.finfo(y.dtype).max, np.finfo(y.dtype).max), y)


def r_squared(y: ArrayLike, predictions: NDArray, weight: ArrayLike | None = None) -> float:
    """Return R^2, computed in units of a power of two if the squares of the targets or of the errors are not finite.

    >>> r_squared([1e200, 2e200, 3e200], np.array([1e200, 2e200, 3e200]))
    1.0
    """
    targets = checked(y, input_name="y", ensure_2d=False, dtype=None)
    if targets.dtype.kind == "f" and len(targets):
        largest = max(float(np.abs(targets).max(initial=0)), float(np.abs(predictions).max(initial=0)))
        if FARTHEST < largest < np.inf:
            unit = np.ldexp(1.0, int(np.frexp(largest)[1]) - 1)
            targets, predictions = targets / unit, predictions / unit
    with np.errstate(over="ignore", invalid="ignore"):  # an error that is infinite in units of the targets' spread
        return float(r2_score(targets, predictions, sample_weight=weight))


def _columns(y: ArrayLike) -> NDArray:
    """Return targets as an array of shape (n, outputs)."""
    targets = np.asarray(y, dtype=np.float64)
    return targets.reshape(len(targets), -1)
