"""Command-line arguments shared by several verbs, and converters that validate them."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path

from search.samplers.methods import METHODS, MOST_TRIALS

MOST_JOBS = 1024
"""The bound of `n_jobs`, whose own module takes seconds to import."""


def add_study(parser: argparse.ArgumentParser, meaning: str = "study file") -> None:
    """Add the study file."""
    parser.add_argument("study", type=Path, help=meaning)


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add the name of a registered model, ``--version`` and ``--trust``."""
    parser.add_argument(
        "model", metavar="NAME", help="name of a study, its study file, or a URI such as models:/NAME/2"
    )
    parser.add_argument("--version", metavar="N", help="version or alias of the model (default: champion)")
    parser.add_argument(
        "--trust",
        action="append",
        default=[],
        metavar="NAME",
        help="class or function of your own that the model holds, such as shop.steps.Rounder; may be given several times",
    )


def add_rows(parser: argparse.ArgumentParser, meaning: str) -> None:
    """Add a table, and how it is written."""
    parser.add_argument("data", metavar="DATA", help=meaning)
    parser.add_argument(
        "--encoding", metavar="NAME", help="encoding of a text file, such as cp1250 (default: the study's, or guessed)"
    )


def add_method(parser: argparse.ArgumentParser, meaning: str) -> None:
    """Add ``--method``."""
    parser.add_argument("--method", choices=tuple(METHODS), help=meaning)


def add_budget(parser: argparse.ArgumentParser) -> None:
    """Add ``--trials`` and ``--timeout``."""
    parser.add_argument(
        "--trials",
        type=whole_number("trials", MOST_TRIALS),
        metavar="N",
        help="total number of trials of the study; overrides the study file",
    )
    parser.add_argument(
        "--timeout",
        type=seconds("timeout"),
        metavar="SECONDS",
        help="time after which no new work is started; overrides the study file",
    )


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add ``--set``."""
    parser.add_argument(
        "--set", nargs="+", default=[], metavar="NAME=VALUE", help="hyperparameters; values as in a study file"
    )


def add_switch(parser: argparse.ArgumentParser, name: str, meaning: str, default: bool | str) -> None:
    """Add an option without a value."""
    parser.add_argument(f"--{name}", action="store_true", default=default, help=meaning)


def whole_number(name: str, high: int, low: int = 1) -> Callable[[str], int]:
    """Return a converter from text to a whole number from `low` to `high`.

    >>> whole_number("port", 65535)("5000")
    5000
    """

    def convert(text: str) -> int:
        # Python refuses to read a number of more than 4,300 digits
        if not text.isdecimal() or len(text.lstrip("0")) > len(str(high)) or not low <= int(text[-19:]) <= high:
            raise argparse.ArgumentTypeError(f"{name} = {_short(text)}; allowed are whole numbers from {low} to {high}")
        return int(text[-19:])

    return convert


def _short(text: str) -> str:
    from bpmodel.names.short import short  # imported late, to keep --help fast

    return short(text)


def seconds(name: str) -> Callable[[str], float]:
    """Return a converter from text to a number of seconds above 0.

    >>> seconds("timeout")("1.5")
    1.5
    """

    def convert(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = 0.0
        if not 0 < value < math.inf:
            raise argparse.ArgumentTypeError(f"{name} = {_short(text)}; allowed are numbers above 0, in seconds")
        return value

    return convert


def add_queued(parser: argparse.ArgumentParser) -> None:
    """Add the names of studies in the queue."""
    parser.add_argument("name", metavar="NAME", nargs="+", help="name of a study in the queue; several may be given")
