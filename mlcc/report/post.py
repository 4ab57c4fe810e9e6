"""Keeps one comment up to date: finds it among all of a request, changes it, or writes the first.

A comment is this pipeline's when its first line says so and its author is who the token belongs to: others' that quote
the line stay as they are. The whole is tried again, so that an answer that was lost makes no second comment.
Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

from mlcc.report.comment import marked_run
from mlcc.report.forges import Forge
from mlcc.runtime.rest import Interface, ask, listed, patiently

REASONS = {
    401: "the token isn't accepted",
    403: "the token may not write comments",
    404: "the token sees no such pull request",
}


def publish_comment(forge: Forge, token: str, name: str, number: int, body: str) -> str:
    """Write or change the comment of the pipeline `name`, and say what was done. Raises RunError.

    `number` is the run's: a comment that tells of a later run is left as it is.
    """
    interface = Interface(forge.api, token, REASONS)
    return patiently(lambda: _publish(forge, interface, name, number, body))


def _publish(forge: Forge, interface: Interface, name: str, number: int, body: str) -> str:
    me = forge.me or str(ask(interface, "GET", f"{forge.api}/user").content.get(forge.login, ""))
    mine = [
        (int(one["id"]), str(one["body"]), run)
        for one in listed(interface, f"{forge.comments}?per_page=100", "comments")
        for run in [marked_run(str(one.get("body")), name)]
        if run is not None and me and (one.get(forge.author) or {}).get(forge.login) == me
    ]
    if any(run > number for _, _, run in mine):
        return "a later run has written the comment already"
    for id, _, _ in (one for one in mine if one[1] != body):
        ask(interface, forge.verb, f"{forge.one}{id}", {"body": body})
    if not mine:
        ask(interface, "POST", forge.comments, {"body": body})
    return "the comment is up to date" if mine else "the comment is written"
