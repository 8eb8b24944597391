"""Every tool, asked by the SDK's own client; what is listed; errors in one line; answers of a bounded size."""

import json
import os
import re
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp import Client, MCPError

from search.catalog.entries import Entry
from search.loop.journal import Stored
from search.service.external.asking import Asking
from search.service.external.results import Told
from search.service.mcp import answers, resources, serving, tools
from search.service.mcp.reading import READING
from search.service.mcp.server import server
from search.service.mcp.writing import MOST_STUDIES, WRITING
from search.service.place import Place
from search.service.queue import Queue

PAGE = (Path(__file__).parents[4] / "docs" / "assistants.md").read_text(encoding="utf-8")
TREES = 'name = "trees"\ndirection = "minimize"\n[space]\ndepth = [2, 4, 8]\n'
STUDY = 'name = "{name}"\n[data]\nsource = "{source}"\ntarget = "price"\ntask = "regression"\n[search]\nn_trials = 3\n'


class Assistant:
    """A client of a server in this process."""

    def __init__(self, *, write: bool) -> None:
        self.server = server(serving.desk_of(Place(), write=write), write=write)

    def does(self, ask):
        async def main():
            async with Client(self.server) as client:
                try:
                    return await ask(client), None
                except MCPError as error:  # out of this block it would be one of a group
                    return None, error

        result, error = anyio.run(main)
        if error is not None:
            raise error
        return result

    def call(self, tool, /, **arguments):
        """Return whether a call failed, and the text of its answer."""
        result = self.does(lambda client: client.call_tool(tool, arguments))
        (content,) = result.content
        return result.is_error, content.text

    def answer(self, tool, /, **arguments):
        failed, text = self.call(tool, **arguments)
        assert not failed, text
        return json.loads(text)

    def error(self, tool, /, **arguments):
        failed, text = self.call(tool, **arguments)
        assert failed
        assert len(text.splitlines()) == 1
        return text


@pytest.fixture
def reader(homes):
    return Assistant(write=False)


@pytest.fixture
def writer(homes):
    return Assistant(write=True)


def test_tools_that_write_are_listed_only_if_they_are_allowed(reader, writer):
    for assistant, expected in ((reader, READING), (writer, READING | WRITING)):
        listed = assistant.does(lambda client: client.list_tools()).tools
        assert [tool.name for tool in listed] == list(expected)
        for tool in listed:
            assert tool.annotations.read_only_hint is (tool.name in READING)
            assert tool.annotations.destructive_hint is (tool.name == "cancel_study")


def test_what_a_model_reads_of_each_tool(writer):
    for tool in writer.does(lambda client: client.list_tools()).tools:
        assert len(tool.description) > 80
        assert not re.search(r"\n[a-z]", tool.description.partition("Example:")[0])
        schema = tool.input_schema
        assert schema["additionalProperties"] is False
        assert "title" not in schema
        for argument in schema["properties"].values():
            inner = [argument, *argument.get("anyOf", [])]
            assert any("description" in each for each in inner), argument
            if "integer" in (each.get("type") for each in inner):
                assert any("minimum" in each and "maximum" in each for each in inner), argument


def test_each_tool_has_its_row_in_the_documents():
    for table, title in ((READING, "What an assistant can ask"), (WRITING, "What it can do, if you let it")):
        section = PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]
        assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == list(table)
    assert f"{answers.MOST:,} characters" in PAGE
    assert f"at most {MOST_STUDIES} of these studies" in PAGE


@pytest.mark.parametrize("name", WRITING)
def test_a_tool_that_is_not_listed_cannot_be_called(reader, homes, name):
    assert reader.error(name, name="homes").startswith(f"there is no tool {name!r}")
    assert not (homes / "studies" / "service").exists()


def test_reading_makes_no_file(reader, homes):
    before = sorted(homes.rglob("*"))
    for name in ("list_studies", "findings", "report", "describe_study"):
        reader.call(name, **({} if name == "list_studies" else {"name": "homes"}))
    assert sorted(homes.rglob("*")) == before


def test_a_service_that_begins_later_is_seen(reader, homes):
    assert reader.answer("list_studies")["studies"][0]["state"] == "not queued"
    Assistant(write=True).answer("submit_study", toml=STUDY.format(name="later", source="homes.csv"))
    assert [study["state"] for study in reader.answer("list_studies")["studies"]] == ["queued", "not queued"]


