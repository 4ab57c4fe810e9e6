"""Who is told how a run ended: what the plan has of it, and what makes no sense is an error at its place."""

from __future__ import annotations

import pytest

from mlcc.plan import Filed, Mailed, Plan, Posted, RunCondition, Secret, Variable
from mlcc.plan.document import to_runtime
from tests.plans import HEAD, diagnose, place, plan_of

REST = """triggers: {push: {branches: [main]}, pull_request: {branches: [main]}, schedule: {nightly: '7 3 * * *'}}
artifacts: {code: {kind: code, path: [src/]}}
jobs: {train: {run: make, reads: [code]}}
gates: {drift: {guards: code, blocking: false, command: {run: look}}}
"""
START = "version: 1\nname: p\n"
UNASKED = ("push", "tag", "schedule", "manual", "dispatch")


def planned(notices: str) -> Plan:
    return plan_of(START + REST + f"notify:\n{notices}")


def test_a_notice_keeps_its_way_and_its_alternatives() -> None:
    made = planned(
        "  chat: {when: {status: failure, branch: main}, slack: {secret: CHAT}}\n"
        "  hook: {when: {status: [success, failure], event: pull_request}, webhook: {var: HOOK}}\n"
        "  drift: {when: [{gate: drift, verdict: [fail, error], trigger: nightly}, {job: train, status: failure}], "
        "issue: {labels: [ml], token: {secret: TRACKER}}}\n"
    )
    chat, hook, drift = made.notices
    assert (chat.id, chat.way) == ("chat", Posted("slack", Secret("CHAT")))
    assert chat.when == (RunCondition(UNASKED, branches=("main",), statuses=("failure",)),)
    assert hook.way == Posted("webhook", Variable("HOOK"))
    assert hook.when == (RunCondition(("pull_request",), statuses=("success", "failure")),)
    assert drift.way == Filed(("ml",), Secret("TRACKER"))
    assert drift.when == (
        RunCondition(UNASKED, triggers=("nightly",), gate="drift", verdicts=("fail", "error")),
        RunCondition(UNASKED, statuses=("failure",), job="train"),
    )


@pytest.mark.parametrize(
    ("server", "found"),
    [
        ("server: mail.acme.com", ("mail.acme.com", 587, False)),
        ('server: "mail.acme.com:465"', ("mail.acme.com", 465, True)),
        ('server: "mail.acme.com:25"', ("mail.acme.com", 25, False)),
        ('server: "mail.acme.com:2465", tls: implicit', ("mail.acme.com", 2465, True)),
        ('server: "mail.acme.com:465", tls: starttls', ("mail.acme.com", 465, False)),
    ],
)
def test_the_port_says_how_tls_begins_unless_the_spec_does(server: str, found: tuple[str, int, bool]) -> None:
    made = planned(
        f"  a: {{when: {{status: failure}}, email: {{to: [a@b.se, c@d.se], from: ci@b.se, {server}}}}}\n"
    )
    way = made.notices[0].way
    assert isinstance(way, Mailed)
    assert (way.host, way.port, way.implicit) == found
    assert (way.to, way.sender, way.user, way.password) == (("a@b.se", "c@d.se"), "ci@b.se", None, None)


def test_no_node_gets_what_telling_takes() -> None:
    made = planned(
        "  chat: {when: {status: failure}, slack: {secret: CHAT}}\n"
        "  hook: {when: {status: failure}, webhook: {var: HOOK}}\n"
    )
    assert [node.secrets for node in made.nodes.values()] == [(), ()]
    found = to_runtime(made)
    assert (found["secrets"], found["variables"]) == (["CHAT"], ["HOOK"])  # no command may see them
    assert found["notify"]["chat"] == {
        "when": [{"event": list(UNASKED), "status": ["failure"]}],
        "slack": {"secret": "CHAT"},
    }


def test_the_runtime_reads_how_mail_is_sent() -> None:
    made = planned(
        "  ops: {when: {status: failure}, email: {to: a@b.se, from: ci@b.se, server: mail, user: ci, password: {secret: PASS}}}\n"
    )
    assert to_runtime(made)["notify"]["ops"]["email"] == {
        "to": ["a@b.se"], "from": "ci@b.se", "host": "mail", "port": 587, "user": "ci",
        "password": {"secret": "PASS"}, "tls": "starttls",
    }  # fmt: skip


