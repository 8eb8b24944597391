"""Models saved before this class moved name it here."""

from bpmodel.functions.scaling import Scaling as Scaling
