"""Contents of MLflow's runs for a study and its trials, as inert data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from search.trials.outcomes import OK, VERDICTS, Outcome

CURVE_POINTS = 50
"""Points kept of a loss curve: a trial has a dozen metrics and two curves, and each point is a row with three
indices."""

PARAM_LENGTH, TAG_LENGTH = 6000, 5000
"""Characters kept of a text: MLflow's limits over all its stores."""

DIAGNOSIS = "diagnosis.json"
RUN_STATUS = {name: verdict.run_status for name, verdict in VERDICTS.items()}
PARENT = "mlflow.parentRunId"
SOURCE_NAME = {"mlflow.source.name": "bpsearch"}
EXPERIMENT_TAGS = {"mlflow.experimentKind": "custom_model_development"}
"""This tag makes the UI open on training runs."""

BESIDE = {"bpsearch.artifacts": "beside the database"}
"""A tag of experiments whose artifacts move with the database."""

RESULT = "bpsearch.result"
"""The tag of a model that says which result of its study it was made of."""

OUTCOME = "bpsearch.outcome"
"""The tag of a trial's run that tells its outcome from those of other trials with the same number, see `digest`."""

TRAINING = "?workflowType=machine_learning"
"""The end of an address in MLflow's UI that shows training runs; a new browser is shown pages for language models."""

STUDY_FILE = "study.toml"
PAGE = "report.html"
"""The report that people keep; the description of the parent run links to it."""


@dataclass(frozen=True)
class Header:
    """The data of a parent run at its start.

    Attributes
    ----------
    experiment : str
        Name of the experiment and of the registered model.
    study_id : str
        Distinguishes this study from earlier ones of the same name.
    params : dict
    source : str or None
        The study file, stored as an artifact.
    metadata : callable, optional
        Maps the fitted estimator to what is stored with its model, in JSON.
    result : callable, optional
        Returns what names the result that a model is made of: the same text whenever a study goes on with the same trials. A
        model of a result is registered once; without a name, every time.
    """

    experiment: str
    study_id: str
    params: Mapping[str, Any]
    source: str | None = None
    metadata: Callable[[Any], Mapping[str, Any]] | None = None
    result: Callable[[], str] | None = None

    @property
    def tags(self) -> dict[str, str]:
        return {"bpsearch.study": self.study_id, "bpsearch.kind": "study", **SOURCE_NAME}


@dataclass(frozen=True)
class Opened:
    """Where runs and artifacts of a study go, and the numbers of the trials that already have a run."""

    experiment_id: str
    root: str
    parent: str
    recorded: set[int]


@dataclass(frozen=True)
class Run:
    """The child run of one trial.

    Attributes
    ----------
    started, ended : int
        Milliseconds since 1970.
    metrics : list of (name, value, step)
        Finite values only; all have the timestamp `ended`.
    files : dict of str to JSON
    """

    trial: int
    status: str
    started: int
    ended: int
    params: dict[str, str]
    tags: dict[str, str]
    metrics: list[tuple[str, float, int]]
    files: dict[str, Any]

    @property
    def name(self) -> str:
        """The number and, unless the trial went well, how it ended: lists of runs show no tags at first."""
        verdict = self.tags["verdict"]
        return f"trial {self.trial}" if verdict == OK else f"trial {self.trial} · {VERDICTS[verdict].label}"


@dataclass(frozen=True)
class Report:
    """The data of a parent run at the end of a study.

    `verdict` says what the model is worth, for its description. `figures` maps file names to Matplotlib figures, `texts` names of
    files to what they hold; `steps` are metrics with one value per step, None if there is no value.
    """

    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    summary: str
    verdict: str = ""
    figures: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, Any] = field(default_factory=dict)
    steps: Mapping[str, Sequence[float | None]] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)


def experiment_tags(beside: bool) -> dict[str, str]:
    """Return the tags of an experiment; `beside` says whether its artifacts lie beside the database."""
    return EXPERIMENT_TAGS | BESIDE if beside else EXPERIMENT_TAGS


def written_params(params: Mapping[str, Any]) -> dict[str, str]:
    """Convert parameters to MLflow's form: strings of limited length."""
    return {name: str(value)[:PARAM_LENGTH] for name, value in params.items()}