class TestReading:
    """Each tool that only reads."""

    def test_list_studies(self, writer):
        (found,) = writer.answer("list_studies")["studies"]
        assert found["trials"] == {"ok": 2, "stopped": 0, "diverged": 2, "error": 0}
        writer.answer("submit_study", toml=Path("homes.toml").read_text())
        (queued,) = writer.answer("list_studies")["studies"]
        assert (queued["state"], queued["trials"], queued["best"]) == ("queued", found["trials"], found["best"])
        writer.answer("submit_study", toml=STUDY.format(name="a", source="homes.csv"), priority=7)
        page = writer.answer("list_studies", most=1)
        assert [study["name"] for study in page["studies"]] == ["a"]
        assert (page["total"], page["next"]) == (2, 1)
        assert [study["name"] for study in writer.answer("list_studies", first=1)["studies"]] == ["homes"]

    def test_describe_study(self, writer):
        found = writer.answer("describe_study", name="homes")
        assert found["status"] is None
        assert found["best"]["number"] in (0, 2)
        assert found["baselines"][0]["name"] == "dummy predictor"
        assert any("linear model" in sentence for sentence in found["judgment"])
        assert found["file"].startswith('name = "homes"\n[data]\n')
        assert found["versions"][0]["version"] == 1
        writer.answer("submit_study", toml=Path("homes.toml").read_text())
        assert writer.answer("describe_study", name="homes")["status"]["state"] == "queued"
        writer.answer("submit_study", toml=STUDY.format(name="a", source="homes.csv"))
        assert writer.answer("describe_study", name="a")["note"] == "no trial has finished yet"

    def test_list_trials(self, reader):
        found = reader.answer("list_trials", name="homes")
        assert [trial["number"] for trial in found["trials"]] == [0, 1, 2, 3]
        assert found["metric"] == "root mean squared error"
        first, second = found["trials"][:2]
        assert first["score"] > 0
        assert (second["cause"], "score" in second) == ("exploding_step", False)
        assert second["params"] == {"hidden_layer_sizes": [2], "learning_rate_init": 50.0}
        ranked = reader.answer("list_trials", name="homes", order="score", verdict="ok")["trials"]
        assert [trial["score"] for trial in ranked] == sorted(trial["score"] for trial in ranked)
        assert {trial["verdict"] for trial in ranked} == {"ok"}
        page = reader.answer("list_trials", name="homes", first=1, most=2, verdict="diverged")
        assert ([trial["number"] for trial in page["trials"]], page["total"], "next" in page) == ([3], 2, False)

    def test_explain_trial(self, reader):
        found = reader.answer("explain_trial", name="homes", number=1)
        assert found["verdict"] == "diverged"
        (finding, *_) = found["findings"]
        assert finding["change"] == {"learning_rate_init": 5.0}
        assert finding["remedy"].startswith("Lower the learning rate")
        assert found["greater_is_better"] is False
        assert "training loss" in found["curves"]
        healthy = reader.answer("explain_trial", name="homes", number=0)
        assert healthy["findings"] == []
        assert healthy["curves"]["training loss"]["epochs"] == 8
        assert healthy["score"] > 0

    def test_findings(self, reader):
        found = reader.answer("findings", name="homes")
        assert (found["diverged"], sum(found["trials"].values())) == (2, 4)
        (cause,) = found["causes"]
        assert (cause["code"], cause["count"], cause["trials"]) == ("exploding_step", 2, [1, 3])

    def test_compare(self, reader):
        found = reader.answer("compare", names=["homes", "homes/1"])
        assert found["names"] == ["homes", "homes/1"]
        assert len(found["sentences"]) == 1

    def test_predict(self, reader):
        rows = [{"area": "150"}, {"area": 50, "rooms": 3}, {"rooms": None, "area": 10.5}]
        found = reader.answer("predict", name="homes", rows=rows)["predictions"]
        assert [list(row) for row in found] == [["predicted_price"]] * 3
        assert found[1] == reader.answer("predict", name="homes", rows=rows[1:2])["predictions"][0]
        assert found[1] != reader.answer("predict", name="homes", rows=[{"area": 50}])["predictions"][0]
        assert reader.error("predict", name="homes", rows=[{"x": 1}]).startswith("rows: it has none of the columns")
        assert "probabilities" in reader.error("predict", name="homes", rows=rows, probabilities=True)
        assert "--" not in reader.error("predict", name="homes", rows=rows, probabilities=True)

    def test_report(self, reader):
        failed, text = reader.call("report", name="homes")
        assert not failed
        assert text.startswith("**homes**: 4 trials by grid search, 3 folds")
        assert "Diverged: 2 of 4 trials" in text

    def test_a_study_that_clients_train(self, reader):
        with closing(Queue(Place())) as queue, closing(Asking(queue)) as asking:
            asking.submit(TREES)
            asking.ask("trees")
            asking.tell("trees", 0, Told(score=1.0))
        told = reader.error("report", name="trees")
        assert told == "study 'trees' is trained by clients: a report tells of networks; use list_trials"
        read = reader.does(lambda client: client.read_resource("bpsearch://studies/trees/file"))
        assert read.contents[0].text == TREES


