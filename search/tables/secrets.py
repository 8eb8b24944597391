"""Passwords, tokens and users in addresses: what is told, logged or stored has asterisks in their place."""

from __future__ import annotations

import json
import re
from urllib.parse import unquote, urlsplit

STARS = "***"

ADDRESS = re.compile(r"(?<![\w+.-])([A-Za-z][\w+.-]*://)([^\s\"']+)")
"""A scheme, and what follows it."""

USER = re.compile(r"[^:/@?#]*:.*@|[^/?#@]*@", re.DOTALL)
"""User and password at the beginning of an address: the password may hold any sign that should have been written as a code."""

IN_A_PARAMETER = re.compile(r"\?[\w.-]+=")

PLAIN_PARAMETERS = {
    *("table", "query", "schema", "database", "dbname", "host", "port", "uri", "driver", "mode", "cache"),
    *("charset", "encoding", "timeout", "connect_timeout", "connection_timeout", "sslmode", "ssl_mode", "encrypt"),
    *("application_name", "check_same_thread", "isolation_level", "trusted_connection", "trustservercertificate"),
}
"""Parameters of an address whose values are shown. Of any other one nobody knows whether it is a secret."""

PARAMETER = re.compile(r"([?&;])([^=&;?\s\"']+)=([^&;\s\"']*)")

ASSIGNED = re.compile(
    r"(?<![\w.-])([\w-]*(?:passw(?:or)?d|passphrase|pwd|token|secret|credential|api_?key|access_?key)[\w-]*)(=|%3D)([^\s&;,\"'%]+)",
    re.IGNORECASE,
)
"""A secret outside of an address, as drivers quote their own form of it."""

AUTHORIZATION = re.compile(r"\b(Basic|Bearer) [\w.~+/=-]{4,}")

SHORTEST = 4
"""Characters of a password from which on it is looked for by itself; shorter ones are parts of words."""


def masked(text: str, *addresses: str) -> str:
    """Return a text with asterisks in place of users, passwords and unknown parameters of all addresses in it.

    Parameters
    ----------
    text : str
    addresses : str
        Addresses that the text is about: their passwords are replaced also where they stand alone, as in errors of drivers.

    Examples
    --------
    >>> masked("postgresql://me:s3cret@host/db?table=sales&sslpassword=x")
    'postgresql://***@host/db?table=sales&sslpassword=***'
    >>> masked("sqlite:///houses.db?table=sales")
    'sqlite:///houses.db?table=sales'
    >>> masked("no port: 's3cret@host'", "http://me:s3cret@host")
    "no port: '***@host'"
    """
    text = ADDRESS.sub(_address, text)
    text = ASSIGNED.sub(rf"\1\2{STARS}", text)
    text = AUTHORIZATION.sub(rf"\1 {STARS}", text)
    for secret in sorted({secret for address in addresses for secret in secrets_of(address)}, key=len, reverse=True):
        text = text.replace(secret, STARS)
    return text


def _address(found: re.Match[str]) -> str:
    scheme, rest = found.groups()
    user = USER.match(rest)
    if user is not None and IN_A_PARAMETER.search(user[0]):  # whose is the sign @, the user's or the parameter's?
        return f"{scheme}{STARS}"
    where, mark, parameters = (rest[user.end() :] if user else rest).partition("?")
    return f"{scheme}{f'{STARS}@' if user else ''}{where}{PARAMETER.sub(_parameter, mark + parameters)}"


def _parameter(found: re.Match[str]) -> str:
    known = found[2].lower() in PLAIN_PARAMETERS
    return f"{found[1]}{found[2]}={found[3] if known or not found[3] else STARS}"


def secrets_of(address: str) -> set[str]:
    """Return the password of an address, as it is written, as it is meant, and as it stands in JSON and TOML.

    >>> sorted(secrets_of("http://me:p%40ss@host")), secrets_of("http://me@host"), secrets_of("mlruns")
    (['p%40ss', 'p@ss'], set(), set())
    """
    user = USER.match(address.partition("://")[2])
    password = user[0].removesuffix("@").partition(":")[2] if user else ""
    forms = {password, unquote(password)}
    return {form for form in forms | {json.dumps(form)[1:-1] for form in forms} if len(form) >= SHORTEST}


def without_user(address: str) -> tuple[str, str, str]:
    """Return an address without user and password, and these two; empty if it has none.

    >>> without_user("http://me:p%40ss@host:5000/a"), without_user("http://host")
    (('http://host:5000/a', 'me', 'p@ss'), ('http://host', '', ''))
    """
    parts = urlsplit(address)
    user, at, where = parts.netloc.rpartition("@")
    if not at:
        return address, "", ""
    name, _, password = user.partition(":")
    return parts._replace(netloc=where).geturl(), unquote(name), unquote(password)
