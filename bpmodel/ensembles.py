"""Ensembles: averages of several networks trained side by side from different initial weights, against bad local optima."""

from __future__ import annotations

import warnings
from abc import ABC
from collections.abc import Sequence
from typing import Any, ClassVar, Self, TypeVar

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse
from sklearn import get_config
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, RegressorMixin, clone
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.validation import check_is_fitted

from bpmodel.base import typed
from bpmodel.domains import JOBS, MOST_JOBS, NONE, SEED, check, instance_of, whole
from bpmodel.estimators import BPClassifier, BPRegressor, is_rounded, r_squared
from bpmodel.html import Shown
from bpmodel.intake.rows import validated
from bpmodel.network.parameters import check_size
from bpmodel.network.verdicts import DivergenceWarning, untold
from bpmodel.option import SaysWhatWasMeant, with_sections
from bpmodel.preparation import precision

SEEDS = 2**31 - 1
MOST_MEMBERS = 10_000
MEMBERS = whole(1, MOST_MEMBERS)

Kind = TypeVar("Kind", bound="type[_Ensemble]")

PARAMETERS = """
estimator : {member}, optional
    The network to clone for each member, each with its own seed; by default ``{member}()``.
n_members : int from 1 to {most_members}, default=5
n_jobs : int from -{most_jobs} to {most_jobs}, optional
    Number of members to train at the same time, in threads.
random_state : int, RandomState or None
    Determines the seeds of the members.
"""

ATTRIBUTES = """
estimators_ : list of {member}
    The members that did not diverge.
"""


def _documented(cls: Kind) -> Kind:
    """Add the documentation that both ensembles share."""
    member = cls._member.__name__
    parameters, attributes = (
        text.format(member=member, most_members=MOST_MEMBERS, most_jobs=MOST_JOBS) for text in (PARAMETERS, ATTRIBUTES)
    )
    cls.__doc__ = with_sections(cls.__doc__ or "", parameters, attributes)
    return cls


