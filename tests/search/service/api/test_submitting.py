"""Tables and studies that arrive: what is accepted, what is refused by name, and how much."""

import gzip
import json
from pathlib import Path
from types import SimpleNamespace

import anyio
import pytest

from search.errors import StudyError
from search.service.api import bodies, sources, studies
from search.service.api.problems import Problem
from search.service.data_copies import Copies
from search.service.limits import Limits
from search.service.place import Place
from search.toml import reading

TABLE = b"a,b,y\n" + b"".join(b"%d,%d,%s\n" % (i, i % 3, b"xz"[i % 2 : i % 2 + 1]) for i in range(40))
OWN = '\ntarget = "y"\n'


def on(text, source, name="own"):
    """Return a study of a table whose target is y."""
    return text(name, source).replace('task = "classification"', 'task = "classification"\ntarget = "y"')


def upload(api, content=TABLE, name="t.csv", who="ann", **more):
    return api.post("/v1/data", who, params={"name": name}, content=content, **more)


# --------------------------------------------------------------------------------------------------------------- studies


def test_a_study_as_text_in_json(api, text):
    answer = api.submit(text(), priority=5, n_trials=7, timeout=60.5)
    assert answer.status_code == 201
    found = answer.json()
    assert [found[key] for key in ("name", "owner", "state", "priority", "n_trials", "timeout")] == [
        "wine",
        "ann",
        "queued",
        5,
        7,
        60.5,
    ]
    assert api.get("/v1/studies/wine", "eve").json() == found


def test_a_study_as_toml_with_the_rest_in_the_address(api, text):
    answer = api.post(
        "/v1/studies?priority=-5&n_trials=7&timeout=2",
        "ann",
        content=text(),
        headers={"Content-Type": "application/toml; charset=utf-8"},
    )
    assert answer.status_code == 201
    assert [answer.json()[key] for key in ("priority", "n_trials", "timeout")] == [-5, 7, 2]


def test_a_study_as_tables(api):
    tables = {"search": {"n_trials": 2}, "data": {"source": "sklearn:wine", "task": "classification"}, "name": "wine"}
    tables |= {"space": [{"alpha": [0.1, 0.2]}, {"solver": ["sgd"]}], "model": {"hidden_layer_sizes": [4, 2]}}
    assert api.post("/v1/studies", "ann", json={"study": tables}).status_code == 201
    assert reading.loads(api.desk.queue.get("wine").text) == tables


def test_the_same_study_again_is_known_and_gets_what_is_asked(api, text):
    assert api.submit(text()).status_code == 201
    again = api.submit(text(), priority=3)
    assert (again.status_code, again.json()["priority"]) == (200, 3)


def test_another_study_of_the_name_is_a_conflict(api, text):
    api.submit(text())
    api.refused(api.submit(text(source="sklearn:iris")), 409, "already used by another study")


def test_a_study_of_somebody_else_is_not_changed_by_submitting_it_again(api, text):
    api.submit(text(), "ann")
    api.refused(api.submit(text(), "bob", priority=5), 403, "it was submitted by ann")
    assert api.get("/v1/studies/wine").json()["priority"] == 0
    assert api.submit(text(), "root", priority=50).status_code == 200
    assert api.get("/v1/studies/wine").json()["owner"] == "ann"


@pytest.mark.parametrize(
    "source",
    [
        *("/etc/passwd", "../../x.csv", "x.csv", "~/x.csv", "", "\\\\host\\share", "C:\\x.csv"),
        *("file:///etc/passwd", "SKLEARN:wine", "http://example.org/x.csv", "sqlite:///queue.db?table=tokens"),
        *("postgresql://host/db?table=x", "data:", "data:..", "data:x", f"data:{'0' * 64}", f"data:{'0' * 64}/../../x"),
        *("sklearn:", "sklearn:../x", "sklearn:wine/..", "sklearn:nothing", "shared:x.csv"),
    ],
)  # fmt: skip
def test_sources_that_are_not_allowed(api, text, source):
    found = api.refused(api.submit(text(source=source.replace("\\", "\\\\"))), 422)
    assert "[data] source = " in found["detail"]
    assert "allowed are" in found["detail"]
    assert found["key"] == "[data] source"
    assert api.get("/v1/studies").json() == {"studies": []}


