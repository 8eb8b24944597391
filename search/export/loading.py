"""A model for Python: of the registry, or of a file that `bpsearch export --to skops` has written."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from search.errors import StudyError
from search.tracking import stores
from search.tracking.models import registry
from search.trust import loading, types

FILE = ".skops"


def load_model(source: str | Path, version: int | str | None = None, *, trusted: Iterable[str] = ()) -> Any:
    """Load a model without running anything that its store, or its file, says.

    Parameters
    ----------
    source : str or Path
        The name of a study, a URI such as ``models:/prices/2``, or a file whose name ends in ``.skops``. The store is the one
        that ``MLFLOW_TRACKING_URI`` names, by default ``mlruns/`` in the current folder.
    version : int or str, optional
        The number of a version, or an alias. By default the champion; whoever can write to the store decides which version that
        is.
    trusted : iterable of str
        Classes and functions of your own that the model holds, such as ``"shop.steps.Rounder"``. They are imported, and called
        as the model says.

    Returns
    -------
    estimator
        The whole pipeline: raw rows in, predictions in the units of the target out.

    Raises
    ------
    StudyError
        If there is no such model, or it holds types that are not trusted.

    Examples
    --------
    >>> import tempfile
    >>> import skops.io
    >>> from bpmodel import BPRegressor
    >>> network = BPRegressor(solver="lbfgs", random_state=0).fit([[0.0], [1.0]], [0.0, 1.0])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     skops.io.dump(network, f"{folder}/net.skops")
    ...     model = load_model(f"{folder}/net.skops")
    >>> model.predict([[0.0]]) == network.predict([[0.0]])
    array([ True])
    """
    if str(source).endswith(FILE):
        if version is not None:
            raise StudyError(f"version = {version!r}: {str(source)!r} is a file, which has no versions")
        return loading.load(Path(source), str(source), types.checked(trusted, "trusted ="))
    asked = None if version is None else str(version)
    model, _ = registry.load(stores.answering_uri(), *registry.named(str(source), asked), trusted=trusted)
    return model
