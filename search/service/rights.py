"""What somebody may do with a queue: whose studies, and how many of them."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, func, select

from search.errors import StudyError
from search.service.schema import studies
from search.service.states import ENDED


class OwnerError(StudyError):
    """The study is somebody else's."""


class QuotaError(StudyError):
    """There are as many studies as there may be."""


class Rights(NamedTuple):
    """What somebody may do with a queue; by default everything.

    Attributes
    ----------
    only_of : str, optional
        Whose studies these must be.
    most, most_of_all : int, optional
        How many studies of one owner, and of all, may be queued or run.
    """

    only_of: str | None = None
    most: int | None = None
    most_of_all: int | None = None

    def check_owner(self, name: str, owner: str) -> None:
        """Raise OwnerError if a study is somebody else's.

        >>> Rights(only_of="ann").check_owner("wine", "bob")
        Traceback (most recent call last):
        search.service.rights.OwnerError: study 'wine' is not yours: it was submitted by bob
        """
        if self.only_of is not None and owner != self.only_of:
            raise OwnerError(f"study {name!r} is not yours: it was submitted by {owner or 'the command line'}")

    def check_quota(self, connection: Connection, owner: str) -> None:
        """Raise QuotaError if there are as many studies as there may be."""
        active = select(func.count()).where(studies.c.state.not_in(ENDED))
        own = active.where(studies.c.owner == owner)
        for most, found, whose in ((self.most, own, owner), (self.most_of_all, active, "the queue")):
            if most is not None and (count := connection.execute(found).scalar_one()) >= most:
                raise QuotaError(
                    f"{whose} has {count} studies that have not ended; allowed are {most}: wait, or cancel one"
                )


EVERYTHING = Rights()
