"""What a study has so far, its events, and predictions with its model."""

import gzip
import io
import json

import anyio
import pandas as pd
import pytest

from search.service.api import events
from search.service.api.events import Stream, Streams, followed
from search.service.api.predictions import content_of
from search.service.api.problems import Problem
from search.service.api.service import Service
from search.service.api.work import Work
from search.service.desk import MOST_TRIALS, Desk
from search.service.limits import Limits
from search.service.tokens import Tokens
from search.tracking import default_uri

ROWS = [{"area": 100.0, "rooms": 4}, {"area": 50.5, "rooms": 2}]


def told(answer):
    """Return the documents of a stream of events."""
    assert answer.headers["content-type"].startswith("text/event-stream")
    return [json.loads(line.removeprefix("data: ")) for line in answer.text.splitlines() if line.startswith("data: ")]


def test_a_study_without_trials_has_nothing_yet(api, text):
    api.submit(text())
    assert api.get("/v1/studies/wine/trials").json() == {"trials": [], "next": None}
    assert api.get("/v1/studies/wine/findings").json() == {"diverged": [], "causes": []}
    assert api.get("/v1/studies/wine/log").headers["x-next-byte"] == "0"
    for path in ("result", "report", "trials/0"):
        found = api.refused(api.get(f"/v1/studies/wine/{path}"), 404)
        assert not found["detail"].startswith("--")
    api.refused(api.post("/v1/studies/wine/predictions", json={"rows": ROWS}), 422)


def test_a_log_goes_on_from_a_byte(api, text, monkeypatch):
    api.submit(text())
    api.desk.place.log("wine").write_bytes("zwölf\nTrials".encode())
    monkeypatch.setattr("search.service.api.answers.MOST_LOG", 7)
    first = api.get("/v1/studies/wine/log")
    assert (first.text, first.headers["x-next-byte"]) == ("zwölf\n", "7")
    assert first.headers["content-type"] == "text/plain; charset=utf-8"
    assert api.get("/v1/studies/wine/log?first=7").text == "Trials"
    assert api.get("/v1/studies/wine/log?first=9000").headers["x-next-byte"] == "9000"


@pytest.mark.parametrize(
    "query", ["first=-1", "first=x", "most=0", f"most={MOST_TRIALS + 1}", "first=1e9", "first=99999999999999999999"]
)
def test_pages_of_trials_that_are_none(api, query):
    found = api.refused(api.get(f"/v1/studies/wine/trials?{query}"), 422)
    assert found["key"] == query.partition("=")[0]


def test_events_of_a_study_that_has_ended(api, text):
    api.submit(text())
    api.post("/v1/studies/wine/cancel")
    answer = api.get("/v1/studies/wine/events", "eve")
    assert [each["state"] for each in told(answer)] == ["cancelled"]
    api.refused(api.get("/v1/studies/none/events"), 404)


@pytest.fixture
def service(api, text):
    api.submit(text())
    return Service(api.desk, api.tokens, Limits(), Work(Limits()))


def collect(service, changes, monkeypatch, *, quiet=15.0):
    """Follow the study wine, do something after each event, and return the events."""
    monkeypatch.setattr(events, "LOOK_SECONDS", 0.001)
    monkeypatch.setattr(events, "QUIET_SECONDS", quiet)
    found, steps = [], iter(changes)

    async def follow():
        stream = followed(
            service, "ann", lambda: service.desk.status("wine"), lambda found: found["state"] == "cancelled"
        )
        with anyio.fail_after(60):
            async for piece in stream:
                found.append(piece)
                next(steps, lambda: None)()

    with anyio.from_thread.start_blocking_portal() as portal:
        portal.call(follow)
    return found


def test_events_tell_of_each_change_until_the_end(service, monkeypatch):
    steps = [lambda: service.desk.act("wine", "pause"), lambda: service.desk.act("wine", "cancel")]
    found = collect(service, steps, monkeypatch)
    assert [json.loads(each.removeprefix(b"data: "))["state"] for each in found] == ["queued", "paused", "cancelled"]
    assert all(each.endswith(b"\n\n") and each.count(b"\n") == 2 for each in found)


def test_streams_are_counted_before_they_begin():
    """Those that were asked for at once all passed: each was counted when its first event was due."""
    streams = Streams(2, 3)

    async def begin(name):
        async def events():
            yield b""

        async def send(message):
            counted.append(streams._open[name])

        await Stream(events(), streams, name)({"type": "http", "asgi": {"spec_version": "2.4"}}, None, send)

    counted = []
    anyio.run(begin, "ann")
    assert counted[0] == 1
    with streams.counted("ann"), streams.counted("ann"):
        with pytest.raises(Problem, match="follows 2 streams") as found:
            anyio.run(begin, "ann")
        assert (found.value.status, found.value.headers["Retry-After"]) == (429, "10")
        with streams.counted("bob"), pytest.raises(Problem, match="too many streams"):
            anyio.run(begin, "bob")
    streams.check("ann")


def test_events_end_with_the_token_or_the_study(service, monkeypatch, queue):
    steps = [lambda: None, lambda: service.tokens.withdraw("ann")]
    found = collect(service, steps, monkeypatch, quiet=0.002)
    assert found[1:] == [b": still here\n\n"]

    def delete():
        service.desk.act("wine", "pause")
        from search.service.schema import studies

        with queue.changing() as connection:
            connection.execute(studies.delete())

    assert len(collect(service, [delete], monkeypatch)) == 1