class TestWriting:
    """Each tool that changes something, by the states of the queue."""

    def test_from_submission_to_its_end(self, writer):
        text = STUDY.format(name="a", source="homes.csv")
        found = writer.answer("submit_study", toml=text, priority=3, n_trials=9, timeout=60)
        assert (found["state"], found["priority"], found["n_trials"], found["timeout"]) == ("queued", 3, 9, 60.0)
        assert (found["owner"], found["data"][:5]) == ("assistant", "data:")
        assert writer.answer("change_study", name="a", priority=-5)["priority"] == -5
        assert writer.answer("pause_study", name="a")["state"] == "paused"
        assert writer.error("pause_study", name="a") == (
            "study 'a' is paused: it cannot be paused; allowed are submit, resume, cancel"
        )
        assert writer.answer("resume_study", name="a")["state"] == "queued"
        assert writer.answer("cancel_study", name="a")["state"] == "cancelled"
        assert writer.error("change_study", name="a") == "nothing to change; allowed are priority, n_trials, timeout"
        assert writer.answer("change_study", name="a", n_trials=4)["state"] == "queued"

    def test_built_in_data(self, writer):
        text = 'name = "a"\n[data]\nsource = "sklearn:{}"\ntask = "regression"\n'
        assert writer.answer("submit_study", toml=text.format("diabetes"))["data"] == "sklearn:diabetes"
        assert writer.error("submit_study", toml=text.format("x")).startswith(
            "[data] source = 'sklearn:x'; allowed are"
        )

    @pytest.mark.parametrize(
        ("source", "told"),
        [
            ("/etc/passwd", "is outside of the current folder"),
            ("../homes.csv", "is outside of the current folder"),
            ("a/../../homes.csv", "is outside of the current folder"),
            ("sqlite:///homes.db?table=a", "is an address"),
            ("postgresql://host/db?table=a", "is an address"),
            ("https://host/homes.csv", "is an address"),
            (".env", "is hidden"),
            (".ssh/homes.csv", "is hidden"),
            ("studies/service/token", "is in the folder of the studies"),
            ("studies/service/data/x.csv", "is in the folder of the studies"),
            ("homes.toml", "is no table by its name"),
            ("secrets", "is no table by its name"),
            ("secrets.gz", "is no table by its name"),
            ("link.csv", "is a link"),
            ("folder/homes.csv", "is a link"),
            ("none.csv", "does not exist"),
            ("folder.csv", "is no file"),
            ("pipe.csv", "is no file"),
            ("x" * 300 + ".csv", "cannot be read"),
            ("data:" + "0" * 64, "is no table by its name"),
        ],
    )
    def test_sources_that_are_refused(self, writer, homes, source, told):
        (homes / "link.csv").symlink_to(homes / "homes.csv")
        (homes / "folder").symlink_to(homes)
        (homes / "folder.csv").mkdir()
        (homes / "studies" / "service" / "data").mkdir(parents=True, exist_ok=True)
        os.mkfifo(homes / "pipe.csv")
        error = writer.error("submit_study", toml=STUDY.format(name="a", source=source))
        assert error.startswith("[data] source = ")
        assert f" {told}; allowed are sklearn:NAME and tables inside of the current folder" in error
        assert writer.answer("list_studies")["total"] == 1

    def test_tables_in_folders(self, writer, homes):
        (homes / "data").mkdir()
        (homes / "homes.csv").rename(homes / "data" / "homes.csv")
        assert writer.answer("submit_study", toml=STUDY.format(name="a", source="data/homes.csv"))["state"] == "queued"

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("x", "study: is not valid TOML"),
            ("", "study: name is missing"),
            (STUDY.format(name="../a", source="homes.csv"), "study: name = '../a'; allowed are letters"),
            (STUDY.format(name="a", source="homes.csv") + "[cv]\nkind = 'x'\n", "[cv] kind = 'x'"),
        ],
    )
    def test_studies_that_are_refused(self, writer, text, told):
        assert told in writer.error("submit_study", toml=text)

    def test_another_study_of_the_same_name(self, writer):
        text = STUDY.format(name="a", source="homes.csv")
        writer.answer("submit_study", toml=text)
        assert "already used by another study" in writer.error("submit_study", toml=text + "[cv]\nn_splits = 2\n")

    def test_studies_of_assistants_are_limited(self, writer, monkeypatch):
        monkeypatch.setattr("search.service.mcp.writing.MOST_STUDIES", 1)
        assert MOST_STUDIES == 20
        writer.answer("submit_study", toml=STUDY.format(name="a", source="homes.csv"))
        error = writer.error("submit_study", toml=STUDY.format(name="b", source="homes.csv"))
        assert error == "assistant has 1 studies that have not ended; allowed are 1: wait, or cancel one"


