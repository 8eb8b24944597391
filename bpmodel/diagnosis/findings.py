"""The result of a diagnosis: findings, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from html import escape
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Finding:
    """One thing that went wrong.

    Attributes
    ----------
    code : str
        ``exploding_step``, ``exploding_depth``, …: the names of `diagnosis.RULES`.
    epoch : int
        Epoch in which it was first seen; 0 means before the first step.
    evidence : dict of str to float
    cause, remedy : str
        One or two sentences each.
    change : dict
        The remedy as hyperparameters for ``set_params``; empty if the remedy is a change of the data.
    reference : str
    """

    code: str
    epoch: int
    evidence: dict[str, float]
    cause: str
    remedy: str
    change: dict[str, Any] = field(default_factory=dict)
    reference: str = ""

    def __str__(self) -> str:
        numbers = ", ".join(f"{name.replace('_', ' ')} {value:.3g}" for name, value in self.evidence.items())
        where = _where(self.epoch)
        source = f" [{self.reference}]" if self.reference else ""
        return f"{self.code} {where} ({numbers})\n  {self.cause}{source}\n  {self.remedy}"


def _where(epoch: int) -> str:
    return "before the first step" if epoch == 0 else f"at epoch {epoch}"


def _markdown(text: str) -> str:
    """Escape what has a meaning in Markdown.

    >>> _markdown("step_size < 1")
    'step\\\\_size &lt; 1'
    """
    return "".join(f"\\{c}" if c in "\\`*_[]#|$~" else c for c in escape(text, quote=False))


@dataclass(frozen=True, repr=False)
class Diagnosis:
    """Findings, the most likely cause first; none for a healthy run.

    In a console and in a notebook it shows its text.

    Examples
    --------
    >>> Diagnosis((Finding("dead_units", 2, {"share": 0.5}, "Half of the units are dead.", "Lower the rate."),), "ok")
    ok
    dead_units at epoch 2 (share 0.5)
      Half of the units are dead.
      Lower the rate.
    """

    findings: tuple[Finding, ...]
    summary: str

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def __str__(self) -> str:
        return "\n".join([self.summary, *map(str, self.findings)])

    def __repr__(self) -> str:
        return str(self)

    def _repr_markdown_(self) -> str:
        """Return it as Markdown, for what shows no HTML: a list, the remedies in italics."""
        items = [
            f"{i}. **{_markdown(f.code)}** {_markdown(_where(f.epoch))}: {_markdown(f.cause)} *{_markdown(f.remedy)}*"
            for i, f in enumerate(self.findings, start=1)
        ]
        return "\n".join([_markdown(self.summary), "", *items])

    def _repr_html_(self) -> str:
        items = "".join(
            f"<li><b>{escape(first)}</b><br>{'<br>'.join(map(escape, more))}</li>"
            for first, *more in (str(finding).splitlines() for finding in self.findings)
        )
        return f"<div>{escape(self.summary)}{f'<ol>{items}</ol>' if items else ''}</div>"

    @property
    def codes(self) -> list[str]:
        return [finding.code for finding in self.findings]

    def to_dict(self) -> dict[str, Any]:
        """Return the findings as dicts; numbers that are not finite are None."""
        rows = [asdict(finding) for finding in self.findings]
        for row in rows:
            row["evidence"] = {name: float(v) if np.isfinite(v) else None for name, v in row["evidence"].items()}
        return {"summary": self.summary, "findings": rows}

    def to_json(self) -> str:
        """Return the findings as JSON; numbers that are not finite are null."""
        return json.dumps(self.to_dict(), indent=2)
