"""How much trouble is detected, explained and repaired, on the corpus and on random runs, and what watching costs.

python -m benchmarks.stability [--seeds 5] [--wild 800] [--only ID ...] [--verbose] [--markdown FILE]
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from threadpoolctl import threadpool_limits

from benchmarks.common import parser, publish, say
from benchmarks.stability import measure, overhead, remedies, report, waste, wild
from benchmarks.stability.corpus import CORPUS, Cell
from benchmarks.stability.measure import Case, Healthy
from benchmarks.stability.report import Part

SEEDS, DRAWS = 5, 800
PEER_SEEDS = 1
"""Seeds of a cell that scikit-learn's MLP judges; each can take a second."""
RANDOM_SEEDS = 2
"""Seeds of a cell on which random remedies are tried."""


def part(name: str, found: Sequence[Case], healthy: Sequence[Healthy]) -> Part:
    """Measure one set of runs."""
    faulty, well = measure.judge_all(found, healthy, PEER_SEEDS)
    first = {case.cell.id: case.seeds[:RANDOM_SEEDS] for case in found}
    return Part(
        name,
        faulty,
        well,
        remedies.repair(faulty) if remedies.can_repair() else None,
        remedies.at_random([run for run in faulty if run.seed in first[run.cell.id]]),
    )


def parts(cells: Sequence[Cell], seeds: int, draws: int) -> list[Part]:
    """Measure cells of the corpus, and `draws` draws of the wild set."""
    found, runs = measure.cases(cells, range(seeds))
    measured = [part("corpus", found, measure.healthy_runs(cells, runs))]
    if draws:
        measured.append(part("wild", *wild.cases(draws)))
    return measured


def main() -> None:
    command = parser("benchmarks.stability", __doc__)
    command.add_argument("--seeds", type=int, default=SEEDS, help="runs of each faulty cell (%(default)s)")
    command.add_argument("--wild", type=int, default=DRAWS, help="draws of the wild set (%(default)s)")
    command.add_argument("--only", nargs="+", metavar="ID", help="only these cells, and nothing else")
    command.add_argument("--verbose", action="store_true", help="also list labels and misses")
    chosen = command.parse_args()
    known = [cell.id for cell in CORPUS]
    if unknown := set(chosen.only or ()) - set(known):
        command.error(f"--only {' '.join(sorted(unknown))}: no such cell; allowed are {', '.join(known)}")
    cells = [cell for cell in CORPUS if not chosen.only or cell.id in chosen.only]
    with warnings.catch_warnings(), threadpool_limits(1, user_api="blas"):
        warnings.simplefilter("ignore")
        measured = parts(cells, chosen.seeds, 0 if chosen.only else chosen.wild)
        tables = [report.summary(measured)]
        if not chosen.only:
            tables += [report.overhead(overhead.measure()), report.waste(waste.measure())]
    if chosen.verbose:
        for line in (line for each in measured for line in (*report.labels(each), *report.misses(each))):
            say(line)
    text = "\n\n".join(map(str, tables))
    publish(text, "stability", chosen.markdown)


if __name__ == "__main__":
    main()
