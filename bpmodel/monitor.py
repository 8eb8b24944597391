"""Models saved before this class moved name it here."""

from bpmodel.network.monitor import Verdict as Verdict
