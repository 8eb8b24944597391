"""The verbs of `bpsearch`: one file each, named as the verb; those of the service and its queue are in a folder.

A file of this folder has

- ``HELP``, one line,
- ``add_arguments(parser)``, which adds the verb's arguments,
- ``run(options, console)``, which executes the verb and returns the exit code: 0, or 1 if it failed,
- ``INTERRUPTED``, what is said after Ctrl-C, if that is not that finished trials are kept,
- ``HAS_RESULT = True`` if its result can be printed as JSON: then `run` calls ``console.document``,
- ``SHOWS_PROGRESS = True`` if it says by itself that it is at work; of others, the error stream says so now and then.

Every command loads all of these files, also ``bpsearch --help``. So slow imports belong inside `run`.
"""

from __future__ import annotations

import argparse
import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from search.terminal.output import Output


class Verb(Protocol):
    """The interface of a file of this folder."""

    HELP: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the verb's arguments."""

    def run(self, options: argparse.Namespace, console: Output) -> int:
        """Execute the verb; return the exit code."""


def verbs() -> dict[str, Verb]:
    """Return the verbs by name, in alphabetical order; those of the service have a folder of their own."""
    found = pkgutil.walk_packages(__path__, f"{__name__}.")
    modules = {module.name.rpartition(".")[2]: module.name for module in found if not module.ispkg}
    return {name: cast(Verb, import_module(modules[name])) for name in sorted(modules)}
