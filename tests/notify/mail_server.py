"""A mail server on loopback: TLS from the start or by STARTTLS, people who log in, and answers as a test wants them."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope


class MailServer:
    """`letters` are those that were taken, with who they went to. `answers` are given first to what is sent."""

    def __init__(self, answers: tuple[str, ...], refused: tuple[str, ...]) -> None:
        self.letters: list[tuple[EmailMessage, list[str]]] = []
        self.answers = list(answers)
        self.refused = refused
        self.encrypted: list[bool] = []
        self.people: list[object] = []  # who had logged in
        self.port = 0

    async def handle_RCPT(  # noqa: N802 - the name that aiosmtpd looks for
        self, _server: Any, _session: Any, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.refused:
            return "550 no such person hidden"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802 - likewise
        if self.answers:
            return self.answers.pop(0)
        self.encrypted.append(server.transport.get_extra_info("ssl_object") is not None)
        self.people.append(session.auth_data)
        content = envelope.content
        assert isinstance(content, bytes)
        letter = message_from_bytes(content, policy=policy.default)
        assert isinstance(letter, EmailMessage)
        self.letters.append((letter, envelope.rcpt_tos))
        return "250 OK"


@contextmanager
def serve_mail(
    certificate: Path,
    tls: str,
    *,
    password: str = "",
    answers: tuple[str, ...] = (),
    refused: tuple[str, ...] = (),
) -> Iterator[MailServer]:
    """Run a server for the length of a `with` block. `tls` is implicit, starttls or none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = MailServer(answers, refused)

    def known(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        return AuthResult(
            success=(data.login, data.password) == (b"ci", password.encode()),
            handled=False,
            auth_data=data.login,
        )

    keys: dict[str, Any] = {"authenticator": known, "auth_required": tls == "starttls"} if password else {}
    if tls == "implicit":
        keys |= {"ssl_context": context, "auth_require_tls": False}
    elif tls == "starttls":
        keys |= {"tls_context": context, "require_starttls": True}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        server.port = free.getsockname()[1]
    controller = Controller(server, hostname="127.0.0.1", port=server.port, **keys)
    controller.start()
    try:
        yield server
    finally:
        controller.stop()
