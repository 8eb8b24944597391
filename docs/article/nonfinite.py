"""Why a check for NaN is not enough: how many of the runs that explode ever have a number that is not finite."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from docs.article.block import Block
from docs.article.fits import Data, exploded, finite, fit_all, friedman, healthy, losses

Fault = tuple[dict[str, Any], Callable[[Data], Data]]


def rows_as_they_are(data: Data) -> Data:
    """Change nothing."""
    return data


FAULTS: dict[str, Fault] = {
    "rate 0.3": ({"learning_rate_init": 0.3}, rows_as_they_are),
    "rate 0.5": ({"learning_rate_init": 0.5}, rows_as_they_are),
    "rate 1": ({"learning_rate_init": 1.0}, rows_as_they_are),
    "rate 10": ({"learning_rate_init": 10.0}, rows_as_they_are),
    "rate 0.5, no momentum": ({"learning_rate_init": 0.5, "momentum": 0.0}, rows_as_they_are),
    "rate 0.3, Adam": ({"learning_rate_init": 0.3, "solver": "adam"}, rows_as_they_are),
    "rate 0.3, tanh": ({"learning_rate_init": 0.3, "activation": "tanh"}, rows_as_they_are),
    "rate 0.1, batches of 1": ({"learning_rate_init": 0.1, "batch_size": 1}, rows_as_they_are),
    "weights times 3": ({"init_gain": 3.0}, rows_as_they_are),
    "weights times 10": ({"init_gain": 10.0}, rows_as_they_are),
    "weights times 10, tanh": ({"init_gain": 10.0, "activation": "tanh"}, rows_as_they_are),
    "inputs times 30": ({}, lambda d: d._replace(X=30 * d.X)),
    "inputs times 1000": ({}, lambda d: d._replace(X=1000 * d.X)),
    "inputs plus 100": ({}, lambda d: d._replace(X=d.X + 100)),
    "columns times 1 to 1000": ({}, lambda d: d._replace(X=d.X * np.logspace(0, 3, 10))),
    "target times 1000": ({"scale_target": False}, lambda d: d._replace(y=1000 * d.y)),
}
HEALTHY_RUNS: dict[str, Fault] = {
    "healthy": ({}, rows_as_they_are),
    "healthy, tanh": ({"activation": "tanh", "init": "auto"}, rows_as_they_are),
    "healthy, Adam": ({"solver": "adam", "learning_rate_init": 0.003}, rows_as_they_are),
    "healthy, batches of 8": ({"batch_size": 8, "learning_rate_init": 0.003}, rows_as_they_are),
}
BACK = 0.15


def measure(seeds: int = 5, faults: Mapping[str, Fault] = FAULTS) -> Block:
    """Count the runs above 10 times the dummy predictor's loss, the runs with non-finite numbers, and the false alarms."""
    rows = []
    for kind, table in (("faulty", faults), ("healthy", HEALTHY_RUNS)):
        for dtype in ("float32", "float64"):
            keys = [(seed, *fault) for fault in table.values() for seed in range(seeds)]
            data = [spoil(friedman(seed)) for seed, _, spoil in keys]
            ignored, stopped = (
                fit_all(
                    (healthy(seed, dtype=dtype, on_divergence=policy, **changes), d.X, d.y)
                    for (seed, changes, _), d in zip(keys, data, strict=True)
                )
                for policy in ("ignore", "stop")
            )
            wrong = [not finite(n) for n in ignored]
            blown = [exploded(n) for n in ignored]
            back = [b and not w and losses(n)[-1] < 1 + BACK for n, b, w in zip(ignored, blown, wrong, strict=True)]
            noticed = [n.verdict_.epoch for n in stopped if n.diverged_]
            rows.append(
                [
                    f"{kind}, {dtype}",
                    str(len(keys)),
                    str(sum(blown)),
                    str(sum(wrong)),
                    str(sum(back)),
                    str(len(noticed)),
                    f"{np.median(noticed):g}" if noticed else "-",
                ]
            )
    return Block(
        [
            "runs",
            "number",
            "loss above 10 times the dummy's",
            "ever not finite",
            "above 10 times, and back at the dummy's at the end",
            "`diverged_`",
            "epoch of the verdict",
        ],
        rows,
        f"{len(faults)} faults ({'; '.join(faults)}) and {len(HEALTHY_RUNS)} healthy settings on Friedman's first "
        f"problem, {seeds} seeds each, two layers of 32 units, 60 epochs. The losses are means of an epoch, in fits with "
        f'`on_divergence="ignore"`. Back: below {1 + BACK} times the dummy predictor\'s loss. `diverged_` and the '
        'median epoch of the verdict are those of the same fits with `on_divergence="stop"`.',
    )
