"""Where a service keeps its things: a folder beside the journals, for this user only."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from search.errors import StudyError
from search.files import trouble
from search.loop.journal import STUDIES, Address, address_of
from search.project import store
from search.service.databases import engines

FOLDER = STUDIES / "service"


@dataclass(frozen=True)
class Place:
    """The folder of a service.

    Examples
    --------
    >>> Place().token.as_posix()
    'studies/service/token'
    """

    folder: Path = FOLDER

    @property
    def database(self) -> Path:
        """The queue."""
        return self.folder / "queue.db"

    @property
    def data(self) -> Path:
        """Copies of data, by their content."""
        return self.folder / "data"

    @property
    def token(self) -> Path:
        """The token of whoever started the service."""
        return self.folder / "token"

    @property
    def lock(self) -> Path:
        """Held while a service runs."""
        return self.folder / "service.lock"

    @property
    def address(self) -> Path:
        """Where the service listens while it runs."""
        return self.folder / "address"

    def study(self, name: str) -> Path:
        """The file of a submitted study."""
        return self.folder / f"{name}.toml"

    def log(self, name: str) -> Path:
        """What the coordinators of a study have said."""
        return self.folder / f"{name}.log"

    def journal(self, name: str) -> Address:
        """The journal of a study, which is there if it was ever run, with the service or without it."""
        return address_of(name, self.folder.parent)

    def made(self) -> Place:
        """Make the folder, which only this user can enter.

        Raises
        ------
        StudyError
            If it cannot be made, is somebody else's, or others can write to it.
        """
        for folder in (self.folder, self.data):
            try:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                status = folder.lstat()
            except OSError as error:
                raise StudyError(trouble.told(error, folder)) from None
            if not stat.S_ISDIR(status.st_mode):
                raise StudyError(f"{folder} is a link or no folder; a service keeps its queue there: move it away")
            if hasattr(os, "geteuid") and status.st_uid != os.geteuid():
                raise StudyError(f"{folder} belongs to user {status.st_uid}; use a folder of your own")
            if status.st_mode & 0o077:
                folder.chmod(0o700)
        return self

    @property
    def exists(self) -> bool:
        """Whether a study has ever been submitted here."""
        return self.database.exists() if self.store is None else engines.has_queue(self.store)

    @property
    def store(self) -> str | None:
        """The address of the database that has the queue; None if it is a file of this folder."""
        return store.address() if self.folder == FOLDER else None
