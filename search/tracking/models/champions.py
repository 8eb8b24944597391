"""Which version of a registered model is the champion, and which one the challenger.

A new version becomes the champion if there is none, or if its score is better than the champion's on the same rows, folds and
metric. Otherwise it is the challenger, with a reason; `promote` lets a person decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from search.errors import StudyError
from search.tracking import library, waiting
from search.tracking.contents.entrants import Entrant, held
from search.tracking.models import registry
from search.tracking.models.registry import Version
from search.tracking.writers import sqlite
from search.tracking.writers.client import connect, has_files

CHAMPION, CHALLENGER = registry.CHAMPION, "challenger"


@dataclass(frozen=True)
class Standing:
    """The alias that a version gets, and why; there is nothing to say of the first one."""

    alias: str
    reason: str


def decide(own: Entrant, other: Entrant | None, number: int) -> Standing:
    """Return how a new version stands beside the champion.

    Parameters
    ----------
    own : Entrant
    other : Entrant or None
        What the champion entered with; None if its version does not say, because an older release has registered it.
    number : int
        The champion's version.

    Examples
    --------
    >>> old = Entrant(-53.9, "neg_rmse", "rows", "folds", "RMSE", "53.9")
    >>> decide(Entrant(-53.7, "neg_rmse", "rows", "folds", "RMSE", "53.7"), old, 3)
    Standing(alias='champion', reason='better than version 3 on the same folds: RMSE 53.7 against 53.9')
    >>> decide(Entrant(-54.2, "neg_rmse", "rows", "folds", "RMSE", "54.2"), old, 3)
    Standing(alias='challenger', reason='not better than version 3 on the same folds: RMSE 54.2 against 53.9')
    >>> decide(Entrant(-54.2, "neg_rmse", "other rows", "folds", "RMSE", "54.2"), old, 3)
    Standing(alias='challenger', reason='cannot be compared with version 3, the champion: it was scored on other data')
    """
    if (problem := incomparable(own, other)) or other is None:
        return Standing(CHALLENGER, f"cannot be compared with version {number}, the champion: {problem}")
    better = own.score > other.score
    told = f"{own.metric} {own.value} against {other.value}" if own.value and other.value else ""
    reason = f"{'' if better else 'not '}better than version {number} on the same folds{': ' if told else ''}{told}"
    return Standing(CHAMPION if better else CHALLENGER, reason)


def incomparable(own: Entrant, other: Entrant | None) -> str:
    """Return why two scores say nothing about each other, or an empty string."""
    if other is None or not other.known:
        return "it does not say on which folds it was scored"
    if not own.known:
        return "it is not known on which folds the new one was scored"
    if own.scoring != other.scoring:
        return f"it was scored by another metric ({other.metric})"
    if own.data != other.data:
        return "it was scored on other data"
    return "it was scored on other folds" if own.folds != other.folds else ""


def place(client: Any, uri: str, name: str, made: Any, own: Entrant) -> Standing:
    """Give a new version its alias, and return how it stands; asked again, it stands as before.

    A champion is gone if its version, its run or its files were deleted.
    """
    number = int(made.version)
    current = _champion(client, name)
    if current is not None and int(current.version) == number:
        return Standing(CHAMPION, "")
    gone = current is None or _is_gone(client, uri, current)
    if current is not None and not gone:
        standing = decide(own, held(current.tags), int(current.version))
    else:
        told = "" if current is None else f"version {current.version}, the champion until now, is gone"
        standing = Standing(CHAMPION, told)
    client.set_registered_model_alias(name, standing.alias, made.version)
    if standing.alias == CHAMPION:
        _no_challenger(client, name, number)
    return standing


@waiting.asked
@library.quiet()
def alias_of(uri: str, name: str, version: int) -> str:
    """Return the alias of a version: ``champion``, ``challenger`` or none, an empty string."""
    known = sqlite.aliases(uri, name, version)
    if not known:  # or the registry is another store
        model = registry.registered(connect(uri), name)
        aliases = {} if model is None else model.aliases
        known = {alias for alias, number in aliases.items() if int(number) == version}
    return next((alias for alias in (CHAMPION, CHALLENGER) if alias in known), "")


def promote(uri: str, name: str, version: str | None = None) -> tuple[Version, Version | None]:
    """Make a version the champion, whatever its score; return it, and the champion until now.

    Parameters
    ----------
    uri : str
    name : str
    version : str, optional
        A number or an alias; by default the challenger.

    Raises
    ------
    StudyError
        If there is no such model or version, or no challenger.
    """
    known = registry.versions(uri, name)
    if version is None and known and not any(CHALLENGER in each.aliases for each in known):
        allowed = ", ".join(str(each.number) for each in known)
        raise StudyError(f"model {name!r} has no challenger; say --version N, allowed are {allowed}")
    chosen = registry.find(uri, name, version or CHALLENGER)
    _promote(uri, chosen)
    return chosen, next((each for each in known if each.champion), None)


@waiting.asked
@library.quiet()
def _promote(uri: str, chosen: Version) -> None:
    client = connect(uri)
    client.set_registered_model_alias(chosen.name, CHAMPION, str(chosen.number))
    _no_challenger(client, chosen.name, chosen.number)


def _champion(client: Any, name: str) -> Any:
    """Return the champion of a registered model; None if it has none."""
    model = registry.registered(client, name)
    number = None if model is None else model.aliases.get(CHAMPION)
    return None if number is None else client.get_model_version(name, str(number))


def _is_gone(client: Any, uri: str, version: Any) -> bool:
    """Return whether the run of a version was deleted, or its files were; what cannot be asked is not gone."""
    from mlflow.exceptions import MlflowException

    try:
        if version.run_id and client.get_run(version.run_id).info.lifecycle_stage == "deleted":
            return True
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":  # its run may be in another store
            raise
    try:
        return not has_files(uri, client.get_model_version_download_uri(version.name, version.version))
    except Exception as error:  # each kind of store of files has its own
        if waiting.is_locked(error):
            raise
        return False


def _no_challenger(client: Any, name: str, number: int) -> None:
    """Take the alias of the challenger from a version that has become the champion."""
    model = registry.registered(client, name)
    if model is not None and int(model.aliases.get(CHALLENGER, -1)) == number:
        client.delete_registered_model_alias(name, CHALLENGER)
