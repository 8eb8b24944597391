"""Ask and tell over HTTP: each route, its limits, its owners, and what a study has to show that clients train."""

import json
import threading

import pytest

from search.loop.journal import STUDIES, StudyStore
from search.service.api import pages
from search.service.external.asking import MOST_ASKED, Asking
from search.service.external.results import MOST_TEXT
from search.study import external
from search.study.external import LARGEST

TEXT = """\
name = "{name}"
direction = "{direction}"
metric = "rmse"
n_trials = {n_trials}
method = "random"
[space]
depth = [2, 4, 8]
rate = {{ low = 1e-3, high = 1.0, log = true }}
"""
TREES, TRIALS = "/v1/studies/trees", "/v1/studies/trees/trials"


def text(name="trees", direction="minimize", n_trials=6):
    return TEXT.format(name=name, direction=direction, n_trials=n_trials)


def opened(api, who="ann", **more):
    return api.post("/v1/external", who, json={"toml": text(**more)})


def ask(api, who="ann", **more):
    return api.post(f"{TREES}/ask", who, json=more)


def tell(api, number, who="ann", **more):
    return api.post(f"{TRIALS}/{number}", who, json=more)


@pytest.fixture
def trees(api):
    """A service with a study that is open, and two of whose trials are lent to ann."""
    assert opened(api).status_code == 201
    assert ask(api, n=2).status_code == 200
    return api


class TestOpen:
    """POST /v1/external."""

    def test_a_new_study_and_one_that_is_known(self, api):
        answer = opened(api)
        assert answer.status_code == 201
        found = answer.json()
        assert (found["kind"], found["state"], found["owner"]) == ("external", "queued", "ann")
        assert (found["metric"], found["n_trials"], found["data"]) == ("rmse", 6, "trained by clients")
        again = opened(api, n_trials=9)
        assert (again.status_code, again.json()["n_trials"]) == (200, 9)

    def test_as_toml_and_as_tables(self, api):
        headers = {"Content-Type": "application/toml"}
        written = text("a").replace("\n", "\r\n")
        assert api.post("/v1/external", "ann", content=written, headers=headers).status_code == 201
        assert api.post("/v1/external", "ann", json={"toml": written}).status_code == 200
        tables = {
            "name": "a",
            "direction": "minimize",
            "metric": "rmse",
            "n_trials": 6,
            "method": "random",
            "space": {"depth": [2, 4, 8], "rate": {"low": 1e-3, "high": 1.0, "log": True}},
        }
        assert api.post("/v1/external", "ann", json={"study": tables}).status_code == 200

    def test_one_of_both_is_needed(self, api):
        for body in ({}, {"toml": "", "study": {}}, {"toml": None, "study": None}):
            api.refused(
                api.post("/v1/external", "ann", json=body),
                422,
                "the body needs either toml, the text of a study file, or study",
            )

    def test_a_mistake_is_told_by_key_value_and_what_is_allowed(self, api):
        found = api.refused(
            api.post("/v1/external", "ann", json={"toml": text(direction="down")}), 422, "direction = 'down'"
        )
        assert (found["key"], found["value"]) == ("direction", "'down'")
        api.refused(api.post("/v1/external", "ann", json={"toml": "x = [", "n": 1}), 422, "n is not a key here")
        api.refused(api.post("/v1/external", "ann", content=b"x", headers={"Content-Type": "text/csv"}), 415)

    def test_another_study_of_the_name(self, trees, text):
        changed = TEXT.format(name="trees", direction="maximize", n_trials=6)
        found = trees.refused(trees.post("/v1/external", "ann", json={"toml": changed}), 409, "fingerprint there")
        assert found["type"] == "urn:bpsearch:problem:other-study"
        trees.refused(trees.submit(text("trees"), "ann"), 409, "fingerprint there")

    def test_somebody_elses_study(self, trees):
        found = trees.refused(opened(trees, "bob"), 403)
        assert found["type"] == "urn:bpsearch:problem:other-owner"

    def test_a_journal_of_another_study_is_no_beginning(self, api):
        """A study that was run without the queue has this name: it was found out when a trial was asked for."""
        other = external.parse(text(direction="maximize"))
        StudyStore(STUDIES / "trees.journal", "trees", other.identity, other.space).close()
        api.refused(opened(api), 422, "trees.journal")
        assert api.get("/v1/studies").json()["studies"] == []

    def test_so_many_trials(self, serve_api):
        api = serve_api(n_trials=50)
        assert opened(api, n_trials=50).status_code == 201
        found = api.refused(opened(api, n_trials=51), 422, "n_trials = 51; allowed here are whole numbers up to 50")
        assert (found["key"], found["allowed"]) == ("n_trials", "whole numbers up to 50")

    def test_so_many_studies(self, serve_api):
        api = serve_api(queued_of_all=2)
        assert [opened(api, name=name).status_code for name in ("a", "b")] == [201, 201]
        assert api.refused(opened(api, name="c"), 429)["type"] == "urn:bpsearch:problem:quota"


