"""What a study notes in its journal beside its trials; `records` reads it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from search.experiment import Job
from search.loop.journal import StudyStore
from search.options import text
from search.report.versions import versions_here
from search.results import paired_test
from search.results.result import Result
from search.study import records, study_file
from search.study.study_file import Study
from search.tables import sources
from search.tables.secrets import masked
from search.trials.baselines import Baseline
from search.trials.nesting import network_of


def note_study(
    store: StudyStore, study: Study, job: Job, notes: Sequence[str], outer_baselines: Sequence[Baseline] = ()
) -> None:
    """Write what the report needs beside the trials, unless the journal has it."""
    about = {
        "file": study_file.source(study.path),
        "path": str(study.path),
        "task": study.data.task,
        "target": study.data.target,
        "data": _source(study),
        "rows": len(job.problem.X),
        "columns": job.problem.X.shape[1],
        "method": text(job.plan.method),
        "scheme": job.scheme,
        "scoring": job.scoring,
        "baselines": [*map(_noted, job.baselines)],
        "outer_baselines": [*map(_noted, outer_baselines)],
        "ratio": paired_test.ratio(job.problem.folds),
        "suspects": [list(names) for names in job.suspects],
        "loss": str(getattr(network_of(job.problem.estimator), "loss", "")),
        "notes": list(notes),
        "budget": {"n_trials": whole(job.plan.n_trials), "timeout": job.plan.timeout},
        "versions": versions_here(),
    }
    if store.notes.get(records.ABOUT) != about:
        store.note(records.ABOUT, about)


def note_out_of_fold(store: StudyStore, result: Result) -> None:
    """Write how the best trial predicts rows that it was not trained on, unless the journal has it."""
    told = None if result.out_of_fold is None else result.out_of_fold.to_dict()
    if told is not None and store.notes.get(records.OUT_OF_FOLD) != told:
        store.note(records.OUT_OF_FOLD, told)


def whole(number: float) -> int | None:
    """Return a number of trials; None where only time ends the search.

    >>> whole(60), whole(float("inf"))
    (60, None)
    """
    return int(number) if math.isfinite(number) else None


def _noted(baseline: Baseline) -> dict[str, Any]:
    return {**asdict(baseline), "fold_scores": list(baseline.fold_scores), "means": dict(baseline.means)}


def _source(study: Study) -> str:
    """Return the source of the rows, a path as seen from the current folder; without a password."""
    source = study.data.source
    return source if source.startswith("sklearn:") else masked(sources.moved(source, study.path.parent, Path()))