def child(outcome: Outcome, value: float, ended: float) -> Run:
    """Return the run of a trial; `value` was given to the sampler, and `ended` is in seconds since 1970."""
    tags = {**SOURCE_NAME, "trial": str(outcome.number), "verdict": outcome.verdict}
    tags["reason"], tags[OUTCOME] = outcome.reason[:TAG_LENGTH], digest(outcome)
    files: dict[str, Any] = {}
    if outcome.divergence is not None and outcome.divergence.findings:
        tags["finding"] = outcome.divergence.code
        files[DIAGNOSIS] = {"summary": outcome.reason, "findings": outcome.divergence.findings}
    milliseconds = int(ended * 1000)
    return Run(
        outcome.number,
        RUN_STATUS[outcome.verdict],
        milliseconds - int(outcome.seconds * 1000),
        milliseconds,
        written_params(outcome.params),
        tags,
        [(name, float(v), step) for name, v, step in _metrics(outcome, value) if np.isfinite(v)],
        files,
    )


def digest(outcome: Outcome) -> str:
    """Return a short text that two outcomes share only if they are of one evaluation, or of equal ones."""
    content = json.dumps([outcome.number, outcome.verdict, outcome.epoch, list(map(float, outcome.fold_scores))])
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def strangers(found: Iterable[tuple[str | None, str | None]], own: Mapping[int, str]) -> list[int]:
    """Return the trials that a store has of a study, but of another copy of its journal.

    Parameters
    ----------
    found : iterable of (str or None, str or None)
        The tags ``trial`` and `OUTCOME` of the runs in the store; runs of older versions have only the first.
    own : mapping of int to str
        The digests of the trials in the journal.

    Examples
    --------
    >>> strangers([("0", "ab"), ("1", None), ("2", "cd"), ("3", "ef"), (None, None)], {0: "ab", 1: "aa", 2: "bb"})
    [2, 3]
    """
    told = {(trial, text) for tag, text in found if (trial := trial_of(tag)) is not None}
    return sorted({trial for trial, text in told if trial not in own or text not in (None, own[trial])})


def _metrics(outcome: Outcome, value: float) -> Iterator[tuple[str, float, int]]:
    yield "seconds", outcome.seconds, 0
    yield "told_value", value, 0
    if outcome.n_weights:
        yield "n_weights", outcome.n_weights, 0
    if outcome.fold_scores:
        yield "score", outcome.score, 0
        yield "score_std", outcome.std, 0
        if outcome.epoch:
            yield "epochs", outcome.epoch, 0
        for fold, score in enumerate(outcome.fold_scores):
            yield "fold_score", score, fold
    for name, mean in outcome.means.items():
        yield f"score.{name}", mean, 0
    for name, scores in outcome.train_metrics.items():
        yield f"train_score.{name}", float(np.mean(scores)), 0
    if outcome.divergence is not None:
        yield "diverged_epoch", outcome.divergence.epoch, 0
        yield "diverged_step", outcome.divergence.step, 0
        yield "diverged_loss_ratio", outcome.divergence.ratio, 0
    for epoch, score in outcome.curve.items():
        yield "score_curve", score, epoch
    for name, losses in outcome.losses.items():
        for epoch in kept_epochs(len(losses)):
            yield f"{name}_loss", losses[epoch - 1], epoch


def is_whole(names: Iterable[str]) -> bool:
    """Return whether the files of a model can be all of them: its description, and the pipeline itself.

    >>> is_whole(["MLmodel", "model.skops", "code"]), is_whole(["MLmodel", "code"])
    (True, False)
    """
    found = set(names)
    return "MLmodel" in found and any(name.startswith("model.") for name in found)


def trial_of(tag: str | None) -> int | None:
    """Return the number of the trial of a child run, given its tag; None for runs that others have put below the parent.

    >>> trial_of("12"), trial_of("my own"), trial_of(None)
    (12, None, None)
    """
    return int(tag) if tag is not None and tag.isascii() and tag.isdecimal() else None


@cache
def kept_epochs(n_epochs: int) -> list[int]:
    """Return the epochs kept of a loss curve: nearly all at its steep beginning, and fewer and fewer later.

    >>> kept_epochs(3), kept_epochs(200)[:6], kept_epochs(200)[-3:]
    ([1, 2, 3], [1, 2, 3, 4, 5, 6], [184, 192, 200])
    """
    if n_epochs <= CURVE_POINTS:
        return list(range(1, n_epochs + 1))
    places = np.linspace(0, 1, CURVE_POINTS) ** 2 * (n_epochs - 1)
    return sorted({round(place) + 1 for place in places})
