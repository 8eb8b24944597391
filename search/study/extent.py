"""What a study of a Parquet file takes, counted from what the file says about itself: it is refused before it is read."""

from __future__ import annotations

from bpmodel.names.amounts import bytes_told
from bpmodel.network.machine import memory
from search.errors import StudyError
from search.study.study_file import Study
from search.tables import columnar, databases, files
from search.tables.reading import UnreadableError
from search.trials.prepared.stream import MOST_KEPT

ITEM = 4
"""Bytes of a number as networks see it."""


def check(study: Study, where: str) -> None:
    """Check that memory holds the table of a study and the rows as one trial sees them; errors start with `where`.

    Both are counted at their least: a column of numbers is one input, texts are none. What is counted when the table is there
    (`search.loop.demand`) is more.

    Raises
    ------
    StudyError
        If it does not.
    """
    source = study.data.source
    path = study.path.parent / source
    if databases.is_address(source) or study.data.lags or files.format_of(path) != "Parquet":
        return
    try:
        found = columnar.extent(path, study.data.drop, study.data.target)
    except (UnreadableError, OSError):
        return  # whoever reads it says why
    rows_bytes = float(found.labeled) * found.numbers * ITEM
    if 2 * rows_bytes <= MOST_KEPT:
        return
    if found.bytes + rows_bytes > (limit := memory()):
        raise StudyError(
            f"{where} has {found.rows:,} rows and {len(found.names):,} columns: they take at least "
            f"{bytes_told(found.bytes)} as a table, and {bytes_told(rows_bytes)} as a trial's networks see them; allowed are "
            f"{bytes_told(limit)}, which this process can have; take a sample of the rows, or leave columns out ([data] drop)"
        )
