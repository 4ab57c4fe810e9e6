"""Tells people what became of a release: one small JSON message to each webhook that the node's plan names.

The message has the one key that Slack, Mattermost, Rocket.Chat and Discord's `/slack` all take, `text`
(https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks). An address is a secret: it is never printed.

Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

import json
import os
import re
import threading
import time
from typing import Any

from mlcc.runtime.log import one_line
from mlcc.runtime.platform import Platform
from mlcc.runtime.process import CancelledError
from mlcc.runtime.records import state_folder, write_record
from mlcc.runtime.released import Seen
from mlcc.runtime.values import SECRET, VARIABLE
from mlcc.runtime.web import may_have_token

TRIES = 3
TRY_SECONDS = 10.0
WAITS = (1.0, 4.0)  # seconds before the second and the third try
MOST_WAIT = 15.0  # seconds, whatever Retry-After says
TELLING_SECONDS = 60.0  # for all webhooks together, which are told at the same time
HURRIED_SECONDS = 3.0  # the same, once, where the run is cancelled: the CI system soon kills us
MOST_CAUSE = 600  # characters; Discord refuses messages of more than 2,000
SENTENCES = {
    "promoted": "✅ {pipeline}: the release '{release}' is live in '{environment}'",
    "rolled_back": "↩️ {pipeline}: the release '{release}' was rolled back in '{environment}'",
    "held": "⏸️ {pipeline}: the release '{release}' is held in '{environment}', and waits for a person",
    "failed": "❌ {pipeline}: the release '{release}' failed in '{environment}'",
}
_TRY_AGAIN = (408, 425, 429, 500, 502, 503, 504)
_WAIT = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6})?")
_ADDRESS = re.compile(r"https?://[!-~]{1,2000}")
_LINK = re.compile(r"https?://[A-Za-z0-9._~:/?#\[\]%+=-]{1,500}")


def conclude(
    id: str,
    state: dict[str, Any],
    plan: dict[str, Any],
    selection: dict[str, Any],
    platform: Platform,
    *,
    last: bool,
) -> None:
    """Note in a node's state what became of its release, and tell who wants to know. The node has ended as it has.

    A rollback's node also tells what steps couldn't. The state's `told` takes whom nobody has to tell any more. `last`:
    nobody tries any more to undo the release on this machine. What goes wrong is a warning.
    """
    place = state_folder(id) / "state.json"
    try:
        seen = Seen(id, state, plan, selection)
        seen.note(platform, last=last)
        write_record(place, state)
        for found in seen.known if seen.node["kind"] == "rollback" else [state]:
            _tell(seen, found, platform, hurried=not last and state.get("cancelled") is True)
        write_record(place, state)
    except CancelledError:
        platform.warn(f"{id}: cancelled while it told what became of the release")
    except Exception as problem:  # whatever it is, it isn't the release's
        platform.warn(f"{id}: what became of the release can't be told: {type(problem).__name__}")


def untold(part: dict[str, Any], state: dict[str, Any]) -> list[dict[str, Any]]:
    """Return who wants to know of the event in a state of a release's node, and wasn't told."""
    told = state.get("told", [])
    return [
        notice
        for notice in part.get("notify", ())
        if state.get("event") in notice["events"] and notice["id"] not in told
    ]


def _tell(seen: Seen, state: dict[str, Any], platform: Platform, *, hurried: bool) -> None:
    """Tell who waits for it; `hurried`, only those who got it count as told, since there may be time later."""
    waiting = {notice["id"]: _address(notice["webhook"]) for notice in untold(seen.part, state)}
    if not waiting:
        return
    body = json.dumps({"text": notice_text(seen, state)}).encode("ascii")
    for id, problem in _post_all(waiting, body, hurried=hurried).items():
        if problem:
            platform.warn(f"{seen.id}: no message to '{id}' ({state['event']}): {problem}")
        if not (problem and hurried):
            state.setdefault("told", []).append(id)


def notice_text(seen: Seen, state: dict[str, Any]) -> str:
    """Return the message: what happened, why, and of which commit and run."""
    facts, url = seen.selection["facts"], seen.selection["facts"].get("run_url", "")
    named = {
        "pipeline": seen.plan["name"],
        "release": seen.part["id"],
        "environment": seen.part["environment"],
    }
    lines = [SENTENCES[state["event"]].format(**named)]
    if state["cause"]:
        lines.append(f"`{harmless(state['cause'])}`")
    run = url if _LINK.fullmatch(url) else harmless(facts["run_id"])
    return "\n".join([*lines, f"commit {harmless(seen.selection['commit'])[:12]}, run {run}"])


def harmless(text: str) -> str:
    """Return a text from outside as one line that mentions nobody, ends no code, and stands for itself.

    Slack reads & < and > (https://docs.slack.dev/messaging/formatting-message-text#escaping); others read @NAME.
    """
    shown = one_line(text)
    shown = shown if len(shown) <= MOST_CAUSE else shown[: MOST_CAUSE - 1] + "…"
    for mark, other in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("`", "'"), ("@", "＠")):
        shown = shown.replace(mark, other)
    return shown


def _address(webhook: dict[str, Any]) -> str:
    """Return the address that a webhook's secret or variable holds; empty: none that a message may go to."""
    prefixes = {"secret": SECRET, "var": VARIABLE}
    (found,) = [os.environ.get(prefixes[kind] + str(name), "") for kind, name in webhook.items()]
    found = found.strip()
    return found if _ADDRESS.fullmatch(found) and may_have_token(found) else ""


def _post_all(addresses: dict[str, str], body: bytes, *, hurried: bool) -> dict[str, str]:
    """Post a message to all addresses, and return why it didn't arrive at each; empty: it did."""
    found = dict.fromkeys(addresses, "it didn't answer in time")

    def post_to(id: str, address: str) -> None:
        found[id] = _post_again(address, body, hurried=hurried)

    ends = time.monotonic() + (HURRIED_SECONDS if hurried else TELLING_SECONDS)
    threads = [threading.Thread(target=post_to, args=pair, daemon=True) for pair in addresses.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, ends - time.monotonic()))
    return dict(found)


def _post_again(address: str, body: bytes, *, hurried: bool) -> str:
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
