"""Conditions for MLflow's searches: a quote in a name or an identifier does not begin another condition."""

import pytest

from search.tracking import Header
from search.tracking.contents.runs import experiment_tags
from search.tracking.models import registry
from search.tracking.naming import filters
from search.tracking.writers import client, creation

HOSTILE = ["it's", 'a"b', "a`b", "a\\", "x' OR name = 'plain", "' AND tags.`a` = '", "%", "a\nb", "", " "]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_would_not_be_one_text_is_left_out(text):
    assert filters.equal("name", text) == ""
    assert filters.both(filters.equal("name", text), filters.equal("run_id", "f00")) == "run_id = 'f00'"


@pytest.fixture
def store(tmp_path, empty_database):
    (tmp_path / "mlflow.db").write_bytes(empty_database.read_bytes())
    return f"sqlite:///{tmp_path}/mlflow.db"


def test_models_of_any_name_are_found_and_no_others(store):
    """A quote in a name was doubled, which MLflow does not read as one."""
    there = client.connect(store)
    names = ["plain", "it's", "both ' and \"", "x' OR name = 'plain", "100%", "PLAIN"]
    for name in names:
        there.create_registered_model(name)
        there.create_model_version(name, f"file:///{len(name)}")
    for name in names:
        assert [(each.name, each.number) for each in registry.versions(store, name)] == [(name, 1)]
    for name in ("pla%", "it''s", "", "a/b", "other"):
        assert registry.versions(store, name) == []


def test_a_study_of_any_identifier_is_found_and_no_other(store):
    """A journal, which holds the identifier, may come from a stranger."""
    there = client.connect(store)
    experiment = there.create_experiment("x", tags=experiment_tags(True))
    for study in ("one", "it's", "' OR tags.`bpsearch.study` = 'one"):
        assert not client.holds(store, "x", study)
        there.create_run(experiment, tags=Header("x", study, {}).tags)
        assert client.holds(store, "x", study)
        assert [
            run.data.tags["bpsearch.study"] for run in creation.runs(there, experiment, {"bpsearch.study": study})
        ] == [study]
    assert not client.holds(store, "x", "two's")
