"""`BPRegressor` and `BPClassifier`: what the network learns for a target, and predictions from its outputs."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, unique_labels

from bpmodel.fitting import BPEstimator, learns_in_parts
from bpmodel.functions.losses import BINARY, CLASSIFICATION, REGRESSION
from bpmodel.options import CLASSIFIER_OPTIONS, REGRESSOR_OPTIONS, with_options


@with_options(REGRESSOR_OPTIONS)
class BPRegressor(RegressorMixin, BPEstimator):
    """Back-propagation network for regression.

    Minimises the squared error by minibatch gradient descent in compiled code. A fit that diverges is
    noticed within the epoch, stopped and explained in `verdict_`.

    Attributes
    ----------
    coefs_, intercepts_ : list of ndarray
        Weights (fan_in, fan_out) and biases (fan_out,) of each layer.
    n_iter_, t_, n_layers_, n_outputs_, n_features_in_, feature_names_in_, out_activation_
        As in scikit-learn's MLP.
    loss_, best_loss_, loss_curve_, validation_scores_, best_validation_score_
        As in scikit-learn's MLP; with `scale_target` the losses are in units of the target's variance.
    verdict_ : bpmodel.Verdict
        How the fit ended: ``status`` ("ok", "diverged" or "stalled"), ``reason``, ``epoch``, ``step`` and ``evidence``.
    diverged_ : bool
        Whether the fit diverged.
    repairs_ : list of bpmodel.Repair
        What ``on_divergence="repair"`` changed; `history_`, `probes_` and `loss_curve_` show the epochs that were kept.
    baseline_loss_, initial_loss_ : float
        Loss of the dummy predictor, and of the network before the first step.
    history_ : dict of str to ndarray of shape (n_iter_,) or (n_iter_, n_layers_ - 1)
        By epoch ``loss``, ``gradient_norm`` (mean over the steps of the epoch), ``learning_rate`` (of its last step),
        ``validation_loss``, ``validation_score``, ``spikes`` (steps that stand out, as `bpmodel.network.spikes` defines them); by
        epoch and layer ``layer_weight_norm``, ``layer_gradient_norm`` (of the last step), ``layer_step_ratio`` (how far the
        weights moved over their norm and over the steps), and, of the epoch's last full minibatch, ``layer_delta_norm``,
        ``layer_dead``, ``layer_saturated``, ``layer_chi``, as `bpmodel.network.fit.History` defines
        them. NaN where there is none.
    probes_ : dict of str to ndarray of shape (n_probes,) or (n_probes, n_layers_ - 1)
        How each layer stood before the first step, after the epochs 1, 2, 4, 8, … and the last: ``epoch``, ``step``;
        ``delta_norm``, ``gradient_norm``, ``weight_norm``, ``step_ratio``, ``dead``, ``saturated``, ``chi``, as
        `bpmodel.network.probes.Signals` defines them. `diagnose` reads them. Empty after `partial_fit` and full-batch solvers.
    effective_parameters_ : float
        How many parameters the data determine; with ``solver="lm_bayesian"`` only.

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
        y = check_array(y, ensure_2d=False, dtype="numeric", input_name="y_val")
        self._check_domain(y)
        return y

    def _check_domain(self, y: NDArray) -> None:
        least = REGRESSION[self.loss].least
        if least is not None and ((low := np.min(y)) < least[0] or (low == least[0] and not least[1])):
            raise ValueError(
                f"loss={self.loss!r} needs targets {'>=' if least[1] else '>'} {least[0]:g}; y has {low:g}"
            )

    def _learn_target(self, y: NDArray, weight: NDArray) -> None:
        targets = _columns(y)
        self._target_mean, self._target_scale = np.zeros(targets.shape[1]), np.ones(targets.shape[1])
        if self.scale_target and weight.any():
            mean = np.average(targets, axis=0, weights=weight)
            if REGRESSION[self.loss].least is None:
                self._target_mean = mean
            spread = np.sqrt(np.average((targets - self._target_mean) ** 2, axis=0, weights=weight))
            scale = spread if REGRESSION[self.loss].least is None else mean
            self._target_scale = np.where(scale > 0, scale, 1.0)

    def _encode(self, y: ArrayLike) -> NDArray:
        targets = _columns(y)
        if targets.shape[1] != len(self._target_mean):
            return targets  # the wrong number of outputs, and about to be refused
        return (targets - self._target_mean) / self._target_scale

    def predict(self, X: ArrayLike) -> NDArray[np.float64]:
        """Predict the target, in its own units.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        y = self._predict_outputs(X) * self._target_scale + self._target_mean
        return y.ravel() if y.shape[1] == 1 else y


@with_options(CLASSIFIER_OPTIONS)
class BPClassifier(ClassifierMixin, BPEstimator):
    """Back-propagation network for classification.

    Minimises the log loss (of a softmax for several classes, of logistic outputs for two classes and for multilabel
    targets) by minibatch gradient descent in compiled code. A fit that diverges is noticed within the
    epoch, stopped and explained in `verdict_`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    coefs_, intercepts_ : list of ndarray
        Weights (fan_in, fan_out) and biases (fan_out,) of each layer.
    n_iter_, t_, n_layers_, n_outputs_, n_features_in_, feature_names_in_, out_activation_
        As in scikit-learn's MLP.
    loss_, best_loss_, loss_curve_, validation_scores_, best_validation_score_
        As in scikit-learn's MLP.
    verdict_ : bpmodel.Verdict
        How the fit ended: ``status`` ("ok", "diverged" or "stalled"), ``reason``, ``epoch``, ``step`` and ``evidence``.
    diverged_ : bool
        Whether the fit diverged.
    repairs_ : list of bpmodel.Repair
        What ``on_divergence="repair"`` changed; `history_`, `probes_` and `loss_curve_` show the epochs that were kept.
    baseline_loss_, initial_loss_ : float
        Loss of the dummy predictor, and of the network before the first step.
    history_ : dict of str to ndarray of shape (n_iter_,) or (n_iter_, n_layers_ - 1)
        By epoch ``loss``, ``gradient_norm`` (mean over the steps of the epoch), ``learning_rate`` (of its last step),
        ``validation_loss``, ``validation_score``, ``spikes`` (steps that stand out, as `bpmodel.network.spikes` defines them); by
        epoch and layer ``layer_weight_norm``, ``layer_gradient_norm`` (of the last step), ``layer_step_ratio`` (how far the
        weights moved over their norm and over the steps), and, of the epoch's last full minibatch, ``layer_delta_norm``,
        ``layer_dead``, ``layer_saturated``, ``layer_chi``, as `bpmodel.network.fit.History` defines
        them. NaN where there is none.
    probes_ : dict of str to ndarray of shape (n_probes,) or (n_probes, n_layers_ - 1)
        How each layer stood before the first step, after the epochs 1, 2, 4, 8, … and the last: ``epoch``, ``step``;
        ``delta_norm``, ``gradient_norm``, ``weight_norm``, ``step_ratio``, ``dead``, ``saturated``, ``chi``, as
        `bpmodel.network.probes.Signals` defines them. `diagnose` reads them. Empty after `partial_fit` and full-batch solvers.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from bpmodel import BPClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> model = BPClassifier(tol=0.01, n_iter_no_change=2, random_state=0).fit(X / 16, y)
    >>> model.score(X / 16, y) > 0.95
    True

    A learning rate that is far too high does not pass unnoticed:

    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     wild = BPClassifier(solver="sgd", learning_rate_init=100, random_state=0).fit(X / 16, y)
    >>> wild.verdict_.status, wild.verdict_.epoch
    ('diverged', 1)
    """

    def _loss_name(self) -> str:
        several = self._label_binarizer.y_type_ == "multiclass"
        return str(self.loss) if several else list(BINARY)[list(CLASSIFICATION).index(self.loss)]

    def _validate(self, X: Any, y: Any, *, first: bool, incremental: bool) -> tuple[NDArray, NDArray]:
        X, y = self._validate_rows(X, y, first=first)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if not hasattr(self, "classes_") or not (self.warm_start or incremental):
            self._label_binarizer = LabelBinarizer().fit(y)
            self.classes_ = self._label_binarizer.classes_
        elif self.warm_start and not incremental:
            if set(unique_labels(y)) != set(self.classes_):
                raise ValueError(
                    "warm_start can only be used where `y` has the same classes as in the previous call to fit. "
                    f"Previously got {self.classes_}, `y` has {unique_labels(y)}"
                )
        elif len(np.setdiff1d(unique_labels(y), self.classes_, assume_unique=True)):
            raise ValueError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes_}. 'y' has {unique_labels(y)}."
            )
        return X, y

    def _validate_labels(self, y: Any) -> NDArray:
        unknown = np.setdiff1d(unique_labels(y), self.classes_)
        if len(unknown):
            raise ValueError(f"y_val has the classes {unknown.tolist()}, which y has not: {self.classes_.tolist()}")
        return np.asarray(y)

    def _weigh(self, y: NDArray, weight: NDArray, index: NDArray, *, incremental: bool) -> NDArray:
        if self.class_weight is None:
            return weight
        if incremental and self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' needs all rows at once; for partial_fit give the weights as a dict, such as "
                "compute_class_weight('balanced', classes=classes, y=y) finds them"
            )
        counted = index if self.class_weight == "balanced" else None
        return compute_sample_weight(self.class_weight, y, indices=counted) * (weight if weight.size else 1)

    def _learn_target(self, y: NDArray, weight: NDArray) -> None:
        pass  # `_validate` has learned the classes

    def _encode(self, y: ArrayLike) -> NDArray:
        several = self._label_binarizer.y_type_ == "multiclass"
        if np.ndim(y) > 1:
            targets = self._label_binarizer.transform(y)
        else:  # the labels were checked: what is left of `LabelBinarizer` takes a tenth of its time
            codes = np.searchsorted(self.classes_, y)
            targets = np.eye(len(self.classes_))[codes] if several else codes[:, None]
        if self.label_smoothing > 0:
            targets = targets + self.label_smoothing * (1 / (targets.shape[1] if several else 2) - targets)
        return targets

    @available_if(learns_in_parts)
    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        classes: ArrayLike | None = None,
    ) -> Self:
        """Train for one epoch on these rows, going on from the present weights and optimizer state.

        Parameters and errors are those of `fit`; `early_stopping` is not possible here.

        Parameters
        ----------
        classes : array-like of shape (n_classes,), optional
            All classes that will ever occur; needed on the first call.
        """
        if _check_partial_fit_first_call(self, classes):
            multilabel = np.ndim(y) == 2 and np.shape(y)[1] > 1
            self._label_binarizer = LabelBinarizer().fit(y if multilabel else classes)
        return self._partial_fit(X, y, sample_weight)

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
        """Return the probability of each class, of shape (n_samples, n_classes), columns as in `classes_`."""
        p = self._predict_outputs(X)
        return np.hstack([1 - p, p]) if self.n_outputs_ == 1 else p

    def predict_log_proba(self, X: ArrayLike) -> NDArray[np.floating]:
        """Return the logarithm of `predict_proba`."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def _columns(y: ArrayLike) -> NDArray:
    """Return targets of shape (n, outputs)."""
    targets = np.asarray(y, dtype=np.float64)
    return targets.reshape(len(targets), -1)
