"""Keeps one issue for each thing that is wrong: opens it, brings it up to date, and closes it when all is well again.

An issue is a notice's when its first line says so and, on GitHub, when its author is who a job's own token writes as.
https://docs.github.com/rest/issues/issues and https://docs.gitlab.com/api/issues/
Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from functools import partial
from typing import Any, NamedTuple

from mlcc.notify.message import Message, message_of
from mlcc.notify.outcome import RUN, Run, due, fits, is_well, subject
from mlcc.report.markup import page_link, plain
from mlcc.runtime.platform import Platform
from mlcc.runtime.records import RunError
from mlcc.runtime.rest import Interface, ask, listed, patiently
from mlcc.runtime.web import may_have_token, url_quoted
from mlcc.runtime.webhooks import kept_value

BOT = "github-actions[bot]"  # who a job's own token writes as
TOKEN = "MLCC_TOKEN"  # noqa: S105 - the name of a variable
MOST_TITLE = 200  # characters; GitLab takes 255
REFUSALS = {
    401: "the token isn't accepted",
    403: "the token may not write issues",
    404: "the token sees no such repository",
    410: "the repository has no issues",
}
_NOTICE_MARK = re.compile(r"<!-- mlcc:notice ([0-9a-f]{32}) run ([0-9]{1,18}) ([!-~]{0,300}) -->")


class Tracker(NamedTuple):
    """The issues of one repository: `issues` is where they are. The others are words in which trackers differ."""

    issues: str
    opened: str  # query of the list
    number: str
    body: str
    verb: str
    close: dict[str, str]
    comments: str
    author: str  # empty: the list has only those of the token's owner
    joined: bool  # whether labels are one text


class Case(NamedTuple):
    """What an issue is to say of a run. `message` None: that all is well again."""

    key: str
    run: Run
    message: Message | None
    labels: list[str]

    @property
    def number(self) -> int:
        """The number of the run, which grows from run to run; 0: it isn't known."""
        number = self.run.facts["run_number"]
        return int(number[:18]) if number.isascii() and number.isdigit() else 0

    @property
    def id(self) -> str:
        """The run's own name, as it can stand in a marker."""
        return url_quoted(self.run.facts["run_id"])


class FiledIssue(NamedTuple):
    """An open issue, and the run that it tells of."""

    address: str
    number: int
    run: str


def keep_issues(run: Run, id: str, notice: dict[str, Any], platform: Platform) -> None:
    """Keep the issues of a notice as this run says. Raises RunError."""
    wanted = _wanted(run, notice)
    if not wanted:
        return
    tracker, interface = _tracker(run, notice["issue"], platform)
    for about, wrong in wanted.items():
        labels = notice["issue"].get("labels", [])
        case = Case(_key(run, id, about), run, message_of(run, wrong) if wrong else None, labels)
        patiently(partial(_keep, tracker, interface, case))


