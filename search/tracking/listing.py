"""The studies and models of a store, for lists; an SQLite store is read without importing MLflow, which takes seconds."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from search.tracking import stores, waiting, workspaces
from search.tracking.contents.runs import TRAINING
from search.tracking.models.registry import Version
from search.tracking.writers.tables import REVISIONS


@dataclass(frozen=True)
class Kept:
    """What a store has of one name.

    Attributes
    ----------
    experiment_id, run_id : str
        Of the latest parent run; empty if there is only a model.
    status : str
        Of the latest parent run.
    ended : float
        When that run ended, or else began, in seconds since 1970.
    n_runs : int
        Runs of the experiment that are not deleted.
    params, metrics, tags : mapping
        Of the latest parent run.
    versions : tuple of Version
    """

    experiment_id: str = ""
    run_id: str = ""
    status: str = ""
    ended: float = 0.0
    n_runs: int = 0
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    versions: tuple[Version, ...] = ()

    @property
    def champion(self) -> Version | None:
        """The version that is used unless another is asked for."""
        return next((each for each in self.versions if each.champion), self.versions[-1] if self.versions else None)

    @property
    def challenger(self) -> Version | None:
        """The version that is not better than the champion, or cannot be compared with it."""
        return next((each for each in self.versions if "challenger" in each.aliases), None)


@waiting.asked
def kept(uri: str) -> dict[str, Kept]:
    """Return what a store has of each study and each registered model, by name; deleted experiments are left out."""
    path = stores.database(uri)
    if path is not None and not stores.has_tables(path):
        return {}
    if path is not None and workspaces.is_default():
        with closing(sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True)) as db:
            if _is_known(db):
                return _of_database(db)
    return _of_client(uri)


def _is_known(db: sqlite3.Connection) -> bool:
    try:
        return {row[0] for row in db.execute("SELECT version_num FROM alembic_version")} <= REVISIONS
    except sqlite3.Error:
        return False


def _of_database(db: sqlite3.Connection) -> dict[str, Kept]:
    query = """
        SELECT experiments.name, runs.experiment_id, run_uuid, runs.status, start_time, end_time
        FROM runs JOIN experiments USING (experiment_id) JOIN tags USING (run_uuid)
        WHERE tags.key = 'bpsearch.kind' AND tags.value = 'study'
            AND runs.lifecycle_stage = 'active' AND experiments.lifecycle_stage = 'active' AND workspace = 'default'
        ORDER BY start_time, run_uuid"""
    found: dict[str, Kept] = {}
    for name, experiment, run, status, begun, ended in db.execute(query).fetchall():  # the last of a name is the latest
        (count,) = db.execute(
            "SELECT count(*) FROM runs WHERE experiment_id = ? AND lifecycle_stage = 'active'", [experiment]
        ).fetchone()
        params, tags, metrics = (
            dict(db.execute(f"SELECT key, value FROM {table} WHERE run_uuid = ?", [run]))
            for table in ("params", "tags", "latest_metrics")
        )
        found[name] = Kept(str(experiment), run, status, (ended or begun or 0) / 1000, count, params, metrics, tags)
    aliases: dict[tuple[str, int], list[str]] = {}
    for name, number, alias in db.execute("SELECT name, version, alias FROM registered_model_aliases"):
        aliases.setdefault((name, int(number)), []).append(alias)
    versions: dict[str, list[Version]] = {}
    columns = "name, version, creation_time, description, run_id"
    stages = "current_stage != 'Deleted_Internal'"
    for name, number, made, text, run in db.execute(
        f"SELECT {columns} FROM model_versions WHERE {stages} ORDER BY version"
    ):
        own = tuple(sorted(aliases.get((name, int(number)), ())))
        versions.setdefault(name, []).append(Version(name, int(number), own, (made or 0) / 1000, text or "", run or ""))
    return _joined(found, versions)


def _of_client(uri: str) -> dict[str, Kept]:
    from search.tracking import library
    from search.tracking.models import registry
    from search.tracking.writers import client as writer
    from search.tracking.writers import creation

    with library.quiet():
        client = writer.connect(uri)
        found: dict[str, Kept] = {}
        for experiment in creation.pages(lambda token: client.search_experiments(page_token=token)):
            parents = creation.runs(client, experiment.experiment_id, {"bpsearch.kind": "study"})
            if parents:
                info, data = parents[-1].info, parents[-1].data
                count = len(creation.runs(client, experiment.experiment_id, {}))
                ended = (info.end_time or info.start_time or 0) / 1000
                found[experiment.name] = Kept(
                    experiment.experiment_id,
                    info.run_id,
                    info.status,
                    ended,
                    count,
                    data.params,
                    data.metrics,
                    data.tags,
                )
    return _joined(found, {name: registry.versions(uri, name) for name in registry.names(uri)})


def _joined(found: dict[str, Kept], versions: Mapping[str, list[Version]]) -> dict[str, Kept]:
    return found | {name: replace(found.get(name, Kept()), versions=tuple(own)) for name, own in versions.items()}


def latest(uri: str) -> str:
    """Return where MLflow's UI shows the latest study of a store, as the part of an address after its path; empty without one.

    The parameter has the UI show training runs: a new browser is shown pages for language models.
    """
    studies = [study for study in kept(uri).values() if study.run_id]
    if not studies:
        return ""
    return page(max(studies, key=lambda each: each.ended))


def page(study: Kept) -> str:
    """Return where MLflow's UI shows a study that has a run, as the part of an address after its path.

    >>> page(Kept("1", "ab")).partition("?")[0]
    '#/experiments/1/runs/ab'
    """
    return f"#/experiments/{quote(study.experiment_id)}/runs/{quote(study.run_id)}{TRAINING}"
