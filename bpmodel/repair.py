"""Old import path, used by models saved before this class moved."""

from bpmodel.diagnosis.repair import Repair as Repair
