"""Registered models by name: their versions, what is known of one, and its pipeline."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from search.errors import StudyError
from search.spelling import did_you_mean
from search.tables.secrets import masked
from search.toml import reading
from search.tracking import library, stores, waiting
from search.tracking.local import moving, scratch
from search.tracking.naming import filters
from search.tracking.writers.client import connect
from search.tracking.writers.creation import pages
from search.trust import loading, types

CHAMPION, URI = "champion", "models:/"
MOST_NAMED = 10

SAFE_FORMAT = "skops"
"""The only format that does not run what a file says."""


@dataclass(frozen=True)
class Version:
    """A version of a registered model.

    Attributes
    ----------
    name : str
    number : int
    aliases : tuple of str
        ``champion`` is the one that is used unless another is asked for.
    created : float
        Seconds since 1970.
    description : str
        What the model is worth, as the report said.
    run_id : str
        The parent run of its study; empty if the model came from elsewhere.
    """

    name: str
    number: int
    aliases: tuple[str, ...] = ()
    created: float = 0.0
    description: str = ""
    run_id: str = ""

    @property
    def uri(self) -> str:
        """The URI of exactly this version."""
        return f"models:/{self.name}/{self.number}"

    @property
    def champion(self) -> bool:
        return CHAMPION in self.aliases


@dataclass(frozen=True)
class Facts:
    """What is known of a registered model.

    Attributes
    ----------
    version : Version
    study : mapping
        What the study stored with it (`search.study.facts`): target, task, metrics, how its table was read. Empty for models
        of other searches, and for those registered before there was such a thing.
    metrics : mapping of str to float
        Metrics of the study's parent run: ``score``, ``score_std`` and so on. They are those of its latest result, which may be
        another version.
    score : float or None
        The score that was stored with this version, with the scorer's sign.
    """

    version: Version
    study: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    score: float | None = None


def named(text: str, version: str | None = None) -> tuple[str, str | None]:
    """Return the name of a model and the version that is asked for; a study file stands for its name.

    Raises
    ------
    StudyError
        If the study file has no name, the URI names no registered model, or a version is named twice.

    Examples
    --------
    >>> named("prices"), named("prices", "2"), named("models:/prices/2"), named("models:/prices@champion")
    (('prices', None), ('prices', '2'), ('prices', '2'), ('prices', 'champion'))
    """
    if text.startswith(URI):
        found = re.fullmatch(r"([^/@]+)(?:[/@]([^/@]+))?", text.removeprefix(URI))
        if found is None:
            raise StudyError(f"{text!r} names no registered model; allowed are {URI}NAME/VERSION and {URI}NAME@ALIAS")
        if version is not None and found[2] is not None:
            raise StudyError(f"--version {version}: {text!r} names a version, too; keep only one of the two")
        return found[1], version or found[2]
    if not text.endswith(".toml"):
        return text, version
    try:
        name = reading.loads(reading.text(Path(text))).get("name")
    except FileNotFoundError:
        raise StudyError(f"{text}: no such study file") from None
    except (OSError, ValueError) as error:
        raise StudyError(f"{text}: cannot be read: {error}") from None
    if not isinstance(name, str):
        raise StudyError(f"{text}: name is missing")
    return name, version


def load(uri: str, name: str, version: int | str | None = None, *, trusted: Iterable[str] = ()) -> tuple[Any, Facts]:
    """Load the pipeline of a registered model, and return it with what is known of it.

    Nothing in the store is run: the pipeline is built of trusted types (`search.trust.types`) that are installed here, whatever
    code and whatever list of types lie beside it.

    Parameters
    ----------
    uri : str
        MLflow tracking URI.
    name : str
    version : int or str, optional
        The number of a version, or an alias; by default the champion, and without one the latest version.
    trusted : iterable of str
        Classes and functions of the user's own that the model may hold.

    Raises
    ------
    StudyError
        If the store has no such model or version, the model is no pipeline of scikit-learn, or holds what is not trusted.
    """
    allowed = types.checked(trusted, "--trust")
    found = find(uri, name, version)
    folder = _folder(uri, found)
    saved = _saved(folder, found)
    return _pipeline(Path(folder), saved, found, allowed), _facts(uri, found, saved)


def facts(uri: str, name: str, version: int | str | None = None) -> Facts:
    """Return what is known of a registered model, without loading it; arguments and errors are those of `load`."""
    found = find(uri, name, version)
    return _facts(uri, found, _saved(_folder(uri, found), found))


def _facts(uri: str, version: Version, saved: Any) -> Facts:
    score = saved.metadata.get("score") if isinstance(saved.metadata, Mapping) else None
    own = float(score) if isinstance(score, int | float) and not isinstance(score, bool) else None
    return Facts(version, _study(saved), run(uri, version).metrics, own)


def find(uri: str, name: str, version: int | str | None = None) -> Version:
    """Return the version that is meant; arguments and errors are those of `load`."""
    known = versions(uri, name)
    if not known:
        raise _unknown(uri, name)
    if version is None:
        return next((each for each in known if each.champion), known[-1])
    wanted = str(version)
    for each in known:
        if wanted == str(each.number) or wanted in each.aliases:
            return each
    key = "version" if wanted.isdecimal() else "alias"
    allowed = [str(each.number) for each in known] + sorted({alias for each in known for alias in each.aliases})
    raise StudyError(f"model {name!r} has no {key} {wanted}; allowed are {', '.join(allowed)}")


@waiting.asked
@library.quiet()
def versions(uri: str, name: str) -> list[Version]:
    """Return the versions of a registered model in order; empty if there is no such model."""
    if not _has_models(uri):
        return []
    client = connect(uri)
    model = registered(client, name)
    if model is None:
        return []
    aliases: dict[str, list[str]] = {}
    for alias, number in model.aliases.items():
        aliases.setdefault(str(number), []).append(alias)
    named = filters.equal("name", name)
    found = [v for v in pages(lambda token: client.search_model_versions(named, page_token=token)) if v.name == name]
    return sorted((_version(each, aliases.get(str(each.version), ())) for each in found), key=lambda v: v.number)


def registered(client: Any, name: str) -> Any:
    """Return a registered model; None if there is none of this name, or none can have it."""
    from mlflow.exceptions import MlflowException

    try:
        return client.get_registered_model(name)
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise


@waiting.asked
@library.quiet()
def names(uri: str) -> list[str]:
    """Return the names of all registered models."""
    if not _has_models(uri):
        return []
    client = connect(uri)
    return sorted(model.name for model in pages(lambda token: client.search_registered_models(page_token=token)))


def _unknown(uri: str, name: str) -> StudyError:
    known = names(uri)
    if not known:
        return StudyError(f"there is no registered model {name!r}: the store {masked(uri)} has none")
    listed = ", ".join(known[:MOST_NAMED]) + (f" and {len(known) - MOST_NAMED} more" if len(known) > MOST_NAMED else "")
    return StudyError(f"there is no registered model {name!r}{did_you_mean(name, known)}; allowed are {listed}")


def _has_models(uri: str) -> bool:
    """Return whether a store is there: a client would create the file of a database."""
    path = stores.database(uri)
    return path is None or stores.has_tables(path)


def _version(found: Any, aliases: Sequence[str]) -> Version:
    created = (found.creation_timestamp or 0) / 1000
    return Version(
        found.name, int(found.version), tuple(sorted(aliases)), created, found.description or "", found.run_id or ""
    )


@waiting.asked
@library.quiet()
def _folder(uri: str, version: Version) -> str:
    """Return the folder of a model's files; those of a server are copied to a temporary one."""
    from mlflow import artifacts

    source = connect(uri).get_model_version_download_uri(version.name, str(version.number))
    path = stores.database(uri)
    if path is not None:
        source = moving.here(path, source)
    copied = {} if source.startswith("file:") else {"dst_path": str(scratch.until_exit(None))}
    try:
        return str(artifacts.download_artifacts(artifact_uri=source, tracking_uri=uri, **copied))
    except Exception as error:  # each kind of store has its own
        if waiting.is_locked(error):
            raise
        raise StudyError(f"the files of {version.uri} cannot be read: {waiting.reason(error, uri)}") from error


