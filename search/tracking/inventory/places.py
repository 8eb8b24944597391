"""Files of runs and models: what is there, on this machine or as far as a client can see."""

from __future__ import annotations

import re
import shutil
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from search.tracking import library, stores, waiting
from search.tracking.contents.runs import STUDY_FILE, is_whole
from search.tracking.contents.trials import DIAGNOSIS, IN_WORDS
from search.tracking.inventory.rows import Inventory
from search.tracking.local import moving
from search.tracking.writers import several
from search.tracking.writers.client import connect, has_files

AT_A_TIME = 8
"""Questions to a server at the same time."""

OWN = re.compile(r"[0-9a-f]{32}")
"""Names of the folders of runs."""

FIRST = frozenset({STUDY_FILE, DIAGNOSIS, IN_WORDS})
"""Files that are written before the rows of their run: what a kill in between leaves. All of them follow from the journal."""


def local(uri: str, place: str) -> Path | None:
    """Return the folder of a place on this machine; None for places elsewhere."""
    path = stores.database(uri)
    return moving.path_of(place if path is None else moving.here(path, place))


def names_in(folder: Path) -> set[str]:
    """Return what a folder has; nothing if it is not there."""
    try:
        return {each.name for each in folder.iterdir()}
    except OSError:
        return set()


@waiting.asked
@library.quiet()
def of_runs(uri: str, runs: Collection[str]) -> dict[str, set[str]]:
    """Return the names of the files of runs whose files are elsewhere, by run; one that cannot be asked is left out."""
    client = connect(uri)
    found: dict[str, set[str]] = {}

    def ask(run: str) -> None:
        with _known_or_not():
            found[run] = {each.path for each in client.list_artifacts(run)}

    several.each(ask, runs, AT_A_TIME, lambda: False)
    return found


@waiting.asked
@library.quiet()
def of_versions(uri: str, places: Collection[str]) -> dict[str, bool]:
    """Return for places of models elsewhere whether their files are there; one that cannot be asked is left out."""
    found: dict[str, bool] = {}

    def ask(place: str) -> None:
        with _known_or_not():
            found[place] = has_files(uri, place)

    several.each(ask, places, AT_A_TIME, lambda: False)
    return found


@contextmanager
def _known_or_not() -> Iterator[None]:
    """Leave out what a store of files does not say: each kind has errors of its own, such as for a missing password."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException:
        raise
    except Exception as error:
        if waiting.is_locked(error):
            raise


def whole(uri: str, places: Iterable[str]) -> Mapping[str, bool]:
    """Return for each place of a model whether its files are there, as far as that can be known."""
    found, elsewhere = {}, []
    for place in places:
        folder = local(uri, place)
        if folder is None:
            elsewhere.append(place)
        else:
            found[place] = is_whole(names_in(folder))
    return found | (of_versions(uri, elsewhere) if elsewhere else {})


def astray(uri: str, experiment: str, inventory: Inventory) -> Iterator[tuple[Path, bool]]:
    """Yield the folders of runs and models that the store does not know, and whether they hold only what a kill leaves.

    Only folders beside the database are looked at: a store that came from somebody else may name any others.
    """
    path = stores.database(uri)
    if path is None or inventory.ids is None:
        return
    root = moving.path_of(moving.artifact_root(path, experiment))
    if root is None or not _is_folder(root):
        return
    for folder in sorted(root.iterdir()):
        if OWN.fullmatch(folder.name) and folder.name not in inventory.ids and _is_folder(folder):
            yield folder, _is_left(folder)
    models = root / "models"
    for folder in sorted(models.iterdir()) if _is_folder(models) else []:
        if folder.name.startswith("m-") and folder.name not in inventory.ids and _is_folder(folder):
            yield folder, _is_left(folder)


def remove(folder: Path) -> None:
    """Remove a folder of `astray` that holds only what a kill leaves."""
    if _is_left(folder):
        shutil.rmtree(folder)


def _is_folder(path: Path) -> bool:
    """Return whether a path is a folder itself, and no link to one."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def _is_left(folder: Path) -> bool:
    inside = list(folder.rglob("*"))
    return all(_is_folder(each) or (each.name in FIRST and not each.is_symlink()) for each in inside)
