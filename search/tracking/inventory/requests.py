"""The inventory of any store, through MLflow's client: pages of a thousand runs, never a request for each."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from search.tracking import library
from search.tracking.contents.runs import RESULT
from search.tracking.inventory.rows import ACTIVE, DELETED, KIND, STUDY, TAGS, Inventory, ModelRow, RunRow, VersionRow
from search.tracking.models import registry
from search.tracking.naming import filters
from search.tracking.writers import several
from search.tracking.writers.client import connect
from search.tracking.writers.creation import MODEL_NAME, pages

A_PAGE = 1000
"""Rows of an answer."""

AT_ONCE, MOST = 10, 200
"""Experiments of a question for all of their runs, and of one that few runs answer."""

AT_A_TIME = 4
"""Questions at the same time: this side reads an answer while the server writes another."""


@library.quiet()
def read(uri: str, names: Collection[str] | None, known: Collection[str] = ()) -> Inventory:
    """Return what a store has of studies; the arguments are those of `reading.read`."""
    client, found = connect(uri), Inventory()
    experiments = _experiments(client, names)
    keys = list(experiments) if names is not None else _with_studies(client, experiments, known)
    for key in keys:
        holding = found.of(experiments[key].name)
        holding.experiment_id, holding.place = key, experiments[key].artifact_location or ""

    def ask(part: list[str]) -> None:
        for run in _search(client, part):
            found.of(experiments[run.info.experiment_id].name).runs.append(_run(run))
        for model in _models(client, part):
            found.of(experiments[model.experiment_id].name).models.append(_model(model))

    several.each(ask, _parts(keys, AT_ONCE), AT_A_TIME, lambda: False)
    for holding in found.holdings.values():
        holding.runs.sort(key=lambda run: (run.started, run.run_id))
        holding.models.sort(key=lambda model: (model.created, model.model_id))
    registered(client, found, names)
    return found


@library.quiet()
def registered(client: Any, found: Inventory, names: Collection[str] | None = None) -> None:
    """Add versions and aliases of registered models."""
    active = {run.run_id for holding in found.holdings.values() for run in holding.runs}
    for name, aliases, versions in _registered(client, names):
        holding = found.of(name)
        holding.aliases |= {alias: int(number) for alias, number in aliases.items()}
        stages = {v.run_id: ACTIVE if v.run_id in active else _stage(client, v.run_id) for v in versions}
        holding.versions += [
            VersionRow(int(v.version), v.run_id or "", stages[v.run_id], v.source or "", v.tags.get(RESULT, ""))
            for v in sorted(versions, key=lambda v: int(v.version))
        ]


def _experiments(client: Any, names: Collection[str] | None) -> dict[str, Any]:
    """Return the experiments that are not deleted, by their identifiers."""
    if names is None:
        every = pages(lambda token: client.search_experiments(max_results=A_PAGE, page_token=token))
    else:
        every = [each for name in sorted(names) if (each := client.get_experiment_by_name(name)) is not None]
    return {each.experiment_id: each for each in every if each.lifecycle_stage == ACTIVE}


def _with_studies(client: Any, experiments: dict[str, Any], known: Collection[str]) -> list[str]:
    """Return those experiments that have the run of a study, or a name that is known as that of one."""
    found = {key for key, each in experiments.items() if each.name in known}
    for part in _parts([key for key in experiments if key not in found], MOST):
        studies = _search(client, part, filters.equal(filters.tag(KIND), STUDY))
        found |= {run.info.experiment_id for run in studies}
    return sorted(found)


def _parts(keys: Sequence[str], size: int) -> Iterator[list[str]]:
    yield from (list(keys[i : i + size]) for i in range(0, len(keys), size))


def _search(client: Any, experiments: list[str], query: str = "") -> list[Any]:
    return pages(lambda token: client.search_runs(experiments, query, max_results=A_PAGE, page_token=token))


def _models(client: Any, experiments: list[str]) -> list[Any]:
    return pages(lambda token: client.search_logged_models(experiments, page_token=token))


def _run(run: Any) -> RunRow:
    info, data = run.info, run.data
    tags = {name: data.tags[name] for name in TAGS if name in data.tags}
    score = data.metrics.get("score")
    name = info.run_name or ""
    return RunRow(info.run_id, name, info.status, info.start_time or 0, info.artifact_uri or "", tags, score)


def _model(model: Any) -> ModelRow:
    result = model.tags.get(RESULT, "") if model.name == MODEL_NAME else ""
    status, place = str(model.status), model.artifact_location
    return ModelRow(model.model_id, model.source_run_id or "", status, place, model.creation_timestamp, result)


def _registered(client: Any, names: Collection[str] | None) -> Iterator[tuple[str, Any, list[Any]]]:
    """Yield name, aliases and versions of registered models."""
    if names is None:
        models = pages(lambda token: client.search_registered_models(max_results=A_PAGE, page_token=token))
        every = pages(lambda token: client.search_model_versions(max_results=A_PAGE, page_token=token))
    else:
        models = [each for name in sorted(names) if (each := registry.registered(client, name)) is not None]
        conditions = [filters.equal("name", each.name) for each in models]
        every = [
            version
            for condition in conditions
            for version in pages(lambda token, c=condition: client.search_model_versions(c, page_token=token))  # type: ignore[misc]
        ]
    own: dict[str, list[Any]] = {}
    for version in every:
        own.setdefault(version.name, []).append(version)
    for model in models:
        yield model.name, model.aliases, own.get(model.name, [])


def _stage(client: Any, run_id: str | None) -> str:
    """Return whether a run that was not among those of the studies is active or deleted; empty if there is none."""
    from mlflow.exceptions import MlflowException

    if not run_id:
        return ""
    try:
        return ACTIVE if client.get_run(run_id).info.lifecycle_stage == ACTIVE else DELETED
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return ""
