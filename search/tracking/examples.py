"""The rows that a registered model keeps as an example of its input."""

from __future__ import annotations

from typing import Any

from search.tracking import library
from search.tracking.client import connect
from search.tracking.registry import Version


@library.quiet()
def example(uri: str, version: Version) -> Any:
    """Return some rows of the input of a model, a table or an array; None if it has none that can be read."""
    from mlflow import artifacts
    from mlflow.exceptions import MlflowException
    from mlflow.models import Model

    source = connect(uri).get_model_version_download_uri(version.name, str(version.number))
    try:
        folder = artifacts.download_artifacts(artifact_uri=source, tracking_uri=uri)
        return Model.load(folder).load_input_example(folder)
    except (MlflowException, OSError, ValueError):
        return None
