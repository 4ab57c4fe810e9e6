"""Posts small JSON messages to webhooks. An address is a secret: it is never printed.

Standard library only: bundled into the emitted scripts.
"""

from __future__ import annotations

import os
import re
import threading
import time
from typing import Any

from mlcc.runtime.log import one_line
from mlcc.runtime.platform import SECRET, VARIABLE
from mlcc.runtime.web import may_have_token

TRIES = 3
TRY_SECONDS = 10.0
WAITS = (1.0, 4.0)  # seconds before the second and the third try
MOST_WAIT = 15.0  # seconds, whatever Retry-After says
TELLING_SECONDS = 60.0  # for all webhooks together, which are told at the same time
HURRIED_SECONDS = 3.0  # the same, once, where the run is cancelled: the CI system soon kills us
MOST_CAUSE = 600  # characters; Discord refuses messages of more than 2,000
_TRY_AGAIN = (408, 425, 429, 500, 502, 503, 504)
_WAIT = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6})?")
_ADDRESS = re.compile(r"https?://[!-~]{1,2000}")
LINK = re.compile(r"https?://[A-Za-z0-9._~:/?#\[\]%+=-]{1,500}")


def harmless(text: str) -> str:
    """Return a text from outside as one line that mentions nobody, ends no code, and stands for itself.

    Slack reads & < and > (https://docs.slack.dev/messaging/formatting-message-text#escaping); others read @NAME.
    """
    shown = one_line(text)
    shown = shown if len(shown) <= MOST_CAUSE else shown[: MOST_CAUSE - 1] + "…"
    for mark, other in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("`", "'"), ("@", "＠")):
        shown = shown.replace(mark, other)
    return shown


def kept_value(place: dict[str, Any]) -> str:
    """Return what the CI system keeps as a secret or a variable (`{secret: NAME}`); empty: nothing."""
    prefixes = {"secret": SECRET, "var": VARIABLE}
    (found,) = [os.environ.get(prefixes[kind] + str(name), "") for kind, name in place.items()]
    return found.strip()


def web_address(text: str) -> str:
    """Return an address that a message may go to; empty: this is none."""
    return text if _ADDRESS.fullmatch(text) and may_have_token(text) else ""


def post_all(addresses: dict[str, str], body: bytes, *, hurried: bool) -> dict[str, str]:
    """Post a message to all addresses, and return why it didn't arrive at each; empty: it did."""
    found = dict.fromkeys(addresses, "it didn't answer in time")

    def post_to(id: str, address: str) -> None:
        found[id] = post_again(address, body, hurried=hurried)

    ends = time.monotonic() + (HURRIED_SECONDS if hurried else TELLING_SECONDS)
    threads = [threading.Thread(target=post_to, args=pair, daemon=True) for pair in addresses.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, ends - time.monotonic()))
    return dict(found)


def post_again(address: str, body: bytes, *, hurried: bool) -> str:
    """Post a message until it arrives, and return why it didn't; empty: it did."""
    if not address:
        return "its webhook isn't set in the CI system, or isn't an https address"
    problem = ""
    for number in range(1 if hurried else TRIES):
        try:
            status, wait = _post(address, body, HURRIED_SECONDS if hurried else TRY_SECONDS)
            problem = f"it answered {status}" + (
                ", and redirects aren't followed" if 300 <= status < 400 else ""
            )
        except Exception as error:  # whose text may hold the address
            status, wait, problem = 503, "", f"it can't be reached ({type(error).__name__})"
        if 200 <= status < 300:
            return ""
        if status not in _TRY_AGAIN or hurried or number == TRIES - 1:
            break
        asked = float(wait) if _WAIT.fullmatch(wait) else 0.0
        time.sleep(min(max(WAITS[number], asked), MOST_WAIT))
    return problem


def _post(address: str, body: bytes, seconds: float) -> tuple[int, str]:
    """Return the status of an answer, and its Retry-After."""
    import urllib.error
    import urllib.request  # dear, and most nodes tell nobody

    class Still(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            """Follow none: the message is for the address that was named."""

    headers = {"Content-Type": "application/json", "User-Agent": "mlcc"}
    request = urllib.request.Request(address, body, headers, method="POST")  # noqa: S310 - `_address` checks the scheme
    try:
        with urllib.request.build_opener(Still).open(request, timeout=seconds) as answer:
            return int(answer.status), ""
    except urllib.error.HTTPError as answer:
        with answer:
            return int(answer.code), str(answer.headers.get("Retry-After", ""))
