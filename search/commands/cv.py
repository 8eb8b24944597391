"""`bpsearch cv`: cross-validate one configuration."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from search.arguments import add_settings, add_study

if TYPE_CHECKING:
    from search.terminal.output import Output

HELP = "cross-validate one configuration"
HAS_RESULT = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_study(parser, "study file; its [model] is used, and of each entry of [space] the default or else the middle")
    add_settings(parser)


def run(options: argparse.Namespace, console: Output) -> int:
    from search import configuration, tuning
    from search.results import documents, report
    from search.study import study_file

    study = study_file.load(options.study)
    params = configuration.changed(study, configuration.typical(study), options.set)
    console.print(f"{study.name}: {configuration.written(params)}")
    outcome, yardsticks = tuning.cross_validate(study, params)
    console.print(report.single(outcome, yardsticks, study.scoring))
    console.document(documents.configuration(study.name, params, outcome, yardsticks, study.scoring))
    return 1 if outcome.failed else 0  # that it diverged is a result
