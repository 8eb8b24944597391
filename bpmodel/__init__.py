"""Back-propagation networks for scikit-learn, trained in compiled code that notices divergence."""

from bpmodel.activation_display import ActivationDisplay
from bpmodel.curvature import rate_limit, sharpness, step_size_number
from bpmodel.diagnosis import diagnose
from bpmodel.ensembles import BPEnsembleClassifier, BPEnsembleRegressor
from bpmodel.estimators import BPClassifier, BPRegressor
from bpmodel.findings import Diagnosis, Finding
from bpmodel.flow_display import GradientFlowDisplay
from bpmodel.health_display import HealthDisplay
from bpmodel.monitor import DivergenceError, DivergenceWarning, Verdict
from bpmodel.preflight import preflight
from bpmodel.repair import Repair
from bpmodel.stability_display import StabilityMapDisplay

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
    "sharpness",
    "step_size_number",
]
