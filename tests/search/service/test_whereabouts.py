"""Where the service of a folder is, and who gets its token."""

import pytest

from bpsearch import Client, ServiceError
from search.service import whereabouts

URL = "http://127.0.0.1:8765"


@pytest.fixture
def there(tmp_path, monkeypatch):
    """A folder with the address and the token of a service."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "studies" / "service"
    folder.mkdir(parents=True)
    (folder / "address").write_text(f"{URL}/\n")
    (folder / "token").write_text("s3cret\n")
    (folder / "token").chmod(0o600)
    return folder


def test_the_service_of_this_folder(there):
    assert whereabouts.found(None, None) == (URL, "s3cret")
    assert whereabouts.found(URL, None) == (URL, "s3cret")
    assert whereabouts.found(None, "other") == (URL, "other")
    assert Client().url == URL


def test_what_is_given_needs_no_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert whereabouts.found("https://a", "b") == ("https://a", "b")


def test_no_service_runs(there):
    (there / "address").unlink()
    with pytest.raises(
        ServiceError, match=r"^no service runs in this folder; start it with bpsearch serve, or name one by"
    ):
        Client()
    with pytest.raises(ServiceError, match="no service runs"):
        Client(token="x")


@pytest.mark.parametrize("url", ["https://evil.example", "http://127.0.0.1:8766", f"{URL}.evil.example"])
def test_the_token_goes_to_no_other_service(there, url):
    with pytest.raises(ServiceError, match=r"^token: it is needed for a service that is not this folder's"):
        Client(url)


@pytest.mark.parametrize(
    "text", ["https://evil.example", "http://127.0.0.1.evil.example", "http://127.0.0.1@evil.example", "", "x", "ä"]
)
def test_a_planted_address_leads_nowhere(there, text):
    """A folder may come from somebody else; data would be sent there."""
    (there / "address").write_text(text)
    with pytest.raises(ServiceError):
        Client()


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o660, 0o610])
def test_a_token_that_others_can_read(there, mode):
    (there / "token").chmod(mode)
    with pytest.raises(ServiceError, match=r"others can read this token; withdraw it, .*\(mode 600\)$"):
        Client()


def test_a_token_of_somebody_else(there, monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 12345)
    with pytest.raises(ServiceError, match="others can read"):
        Client()


@pytest.mark.parametrize(
    "text", ["a\nb", "a b", "x" * 5000, "\udcff".encode("utf-8", "surrogateescape").decode("latin-1")]
)
def test_files_that_are_damaged(there, text):
    (there / "token").write_text(text, encoding="latin-1")
    with pytest.raises(ServiceError, match=r"is damaged; stop the service and start it again with bpsearch serve$"):
        Client()


def test_no_token(there):
    for empty in (True, False):
        (there / "token").write_text("\n") if empty else (there / "token").unlink()
        with pytest.raises(
            ServiceError, match=r"there is no token; start it with bpsearch serve, or give one by token=$"
        ):
            Client()


def test_a_folder_instead_of_a_file(there):
    (there / "token").unlink()
    (there / "token").mkdir()
    with pytest.raises(ValueError, match="folder"):
        Client()
