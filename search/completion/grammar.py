"""What can be typed after `bpsearch`: the verbs, their arguments, and what each of these takes."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ANY, FILE, STUDY, NAME, WORDS = "any", "file", "study", "name", "words"
"""What an argument takes: any text, a file, a study file, the name of a study, or one of some words."""

PLACES = {"study": STUDY, "name": NAME, "names": NAME, "model": NAME, "data": FILE}
"""What arguments without dashes take, by their names in `search/commands/`; others take any text."""


@dataclass(frozen=True)
class Argument:
    """One argument of a verb.

    Attributes
    ----------
    flags : tuple of str
        ``--output`` and ``-o``; empty for an argument that has its place.
    meaning : str
    takes : str
        One of the constants above; empty for a switch.
    words : tuple of str
        The words of which it takes one.
    many : bool
        Whether several may be given.
    """

    flags: tuple[str, ...]
    meaning: str
    takes: str = ""
    words: tuple[str, ...] = ()
    many: bool = False


@dataclass(frozen=True)
class Grammar:
    """All that can be typed.

    Attributes
    ----------
    verbs : dict of str to str
        What each verb does.
    arguments : dict of str to tuple of Argument
        Those of each verb; those before it under an empty name.
    """

    verbs: Mapping[str, str]
    arguments: Mapping[str, tuple[Argument, ...]]

    def options(self, verb: str) -> list[Argument]:
        """Return the arguments with dashes."""
        return [each for each in self.arguments[verb] if each.flags]

    def places(self, verb: str) -> list[Argument]:
        """Return the arguments that have their place."""
        return [each for each in self.arguments[verb] if not each.flags]


def argument(action: argparse.Action) -> Argument:
    """Return what an argument of a parser takes.

    >>> argument(argparse.ArgumentParser().add_argument("--jobs", help="at once", metavar="N"))
    Argument(flags=('--jobs',), meaning='at once', takes='any', words=(), many=False)
    """
    flags, words = tuple(action.option_strings), tuple(map(str, action.choices or ()))
    meaning = str(action.help or "").replace("%%", "%")
    return Argument(flags, meaning, _takes(action, words), words, action.nargs in ("+", "*"))


def _takes(action: argparse.Action, words: tuple[str, ...]) -> str:
    if action.nargs == 0:
        return ""
    if words:
        return WORDS
    if action.option_strings:
        return FILE if action.type is Path else ANY
    return PLACES.get(action.dest, ANY)


def grammar(verbs: Mapping[str, str], actions: Mapping[str, Iterable[Any]]) -> Grammar:
    """Return the grammar of parsers: what each verb does, and the actions of each; those before a verb under an empty name."""
    return Grammar(verbs, {verb: tuple(map(argument, own)) for verb, own in actions.items()})