@pytest.mark.parametrize("name", ["../x", "a/b", ".x", "x\\u0000", "x" * 300, "con", "default", "", "a b", "x\\n"])
def test_names_that_no_study_has(api, text, name):
    api.refused(api.submit(text(name)), 422, "name = ")


def test_what_a_study_file_gets_wrong_is_told_by_key_and_value(api, text):
    found = api.refused(api.submit(text(more="n_seeds = 0\n")), 422, "[search] n_seeds")
    assert (found["key"], found["value"]) == ("[search] n_seeds", "0")
    found = api.refused(api.submit(text().replace("max_iter = 5", 'solver = "sdg"')), 422)
    assert (found["key"], found["value"]) == ("[model] solver", "'sdg'")
    assert "adam" in found["allowed"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "the body is no JSON"),
        (b"{", "the body is no JSON"),
        (b"[1]", "it must be"),
        (b"null", "it must be"),
        (b"\xff", "allowed is UTF-8"),
        (b"[" * 100_000, "the body is nested too deep"),
        (b"1" * 5000, "the body is no JSON"),
        (b'{"toml": NaN}', "NaN is no number of JSON"),
        (b'{"toml": "\\ud800"}', "half of a surrogate pair"),
        (b'{"study": {"name": "\\udfff"}}', "half of a surrogate pair"),
        (b"{}", "needs either toml"),
        (b'{"toml": "", "study": {}}', "needs either toml"),
        (b'{"toml": 1}', "toml = 1; it must be a valid string"),
        (b'{"toml": "x", "quota": 1}', "quota is not a key here"),
        (b'{"toml": "x", "priority": 101}', "priority = 101; it must be less than or equal to 100"),
        (b'{"toml": "x", "priority": true}', "priority = True; it must be a valid integer"),
        (b'{"toml": "x", "n_trials": 0}', "n_trials = 0; it must be greater than or equal to 1"),
        (b'{"toml": "x", "timeout": 0}', "timeout = 0; it must be greater than 0"),
        (b'{"study": {"name": null}}', "None cannot be written in a study file"),
        (b'{"study": {"a": ' + b"[" * 40 + b"]" * 40 + b"}}", "study is nested too deep"),
        (b'{"toml": "name = "}', "is not valid TOML"),
    ],
)
def test_bodies_that_are_no_study(api, body, told):
    api.refused(api.post("/v1/studies", "ann", content=body, headers={"Content-Type": "application/json"}), 422, told)


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonx"]
)
def test_other_kinds_of_bodies(api, kind):
    found = api.refused(
        api.post("/v1/studies", "ann", content=b"x", headers={"Content-Type": kind}), 415, "application/toml"
    )
    assert found["allowed"] == ["application/json", "application/toml"]


def test_budgets_above_the_limits(serve_api, text):
    api = serve_api(n_trials=2, timeout=5.0, priority=1)
    for asked in ({"n_trials": 3}, {"timeout": 5.1}, {"priority": 2}):
        found = api.refused(api.submit(text(), **asked), 422, "allowed here are")
        assert found["key"] in asked
        api.refused(api.ask("PATCH", "/v1/studies/wine", "ann", json=asked), 422, "allowed here are")
    api.refused(api.submit(text().replace("n_trials = 2", "n_trials = 3")), 422, "n_trials = 3")
    api.refused(api.submit(text(more="timeout = 6\n")), 422, "timeout = 6")
    assert api.submit(text(more="timeout = 5\n"), n_trials=2, timeout=5.0, priority=1).status_code == 201
    assert api.submit(text("more").replace("n_trials = 2", "n_trials = 3"), n_trials=1).status_code == 201, (
        "what is asked for counts"
    )
    assert api.submit(text("high"), "root", priority=100).status_code == 201


def test_studies_of_a_token_and_of_all(serve_api, text, queue):
    api = serve_api(queued_of_all=3)
    api.secrets["cat"] = api.tokens.make("cat", "submit", 1)
    assert api.submit(text("one"), "cat").status_code == 201
    answer = api.submit(text("two"), "cat")
    api.refused(answer, 429, "cat has 1 studies that have not ended")
    assert answer.headers["retry-after"] == "30"
    assert api.submit(text("one"), "cat").status_code == 200
    api.post("/v1/studies/one/cancel", "cat")
    assert api.submit(text("two"), "cat").status_code == 201
    api.refused(api.ask("PATCH", "/v1/studies/one", "cat", json={"priority": 1}), 429, "cat has 1 studies")
    assert api.submit(text("three"), "root").status_code == 201
    assert api.submit(text("four"), "root").status_code == 201
    api.refused(api.submit(text("five"), "root"), 429, "the queue has 3 studies")


