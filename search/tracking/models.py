"""Registration of a study's best pipeline in MLflow's model registry."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import issparse

from search.tracking import library

EXAMPLE_ROWS = 5
REQUIREMENTS = ("mlflow", "numba", "numpy", "pandas", "scikit-learn", "scipy", "skops", "threadpoolctl")


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
) -> RegisteredModel:
    """Log a fitted pipeline to a run, register it under a name and give it the alias ``champion``.

    Parameters
    ----------
    model : estimator
        The whole pipeline: raw input in, predictions in original units out.
    X : DataFrame or array-like
        Raw input; its first rows become the model's input example.
    metadata : mapping, optional
        What is stored with the model beside its score, in JSON.
    """
    import skops.io

    import bpmodel

    mlflow = library.load()
    example = X[:EXAMPLE_ROWS]
    if not isinstance(X, pd.DataFrame):
        example = example.toarray() if issparse(example) else np.asarray(example)
    trusted = skops.io.get_untrusted_types(data=skops.io.dumps(model))
    client = mlflow.MlflowClient(tracking_uri=uri)
    with library.pointed_at(uri), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with mlflow.start_run(run_id=run_id):
            info = mlflow.sklearn.log_model(
                model,
                name="model",
                signature=_signature(example, model.predict(example)),
                input_example=example,
                serialization_format="skops",
                skops_trusted_types=trusted,
                pip_requirements=[f"{name}=={version(name)}" for name in REQUIREMENTS],
                code_paths=[str(Path(bpmodel.__file__).parent)],
                metadata={"score": score, **(metadata or {})},
            )
        if name not in {m.name for m in client.search_registered_models(f"name = '{name}'")}:
            client.create_registered_model(name)
        made = client.create_model_version(name, info.model_uri, run_id=run_id, model_id=info.model_id)
        client.set_registered_model_alias(name, "champion", made.version)
    return RegisteredModel(name, int(made.version))


@library.quiet()
def describe(uri: str, model: RegisteredModel | None, text: str) -> None:
    """Write the description of a version of a model, if there are both."""
    if model is not None and text:
        client = library.load().MlflowClient(tracking_uri=uri)
        client.update_model_version(model.name, str(model.version), description=text)


def _signature(example: Any, predictions: Any) -> Any:
    """Return the signature of a model, in which the columns of a table accept any value.

    The pipeline reads them itself: numbers and dates also from texts, and what cannot be read counts as missing. The type that
    MLflow would infer from the example would reject a column that arrives in another type, such as whole numbers that arrive
    as floats because a value is missing, or a text column of a small batch in which all values are missing.
    """
    from mlflow.models import infer_signature
    from mlflow.types.schema import AnyType, ColSpec, Schema

    signature = infer_signature(example, predictions)
    if isinstance(example, pd.DataFrame):
        signature.inputs = Schema([ColSpec(AnyType(), name) for name in example.columns])
    return signature
