"""Sends a message by a mail server, over TLS whose certificate is checked, or not at all.

Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

import time
from typing import Any

from mlcc.notify.message import Message, plain_text
from mlcc.runtime.webhooks import TRIES, TRY_SECONDS, WAITS, kept_value

# Of the answers of a server, the ones with 4 say that it may go better later: https://www.rfc-editor.org/rfc/rfc5321#section-4.2.1
_LATER = range(400, 500)
_NAME = "[127.0.0.1]"  # what we call ourselves: the name of a runner is nobody's business


def send_mail(mail: dict[str, Any], message: Message) -> str:
    """Send a message, and return why it couldn't be; empty: the server has taken it."""
    password = kept_value(mail["password"]) if "password" in mail else ""
    if "password" in mail and not password:
        return "its password isn't set in the CI system"
    problem = ""
    for number in range(TRIES):
        try:
            return _hand_over(mail, password, message)
        except OSError as error:  # smtplib's are, too
            problem, again = _problem(error)
        if not again or number == TRIES - 1:
            break
        time.sleep(WAITS[number])
    return problem


def _hand_over(mail: dict[str, Any], password: str, message: Message) -> str:
    import smtplib
    import ssl

    where = (mail["host"], mail["port"], _NAME)
    trust = ssl.create_default_context()
    server: smtplib.SMTP
    if mail["tls"] == "implicit":
        server = smtplib.SMTP_SSL(*where, timeout=TRY_SECONDS, context=trust)
    else:
        server = smtplib.SMTP(*where, timeout=TRY_SECONDS)
    with server:
        if mail["tls"] != "implicit":
            server.starttls(context=trust)
        if password:
            server.login(mail["user"], password)
        refused = server.send_message(_letter(mail, message))
    return f"the server refused {len(refused)} of {len(mail['to'])} addresses" if refused else ""


def _letter(mail: dict[str, Any], message: Message) -> Any:
    """Return the message as a letter. Its header names it as automatic, so that no answer comes from an absent person."""
    from email.message import EmailMessage
    from email.utils import formatdate, make_msgid

    letter = EmailMessage()
    letter["Subject"] = message.title
    letter["From"] = mail["from"]
    letter["To"] = ", ".join(mail["to"])
    letter["Date"] = formatdate()
    letter["Message-ID"] = make_msgid(domain=mail["from"].rpartition("@")[2])
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(plain_text(message))
    return letter


def _problem(error: OSError) -> tuple[str, bool]:
    """Return what went wrong, without the server's own words, and whether it may go better."""
    import smtplib
    import ssl

    if isinstance(error, smtplib.SMTPNotSupportedError):
        return "the server offers no TLS, or no way to log in", False
    if isinstance(error, smtplib.SMTPResponseException):
        return f"the server answered {error.smtp_code}", error.smtp_code in _LATER
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "the server refused every address", all(
            code in _LATER for code, _ in error.recipients.values()
        )
    if isinstance(error, ssl.SSLCertVerificationError):
        return "the server's certificate isn't trusted", False
    return f"it can't be reached ({type(error).__name__})", True