def test_a_study_file_as_large_as_allowed(serve_api, text):
    content = text()
    api = serve_api(study_bytes=len(content))
    toml = {"Content-Type": "application/toml"}
    assert api.post("/v1/studies", "ann", content=content, headers=toml).status_code == 201
    found = api.refused(api.post("/v1/studies", "ann", content=content + "\n", headers=toml), 413)
    assert found["allowed"] == len(content)
    pieces = iter([content.encode(), b"\n"])  # without a length that is told before
    api.refused(api.post("/v1/studies", "ann", content=pieces, headers=toml), 413)


# ------------------------------------------------------------------------------------------------------------------ data


def test_a_table_is_uploaded_and_studied(api, text):
    answer = upload(api)
    assert (answer.status_code, answer.json()["bytes"]) == (201, len(TABLE))
    address = answer.json()["data"]
    assert upload(api).json()["data"] == address
    found = api.submit(on(text, address))
    assert (found.status_code, found.json()["data"]) == (201, address), found.text
    stored = reading.loads(api.desk.queue.get("own").text)["data"]["source"]
    assert stored == f"data/{address.removeprefix('data:')}/t.csv"
    assert api.submit(on(text, address, "other"), "bob").status_code == 201, "who knows the hash has had the data"


@pytest.mark.parametrize(
    "name", ["../../../../x.csv", "/etc/passwd", "..", ".", "\\x.csv", "a\x00b.csv", "-rf.csv", "x" * 200]
)
def test_names_of_tables_are_no_paths(api, name):
    before = sorted(Path().rglob("*"))
    digest = upload(api, b"a\n1\n" + name.encode(), name).json()["data"].removeprefix("data:")
    (stored,) = (api.desk.place.data / digest).iterdir()
    assert stored.parent.parent == api.desk.place.data
    assert stored.name.isprintable()
    assert not set(stored.name) & set("/\\ ")
    assert sorted(Path().rglob("*")) == before


@pytest.mark.parametrize(
    ("params", "told"), [({}, "name is missing"), ({"name": ""}, "name = ''"), ({"name": "x" * 201}, "name = ")]
)
def test_an_upload_needs_a_name(api, params, told):
    api.refused(api.post("/v1/data", "ann", params=params, content=TABLE), 422, told)


def test_uploads_as_large_as_allowed(serve_api):
    api = serve_api(data_bytes=len(TABLE), stored_bytes=10**9)
    assert upload(api).status_code == 201
    api.refused(upload(api, TABLE + b"1"), 413)
    api.refused(upload(api, iter([TABLE, b"1"])), 413)
    api.refused(api.post("/v1/data?name=t.csv", "ann", content=b"", headers={"Content-Length": "9" * 5000}), 413)
    api.refused(upload(api, b""), 422, "the body is empty")
    assert [path for path in api.desk.place.data.iterdir() if path.name.startswith(".")] == [], (
        "nothing is left of them"
    )


def test_a_length_that_is_too_large_is_refused_before_a_byte_is_read():
    for length in ("11", "9" * 5000):
        request = SimpleNamespace(headers={"content-length": length}, stream=lambda: pytest.fail("it was read"))
        with pytest.raises(Problem) as found:
            anyio.run(bodies.whole, request, 10, 1.0)
        assert found.value.status == 413


def test_uploads_of_all_together(serve_api):
    copies = Copies(serve_api().desk.place.data)
    copies.add("t.csv", [TABLE])
    assert copies.total >= len(TABLE)
    api = serve_api_again(serve_api, copies.total)
    api.refused(upload(api, TABLE + b"2"), 507, "which is what this service keeps")
    assert upload(serve_api_again(serve_api, copies.total + 1), TABLE + b"3").status_code == 201


def serve_api_again(serve_api, stored_bytes):
    api = serve_api(stored_bytes=stored_bytes)
    api.tokens.withdraw("ann")
    api.secrets["ann"] = api.tokens.make("ann", "submit")
    return api


