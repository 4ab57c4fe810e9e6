"""Tells people what became of a release: one small JSON message to each webhook that the node's plan names.

The message has the one key that Slack, Mattermost, Rocket.Chat and Discord's `/slack` all take, `text`
(https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks). An address is a secret: it is never printed.

Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

import json
from typing import Any

from mlcc.runtime.platform import Platform
from mlcc.runtime.process import CancelledError
from mlcc.runtime.records import state_folder, write_record
from mlcc.runtime.released import Seen
from mlcc.runtime.webhooks import LINK, harmless, kept_value, post_all, web_address

SENTENCES = {
    "promoted": "✅ {pipeline}: the release '{release}' is live in '{environment}'",
    "rolled_back": "↩️ {pipeline}: the release '{release}' was rolled back in '{environment}'",
    "held": "⏸️ {pipeline}: the release '{release}' is held in '{environment}', and waits for a person",
    "failed": "❌ {pipeline}: the release '{release}' failed in '{environment}'",
}


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
    waiting = {
        notice["id"]: web_address(kept_value(notice["webhook"])) for notice in untold(seen.part, state)
    }
    if not waiting:
        return
    body = json.dumps({"text": notice_text(seen, state)}).encode("ascii")
    for id, problem in post_all(waiting, body, hurried=hurried).items():
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
    run = url if LINK.fullmatch(url) else harmless(facts["run_id"])
    return "\n".join([*lines, f"commit {harmless(seen.selection['commit'])[:12]}, run {run}"])
