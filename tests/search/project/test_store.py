"""Where studies are kept: the project file, the environment variable, and what is allowed in them."""

from pathlib import Path

import pytest

from search.errors import StudyError
from search.loop import journal
from search.loop.database.journal import DatabaseJournal
from search.project import store
from search.tracking import stores

ADDRESS = "postgresql://me:s3cret@host/studies"
FOUND = "postgresql+psycopg2://me:s3cret@host/studies"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(store.VARIABLE, raising=False)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


def test_without_a_word_files_keep_the_studies():
    assert store.address() is None
    assert journal.address_of("x").as_posix() == "studies/x.journal"
    assert stores.default_uri() == stores.DEFAULT_URI


@pytest.mark.parametrize("address", [ADDRESS, FOUND])
def test_the_project_file_names_the_store(here, address):
    (here / "bpsearch.toml").write_text(f'store = "{address}"\n')
    assert store.address() == FOUND
    assert journal.address_of("x") == DatabaseJournal(FOUND, "x")
    assert journal.address_of("x", here).name == "x.journal"  # another folder


def test_the_variable_overrides_the_file(here, monkeypatch):
    (here / "bpsearch.toml").write_text('store = "postgresql://other/studies"\n')
    monkeypatch.setenv(store.VARIABLE, ADDRESS)
    assert store.address() == FOUND


def test_mlflow_has_a_schema_of_its_own_unless_it_is_told_another_store(monkeypatch):
    monkeypatch.setenv(store.VARIABLE, ADDRESS)
    assert stores.default_uri() == f"{FOUND}?options=-csearch_path%3Dmlflow"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://host:5000")
    assert stores.default_uri() == "http://host:5000"


@pytest.mark.parametrize(
    ("text", "told"),
    {
        "key": ('shop = "x"', r"bpsearch\.toml: unknown key 'shop'; allowed are store"),
        "kind": ("store = 5", r"bpsearch\.toml: store = 5; allowed is postgresql://HOST/DATABASE"),
        "backend": (
            'store = "mysql://me:s3cret@host/db"',
            r"bpsearch\.toml: store = 'mysql://\*\*\*@host/db'; allowed is postgresql",
        ),
        "driver": ('store = "postgresql+asyncpg://host/db"', "allowed is postgresql://HOST/DATABASE"),
        "database": ('store = "postgresql://me:s3cret@host"', "allowed is postgresql://HOST/DATABASE"),
        "port": ('store = "postgresql://me:s3cret@host:x/db"', "allowed is postgresql://HOST/DATABASE"),
        "path": ('store = "studies"', "allowed is postgresql://HOST/DATABASE"),
        "TOML": ("store = ", r"bpsearch\.toml: "),
    }.values(),
)
def test_what_is_wrong_is_told_by_name(here, text, told):
    (here / "bpsearch.toml").write_text(text)
    with pytest.raises(StudyError, match=told) as error:
        store.address()
    assert "s3cret" not in str(error.value)


def test_a_wrong_variable_is_told_by_its_name(monkeypatch):
    monkeypatch.setenv(store.VARIABLE, "mysql://me:s3cret@host/db")
    with pytest.raises(StudyError, match=r"BPSEARCH_STORE = 'mysql://\*\*\*@host/db'; allowed is"):
        store.address()


def test_the_file_may_not_be_a_folder(here):
    (here / "bpsearch.toml").mkdir()
    with pytest.raises(StudyError, match=r"bpsearch\.toml: it is a folder"):
        store.address()


def test_where_copies_are_is_said_in_the_file_or_a_variable(monkeypatch):
    assert store.copies() == ""
    Path("bpsearch.toml").write_text('copies = "s3://bucket/x"\n')
    assert store.copies() == "s3://bucket/x"
    monkeypatch.setenv(store.COPIES, "/shared")
    assert store.copies() == "/shared"
    monkeypatch.delenv(store.COPIES)
    Path("bpsearch.toml").write_text("copies = 5\n")
    with pytest.raises(StudyError, match=r"bpsearch\.toml: copies = 5; allowed is an address, as s3://bucket/folder"):
        store.copies()


@pytest.mark.parametrize(
    "given", ["postgresql://me:p@ss:w/rd?#% x@host/db", "postgresql://me:a@b", "mysql://me:s3@cret@h/d"]
)
def test_no_part_of_a_password_is_shown_though_the_address_is_none(given):
    with pytest.raises(StudyError) as error:
        store.checked(given, "store")
    told = str(error.value)
    assert "store = '" in told
    assert not any(part in told for part in ("ss:w", "rd?", "p@", "me:", "cret", "s3"))
