"""Contents of MLflow's runs for a study and its trials, as inert data."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from search.tracking.contents import origin, surroundings
from search.tracking.contents.datasets import DataEntry
from search.tracking.contents.entrants import Entrant
from search.trials.outcomes import VERDICTS

PARAM_LENGTH, TAG_LENGTH = 6000, 5000
"""Characters kept of a text: MLflow's limits over all its stores."""

RUN_STATUS = {name: verdict.run_status for name, verdict in VERDICTS.items()}
PARENT = "mlflow.parentRunId"
EXPERIMENT_TAGS = {"mlflow.experimentKind": "custom_model_development"}
"""This tag makes the UI open on training runs."""

BESIDE = {"bpsearch.artifacts": "beside the database"}
"""A tag of experiments whose artifacts move with the database."""

RESULT = "bpsearch.result"
"""The tag of a model that says which result of its study it was made of."""

OUTCOME = "bpsearch.outcome"
"""The tag of a trial's run that tells its outcome from those of other trials with the same number, see `trials.digest`."""

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
        Returns what names the result that a model is made of: the same text as long as the same trial is the best, with the same
        scores. A model of a result is registered once; without a name, every time.
    scoring : str
        The metric that decides; "score" if it has no name.
    method : str
        The search method.
    entrant : callable, optional
        Returns what a model enters the registry with, once the winner is known.
    data : DataEntry, optional
        The data of the study, an input of the parent run; metrics of its model are tied to it.
    """

    experiment: str
    study_id: str
    params: Mapping[str, Any]
    source: str | None = None
    metadata: Callable[[Any], Mapping[str, Any]] | None = None
    result: Callable[[], str] | None = None
    scoring: str = "score"
    method: str = ""
    data: DataEntry | None = None
    entrant: Callable[[], Entrant | None] | None = None

    @property
    def tags(self) -> dict[str, str]:
        """The tags of the parent run."""
        told = {"bpsearch.study": self.study_id, "bpsearch.kind": "study", origin.COMMAND: origin.command(sys.argv)}
        written = {name: text[:TAG_LENGTH] for name, text in (told | surroundings.tags()).items() if text}
        return self.common | written

    @cached_property
    def common(self) -> dict[str, str]:
        """The tags of all runs of the study. They stay as they are, though a commit may be made meanwhile."""
        return {"study": self.experiment} | ({"method": self.method} if self.method else {}) | origin.tags()


@dataclass(frozen=True)
class Opened:
    """Where runs and artifacts of a study go, the trials that have a run, and those with a point of the best score so far."""

    experiment_id: str
    root: str
    parent: str
    recorded: set[int]
    steps: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class Tied:
    """A logged model, and the run and the time of its metrics: the same whenever they are written."""

    model_id: str
    run_id: str
    timestamp: int

    def to(self, data: DataEntry | None) -> dict[str, str]:
        """Return the fields of a metric of this model on some data."""
        on = {} if data is None else {"dataset_name": data.name, "dataset_digest": data.digest}
        return {"model_id": self.model_id, "run_id": self.run_id, **on}


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
        A name that ends otherwise than in ``.json`` has a text.
    """

    trial: int
    name: str
    status: str
    started: int
    ended: int
    params: dict[str, str]
    tags: dict[str, str]
    metrics: list[tuple[str, float, int]]
    files: dict[str, Any]


@dataclass(frozen=True)
class Report:
    """The data of a parent run at the end of a study.

    `verdict` says what the model is worth, for its description. `model` are the metrics of the registered model. `figures` maps
    file names to Matplotlib figures, `pages` to HTML, `sheets` to functions that write a CSV file at a path; `tables` are JSON,
    `texts` maps names of files to what they hold. `steps` are metrics with one value per step, None if there is no value.
    """

    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    summary: str
    verdict: str = ""
    model: Mapping[str, float] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, Any] = field(default_factory=dict)
    steps: Mapping[str, Sequence[float | None]] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    pages: Mapping[str, str] = field(default_factory=dict)
    sheets: Mapping[str, Callable[[Path], object]] = field(default_factory=dict)


def content(name: str, what: Any) -> str:
    """Return what a file of a run holds: JSON, or the text itself.

    >>> content("a.json", {"b": 1}), content("a.txt", "b")
    ('{\\n  "b": 1\\n}', 'b')
    """
    return json.dumps(what, indent=2) if name.endswith(".json") else str(what)


def experiment_tags(beside: bool) -> dict[str, str]:
    """Return the tags of an experiment; `beside` says whether its artifacts lie beside the database."""
    return EXPERIMENT_TAGS | BESIDE if beside else EXPERIMENT_TAGS


def written_params(params: Mapping[str, Any]) -> dict[str, str]:
    """Convert parameters to MLflow's form: strings of limited length."""
    return {name: str(value)[:PARAM_LENGTH] for name, value in params.items()}


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
