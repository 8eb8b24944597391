"""The gate before MLflow's server: without the token of this run nothing gets in, whatever the path and the method.

Loopback is no boundary between the users of a machine, nor between the pages in a browser. So a request needs

- a token: in the address that the terminal shows, which sets a cookie, or in the header ``Authorization``, which MLflow's client
  sends if ``MLFLOW_TRACKING_TOKEN`` or ``MLFLOW_TRACKING_PASSWORD`` is set;
- a ``Host`` of this machine, because a name of an attacker may lead here, too (DNS rebinding);
- no ``Origin`` but this server: browsers send the cookie along with the requests of pages on other ports.

Nothing here knows MLflow: the gate stands before any ASGI application.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Awaitable, Callable, Collection, Iterator, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
"""Hosts that are this machine. The port may be another one, as behind ``ssh -L``."""

BYTES = 32
"""Bytes of a token: none is found by trying."""

TOKEN = "token"
"""The parameter of an address that holds the token."""

UNKNOWN = "401: open the address that bpsearch ui has printed: it holds the token. Programs send it as Authorization: Bearer.\n"
OTHER_HOST = "403: this server is for 127.0.0.1 and localhost only.\n"
OTHER_ORIGIN = "403: requests of other pages are refused.\n"

PRIVATE = [
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
]
"""Headers of every page that is made here."""


class Answer(NamedTuple):
    """What the gate itself answers."""

    status: int
    text: str = ""
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Gate:
    """An ASGI application that lets requests with a token through to another one.

    Parameters
    ----------
    application : callable
        The ASGI application behind the gate.
    port : int
        The port of the server; the cookie has its name from it, because a browser has one set of cookies for all ports.
    token : str or None, optional
        None lets everybody in that has a host of this machine. By default a new random token.

    Attributes
    ----------
    token : str or None
    """

    def __init__(self, application: Application, port: int, token: str | None = "") -> None:
        self._application = application
        self.token = secrets.token_urlsafe(BYTES) if token == "" else token
        self._cookie, self._session = f"bpsearch-ui-{port}", secrets.token_urlsafe(BYTES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] == "lifespan":
            await self._application(scope, receive, send)
            return
        answer = self.answer(scope)
        if answer is None:
            await self._application(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})  # before it is accepted: the client gets 403
        else:
            body = answer.text.encode()
            own = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(body))]
            headers = [*own, *PRIVATE, *answer.headers]
            await send({"type": "http.response.start", "status": answer.status, "headers": headers})
            await send({"type": "http.response.body", "body": b"" if scope.get("method") == "HEAD" else body})

    def answer(self, scope: Scope) -> Answer | None:
        """Return what the gate answers; None if the request may pass."""
        if (refused := foreign(scope)) is not None:
            return refused
        if self.token is None:
            return None
        if scope["type"] == "http" and scope["method"] in ("GET", "HEAD") and (entered := self._entered(scope)):
            return entered
        if self._has_header(scope) or self._has_cookie(scope):
            return None
        return Answer(401, UNKNOWN, ((b"www-authenticate", b'Bearer realm="bpsearch ui"'),))

    def _entered(self, scope: Scope) -> Answer | None:
        """Return the answer to an address with the token: a cookie, and the same address without the token."""
        tokens, place = tokens_in_address(scope)
        return entry(place, self._cookie, self._session) if any(map(self._is_token, tokens)) else None

    def _has_header(self, scope: Scope) -> bool:
        given = token_in_header(scope)
        return given is not None and self._is_token(given)

    def _has_cookie(self, scope: Scope) -> bool:
        return any(_same(value, self._session) for value in cookies(scope, self._cookie))

    def _is_token(self, given: str) -> bool:
        return self.token is not None and _same(given, self.token)


def foreign(scope: Scope, hosts: Collection[str] = LOOPBACK) -> Answer | None:
    """Return what is answered to a request for another host, or from another page than those of this server; None for others.

    Parameters
    ----------
    scope : dict
    hosts : collection of str
        Hosts that lead here. Those beside `LOOPBACK` may do so through a server that ends TLS.
    """
    host, name = _one(scope, b"host"), hostname(scope)
    if name is None or name not in hosts:
        return Answer(
            403, OTHER_HOST if hosts == LOOPBACK else f"403: this server is for {', '.join(sorted(hosts))}.\n"
        )
    schemes = {_scheme(scope), *(() if name in LOOPBACK else ("https",))}
    if any(origin not in {f"{scheme}://{host}" for scheme in schemes} for origin in _values(scope, b"origin")):
        return Answer(403, OTHER_ORIGIN)
    if any(site not in ("same-origin", "none") for site in _values(scope, b"sec-fetch-site")) and not _is_visit(scope):
        return Answer(403, OTHER_ORIGIN)
    return None


def hostname(scope: Scope) -> str | None:
    """Return the name in the header ``Host``, without its port; None if it has none, or there is not one such header."""
    host = _one(scope, b"host")
    return None if host is None else _hostname(host)


def is_of_own_page(scope: Scope) -> bool:
    """Return whether a browser says that a page of this server makes the request, which `foreign` has let pass."""
    return any(_values(scope, b"origin")) or "same-origin" in _values(scope, b"sec-fetch-site")


def tokens_in_address(scope: Scope) -> tuple[list[str], str]:
    """Return the tokens in the address of a request, and the same address on this server without them."""
    pairs = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    others = urlencode([(name, value) for name, value in pairs if name != TOKEN])
    path = "/" + quote(scope["path"].lstrip("/\\"), safe="/")  # two slashes would be another server
    return [value for name, value in pairs if name == TOKEN], f"{path}?{others}" if others else path


def entry(place: str, cookie: str, session: str, *, secure: bool = False) -> Answer:
    """Return the answer to an address with a token: a cookie, and the address without the token."""
    cookie = f"{cookie}={session}; HttpOnly; SameSite=Strict; Path=/{'; Secure' if secure else ''}"
    return Answer(303, "", ((b"location", place.encode("latin-1")), (b"set-cookie", cookie.encode())))


def token_in_header(scope: Scope) -> str | None:
    """Return the token in the header ``Authorization``, of a program or, as a password, of MLflow's client."""
    given = _one(scope, b"authorization")
    kind, _, credentials = (given or "").partition(" ")
    if kind.lower() == "bearer":
        return credentials.strip()
    if kind.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(credentials.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return decoded.partition(":")[2]


def cookies(scope: Scope, name: str) -> Iterator[str]:
    """Yield the values of the cookies of a name."""
    for header in _values(scope, b"cookie"):
        try:
            found = SimpleCookie(header).get(name)
        except CookieError:
            continue
        if found is not None:
            yield found.value


def _same(given: str, secret: str) -> bool:
    """Compare in a time that does not tell how much of it is right."""
    return secrets.compare_digest(given.encode(), secret.encode())


def _values(scope: Scope, name: bytes) -> Iterator[str]:
    return (value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name)


def _one(scope: Scope, name: bytes) -> str | None:
    """Return the value of a header that is there exactly once."""
    found = [*_values(scope, name)]
    return found[0] if len(found) == 1 else None


def _hostname(host: str) -> str | None:
    """Return the name in a header ``Host``, without its port.

    >>> _hostname("127.0.0.1:5000"), _hostname("[::1]:80"), _hostname("me@evil.example")
    ('127.0.0.1', '::1', None)
    """
    if set(host) & set("@/\\?#, \t"):
        return None
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _scheme(scope: Scope) -> str:
    return {"ws": "http", "wss": "https"}.get(scope["scheme"], str(scope["scheme"]))


def _is_visit(scope: Scope) -> bool:
    """Whether a browser shows a page of its own for it, as after a click on a link."""
    return (
        scope.get("method") == "GET"
        and [*_values(scope, b"sec-fetch-mode")] == ["navigate"]
        and "document" in [*_values(scope, b"sec-fetch-dest")]
    )
