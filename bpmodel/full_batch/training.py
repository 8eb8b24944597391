"""The loop of full-batch solvers: one iteration is one epoch, with the same history, validation and divergence checks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bpmodel.full_batch.objective import NetworkObjective
from bpmodel.full_batch.solver import End, Limits, Point, Solver, State
from bpmodel.full_batch.solvers import check_size
from bpmodel.network import verdicts, watch
from bpmodel.network.loop import score
from bpmodel.network.minibatch import Rows
from bpmodel.network.parameters import Network
from bpmodel.network.training import Training

BLOCK_ROWS = 512


class FullBatchSettings(NamedTuple):
    """The settings of the loop, under the names of the options; `batch_size` is the number of rows in a block."""

    batch_size: int
    alpha: float
    tol: float
    max_fun: int
    n_iter_no_change: float
    early_stopping: bool
    watch: bool


@dataclass(kw_only=True)
class FullBatchTraining(Training):
    """One fit in progress with a full-batch solver.

    `network` and the rows are in double precision; ``memory.average`` holds the parameters in the estimator's precision. Losses
    and gradient norms of an epoch belong to the weights at its end.
    """

    settings: FullBatchSettings
    solver: Solver

    def __post_init__(self) -> None:
        check_size(self.solver, self.network.parameters.size)
        super().__post_init__()
        network = self.network._replace(parameters=self.network.parameters.copy())
        self._objective = NetworkObjective(network, self.work, self.rows, self.settings.alpha)
        self._limits = Limits(self.settings.tol, self.settings.max_fun)
        self._solution: State | None = None
        self._end: End | None = None

    @property
    def learned(self) -> dict[str, float]:
        return {name: getattr(self._solution, name) for name in self.solver.learned if self._solution is not None}

    @property
    def shortfall(self) -> str:
        if self._end is not None and not self._end.converged:
            reason = self._end.reason
        elif self.out_of_epochs:
            reason = f"max_iter={self.max_iter} iterations reached; more may improve the result"
        else:
            return ""
        return f"{self.solver.name} failed to converge after {self.epoch} iteration(s): {reason}. Scaling the rows may also help."

    def _standing(self) -> str:
        return (
            f"{self._end.reason}, after {verdicts.epochs(self.epoch)}" if self._end is not None else super()._standing()
        )

    def _run(self, until: int) -> None:
        with np.errstate(over="ignore", invalid="ignore"):  # the divergence check finds non-finite values
            while self.running and self.epoch < until:
                self._iterate()

    def _iterate(self) -> None:
        s, before = self.state[0], self._solution
        if before is None:
            before = self.solver.start(self._objective, self.network.parameters.copy(), self._limits)
            s["first_loss"] = before.point.loss
        if before.end is None and np.isfinite(before.point.value):
            self._solution = self.solver.step(self._objective, before, self._limits)
        else:
            self._solution = before
        point, end = self._solution.point, self._solution.end
        self.network.parameters[:] = self.memory.average[:] = point.parameters

        epoch, norm = self.epoch, float(np.linalg.norm(point.gradient))
        s["epoch"] += 1
        s["step"] += 1
        s["samples"] += len(self.rows.order)
        self.history.loss[epoch] = point.loss + point.penalty
        self.history.gradient_norm[epoch] = norm
        s["code"] = self._symptom(point)
        if s["code"] != verdicts.RUNNING:
            s["loss"], s["gradient_norm"] = point.loss, norm
            return
        if len(self.validation.order):
            loss, mark = score(self.network, self.work, self.validation, self.reference)
            self.history.validation_loss[epoch], self.history.validation_score[epoch] = loss, mark
        if watch.note_progress(self.settings, self.history, self.state):
            self.memory.best[0][:] = np.concatenate([self.network.parameters, self.network.running.ravel()])
        self._end = end or self._end_of_improvement()
        if self._end is not None:
            s["code"] = verdicts.OK

    def _symptom(self, point: Point) -> int:
        """Return the code of a divergence, or RUNNING."""
        if not self.settings.watch:
            return verdicts.RUNNING
        code = watch.symptom_of_loss(point.loss, point.loss, self.limit)
        return watch.symptom_of_weights(self.memory.average) if code == verdicts.RUNNING else code

    @property
    def limit(self) -> float:
        return float(watch.limit(self.baseline, float(self.state["first_loss"][0])))

    def _loss_of(self, network: Network, rows: Rows) -> float:
        return super()._loss_of(in_double_precision(network), rows)  # the rows are in double precision

    def _end_of_improvement(self) -> End | None:
        """Return the end of the fit if early stopping applies, otherwise None: then the solver decides when to end."""
        if self.settings.early_stopping and self.state["stagnant"][0] > self.settings.n_iter_no_change:
            return End(True, "the validation score stopped improving")
        return None


def in_double_precision(network: Network) -> Network:
    """Return a copy of a network in double precision."""
    return network._replace(
        parameters=network.parameters.astype(np.float64),
        running=network.running.astype(np.float64),
        loss_number=np.float64(network.loss_number),
    )
