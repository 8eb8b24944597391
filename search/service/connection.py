"""Requests to a service over HTTP: who asks, what is asked again, and any error in one line."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from http.client import responses
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import requests
from requests.auth import AuthBase

from search.errors import StudyError

LOOPBACK = ("127.0.0.1", "localhost", "::1")

PAUSES = (0.2, 1.0, 3.0)
"""Seconds before a request that only reads, or does no harm twice, is sent again."""

LONGEST_PAUSE = 60.0
"""The most seconds that a service can ask for before the next try."""

BUSY = frozenset({429, 502, 503, 504})
"""Statuses after which a request may be sent again."""

CONNECT_SECONDS = 10.0
NEXT = "X-Next-Byte"
"""The header of a part of a log that says with which byte the next one begins."""


START = "start it with bpsearch serve"
PROBLEM = ("type", "title", "detail", "instance", "key", "value", "allowed")


class ServiceError(StudyError):
    """What a service has refused, or why it cannot be asked, in one line.

    Attributes
    ----------
    status : int or None
        The status of its answer; None if there was none.
    type, title, detail, instance : str or None
        The fields of a problem document (RFC 9457).
    key, value, allowed : object
        What was wrong, where it is known: the key, its value, and what is allowed instead.

    Examples
    --------
    >>> error = ServiceError("study 'wine' is done: it cannot be paused", 409, {"allowed": ["submit"]})
    >>> error.status, error.allowed
    (409, ['submit'])
    """

    type: str | None
    title: str | None
    detail: str | None
    instance: str | None
    key: Any
    value: Any
    allowed: Any

    def __init__(self, message: object, status: int | None = None, problem: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status = status
        for name in PROBLEM:
            setattr(self, name, (problem or {}).get(name))


class Connection:
    """Requests to one service.

    Parameters
    ----------
    url : str
        Its address, such as ``https://tuning.example``.
    token : str
    verify : str or None
        The file of a CA to trust instead of those of the system.
    timeout : float
        Seconds to wait for an answer.

    Raises
    ------
    ServiceError
        If the address or the token is none, or there is no such file.
    """

    def __init__(self, url: str, token: str, verify: str | None, timeout: float) -> None:
        self.url, self._timeout = checked(url), timeout
        if not (token and token.isascii() and token.isprintable() and " " not in token):
            raise ServiceError("token: allowed are tokens as bpsearch token make prints them")
        if verify is not None and not Path(verify).exists():
            raise ServiceError(f"verify = {verify!r}: there is no such file")
        self._session = requests.Session()
        self._session.auth = _Bearer(token)
        self._session.trust_env = urlsplit(self.url).hostname not in LOOPBACK  # a proxy would be sent the token
        self._verify: str | bool = True if verify is None else verify

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def ask(self, method: str, *path: object, **more: Any) -> Any:
        """Send a request and return the document of its answer; keywords are those of `open`.

        Raises
        ------
        ServiceError
            If the service cannot be reached, refuses, or answers with something else.
        """
        with closing(self.open(method, *path, **more)) as answer:
            try:
                return answer.json()
            except ValueError:
                raise ServiceError(f"{self.url} answers without JSON: it is no bpsearch service") from None
            except requests.RequestException as error:
                raise self._unreachable(error) from None

    def part(self, *path: object, **more: Any) -> tuple[bytes, int | None]:
        """Return the bytes of an answer, and the byte to go on with, if it says so; keywords and errors are those of `ask`."""
        with closing(self.open("GET", *path, **more)) as answer:
            following = answer.headers.get(NEXT, "")
            try:
                return answer.content, int(following) if following.isdecimal() else None
            except requests.RequestException as error:
                raise self._unreachable(error) from None

    def events(self, *path: object, patience: float) -> Iterator[Any]:
        """Yield the documents of a stream of server-sent events until it ends.

        Parameters
        ----------
        *path
        patience : float
            Seconds without a sign of life after which the stream is given up.

        Raises
        ------
        ServiceError
        """
        headers = {"Accept": "text/event-stream"}
        with closing(self.open("GET", *path, headers=headers, timeout=patience)) as answer:
            data: list[str] = []
            try:
                for line in answer.iter_lines():
                    name, _, value = line.decode("utf-8", "replace").partition(":")
                    if name == "data":
                        data.append(value.removeprefix(" "))
                    elif not line and data:
                        yield json.loads("\n".join(data))
                        data = []
            except ValueError:
                raise ServiceError(f"{self.url} sends events without JSON: it is no bpsearch service") from None
            except requests.RequestException as error:
                raise self._unreachable(error) from None

    def open(
        self,
        method: str,
        *path: object,
        query: Mapping[str, Any] | None = None,
        timeout: float = 0.0,
        again: bool = False,
        **more: Any,
    ) -> requests.Response:
        """Send a request; return its answer, whose content is still to be read.

        A request that reads is sent again if the connection breaks or the service is busy; one that changes something only
        if that does no harm.

        Parameters
        ----------
        method : str
        *path
            Parts of the path after the version of the interface.
        query : mapping
            Those of its values that are None are left out.
        timeout : float
            Seconds between two parts of the answer; by default those of the connection.
        again : bool
            Whether a request that changes something may be sent again.
        **more
            Arguments of `requests.request`.

        Raises
        ------
        ServiceError
        """
        address = "/".join([self.url, "v1", *(quote(str(part), safe=":") for part in path)])
        limits = (CONNECT_SECONDS, timeout or self._timeout)
        pauses = [*PAUSES] if again or method == "GET" else []
        while True:
            try:
                answer = self._session.request(
                    method,
                    address,
                    params=query,
                    timeout=limits,
                    verify=self._verify,
                    stream=True,
                    allow_redirects=False,
                    **more,
                )
            except requests.RequestException as error:
                if not pauses or not _may_pass(error):
                    raise self._unreachable(error) from None
                time.sleep(pauses.pop(0))
                continue
            except (OSError, ValueError) as error:  # of a file that is sent, or of the CA
                raise ServiceError(f"{self.url}: the request cannot be sent: {error}") from None
            if answer.status_code in BUSY and pauses:
                answer.close()
                time.sleep(max(pauses.pop(0), _asked_for(answer)))
                continue
            if not 200 <= answer.status_code < 300:
                with closing(answer):
                    raise self._refused(answer)
            return answer

    def _refused(self, answer: requests.Response) -> ServiceError:
        """Return the error of an answer."""
        status = answer.status_code
        try:
            problem = answer.json()
            told = problem["detail"] or problem["title"]
        except (ValueError, KeyError, TypeError, requests.RequestException):
            return ServiceError(f"{self.url} answers {status} {responses.get(status, '')}".rstrip(), status)
        return ServiceError(told, status, problem)

    def _unreachable(self, error: requests.RequestException) -> ServiceError:
        """Return why there is no answer."""
        if isinstance(error, requests.Timeout):
            return ServiceError(f"{self.url} does not answer in time; the request may have reached it")
        if _is(error, ssl.SSLCertVerificationError):
            return ServiceError(f"{self.url}: its certificate cannot be verified; verify= names the file of its CA")
        if isinstance(error, requests.exceptions.SSLError):
            return ServiceError(f"{self.url} cannot be reached: it does not speak TLS; allowed may be http://")
        advice = f"; {START}" if _is(error, ConnectionRefusedError) else ""
        return ServiceError(f"{self.url} cannot be reached: {_reason(error)}{advice}")


class _Bearer(AuthBase):
    """Adds the token. As a header of the session, a file .netrc would replace it."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _may_pass(error: requests.RequestException) -> bool:
    """Whether another try may succeed: a connection that broke. Where nobody listens, nobody will in a moment."""
    broken = isinstance(error, requests.ConnectionError | requests.exceptions.ChunkedEncodingError)
    return broken and not isinstance(error, requests.exceptions.SSLError) and not _is(error, ConnectionRefusedError)


