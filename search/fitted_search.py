"""Methods of a fitted search, which it delegates to its best estimator."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, MetaEstimatorMixin
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import MetadataRouter
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from search import routing
from search.constructor import SearchParameters
from search.trials import scoring


def _refitted(name: str) -> Any:
    def check(search: FittedSearch) -> bool:
        _check_refit(search, name)
        getattr(getattr(search, "best_estimator_", search.estimator), name)
        return True

    return available_if(check)


def _check_refit(search: FittedSearch, name: str) -> None:
    if not search.refit:
        raise AttributeError(
            f"This {type(search).__name__} instance was initialized with `refit=False`. {name} is available only after refitting "
            "on the best parameters: fit it with refit=True, or an estimator of your own with `best_params_`"
        )


class FittedSearch(SearchParameters, MetaEstimatorMixin, BaseEstimator):
    """Delegates methods to the best estimator; subclasses implement `fit`, which finds it."""

    scorer_: Any
    best_estimator_: Any

    @abstractmethod
    def fit(self, X: ArrayLike, y: ArrayLike | None = None, **params: Any) -> Any:
        """Find the best estimator."""

    @_refitted("predict")
    def predict(self, X: ArrayLike) -> NDArray:
        """Call `predict` of the best estimator."""
        return self._best().predict(X)

    @_refitted("predict_proba")
    def predict_proba(self, X: ArrayLike) -> NDArray:
        """Call `predict_proba` of the best estimator."""
        return self._best().predict_proba(X)

    @_refitted("predict_log_proba")
    def predict_log_proba(self, X: ArrayLike) -> NDArray:
        """Call `predict_log_proba` of the best estimator."""
        return self._best().predict_log_proba(X)

    @_refitted("decision_function")
    def decision_function(self, X: ArrayLike) -> NDArray:
        """Call `decision_function` of the best estimator."""
        return self._best().decision_function(X)

    @_refitted("score_samples")
    def score_samples(self, X: ArrayLike) -> NDArray:
        """Call `score_samples` of the best estimator."""
        return self._best().score_samples(X)

    @_refitted("transform")
    def transform(self, X: ArrayLike) -> Any:
        """Call `transform` of the best estimator."""
        return self._best().transform(X)

    @_refitted("inverse_transform")
    def inverse_transform(self, X: ArrayLike) -> Any:
        """Call `inverse_transform` of the best estimator."""
        return self._best().inverse_transform(X)

    def score(self, X: ArrayLike, y: ArrayLike | None = None, **params: Any) -> float:
        """Score the best estimator by the metric that was maximized.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
        **params
            Passed to the scorer; allowed only with metadata routing.
        """
        _check_refit(self, "score")
        best, more = self._best(), routing.score_params(self, params)
        wanted = self.refit if isinstance(self.refit, str) else None
        scorer = self.scorer_
        if isinstance(scorer, Mapping):
            scorer = scorer[wanted or next(iter(scorer))]
        found = scorer(best, X, **more) if y is None else scorer(best, X, y, **more)
        return float(found[wanted or next(iter(found))] if isinstance(found, Mapping) else found)

    @property
    def classes_(self) -> NDArray:
        """Class labels."""
        _check_refit(self, "classes_")
        return self._best().classes_

    @property
    def n_features_in_(self) -> int:
        """Number of features seen by the best estimator."""
        if not hasattr(self, "best_estimator_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute 'n_features_in_' before `fit`")
        return self.best_estimator_.n_features_in_

    def _sk_visual_block_(self) -> Any:
        """Show the contents of the search in scikit-learn's diagrams."""
        name = "best_estimator_" if hasattr(self, "best_estimator_") else "estimator"
        inner = getattr(self, name)
        from sklearn.utils._repr_html.estimator import (
            _VisualBlock,  # private: without it, scikit-learn draws one plain box
        )

        return _VisualBlock("parallel", [inner], names=[f"{name}: {type(inner).__name__}"], name_details=[str(inner)])

    def _best(self) -> Any:
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_

    def get_metadata_routing(self) -> MetadataRouter:
        """Return the routing of arguments of `fit` and `score` to estimator, scorer and splitter."""
        scorer, _ = scoring.build(self.estimator, self.scoring, self.refit, self.error_score)
        return routing.router(self, scorer)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.estimator_type = inner.estimator_type
        tags.classifier_tags = inner.classifier_tags
        tags.regressor_tags = inner.regressor_tags
        tags.input_tags = inner.input_tags
        tags.target_tags = inner.target_tags
        return tags
