"""The shells for which there is a script."""

from __future__ import annotations

from collections.abc import Callable

from search.completion import bash, fish, zsh
from search.completion.grammar import Grammar

SHELLS: dict[str, Callable[[Grammar], str]] = {"bash": bash.script, "fish": fish.script, "zsh": zsh.script}
"""By the name of a shell, the function that writes its script."""