class TestAsk:
    """POST /v1/studies/{name}/ask."""

    def test_trials_are_lent(self, api):
        opened(api)
        answer = ask(api, n=4).json()
        assert answer["state"] == "running"
        assert [trial["number"] for trial in answer["trials"]] == [0, 1, 2, 3]
        assert {trial["params"].keys() == {"depth", "rate"} for trial in answer["trials"]} == {True}
        assert [trial["number"] for trial in ask(api, n=4).json()["trials"]] == [4, 5]
        assert ask(api).json() == {"trials": [], "state": "running"}  # all are lent

    def test_a_request_without_a_body_is_for_one_trial(self, api):
        opened(api)
        assert [trial["number"] for trial in api.post(f"{TREES}/ask", "ann").json()["trials"]] == [0]
        api.refused(api.post(f"{TREES}/ask", "ann", content=b"{}"), 415, "Content-Type")

    def test_a_key_names_the_request(self, api):
        opened(api)
        first = ask(api, n=2, key="k").json()["trials"]
        assert [trial["number"] for trial in ask(api).json()["trials"]] == [2]
        again = ask(api, n=2, key="k").json()["trials"]
        assert [(t["number"], t["params"]) for t in again] == [(t["number"], t["params"]) for t in first]

    def test_limits(self, api):
        opened(api)
        for body in ({"n": 1}, {"n": MOST_ASKED}, {"key": "k" * 100}):
            assert ask(api, **body).status_code == 200, body
        for body in ({"n": 0}, {"n": MOST_ASKED + 1}, {"n": 1.5}, {"n": True}, {"key": "k" * 101}, {"more": 1}):
            assert api.refused(ask(api, **body), 422)["type"] == "urn:bpsearch:problem:request", body

    @pytest.mark.parametrize("action", ["pause", "cancel"])
    def test_a_study_that_lends_nothing(self, api, action):
        opened(api)
        state = api.post(f"{TREES}/{action}", "ann").json()["state"]
        found = api.refused(ask(api), 409, f"study 'trees' is {state}: it lends no trials")
        assert found["type"] == "urn:bpsearch:problem:state"

    def test_a_study_of_the_service_and_none(self, api, text):
        api.refused(ask(api), 404, "there is no study 'trees'")
        api.refused(tell(api, 0, score=1.0), 404, "there is no study 'trees'")
        api.submit(text("trees"), "ann")
        for answer in (ask(api), tell(api, 0, score=1.0)):
            api.refused(answer, 422, "study 'trees' is trained by the service")

    def test_clients_that_ask_at_once_get_different_trials(self, api):
        opened(api)
        found = []
        threads = [threading.Thread(target=lambda: found.extend(ask(api, n=2).json()["trials"])) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(trial["number"] for trial in found) == list(range(6))


TAKEN = (
    {"score": LARGEST},
    {"score": -LARGEST},
    {"verdict": "stopped", "score": 0},
    {"verdict": "error", "reason": "x" * MOST_TEXT},
    {"verdict": "diverged", "epoch": 10**9, "epochs": 10**9, "loss_ratio": 1e308},
    {"score": 1, "seconds": 1e9},
)
REFUSED = (
    {},
    {"score": 1.001 * LARGEST},
    {"score": -1.001 * LARGEST},
    {"score": "1"},
    {"score": True},
    {"verdict": "fine", "score": 1},
    {"verdict": "stopped"},
    {"verdict": "error", "score": 1},
    {"verdict": "error", "reason": "x" * (MOST_TEXT + 1)},
    {"verdict": "diverged", "epoch": 10**9 + 1},
    {"verdict": "diverged", "epoch": -1},
    {"verdict": "diverged", "epochs": 10**9 + 1},
    {"verdict": "diverged", "loss_ratio": 0},
    {"score": 1, "seconds": 1.001e9},
    {"score": 1, "seconds": -1},
    {"score": 1, "more": 1},
)


class TestTell:
    """POST /v1/studies/{name}/trials/{number}."""

    def test_a_result_is_recorded_once(self, trees):
        told = {"score": 3, "epoch": 5, "epochs": 9, "seconds": 1.5}
        assert tell(trees, 0, **told).json() == {"number": 0, "recorded": True, "state": "running"}
        assert tell(trees, 0, **told).json() == {"number": 0, "recorded": False, "state": "running"}
        found = trees.refused(tell(trees, 0, score=4), 409, "verdict 'ok', score 3, epoch 5; it stays")
        assert found["type"] == "urn:bpsearch:problem:other-result"

    def test_one_without_a_score_stays_as_it_is(self, trees):
        tell(trees, 0, verdict="diverged", epoch=2)
        trees.refused(tell(trees, 0, score=4), 409, "verdict 'diverged', epoch 2; it stays")

    def test_a_trial_that_nobody_has_asked_for(self, trees):
        for number in (2, 10**9):
            told = f"trial {number} of study 'trees' has not been asked for"
            found = trees.refused(tell(trees, number, score=1), 404, told)
            assert found["type"] == "urn:bpsearch:problem:no-trial"

    def test_limits(self, trees):
        for body in REFUSED:
            trees.refused(tell(trees, 0, **body), 422)
        for content in (b'{"score": NaN}', b'{"score": Infinity}', b'{"score": 1e400}', b"[]", b"", b"1"):
            trees.refused(
                trees.post(f"{TRIALS}/0", "ann", content=content, headers={"Content-Type": "application/json"}), 422
            )
        for number in ("-1", str(10**9 + 1), "x"):
            assert trees.refused(tell(trees, number, score=1), 422)["key"] == "number"
        assert trees.get(TRIALS).json()["trials"] == []
        ask(trees, n=len(TAKEN))
        for number, body in enumerate(TAKEN):
            assert tell(trees, number, **body).json()["recorded"], body

    def test_the_last_result_ends_the_study(self, trees):
        ask(trees, n=9)
        states = [tell(trees, number, score=number).json()["state"] for number in range(6)]
        assert states == ["running"] * 5 + ["done"]
        assert ask(trees).json() == {"trials": [], "state": "done"}
        assert tell(trees, 5, score=5).json() == {"number": 5, "recorded": False, "state": "done"}
        assert trees.ask("PATCH", TREES, "ann", json={"n_trials": 7}).json()["n_trials"] == 7
        assert [trial["number"] for trial in ask(trees).json()["trials"]] == [6]

    def test_trials_that_are_lent_when_a_study_is_paused_may_be_told(self, trees):
        trees.post(f"{TREES}/pause", "ann")
        assert tell(trees, 0, score=1).json()["recorded"]


def test_a_study_belongs_to_whoever_opened_it(trees):
    for who, status in ((None, 401), ("eve", 403), ("bob", 403)):
        for answer in (ask(trees, who), tell(trees, 0, who, score=1)):
            trees.refused(answer, status)
    assert trees.get(TRIALS).json()["trials"] == []
    for number, who in enumerate(("ann", "root")):
        assert ask(trees, who).status_code == 200
        assert tell(trees, number, who, score=1).json()["recorded"]


def test_a_score_of_nothing_is_no_negative_zero(trees):
    assert tell(trees, 0, score=0.0).status_code == 200
    assert '"best": 0.0,' in trees.ask("GET", TREES, "ann").text
    assert '"score": 0.0,' in trees.ask("GET", f"{TRIALS}/0", "ann").text


def test_a_time_limit_is_the_clients_own(trees):
    found = trees.refused(
        trees.ask("PATCH", TREES, "ann", json={"timeout": 1.5}), 422, "timeout = 1.5; allowed are studies"
    )
    assert (found["key"], found["value"]) == ("timeout", "1.5")
    assert trees.ask("PATCH", TREES, "ann", json={"n_trials": 9}).json()["n_trials"] == 9


def test_a_number_of_a_hundred_digits_is_told_in_short(trees):
    found = trees.refused(tell(trees, 0, score=1e151), 422, "score = 1e+151; it must be less than or equal to 1e+150")
    assert found["key"] == "score"


class TestAnswers:
    """What is told of a study that clients train."""

    WHAT = ("result", "trials", "trials/0", "findings", "report", "log", "events")

    def test_nothing_is_a_bug(self, serve_api):
        api = serve_api(streams=0)
        opened(api)
        self._asked(api)
        ask(api, n=2)
        self._asked(api)
        tell(api, 0, score=1.0)
        self._asked(api)

    def _asked(self, api):
        for what in self.WHAT:
            answer = api.get(f"{TREES}/{what}", "eve")
            if answer.status_code != 200:
                assert answer.status_code in (404, 429), what
                api.refused(answer, answer.status_code)
        api.refused(api.post(f"{TREES}/predictions", "eve", json={"rows": [{"a": 1}]}), 422, "no registered model")

    @pytest.mark.parametrize(("direction", "best"), [("minimize", (1, 1.5)), ("maximize", (2, 4.0))])
    def test_scores_have_the_direction_of_the_client(self, api, direction, best):
        opened(api, direction=direction)
        lent = ask(api, n=4).json()["trials"]
        tell(api, 0, verdict="diverged", epoch=2, epochs=10, loss_ratio=50.0, reason="nan\n\x1b[31m")
        tell(api, 1, score=1.5)
        tell(api, 2, score=4.0, epoch=7, seconds=2.0)
        tell(api, 3, verdict="error", reason="KeyError")

        status, result = api.get(TREES).json(), api.get(f"{TREES}/result").json()
        number, score = best
        assert (status["best_trial"], status["best"], status["metric"]) == (number, score, "rmse")
        assert (result["score"], result["params"], result["metric"]) == (score, lent[number]["params"], "rmse")
        assert (result["data"], result["method"], result["file"]) == (
            "trained by clients",
            "random",
            text(direction=direction),
        )
        assert result["trials"] == status["trials"] == {"ok": 2, "stopped": 0, "diverged": 1, "error": 1}

        trials = api.get(TRIALS).json()["trials"]
        assert [trial["score"] for trial in trials] == [None, 1.5, 4.0, None]
        assert [trial["params"] for trial in trials] == [trial["params"] for trial in lent]
        assert [trial["curve"] for trial in trials] == [{}, {}, {"7": 4.0}, {}]
        assert [trial["reason"] for trial in trials] == [
            "nan\\n\\u001b[31m",
            "told by a client: ok",
            "told by a client: ok",
            "KeyError",
        ]
        first = api.get(f"{TRIALS}/0").json()
        assert (first["divergence"]["epoch"], first["findings"]) == (2, [])
        assert api.get(f"{TRIALS}/2").json()["place"] == (1 if number == 2 else 2)
        assert api.get(f"{TREES}/findings").json() == {"diverged": [0], "causes": []}

    def test_there_is_no_report_and_a_sentence_says_why(self, trees):
        tell(trees, 0, score=1.0)
        found = trees.refused(
            trees.get(f"{TREES}/report"), 404, "study 'trees' is trained by clients: a report tells of"
        )
        assert found["type"] == "urn:bpsearch:problem:nothing-yet"
        assert trees.get(f"{TREES}/log").content == b""

    def test_the_page_has_no_links_that_lead_nowhere(self):
        script = (pages.FOLDER / "page.js").read_text(encoding="utf-8")
        (body,) = script.partition("function actions(")[2].split("\n}\n")[:1]
        assert 'const own = study.kind === "study";' in body
        for line in body.splitlines():
            assert "link(" not in line or line.lstrip().startswith(("const found = own &&", "if (own", "if (me.mlflow"))


def test_a_new_service_goes_on_with_what_is_lent(trees, serve_api):
    later = Asking(trees.desk.queue)
    assert ask(trees, n=9).status_code == 200
    with pytest.raises(Exception, match="in use"):
        later.ask("trees")  # the first service has the journal
    later.close()


def test_the_description_has_the_limits(api):
    described = json.loads(api.get("/openapi.json").text)["paths"]
    schema = described["/v1/studies/{name}/ask"]["post"]["requestBody"]
    assert schema["required"] is False
    assert schema["content"]["application/json"]["schema"]["properties"]["n"]["maximum"] == MOST_ASKED
    told = described["/v1/studies/{name}/trials/{number}"]["post"]["requestBody"]["content"]["application/json"][
        "schema"
    ]
    assert told["properties"]["verdict"]["enum"] == ["ok", "stopped", "diverged", "error"]
