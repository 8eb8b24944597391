"""Columns that give the target exactly when they are added, subtracted, multiplied or divided."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from search.profiling import limits
from search.profiling.evidence import Evidence
from search.profiling.finding import Finding, drop
from search.profiling.naming import listed, shown

ROWS_PER_COLUMN = 3
"""Rows that a coefficient needs, lest the fit be exact by itself."""

NEGLIGIBLE = 1e-3
"""Part of the target's spread below which a column contributes nothing but rounding."""

LONGEST = 4
"""Columns of a formula that is written out."""


def formulas(e: Evidence) -> Iterator[Finding]:
    """Find columns that give the target exactly: ``casual + registered``, ``area * price_per_area``.

    A linear regression on all columns of numbers, and one of logarithms where all is positive, is fitted to one half of up to
    `SAMPLE` rows; its R^2 on the other half must be above `SAME`. The columns are named in a comment.
    """
    if e.task != "regression":
        return
    names = [name for name in e.named("number", "truth", "duration") if not e.gaps[name] and e.distinct[name] > 1]
    x, y = e.numbers[names].to_numpy()[e.rows], e.target[e.rows]
    found = _exact(x, y)
    text = _sum(names, found)
    if not len(found) and (y > 0).all():
        positive = [i for i in range(len(names)) if (x[:, i] > 0).all()]
        found = np.zeros(len(names))
        exponents = _exact(np.log(x[:, positive]), np.log(y))
        if len(exponents):
            found[positive] = exponents
        text = _product(names, found)
    columns = tuple(name for name, weight in zip(names, found, strict=False) if weight)
    if columns:
        sentence = f"{listed(columns)} give the target away: it is {text}; are they known when the prediction is made?"
        changes = tuple(change for name in columns for change in drop(name, active=False))
        yield Finding("formula", columns, sentence, "gives the target away?", changes)


def _exact(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the coefficients of an exact linear relation, 0 for columns without a part in it; empty if there is none."""
    varies = x.std(axis=0) > 0 if len(x) else np.zeros(x.shape[1], dtype=bool)
    weights = np.zeros(x.shape[1])
    half = np.random.default_rng(0).permutation(len(y)) % 2 == 0
    if half.sum() < limits.FEWEST_ROWS / 2 or half.sum() < ROWS_PER_COLUMN * (varies.sum() + 1) or not varies.any():
        return np.empty(0)
    x, y = x - x.mean(axis=0), y - y.mean()
    weights[varies], exact = _fit(x[:, varies], y, half)
    parts = np.abs(weights) * x.std(axis=0)
    part = parts > NEGLIGIBLE * y.std()
    if not exact or not part.any():
        return np.empty(0)
    weights = np.zeros(x.shape[1])
    weights[part], exact = _fit(x[:, part], y, half)
    return weights if exact else np.empty(0)


def _fit(x: NDArray[np.float64], y: NDArray[np.float64], half: NDArray[np.bool_]) -> tuple[NDArray[np.float64], bool]:
    scale = x.std(axis=0)
    weights = np.linalg.lstsq(x[half] / scale, y[half])[0]
    rest = y[~half] - (x[~half] / scale) @ weights
    spread = float(np.var(y[~half]))
    return weights / scale, spread > 0 and float(np.mean(rest**2)) / spread < 1 - limits.SAME


def _sum(names: list[str], weights: NDArray[np.float64]) -> str:
    """Write a linear relation.

    >>> _sum(["a", "b"], np.array([1.0, -2.5]))
    '"a" - 2.5 * "b"'
    """
    terms = [(weight, name) for weight, name in zip(weights, names, strict=False) if weight]
    if len(terms) > LONGEST:
        return f"a sum of {len(terms)} columns, each times a constant"
    text = "".join(
        f" {'-' if weight < 0 else '+'} {'' if _is(abs(weight), 1) else f'{abs(weight):.4g} * '}{shown(name)}"
        for weight, name in terms
    )
    return text.removeprefix(" + ").strip()


def _product(names: list[str], exponents: NDArray[np.float64]) -> str:
    """Write a product of powers.

    >>> _product(["a", "b", "c"], np.array([1.0, -1.0, 2.0]))
    'a constant times "a" / "b" * "c"^2'
    """
    terms = [(power, name) for power, name in zip(exponents, names, strict=False) if power]
    if len(terms) > LONGEST:
        return f"a product of powers of {len(terms)} columns"
    text = "".join(
        f" {'/' if power < 0 else '*'} {shown(name)}{'' if _is(abs(power), 1) else f'^{abs(power):.4g}'}"
        for power, name in terms
    )
    return "a constant times " + text.removeprefix(" * ").strip() if text else ""


def _is(value: float, whole: int) -> bool:
    return abs(value - whole) < NEGLIGIBLE
