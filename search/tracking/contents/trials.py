"""The run of a trial: its name, what to filter by, its metrics, and what explains it."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from typing import Any

from bpmodel.diagnosis.findings import Diagnosis, Finding
from search.tracking.contents import scores
from search.tracking.contents.runs import OUTCOME, RUN_STATUS, TAG_LENGTH, Header, Run, written_params
from search.tracking.naming.markdown import plain
from search.trials.courses import kept_epochs
from search.trials.outcomes import OK, VERDICTS, Outcome, mean

DIAGNOSIS, IN_WORDS = "diagnosis.json", "diagnosis.txt"


def child(outcome: Outcome, value: float, ended: float, header: Header) -> Run:
    """Return the run of a trial; `value` was given to the sampler, and `ended` is in seconds since 1970."""
    tags = {**header.common, "trial": str(outcome.number), "verdict": outcome.verdict}
    tags["reason"], tags[OUTCOME] = outcome.reason[:TAG_LENGTH], digest(outcome)
    if outcome.failed or outcome.diverged:
        tags["mlflow.note.content"] = described(outcome)[:TAG_LENGTH]
    files: dict[str, Any] = {}
    if outcome.divergence is not None and outcome.divergence.findings:
        tags["finding"] = outcome.divergence.code
        files[DIAGNOSIS] = {"summary": outcome.reason, "findings": outcome.divergence.findings}
        files[IN_WORDS] = in_words(outcome)
    milliseconds = int(ended * 1000)
    return Run(
        outcome.number,
        run_name(outcome, header.scoring),
        RUN_STATUS[outcome.verdict],
        milliseconds - int(outcome.seconds * 1000),
        milliseconds,
        written_params(outcome.params),
        tags,
        metrics(outcome, value, header.scoring),
        files,
    )


def run_name(outcome: Outcome, scoring: str) -> str:
    """Return number, how the trial ended unless it went well, and score: lists of runs show no tags at first.

    >>> run_name(Outcome(7, {}, "stopped", "", [-60.25, -60.15], 4, {}, {}, 0.1), "neg_root_mean_squared_error")
    'trial 7 · stopped early · RMSE 60.2'
    """
    parts = [f"trial {outcome.number}"]
    if outcome.verdict != OK:
        parts.append(VERDICTS[outcome.verdict].label)
    if outcome.fold_scores:
        parts.append(scores.told(scoring, outcome.score))
    return " · ".join(parts)


def described(outcome: Outcome) -> str:
    """Return the description of the run of a trial that has no score, in Markdown: the page shows a tag's first words only.

    >>> print(described(Outcome(7, {}, "error", "no <memory>", [], 0, {}, {}, 0.1)))
    **error**: no &lt;memory&gt;
    """
    findings = [] if outcome.divergence is None else outcome.divergence.findings
    lines = [f"- **{plain(f['code'])}**: {plain(f['cause'])} *{plain(f['remedy'])}*" for f in findings]
    return "\n".join(
        [f"**{VERDICTS[outcome.verdict].label}**: {plain(outcome.reason)}", *([""] if lines else []), *lines]
    )


def digest(outcome: Outcome) -> str:
    """Return a short text that two outcomes share only if they are of one evaluation, or of equal ones."""
    content = json.dumps([outcome.number, outcome.verdict, outcome.epoch, list(map(float, outcome.fold_scores))])
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def in_words(outcome: Outcome) -> str:
    """Return the diagnosis of a diverged trial as a text: what happened, and each finding with cause and remedy."""
    findings = [] if outcome.divergence is None else outcome.divergence.findings
    lines = [f"trial {outcome.number} diverged"]
    lines += [f"  {name} = {value}" for name, value in outcome.params.items()]
    return "\n".join([*lines, "", str(Diagnosis(tuple(map(_finding, findings)), outcome.reason)), ""])


def _finding(told: dict[str, Any]) -> Finding:
    """Return a finding of a journal; its numbers are None where they were not finite."""
    evidence = {name: math.nan if v is None else float(v) for name, v in (told.get("evidence") or {}).items()}
    more = {name: told[name] for name in ("change", "reference") if told.get(name)}
    return Finding(told["code"], int(told.get("epoch", 0)), evidence, told["cause"], told["remedy"], **more)


# ------------------------------------------------------------------------------------------------------------------ metrics


def metrics(outcome: Outcome, value: float, scoring: str) -> list[tuple[str, float, int]]:
    """Return the finite metrics of a trial: name, value and step. Of several with one name and step, the first is kept."""
    found: dict[tuple[str, int], float] = {}
    for name, number, step in (*_bare(outcome, value), *_scores(outcome, scoring), *_curves(outcome, scoring)):
        if math.isfinite(number):
            found.setdefault((name, step), float(number))
    return [(name, number, step) for (name, step), number in found.items()]


def _bare(outcome: Outcome, value: float) -> Iterator[tuple[str, float, int]]:
    yield "seconds", outcome.seconds, 0
    yield "told_value", value, 0
    if outcome.n_weights:
        yield "n_weights", outcome.n_weights, 0
    if outcome.divergence is not None:
        yield "diverged_epoch", outcome.divergence.epoch, 0
        yield "diverged_step", outcome.divergence.step, 0
        yield "diverged_loss_ratio", outcome.divergence.ratio, 0


def _scores(outcome: Outcome, scoring: str) -> Iterator[tuple[str, float, int]]:
    """Yield scores with the scorer's sign, and then as people say them."""
    if outcome.fold_scores:
        yield "score", outcome.score, 0
        yield "score_std", outcome.std, 0
        if outcome.epoch:
            yield "epochs", outcome.epoch, 0
        said, sign = scores.said(scoring)
        for fold, score in enumerate(outcome.fold_scores):
            yield "fold_score", score, fold
            if said:
                yield f"fold_{said}", sign * score, fold
    for name, found in outcome.means.items():
        yield f"score.{name}", found, 0
    for name, folds in outcome.train_metrics.items():
        yield f"train_score.{name}", mean(folds), 0
    own = {scoring: outcome.score} if outcome.fold_scores else {}
    for name, found in scores.plain(own | outcome.means).items():
        yield name, found, 0


def _curves(outcome: Outcome, scoring: str) -> Iterator[tuple[str, float, int]]:
    said, sign = scores.said(scoring)
    for epoch, score in outcome.curve.items():
        yield "score_curve", score, epoch
        if said:
            yield f"{said}_curve", sign * score, epoch
    for name, losses in outcome.losses.items():
        for epoch in kept_epochs(len(losses)):
            yield f"{name}_loss", losses[epoch - 1], epoch
    for name, points in outcome.courses.items():
        for epoch, found in points.items():
            yield name, found, epoch
