"""Back-propagation networks for scikit-learn, trained in compiled code that detects divergence."""

from bpmodel.curvature import rate_limit, sharpness, step_size_number
from bpmodel.diagnosis.diagnose import diagnose
from bpmodel.diagnosis.findings import Diagnosis, Finding
from bpmodel.diagnosis.repair import Repair
from bpmodel.displays.activations import ActivationDisplay
from bpmodel.displays.gradient_flow import GradientFlowDisplay
from bpmodel.displays.health import HealthDisplay
from bpmodel.displays.stability_map import StabilityMapDisplay
from bpmodel.ensembles import BPEnsembleClassifier, BPEnsembleRegressor
from bpmodel.estimators import BPClassifier, BPRegressor
from bpmodel.functions.registration import (
    register_activation,
    register_loss,
    register_optimizer,
    register_schedule,
)
from bpmodel.network.verdicts import DivergenceError, DivergenceWarning, Verdict
from bpmodel.preflight import preflight

__all__ = [
    "ActivationDisplay",
    "BPClassifier",
    "BPEnsembleClassifier",
    "BPEnsembleRegressor",
    "BPRegressor",
    "Diagnosis",
    "DivergenceError",
    "DivergenceWarning",
    "Finding",
    "GradientFlowDisplay",
    "HealthDisplay",
    "Repair",
    "StabilityMapDisplay",
    "Verdict",
    "diagnose",
    "preflight",
    "rate_limit",
    "register_activation",
    "register_loss",
    "register_optimizer",
    "register_schedule",
    "sharpness",
    "step_size_number",
]

for _saved in (Diagnosis, DivergenceError, DivergenceWarning, Finding, Repair, Verdict):
    _saved.__module__ = __name__  # saved models refer to the public path, so the private modules may move
