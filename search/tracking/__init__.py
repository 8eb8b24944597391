"""Tracking of a study in MLflow: the only package that imports it.

A study is a parent run, a trial is a child run. `protocol` is the interface of any tracker. For MLflow, `stores`
decides where runs go, `runs` defines their contents, `client` and `sqlite` write them, `models` registers the best
pipeline, with its columns (`inputs`), its `requirements` and the code that serves it (`served_pipeline`). `tracker`
combines these in one background thread; `again` asks servers once more.
"""

from search.tracking.contents.runs import RUN_STATUS, Header, Report
from search.tracking.models.registration import RegisteredModel
from search.tracking.naming.names import check_name
from search.tracking.protocol import Nowhere, Tracker, writing
from search.tracking.stores import check, database, default_uri, folders, settled
from search.tracking.tracker import MLflowTracker, TrackingError

__all__ = [
    "RUN_STATUS",
    "Header",
    "MLflowTracker",
    "Nowhere",
    "RegisteredModel",
    "Report",
    "Tracker",
    "TrackingError",
    "check",
    "check_name",
    "database",
    "default_uri",
    "folders",
    "settled",
    "writing",
]
