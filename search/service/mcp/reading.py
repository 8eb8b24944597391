"""Tools that only read: what language models can ask about the studies of a folder."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from search.catalog import trials
from search.catalog.entries import Entry
from search.errors import NoStudyError, StudyError
from search.files import writing
from search.formatting import metric
from search.results import report
from search.service.desk import Desk
from search.service.mcp.answers import Page, short_curve
from search.service.mcp.arguments import MOST_LISTED, First, Most, Name, Number, Side, Tool
from search.study import records
from search.trials.outcomes import DIVERGED, ERROR, Outcome, order

MOST_NUMBERS = 20
"""Numbers of trials that are listed for a cause."""

MOST_ROWS = 100
ROWS = "rows.json"

Value = str | int | float | bool | None


class ListStudies(Tool):
    """List the studies of this folder: those in the queue of the service first, then those that were run without it, latest
    first.

    Each has name, state (queued, running, paused, stopping, done, failed, cancelled; "not queued" if it was run without the
    queue), data, method, counts of trials by verdict, and the best score so far with its metric. Scores are as people say
    them: an error is positive and better if lower.
    """

    first: First = 0
    most: Most = 20

    def answer(self, desk: Desk) -> Page:
        known = {each["name"]: each for each in desk.folder()}
        queued = [_queued(each, known.pop(each["name"], None)) for each in desk.list()]
        found = [*queued, *map(_unqueued, known.values())]
        return Page("studies", found[self.first : self.first + self.most], self.first, len(found))


def _queued(status: Mapping[str, Any], line: Mapping[str, Any] | None) -> dict[str, Any]:
    keys = ("name", "state", "reason", "data", "method", "trials", "n_trials", "metric", "best", "priority", "ended")
    told = {key: status[key] for key in keys if status[key] is not None}
    if line is not None and not any(status["trials"].values()):  # its trials are of a run without the queue
        told |= {"trials": line["trials"], "best": line["score"]}
    return told


def _unqueued(line: Mapping[str, Any]) -> dict[str, Any]:
    state = "running" if line["running"] else "not queued"
    told = {"reason": line["problem"], "data": line["data"], "method": line["method"], "trials": line["trials"]}
    told |= {"metric": line["metric"], "best": line["score"], "ended": line["when"]}
    return {"name": line["name"], "state": state} | {key: value for key, value in told.items() if value is not None}


class DescribeStudy(Tool):
    """Describe one study: its state, its best trial, how that compares with baselines on the same folds, and what it is
    worth.

    The answer has `status` (of the queue; null if the study was run without it), `best` (hyperparameters, score and
    standard deviation over the folds), `baselines` (dummy predictor, linear model, gradient boosting), `judgment`
    (sentences by a corrected resampled t-test: trust these more than the raw scores), versions of the registered model, and
    `file`, the study file as TOML.
    """

    name: Name

    def answer(self, desk: Desk) -> dict[str, Any]:
        try:
            status = desk.status(self.name)
        except NoStudyError:
            status = None
        if status is not None and not any(desk.entry(self.name).counts.values()):
            return {"status": status, "note": "no trial has finished yet"}
        found = desk.result(self.name)
        study = found.pop("study") or {}
        kept = ("scheme", "n_trials", "best", "baselines", "nested", "judgment", "problem", "notes")
        keys = ("name", "task", "data", "method", "running", "trials", "metric", "score", "std", "params", "versions")
        told = {key: found[key] for key in keys} | {key: study.get(key) for key in kept}
        return {"status": status, **told, "file": found["file"]}


class ListTrials(Tool):
    """List finished trials of a study: number, verdict, score, hyperparameters, epochs, and for a diverged one the likely
    cause.

    Verdicts: ok (all folds trained and scored), stopped (ended early because others were better), diverged (training
    exploded or broke down), error. With order "score" the best come first, as the report ranks them; with "number" as they
    were proposed.
    """

    name: Name
    first: First = 0
    most: Most = 20
    order: Literal["number", "score"] = Field("number", description="What the list is sorted by.")
    verdict: Literal["ok", "stopped", "diverged", "error"] | None = Field(
        None, description="Only trials that ended in this way."
    )

    def answer(self, desk: Desk) -> Page:
        entry = desk.entry(self.name)
        every = {} if entry.stored is None else entry.stored.outcomes
        found = [o for o in every.values() if self.verdict in (None, o.verdict)]
        found.sort(key=order if self.order == "score" else lambda outcome: outcome.number)
        label, sign = metric(entry.scoring or "")
        rows = [_row(outcome, sign) for outcome in found[self.first : self.first + self.most]]
        return Page("trials", rows, self.first, len(found), {"name": self.name, "metric": label or None})


def _row(outcome: Outcome, sign: int) -> dict[str, Any]:
    row = {"number": outcome.number, "verdict": outcome.verdict, "params": dict(outcome.params)}
    if outcome.fold_scores:
        row |= {"score": sign * outcome.score, "std": outcome.std, "epochs": outcome.epoch}
    if outcome.verdict in (DIVERGED, ERROR):
        row["reason"] = outcome.reason
    if causes := trials.findings(outcome):
        row["cause"] = causes[0].code
    return row


class ExplainTrial(Tool):
    """Explain one finished trial; for one that diverged, what went wrong, on what evidence, and what to change.

    The answer has verdict and reason, hyperparameters, scores by fold, curves in short (scores and losses by epoch), and
    `findings`, the most likely cause first: each has a code, the cause in words, the remedy, its evidence, and `change`,
    the hyperparameters that the remedy proposes. A finding is a hypothesis with figures: to test it, run the study with
    that change.
    """

    name: Name
    number: Number

    def answer(self, desk: Desk) -> dict[str, Any]:
        found = desk.trial(self.name, self.number)
        _, sign = metric(found["scoring"] or "")
        curves = {"score": {int(epoch): score for epoch, score in found.pop("curve").items()}}
        losses = {f"{kind} loss": dict(enumerate(values, 1)) for kind, values in found.pop("losses").items()}
        short = {label: short_curve(curve) for label, curve in (curves | losses).items()}
        found["greater_is_better"] = sign > 0
        return found | {"curves": {label: curve for label, curve in short.items() if curve}}


class Findings(Tool):
    """Tell what went wrong in a study: how many trials diverged, and of which causes, the most frequent first.

    Each cause has a code, an explanation, a remedy, how many trials it explains, and the first of their numbers, for
    explain_trial.
    """

    name: Name

    def answer(self, desk: Desk) -> dict[str, Any]:
        found = desk.findings(self.name)
        causes = [_counted(cause) for cause in found["causes"]]
        finished = desk.entry(self.name).counts
        return {"name": self.name, "trials": finished, "diverged": len(found["diverged"]), "causes": causes}


def _counted(cause: Mapping[str, Any]) -> dict[str, Any]:
    numbers: Sequence[int] = cause["trials"]
    return {**cause, "count": len(numbers), "trials": list(numbers[:MOST_NUMBERS])}


class Compare(Tool):
    """Put two to eight studies, or versions of their models, side by side: scores, folds, budgets, hyperparameters that
    differ.

    Two that were scored by the same metric on the same folds of the same rows are tested against each other (corrected
    resampled t-test); `sentences` say what follows. A difference that is not tested is not evidence.
    """

    names: list[Side] = Field(
        min_length=2, max_length=8, description="NAME of a study, or NAME/VERSION of its model, such as wine/2."
    )

    def answer(self, desk: Desk) -> dict[str, Any]:
        return desk.compare(self.names)


class Predict(Tool):
    """Predict rows with the champion of a study: the registered model that is used unless another is asked for.

    Each row is an object of values by column name, as in the table that the study was trained on (describe_study tells its
    file); leave out the target. The answer has a prediction for each row, in the units of the target.
    """

    name: Name
    rows: list[dict[str, Value]] = Field(
        min_length=1, max_length=MOST_ROWS, description=f"From 1 to {MOST_ROWS} rows, each an object by column name."
    )
    probabilities: bool = Field(False, description="For a classifier: add the probability of each class.")

    def answer(self, desk: Desk) -> Page:
        if (count := sum(map(len, self.rows))) > MOST_ROWS * MOST_LISTED:
            raise StudyError(f"rows have {count} values; allowed are {MOST_ROWS * MOST_LISTED} in all")
        with tempfile.TemporaryDirectory(prefix="bpsearch-") as folder:
            path = Path(folder, ROWS)
            writing.write(path, self._table())
            try:
                pieces = list(desk.predict(self.name, path, probabilities=self.probabilities))
            except StudyError as error:
                raise StudyError(
                    str(error).replace(str(path), "rows").replace("--probabilities", "probabilities")
                ) from None
        found = [row for piece in pieces for row in piece.to_dict("records")]
        return Page("predictions", found, 0, len(found), {"name": self.name}, "ask for fewer rows at a time")

    def _table(self) -> bytes:
        """Return the rows as a file of JSON, all with the same columns."""
        columns = dict.fromkeys(key for row in self.rows for key in row)
        return json.dumps([{key: row.get(key) for key in columns} for row in self.rows]).encode()


class Report(Tool):
    """Summarize a study in words, as Markdown: what was searched, the best trial beside the baselines, divergences, the
    model.

    This is the shortest way to tell a person what came out. The full report, with figures, is the resource
    bpsearch://studies/NAME/report.
    """

    name: Name

    def answer(self, desk: Desk) -> str:
        entry = desk.entry(self.name)
        result = _result(entry)
        if result is None:
            if entry.stored is not None and records.EXTERNAL in entry.stored.notes:
                raise StudyError(
                    f"study {self.name!r} is trained by clients: a report tells of networks; use list_trials"
                )
            raise StudyError(f"study {self.name!r} has no finished trial yet, or its journal is of an older version")
        return report.summary(result)


def _result(entry: Entry) -> Any:
    return None if entry.stored is None else records.result(entry.stored)


READING: dict[str, type[Tool]] = {
    "list_studies": ListStudies,
    "describe_study": DescribeStudy,
    "list_trials": ListTrials,
    "explain_trial": ExplainTrial,
    "findings": Findings,
    "compare": Compare,
    "predict": Predict,
    "report": Report,
}
"""Tools that only read, by name."""
