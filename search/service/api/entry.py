"""Who gets in: the check of hosts and origins, tokens and cookies, and of how much a client asks, before anything else."""

from __future__ import annotations

import secrets
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from starlette.responses import Response

from search.service.api.problems import Problem
from search.service.api.scopes import CALLER, Caller
from search.service.api.work import QUICK, Work
from search.service.limits import DAY, Bucket, Limits
from search.service.tokens import ADMIN, Token, Tokens
from search.tracking.ui import gate
from search.tracking.ui.gate import LOOPBACK, Application, Receive, Scope, Send

HEALTH = "/v1/health"
"""The only path that needs no token."""

MLFLOW = "/mlflow"
"""Where MLflow's UI and its REST interface are."""

SESSION_SECONDS, MOST_SESSIONS, MOST_OF_ONE = 7 * DAY, 1000, 20
"""How long a cookie is good for, and how many there may be, of all tokens and of one."""

AGAIN_SECONDS = 1.0
"""After how long a client may ask again whose requests are as many as may be answered at a time."""

LONGEST_ADDRESS = 64
"""Characters of a client's address: a server that passes requests on may say any."""

SAFE = ("GET", "HEAD")
"""Methods that change nothing."""

HEADERS = {
    **{name.decode(): value.decode() for name, value in gate.PRIVATE},
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "x-frame-options": "DENY",
}
"""Headers of every answer but those of MLflow, unless it has its own."""

CHECKED = (b"host", b"origin", b"referer", b"sec-fetch-site", b"authorization", b"cookie")
"""Headers that are the entry's own, and not MLflow's."""

UNKNOWN = (
    "a token is needed: programs send Authorization: Bearer TOKEN, browsers open the address that bpsearch serve prints"
)
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="bpsearch"'}


class Session(NamedTuple):
    """What a cookie stands for.

    Attributes
    ----------
    name : str
        Of the token.
    made : float
        When the token was made, in seconds since 1970: a later one of its name is another.
    until : float
        When it ends, in seconds of the clock of `Sessions`.
    """

    name: str
    made: float
    until: float


