"""The scorer of a study: its metrics, told the positive class and the classes that some rows lack."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.metrics import check_scoring, get_scorer

from search import classes, scorers
from search.cv.folds import Folds
from search.errors import StudyError
from search.scorers import OF_CLASSES
from search.study.data import Dataset
from search.study.study_file import Study


def scorer(study: Study, dataset: Dataset, estimator: Any, folds: Folds | None = None) -> Any:
    """Return the scorer of a study: a number for one metric, a dict for several.

    Parameters
    ----------
    study : Study
    dataset : Dataset
    estimator : estimator
    folds : Folds, optional
        The rows it is for; by default any, which may lack a class.

    Raises
    ------
    StudyError
        If [data] positive is no class, or a metric cannot be computed with these classes and folds.
    """
    if study.data.task != "classification":
        made = {name: get_scorer(name) for name in study.metrics}
    else:
        known, codes = np.unique(dataset.y, return_inverse=True)
        chosen = positive(study, known)
        lacking = folds is None or bool(scorers.lacking(codes, folds.splits))
        for name in study.metrics:
            _check(study, name, known)
            if folds is not None and OF_CLASSES.get(name, OF_CLASSES["f1"]).labels:
                _check_training(study, name, known, codes, folds)
        made = {n: scorers.told_classes(n, known.tolist(), chosen, lacking=lacking) for n in study.metrics}
    return made[study.scoring] if len(made) == 1 else check_scoring(estimator, made, raise_exc=False)


def positive(study: Study, known: Any) -> Any:
    """Return the positive one of two classes, as given or guessed; None if there are more.

    Raises
    ------
    StudyError
        If [data] positive is no class, or there are more than two.
    """
    given, values = study.data.positive, np.asarray(known).tolist()
    if given is None:
        return classes.positive(values) if len(values) == 2 else None
    where = f"{study.path}: [data] positive = {given!r}"
    if len(values) != 2:
        raise StudyError(f"{where} is for two classes; the target has {len(values)}: {classes.names(values[:20])}")
    found = classes.find(values, given)
    if found is None:
        raise StudyError(f"{where} is no class of the target; the classes are {classes.names(values)}")
    return found


def matters(study: Study, dataset: Dataset) -> bool:
    """Return whether a metric depends on which of two classes is the positive one."""
    two = study.data.task == "classification" and len(np.unique(dataset.y)) == 2
    return two and any(name in OF_CLASSES and OF_CLASSES[name].positive for name in study.metrics)


def notes(study: Study, dataset: Dataset) -> tuple[str, ...]:
    """Return what was guessed, a sentence each: the positive class, where it matters."""
    if study.data.positive is not None or not matters(study, dataset):
        return ()
    chosen = classes.names([positive(study, np.unique(dataset.y))])
    return (f"{chosen} is taken for the positive class; [data] positive names another",)


def identity(study: Study, dataset: Dataset) -> dict[str, Any]:
    """Return what makes scores comparable: the positive class where it matters, unless it is scikit-learn's, 1."""
    chosen = positive(study, np.unique(dataset.y)) if matters(study, dataset) else 1
    return {} if chosen == 1 else {"positive": classes.text(chosen)}


def _check(study: Study, name: str, known: Any) -> None:
    """Raise if a metric is for two classes only and there are more."""
    if name in OF_CLASSES and OF_CLASSES[name].more.get("average") == "binary" and len(known) > 2:
        raise StudyError(
            f"{study.path}: [cv] scoring = {name!r} is for two classes; the target has {len(known)}. Allowed are "
            f"{', '.join(f'{name}_{average}' for average in ('macro', 'weighted', 'micro'))}"
        )


def _check_training(study: Study, name: str, known: Any, codes: Any, folds: Folds) -> None:
    """Raise if the networks of some folds would not know a class that the metric needs a probability of."""
    if lost := sorted(scorers.lacking(codes, folds.splits, part=0)):
        rows = int((codes == lost[0]).sum())
        raise StudyError(
            f"{study.path}: [cv] scoring = {name!r} needs each class among the training rows of each fold; class "
            f"{classes.names([known[lost[0]]])} has {rows} row{'s' if rows > 1 else ''}. Leave it out, or merge it with another"
        )
