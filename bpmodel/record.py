"""Models saved before this class moved name it here."""

from bpmodel.diagnosis.evidence import Scales as Scales
