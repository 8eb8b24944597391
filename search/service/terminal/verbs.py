"""What `bpsearch pause`, `resume` and `cancel` have in common."""

from __future__ import annotations

from collections.abc import Sequence

from search.service.terminal import opening
from search.terminal.output import Output


def act(action: str, names: Sequence[str], console: Output) -> None:
    """Do something with studies of the queue, and say what state each is in.

    Raises
    ------
    NoStudyError, TransitionError
        For the first study that cannot do it; those before it have done it.
    """
    desk = opening.desk()
    found = []
    for name in names:
        study = desk.act(name, action)
        wanted = f", to be {study['wanted']}" if study["wanted"] else ""
        console.print(f"{study['name']}: {study['state']}{wanted}")
        console.essential(f"{study['name']} {study['state']}")
        found.append(study)
    console.document({"studies": found})
