"""Old import path, used by models saved before this class moved."""

from bpmodel.functions.scaling import Scaling as Scaling
