"""The one way to start Python: a process that never loads modules of the folder that the user works in.

That folder may hold a project of somebody else. Python looks there first with ``python -c`` and ``python -m``; so do relative and
empty parts of PYTHONPATH, and servers that add their current folder by themselves. So a process is told to leave the folder out
(``-P``, PYTHONSAFEPATH), gets a PYTHONPATH of absolute parts, and works in an empty folder.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # few imports: until the command handles signals, Ctrl-C ends in a traceback
if TYPE_CHECKING:
    from collections.abc import Mapping

SAFE = "PYTHONSAFEPATH"
PATH = "PYTHONPATH"
HOME = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
"""The folder that this product is in."""


def command(*arguments: str) -> list[str]:
    """Return the command that runs this Python.

    >>> command("-m", "mlflow")[1:]
    ['-P', '-m', 'mlflow']
    """
    return [sys.executable, "-P", *arguments]


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the variables of a process: those of this one, and others; its own processes leave the current folder out, too."""
    found = {**os.environ, **(more or {}), SAFE: "1"}
    path = os.pathsep.join(part for part in found.pop(PATH, "").split(os.pathsep) if os.path.isabs(part))
    return {**found, PATH: path} if path else found


def leave_out_current_folder() -> None:
    """Take the current folder off the path of this process, and of those that it starts.

    It stays where this product lies in it, and where the user has put it into PYTHONPATH as an absolute path.
    """
    os.environ[SAFE] = "1"
    try:
        here = os.path.realpath(os.getcwd())
    except OSError:  # it was deleted
        return
    meant = {os.path.realpath(part) for part in os.environ.get(PATH, "").split(os.pathsep) if os.path.isabs(part)}
    if here not in meant | {HOME}:
        sys.path[:] = [part for part in sys.path if part not in ("", ".") and os.path.realpath(part) != here]
