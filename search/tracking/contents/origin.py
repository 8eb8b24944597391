"""Where a study comes from: who started it, with which command, in which version of the project around it.

Git is not started: a repository that comes from somebody else may name programs that Git runs. Its files are read instead.
"""

from __future__ import annotations

import getpass
import os
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from bpmodel.names.visible import visible
from search.errors import StudyError
from search.files import writing
from search.tables.secrets import masked

USER, SOURCE, KIND, COMMIT = "mlflow.user", "mlflow.source.name", "mlflow.source.type", "mlflow.source.git.commit"
"""Tags that MLflow's own runs have."""

COMMAND = "bpsearch.command"

OURS = ("bpsearch", "bpsearch.py", "search/__main__.py")
"""How the file ends that Python runs for the command `bpsearch`."""

MOST_BYTES, MOST_PACKED = 4096, 1 << 24
"""Bytes read of a file of Git that holds one line, and of the one that holds all branches."""

HASH = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def tags() -> dict[str, str]:
    """Return the tags that say who runs this, and with what: as MLflow sets them for runs of its own."""
    found = {USER: user(), SOURCE: source(sys.argv), KIND: "LOCAL", COMMIT: commit(Path.cwd())}
    return {name: text for name, text in found.items() if text}


def user() -> str:
    """Return the name of the user; empty if the system does not know it, as in some containers."""
    try:
        return visible(getpass.getuser())
    except (OSError, KeyError, ImportError):
        return ""


def source(arguments: Sequence[str]) -> str:
    """Return what was started: the command and its verb, or the user's own script.

    >>> source(["/usr/bin/bpsearch", "tune", "studies/x.toml"]), source(["/home/me/fit.py", "3"]), source(["-c"])
    ('bpsearch tune', 'fit.py', 'bpsearch')
    """
    program = arguments[0] if arguments else ""
    if _is_ours(program):
        verb = next((each for each in arguments[1:] if each.isalpha()), "")
        return f"bpsearch {verb}".strip()
    name = Path(program).name
    return "bpsearch" if name in ("", "-", "-c", "-m") else visible(name)


def command(arguments: Sequence[str]) -> str:
    """Return the line that started the command, without passwords; empty for the user's own script.

    What the arguments of somebody else's program mean, and which of them are secret, is not known here.

    >>> command(["/usr/bin/bpsearch", "tune", "my study.toml"]), command(["fit.py", "--key", "s3cret"])
    ("bpsearch tune 'my study.toml'", '')
    """
    if not arguments or not _is_ours(arguments[0]):
        return ""
    return visible(shlex.join(["bpsearch", *map(masked, arguments[1:])]))


def _is_ours(program: str) -> bool:
    path = Path(program).as_posix()
    return any(path == each or path.endswith(f"/{each}") for each in OURS)


# ---------------------------------------------------------------------------------------------------------------------- Git


def commit(folder: Path) -> str:
    """Return the commit that a folder's repository is at; empty without one, or if that cannot be told.

    Only what has the form of a commit is returned, whatever the files of the repository name.
    """
    try:
        place = next((each / ".git" for each in (folder, *folder.parents) if (each / ".git").exists()), None)
        return "" if place is None else _commit(place)
    except (OSError, ValueError, StudyError):  # no permission, not a text, a pipe in the place of a file
        return ""


def _commit(place: Path) -> str:
    """Return the commit of a repository, given its folder `.git`, or the file of that name in a worktree."""
    own = place if place.is_dir() else place.parent / _line(place).removeprefix("gitdir:").strip()
    common = own / _line(own / "commondir") if (own / "commondir").exists() else own
    head = _line(own / "HEAD")
    name = head.removeprefix("ref:").strip()
    if name == head:
        return _hash(head)
    if not name.startswith("refs/") or ".." in name:
        return ""
    loose = next((base / name for base in (own, common) if (base / name).is_file()), None)
    return _hash(_line(loose)) if loose is not None else _packed(common / "packed-refs", name)


def _packed(path: Path, name: str) -> str:
    if not path.exists():
        return ""
    lines = (line.split(" ", 1) for line in _text(path, MOST_PACKED).splitlines())
    return next((_hash(line[0]) for line in lines if line[1:] == [name]), "")


def _hash(text: str) -> str:
    return text if HASH.fullmatch(text) else ""


def _line(path: Path) -> str:
    return _text(path, MOST_BYTES).strip()


def _text(path: Path, most: int) -> str:
    handle = writing.opened_to_read(path)
    with os.fdopen(handle, "rb") as file:
        return file.read(most).decode()
