"""Verdicts: how a fit ended, in codes of compiled code, in words, and as an exception.

The rules that find a failure are functions of `watch`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple


class Status(NamedTuple):
    """One way in which a fit can end."""

    failed: bool
    meaning: str


STATUSES: Mapping[str, Status] = MappingProxyType(
    {
        "ok": Status(False, "training ended normally, or is still in progress without problems"),
        "diverged": Status(True, "the loss or a weight exploded or is no longer finite"),
        "stalled": Status(True, "a hidden layer is dead, or the loss is still far above that of the dummy predictor"),
    }
)
"""Every status that a `Verdict` may have."""

RUNNING, OK, LOSS_NOT_FINITE, LOSS_EXPLODED, WEIGHTS_NOT_FINITE, LAYER_DEAD, STILL_FAR, OUTPUTS_NOT_FINITE = range(8)
"""Status codes of a fit in progress, kept in the state by compiled code. Codes above `OK` are failures: `SYMPTOMS`."""


class Symptom(NamedTuple):
    """The meaning of one failure code."""

    status: str
    """row of `STATUSES`"""
    ruins_weights: bool
    """whether the weights of an earlier epoch are better"""
    sentence: str
    """a format string with fields for `where`, `epoch`, `layer` and the evidence"""


SYMPTOMS: Mapping[int, Symptom] = MappingProxyType(
    {
        LOSS_NOT_FINITE: Symptom(
            "diverged", True, "the loss became non-finite at {where}; gradient norm {gradient_norm:.3g}"
        ),
        LOSS_EXPLODED: Symptom(
            "diverged",
            True,
            "the loss exploded ({loss:.3g}, {ratio:.3g} times the dummy predictor's) at {where}; "
            "gradient norm {gradient_norm:.3g}",
        ),
        WEIGHTS_NOT_FINITE: Symptom(
            "diverged", True, "the weights became non-finite at {where}; gradient norm {gradient_norm:.3g}"
        ),
        LAYER_DEAD: Symptom(
            "stalled", True, "every unit of hidden layer {layer} is dead after {where}; no gradient passes through it"
        ),
        STILL_FAR: Symptom(
            "stalled", False, "after {epoch} epochs the loss is still {ratio:.3g} times the dummy predictor's"
        ),
        OUTPUTS_NOT_FINITE: Symptom(
            "diverged",
            True,
            "the outputs for the training rows became non-finite at {where}; gradient norm {gradient_norm:.3g}",
        ),
    }
)


def epochs(count: int) -> str:
    """Return a number of epochs in words.

    >>> epochs(1), epochs(2)
    ('1 epoch', '2 epochs')
    """
    return f"{count} epoch{'' if count == 1 else 's'}"


class DivergenceWarning(UserWarning):
    """A fit diverged, and was stopped or repaired."""


class DivergenceError(ArithmeticError):
    """A fit diverged, and ``on_divergence="raise"`` was asked for, or no network is left to return.

    Attributes
    ----------
    verdict : Verdict or None
        How the fit ended, of several the first; None if that is not known.
    findings : list of dict
        The findings of its diagnosis, the most likely cause first, as JSON.
    survived : float
        Share of the epochs completed before.
    """

    def __init__(
        self,
        message: str = "",
        verdict: Verdict | None = None,
        findings: Sequence[Mapping[str, Any]] = (),
        survived: float = 0.0,
    ) -> None:
        super().__init__(message)
        self.verdict, self.findings, self.survived = verdict, list(findings), survived


_UNTOLD = ContextVar("untold", default=False)


def are_told() -> bool:
    """Return whether fits warn of divergence.

    >>> are_told()
    True
    """
    return not _UNTOLD.get()


@contextmanager
def untold() -> Iterator[None]:
    """Have the fits of the body, in this thread, not warn of divergence: their caller says what became of all of them.

    A filter of the module `warnings` would be one of the whole process: of two threads that set and restore it at once, the
    second restores what the first has set, and no fit warns any more.

    >>> with untold():
    ...     are_told()
    False
    """
    before = _UNTOLD.set(True)
    try:
        yield
    finally:
        _UNTOLD.reset(before)


@dataclass(frozen=True)
class Verdict:
    """How a fit ended.

    Attributes
    ----------
    status : {"ok", "diverged", "stalled"}
    reason : str
        One sentence with the evidence; for a healthy fit, why it ended.
    epoch, step : int or None
        Where the failure was first seen; both count from 1, `step` over the whole fit.
    evidence : dict of str to float
        ``loss`` (if it exploded: the largest step loss of the epoch so far), ``baseline`` (loss of the dummy predictor), the
        ``ratio`` of the two, ``gradient_norm``.
    """

    status: str
    reason: str
    epoch: int | None = None
    step: int | None = None
    evidence: dict[str, float] = field(default_factory=dict)

    @property
    def diverged(self) -> bool:
        return self.status == "diverged"

    @property
    def failed(self) -> bool:
        return STATUSES[self.status].failed

    def __str__(self) -> str:
        return f"{self.status}: {self.reason}"


def failure(
    code: int,
    *,
    epoch: int,
    step: int | None,
    loss: float,
    baseline: float,
    gradient_norm: float,
    layer: int | None = None,
) -> Verdict:
    """Return the verdict on a failed fit; `layer` is the dead hidden layer, counted from the inputs.

    >>> verdict = failure(LAYER_DEAD, epoch=3, step=12, loss=1.2, baseline=1.0, gradient_norm=0.0, layer=2)
    >>> print(verdict)
    stalled: every unit of hidden layer 2 is dead after epoch 3, step 12; no gradient passes through it
    """
    symptom = SYMPTOMS[code]
    ratio = loss / baseline if baseline > 0 else float("inf")
    evidence = {"loss": loss, "baseline": baseline, "ratio": ratio, "gradient_norm": gradient_norm}
    where = f"epoch {epoch}" if step is None else f"epoch {epoch}, step {step}"
    reason = symptom.sentence.format(where=where, epoch=epoch, layer=layer, **evidence)
    return Verdict(symptom.status, reason, epoch, step, evidence)
