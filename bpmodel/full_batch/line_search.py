"""Line search along a descent direction, for a step that satisfies the strong Wolfe conditions (More & Thuente, 1994).

    f(s) <= f(0) + FTOL s f'(0)    and    |f'(s)| <= GTOL |f'(0)|

The algorithm and its constants are those of MINPACK-2's `dcsrch` as called by L-BFGS-B, so L-BFGS takes the same steps as in
SciPy. One departure: where the function is not finite, the step shrinks to a tenth.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

FTOL, GTOL, XTOL = 1e-3, 0.9, 0.1
MOST_TRIALS = 20
LONGEST = 1e10


class Trial(NamedTuple):
    """The function at one step: value, derivative along the direction, and data that the caller attaches."""

    step: Any
    value: Any
    slope: Any
    kept: Any = None


def search(along: Callable[[float], Trial], origin: Trial, step: float) -> tuple[Trial | None, int]:
    """Return the accepted trial, or None, and the number of trials.

    `origin` is the trial at step 0, and `step` is the first step to try. If rounding prevents every step from satisfying both
    conditions, the best trial found is accepted.
    """
    least = FTOL * origin.slope
    best = other = origin
    bracketed, first_stage = False, True
    low, high = 0.0, 5.0 * step
    widths = 2 * LONGEST, LONGEST
    for count in range(1, MOST_TRIALS + 1):
        trial = along(float(step))
        if not np.isfinite(trial.value):
            step = best.step + 0.1 * (step - best.step)
            continue
        enough = origin.value + step * least
        if trial.value <= enough and abs(trial.slope) <= -GTOL * origin.slope:
            return trial, count
        if bracketed and (step <= low or step >= high or high - low <= XTOL * high):
            return trial, count
        first_stage = first_stage and (trial.value > enough or trial.slope < 0)
        # first stage: until a step satisfies the decrease condition, compare the function minus the line of that condition
        tilt = least if first_stage and enough < trial.value <= best.value else 0.0
        x, y, t = _tilted(best, tilt), _tilted(other, tilt), _tilted(trial, tilt)
        with np.errstate(all="ignore"):
            step, closes = _next_step(x, y, t, bracketed, low, high)
        bracketed = bracketed or closes
        if t.value > x.value:
            other = trial
        else:
            other = best if t.slope * np.sign(x.slope) < 0 else other
            best = trial
        if bracketed:
            if abs(other.step - best.step) >= 0.66 * widths[0] or not np.isfinite(step):
                step = best.step + 0.5 * (other.step - best.step)
            widths = widths[1], abs(other.step - best.step)
            low, high = sorted((best.step, other.step))
            if step <= low or step >= high or high - low <= XTOL * high:
                step = best.step
        else:
            low, high = step + 1.1 * (step - best.step), step + 4.0 * (step - best.step)
        step = min(max(step, 0.0), LONGEST)
    return None, MOST_TRIALS


def _tilted(trial: Trial, tilt: float) -> Trial:
    """Return the trial for the function minus a line, as NumPy scalars: their division by zero is not an error."""
    return Trial(
        np.float64(trial.step), np.float64(trial.value - trial.step * tilt), np.float64(trial.slope - tilt), None
    )


def _next_step(x: Trial, y: Trial, t: Trial, bracketed: bool, low: float, high: float) -> tuple[float, bool]:
    """Return the next step (`dcstep`), and whether a minimum is now known to lie between two trials.

    `x` is the best trial so far, `y` the other end of the interval, `t` the latest trial.
    """
    if t.value > x.value:
        cubic, quadratic = _cubic(x, t), x.step + _quadratic(x, t)
        near = abs(cubic - x.step) <= abs(quadratic - x.step)
        return (cubic if near else cubic + (quadratic - cubic) / 2), True
    secant = t.step + t.slope / (t.slope - x.slope) * (x.step - t.step)
    if t.slope * np.sign(x.slope) < 0:
        cubic = _cubic(t, x)
        return (cubic if abs(cubic - t.step) > abs(secant - t.step) else secant), True
    if abs(t.slope) < abs(x.slope):
        cubic = _cubic(t, x, beyond=(low, high))
        if not bracketed:
            step = cubic if abs(cubic - t.step) > abs(secant - t.step) else secant
            return min(max(step, low), high), False
        step = cubic if abs(cubic - t.step) < abs(secant - t.step) else secant
        limit = t.step + 0.66 * (y.step - t.step)
        return (min(limit, step) if t.step > x.step else max(limit, step)), False
    if bracketed:
        return _cubic(t, y), False
    return (high if t.step > x.step else low), False


def _quadratic(x: Trial, t: Trial) -> float:
    """Return the distance from x to the minimum of the parabola through both values and the slope at x."""
    length = t.step - x.step
    return x.slope / ((x.value - t.value) / length + x.slope) / 2 * length


def _cubic(a: Trial, b: Trial, beyond: tuple[float, float] | None = None) -> float:
    """Return the minimum of the cubic through values and slopes at a and b.

    With `beyond`, the minimum must lie on the far side of a, seen from b; otherwise the bound on that side is returned.
    """
    theta = 3 * (a.value - b.value) / (b.step - a.step) + a.slope + b.slope
    scale = max(abs(theta), abs(a.slope), abs(b.slope))
    gamma = scale * np.sqrt(max(0.0, (theta / scale) ** 2 - (a.slope / scale) * (b.slope / scale)))
    if b.step < a.step:
        gamma = -gamma
    ratio = ((gamma - a.slope) + theta) / (((gamma - a.slope) + gamma) + b.slope)
    if beyond is not None and not (ratio < 0 and gamma != 0):
        return beyond[1] if a.step > b.step else beyond[0]
    return a.step + ratio * (b.step - a.step)