def _asked_for(answer: requests.Response) -> float:
    """Return the seconds that a busy service asks for."""
    try:
        return min(max(float(answer.headers.get("Retry-After", 0)), 0.0), LONGEST_PAUSE)
    except ValueError:  # a date
        return 0.0


def _is(error: BaseException, kind: type[BaseException]) -> bool:
    return any(isinstance(each, kind) for each in _chain(error))


def _reason(error: BaseException) -> str:
    """Return what the system says of a request that failed."""
    said = [each.strerror for each in _chain(error) if isinstance(each, OSError) and each.strerror]
    return said[-1].lower() if said else "the connection broke"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and those that it came from."""
    known: set[int] = set()
    while isinstance(error, BaseException) and id(error) not in known:
        known.add(id(error))
        yield error
        first = next((each for each in error.args if isinstance(each, BaseException)), None)
        error = getattr(error, "reason", None) or error.__cause__ or error.__context__ or first


def checked(url: str) -> str:
    """Return the address of a service without what may follow it.

    Raises
    ------
    ServiceError
        If it is none.

    Examples
    --------
    >>> checked("https://tuning.example/")
    'https://tuning.example'
    >>> checked("tuning.example")
    Traceback (most recent call last):
    search.service.connection.ServiceError: url: allowed are addresses such as http://127.0.0.1:8765 and https://tuning.example
    """
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and parts.hostname and (parts.port or True)
    except (ValueError, AttributeError, TypeError):
        known = False
    if not known or parts.query or parts.fragment or "@" in parts.netloc or not url.isprintable() or " " in url:
        more = "; the token is an argument of its own" if "token=" in str(url) or "@" in str(url) else ""
        raise ServiceError(f"url: allowed are addresses such as http://127.0.0.1:8765 and https://tuning.example{more}")
    return url.rstrip("/")