MISTAKES = {
    ("list_trials", "{}"): "list_trials: name is missing",
    ("list_trials", '{"nam": "a"}'): "list_trials: nam is no argument (did you mean name?); allowed are name, first,",
    ("list_trials", '{"name": "hom"}'): "there is no journal of a study 'hom' (did you mean homes?); allowed are homes",
    ("list_trials", '{"name": "../a"}'): "list_trials: name = '../a'; allowed are letters, digits,",
    ("list_trials", '{"name": "homes", "most": 0}'): "list_trials: most = 0; it must be greater than or equal to 1",
    ("list_trials", '{"name": "homes", "most": 101}'): "list_trials: most = 101; it must be less than or equal to 100",
    ("list_trials", '{"name": "homes", "order": "x"}'): "list_trials: order = 'x'; it must be 'number' or 'score'",
    (
        "explain_trial",
        '{"name": "homes", "number": 9}',
    ): "trial 9: study 'homes' has no such trial; its 4 trials are 0 to 3",
    (
        "explain_trial",
        '{"name": "homes", "number": -1}',
    ): "explain_trial: number = -1; it must be greater than or equal",
    ("compare", '{"names": ["homes"]}'): "compare: names = ['homes']; list should have at least 2 items",
    (
        "compare",
        '{"names": ["homes", "../x"]}',
    ): "compare: names[1] = '../x'; allowed are NAME and NAME/VERSION, such as",
    ("compare", '{"names": ["homes", "-x/1"]}'): "compare: names[1] = '-x/1'; allowed are letters, digits,",
    ("compare", '{"names": ["homes", "a/b"]}'): "compare: names[1] = 'a/b'; allowed are NAME and NAME/VERSION, such as",
    (
        "compare",
        '{"names": ["homes", "homes.toml"]}',
    ): "compare: names[1] = 'homes.toml'; allowed are names of studies, not",
    ("compare", '{"names": ["homes", "home"]}'): "there is no study 'home' (did you mean homes?); allowed are homes",
    ("predict", '{"name": "homes", "rows": []}'): "predict: rows = []; list should have at least 1 item",
    ("predict", '{"name": "homes", "rows": [{"a": [1]}]}'): "predict: rows[0][a][str] = [1]; it must be a valid string",
    ("predict", '{"name": "none", "rows": [{"a": 1}]}'): "there is no registered model 'none'",
    ("nothing", "{}"): "there is no tool 'nothing'; allowed are list_studies, describe_study",
}


@pytest.mark.parametrize(("tool", "arguments"), MISTAKES)
def test_a_mistake_is_told_in_one_line(reader, tool, arguments):
    assert reader.error(tool, **json.loads(arguments)).startswith(MISTAKES[tool, arguments])


def test_a_fault_of_ours_is_one_line_too(reader, monkeypatch, caplog):
    monkeypatch.setattr("search.service.desk.Desk.findings", lambda *_: 1 / 0)
    assert reader.error("findings", name="homes") == "unexpected error: ZeroDivisionError: division by zero"


