"""Certificates of a private cluster: one authority, and one certificate that it has signed, for scheduler, workers and service.

Both sides of each connection show it. The key of the authority is not kept, so nobody can sign another one: whoever has no copy
of the certificate's own key does not get in. A cluster that wants others makes a new set.
"""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from search.errors import StudyError
from search.files import writing
from search.service.cluster.access import Access

AUTHORITY, CERTIFICATE, KEY = "ca.pem", "certificate.pem", "key.pem"
"""The files of a set, as Dask's options `--tls-ca-file`, `--tls-cert` and `--tls-key` want them."""

HOURS_BEFORE = 24
"""How long before now a set is valid: clocks of machines differ."""


class Pair(NamedTuple):
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def make(folder: Path, days: int) -> datetime.datetime:
    """Write a set of certificates into a folder, which is made if it is missing; return until when they are valid.

    Raises
    ------
    StudyError
        If the folder has such files already, or cannot be written.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StudyError(f"{folder} cannot be made: {error.strerror}") from None
    for name in (AUTHORITY, CERTIFICATE, KEY):
        if (folder / name).exists():
            raise StudyError(f"{folder / name} exists; a cluster has one set: choose another folder")
    now = datetime.datetime.now(datetime.UTC)
    end = now + datetime.timedelta(days=days)
    authority = _signed("bpsearch authority", None, now, end)
    node = _signed("bpsearch", authority, now, end)
    pem = serialization.Encoding.PEM
    key = node.key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    writing.write(folder / KEY, key, private=True)
    writing.write(folder / CERTIFICATE, node.certificate.public_bytes(pem))
    writing.write(folder / AUTHORITY, authority.certificate.public_bytes(pem))
    return end


def access(address: str, folder: Path) -> Access:
    """Return the access to a scheduler with the set of a folder.

    Raises
    ------
    StudyError
        If a file is missing.
    """
    for name in (AUTHORITY, CERTIFICATE, KEY):
        if not (folder / name).is_file():
            raise StudyError(
                f"--tls {folder}: there is no file {folder / name}; bpsearch certificates {folder} makes a set"
            )
    paths = [str((folder / name).absolute()) for name in (AUTHORITY, KEY, CERTIFICATE)]
    return Access(address, *paths)


def _signed(name: str, authority: Pair | None, now: datetime.datetime, end: datetime.datetime) -> Pair:
    """Make a certificate, signed by an authority or by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer, signing = (subject, key) if authority is None else (authority.certificate.subject, authority.key)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=HOURS_BEFORE))
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=authority is None, path_length=None), critical=True)
    )
    return Pair(builder.sign(signing, hashes.SHA256()), key)