def test_tables_with_as_many_rows_and_cells_as_allowed(serve_api, text):
    api = serve_api(rows=40, cells=120)
    address = upload(api).json()["data"]
    assert api.submit(on(text, address)).status_code == 201
    row = upload(api, TABLE + b"1,2,x\n").json()["data"]
    api.refused(
        api.submit(on(text, row, "row")),
        422,
        "has 41 rows or more and 3 columns; allowed here are 40 rows and 120 cells",
    )
    wide = upload(api, TABLE.replace(b"\n", b",1\n")).json()["data"]
    api.refused(api.submit(on(text, wide, "wide")), 422, "40 rows or more and 4 columns")


def test_rows_are_counted_apart_from_cells(serve_api, text):
    api = serve_api(rows=39)
    api.refused(api.submit(on(text, upload(api).json()["data"])), 422, "has 40 rows or more")
    assert api.submit(text()).status_code == 201, "data sets of scikit-learn are small"


def test_no_more_is_unpacked_than_is_counted(tmp_path):
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(bytes(10_000_000)))
    assert 1000 < sources.unpacked(path, 1000) < 10_000_000
    (tmp_path / "t.csv").write_bytes(TABLE)
    assert sources.unpacked(tmp_path / "t.csv", 10) == 0


def test_packed_tables_are_unpacked_as_far_as_allowed(serve_api, text):
    api = serve_api(unpacked_bytes=len(TABLE))
    assert api.submit(on(text, upload(api, gzip.compress(TABLE), "t.csv.gz").json()["data"])).status_code == 201
    bomb = gzip.compress(TABLE + b"1,2,x\n" * 100_000)
    api.refused(api.submit(on(text, upload(api, bomb, "b.csv.gz").json()["data"], "bomb")), 422, "unpacks to")


def test_a_table_that_is_none(api, text):
    address = upload(api, b"PK\x03\x04 nonsense", "t.xlsx").json()["data"]
    found = api.refused(api.submit(on(text, address)), 422)
    assert "cannot be read" in found["detail"]


def test_a_body_that_does_not_come_is_not_waited_for(serve_api):
    api = serve_api(body_seconds=0.05)

    async def never(most=10):
        class Slow:
            def __init__(self):
                self.headers = {}

            async def stream(self):
                yield b"a"
                await anyio.sleep(60)

        return await bodies.whole(Slow(), most, 0.05)

    with pytest.raises(Problem, match="did not arrive within") as found:
        anyio.run(never)
    assert found.value.status == 408
    assert upload(api).status_code == 201


# ---------------------------------------------------------------------------------------------------------------- shared


@pytest.fixture
def shared(tmp_path):
    folder = tmp_path / "shared"
    folder.mkdir()
    (folder / "t.csv").write_bytes(TABLE)
    (folder / ".hidden.csv").write_bytes(TABLE)
    (folder / "inner").mkdir()
    (folder / "inner" / "t.csv").write_bytes(TABLE)
    (tmp_path / "secret.csv").write_bytes(TABLE)
    (folder / "link.csv").symlink_to(tmp_path / "secret.csv")
    return folder


def test_files_of_the_shared_folder(serve_api, shared, text):
    api = serve_api(shared=shared)
    answer = api.submit(on(text, "shared:t.csv"))
    assert answer.status_code == 201, answer.text
    (shared / "t.csv").write_bytes(b"changed")
    stored = api.desk.place.folder / reading.loads(api.desk.queue.get("own").text)["data"]["source"]
    assert stored.read_bytes() == TABLE


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../secret.csv",
        "inner",
        "inner/t.csv",
        "link.csv",
        ".hidden.csv",
        "T.CSV",
        "./t.csv",
        "t.csv/",
        "/etc/passwd",
    ],
)
def test_nothing_else_is_shared(serve_api, shared, text, name):
    api = serve_api(shared=shared)
    found = api.refused(api.submit(on(text, f"shared:{name}")), 422)
    assert "allowed are shared:t.csv" in found["detail"]


def test_a_link_that_came_after_the_look_is_not_followed(shared, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "files", lambda folder: {"link.csv": folder / "link.csv"})
    with pytest.raises(StudyError, match="cannot be read"):
        sources._shared(Copies(tmp_path), shared, "shared:link.csv")


def test_a_shared_folder_that_is_gone_or_empty(serve_api, tmp_path, text):
    api = serve_api(shared=tmp_path / "gone")
    api.refused(api.submit(on(text, "shared:t.csv")), 422, "the shared folder cannot be read")
    (tmp_path / "gone").mkdir()
    api.refused(api.submit(on(text, "shared:t.csv")), 422, "the shared folder has no files")


