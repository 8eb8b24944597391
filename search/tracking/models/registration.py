"""Registration of a study's best pipeline in MLflow's model registry.

Everything goes through a client of one store. MLflow's functions without a client write to what the process points them at: to
an active run or experiment, or a store that the user's own code has set.
"""

from __future__ import annotations

import json
import shutil
import uuid
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bpmodel.compiler import shipping
from search.errors import StudyError, reason_of
from search.tracking import library, stores
from search.tracking.contents.datasets import DataEntry
from search.tracking.contents.entrants import Entrant
from search.tracking.contents.runs import RESULT, Tied, written_params
from search.tracking.local.scratch import scratch
from search.tracking.models import cards, champions, inputs, served_pipeline
from search.tracking.models.requirements import OWN, needs
from search.tracking.writers import creation
from search.tracking.writers.client import connect, has_files

LONGEST_DESCRIPTION = 5000
"""Characters of a description that MLflow's databases hold."""

VERSIONS = "mlflow.modelVersions"
"""The tag by which MLflow's UI knows the registered versions of a logged model."""

LISTED_COLUMNS = 500
"""Columns of a table that the file `MLmodel` lists; with more, only `columns.json` does."""


@dataclass(frozen=True)
class RegisteredModel:
    """A model in the registry.

    Attributes
    ----------
    name : str
    version : int
    alias : str
        ``champion``, ``challenger`` or none, an empty string.
    reason : str
        Why it has that alias; empty if nothing was decided.
    tied : Tied or None
        What ties metrics of the study to the model.

    Examples
    --------
    >>> RegisteredModel("prices", 1, "champion").uri, RegisteredModel("prices", 2, "challenger").uri
    ('models:/prices@champion', 'models:/prices/2')
    """

    name: str
    version: int
    alias: str = ""
    reason: str = ""
    tied: Tied | None = field(default=None, compare=False)

    @property
    def uri(self) -> str:
        """An address of this version and no other, as long as no later one becomes the champion."""
        return f"models:/{self.name}{'@champion' if self.alias == champions.CHAMPION else f'/{self.version}'}"

    @property
    def standing(self) -> str:
        """The alias and why, such as ``challenger: not better than version 1 on the same folds``; empty without a reason."""
        return f"{self.alias}: {self.reason}" if self.reason else ""


@library.quiet()
def register(
    uri: str,
    name: str,
    run_id: str,
    model: Any,
    X: Any,
    score: float,
    metadata: Mapping[str, Any] | None = None,
    result: str = "",
    *,
    example: bool = False,
    entrant: Entrant | None = None,
) -> RegisteredModel:
    """Store a fitted pipeline with a run, register it under a name and make it the champion or the challenger.

    A result that has a version already, whose files are there, gets no second one. What an interrupted registration has left
    is used if it is whole, and goes to the trash if not.

    Parameters
    ----------
    model : estimator
        The whole pipeline: raw input in, predictions in original units out.
    X : DataFrame or array-like
        Raw input, all rows of the fit: the columns that the model takes are described from it.
    metadata : dict, optional
        What is added to ``score`` and ``columns`` in the metadata of the file `MLmodel`, in JSON types.
    result : str
        Names what the model was made of, see `Header.result`; by default it is like no other.
    example : bool, default=False
        Whether a few rows of X are stored with the model as its input example, and first values as those of the columns. By
        default they are made up: data is copied nowhere unasked.
    entrant : Entrant, optional
        What the score stands for: what the champion is compared by, and the hyperparameters.
    """
    client = connect(uri)
    entrant = entrant or Entrant(score)
    run = client.get_run(run_id)
    result = result or uuid.uuid4().hex
    known = inputs.columns(model, X, own=example)
    logged = _whole(client, uri, run, result)
    if logged is None:
        logged = creation.logged_model(client, run, result, written_params(entrant.params))
        about = {"score": score, "folds": entrant.folds, "columns": inputs.summary(known[:LISTED_COLUMNS])} | dict(
            metadata or {}
        )
        try:
            with scratch(stores.database(uri)) as folder:
                path = folder / "model"
                write(path, model, X, known, about, run_id, logged, example=example)
                client.log_model_artifacts(logged.model_id, str(path))
        except BaseException:
            client.finalize_logged_model(logged.model_id, creation.FAILED)
            raise
        client.finalize_logged_model(logged.model_id, creation.READY)
    creation.output(client, run, logged.model_id)
    creation.registered_model(client, name, cards.of_all(name))
    made = creation.version(client, name, run, logged, result, inputs.markdown(known), entrant.tags(name))
    standing = champions.place(client, uri, name, made, entrant)
    versions = json.dumps([{"name": name, "version": made.version}])
    client.set_logged_model_tags(logged.model_id, {VERSIONS: versions})
    tied = Tied(logged.model_id, run_id, logged.creation_timestamp)
    return RegisteredModel(name, int(made.version), standing.alias, standing.reason, tied)


