"""A network that knows how its fit went: verdict, history, diagnosis, repairs, and the warnings that speak of them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import estimator_html_repr
from sklearn.utils.validation import check_is_fitted

from bpmodel import html
from bpmodel.diagnosis.diagnose import examine
from bpmodel.diagnosis.evidence import Record, Scales, symmetric_layer
from bpmodel.diagnosis.findings import Diagnosis
from bpmodel.diagnosis.repair import Repair, Repairer
from bpmodel.fitted import FittedNetwork
from bpmodel.network.monitor import DivergenceError, DivergenceWarning, Verdict
from bpmodel.network.training import Training


class ExplainedNetwork(FittedNetwork):
    """The part of an estimator that says how the last fit went."""

    _scales: Scales
    _symmetric: int
    _changes: Mapping[str, Any]
    """options that a repair changed, and the values that the last fit ended with"""

    def diagnose(self) -> Diagnosis:
        """Return what went wrong in the last fit: findings with numbers, cause and remedy, the most likely cause first.

        After `partial_fit` and with a full-batch solver less is known, for no probes are taken there: then findings are made
        from the loss alone, and with a full-batch solver from the scale of the data.

        Raises
        ------
        NotFittedError
            Before `fit`.
        """
        check_is_fitted(self)
        return examine(
            self._record(
                self.verdict_, self.history_, self.probes_, self.baseline_loss_, self.initial_loss_, self._changes
            )
        )

    def _record_of(self, training: Training, changes: Mapping[str, Any]) -> Record:
        """Return what a diagnosis of a fit is made from that is still in progress."""
        first_loss = float(training.state["first_loss"][0])
        return self._record(training.verdict, training.curves, training.probed, training.baseline, first_loss, changes)

    def _record(
        self,
        verdict: Verdict,
        history: Mapping[str, NDArray[np.float64]],
        probes: Mapping[str, NDArray],
        baseline: float,
        first_loss: float,
        changes: Mapping[str, Any],
    ) -> Record:
        return Record(
            options=self.get_params(deep=False) | dict(changes),
            verdict=verdict,
            history=history,
            probes=probes,
            scales=self._scales,
            activations=self._activations,
            units=self._layer_units,
            baseline=baseline,
            first_loss=first_loss,
            symmetric=self._symmetric and symmetric_layer(self.coefs_),
        )

    def _keep_account(self, training: Training) -> None:
        """Write down how a fit went."""
        self.verdict_: Verdict = training.verdict
        self.diverged_ = self.verdict_.diverged
        self.history_ = training.curves
        self.probes_ = training.probed
        self.baseline_loss_ = training.baseline
        self.initial_loss_ = float(training.state["first_loss"][0])
        self._changes, self.repairs_ = {}, []
        if isinstance(training.mend, Repairer):
            self._changes, self.repairs_ = dict(training.mend.changes), training.mend.account(training)

    def _report(self, stacklevel: int) -> None:
        """Warn of, or raise, what the last fit met with."""
        if self.on_divergence == "ignore":
            return
        name, verdict = type(self).__name__, self.verdict_
        repairs: list[Repair] = self.repairs_
        done = "; ".join(map(str, repairs))
        if not verdict.failed:
            if repairs:
                message = f"{name} was repaired: {done}. `repairs_` has more."
                warnings.warn(message, DivergenceWarning, stacklevel=stacklevel)
            return
        message = f"{name} {verdict.status}: {verdict.reason}."
        if repairs:
            message += f" {len(repairs)} repairs did not do ({done})."
        found = self.diagnose().findings
        if found:
            message += f" Most likely {found[0].code}: {found[0].remedy}"
        if verdict.diverged and self.on_divergence == "raise":
            raise DivergenceError(message)
        message += " The weights of its best epoch are kept; see `verdict_` and `diagnose()`."
        kind = DivergenceWarning if verdict.diverged else ConvergenceWarning
        warnings.warn(message, kind, stacklevel=stacklevel)

    def _html_repr(self) -> str:
        diagram: str = estimator_html_repr(self)
        return diagram + html.summary(self) if hasattr(self, "verdict_") else diagram
