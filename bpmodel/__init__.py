"""Back-propagation networks for scikit-learn, trained in compiled code that notices divergence."""

from bpmodel.diagnosis import diagnose
from bpmodel.ensembles import BPEnsembleClassifier, BPEnsembleRegressor
from bpmodel.estimators import BPClassifier, BPRegressor
from bpmodel.findings import Diagnosis, Finding
from bpmodel.monitor import DivergenceError, DivergenceWarning, Verdict
from bpmodel.repair import Repair

__all__ = [
    "BPClassifier",
    "BPEnsembleClassifier",
    "BPEnsembleRegressor",
    "BPRegressor",
    "Diagnosis",
    "DivergenceError",
    "DivergenceWarning",
    "Finding",
    "Repair",
    "Verdict",
    "diagnose",
]
