"""Old import path, used by models saved before this class moved."""

from bpmodel.network.verdicts import Verdict as Verdict
