"""A study in MLflow: the only package that imports it.

A study is a parent run, a trial is a child run. `stores` says where they are written, `runs` what they hold, `client` writes
them, `models` registers the best pipeline, and `tracker` has it all done by one background thread.
"""

from search.tracking.models import RegisteredModel
from search.tracking.runs import RUN_STATUS, Report
from search.tracking.stores import check, default_uri
from search.tracking.tracker import Tracker, TrackingError, holds

__all__ = ["RUN_STATUS", "RegisteredModel", "Report", "Tracker", "TrackingError", "check", "default_uri", "holds"]
