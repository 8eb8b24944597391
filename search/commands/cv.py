"""`bpsearch cv`: cross-validate one configuration."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from search.arguments import add_settings, add_study

if TYPE_CHECKING:
    from rich.console import Console

HELP = "cross-validate one configuration"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_study(parser, "study file; its [model] and the first value of each entry of [space] are used")
    add_settings(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    from search import configuration, tuning
    from search.results import report
    from search.study import study_file

    study = study_file.load(options.study)
    params = configuration.changed(study, configuration.first_values(study), options.set)
    console.print(f"{study.name}: {configuration.written(params)}")
    outcome, yardsticks = tuning.cross_validate(study, params)
    console.print(report.single(outcome, yardsticks, study.scoring))
    return 1 if outcome.failed else 0  # that it diverged is a result
