"""Searches over the same rows, folds and space: the time until a peer's best score is reached, and the scores at equal time.

    python -m benchmarks.search [--data FOLDER] [--sets NAME ...] [--seeds 3] [--rows 2000] [--without NAME ...]
                                [--results FILE] [--markdown FILE]

Every run is appended to the file of results as soon as it ends; an interrupted benchmark resumes from there. The time that
all searches get is that of OptunaSearchCV with its faster number of jobs, which is found out with the first seed of each set.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from benchmarks.common import parser, publish, say
from benchmarks.search import records, report
from benchmarks.search.contenders import CONTENDERS, Run, in_its_own_process
from benchmarks.search.measures import OPTUNA, OURS, TREES, faster_optuna
from benchmarks.search.tasks import Task, tasks

SEEDS, ROWS = 3, 2000
RESULTS = Path("benchmarks") / "results" / "search.jsonl"
TIMED = (OURS, TREES)
"""Contenders with a time budget; the others have a fixed number of configurations."""


def compare(
    task: Task,
    known: dict[records.Key, Run],
    results: Path,
    faster: str | None = None,
    without: Collection[str] = (),
) -> dict[str, Run]:
    """Make all runs of a task that are not known yet; of OptunaSearchCV only the faster one, if that is known."""
    runs: dict[str, Run] = {}

    def run(name: str, seconds: float | None = None) -> None:
        key = (task.name, task.seed, name)
        if key not in known:
            known[key] = in_its_own_process(name, task, seconds)
            records.append(results, key, known[key])
        runs[name] = known[key]
        say(f"{task.name}, seed {task.seed}", f"{name}: {runs[name].score:.4g} in {runs[name].seconds:.1f} s")

    for name in [faster] if faster else [name for name in OPTUNA if name not in without]:
        run(name, min((other.seconds for other in runs.values()), default=None))  # the slower one may stop there
    for name in CONTENDERS:
        if name not in (*OPTUNA, *TIMED, *without):
            run(name)
    for name in TIMED:
        if name not in without:
            run(name, runs[faster_optuna(runs)].seconds)
    return runs


def main() -> None:
    command = parser("benchmarks.search", __doc__)
    command.add_argument("--data", type=Path, help="folder of data sets; by default those inside scikit-learn")
    command.add_argument("--sets", nargs="+", metavar="NAME", help="only these sets")
    command.add_argument("--seeds", type=int, default=SEEDS, help="seeds for each set (%(default)s)")
    leave = [name for name in CONTENDERS if name not in (OURS, OPTUNA[1])]
    command.add_argument("--without", nargs="+", metavar="NAME", choices=leave, default=[], help="skip these searches")
    command.add_argument("--rows", type=int, default=ROWS, help="largest number of rows of a set (%(default)s)")
    command.add_argument("--results", type=Path, default=RESULTS, help="file of the runs so far (%(default)s)")
    command.add_argument("--figure", type=Path, help="where to draw the scores over time")
    chosen = command.parse_args()
    known = records.read(chosen.results)
    measured: dict[tuple[str, int], dict[str, Run]] = {}
    faster: dict[str, str] = {}
    for task in tasks(chosen.data, chosen.rows, chosen.seeds, chosen.sets):
        runs = measured[task.name, task.seed] = compare(
            task, known, chosen.results, faster.get(task.name), chosen.without
        )
        faster.setdefault(task.name, faster_optuna(runs))
    text = "\n\n".join(map(str, (report.goals(measured), report.each_set(measured))))
    publish(text, "search", chosen.markdown)
    if chosen.figure:
        report.draw(measured, chosen.figure)


if __name__ == "__main__":
    main()