@library.quiet()
def example(uri: str, version: Version) -> Any:
    """Return some rows of the input of a model, a table or an array; None if it has none that can be read."""
    from mlflow.exceptions import MlflowException

    try:
        folder = _folder(uri, version)
        return _saved(folder, version).load_input_example(folder)
    except (MlflowException, StudyError, OSError, ValueError):
        return None


@library.quiet()
def _saved(folder: str, version: Version) -> Any:
    """Return what the file `MLmodel` says."""
    from mlflow.models import Model

    try:
        return Model.load(folder)
    except Exception as error:  # the file may say anything
        raise StudyError(f"the files of {version.uri} cannot be read: {_first_line(error)}") from error


def _pipeline(folder: Path, saved: Any, version: Version, trusted: frozenset[str]) -> Any:
    """Load the pipeline itself. MLflow would import the code that lies beside it, and trust the types that the model says."""
    flavor = saved.flavors.get("sklearn") if isinstance(saved.flavors, Mapping) else None
    if not isinstance(flavor, Mapping):
        raise StudyError(f"{version.uri} is no pipeline of scikit-learn")
    form = flavor.get("serialization_format", "pickle")
    if form != SAFE_FORMAT:
        raise StudyError(
            f"{version.uri} is stored as {form!r}, which runs code of whoever wrote it; allowed are models that are stored as "
            f"{SAFE_FORMAT}, as bpsearch does"
        )
    file = folder / str(flavor.get("pickled_model"))
    if not file.resolve().is_relative_to(folder.resolve()):
        raise StudyError(f"{version.uri}: its file {str(file)!r} is not in its folder")
    return loading.load(file, version.uri, trusted)


def _study(saved: Any) -> Mapping[str, Any]:
    metadata = saved.metadata if isinstance(saved.metadata, Mapping) else {}
    study = metadata.get("study", {})
    return study if isinstance(study, Mapping) else {}


@dataclass(frozen=True)
class Run:
    """The parent run of a version, empty if it was deleted."""

    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


@waiting.asked
@library.quiet()
def run(uri: str, version: Version) -> Run:
    """Return parameters, metrics and tags of the run that a version came from."""
    from mlflow.exceptions import MlflowException

    if not version.run_id:
        return Run()
    try:
        data = connect(uri).get_run(version.run_id).data
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return Run()
    return Run(dict(data.params), dict(data.metrics), dict(data.tags))


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
