"""The history of a search as a small drawing in a notebook: each configuration, how it ended, and the best score so far."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from bpmodel.functions.scaling import FARTHEST
from search.trials.outcomes import OK, VERDICTS

WIDTH, HEIGHT, MARGIN, STRIP = 520, 120, 8, 12
"""Pixels; the strip at the lower edge is for configurations that have no score, or one that is far off."""

FAR = 3.0
"""Scores that are worse than the median of the healthy ones by more of their range above it lie in the strip."""


def history(verdicts: Sequence[str], scores: Sequence[float]) -> str:
    """Return SVG without any text of the data: configurations from left to right, better scores higher.

    It has no background, and lines in the color of the text around it, so that it is for light and dark pages.

    Parameters
    ----------
    verdicts : sequence of str
    scores : sequence of float
        Greater is better.

    Examples
    --------
    >>> drawn = history(["ok", "diverged", "ok"], [1.0, float("nan"), 2.0])
    >>> drawn.count("<circle"), drawn.count("<path"), drawn.count("<polyline")
    (2, 1, 1)
    """
    scores = np.clip(scores, -FARTHEST, FARTHEST).tolist()  # the differences of larger ones are not finite
    healthy = [s for v, s in zip(verdicts, scores, strict=True) if v == OK and math.isfinite(s)]
    if len(healthy) < 2:
        return ""
    high, middle = max(healthy), float(np.median(healthy))
    low = max(min(healthy), middle - FAR * (high - middle)) if high > middle else min(healthy)
    marks: list[str] = []
    best: list[tuple[float, float]] = []
    for i, (verdict, score) in enumerate(zip(verdicts, scores, strict=True)):
        x = MARGIN + i / max(len(scores) - 1, 1) * (WIDTH - 2 * MARGIN)
        placed = verdict in (OK, "stopped") and math.isfinite(score) and score >= low
        y = _height(score, low, high) if placed else HEIGHT - STRIP / 2
        marks.append(_mark(verdict, x, y))
        if verdict == OK and math.isfinite(score):
            top = min(y, best[-1][1]) if best else y
            best += [(x, best[-1][1]), (x, top)] if best else [(x, y)]
    best.append((WIDTH - MARGIN, best[-1][1]))
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in best)
    line = f'<polyline fill="none" stroke="currentColor" stroke-opacity="0.6" points="{points}"/>'
    size = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
    head = (
        f'<svg {size} style="background: #8881; max-width: 100%" role="img" aria-label="scores of all configurations">'
    )
    return f"{head}{line}{''.join(marks)}</svg>"


def _height(score: float, low: float, high: float) -> float:
    share = (score - low) / (high - low) if high > low else 1.0
    return MARGIN + (1 - share) * (HEIGHT - STRIP - 2 * MARGIN)


def _mark(verdict: str, x: float, y: float) -> str:
    """Return the mark of a configuration: a dot if it has a score, a cross if it has none."""
    color = VERDICTS[verdict].color
    if VERDICTS[verdict].scored:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}" stroke="currentColor" stroke-width="0.5"/>'
    cross = f"M{x - 3:.1f} {y - 3:.1f}l6 6m0 -6l-6 6"
    return f'<path d="{cross}" fill="none" stroke="{color}" stroke-width="2"/>'
