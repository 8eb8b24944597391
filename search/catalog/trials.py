"""One trial of a study, from its journal: what it was, how it ended, and what to do about it."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bpmodel.diagnosis.findings import Finding
from bpmodel.names.sparkline import sparkline
from search.catalog.entries import Entry
from search.errors import StudyError
from search.formatting import metric, number
from search.results.report import fold_scores
from search.results.widths import Fitted
from search.trials.outcomes import VERDICTS, Outcome


def find(entry: Entry, wanted: int) -> Outcome:
    """Return a trial of a study by its number.

    Raises
    ------
    StudyError
        If there is no journal that can be read, or no such trial in it.
    """
    if entry.stored is None:
        raise StudyError(f"--trial {wanted}: {entry.problem or f'{entry.name!r} has no journal in this folder'}")
    known = entry.stored.outcomes
    if wanted not in known:
        allowed = f"its {len(known)} trials are {min(known)} to {max(known)}" if known else "it has none yet"
        raise StudyError(f"--trial {wanted}: study {entry.name!r} has no such trial; {allowed}")
    return known[wanted]


def findings(outcome: Outcome) -> list[Finding]:
    """Return the diagnosis of a diverged trial, the most likely cause first; empty for others."""
    return [_finding(found) for found in (outcome.divergence.findings if outcome.divergence else [])]


def _finding(found: Mapping[str, Any]) -> Finding:
    evidence = {name: math.nan if v is None else v for name, v in (found.get("evidence") or {}).items()}
    told = {name: found[name] for name in ("code", "cause", "remedy")}
    change, reference = found.get("change") or {}, found.get("reference") or ""
    return Finding(**told, epoch=found.get("epoch") or 0, evidence=evidence, change=change, reference=reference)


def shown(entry: Entry, outcome: Outcome) -> RenderableType:
    """Return the report on a trial."""
    parts: list[RenderableType] = [Text(f"{entry.name}, trial {outcome.number}: {_verdict(entry, outcome)}", "bold")]
    parts += [Text(f"  {outcome.reason}"), Text()]
    if outcome.params:
        parts += [_params(outcome), Text()]
    if outcome.fold_scores:
        name, sign = metric(entry.scoring or "score")
        after = f" after {outcome.epoch} epochs" if outcome.epoch else ""
        score = f"{name}: {number(sign * outcome.score)} ± {number(outcome.std, outcome.score)}{after}"
        parts += [Text(score, "bold"), Fitted(partial(fold_scores, outcome, entry.scoring or "score")), Text()]
    parts += [_curves(entry, outcome), *map(Text, _costs(outcome)), *_diagnosis(outcome)]
    return Group(*parts)


def _verdict(entry: Entry, outcome: Outcome) -> str:
    rank = entry.places.get(outcome.number)
    return VERDICTS[outcome.verdict].label if rank is None else f"place {rank} of {entry.counts['ok']}"


def _params(outcome: Outcome) -> Table:
    table = Table(box=None, padding=(0, 1), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column()
    for name, value in outcome.params.items():
        table.add_row(name, number(value))
    return table


def _curves(entry: Entry, outcome: Outcome) -> Table:
    name, sign = metric(entry.scoring or "score")
    curves = {name: {epoch: sign * score for epoch, score in outcome.defined.items()}}
    curves |= {f"{kind} loss": dict(enumerate(values, start=1)) for kind, values in outcome.losses.items()}
    table = Table(box=None, padding=(0, 1), show_header=False)
    for _ in range(3):
        table.add_column(no_wrap=True)
    for label, curve in curves.items():
        values = [value for _, value in sorted(curve.items())]
        if len(values) > 1:
            told = f"{number(values[0])} to {number(values[-1])}, epochs {min(curve)} to {max(curve)}"
            table.add_row(label, sparkline(values), told)
    return table


def _costs(outcome: Outcome) -> Iterator[str]:
    weights = f", {outcome.n_weights:,} weights" if outcome.n_weights else ""
    yield f" {number(outcome.seconds)} seconds{weights}"
    if len(outcome.seed_scores) > 1:
        yield f" evaluated with {len(outcome.seed_scores)} seeds; the scores are means over them"
    for line in outcome.repairs:
        yield f" repaired: {line}"


def _diagnosis(outcome: Outcome) -> Iterator[Text]:
    if (divergence := outcome.divergence) is None:
        return
    yield Text()
    yield Text(f"diverged on fold {divergence.fold + 1} at epoch {divergence.epoch}, step {divergence.step}", "bold")
    for finding in findings(outcome):
        yield from (Text(f"  {line}") for line in str(finding).splitlines())
        if finding.change:
            yield Text(f"    {' '.join(settings(finding.change))}")


def settings(change: Mapping[str, Any]) -> list[str]:
    """Return changes of hyperparameters as ``--set`` takes them.

    >>> settings({"clip": "norm", "learning_rate_init": 0.01})
    ['--set', 'clip=norm', 'learning_rate_init=0.01']
    """
    return ["--set", *(shlex.quote(f"{name}={value}") for name, value in change.items())] if change else []


def document(entry: Entry, outcome: Outcome) -> dict[str, Any]:
    """Return a trial as plain data, for `--json`."""
    name, sign = metric(entry.scoring or "")
    divergence = outcome.divergence
    return {
        "name": entry.name,
        "trial": outcome.number,
        "verdict": outcome.verdict,
        "reason": outcome.reason,
        "place": entry.places.get(outcome.number),
        "params": dict(outcome.params),
        "scoring": entry.scoring,
        "metric": name or None,
        "score": sign * outcome.score + 0.0,  # no negative zero
        "std": outcome.std,
        "fold_scores": _signed(outcome.fold_scores, sign),
        "metrics": {other: _signed(scores, metric(other)[1]) for other, scores in outcome.metrics.items()},
        "seed_scores": _signed(outcome.seed_scores, sign),
        "epochs": outcome.epoch or None,
        "n_weights": outcome.n_weights or None,
        "seconds": outcome.seconds,
        "curve": {str(epoch): sign * score for epoch, score in outcome.defined.items()},
        "losses": outcome.losses,
        "divergence": None
        if divergence is None
        else {"fold": divergence.fold + 1, "epoch": divergence.epoch, "step": divergence.step},
        "findings": [] if divergence is None else divergence.findings,
        "repairs": outcome.repairs,
    }


def _signed(scores: Sequence[float], sign: int) -> list[float]:
    return [sign * score for score in scores]