# --------------------------------------------------------------------------------------------------------------- changes


def test_a_study_is_changed_paused_resumed_and_cancelled(api, text):
    api.submit(text())
    assert (
        api.ask("PATCH", "/v1/studies/wine", "ann", json={"priority": 4, "n_trials": 9, "timeout": 3}).json()[
            "n_trials"
        ]
        == 9
    )
    states = [api.post(f"/v1/studies/wine/{each}", "ann").json()["state"] for each in ("pause", "resume", "cancel")]
    assert states == ["paused", "queued", "cancelled"]
    found = api.refused(api.post("/v1/studies/wine/pause", "ann"), 409, "it cannot be paused")
    assert found["allowed"] == ["submit"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "nothing to change"),
        ({"state": "done"}, "state is not a key here"),
        ({"n_trials": "9"}, "n_trials = '9'"),
        ({"timeout": None}, "nothing to change"),
    ],
)
def test_changes_that_are_none(api, text, body, told):
    api.submit(text())
    api.refused(api.ask("PATCH", "/v1/studies/wine", "ann", json=body), 422, told)


def test_studies_of_others_stay_as_they_are(api, text):
    api.submit(text(), "ann")
    for action in ("pause", "cancel"):
        api.refused(api.post(f"/v1/studies/wine/{action}", "bob"), 403, "it was submitted by ann")
    api.refused(api.ask("PATCH", "/v1/studies/wine", "bob", json={"priority": 1}), 403)
    assert api.get("/v1/studies/wine").json()["state"] == "queued"
    assert api.post("/v1/studies/wine/pause", "root").json()["state"] == "paused"


def test_studies_that_are_not_there(api):
    for method, path in (
        ("GET", ""),
        ("PATCH", ""),
        ("POST", "/pause"),
        ("GET", "/events"),
        ("GET", "/log"),
        ("GET", "/trials"),
    ):
        more = {"json": {"priority": 1}} if method == "PATCH" else {}
        api.refused(api.ask(method, f"/v1/studies/none{path}", **more), 404, "study 'none'")
    for name in ("..", "%2e%2e", "a%2fb", "%00", "x" * 201, "a%20b", ".journal"):
        api.refused(api.get(f"/v1/studies/{name}/log"), 404)
    for name in ("%00", "x" * 201, "a%20b", ".journal", "a%5cb"):  # names that would be other files are not looked for
        api.refused(api.get(f"/v1/studies/{name}/log"), 404, "allowed are letters, digits")


def test_too_much_that_waits(serve_api, text):
    api = serve_api(waiting=0)
    answer = api.submit(text())
    api.refused(answer, 429, "too much to do")
    assert int(answer.headers["retry-after"]) >= 5
    assert api.get("/v1/studies").status_code == 200, "what is quick may wait"


def test_tables_of_json_as_a_study_file():
    tables = {
        "name": "a b",
        "data": {"source": 'x"y', "na_values": ["", "\n"]},
        "odd key": {"x": {"y": [1, {"z": 0.5}]}},
        "empty": {},
    }
    assert reading.loads(studies.as_toml(tables)) == tables
    with pytest.raises(StudyError, match="nested too deep"):
        studies.as_toml(json.loads("[" * 20 + "]" * 20) and {"a": json.loads("[" * 20 + "]" * 20)})


def test_limits_by_default_are_those_of_the_documents():
    assert Limits().study_bytes == reading.MOST_BYTES


@pytest.mark.parametrize("inside", ["", "data"])
def test_the_folder_of_the_service_itself_is_not_shared(tmp_path, inside):
    place = Place(tmp_path / "studies" / "service").made()
    with pytest.raises(StudyError, match=r"is the service's own; allowed are folders that hold nothing but tables$"):
        sources.check_shared(place.folder / inside, place)
    (tmp_path / "link").symlink_to(place.folder / inside)
    with pytest.raises(StudyError, match="is the service's own"):
        sources.check_shared(tmp_path / "link", place)
    sources.check_shared(tmp_path, place)


def test_what_is_shared_is_a_folder(tmp_path):
    with pytest.raises(StudyError, match=r"^--data .*gone is no folder; allowed are folders with tables$"):
        sources.check_shared(tmp_path / "gone", Place(tmp_path / "service"))
