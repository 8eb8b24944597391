"""An evaluation as plain data, for `--json`; `docs/models.md` lists the keys."""

from __future__ import annotations

from typing import Any

import numpy as np

from search import classes
from search.formatting import metric
from search.holdout import metrics, words
from search.holdout.evaluation import QUANTILES, Evaluation
from search.tracking.models.registry import Facts


def evaluated(known: Facts, target: str | None, found: Evaluation) -> dict[str, Any]:
    """Return the result of `bpsearch evaluate`."""
    return {
        "model": known.version.name,
        "version": known.version.number,
        "target": target,
        "rows": len(found.sample),
        "scores": [
            {
                "scoring": scored.scoring,
                "metric": metric(scored.scoring)[0],
                "greater_is_better": not scored.lower_is_better,
                "value": scored.value,
                "low": scored.low,
                "high": scored.high,
                "dummy": scored.dummy,
                "cross_validation": scored.promised,
            }
            for scored in found.scores
        ],
        "judgment": words.told(found),
        "classes": _classes(found) if found.sample.classes else None,
        "confusion": found.sample.confusion if found.sample.classes else None,
        "residuals": None if found.sample.classes else _residuals(found),
        "worst": None
        if found.sample.classes
        else [{"row": row, "target": truth, "prediction": predicted} for row, truth, predicted in found.worst()],
        "notes": found.notes,
    }


def _classes(found: Evaluation) -> list[dict[str, Any]]:
    columns = [compute(found.sample) for compute in (metrics.precisions, metrics.recalls, metrics.f1_scores)]
    rows = found.sample.confusion.sum(axis=1)
    return [
        {"class": classes.text(label), "precision": precision, "recall": recall, "f1": f1, "rows": n}
        for label, precision, recall, f1, n in zip(found.sample.classes, *columns, rows, strict=True)
    ]


def _residuals(found: Evaluation) -> dict[str, Any]:
    own = found.residuals
    return {
        "mean": own.mean(),
        "std": own.std(),
        "quantiles": {f"{share:g}": value for share, value in zip(QUANTILES, np.quantile(own, QUANTILES), strict=True)},
        "correlation": found.correlation,
    }
