"""Columns and rows that occur twice."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bpmodel.preprocessing.values import as_texts
from search.profiling import limits
from search.profiling.evidence import Evidence
from search.profiling.finding import Finding, drop
from search.profiling.naming import share, shown
from search.tables.reading import number


def copies(e: Evidence) -> Iterator[Finding]:
    """Find columns with the values of an earlier column, in all rows, under other names of levels, or nearly so.

    A column that is equal is left out. One that renames the levels of another, or is a linear image of it up to rounding, is
    named in a comment. Linear images are looked for in a sample.
    """
    if len(e.y) < limits.FEWEST_ROWS:
        return
    first: dict[object, str] = {}
    renamed: dict[object, str] = {}
    settled = set()
    for name in e.X.columns:
        values = e.numbers[name].to_numpy()
        alike = e.kinds[name], _texts(e, name), values.tobytes()
        codes = pd.factorize(e.numbers[name])[0].tobytes() if _levels(e, name) else alike
        if alike in first:
            yield Finding(
                "copy", (name,), f"{shown(name)} equals {shown(first[alike])} in every row", "copy", drop(name)
            )
        elif codes in renamed:
            sentence = f"{shown(name)} has one value for each value of {shown(renamed[codes])}: the two say the same"
            yield Finding("near_copy", (name,), sentence, f"as {shown(renamed[codes])}", drop(name, active=False))
        else:
            first[alike] = renamed[codes] = name
            continue
        settled.add(name)
    yield from _images(e.without(settled))


def _levels(e: Evidence, name: str) -> bool:
    """Return whether a column may have levels: amounts may differ between all levels of another column by themselves."""
    return e.distinct[name] <= len(e.y) / 2 and (e.kinds[name] in ("category", "text") or e.whole(name))


def _texts(e: Evidence, name: str) -> tuple[str, ...]:
    """Return the levels of a category, which its codes do not tell."""
    if e.kinds[name] not in ("category", "text"):
        return ()
    return tuple(sorted(as_texts(e.X[name].dropna()).unique()))


def _images(e: Evidence) -> Iterator[Finding]:
    names = [name for name in e.named("number", "duration") if e.distinct[name] > 2]
    values = e.numbers[names].iloc[e.rows]
    gaps = values.isna().to_numpy()
    full = values.fillna(values.mean()).to_numpy()
    spread = full.std(axis=0)
    varies = spread > 0
    scaled = np.divide(full - full.mean(axis=0), spread, out=np.zeros_like(full), where=varies)
    for later, candidates in _related(scaled):
        for earlier, related in candidates.items():
            if (gaps[:, later] == gaps[:, earlier]).all():
                pair = f"{shown(names[later])} is nearly a linear function of {shown(names[earlier])}"
                why = f"as {shown(names[earlier])}"
                sentence = f"{pair} (|r| = {min(related, 1):.6f})"
                yield Finding("near_copy", (names[later],), sentence, why, drop(names[later], active=False))
                break


BLOCK = 256
"""Columns that are compared at once with all before them."""


def _related(scaled: NDArray[np.float64]) -> Iterator[tuple[int, dict[int, float]]]:
    """Yield each column that is nearly a linear function of earlier ones, with these and their correlations.

    They are compared in blocks: all pairs of 20,000 columns at once are 3 GB, and so is each intermediate result.

    Parameters
    ----------
    scaled : array of shape (n, columns)
        Columns of mean 0 and standard deviation 1, or of zeros.
    """
    for start in range(0, scaled.shape[1], BLOCK):
        block = np.abs(scaled[:, start : start + BLOCK].T @ scaled[:, : start + BLOCK]) / max(len(scaled), 1)
        for later, related in enumerate(block, start=start):
            earlier = np.flatnonzero(related[:later] > limits.NEAR)
            if len(earlier):
                yield later, dict(zip(earlier.tolist(), related[earlier].tolist(), strict=True))


def repeated_rows(e: Evidence) -> Iterator[Finding]:
    """Find rows that occur several times: with the same target, shuffled folds validate on rows that they train on."""
    n = len(e.y)
    if not e.X.shape[1]:
        return
    rows = pd.util.hash_pandas_object(e.numbers, index=False)
    both = pd.util.hash_pandas_object(e.numbers.assign(**{_free(e): e.target}), index=False)
    again = int(both.duplicated().sum())
    torn = int((rows.duplicated(keep=False) & ~both.duplicated(keep=False)).sum())
    if again >= limits.ROW_COPIES * n:
        verb = "repeats" if again == 1 else "repeat"
        sentence = (
            f"{number(again, 'row')} ({share(again, n)}) {verb} an earlier row, target included: if they are copies, most stand "
            "on both sides of a fold, and scores are too good"
        )
        yield Finding("repeated_rows", (), sentence, f"{number(again, 'row')} repeated")
    if torn >= limits.ROW_COPIES * n:
        told = f"{number(torn, 'row')} ({share(torn, n)}) have the features of another row and another target"
        sentence = f"{told}: no model can tell them apart"
        yield Finding("contradicting_rows", (), sentence, f"{number(torn, 'row')} contradict others")


def _free(e: Evidence) -> str:
    """Return a name that no column has."""
    return "target" + "'" * sum(len(name) for name in e.X.columns)
