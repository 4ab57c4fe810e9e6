"""The entry of the emitted `.mlcc/notify.py`: tells people how the run ended, after its final node.

Whatever goes wrong is a warning: the run has ended as it has. Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from mlcc.notify.issues import keep_issues
from mlcc.notify.mail import send_mail
from mlcc.notify.message import Message, message_of, slack_body, webhook_body
from mlcc.notify.outcome import Run, due, ended_run, notices_of
from mlcc.runtime.log import say
from mlcc.runtime.platform import Platform
from mlcc.runtime.platforms import this_platform
from mlcc.runtime.records import RunError, read_plan
from mlcc.runtime.select import outside_triggers
from mlcc.runtime.webhooks import kept_value, post_again, web_address

NOTIFY_SECONDS = 240.0  # for all together, which are told at the same time


def main() -> int:
    """Tell who is to be told, in the folder of the spec. Returns an exit status; 2 is an error."""
    if len(sys.argv) != 1:
        say("usage: python3 -I .mlcc/notify.py")
        return 2
    os.chdir(Path(__file__).resolve().parent.parent)
    try:
        notify(this_platform())
    except RunError as problem:
        say(f"mlcc: nobody is told: {problem}")
        return 2
    return 0


def notify(platform: Platform) -> None:
    """Tell everybody at the same time, and warn of what didn't arrive. Raises RunError without a plan or a run."""
    plan = read_plan()
    run = ended_run(plan, platform)
    # A system that starts runs of what the spec has no trigger for has run nothing that anybody could be told of.
    notices = {} if outside_triggers(plan, platform.facts()) else notices_of(run)
    found = dict.fromkeys(notices, f"it took more than {NOTIFY_SECONDS:.0f} s")
    threads = [
        threading.Thread(target=_tell_one, args=(run, id, notice, platform, found), daemon=True)
        for id, notice in notices.items()
    ]
    ends = time.monotonic() + NOTIFY_SECONDS
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, ends - time.monotonic()))
    for id, problem in dict(found).items():
        if problem:
            platform.warn(f"'{id}' is not told how the run ended: {problem}")
            platform.put_summary(f"'{id}' is not told how the run ended: {problem}.")
        elif due(run, notices[id]):
            say(f"mlcc: '{id}' is told how the run ended")


def _tell_one(run: Run, id: str, notice: dict[str, Any], platform: Platform, found: dict[str, str]) -> None:
    """Note why one isn't told who is to be; empty: they are, or nothing is to be told."""
    try:
        if "issue" in notice:
            keep_issues(run, id, notice, platform)
            found[id] = ""
            return
        conditions = due(run, notice)
        found[id] = _deliver(notice, message_of(run, conditions)) if conditions else ""
    except RunError as problem:
        found[id] = str(problem)
    except Exception as problem:  # nobody foresaw it, and its text may hold a secret
        found[id] = type(problem).__name__


def _deliver(notice: dict[str, Any], message: Message) -> str:
    if "email" in notice:
        return send_mail(notice["email"], message)
    kind, body = ("slack", slack_body(message)) if "slack" in notice else ("webhook", webhook_body(message))
    return post_again(web_address(kept_value(notice[kind])), body, hurried=False)
