"""What is stored with the model of a study, so that it can be used where no study file is."""

from __future__ import annotations

from typing import Any

import numpy as np

from search import classes
from search.prediction import seen
from search.study import metrics
from search.study.data import Dataset
from search.study.study_file import Study
from search.tables import databases, sources
from search.tables.secrets import masked
from search.tracking.contents import datasets
from search.tracking.contents.datasets import DataEntry

READING = ("separator", "decimal", "thousands", "day_first", "encoding", "na_values", "sheet", "header")
"""Keys of [data] that say how a table is written."""

SERIES = ("time", "lags", "horizon", "exogenous")


def facts(study: Study, dataset: Dataset, pipeline: Any) -> dict[str, Any]:
    """Return what is known of a model: its target, how tables are read, how it is scored, and what it was trained on.

    The result is JSON: ``name``, ``task``, ``target``, ``scoring`` (all metrics, the one that decides first), ``positive`` (text
    of the positive class), ``reading`` (the keys of [data] that are given, and the decimal mark of the training rows), the keys
    of a forecast, ``data`` (a name), ``rows``, ``fingerprint``, ``dummy`` (mean of the target, or the rows of each class) and
    ``seen`` (`search.prediction.seen.sketch`).
    """
    keys = study.data
    found: dict[str, Any] = {
        "name": study.name,
        "task": keys.task,
        "target": dataset.target,
        "scoring": list(study.metrics),
        "reading": {key: value for key in READING if (value := getattr(keys, key)) is not None},
        "data": dataset.name,
        "rows": len(dataset.X),
        "fingerprint": dataset.fingerprint,
        "dummy": _dummy(study, dataset),
        "seen": seen.sketch(pipeline, dataset.X),
    }
    if any(format.get("decimal") == "," for format in dataset.formats.values()):
        found["reading"]["likely_decimal"] = ","
    if keys.lags:
        found |= {key: value for key in SERIES if (value := getattr(keys, key)) is not None}
    if keys.task == "classification" and (positive := metrics.positive(study, np.unique(dataset.y))) is not None:
        found["positive"] = classes.text(positive)
    return found


def entry(study: Study, dataset: Dataset) -> DataEntry:
    """Return what MLflow is told of a study's data; a path stands as the project sees it, an address without its password."""
    source = study.data.source
    shown = sources.shown(source, study.path.parent)
    in_file = not (source.startswith("sklearn:") or databases.is_address(source))
    where = datasets.local(shown) if in_file else datasets.other(masked(source))
    return datasets.of_table(dataset.name, dataset.fingerprint, where, dataset.X, dataset.y, dataset.target)


def _dummy(study: Study, dataset: Dataset) -> dict[str, Any]:
    """Return what the dummy predictor knows of the target."""
    if study.data.task == "regression":
        return {"mean": np.mean(dataset.y, axis=0).tolist()}
    labels, counts = np.unique(dataset.y, return_counts=True)
    return {"classes": [classes.text(label) for label in labels], "rows": counts.tolist()}