class _Ensemble(Shown, SaysWhatWasMeant, CallbackSupportMixin, MetaEstimatorMixin, BaseEstimator, ABC):
    """Fits the members; subclasses define the default member and how predictions are averaged."""

    _member: ClassVar[type]

    def __init__(
        self, estimator: Any = None, *, n_members: int = 5, n_jobs: int | None = None, random_state: Any = None
    ) -> None:
        self.estimator = estimator
        self.n_members = n_members
        self.n_jobs = n_jobs
        self.random_state = random_state

    @typed(with_callbacks)
    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train the members. Callbacks that propagate, such as progress bars, follow each of them.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter is out of its domain, the members are of the other kind, or X, y or sample_weight are malformed.
        DivergenceError
            If every member diverges, or if one diverges under ``on_divergence="raise"``.

        Warns
        -----
        DivergenceWarning
            If some members diverge; they are left out.
        """
        self._check_options()
        self.__dict__.pop("estimators_", None)  # the members of another fit are none of this one
        member = self._member() if self.estimator is None else self.estimator
        member._check_options()
        # validated once for all members: rows already in the right precision are shared, not copied
        rows: Any = validated(self, X, accept_sparse="csr", dtype=(np.float64, np.float32))
        if member.scale_input == "none":  # others scale in double precision
            dtype = precision(member.dtype, rows.shape[0], incremental=False)
            check_size(rows.data if issparse(rows) else rows, dtype, "Input X")
            rows = rows.astype(dtype, copy=False)
        seeds = check_random_state(self.random_state).randint(SEEDS, size=self.n_members)
        members = [clone(member).set_params(random_state=int(seed)) for seed in seeds]
        context = self._init_callback_context(max_subtasks=self.n_members, sequential_subtasks=False)
        data = {"X": X, "y": y, "metadata": None if sample_weight is None else {"sample_weight": sample_weight}}
        context.call_on_fit_task_begin(estimator=self, **data)
        tasks = [context.subcontext(task_name="member", task_id=number) for number in range(self.n_members)]
        jobs = (
            delayed(_fit)(self, network, task, (rows, y, sample_weight), data)
            for network, task in zip(members, tasks, strict=True)
        )
        fitted = Parallel(n_jobs=self.n_jobs, prefer="threads")(jobs)
        healthy = [network for network in fitted if not network.diverged_]
        lost = len(fitted) - len(healthy)
        if lost == len(fitted):
            raise fitted[0]._divergence(f"all {lost} members diverged; the first: {fitted[0].verdict_.reason}")
        self.estimators_ = healthy
        if lost:
            reason = next(network.verdict_.reason for network in fitted if network.diverged_)
            warnings.warn(
                f"{lost} of {len(fitted)} members diverged and are excluded; one of them: {reason}",
                DivergenceWarning,
                stacklevel=3,
            )
        context.call_on_fit_task_end(estimator=self, **data, reconstruction_attributes=self._members)
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "estimators_")

    def _members(self) -> dict[str, Any]:
        return {"estimators_": list(self.estimators_)}

    @classmethod
    def of(cls, networks: Sequence[Any]) -> Self:
        """Return an ensemble of networks that are already fitted; calling `fit` on it would train as many new ones.

        Parameters
        ----------
        networks : list of BPRegressor or of BPClassifier
            At least one; regressors or classifiers like the ensemble. They must differ only in their seeds and be fitted on the
            same rows.

        Raises
        ------
        ValueError
            If there is none, or if they are classifiers for a regression ensemble, or regressors for a classification ensemble.

        Examples
        --------
        >>> import numpy as np
        >>> from bpmodel import BPEnsembleRegressor, BPRegressor
        >>> X, y = np.arange(12.0)[:, None], np.arange(12.0)
        >>> networks = [BPRegressor(solver="lbfgs", random_state=seed).fit(X, y) for seed in range(2)]
        >>> mean = (networks[0].predict(X) + networks[1].predict(X)) / 2
        >>> bool(np.allclose(BPEnsembleRegressor.of(networks).predict(X), mean))
        True
        """
        if not len(networks):
            raise ValueError("networks is empty; an ensemble needs at least one")
        first = networks[0]
        ensemble = cls(clone(first), n_members=len(networks), random_state=first.random_state)
        ensemble._check_options()
        ensemble.estimators_ = list(networks)
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(first, name):
                setattr(ensemble, name, getattr(first, name))
        return ensemble

    def _check_options(self) -> None:
        if not get_config()["skip_parameter_validation"]:
            kinds = {"estimator": instance_of(self._member) | NONE, "n_members": MEMBERS, "n_jobs": JOBS | NONE}
            for name, domain in (kinds | {"random_state": SEED}).items():
                check(type(self).__name__, name, getattr(self, name), domain)

    def _mean(self, X: ArrayLike, method: str) -> NDArray:
        each = self._each(X, method)
        with np.errstate(over="ignore", invalid="ignore"):
            mean = np.mean(each, axis=0)
        if np.isfinite(mean).all():
            return mean
        return np.sum([found / len(each) for found in each], axis=0)  # of numbers whose sum is not finite

    def _each(self, X: ArrayLike, method: str) -> list[NDArray]:
        """Return the predictions of each member."""
        check_is_fitted(self)
        X = validated(self, X, accept_sparse="csr", dtype=(np.float64, np.float32), reset=False)
        return [getattr(network, method)(X) for network in self.estimators_]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = get_tags(self._member() if self.estimator is None else self.estimator)
        tags.input_tags = inner.input_tags
        tags.target_tags = inner.target_tags
        return tags


@_documented
class BPEnsembleRegressor(RegressorMixin, _Ensemble):
    """Average of several `BPRegressor` that start from different weights.

    Attributes
    ----------
    n_features_in_, feature_names_in_

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.model_selection import cross_val_score
    >>> from bpmodel import BPEnsembleRegressor, BPRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> member = BPRegressor(hidden_layer_sizes=(16,), solver="lbfgs", max_iter=30, tol=0.01, scale_target=True)
    >>> ensemble = BPEnsembleRegressor(member, n_members=8, random_state=0).fit(X, y)
    >>> len(ensemble.estimators_), ensemble.predict(X[:2]).shape
    (8, (2,))
    """

    _member = BPRegressor

    def predict(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the mean prediction of the members, of shape (n_samples,) or (n_samples, n_outputs)."""
        return self._mean(X, "predict")

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return R^2, as `BPRegressor.score` does."""
        return r_squared(y, self.predict(X), sample_weight)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.regressor_tags = get_tags(self._member() if self.estimator is None else self.estimator).regressor_tags
        return tags


@_documented
class BPEnsembleClassifier(ClassifierMixin, _Ensemble):
    """Average of the probabilities of several `BPClassifier` that start from different weights.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    n_features_in_, feature_names_in_

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from bpmodel import BPClassifier, BPEnsembleClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> member = BPClassifier((8,), learning_rate_init=0.03, tol=0.01)
    >>> ensemble = BPEnsembleClassifier(member, n_members=3, random_state=0).fit(X, y)
    >>> ensemble.score(X, y) > 0.9
    True
    """

    _member = BPClassifier

    @property
    def classes_(self) -> NDArray:
        """Class labels."""
        return self.estimators_[0].classes_

    def predict_proba(self, X: ArrayLike) -> NDArray:
        """Return the mean probability of each class, of shape (n_samples, n_classes), columns as in `classes_`."""
        return self._mean(X, "predict_proba")

    def predict_log_proba(self, X: ArrayLike) -> NDArray:
        """Return the logarithm of `predict_proba`, finite also where the probability rounds to 0."""
        p = self.predict_proba(X)
        rounded = is_rounded(p)
        if not rounded.any():
            return np.log(p)
        exact = np.logaddexp.reduce(self._each(X, "predict_log_proba"), axis=0) - np.log(len(self.estimators_))
        return np.where(rounded, exact, np.log(np.where(rounded, 1, p)))

    def predict(self, X: ArrayLike) -> NDArray:
        """Return the class with the highest mean probability; for multilabel targets, all classes above one half."""
        p = self.predict_proba(X)
        if self.estimators_[0]._label_binarizer.y_type_.startswith("multilabel"):
            return (p > 0.5).astype(int)
        return self.classes_[p.argmax(axis=1)]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def _fit(ensemble: Any, network: Any, task: Any, arguments: tuple[Any, Any, Any], data: dict[str, Any]) -> Any:
    """Fit one member as a task of the ensemble."""
    with task.propagate_callback_context(network), untold():
        task.call_on_fit_task_begin(estimator=ensemble, **data)
        try:
            return network.fit(*arguments)
        finally:
            task.call_on_fit_task_end(estimator=ensemble, **data)
