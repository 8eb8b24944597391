"""Deletion of an experiment and of a registered model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from search.errors import StudyError
from search.tracking import library, waiting
from search.tracking.writers.client import connect


@waiting.asked
@library.quiet()
def model(uri: str, name: str) -> None:
    """Delete a registered model and all of its versions, for good; the files of its versions belong to their runs.

    Raises
    ------
    StudyError
        If it cannot be deleted.
    """
    with _told(uri, f"registered model {name!r}"):
        connect(uri).delete_registered_model(name)


@waiting.asked
@library.quiet()
def experiment(uri: str, experiment_id: str, name: str) -> None:
    """Move an experiment and its runs to MLflow's trash under another name, so that its own is free.

    ``mlflow gc`` empties the trash. A study of the old name gets an experiment of its own: without the new name, MLflow would
    restore this one, with all its runs.

    Raises
    ------
    StudyError
        If it cannot be deleted.
    """
    client = connect(uri)
    with _told(uri, f"experiment {experiment_id}"):
        client.rename_experiment(experiment_id, name)
        client.delete_experiment(experiment_id)


@contextmanager
def _told(uri: str, what: str) -> Iterator[None]:
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        if waiting.is_locked(error):
            raise
        reason = waiting.reason(error, uri)
        raise StudyError(
            f"MLflow did not delete the {what}: {reason}; the journal is kept, so that you can try again"
        ) from None
