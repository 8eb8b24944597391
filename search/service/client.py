"""The service for Python programs: the verbs of the command line, over HTTP."""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from search.errors import StudyError
from search.service import sending, whereabouts
from search.service.connection import Connection, ServiceError
from search.service.states import ENDED

if TYPE_CHECKING:
    import pandas as pd

Document = dict[str, Any]
"""Plain data, as the service answers: `docs/service_http.md` lists the keys."""

POLL_SECONDS = 2.0
"""Time between two looks at a study."""

FIRST_POLL_SECONDS = 0.2

MOST_REASON = 500
"""Characters of the reason of a trial that are sent."""

QUIET_SECONDS = 60.0
"""A stream of events that is quiet for so long is broken: the service gives a sign of life every 15 seconds."""


class Client:
    """A service that runs studies, over HTTP.

    Parameters
    ----------
    url : str, optional
        Its address. By default that of the service of the current folder.
    token : str, optional
        By default that of the service of the current folder, which is sent to no other one.
    verify : path, optional
        File of a CA that the service's certificate is checked with. By default those of the system.
    timeout : float, default=60.0
        Seconds to wait for an answer.

    Raises
    ------
    ServiceError
        If there is no service in this folder, or an argument is not allowed. All methods raise it if the service cannot be
        reached or refuses; it holds what the service has said.

    Notes
    -----
    Requests that only read are sent again if the connection breaks or the service is busy, and so are `ask` and `tell`. All
    others are not.

    Examples
    --------
    >>> with Client("http://127.0.0.1:1", "a-token") as client:
    ...     client.studies()
    Traceback (most recent call last):
    search.service.connection.ServiceError: http://127.0.0.1:1 cannot be reached: connection refused; start it with bpsearch serve
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        verify: str | Path | None = None,
        timeout: float = 60.0,
    ) -> None:
        address, secret = whereabouts.found(url, token)
        self._connection = Connection(address, secret, None if verify is None else str(verify), timeout)
        self._unanswered: dict[tuple[str, int], str] = {}

    @property
    def url(self) -> str:
        """The address of the service."""
        return self._connection.url

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self.url!r})"

    # ------------------------------------------------------------------------------------------------------------ changes

    def submit(
        self,
        study: str | Path | Mapping[str, Any],
        *,
        data: str | Path | pd.DataFrame | None = None,
        priority: int | None = None,
        n_trials: int | None = None,
        timeout: float | None = None,
    ) -> Document:
        """Queue a study, or give one that is known another priority or budget.

        Parameters
        ----------
        study : path, str or mapping
            A study file, its text (of two lines or more), or its tables.
        data : path or DataFrame, optional
            The rows, which are uploaded: ``[data] source`` is then their copy. Without it, the file that a study file names is
            uploaded, and a text or tables name a source that the service has, such as ``sklearn:diabetes``.
        priority : int, optional
            From -100 to 100. Studies of a higher priority get workers first.
        n_trials : int, optional
            Another budget than that of the study file.
        timeout : float, optional
            Seconds of a run, instead of those of the study file.

        Returns
        -------
        dict
            The study's state.
        """
        asked = {"priority": priority, "n_trials": n_trials, "timeout": timeout}
        body = {**self._body(study, data), **{key: value for key, value in asked.items() if value is not None}}
        return self._connection.ask("POST", "studies", **sending.as_json(body))

    def upload(self, data: str | Path | pd.DataFrame, name: str | None = None) -> str:
        """Store a file, or a table, in the service; return its address, which a study file may name as its source.

        Parameters
        ----------
        data : path or DataFrame
            The index of a DataFrame is left out.
        name : str, optional
            What the file is called; its ending says how it is read.
        """
        with sending.opened(data) as (own, file):
            document = self._connection.ask("POST", "data", query={"name": name or own}, **sending.as_file(file))
        return str(document["data"])

    def change(
        self, name: str, *, priority: int | None = None, n_trials: int | None = None, timeout: float | None = None
    ) -> Document:
        """Give a study another priority or budget; one that has ended goes on. Returns its state."""
        asked = {"priority": priority, "n_trials": n_trials, "timeout": timeout}
        body = {key: value for key, value in asked.items() if value is not None}
        return self._connection.ask("PATCH", "studies", name, **sending.as_json(body))

    def pause(self, name: str) -> Document:
        """Stop a study until it is resumed; return its state."""
        return self._connection.ask("POST", "studies", name, "pause")

    def resume(self, name: str) -> Document:
        """Queue a study that is paused or has failed; return its state."""
        return self._connection.ask("POST", "studies", name, "resume")

    def cancel(self, name: str) -> Document:
        """End a study; its finished trials are kept. Returns its state."""
        return self._connection.ask("POST", "studies", name, "cancel")

    # ------------------------------------------------------------------------------------------------------------ own trials

    def open(self, study: str | Path | Mapping[str, Any]) -> Document:
        """Open a study whose trials this program trains, or one that is known; return its state.

        Parameters
        ----------
        study : path, str or mapping
            A file, its text (of two lines or more), or its tables: name, direction, metric and space, but neither data nor a
            network.
        """
        body = {"study": study} if isinstance(study, Mapping) else {"toml": sending.text(study)[0]}
        return self._connection.ask("POST", "external", **sending.as_json(body))

    def ask(self, name: str, n: int = 1, key: str = "") -> Document:
        """Ask for trials to train. A trial is lent for the time that the study has as its `lease`.

        Parameters
        ----------
        name : str
        n : int
            How many, up to 100.
        key : str
            Names the request: asked again with it, the same trials are lent. By default each request has a key of its own, and
            one whose answer was lost is repeated with its key by the next call.

        Returns
        -------
        dict
            ``trials``: a list of ``number``, ``params`` and ``until``, in seconds since 1970. ``state``: that of the study; one
            that is done has no trials, and one that is running may have none, because all that are left are lent.
        """
        asked = (name, n)
        own = key or self._unanswered.pop(asked, "") or uuid.uuid4().hex
        try:
            return self._connection.ask(
                "POST", "studies", name, "ask", again=True, **sending.as_json({"n": n, "key": own})
            )
        except ServiceError as error:
            if error.status is None:
                self._unanswered[asked] = own
            raise

    def tell(
        self,
        name: str,
        number: int,
        score: float | None = None,
        *,
        verdict: str = "ok",
        epoch: int = 0,
        epochs: int = 0,
        reason: str = "",
        loss_ratio: float | None = None,
        seconds: float = 0.0,
    ) -> Document:
        """Tell the result of a trial. To tell it again changes nothing; another result is refused.

        Parameters
        ----------
        name : str
        number : int
        score : float, optional
            For the verdicts ``"ok"`` and ``"stopped"``, in the study's own direction.
        verdict : {"ok", "stopped", "diverged", "error"}
        epoch : int
            The best epoch, or the one at which training diverged.
        epochs : int
            Those that were planned.
        reason : str
            Why it ended; the first 500 characters are kept.
        loss_ratio : float, optional
            The loss at the divergence, as a multiple of the trivial model's. One that is not finite is left out.
        seconds : float
            How long training took.

        Returns
        -------
        dict
            ``number``, ``recorded``: whether the result was new, and ``state``: that of the study.
        """
        ratio = loss_ratio if loss_ratio is None or math.isfinite(loss_ratio) else None
        told = {"verdict": verdict, "score": _checked(score), "epoch": epoch, "epochs": epochs, "loss_ratio": ratio}
        body = {**told, "reason": reason[:MOST_REASON], "seconds": seconds}
        return self._connection.ask("POST", "studies", name, "trials", number, again=True, **sending.as_json(body))

    # ------------------------------------------------------------------------------------------------------------ answers

    def studies(self) -> list[Document]:
        """Return the states of all studies, those of the highest priority first."""
        return list(self._connection.ask("GET", "studies")["studies"])

    def status(self, name: str) -> Document:
        """Return the state of a study."""
        return self._connection.ask("GET", "studies", name)

    def wait(self, name: str, timeout: float | None = None) -> Document:
        """Wait until a study is done, has failed or was cancelled; return its state.

        Parameters
        ----------
        name : str
        timeout : float, optional
            Seconds. By default as long as it takes, which is for ever if nobody resumes a study that is paused.

        Raises
        ------
        TimeoutError
        """
        end = math.inf if timeout is None else time.monotonic() + timeout
        pause = FIRST_POLL_SECONDS
        while (document := self.status(name))["state"] not in ENDED:
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"study {name!r} is {document['state']} after {timeout:g} seconds")
            time.sleep(min(pause, left))
            pause = min(2 * pause, POLL_SECONDS)
        return document

    def follow(self, name: str) -> Iterator[Document]:
        """Yield the state of a study now and whenever it changes, until it has ended.

        The service sends the changes. If that breaks, or has no room for another client, it is asked every two seconds.
        """
        last: Document | None = None
        try:
            for document in self._connection.events("studies", name, "events", patience=QUIET_SECONDS):
                last = document
                yield document
                if document["state"] in ENDED:
                    return
        except ServiceError:
            pass  # what is wrong, if it is more than the stream, the next request tells
        while True:
            document = self.status(name)
            if document != last:
                yield document
            if document["state"] in ENDED:
                return
            last = document
            time.sleep(POLL_SECONDS)

    def result(self, name: str) -> Document:
        """Return the result of a study so far: what `bpsearch show --json` prints."""
        return self._connection.ask("GET", "studies", name, "result")

    def trials(self, name: str, first: int = 0) -> Iterator[Document]:
        """Yield the finished trials of a study from number `first` on, a page at a time."""
        following: int | None = first
        while following is not None:
            page = self._connection.ask("GET", "studies", name, "trials", query={"first": following})
            yield from page["trials"]
            following = page["next"]

    def trial(self, name: str, number: int) -> Document:
        """Return a finished trial: hyperparameters, scores, curves, and for one that diverged what went wrong."""
        return self._connection.ask("GET", "studies", name, "trials", number)

    def findings(self, name: str) -> Document:
        """Return how many trials of a study diverged, and of which causes, the most frequent first."""
        return self._connection.ask("GET", "studies", name, "findings")

    def report(self, name: str) -> str:
        """Return the report on a study as one HTML page."""
        return self._connection.part("studies", name, "report")[0].decode("utf-8", "replace")

    def log(self, name: str, first: int = 0) -> str:
        """Return what the runs of a study have said so far, from byte `first` on."""
        said, following = self._connection.part("studies", name, "log", query={"first": first})
        while following is not None and following > first:
            first = following
            piece, following = self._connection.part("studies", name, "log", query={"first": first})
            said += piece
        return said.decode("utf-8", "replace")

    def predict(
        self, name: str, rows: str | Path | pd.DataFrame | Iterable[Mapping[str, Any]], *, probabilities: bool = False
    ) -> Any:
        """Predict rows with the champion of a study.

        Parameters
        ----------
        name : str
        rows : path, DataFrame or iterable of mappings
            A table in any format that studies read, or values by column.
        probabilities : bool, default=False
            Whether there is a column for each class, with its probability.

        Returns
        -------
        DataFrame or list of dict
            A DataFrame with the index of `rows` if that is one.
        """
        path, query = ("studies", name, "predictions"), {"probabilities": "true" if probabilities else None}
        if not isinstance(rows, str | Path) and not sending.is_frame(rows):
            body = {"rows": [{str(key): sending.cell(value) for key, value in row.items()} for row in rows]}
            return self._connection.ask("POST", *path, query=query, **sending.as_json(body))["predictions"]
        with sending.opened(rows) as (own, file):
            query["name"] = own
            found = self._connection.ask("POST", *path, query=query, **sending.as_file(file))["predictions"]
        return sending.frame(found, rows) if sending.is_frame(rows) else found

    # ------------------------------------------------------------------------------------------------------------ details

    def _body(self, study: str | Path | Mapping[str, Any], data: str | Path | pd.DataFrame | None) -> dict[str, Any]:
        """Return what is submitted, once its rows are in the service."""
        if isinstance(study, Mapping):
            if data is None:
                return {"study": study}
            return {"study": {**study, "data": {**study.get("data", {}), "source": self.upload(data)}}}
        text, there = sending.text(study)
        data = sending.named(text, there) if data is None and there is not None else data
        return {"toml": text if data is None else sending.with_source(text, self.upload(data))}


def _checked(score: float | None) -> float | None:
    """Return a score that the service would take; JSON has no other numbers than finite ones."""
    if score is not None and not math.isfinite(score):
        raise StudyError(
            f"score = {score}; allowed are finite numbers: tell a trial that went wrong with verdict 'diverged' or 'error'"
        )
    return score