def test_as_many_streams_as_allowed(serve_api, text):
    api = serve_api(streams=0)
    api.refused(api.get("/v1/events", "eve"), 429, "token 'eve' follows 0 streams")


def test_a_finished_study(folder, small_project, command, serve_api, queue, monkeypatch):
    """Everything is asked of one study, because a study takes seconds."""
    small_project(folder)
    assert command("tune", "small.toml").code == 0
    api = serve_api(predicted_rows=30, rows_bytes=5000, predicted_cells=81, unpacked_bytes=100_000)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(api.desk, "_uri", default_uri)
    queue.submit("small", "", "x", owner="ann")
    result = api.get("/v1/studies/small/result", "eve").json()
    assert (result["name"], result["trials"]["ok"]) == ("small", 2)
    page = api.get("/v1/studies/small/trials?first=1&most=1").json()
    assert ([each["trial"] for each in page["trials"]], page["next"]) == ([1], None)
    assert api.get("/v1/studies/small/trials?most=1").json()["next"] == 1
    assert api.get("/v1/studies/small/trials/1").json()["params"]
    api.refused(api.get("/v1/studies/small/trials/2"), 404, "its 2 trials are 0 to 1")
    report = api.get("/v1/studies/small/report")
    assert report.headers["content-type"] == "text/html; charset=utf-8"
    assert "script" not in report.headers["content-security-policy"]
    assert "sandbox" in report.headers["content-security-policy"]
    assert "<h1>small</h1>" in report.text
    assert api.desk.mlflow_page("small").startswith("#/experiments/")

    path = "/v1/studies/small/predictions"
    found = api.post(path, "eve", json={"rows": ROWS}).json()["predictions"]
    assert [row.keys() for row in found] == [{"predicted_price"}] * 2
    csv = "area,rooms\n100.0,4\n50.5,2\n"
    answer = api.post(path, content=csv, headers={"Content-Type": "text/csv", "Accept": "text/csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert pd.read_csv(io.StringIO(answer.text)).predicted_price.to_numpy() == pytest.approx(
        [row["predicted_price"] for row in found]
    )
    parquet = io.BytesIO()
    pd.DataFrame(ROWS).to_parquet(parquet)
    octets = {"Content-Type": "application/octet-stream"}
    answer = api.post(f"{path}?name=rows.parquet", content=parquet.getvalue(), headers=octets)
    assert answer.json().get("predictions") == found, answer.text
    api.refused(api.post(path, content=b"x", headers=octets), 422, "name is missing")
    api.refused(api.post(f"{path}?probabilities=true", json={"rows": ROWS}), 422, "the model is no classifier")
    for rows, problem in (
        ([{"nothing": 1}], "rows"),
        ([], "at least one row"),
        ([1], "rows[0] = 1; it must be an object"),
        ([{}], "rows[0] = {}"),
        ([{"area": [1], "rooms": 1}], "rows[0] has [1] under 'area'"),
    ):
        detail = api.refused(api.post(path, json={"rows": rows}), 422, problem)["detail"]
        assert str(api.desk.place.folder) not in detail
    assert len(api.post(path, json={"rows": ROWS[:1] * 30}).json()["predictions"]) == 30
    api.refused(api.post(path, json={"rows": ROWS[:1] * 31}), 413, "31 rows or more; allowed in one request are 30")
    many = "area,rooms\n" + "1,2\n" * 31
    api.refused(api.post(path, content=many, headers={"Content-Type": "text/csv"}), 413, "31 rows")
    api.refused(api.post(path, content="x" * 5001, headers={"Content-Type": "text/csv"}), 413)
    api.refused(api.post(path, content=b"", headers={"Content-Type": "text/csv"}), 422, "the body is empty")
    api.refused(api.post(path, content="x", headers={"Content-Type": "text/html"}), 415)
    assert [each for each in api.desk.place.data.iterdir() if each.name.startswith(".")] == [], "no rows are left"
    for size, status in ((100_000, 422), (100_001, 413)):
        packed = gzip.compress(b"area,rooms\n".ljust(size, b"x"))
        answer = api.post(f"{path}?name=rows.csv.gz", content=packed, headers=octets)
        assert answer.status_code == status, answer.text
    assert "the rows unpack to" in answer.json()["detail"]
    api.refused(
        api.post(path, json={"rows": [{f"x{i}": i} for i in range(10)]}), 413, "10 rows with 10 columns between"
    )
    assert api.post(path, json={"rows": [{f"x{i}": i} for i in range(9)]}).status_code == 422


def test_rows_without_a_value_have_the_same_columns():
    assert json.loads(content_of([{"a": 1}, {"b": "x"}], Limits())) == [{"a": 1, "b": None}, {"a": None, "b": "x"}]


def test_the_list_is_that_of_the_desk(api, text):
    api.submit(text("low"))
    api.submit(text("high"), priority=5)
    assert [each["name"] for each in api.get("/v1/studies", "eve").json()["studies"]] == ["high", "low"]
    assert isinstance(api.desk, Desk)
    assert isinstance(api.tokens, Tokens)
