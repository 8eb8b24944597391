"""Logged models, versions and aliases of a study."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import partial

from search.catalog.soundness.subject import Finding, Subject
from search.tracking.inventory import repairs
from search.tracking.inventory.rows import ACTIVE, ModelRow, VersionRow
from search.tracking.models.champions import CHALLENGER, CHAMPION
from search.tracking.writers.creation import PENDING, READY

ORDER = (CHAMPION, CHALLENGER)
"""Aliases by what a version with them is worth."""


def findings(subject: Subject) -> Iterator[Finding]:
    """Yield what differs between the models of a study, their files and its journal."""
    yield from _logged(subject)
    yield from _versions(subject)
    yield from _noted(subject)
    yield from _aliases(subject)


# ----------------------------------------------------------------------------------------------------------- logged models


def _logged(subject: Subject) -> Iterator[Finding]:
    at_work = {run.run_id for runs in subject.parents.values() for run in runs if subject.is_at_work(run.study_id)}
    own = [model for model in subject.holding.models if model.result and model.run_id not in at_work]
    used = {version.place for version in subject.holding.versions}
    pending = [model for model in own if model.status == PENDING]
    for free in (True, False):
        if found := [model for model in pending if (model.place not in used) is free]:
            why = "" if free else "a version of the model was made of it"
            yield _of_models(subject, "model_pending", "waits for files that nobody writes", found, found, why)
    results: dict[tuple[str, str], list[ModelRow]] = {}
    for model in own:
        if model.status == READY:
            results.setdefault((model.run_id, model.result), []).append(model)
    for same in results.values():
        spare = _spare(same, used)
        if spare:
            yield _of_models(subject, "model_doubled", "is of a result that has another one", spare, spare, "")
        elif len(same) > 1:
            yield _of_models(subject, "model_doubled", "are of one result", same, (), "each of them has a version")


def _spare(same: Sequence[ModelRow], used: Collection[str]) -> list[ModelRow]:
    """Return the logged models of one result that can go: those without a version, but not all of them."""
    free = [model for model in same if model.place not in used]
    return free if len(free) < len(same) else free[1:]


def _of_models(
    subject: Subject, kind: str, told: str, models: Sequence[ModelRow], dropped: Sequence[ModelRow], why: str
) -> Finding:
    ids = [model.model_id for model in dropped]
    noun = "logged model" if len(models) == 1 else "logged models"
    named = ", ".join(model.model_id for model in models)
    repair = None if why else partial(repairs.drop_models, subject.uri, ids)
    return Finding(kind, subject.name, f"{noun} {named} {told}", repair=repair, why=why)


# ---------------------------------------------------------------------------------------------------------------- versions


def _versions(subject: Subject) -> Iterator[Finding]:
    ours = [version for version in subject.holding.versions if version.result]
    yield from _doubled(subject, [version for version in ours if subject.whole.get(version.place, True)])
    for version in ours:
        aliases = _aliases_of(subject, version)
        if not subject.whole.get(version.place, True):
            why = f"it is the {' and '.join(aliases)}" if aliases else ""
            repair = None if why else partial(repairs.drop_versions, subject.uri, subject.name, [version.number])
            told = f"the files of version {version.number} of the model are gone"
            yield Finding("version_without_files", subject.name, told, repair=repair, why=why)
        elif version.run_id and version.run_stage != ACTIVE:
            told = f"the run {version.run_id} of version {version.number} of the model was deleted"
            yield Finding("version_without_run", subject.name, told, why="MLflow's trash may have it")


def _doubled(subject: Subject, versions: Sequence[VersionRow]) -> Iterator[Finding]:
    results: dict[tuple[str, str], list[VersionRow]] = {}
    for version in versions:
        results.setdefault((version.run_id, version.result), []).append(version)
    for same in results.values():
        ranked = sorted(same, key=lambda each: _rank(subject, each))  # stable: the first one stays
        told = f"versions {', '.join(str(each.number) for each in same)} of the model are of one result"
        spare = [each.number for each in ranked[1:] if not _aliases_of(subject, each)]
        if spare:
            repair = partial(repairs.drop_versions, subject.uri, subject.name, spare)
            yield Finding("version_doubled", subject.name, told, repair=repair)
        elif len(same) > 1:
            yield Finding("version_doubled", subject.name, told, why="both have an alias")


def _aliases_of(subject: Subject, version: VersionRow) -> list[str]:
    return sorted(alias for alias, number in subject.holding.aliases.items() if number == version.number)


def _rank(subject: Subject, version: VersionRow) -> int:
    aliases = _aliases_of(subject, version)
    ranks = [ORDER.index(alias) if alias in ORDER else len(ORDER) for alias in aliases]
    return min(ranks, default=len(ORDER) + 1)


def _noted(subject: Subject) -> Iterator[Finding]:
    number = subject.noted.get("version")
    there = {version.number for version in subject.holding.versions}
    if subject.is_complete_here and subject.noted.get("name") == subject.name and number and number not in there:
        told = f"the store lacks version {number} of the model, which the journal names"
        yield Finding("version_missing", subject.name, told, why="bpsearch tune registers it again")


# ----------------------------------------------------------------------------------------------------------------- aliases


def _aliases(subject: Subject) -> Iterator[Finding]:
    """Yield the aliases of models of studies that name nothing; others are their owners'."""
    there = {version.number for version in subject.holding.versions}
    if not (subject.parents or subject.stored or subject.holding.is_study):
        return
    for alias, number in sorted(subject.holding.aliases.items()):
        if number in there:
            continue
        heir = _heir(subject) if alias == CHAMPION else None
        told = f"{alias} names version {number} of the model, which is not there"
        repair = partial(repairs.realias, subject.uri, subject.name, alias, heir)
        yield Finding("alias_astray", subject.name, told, repair=repair)


def _heir(subject: Subject) -> int | None:
    """Return the version that is used while there is no champion: the latest one; None if none has its files."""
    whole = [version.number for version in subject.holding.versions if subject.whole.get(version.place, True)]
    return max(whole, default=None)
