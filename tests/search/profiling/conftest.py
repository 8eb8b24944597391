"""Findings of small tables."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
import pytest

from bpmodel.preprocessing.columns import kind
from search.profiling.evidence import Evidence
from search.profiling.finding import Finding
from search.profiling.findings import findings

ROWS = 400


@pytest.fixture(scope="session")
def find() -> Callable[..., dict[str, list[Finding]]]:
    """Return the findings of a table by their codes; kinds that are not given follow from the columns."""

    def find(
        X: Mapping[str, Sequence] | pd.DataFrame, y: Sequence, task: str = "regression", **kinds: str
    ) -> dict[str, list[Finding]]:
        X = pd.DataFrame(X)
        found: dict[str, list[Finding]] = {}
        own = {name: kinds.get(name) or kind(X[name]) for name in X.columns}
        for finding in findings(Evidence.of(X, own, pd.Series(y), task)):
            found.setdefault(finding.code, []).append(finding)
        return found

    return find


@pytest.fixture
def plain() -> pd.DataFrame:
    """A table that nothing is wrong with, and its target."""
    random = np.random.default_rng(1)
    frame = pd.DataFrame(random.normal(size=(ROWS, 3)), columns=list("abc"))
    frame["town"] = random.choice(["Ulm", "Bonn", "Jena"], ROWS)
    return frame.assign(y=frame.a - frame.b + random.normal(size=ROWS))


@pytest.fixture(scope="session")
def apart() -> Callable[[float], tuple[np.ndarray, np.ndarray]]:
    """Return two columns whose correlation is as given, but for rounding."""

    def apart(correlation: float) -> tuple[np.ndarray, np.ndarray]:
        base = np.random.default_rng(2).normal(size=(ROWS, 2))
        u, v = np.linalg.qr(base - base.mean(axis=0))[0].T
        return u, correlation * u + (1 - correlation**2) ** 0.5 * v

    return apart
