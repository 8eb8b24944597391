"""Models saved before this class moved name it here."""

from bpmodel.diagnosis.repair import Repair as Repair
