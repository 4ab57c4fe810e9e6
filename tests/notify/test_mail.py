"""Mail about runs, by a real mail server: over TLS that is checked or not at all, and nothing from outside is a header."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.certificates import own_certificate
from tests.notify.ended import Ended, keep
from tests.notify.mail_server import MailServer, serve_mail

RED = ["'train' failed: it ended with 1"]
TRAIN = {"train": ("failed", "fail", "it ended with 1")}


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of this machine that the system trusts."""
    found = own_certificate(tmp_path)
    os.environ["SSL_CERT_FILE"] = str(found)
    return found


def ended(
    server: MailServer, tls: str, more: str = "", causes: list[str] | None = None, **facts: str
) -> list[str]:
    """Return the warnings of a run that is told by this server."""
    mail = f'to: [a@b.se, c@d.se], from: ci@b.se, server: "127.0.0.1:{server.port}", tls: {tls}{more}'
    run = Ended(f"  ops: {{when: {{status: failure}}, email: {{{mail}}}}}\n")
    return run.left(nodes=TRAIN, causes=causes or RED, **facts).tell()


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_a_letter_arrives(certificate: Path, tls: str) -> None:
    with serve_mail(certificate, tls) as server:
        assert ended(server, tls) == []
    ((letter, to),) = server.letters
    assert to == ["a@b.se", "c@d.se"]
    assert server.encrypted == [True]
    names = ("Subject", "From", "To", "Auto-Submitted")
    assert [letter[name] for name in names] == [
        "❌ credit: the run failed on main", "ci@b.se", "a@b.se, c@d.se", "auto-generated",
    ]  # fmt: skip
    assert letter["Message-ID"].endswith("@b.se>")
    assert letter.get_content().replace("\r\n", "\n") == (
        "❌ credit: the run failed on main\n- 'train' failed: it ended with 1\n"
        "push, commit c0ffee000000, run https://ci.example/runs/4711\n"
    )


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_it_logs_in(certificate: Path, tls: str) -> None:
    keep(PASS="s3cret")
    with serve_mail(certificate, tls, password="s3cret") as server:
        assert ended(server, tls, ", user: ci, password: {secret: PASS}") == []
    assert len(server.letters) == 1
    assert server.people == [b"ci"]


def test_a_wrong_password_is_not_tried_again(certificate: Path, waits: list[float]) -> None:
    keep(PASS="wrong")
    with serve_mail(certificate, "starttls", password="s3cret") as server:
        warnings = ended(server, "starttls", ", user: ci, password: {secret: PASS}")
    assert warnings == ["'ops' is not told how the run ended: the server answered 535"]
    assert (waits, server.letters) == ([], [])


def test_a_password_that_is_not_set_is_said(certificate: Path) -> None:
    with serve_mail(certificate, "starttls", password="s3cret") as server:
        warnings = ended(server, "starttls", ", user: ci, password: {secret: PASS}")
    assert warnings == ["'ops' is not told how the run ended: its password isn't set in the CI system"]


def test_without_tls_nothing_is_sent(certificate: Path, waits: list[float]) -> None:
    keep(PASS="s3cret")
    with serve_mail(certificate, "none") as server:
        warnings = ended(server, "starttls", ", user: ci, password: {secret: PASS}")
    assert warnings == ["'ops' is not told how the run ended: the server offers no TLS, or no way to log in"]
    assert (waits, server.letters) == ([], [])


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_a_certificate_that_nobody_vouches_for_is_refused(
    tmp_path: Path, waits: list[float], tls: str
) -> None:
    with serve_mail(own_certificate(tmp_path), tls) as server:
        warnings = ended(server, tls)
    assert warnings == ["'ops' is not told how the run ended: the server's certificate isn't trusted"]
    assert (waits, server.letters) == ([], [])


def test_it_is_tried_again_where_it_may_go_better(certificate: Path, waits: list[float]) -> None:
    with serve_mail(certificate, "starttls", answers=("451 hidden", "421 hidden")) as server:
        assert ended(server, "starttls") == []
    assert (waits, len(server.letters)) == ([1.0, 4.0], 1)


def test_what_the_server_refuses_is_said_without_its_words(certificate: Path, waits: list[float]) -> None:
    with serve_mail(certificate, "starttls", answers=("554 hidden",)) as server:
        assert ended(server, "starttls") == ["'ops' is not told how the run ended: the server answered 554"]
    assert (waits, server.letters) == ([], [])


def test_an_address_that_is_refused_is_said(certificate: Path) -> None:
    with serve_mail(certificate, "starttls", refused=("c@d.se",)) as server:
        warnings = ended(server, "starttls")
    assert warnings == ["'ops' is not told how the run ended: the server refused 1 of 2 addresses"]
    assert [to for _, to in server.letters] == [["a@b.se"]]


def test_addresses_that_are_all_refused_are_no_letter(certificate: Path, waits: list[float]) -> None:
    with serve_mail(certificate, "starttls", refused=("a@b.se", "c@d.se")) as server:
        assert ended(server, "starttls") == [
            "'ops' is not told how the run ended: the server refused every address"
        ]
    assert (waits, server.letters) == ([], [])


def test_a_server_that_is_not_there_is_tried_three_times(certificate: Path, waits: list[float]) -> None:
    with serve_mail(certificate, "starttls") as server:
        pass
    (warning,) = ended(server, "starttls")
    assert warning == "'ops' is not told how the run ended: it can't be reached (ConnectionRefusedError)"
    assert waits == [1.0, 4.0]


@pytest.mark.parametrize(
    "text", ["main\r\nBcc: evil@x.se", "a\n\n<b>", "x" * 5000, "\x00\x1b[31m", "=?utf-8?q?a?="]
)
def test_text_from_outside_is_no_header_and_no_second_line(certificate: Path, text: str) -> None:
    with serve_mail(certificate, "implicit") as server:
        assert ended(server, "implicit", causes=[text], branch=text) == []
    ((letter, to),) = server.letters
    assert to == ["a@b.se", "c@d.se"]
    assert set(letter.keys()) == {
        "Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted",
        "Content-Type", "Content-Transfer-Encoding", "MIME-Version",
    }  # fmt: skip
    first, cause, last = letter.get_content().splitlines()
    assert first.startswith("❌ credit: the run failed on ")
    assert cause.startswith("- ")
    assert last == "push, commit c0ffee000000, run https://ci.example/runs/4711"
