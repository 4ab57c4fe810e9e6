"""What people are told of a run: the same in every way of telling, each of which escapes it for itself.

Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from mlcc.notify.outcome import Run, causes, sentences
from mlcc.runtime.log import one_line
from mlcc.runtime.webhooks import LINK, harmless

MOST_CAUSES = 5
MOST_NAME = 200  # characters of a branch or a tag; git itself knows longer ones
MOST_TEXT = 400  # characters of a cause
SLACK_MOST = 2_900  # characters of a section, which takes 3,000


class Message(NamedTuple):
    """What is told. Every text is one line, and nothing of it is escaped yet. `run_url` is empty unless it is a link."""

    pipeline: str
    outcome: str
    event: str
    branch: str
    tag: str
    commit: str
    run_id: str
    run_url: str
    causes: list[str]
    more_causes: int
    well: bool

    @property
    def title(self) -> str:
        """The first line: of which pipeline, what happened, and where."""
        sign, place = "✅" if self.well else "❌", self.branch or self.tag
        return f"{sign} {self.pipeline}: {self.outcome}{' on ' if place else ''}{place}"

    @property
    def origin(self) -> str:
        """What the run was of."""
        return f"{self.event}, commit {self.commit[:12]}, run {self.run_url or self.run_id}"

    @property
    def reasons(self) -> list[str]:
        """The first causes, and how many there are beside them."""
        return [*self.causes, *([f"and {self.more_causes} more"] if self.more_causes else [])]


def message_of(run: Run, conditions: list[dict[str, Any]]) -> Message:
    """Return what is told where these alternatives hold."""
    facts = run.facts
    said = dict.fromkeys(sentence for one in conditions for sentence in sentences(run, one))
    why = list(dict.fromkeys(_cut(cause, MOST_TEXT) for one in conditions for cause in causes(run, one)))
    return Message(
        pipeline="/".join(part for part in (run.plan["home"], run.plan["name"]) if part),
        outcome=" and ".join(said),
        event=facts["event"],
        branch=_cut(facts["branch"], MOST_NAME),
        tag=_cut(facts["tag"], MOST_NAME),
        commit=_cut(facts["commit"], MOST_NAME),
        run_id=_cut(facts["run_id"], MOST_NAME),
        run_url=facts["run_url"] if LINK.fullmatch(facts["run_url"]) else "",
        causes=why[:MOST_CAUSES],
        more_causes=max(0, len(why) - MOST_CAUSES),
        well=not why and all("success" in one.get("status", ()) for one in conditions),
    )


def _cut(text: str, most: int) -> str:
    shown = one_line(text)
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def plain_text(message: Message) -> str:
    """Return the message as lines of text, for mail."""
    lines = [message.title, *(f"- {cause}" for cause in message.reasons), message.origin]
    return "\n".join(lines) + "\n"


def webhook_body(message: Message) -> bytes:
    """Return JSON for a webhook: `text` to be shown as it is, and each fact by its name, as it is."""
    facts = message._asdict()
    return json.dumps({"text": _shown(message), **facts}).encode("ascii")


def slack_body(message: Message) -> bytes:
    """Return JSON for an incoming webhook of Slack: https://docs.slack.dev/reference/block-kit/blocks.

    In a text of the kind `plain_text` nothing is markup; a link needs `mrkdwn`.
    """
    run = f"<{message.run_url}|run>" if message.run_url else f"run {harmless(message.run_id)}"
    origin = f"{harmless(message.event)}, commit `{harmless(message.commit)[:12]}`, {run}"
    blocks = [_section(harmless(message.title))]
    if message.causes:
        blocks.append(_section("\n".join(f"• {harmless(cause)}" for cause in message.reasons)))
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": origin}]})
    return json.dumps({"text": harmless(message.title), "blocks": blocks}).encode("ascii")


def _section(text: str) -> dict[str, Any]:
    shown = text if len(text) <= SLACK_MOST else text[: SLACK_MOST - 1] + "…"
    return {"type": "section", "text": {"type": "plain_text", "text": shown, "emoji": False}}


def _shown(message: Message) -> str:
    run = message.run_url or harmless(message.run_id)
    origin = f"{harmless(message.event)}, commit {harmless(message.commit)[:12]}, run {run}"
    return "\n".join(
        [harmless(message.title), *(f"`{harmless(cause)}`" for cause in message.reasons), origin]
    )