def test_slack_takes_the_events_of_releases_too() -> None:
    release = "releases: {live: {deploys: [m], run: make, rollback: none}}\n"
    made = plan_of(
        HEAD + "environments: {live: {}}\nartifacts: {m: {kind: model, path: m.bin}}\n"
        "notify: {a: {slack: {secret: CHAT}, events: [failed]}}\n" + release
    )
    part = made.nodes["live"].part
    assert part is not None
    assert [(told.id, told.webhook, told.events) for told in part.notices] == [
        ("a", Secret("CHAT"), ("failed",))
    ]
    assert made.notices == ()


@pytest.mark.parametrize(
    ("notice", "code", "message"),
    [
        ("{§email: {to: a@b.se, from: c@b.se, server: m}}", "no-when",
         "`email` tells how runs ended, and 'a' doesn't say of which"),
        ("{§issue: {}}", "no-when", "`issue` tells how runs ended, and 'a' doesn't say of which"),
        ("{when: {status: failure}, webhook: {secret: A}, §events: [held]}", "two-subjects",
         "`events` is of releases, and 'a' is told of runs"),
        ("{when: §{branch: main}, slack: {secret: A}}", "no-outcome", "nothing says which outcome is told"),
        ("{when: §{gate: drift}, slack: {secret: A}}", "half-condition", "`gate` and `verdict` stand together"),
        ("{when: §{status: failure, verdict: fail}, slack: {secret: A}}", "half-condition",
         "`gate` and `verdict` stand together"),
        ("{when: {gate: §drft, verdict: fail}, slack: {secret: A}}", "unknown-gate", "there is no gate 'drft'"),
        ("{when: [{job: §trai, status: failure}], slack: {secret: A}}", "unknown-job", "there is no job 'trai'"),
        ("{when: {trigger: §nightl, status: failure}, slack: {secret: A}}", "unknown-trigger",
         "there is no trigger 'nightl'"),
        ("{when: {job: §train, gate: drift, verdict: fail}, slack: {secret: A}}", "job-status",
         "of the job 'train' failure or success is told"),
        ("{when: {status: §rollback}, slack: {secret: A}}", "no-release",
         "no release of this spec can be rolled back"),
        ("{when: {status: [failure, §failure]}, slack: {secret: A}}", "duplicate-item",
         "'failure' stands twice in `status`"),
        ("{when: {status: §[failure, success]}, issue: {}}", "issue-subject",
         "`status: success` closes an issue, and opens none"),
        ("{when: {gate: drift, verdict: §pass}, issue: {}}", "issue-subject",
         "`verdict: pass` closes an issue, and opens none"),
        ("{when: {status: failure, event: §pull_request}, issue: {}}", "issue-subject",
         "`event: pull_request` has readers of its own"),
        ("{when: {status: failure}, §email: {to: a@b.se, from: c@b.se, server: m, user: ci}}", "half-login",
         "`user` and `password` stand together"),
        ("{when: {status: failure}, slack: {secret: A}, §issue: {}}", "one-of",
         "`slack` and `issue` exclude each other"),
        ('{when: {status: failure}, email: {to: §"a@b.se\\nBcc: x@y", from: c@b.se, server: m}}', "bad-value",
         "an address is NAME@DOMAIN, in ASCII letters and without the person's name"),
        ('{when: {status: failure}, issue: {labels: [§"a,b"]}}', "bad-label",
         "a label has no comma, and at most 50 characters"),
    ],
)  # fmt: skip
def test_what_makes_no_sense(notice: str, code: str, message: str) -> None:
    """§ stands before what the diagnostic points at."""
    line = f"  a: {notice}"
    column = line.index("§") + 1
    (found,) = diagnose(START + REST + "notify:\n" + line.replace("§", "") + "\n")
    assert (place(found), found.code, found.message) == (f"8:{column}", code, message)
