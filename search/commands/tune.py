"""`bpsearch tune`: run a study."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

from search.arguments import MOST_JOBS, add_budget, add_method, add_study, add_switch, whole_number
from search.errors import InUseError, StudyError

if TYPE_CHECKING:
    from search.results.progress import Progress
    from search.results.result import Result
    from search.study.study_file import Study
    from search.terminal.output import Output
    from search.tracking import RegisteredModel

HELP = "run or resume a study, and register the best network"
HAS_RESULT = True
SHOWS_PROGRESS = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_study(parser)
    add_budget(parser)
    add_method(parser, "search method; overrides the study file")
    parser.add_argument(
        "--jobs",
        type=whole_number("jobs", MOST_JOBS),
        metavar="N",
        help="configurations at the same time; overrides the study file",
    )
    add_switch(
        parser, "follow", "if another process runs the study: show its progress, and in the end its result", False
    )
    add_switch(parser, "dry-run", "check everything and count what would be done; train nothing, write nothing", False)


def run(options: argparse.Namespace, console: Output) -> int:
    from search import formatting
    from search.terminal.progress import shown

    if options.follow:
        _check_follow(options)
    study = _study(options)
    if options.dry_run:
        return _rehearse(study, console)
    name, _ = formatting.metric(study.scoring)
    title = f"{study.name}: {study.search.method} search, {study.scheme}, {name}"
    with shown(title, study.scoring, console) as show:
        result = _followed(study, options, show) if options.follow else _tuned(study, options, show)
    return _tell(result, study, options, console)


def _check_follow(options: argparse.Namespace) -> None:
    """Raise StudyError if something is asked for that only a run can do."""
    asked = {
        "--trials": options.trials,
        "--timeout": options.timeout,
        "--jobs": options.jobs,
        "--dry-run": options.dry_run,
    }
    if given := [name for name, value in asked.items() if value]:
        raise StudyError(f"--follow looks on while another process runs the study; leave out {' and '.join(given)}")


def _tuned(study: Study, options: argparse.Namespace, show: Callable[[Progress], None]) -> Result:
    from search import tuning

    try:
        return tuning.tune(study, show)
    except InUseError as error:
        raise StudyError(f"{error}; to see how it goes: {_command(options)} --follow") from None


def _followed(study: Study, options: argparse.Namespace, show: Callable[[Progress], None]) -> Result:
    """Follow the run of another process, and return what it has left."""
    from search.catalog import entries
    from search.experiment import NONE_HEALTHY
    from search.signals import command
    from search.study import following
    from search.study.assembly import journal
    from search.tracking import stores

    command.describe("no longer following; the study goes on", as_json=options.json, quiet=options.quiet)
    stored, complete = following.follow(journal(study), show)
    result = None if stored is None else entries.entry(stores.answering_uri(), study.name).result
    if stored is None or result is None:
        raise StudyError(f"{journal(study)}: there is nothing to follow; run it: {_command(options)}")
    cut_off = f"nobody runs this study, and it is not complete; to go on: {_command(options)}"
    problem = cut_off if not complete else NONE_HEALTHY if result.best is None else ""
    return replace(result, unchanged=False, problem=problem)


def _tell(result: Result, study: Study, options: argparse.Namespace, console: Output) -> int:
    """Print a result; return the exit code."""
    from search.results import documents, report
    from search.samplers.methods import METHODS
    from search.terminal import leaving

    console.document(documents.study(result))
    console.print()
    if result.unchanged:
        console.print(f"all {len(result.outcomes)} trials of this study are done; nothing was changed", style="bold")
        if not METHODS[study.search.method].exhaustive:
            console.print(f"to continue: {_command(options)} --trials {2 * len(result.outcomes)}")
        console.print()
    console.print(report.final(result))
    if result.model is not None:
        console.essential(result.model.uri)
        console.print(f"model:  {result.model.uri}  ({report.delivered(result, result.model)})")
        if result.model.standing:
            console.print(f"        {result.model.standing}")
        console.print(f"python: {_usage(result.model)}")
    if result.page:
        console.print(f"report: {result.page}")
    if result.pageless:
        console.print(f"note:   the report was not written: {result.pageless}")
    if result.unregistered:
        console.print(f"model:  {report.not_registered(result)}")
    if result.problem:
        console.print(f"note:   {result.problem}", style="bold")
        if console.quiet:
            leaving.tell(f"error: {result.problem}")
    if result.model is not None:
        number = [] if result.model.alias == "champion" else ["--version", str(result.model.version)]
        further = ["bpsearch", "predict", result.model.name, "new.csv", "-o", "predictions.csv", *number]
        console.print(f"next:   {shlex.join(further)}")
        if number:
            console.print(f"next:   {shlex.join(['bpsearch', 'promote', result.model.name, *number])}")
    console.print("next:   bpsearch ui")
    return 1 if result.problem else 0


def _rehearse(study: Study, console: Output) -> int:
    """Say what the study would do."""
    from search import tuning
    from search.terminal.at_work import at_work

    with nullcontext() if console.quiet else at_work("tune --dry-run"):
        found = tuning.rehearse(study)
    console.document(found.document())
    console.print(f"{found.name}: {found.method} search, {found.scheme}")
    for line in [*found.lines(), *(f"data:    {note}" for note in found.notes), "nothing was trained or written"]:
        console.print(line)
    return 0


def _study(options: argparse.Namespace) -> Study:
    """Read the study file and apply the changes of the command line."""
    from search.samplers.methods import METHODS
    from search.study import study_file

    study = study_file.load(options.study)
    if options.method:
        study = study.with_method(options.method)
    if options.trials:
        if METHODS[study.search.method].exhaustive:
            raise StudyError(
                f"--trials {options.trials}: a grid is always searched completely; allowed for every other method"
            )
        study = study.with_search(n_trials=options.trials)
    asked = {"timeout": options.timeout, "n_jobs": options.jobs}
    return study.with_search(**{name: value for name, value in asked.items() if value is not None})


def _usage(model: RegisteredModel) -> str:
    """Return a line of Python that loads this version of a model."""
    return f"import bpsearch; model = bpsearch.load_model({model.name!r}, {model.version})  # model.predict(rows)"


def _command(options: argparse.Namespace) -> str:
    """Return a shell command that runs the same study."""
    method = ["--method", options.method] if options.method else []
    return shlex.join(["bpsearch", "tune", str(options.study), *method])