class Sessions:
    """Cookies, each of which stands for a token that a browser has shown once.

    Parameters
    ----------
    clock : callable
        Returns seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._known = clock, OrderedDict[str, Session]()

    def begin(self, token: Token) -> str:
        """Return a new cookie for a token; its oldest ones end if it has many."""
        session = secrets.token_urlsafe(gate.BYTES)
        own = [each for each, known in self._known.items() if known.name == token.name]
        for each in own[: len(own) + 1 - MOST_OF_ONE]:
            del self._known[each]
        self._known[session] = Session(token.name, token.made, self._clock() + SESSION_SECONDS)
        while len(self._known) > MOST_SESSIONS:
            self._known.popitem(last=False)
        return session

    def find(self, cookie: str) -> Session | None:
        """Return what a cookie stands for; None if it stands for nothing any more."""
        found = self._known.get(cookie)
        return found if found is not None and self._clock() < found.until else None


class Entry:
    """An ASGI application that lets requests with a token through to others.

    Parameters
    ----------
    application : callable
        The ASGI application for all paths but those below `MLFLOW`.
    tokens : Tokens
    limits : Limits
    work : Work
    hosts : collection of str
        Hosts that lead here beside those of this machine, such as that of a server that ends TLS.
    mlflow : callable, optional
        MLflow's server, an ASGI application, for tokens with the scope admin.
    """

    def __init__(
        self,
        application: Application,
        tokens: Tokens,
        limits: Limits,
        work: Work,
        hosts: Collection[str] = (),
        mlflow: Application | None = None,
    ) -> None:
        self._application, self._mlflow = application, mlflow
        self._tokens, self._work = tokens, work
        self._hosts = LOOPBACK | {host.lower() for host in hosts}
        self._sessions, self._passing, self._at_once = Sessions(), Counter[str](), limits.at_once
        self._requests = Bucket(limits.rate, limits.burst)
        self._failures = Bucket(limits.failed_logins / 60.0, limits.failed_logins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] == "lifespan":
            await self._application(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})  # before it is accepted: the client gets 403
        else:
            await self._answer(scope, receive, _with_headers(scope, send))

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            answer = await self._entered(scope)
        except Problem as problem:
            answer = problem.response(scope["path"])
        if answer is not None:
            await answer(scope, receive, send)
        elif _is_mlflow(scope["path"]) and self._mlflow is not None:
            await self._mlflow(_below(scope), receive, send)
        elif CALLER not in scope:  # the health
            await self._application(scope, receive, send)
        else:
            await self._passed(scope, receive, send)

    async def _passed(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, unless as many of its token are being answered as may be."""
        try:
            with self._one_more(scope[CALLER].token.name):
                await self._application(scope, receive, send)
        except Problem as problem:  # no other comes here: the application answers its own
            await problem.response(scope["path"])(scope, receive, send)

    @contextmanager
    def _one_more(self, name: str) -> Iterator[None]:
        """Count a request of a token while the body runs.

        Raises
        ------
        Problem
        """
        if self._passing[name] >= self._at_once:
            raise Problem.later(
                f"token {name!r} has {self._at_once} requests that are being answered; allowed are no more",
                "at-once",
                AGAIN_SECONDS,
            )
        self._passing[name] += 1
        try:
            yield
        finally:
            self._passing[name] -= 1

    async def _entered(self, scope: Scope) -> Response | None:
        """Return what is answered before anything else; None if a request may pass, whose caller is known then.

        Raises
        ------
        Problem
            If it may not pass.
        """
        if (refused := gate.foreign(scope, self._hosts)) is not None:
            raise Problem(403, refused.text.partition(": ")[2].strip().rstrip("."), "origin")
        if scope["path"] == HEALTH:
            return None
        if scope["method"] in SAFE and (answer := await self._login(scope)) is not None:
            return answer
        caller = await self._caller(scope)
        if not _is_mlflow(scope["path"]):  # one of its pages is fifty requests
            self._count(caller.token)
        if caller.by_cookie and scope["method"] not in SAFE and not gate.is_of_own_page(scope):
            raise Problem(
                403, "a request with a cookie that changes something must come from a page of this server", "origin"
            )
        if _is_mlflow(scope["path"]) and not caller.token.may(ADMIN):
            raise Problem(
                403, f"MLflow is for tokens with scope 'admin'; token {caller.token.name!r} has another", "scope"
            )
        scope[CALLER] = caller
        return None

    async def _login(self, scope: Scope) -> Response | None:
        """Return the answer to an address with a token: a cookie, and the address without the token."""
        given, place = gate.tokens_in_address(scope)
        if not given:
            return None
        token = await self._known(scope, given[0])
        self._count(token)
        loopback = gate.hostname(scope) in LOOPBACK
        answer = gate.entry(
            place,
            self._cookie(scope),
            self._sessions.begin(token),
            secure=not loopback or scope["scheme"] == "https",
        )
        return Response(status_code=answer.status, headers={k.decode(): v.decode("latin-1") for k, v in answer.headers})

    def _count(self, token: Token) -> None:
        if wait := self._requests.take(token.name):
            raise Problem.later("too many requests", "rate", wait)

    async def _caller(self, scope: Scope) -> Caller:
        given = gate.token_in_header(scope)
        if given is not None:
            return Caller(await self._known(scope, given))
        for cookie in gate.cookies(scope, self._cookie(scope)):
            session = self._sessions.find(cookie)
            token = None if session is None else await self._work.run(QUICK, self._tokens.holder, session.name)
            if session is not None and token is not None and token.made == session.made:
                return Caller(token, by_cookie=True)
        raise Problem(401, UNKNOWN, "token", CHALLENGE)

    async def _known(self, scope: Scope, secret: str) -> Token:
        """Return the token of a secret.

        Raises
        ------
        Problem
            If it is none; 429 if too many of this address were none.
        """
        token = await self._work.run(QUICK, self._tokens.known, secret)
        if token is not None:
            return token
        address = (scope.get("client") or ("unknown",))[0][:LONGEST_ADDRESS]
        if wait := self._failures.take(address):
            raise Problem.later("too many wrong tokens from this address", "logins", wait)
        raise Problem(401, "this token is unknown or was withdrawn", "token", CHALLENGE)

    def _cookie(self, scope: Scope) -> str:
        """Return the name of the cookie: a browser has one set of cookies for all ports of a host."""
        return f"bpsearch-{(scope.get('server') or ('', 0))[1]}"


def _is_mlflow(path: str) -> bool:
    return path == MLFLOW or path.startswith(f"{MLFLOW}/")


def _below(scope: Scope) -> Scope:
    """Return a request as MLflow sees it, at the root: the links of its pages are relative.

    It has hosts and origins of its own that it lets in, which know nothing of the names of this service: the entry has
    checked both.
    """
    raw, headers = scope.get("raw_path"), [row for row in scope["headers"] if row[0].lower() not in CHECKED]
    below = {"path": scope["path"].removeprefix(MLFLOW) or "/", "headers": [(b"host", b"localhost"), *headers]}
    if raw is not None:
        below["raw_path"] = raw.removeprefix(MLFLOW.encode()) or b"/"
    return {**scope, **below}


def _with_headers(scope: Scope, send: Send) -> Send:
    async def sending(message: dict[str, object]) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", ()))  # type: ignore[call-overload]
            there = {name.lower() for name, _ in headers}
            own = {} if _is_mlflow(scope["path"]) and CALLER in scope else HEADERS
            more = [(name.encode(), value.encode()) for name, value in own.items() if name.encode() not in there]
            message = {**message, "headers": [*headers, *more]}
        await send(message)

    return sending  # type: ignore[return-value]