class TestResources:
    """The report and the file of each study."""

    def test_both_are_listed_and_read(self, reader):
        listed = reader.does(lambda client: client.list_resources()).resources
        assert [resource.uri for resource in listed] == [
            "bpsearch://studies/homes/report",
            "bpsearch://studies/homes/file",
        ]
        report, file = (reader.does(lambda client, r=r: client.read_resource(r.uri)).contents[0] for r in listed)
        assert (report.mime_type, file.mime_type) == ("text/html", "application/toml")
        assert report.text == Path("studies/homes.report.html").read_text(encoding="utf-8")
        assert file.text == Path("homes.toml").read_text()
        templates = reader.does(lambda client: client.list_resource_templates()).resource_templates
        assert [t.uri_template for t in templates] == [
            f"bpsearch://studies/{{name}}/{kind}" for kind in ("report", "file")
        ]

    @pytest.mark.parametrize(
        ("uri", "told"),
        [
            ("bpsearch://studies/none/report", "there is no journal of a study 'none'; allowed are homes"),
            ("bpsearch://studies/..%2F..%2Fetc/file", "there is no journal of a study '../../etc'"),
            (
                "bpsearch://studies/homes/token",
                "'bpsearch://studies/homes/token' is no resource; allowed are bpsearch:",
            ),
            ("file:///etc/passwd", "'file:///etc/passwd' is no resource"),
            ("bpsearch://studies/homes/file/../token", "is no resource"),
        ],
    )
    def test_others_are_refused(self, reader, uri, told):
        with pytest.raises(MCPError, match=re.escape(told)) as error:
            reader.does(lambda client: client.read_resource(uri))
        assert "\n" not in str(error.value)

    def test_a_report_that_is_too_large(self, reader, monkeypatch):
        monkeypatch.setattr(resources, "MOST_BYTES", 1000)
        with pytest.raises(MCPError, match=r"bytes; allowed are 1,000: open the file in a browser"):
            reader.does(lambda client: client.read_resource("bpsearch://studies/homes/report"))

    def test_a_study_whose_file_is_not_known(self, reader, monkeypatch):
        monkeypatch.setattr(Entry, "about", {})
        with pytest.raises(MCPError, match="the file of study 'homes' is not known"):
            reader.does(lambda client: client.read_resource("bpsearch://studies/homes/file"))


def test_a_large_study_is_told_in_parts(reader, make_outcome, monkeypatch):
    """Whatever a study holds, an answer stays short, and says how to get the rest."""
    params = {f"parameter_{i}": "x" * 100 for i in range(6)}
    outcomes = {n: make_outcome(n, "diverged" if n % 2 else "ok", params=params) for n in range(120)}
    entry = Entry("homes", Stored("homes", {}, outcomes, 0.0))
    monkeypatch.setattr("search.service.desk.Desk.entry", lambda *_: entry)
    seen: list[int] = []
    following = 0
    while following is not None:
        failed, text = reader.call("list_trials", name="homes", first=following, most=100)
        assert not failed
        assert len(text) <= answers.MOST
        page = json.loads(text)
        seen += [trial["number"] for trial in page["trials"]]
        following = page.get("next")
        assert ("note" in page) is (following is not None)
    assert seen == list(range(120))
    causes = reader.answer("findings", name="homes")["causes"]
    assert (causes[0]["count"], len(causes[0]["trials"])) == (60, 20)


def test_long_curves_are_told_in_short(reader, make_outcome, monkeypatch):
    losses = {"training": [float(n) for n in range(10_000)], "validation": [float("nan"), 1.0, 3.0]}
    outcome = replace(make_outcome(0), losses=losses, curve={n: -float(n) for n in range(1, 10_000)})
    monkeypatch.setattr(
        "search.service.desk.Desk.entry", lambda *_: Entry("homes", Stored("homes", {}, {0: outcome}, 0.0))
    )
    curves = reader.answer("explain_trial", name="homes", number=0)["curves"]
    assert curves["training loss"]["points"][::9] == [[1, 0.0], [10_000, 9999.0]]
    assert len(curves["training loss"]["points"]) == 10
    assert curves["validation loss"]["points"] == [[1, None], [2, 1.0], [3, 3.0]]
    assert [curves["validation loss"][end] for end in ("lowest", "highest")] == [[2, 1.0], [3, 3.0]]


VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**30), 10**30),
        st.floats(),
        st.text(max_size=30),
        st.sampled_from(["homes", "homes/1", "../homes", "ok", "score", "area", "", "\ud800", "\x1b[2J", "x" * 5000]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(["area", "rooms", "name", "\n"]), inner, max_size=3),
    ),
    max_leaves=8,
)
NAMES = ["name", "names", "number", "rows", "first", "most", "order", "verdict", "probabilities", "toml", "priority"]
NAMES += ["n_trials", "timeout", "x\ny"]


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([*READING, *WRITING, "", "x\ny"]),
    st.one_of(VALUES, st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4)),
)
def test_hostile_arguments_are_refused_or_answered_in_short(homes, name, arguments):
    """Whatever a model sends, it gets an answer, or one line of an error."""
    desk = serving.desk_of(Place(), write=False)()
    known = tools.tools(write=True)
    try:
        text, failed = tools.called(known, name, arguments, desk), False
    except ValueError as error:
        text, failed = tools.error(error), True
    assert len(text) <= answers.MOST
    assert not failed or len(text.splitlines()) <= 1
    text.encode()
