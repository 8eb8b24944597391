"""A study as a journal for other programs that read Optuna's, such as optuna-dashboard.

The journal of a study is for the samplers: its trials are numbered as they ended, and have the values that the sampler was told,
penalties included. Here they have their own numbers, times and scores.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import optuna
from optuna.storages.journal import BaseJournalBackend
from optuna.trial import FrozenTrial, TrialState, create_trial

from search.files import writing
from search.formatting import metric
from search.loop.journal import Stored
from search.samplers.optuna_terms import distributions, quiet
from search.space.spaces import Space
from search.trials.outcomes import DIVERGED, ERROR, OK, STOPPED, Outcome

STATES = {OK: TrialState.COMPLETE, STOPPED: TrialState.PRUNED, DIVERGED: TrialState.FAIL, ERROR: TrialState.FAIL}
"""What a verdict is called there: trials without a score of all their epochs are not drawn among those with one."""

MISSING = "missing"
"""Verdict of a number whose trial has not ended, because the study was interrupted: Optuna has no gaps."""


class Collected(BaseJournalBackend):
    """A journal in memory."""

    def __init__(self) -> None:
        self.logs: list[dict[str, Any]] = []

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append lines."""
        self.logs += logs

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        """Return the lines from a number on."""
        return iter(self.logs[log_number_from:])


def write(stored: Stored, space: Space, scoring: str, path: Path, *, force: bool = False) -> int:
    """Write a study to a journal of Optuna; return the number of its trials.

    Raises
    ------
    StudyError
        If the file exists and `force` is not set, or cannot be written.
    """
    name, sign = metric(scoring)
    backend = Collected()
    with quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        storage = optuna.storages.JournalStorage(backend)
        direction = optuna.study.StudyDirection.MINIMIZE if sign < 0 else optuna.study.StudyDirection.MAXIMIZE
        study = optuna.create_study(study_name=stored.name, storage=storage, direction=direction)
        study.set_metric_names([name])
        for number in range(max(stored.outcomes, default=-1) + 1):
            outcome = stored.outcomes.get(number)
            study.add_trial(_missing() if outcome is None else _trial(outcome, space, sign, stored.ended.get(number)))
    text = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in backend.logs)
    with writing.replacing(path, "--output", force=force) as draft:
        draft.write_bytes(text.encode())
    return len(stored.outcomes)


def _missing() -> FrozenTrial:
    return create_trial(state=TrialState.FAIL, user_attrs={"verdict": MISSING})


def _trial(outcome: Outcome, space: Space, sign: int, ended: float | None) -> FrozenTrial:
    leaves, axes = space.leaves(outcome.params), space.axes
    state = STATES[outcome.verdict]
    trial = create_trial(
        state=state,
        value=sign * outcome.score if state is TrialState.COMPLETE else None,
        params={name: axes[name].dimension.encode(value) for name, value in leaves.items()},
        distributions=distributions({name: axes[name] for name in leaves}),
        intermediate_values={epoch: sign * score for epoch, score in outcome.defined.items()},
        user_attrs=dict(_notes(outcome, sign)),
    )
    if ended is not None:
        trial.datetime_complete = datetime.fromtimestamp(ended)
        trial.datetime_start = trial.datetime_complete - timedelta(seconds=max(outcome.seconds, 0.0))
    return trial


def _notes(outcome: Outcome, sign: int) -> Iterator[tuple[str, Any]]:
    yield from (("verdict", outcome.verdict), ("reason", outcome.reason))
    facts: Mapping[str, Any] = {
        "finding": outcome.divergence.code if outcome.divergence else "",
        "epochs": outcome.epoch,
        "std": outcome.std if math.isfinite(outcome.std) else 0,
        "fold_scores": [sign * score for score in outcome.fold_scores],
        "n_weights": outcome.n_weights,
    }
    yield from ((name, value) for name, value in facts.items() if value)
