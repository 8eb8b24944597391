"""All losses in one table, in the order of their numbers in compiled code."""

from bpmodel.classification_losses import BINARY, CLASSIFICATION
from bpmodel.loss import Loss
from bpmodel.regression_losses import REGRESSION

LOSSES: dict[str, Loss] = REGRESSION | CLASSIFICATION | BINARY

__all__ = ["BINARY", "CLASSIFICATION", "LOSSES", "REGRESSION", "Loss"]
