"""One fit in progress: it owns its arrays and can pause at a given epoch, for example to compare several fits there."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpmodel.functions.clipping import new_recent
from bpmodel.functions.schedules import SCHEDULES
from bpmodel.network import outputs, spikes, watch
from bpmodel.network.blas import single_thread
from bpmodel.network.fit import STATE, SUMS, Fit, History, Memory, new_history
from bpmodel.network.loop import score, train
from bpmodel.network.minibatch import Rows
from bpmodel.network.parameters import Network, Workspace, held, workspace
from bpmodel.network.probes import Signals, new_signals
from bpmodel.network.verdicts import (
    LAYER_DEAD,
    OK,
    OUTPUTS_NOT_FINITE,
    RUNNING,
    SYMPTOMS,
    WEIGHTS_NOT_FINITE,
    Verdict,
    epochs,
    failure,
)

RESPONSE_SECONDS = 0.1
"""Target time between returns to Python, where Ctrl-C is noticed; a single epoch may take longer."""


def new_state() -> NDArray:
    """Return the state of a network with newly drawn weights: a record array of shape (1,)."""
    state = np.zeros(1, dtype=STATE)
    state["best_loss"], state["best_score"] = np.inf, -np.inf
    return state


@dataclass
class Training:
    """One fit in progress.

    Training changes `network`, `memory` and `state` in place. It only reads the arrays of `rows` and `validation`, except for
    the order of the training rows.
    """

    network: Network
    settings: Any
    """`Settings`, or the settings of another kind of loop"""
    rows: Rows
    validation: Rows
    memory: Memory
    state: NDArray
    max_iter: int
    baseline: float
    reference: NDArray[np.float64]
    on_epoch: list[Callable[[Training], None]] = field(default_factory=list)
    mend: Callable[[Training], None] | None = None
    """called when the fit has ended; it may restart the fit with `rewind` or `begin_anew`"""
    work: Workspace = field(init=False)
    history: History = field(init=False)
    signals: Signals = field(init=False)

    def __post_init__(self) -> None:
        sparse = all(rows.sparse.indptr.size > 0 for rows in (self.rows, self.validation))
        self.work = workspace(self.network, self.settings.batch_size, sparse=sparse)
        layers = len(self.network.units) - 1
        self.history = new_history(self.max_iter, layers)
        probing = getattr(self.settings, "probing", False)
        self.signals = new_signals(self.network.parameters, layers, self.max_iter, probing)
        self._epochs_per_call = 1
        self._settled = -1

    @property
    def epoch(self) -> int:
        """Epochs run so far."""
        return int(self.state["epoch"][0])

    @property
    def running(self) -> bool:
        return self.epoch < self.max_iter and int(self.state["code"][0]) == RUNNING

    @property
    def failed(self) -> bool:
        """Whether the fit diverged or stalled."""
        return int(self.state["code"][0]) not in (RUNNING, OK)

    @property
    def broken(self) -> bool:
        """Whether it failed and the weights of an earlier epoch are better."""
        return self.failed and SYMPTOMS[int(self.state["code"][0])].ruins_weights

    @property
    def out_of_epochs(self) -> bool:
        """Whether the fit used all its epochs without meeting a stopping rule."""
        return self.epoch >= self.max_iter and int(self.state["code"][0]) == RUNNING

    @property
    def verdict(self) -> Verdict:
        """How the fit ended, or its status so far."""
        if not self.failed:
            return Verdict("ok", self._standing())
        s = self.state[0]
        code = int(s["code"])
        return failure(
            code,
            epoch=self.epoch,
            step=int(s["step"]),
            loss=float(s["loss"]),
            baseline=self.baseline,
            gradient_norm=float(s["gradient_norm"]),
            layer=self._dead_layer() if code == LAYER_DEAD else None,
        )

    def _dead_layer(self) -> int:
        """Return the first hidden layer, counted from 1, that was dead at the last probe."""
        dead = self.signals.dead[self.state["probes"][0] - 1]
        return int(np.argmax(dead == 1)) + 1

    def _standing(self) -> str:
        end = "paused" if self.running else "ended" if self.out_of_epochs else "stopped improving"
        return f"{end} after {epochs(self.epoch)}"

    @property
    def curves(self) -> dict[str, NDArray[np.float64]]:
        """The curves by name: one value per epoch run so far, or one per epoch and layer."""
        return {name: values[: self.epoch].copy() for name, values in self.history._asdict().items()}

    @property
    def probed(self) -> dict[str, NDArray]:
        """The measurements of the probes taken so far, by name."""
        return self.signals.taken(int(self.state["probes"][0]))

    @property
    def shortfall(self) -> str:
        """The text of the convergence warning at the end of the fit: why it has not converged, or empty."""
        planned = list(SCHEDULES.values())[self.settings.schedule].ends
        if planned or not self.out_of_epochs:
            return ""
        return f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the optimization hasn't converged yet."

    @property
    def learned(self) -> dict[str, float]:
        """Values that the solver learned from the data besides the weights, by name."""
        return {}

    def advance(self, until: int) -> Verdict:
        """Train up to epoch `until`, at most `max_iter`; return the verdict so far."""
        until = int(min(until, self.max_iter))  # compiled code has a version for each type
        with single_thread():
            while self.running and self.epoch < until:
                before, started = self.epoch, time.perf_counter()
                self._run(min(until, before + (1 if self.on_epoch else self._epochs_per_call)))
                seconds = (time.perf_counter() - started) / max(self.epoch - before, 1)
                self._epochs_per_call = max(1, int(RESPONSE_SECONDS / max(seconds, 1e-6)))
                if not self.running:
                    self.settle()
                if self.mend is not None and not self.running:
                    self.mend(self)
                for call in self.on_epoch:
                    call(self)
        return self.verdict

    def _run(self, until: int) -> None:
        fit = Fit(
            self.settings,
            self.rows,
            self.validation,
            self.reference,
            self.network,
            self.work,
            self.memory,
            self.history,
            self.signals,
            self.state,
            np.zeros(1, SUMS),
        )
        train(fit, until)

    def settle(self) -> None:
        """Judge the network that the last step left, and with early stopping the one that is kept, as the watch judges a step.

        The loss of an epoch is that before its steps, so nothing else has seen what the last one did. Where the watch is switched
        off, a network fails only if its outputs for the training rows are not finite.
        """
        if self.epoch in (0, self._settled):
            return
        self._settled = self.epoch
        watched, early = self.settings.watch, self.settings.early_stopping
        if not self.broken and (watched or not early):
            self._fail(*self._symptom_of(self.shown))
        if not early:
            return
        code, loss = self._symptom_of(self.kept)
        if not self.failed:
            self._fail(code, loss)
        if (
            watched and code != RUNNING
        ):  # no epoch had a better score: what is left is the network that the fit began with
            self.memory.best[0][:] = self.memory.best[1]
            self.state["best_score"] = -np.inf

    def _symptom_of(self, network: Network) -> tuple[int, float]:
        """Return the code of a failure, or RUNNING, and the network's loss on the training rows, as far as it is known."""
        if not outputs.are_finite(network, self.rows):
            return OUTPUTS_NOT_FINITE if np.isfinite(network.parameters).all() else WEIGHTS_NOT_FINITE, np.inf
        if not self.settings.watch:
            return RUNNING, np.nan
        limit, n = self.limit, len(self.rows.order)
        stride = -(-n // max(watch.JUDGED_ROWS, int(n * self.epoch * watch.JUDGED_SHARE)))
        loss = self._loss_of(network, self.rows.picked(self.rows.numbers[::stride]) if stride > 1 else self.rows)
        if stride > 1 and not loss < limit / watch.CLEAR:
            loss = self._loss_of(network, self.rows)
        return watch.symptom_of_loss(loss, loss, limit), loss

    def _loss_of(self, network: Network, rows: Rows) -> float:
        with single_thread():
            return float(score(network, self.work, rows, self.reference)[0])

    def _fail(self, code: int, loss: float) -> None:
        if code != RUNNING:
            s = self.state[0]
            s["code"], s["loss"], s["gradient_norm"] = code, loss, self.history.gradient_norm[self.epoch - 1]

    @property
    def limit(self) -> float:
        """The mean loss of the training rows above which the fit has diverged."""
        settings = self.settings
        noisy = settings.dropout > 0 or settings.input_noise > 0 or self.network.normalization > 0
        most = float(watch.limit(self.baseline, float(self.state["first_loss"][0]), noisy))
        return most * max(settings.steady_rows / len(self.rows.order), 1.0)

    @property
    def shown(self) -> Network:
        """The network that predictions use, in its own precision."""
        average = self.memory.average
        return self.network._replace(
            parameters=average,
            running=self.network.running.astype(average.dtype, copy=False),
            loss_number=held(float(self.network.loss_number), average.dtype),
        )

    @property
    def kept(self) -> Network:
        """The network of the best epoch, in the precision of predictions."""
        dtype = self.memory.average.dtype
        parameters, running = np.split(self.memory.best[0].astype(dtype, copy=False), [self.network.parameters.size])
        return self.shown._replace(parameters=parameters, running=running.reshape(2, -1))

    def stop(self) -> None:
        """End the training after the current epoch; a fit that has failed stays failed."""
        if int(self.state["code"][0]) == RUNNING:
            self.state["code"] = OK

    def rewind(self, rate: float, warmup_epochs: float) -> int:
        """Restore the best weights and continue from there with another learning rate and a reset optimizer memory.

        Returns
        -------
        int
            Number of epochs kept: those that led to the best weights.
        """
        s = self.state[0]
        marks = -self.history.validation_score if self.settings.early_stopping else self.history.loss
        healthy = marks[: self.epoch - 1]
        known = np.isfinite(healthy).any() and not (self.settings.early_stopping and np.isneginf(s["best_score"]))
        kept = int(np.nanargmin(healthy)) + self.settings.early_stopping if known else 0
        self.restore_best()
        self.memory.optimizer[:] = 0
        self.memory.recent[:] = new_recent()
        spikes.forget(self.state)
        steps = -(-len(self.rows.order) // self.settings.batch_size)
        s["rate"] *= rate / self.settings.learning_rate_init
        s["epoch"], s["step"], s["restart"], s["samples"] = (
            kept,
            kept * steps,
            kept * steps,
            kept * len(self.rows.order),
        )
        s["stagnant"], s["code"] = 0, RUNNING
        self._settled = -1
        s["probes"] = int(np.sum(self.signals.epoch[: s["probes"]] <= kept)) if kept else 0
        if s["probes"]:
            self.signals.step[s["probes"] - 1] = s["step"]
            self.signals.previous[:] = self.network.parameters
        self.signals.before[:] = self.network.parameters[: self.signals.before.size]
        self.settings = self.settings._replace(learning_rate_init=rate, warmup_epochs=warmup_epochs)
        return kept

    def begin_anew(self, other: Training) -> None:
        """Replace this fit by another one of the same rows that has not started."""
        vars(self).update({name: value for name, value in vars(other).items() if name not in ("on_epoch", "mend")})

    def restore_best(self) -> None:
        """Restore the weights of the best epoch: by validation score with early stopping, otherwise by training loss."""
        parameters, running = np.split(self.memory.best[0], [self.network.parameters.size])
        self.network.parameters[:] = self.memory.average[:] = parameters
        self.network.running[:] = running.reshape(2, -1)


def new_memory(network: Network, slots: int, average: NDArray, random: NDArray[np.uint64]) -> Memory:
    """Return the empty memory of a fit whose network was just initialized."""
    parameters, running = network.parameters, network.running
    best = np.concatenate([average, running.ravel()])
    optimizer = np.zeros((slots, parameters.size), dtype=parameters.dtype)
    return Memory(optimizer, average, new_recent(), np.stack([best, best]), random)
