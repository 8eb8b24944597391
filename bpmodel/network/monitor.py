"""Health of a running fit: what counts as divergence, and the verdict on how a fit ended.

A fit has diverged when a loss or a parameter is no longer finite, or when the mean loss of an epoch exceeds
`EXPLOSION_FACTOR` times the loss of the dummy predictor (mean target, or class frequencies). A network may *start* far above
the dummy predictor (a target far from zero that was not scaled): an epoch must then exceed `RISE_FACTOR` times the loss before
the first update, too.

The sum of the losses so far bounds the epoch's mean from below, so the rule is applied after every step and fires as soon as
the epoch can no longer end well. A `partial_fit` of a few rows is judged as if it had `STEADY_ROWS` of them: the loss of a
single row says little.

A fit has stalled when no unit of a hidden layer has a slope on any of the rows looked at and the loss is no lower than a
constant prediction's: no derivative passes that layer any more, so nothing before it can change. Exploded networks of
rectifiers often end like this. A fit that is to be repaired has stalled, too, when it ends as far above the dummy predictor as
would be an explosion had it not begun farther away.
"""

from __future__ import annotations

from dataclasses import dataclass, field

EXPLOSION_FACTOR = 10.0
"""On 126 fits it found 50 of 51 explosions without one false alarm, where looking for non-finite values found 16."""

RISE_FACTOR, NOISY_RISE_FACTOR = 2.0, 5.0
"""A fit that improves may rise that far above its start in the first epoch; the second one is for dropout, input noise and
normalisation, where the loss of a few rows varies though nothing has changed."""

STEADY_ROWS = 200
"""Rows whose mean loss is steady enough to be compared with the dummy predictor's."""

LEARNED = 0.9
"""A loss below this share of the dummy predictor's shows that something was learned."""

RUNNING, OK, LOSS_NOT_FINITE, LOSS_EXPLODED, WEIGHTS_NOT_FINITE, LAYER_DEAD, STILL_FAR = range(7)

_SYMPTOMS = {
    LOSS_NOT_FINITE: "the loss became non-finite",
    LOSS_EXPLODED: "the loss exploded",
    WEIGHTS_NOT_FINITE: "the weights became non-finite",
}


def limit(baseline: float, first_loss: float, noisy: bool = False) -> float:
    """Return the mean loss of an epoch above which a fit has diverged."""
    return max(EXPLOSION_FACTOR * baseline, (NOISY_RISE_FACTOR if noisy else RISE_FACTOR) * first_loss)


class DivergenceWarning(UserWarning):
    """A fit diverged, and was stopped or repaired."""


class DivergenceError(ArithmeticError):
    """A fit diverged, and ``on_divergence="raise"`` was asked for."""


@dataclass(frozen=True)
class Verdict:
    """How a fit ended.

    Attributes
    ----------
    status : {"ok", "diverged", "stalled"}
    reason : str
        One sentence with the evidence; for a healthy fit, why it ended.
    epoch, step : int or None
        Where it was first seen; both count from 1, `step` over the whole fit.
    evidence : dict of str to float
        ``loss`` (the largest of the epoch's steps so far, if it exploded), ``baseline`` (loss of the dummy predictor), the
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
        return self.status != "ok"

    def __str__(self) -> str:
        return f"{self.status}: {self.reason}"


def diverged(code: int, *, epoch: int, step: int | None, loss: float, baseline: float, gradient_norm: float) -> Verdict:
    """Put a divergence into words and numbers."""
    evidence = _evidence(loss, baseline, gradient_norm)
    amount = f" ({loss:.3g}, {evidence['ratio']:.3g} times the dummy predictor's)" if code == LOSS_EXPLODED else ""
    where = f"epoch {epoch}" if step is None else f"epoch {epoch}, step {step}"
    reason = f"{_SYMPTOMS[code]}{amount} at {where}; gradient norm {gradient_norm:.3g}"
    return Verdict("diverged", reason, epoch, step, evidence)


def layer_dead(layer: int, *, epoch: int, step: int, loss: float, baseline: float, gradient_norm: float) -> Verdict:
    """The same for a network of which a hidden layer, counted from the inputs, is dead."""
    reason = f"every unit of hidden layer {layer} is dead after epoch {epoch}, step {step}; no derivative passes it"
    return Verdict("stalled", reason, epoch, step, _evidence(loss, baseline, gradient_norm))


def still_far(*, epoch: int, step: int, loss: float, baseline: float, gradient_norm: float) -> Verdict:
    """The same for a network that came closer, but not close enough."""
    evidence = _evidence(loss, baseline, gradient_norm)
    reason = f"after {epoch} epochs the loss is still {evidence['ratio']:.3g} times the dummy predictor's"
    return Verdict("stalled", reason, epoch, step, evidence)


def _evidence(loss: float, baseline: float, gradient_norm: float) -> dict[str, float]:
    ratio = loss / baseline if baseline > 0 else float("inf")
    return {"loss": loss, "baseline": baseline, "ratio": ratio, "gradient_norm": gradient_norm}
