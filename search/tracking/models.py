"""Registration of a study's best pipeline in MLflow's model registry.

Everything goes through a client of one store. MLflow's functions without a client write to what the process points them at: to
an active run or experiment, or a store that the user's own code has set.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bpmodel.compiler import shipping
from search.errors import StudyError, reason_of
from search.tracking import inputs, library, registry, served_pipeline
from search.tracking.requirements import OWN, needs

LONGEST_DESCRIPTION = 5000
"""Characters of a description that MLflow's databases hold."""

VERSIONS = "mlflow.modelVersions"
"""The tag by which MLflow's UI knows the registered versions of a logged model."""

LISTED_COLUMNS = 500
"""Columns of a table that the file `MLmodel` lists; with more, only `columns.json` does."""


@dataclass(frozen=True)
class RegisteredModel:
    """A model in the registry."""

    name: str
    version: int

    @property
    def uri(self) -> str:
        return f"models:/{self.name}@champion"


@library.quiet()
def register(
    uri: str,
    name: str,
    run_id: str,
    model: Any,
    X: Any,
    score: float,
    metadata: Mapping[str, Any] | None = None,
    *,
    example: bool = False,
) -> RegisteredModel:
    """Store a fitted pipeline with a run, register it under a name and give it the alias ``champion``.

    Parameters
    ----------
    model : estimator
        The whole pipeline: raw input in, predictions in original units out.
    X : DataFrame or array-like
        Raw input, all rows of the fit: the columns that the model takes are described from it.
    metadata : dict, optional
        What is added to ``score`` and ``columns`` in the metadata of the file `MLmodel`, in JSON types.
    example : bool, default=False
        Whether a few rows of X are stored with the model as its input example, and first values as those of the columns. By
        default they are made up: data is copied nowhere unasked.
    """
    from mlflow.entities import LoggedModelOutput

    client = library.load().MlflowClient(tracking_uri=uri)
    run = client.get_run(run_id)
    logged = client.create_logged_model(
        run.info.experiment_id, name="model", source_run_id=run_id, params=dict(run.data.params)
    )
    known = inputs.columns(model, X, own=example)
    about = {"score": score, "columns": inputs.summary(known[:LISTED_COLUMNS])} | dict(metadata or {})
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model"
            write(path, model, X, known, about, run_id, logged, example=example)
            client.log_model_artifacts(logged.model_id, str(path))
    except BaseException:
        client.finalize_logged_model(logged.model_id, "FAILED")
        raise
    client.finalize_logged_model(logged.model_id, "READY")
    client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step=0)])
    if registry.registered(client, name) is None:
        client.create_registered_model(name)
    made = client.create_model_version(
        name, logged.artifact_location, run_id=run_id, model_id=logged.model_id, description=inputs.markdown(known)
    )
    client.set_registered_model_alias(name, "champion", made.version)
    versions = json.dumps([{"name": name, "version": made.version}])
    client.set_logged_model_tags(logged.model_id, {VERSIONS: versions})
    return RegisteredModel(name, int(made.version))


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
def describe(uri: str, model: RegisteredModel | None, text: str) -> None:
    """Put a text before the columns in the description of a version of a model, if there are both."""
    if model is not None and text:
        client = library.load().MlflowClient(tracking_uri=uri)
        columns = client.get_model_version(model.name, str(model.version)).description or ""
        whole = f"{text}\n\n{columns}".strip()[:LONGEST_DESCRIPTION]
        client.update_model_version(model.name, str(model.version), description=whole)
