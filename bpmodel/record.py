"""Old import path, used by models saved before this class moved."""

from bpmodel.diagnosis.evidence import Scales as Scales
