"""What a study would do: the result of ``bpsearch tune --dry-run``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from bpmodel.names.amounts import bytes_told
from bpmodel.names.short import short
from bpmodel.network.machine import memory
from search.loop.demand import Demand


@dataclass(frozen=True)
class Rehearsal:
    """A study that was checked, but not run.

    Attributes
    ----------
    name, method, scheme : str
    demand : Demand
    done : int
        Trials that are finished.
    notes : tuple of str
        What was noticed in the data.
    """

    name: str
    method: str
    scheme: str
    demand: Demand
    done: int
    notes: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """Return it as plain data; `docs/studies.md` lists the keys."""
        d = self.demand
        counts = {key: value for key, value in asdict(d).items() if not key.endswith("_bytes")}
        allowed = memory()
        return {
            "name": self.name,
            "method": self.method,
            "scheme": self.scheme,
            **counts,
            "cells": d.cells,
            "fits": d.fits,
            "done": self.done,
            "memory": round(d.memory),
            "memory_allowed": None if allowed == float("inf") else round(allowed),
            "notes": list(self.notes),
        }

    def lines(self) -> list[str]:
        """Return it as text."""
        d = self.demand
        outer = f", the same again in each of {d.outer:,} outer folds" if d.outer else ""
        done = f", {self.done:,} of them done" if self.done else ""
        found = {
            "table": f"{d.rows:,} rows x {d.columns:,} columns, at most {d.features:,} after preprocessing",
            "trials": f"{d.trials:,}{done}, {d.at_once:,} at a time, each on {d.folds:,} folds{outer}",
            "then": f"up to {d.again:,} evaluations with other seeds, and {d.members:,} networks for the model",
            "fits": f"up to {d.fits:,}",
            "space": f"{d.axes:,} axes",
            "network": f"up to {d.parameters:,} weights and biases, with hidden_layer_sizes = {short(d.largest)}",
            "memory": f"up to {bytes_told(d.memory)} beside the table, of {bytes_told(memory())}",
        }
        return [f"{name + ':':<9}{text}" for name, text in found.items()]
