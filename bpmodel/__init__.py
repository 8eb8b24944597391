"""Back-propagation networks for scikit-learn, trained in compiled code that notices divergence."""

from bpmodel.ensembles import BPEnsembleClassifier, BPEnsembleRegressor
from bpmodel.estimators import BPClassifier, BPRegressor
from bpmodel.findings import Diagnosis, Finding
from bpmodel.monitor import DivergenceError, DivergenceWarning, Verdict

__all__ = [
    "BPClassifier",
    "BPEnsembleClassifier",
    "BPEnsembleRegressor",
    "BPRegressor",
    "Diagnosis",
    "DivergenceError",
    "DivergenceWarning",
    "Finding",
    "Verdict",
]
