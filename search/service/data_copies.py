"""Copies of data, each stored once under the hash of its content.

Submitted studies run on them, whatever becomes of the originals.
"""

from __future__ import annotations

import hashlib
import os
import re
import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from search.errors import StudyError
from search.files import trouble, writing
from search.tables.files import COMPRESSIONS, FORMATS

PIECE = 1 << 20
"""Bytes that are copied at a time."""

ADDRESS = re.compile(r"data:([0-9a-f]{64})")
"""How a study file names data that was uploaded: by the SHA-256 of its ending and its content."""

ENDINGS = tuple(ending for row in FORMATS.values() for ending in row.endings)
"""Endings of files that are kept, and with them those of `COMPRESSIONS`; how a file is read depends on them."""

MOST_NAME = 60

MENDED = "submit the study again, with its table"

ID = ".id"
"""The file that identifies a folder of copies."""


@dataclass(frozen=True)
class Copy:
    """A stored file: the hash of its content, and where it is."""

    digest: str
    path: Path

    @property
    def address(self) -> str:
        """How a study file names it."""
        return f"data:{self.digest}"

    @property
    def is_sound(self) -> bool:
        """Whether its content still has this hash."""
        digest = _begun(self.path.name)
        with suppress(OSError), open(writing.opened_to_read(self.path), "rb") as file:
            for piece in iter(lambda: file.read(PIECE), b""):
                digest.update(piece)
        return digest.hexdigest() == self.digest


class Copies:
    """The copies in a folder, each in a folder of its own, which has the name of its hash.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, name: str, pieces: Iterable[bytes]) -> Copy:
        """Store the content of a file, unless it is there.

        Parameters
        ----------
        name : str
            What its owner calls it; letters, digits, "-" and "_" of it are kept, and an ending that is known.
        pieces : iterable of bytes

        Raises
        ------
        StudyError
            If it cannot be written.
        """
        kept = safe_name(name)
        digest = _begun(kept)
        arriving = self.folder / f".{os.urandom(8).hex()}"
        try:
            with writing.replacing(arriving) as draft, open(draft, "wb") as file:
                for piece in pieces:
                    digest.update(piece)
                    file.write(piece)
            return self._named(arriving, digest.hexdigest(), kept)
        finally:
            arriving.unlink(missing_ok=True)

    def of_file(self, path: Path) -> Copy:
        """Store a copy of a file.

        Raises
        ------
        StudyError
            If it cannot be read or written.
        """
        try:
            with open(writing.opened_to_read(path), "rb") as file:
                return self.add(path.name, iter(lambda: file.read(PIECE), b""))
        except OSError as error:
            raise StudyError(f"{path} cannot be read: {error.strerror}") from None

    def find(self, address: str) -> Copy | None:
        """Return the copy with an address; None if there is none."""
        match = ADDRESS.fullmatch(address)
        if match is None:
            return None
        found = sorted(_files(self.folder / match[1]))
        return Copy(match[1], found[0]) if found else None

    def check(self, address: str) -> None:
        """Check that the copy with an address is there, as it was stored.

        Raises
        ------
        StudyError
            If it is gone or damaged.
        """
        found = self.named(address)
        if not found.is_sound:
            raise StudyError(f"the copy of its data is damaged: {found.path} has another content; {MENDED}")

    def named(self, address: str) -> Copy:
        """Return the copy with an address.

        Raises
        ------
        StudyError
            If it is gone.
        """
        found = self.find(address)
        if found is None:
            raise StudyError(f"the copy of its data is gone; {MENDED}")
        return found

    @property
    def id(self) -> str:
        """What identifies this folder, on whatever machine it is seen; it is made if it is missing."""
        if not self.id_if_there:
            with suppress(StudyError), writing.replacing(self.folder / ID, force=False, private=True) as draft:
                draft.write_text(f"{uuid.uuid4().hex}\n")  # unless another process has been faster
        return self.id_if_there

    @property
    def id_if_there(self) -> str:
        """What identifies this folder; empty if nothing does."""
        with suppress(OSError):
            return (self.folder / ID).read_text().strip()
        return ""

    @property
    def total(self) -> int:
        """Bytes of all copies."""
        folders = [folder for folder in self.folder.iterdir() if folder.is_dir()] if self.folder.is_dir() else []
        return sum(path.stat().st_size for folder in folders for path in _files(folder))

    def _named(self, arriving: Path, digest: str, name: str) -> Copy:
        known = self.find(f"data:{digest}")
        if known is not None and known.is_sound:
            return known
        folder = self.folder / digest
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            path = folder / name if known is None else known.path  # a damaged one is replaced
            os.replace(arriving, path)
        except OSError as error:
            raise StudyError(trouble.told(error, folder, writing.NOTHING)) from None
        return Copy(digest, path)


def _begun(name: str) -> hashlib._Hash:
    """Return the hash of a file before its content: its endings say how that is read."""
    return hashlib.sha256("".join(Path(name).suffixes).encode() + b"\0")


def safe_name(name: str) -> str:
    """Return the name of a copy: no part of a path, and no character that means anything.

    >>> safe_name("my wine.csv.gz"), safe_name("../../etc/passwd"), safe_name("データ.parquet")
    ('my-wine.csv.gz', 'passwd', 'table.parquet')
    """
    stem, ending = re.split(r"[/\\\\]", name)[-1], ""
    for endings in (COMPRESSIONS, ENDINGS):
        found = next((each for each in endings if stem.lower().endswith(each)), "")
        stem, ending = stem[: len(stem) - len(found)], found + ending
    return (re.sub(r"[^A-Za-z0-9_]+", "-", stem).strip("-")[:MOST_NAME] or "table") + ending


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from (path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
