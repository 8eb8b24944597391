"""`bpsearch diagnose`: explain why a configuration fails to train well."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from search.arguments import add_method, add_settings, add_study, whole_number
from search.samplers.methods import MOST_TRIALS

if TYPE_CHECKING:
    from search.terminal.output import Output

HELP = "explain what goes wrong with a configuration"
HAS_RESULT = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_study(parser, "study file; the configuration is the one that cv uses, or that of a trial")
    parser.add_argument(
        "--trial", type=whole_number("trial", MOST_TRIALS, low=0), metavar="N", help="number of a finished trial"
    )
    add_method(parser, "search method that the trial belongs to")
    add_settings(parser)


def run(options: argparse.Namespace, console: Output) -> int:
    from search import configuration, tuning
    from search.results import documents, report
    from search.study import study_file

    study = study_file.load(options.study)
    if options.method:
        study = study.with_method(options.method)
    params, name = configuration.typical(study), "this configuration"
    if options.trial is not None:
        params, name = tuning.trial_params(study, options.trial), f"trial {options.trial}"
    params = configuration.changed(study, params, options.set)
    console.print(f"{study.name}, {name}: {configuration.written(params)}\n")
    found = tuning.diagnose(study, params, options.trial)
    console.print(report.diagnosed(found))
    console.document(documents.diagnosed(study.name, options.trial, params, found))
    return 0
