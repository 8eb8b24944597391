"""Old import path, used by models saved before this class moved."""

from bpmodel.network.monitor import Verdict as Verdict
