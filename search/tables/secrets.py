"""Passwords in addresses of databases: what is told, logged or stored has asterisks in their place."""

from __future__ import annotations

import re

CREDENTIALS = re.compile(r"(?<![\w+])([\w+]+://[^:/@\s]*):[^\s\"']*@")
"""A user and a password; the password may hold any sign that should have been written as a code, such as ``@`` and ``/``."""

PARAMETERS = re.compile(r"([?&][^=&\s]*(?:pass|pwd|token|secret|key|odbc_connect)[^=&\s]*)=[^&\s\"']*", re.IGNORECASE)
"""Parameters of drivers that may hold a password."""

STARS = "***"


def masked(text: str) -> str:
    """Return a text with asterisks in place of the passwords of all addresses in it.

    Examples
    --------
    >>> masked("postgresql://me:s3cret@host/db?table=sales&sslpassword=x")
    'postgresql://me:***@host/db?table=sales&sslpassword=***'
    >>> masked("sqlite:///houses.db?table=sales")
    'sqlite:///houses.db?table=sales'
    """
    return PARAMETERS.sub(rf"\1={STARS}", CREDENTIALS.sub(rf"\1:{STARS}@", text))