def _wanted(run: Run, notice: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return what an issue is to be open about, with the alternatives that hold; without any, it is well again."""
    found: dict[str, list[dict[str, Any]]] = {}
    for condition in due(run, notice):
        found.setdefault(subject(condition), []).append(condition)
    for condition in notice["when"]:
        if fits(run, condition) and is_well(run, condition):
            found.setdefault(subject(condition), [])
    return found


def _key(run: Run, id: str, about: str) -> str:
    """Return what an issue is known by: of which pipeline and notice, what it is about, and on which branch.

    Runs by different events have different nodes: that one is green says nothing of the others.
    """
    facts = run.facts
    runs = [facts["event"], facts["trigger"]] if about == RUN else []
    content = json.dumps(
        [run.plan["home"], run.plan["name"], id, about, facts["branch"], facts["tag"], *runs]
    )
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def _keep(tracker: Tracker, interface: Interface, case: Case) -> str:
    """Open, change or close the issue of a case, and return its key."""
    filed = _open_issue(tracker, interface, case.key)
    told = case.message
    if filed is None:
        if told is not None:
            ask(interface, "POST", tracker.issues, _new(tracker, case, told))
        return case.key
    if filed.number > case.number or (told is not None and filed.run == case.id):
        return case.key  # a later run has told already, or this one has
    # First what shows that it is done: where an answer is lost, nothing is said twice.
    change = tracker.close if told is None else {tracker.body: _body(case, told)}
    ask(interface, tracker.verb, filed.address, change)
    said = f"All is well again: {_origin(case)}\n" if told is None else _lines(case, told)
    ask(interface, "POST", f"{filed.address}/{tracker.comments}", {"body": said})
    return case.key


def _new(tracker: Tracker, case: Case, told: Message) -> dict[str, Any]:
    content: dict[str, Any] = {"title": _title(told), tracker.body: _body(case, told)}
    if case.labels:
        content["labels"] = ",".join(case.labels) if tracker.joined else case.labels
    return content


def _open_issue(tracker: Tracker, interface: Interface, key: str) -> FiledIssue | None:
    """Return the oldest open issue of that key."""
    found = []
    for one in listed(interface, f"{tracker.issues}?{tracker.opened}&per_page=100", "issues"):
        marked = _NOTICE_MARK.match(str(one.get(tracker.body)))
        mine = not tracker.author or (one.get("user") or {}).get("login") == tracker.author
        if marked and marked[1] == key and mine and "pull_request" not in one:
            found.append((int(one[tracker.number]), int(marked[2]), marked[3]))
    if not found:
        return None
    place, number, run = min(found)
    return FiledIssue(f"{tracker.issues}/{place}", number, run)


def _tracker(run: Run, stated: dict[str, Any], platform: Platform) -> tuple[Tracker, Interface]:
    """Return where the issues are, and what they are asked with. Raises RunError."""
    whose, api, project = platform.forge(run.facts["repository"])
    if whose not in ("github", "gitlab"):
        raise RunError("this CI system has no tracker")
    token = os.environ.get(TOKEN, "") if whose == "github" else kept_value(stated["token"])
    if not token:
        raise RunError("the token for it isn't set in the CI system")
    if not may_have_token(api):
        raise RunError("the tracker's address isn't an https one, so it gets no token")
    return (_github if whose == "github" else _gitlab)(api, project), Interface(api, token, REFUSALS)


def _github(api: str, repository: str) -> Tracker:
    owner, _, name = repository.partition("/")
    close = {"state": "closed", "state_reason": "completed"}
    issues = f"{api}/repos/{url_quoted(owner)}/{url_quoted(name)}/issues"
    return Tracker(issues, "state=open", "number", "body", "PATCH", close, "comments", BOT, joined=False)


def _gitlab(api: str, project: str) -> Tracker:
    issues = f"{api}/projects/{url_quoted(project)}/issues"
    opened = "state=opened&scope=created_by_me"
    return Tracker(
        issues, opened, "iid", "description", "PUT", {"state_event": "close"}, "notes", "", joined=True
    )


# --- what stands there -----------------------------------------------------------------------------------


def _title(message: Message) -> str:
    """Return the title, which no tracker reads as Markdown."""
    return message.title[2:MOST_TITLE]


def _body(case: Case, told: Message) -> str:
    return f"<!-- mlcc:notice {case.key} run {case.number} {case.id} -->\n{_lines(case, told)}\n{_KEPT}"


_KEPT = "_The pipeline keeps this issue up to date, and closes it when a run of the branch shows that all is well again._\n"


def _lines(case: Case, told: Message) -> str:
    """Return Markdown, each line of which begins with our own words: GitLab takes others for commands."""
    place = plain(told.branch or told.tag)
    causes = "".join(f"- {plain(cause, limit=500)}\n" for cause in told.reasons)
    what = f"In {plain(told.pipeline)}{' on ' if place else ''}{place}: {plain(told.outcome)}"
    return f"{what}\n\n{causes}\nOf {_origin(case)}\n"


def _origin(case: Case) -> str:
    facts = case.run.facts
    (shown,) = page_link(facts["run_url"], case.number) or [f"run {plain(facts['run_id'])}"]
    return f"{plain(facts['event'])}, commit {plain(facts['commit'][:12])}, {shown}"
