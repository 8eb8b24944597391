"""Run the corpus and report.

python -m benchmarks.stability [--seeds 5] [--only ID ...] [--verbose] [--markdown FILE]
"""

from __future__ import annotations

import warnings

from threadpoolctl import threadpool_limits

from benchmarks.common import keep, parser, say
from benchmarks.stability import measure, report
from benchmarks.stability.baselines import RULES_OF
from benchmarks.stability.corpus import CORPUS


def main() -> None:
    command = parser("benchmarks.stability", __doc__)
    command.add_argument("--seeds", type=int, default=5, help="runs of each faulty cell (%(default)s)")
    command.add_argument("--only", nargs="+", metavar="ID", help="these cells alone")
    command.add_argument("--verbose", action="store_true", help="list labels and misses, too")
    options = command.parse_args()
    known = {cell.id for cell in CORPUS}
    if unknown := set(options.only or ()) - known:
        command.error(f"--only {' '.join(sorted(unknown))}: no such cell; allowed are {', '.join(sorted(known))}")
    cells = [cell for cell in CORPUS if not options.only or cell.id in options.only]
    with warnings.catch_warnings(), threadpool_limits(1, user_api="blas"):
        warnings.simplefilter("ignore")
        found, runs = measure.cases(cells, range(options.seeds))
        healthy = measure.healthy_runs(cells, runs)
        judged = measure.judged(found)
        table = report.summary({"corpus": (judged, [pair for _, _, pair in healthy])}, (measure.OURS, *RULES_OF))
    if options.verbose:
        for line in (*report.labels(judged), *report.misses(judged, healthy)):
            say(line)
    print(f"\n{table}\n", flush=True)
    if options.markdown:
        keep(str(table), "stability", options.markdown)


if __name__ == "__main__":
    main()
