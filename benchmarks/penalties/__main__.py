"""Every penalty for diverged trials with every method that learns, on made-up spaces and on the networks of a study file.

    python -m benchmarks.penalties [--seeds 20] [--network-seeds 5] [--jobs 2] [--markdown FILE]

The figures count trials, epochs and scores, so other work on the machine does not change them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from joblib import Parallel, delayed

from benchmarks.common import ROOT, parser, publish, say
from benchmarks.penalties import report, trials
from benchmarks.penalties.landscapes import LANDSCAPES, Landscape
from benchmarks.penalties.report import Study, Traces
from benchmarks.penalties.trials import TRIALS, Trace
from search.samplers.methods import METHODS
from search.trials.penalties import PENALTIES

SEEDS, NETWORK_SEEDS = 20, 5
STUDY = "studies/exploding.toml"


def compare(search: Callable[[Study], Trace], landscapes: Sequence[Landscape | None], seeds: int, jobs: int) -> Traces:
    """Run studies with every method that learns and every penalty."""
    learn = [name for name, method in METHODS.items() if method.learns]
    studies = [
        Study(method, penalty, seed, landscape)
        for method in learn
        for penalty in PENALTIES
        for landscape in landscapes
        for seed in range(seeds)
    ]
    say(f"{len(studies)} studies")
    return dict(zip(studies, Parallel(jobs)(delayed(search)(study) for study in studies), strict=True))


def on_landscape(study: Study, n_trials: int = TRIALS) -> Trace:
    assert study.landscape is not None
    return trials.made_up(study.landscape, study.method, study.penalty, study.seed, n_trials)


def on_networks(study: Study, n_trials: int = TRIALS) -> Trace:
    return trials.of_networks(ROOT / STUDY, study.method, study.penalty, study.seed, n_trials)


def main() -> None:
    command = parser("benchmarks.penalties", __doc__)
    command.add_argument("--seeds", type=int, default=SEEDS, help="seeds on each made-up space (%(default)s)")
    command.add_argument("--network-seeds", type=int, default=NETWORK_SEEDS, help=f"of {STUDY} (%(default)s)")
    command.add_argument("--jobs", type=int, default=2, help="studies at a time (%(default)s)")
    chosen = command.parse_args()
    tables = [
        report.made_up(compare(on_landscape, LANDSCAPES, chosen.seeds, chosen.jobs)),
        report.networks(compare(on_networks, [None], chosen.network_seeds, chosen.jobs), STUDY),
    ]
    text = "\n\n".join(map(str, tables))
    publish(text, "penalties", chosen.markdown)


if __name__ == "__main__":
    main()
