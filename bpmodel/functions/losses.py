"""The table of all losses, in the order of their codes, and the tables of the losses of each kind."""

from bpmodel.compiler.tables import Selection, Table
from bpmodel.functions.classification_losses import CLASSIFICATION_ROWS
from bpmodel.functions.loss import Loss
from bpmodel.functions.regression_losses import REGRESSION_ROWS

LOSSES: Table[Loss] = Table("loss", (*REGRESSION_ROWS, *CLASSIFICATION_ROWS), register="register_loss")

REGRESSION = Selection(LOSSES, lambda row: row.kind == "regression", hint=LOSSES.hint)
CLASSIFICATION = Selection(LOSSES, lambda row: row.kind == "classification")
BINARY = Selection(LOSSES, lambda row: row.kind == "binary")

__all__ = ["BINARY", "CLASSIFICATION", "LOSSES", "REGRESSION", "Loss"]
