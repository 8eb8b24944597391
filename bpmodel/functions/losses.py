"""All losses in one table, in the order of their numbers in compiled code."""

from bpmodel.functions.classification_losses import BINARY, CLASSIFICATION
from bpmodel.functions.loss import Loss
from bpmodel.functions.regression_losses import REGRESSION

LOSSES: dict[str, Loss] = REGRESSION | CLASSIFICATION | BINARY

__all__ = ["BINARY", "CLASSIFICATION", "LOSSES", "REGRESSION", "Loss"]