def _whole(client: Any, uri: str, run: Any, result: str) -> Any:
    """Return the logged model of a result that has all its files, or None; what is not whole goes to the trash."""
    found = None
    for logged in creation.logged_models(client, run):
        own = logged.tags.get(RESULT) == result
        if str(logged.status) != creation.READY:
            creation.drop_model(client, logged)
        elif own and found is None and has_files(uri, logged.artifact_location):
            found = logged
    return found


def check(estimator: Any, key: str) -> None:
    """Check that an estimator, fitted or not, can be stored as a model.

    Parameters
    ----------
    estimator : estimator
    key : str
        Where the user has set it, for the message.

    Raises
    ------
    StudyError
        If skops cannot write it or read it again.
    """
    import skops.io

    try:
        content = skops.io.dumps(estimator)
        skops.io.loads(content, trusted=skops.io.get_untrusted_types(data=content))
    except Exception as error:  # of skops, or of a class in the estimator
        reason = reason_of(error)
        raise StudyError(
            f"{key}: the model could not be stored ({reason}); allowed are classes and functions that can be imported, "
            "and no lambdas"
        ) from error


def write(
    path: Path,
    model: Any,
    X: Any,
    known: list[dict[str, Any]],
    about: Mapping[str, Any],
    run_id: str,
    logged: Any,
    *,
    example: bool = False,
) -> None:
    """Write a model to a folder: the pipeline in the skops format, the code and the machine code that it runs, its columns.

    The folder has two flavors: `mlflow.sklearn` gives the pipeline itself, `mlflow.pyfunc` a `ServedPipeline`. The signature has
    no inputs, because MLflow would enforce them: no input schema accepts both a CSV file and columns whose types differ from
    batch to batch. It has the outputs and the parameters.
    """
    import mlflow.sklearn
    import skops.io
    from mlflow.models import Model, infer_signature

    found = needs(model)
    few = X.iloc[: inputs.EXAMPLE_ROWS] if hasattr(X, "iloc") else X[: inputs.EXAMPLE_ROWS]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlflow.sklearn.save_model(
            model,
            str(path),
            mlflow_model=Model(
                artifact_path=logged.artifact_location,
                run_id=run_id,
                model_uuid=logged.model_id,
                model_id=logged.model_id,
            ),
            signature=infer_signature(None, model.predict(few), {served_pipeline.PROBABILITIES: False}),
            input_example=inputs.own_example(X) if example else inputs.example(model, X),
            serialization_format="skops",
            skops_trusted_types=skops.io.get_untrusted_types(data=skops.io.dumps(model)),
            pip_requirements=found.requirements,
            code_paths=[*map(str, found.code), served_pipeline.__file__],
            metadata=dict(about),
        )
    (path / served_pipeline.COLUMNS_FILE).write_text(json.dumps(known, ensure_ascii=False), encoding="utf-8")
    saved = Model.load(str(path))
    flavor = saved.flavors["python_function"]
    kept = {name: value for name, value in flavor.items() if name not in ("loader_module", "model_path", "predict_fn")}
    saved.add_flavor("python_function", loader_module=Path(served_pipeline.__file__).stem, **kept)
    saved.save(str(path / "MLmodel"))
    networks = path / "code" / OWN
    if networks.exists():
        shipping.ship(networks)
    for compiled in path.rglob("__pycache__"):
        shutil.rmtree(compiled)


@library.quiet()
def describe(uri: str, model: RegisteredModel | None, text: str, data: DataEntry | None = None) -> None:
    """Put a text, how the model is loaded and what it was trained on before the columns in the description of a version."""
    if model is not None:
        client = connect(uri)
        known = client.get_model_version(model.name, str(model.version)).description or ""
        columns = known[known.find(inputs.HEAD) :] if inputs.HEAD in known else ""
        whole = cards.of_version(model.name, model.version, text, model.standing, data, columns)[:LONGEST_DESCRIPTION]
        if whole != known:
            client.update_model_version(model.name, str(model.version), description=whole)
