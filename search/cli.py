"""The command line: `bpsearch tune | cv | diagnose | init | ui`."""

from __future__ import annotations

import argparse
import os
import socket
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from search import tracking, tuning
from search.errors import StudyError
from search.progress import ProgressBar
from search.results import report
from search.samplers.methods import METHODS
from search.space import spaces
from search.study import init, study_file

FAILED, USER_ERROR, INTERRUPTED = 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code: 0, 1 if it failed, 2 for a mistake of the user's, 130 for Ctrl-C."""
    options = _parser().parse_args(arguments)
    console = Console(highlight=False, markup=False, soft_wrap=True)
    warnings.filterwarnings("ignore", category=UserWarning, module="sklearn")
    try:
        return int(options.command(options, console))
    except StudyError as error:
        if options.debug:
            raise
        print(f"error: {error}", file=sys.stderr)
        return USER_ERROR
    except KeyboardInterrupt:
        if options.debug:
            raise
        console.print("\ninterrupted: finished trials are kept; the same command goes on from there")
        return INTERRUPTED
    except Exception as error:  # nobody's mistake but ours
        if options.debug:
            raise
        message = " ".join(str(error).split())
        print(f"unexpected error: {type(error).__name__}: {message} (--debug shows where)", file=sys.stderr)
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bpsearch",
        description="Hyperparameter search for back-propagation networks that learns from diverging runs.",
    )
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    tune = commands.add_parser("tune", help="run a study, or go on with it, and register the best network")
    tune.add_argument("study", type=Path, help="study file")
    tune.add_argument(
        "--trials", type=_whole_number("trials"), metavar="N", help="trials of the whole study, instead of the file's"
    )
    tune.add_argument("--method", choices=METHODS, help="search method, instead of the file's")
    tune.set_defaults(command=_tune)

    cv = commands.add_parser("cv", help="cross-validate one fixed configuration")
    cv.add_argument(
        "study", type=Path, help="study file; its [model] and the first value of each [space] entry are used"
    )
    cv.add_argument(
        "--set", nargs="+", default=[], metavar="NAME=VALUE", help="hyperparameters, values as in a study file"
    )
    cv.set_defaults(command=_cv)

    diagnose = commands.add_parser("diagnose", help="say why a configuration goes wrong")
    diagnose.add_argument("study", type=Path, help="study file; its configuration is the one of cv, or a trial's")
    diagnose.add_argument("--trial", type=_whole_number("trial", low=0), metavar="N", help="a finished trial")
    diagnose.add_argument("--method", choices=METHODS, help="search method that the trial is of")
    diagnose.add_argument(
        "--set", nargs="+", default=[], metavar="NAME=VALUE", help="hyperparameters, values as in a study file"
    )
    diagnose.set_defaults(command=_diagnose)

    start = commands.add_parser("init", help="write a study file for a CSV or Parquet file")
    start.add_argument("data", type=Path, help="CSV or Parquet file")
    start.add_argument("--target", required=True, metavar="COLUMN", help="the column to predict")
    start.add_argument("--output", type=Path, metavar="FILE", help="study file to write (default: studies/<name>.toml)")
    start.set_defaults(command=_init)

    ui = commands.add_parser("ui", help="open the MLflow UI on 127.0.0.1")
    ui.add_argument(
        "--port", type=_whole_number("port", 65535), default=5000, help="port (default: 5000, or the next free one)"
    )
    ui.set_defaults(command=_ui)
    for command in (tune, cv, diagnose, start, ui):
        command.add_argument(
            "--debug", action="store_true", default=argparse.SUPPRESS, help="show the traceback of an error"
        )
    return parser


def _tune(options: argparse.Namespace, console: Console) -> int:
    study = study_file.load(options.study)
    if options.method:
        study = study.with_method(options.method)
    if options.trials:
        if study.search.method == "grid":
            raise StudyError(f"--trials {options.trials}: a grid is searched whole; allowed for every other method")
        study = study.with_trials(options.trials)
    name, _ = report.metric(study.scoring)
    bar = ProgressBar(f"{study.name}: {study.search.method} search, {study.scheme}, {name}", study.scoring, console)
    try:
        result = tuning.tune(study, bar.show)
    finally:
        bar.stop()
    console.print()
    if result.unchanged:
        console.print(f"all {len(result.outcomes)} trials of this study are done; nothing was changed", style="bold")
        if study.search.method != "grid":
            console.print(f"go on with: make tune STUDY={options.study} TRIALS={2 * len(result.outcomes)}")
        console.print()
    console.print(report.final(result))
    if result.model is not None:
        console.print(f"model:  {result.model.uri}  ({report.delivered(result, result.model)})")
    if result.problem:
        console.print(f"note:   {result.problem}", style="bold")
    console.print("next:   make ui")
    return FAILED if result.problem else 0


def _cv(options: argparse.Namespace, console: Console) -> int:
    study = study_file.load(options.study)
    params = _first_values(study) | study_file.parse_values(study, options.set)
    console.print(f"{study.name}: {_written(params)}")
    outcome, yardsticks = tuning.cross_validate(study, params)
    console.print(report.single(outcome, yardsticks, study.scoring))
    return 0


def _diagnose(options: argparse.Namespace, console: Console) -> int:
    study = study_file.load(options.study)
    if options.method:
        study = study.with_method(options.method)
    number, params, name = 0, _first_values(study), "this configuration"
    if options.trial is not None:
        number, params, name = options.trial, tuning.trial_params(study, options.trial), f"trial {options.trial}"
    params |= study_file.parse_values(study, options.set)
    console.print(f"{study.name}, {name}: {_written(params)}\n")
    console.print(report.diagnosed(tuning.diagnose(study, params, number)))
    return 0


def _first_values(study: study_file.Study) -> dict[str, Any]:
    return next(spaces.grid_points(study.space))


def _written(params: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {report.number(value)}" for name, value in params.items())


def _init(options: argparse.Namespace, console: Console) -> int:
    written, reason = init.write_study(options.data, options.target, options.output)
    console.print(f"{reason}; change [data] task if that is wrong")
    console.print(f"written: {written}")
    console.print(f"next:    make tune STUDY={written}")
    return 0


def _ui(options: argparse.Namespace, console: Console) -> int:
    uri = tracking.default_uri()
    tracking.check(uri)
    if uri.startswith("http"):
        console.print(f"MLflow is served at {uri}")
        return 0
    port = _free_port(options.port)
    console.print(f"MLflow UI: http://127.0.0.1:{port}  (Ctrl-C ends it)")
    sys.stdout.flush()
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("PYTHONWARNINGS", "ignore")  # the server's own, several times over
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "ui",
        "--backend-store-uri",
        uri,
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    os.execv(sys.executable, command)


def _free_port(first: int) -> int:
    last = min(first + 99, 65535)
    for port in range(first, last + 1):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise StudyError(f"--port {first}: no free port from {first} to {last}")


def _whole_number(name: str, high: int | None = None, low: int = 1) -> Callable[[str], int]:
    """Return a converter of texts to numbers from `low` to `high`."""
    allowed = f"from {low}" if high is None else f"from {low} to {high}"

    def convert(text: str) -> int:
        if not text.isdecimal() or not low <= int(text) <= (high or int(text)):
            raise argparse.ArgumentTypeError(f"{name} = {text!r}; allowed are whole numbers {allowed}")
        return int(text)

    return convert


if __name__ == "__main__":
    sys.exit(main())
