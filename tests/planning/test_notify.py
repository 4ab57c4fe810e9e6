"""Whom a release tells: only nodes that can see an event get the address, and what makes no sense is an error at its place."""

from __future__ import annotations

import pytest

from mlcc.plan import Execute, Notice, Plan, Secret, Undo, Variable
from mlcc.plan.document import to_runtime
from tests.plans import HEAD, diagnose, place, plan_of

RELEASES = """environments: {staging: {}, live: {}}
artifacts: {model: {kind: model, path: model.bin}}
releases:
  staging: {deploys: [model], run: make, rollback: {run: make back}}
  live:
    deploys: [model]
    adapter: {command: serve}
    canary: {steps: [5, 25], observations: {command: look}, metrics: {errors: {rate: {max: 0.01}}}}
    rollback: {lease: 3h}
"""
NOTIFY = """notify:
  team: {webhook: {secret: TEAM_HOOK}}
  pager: {webhook: {secret: PAGER_HOOK}, events: [failed, held], releases: [live]}
  cheers: {webhook: {var: CHEERS}, events: [promoted]}
"""


@pytest.fixture(scope="module")
def made() -> Plan:
    return plan_of(HEAD + NOTIFY + RELEASES)


def told(plan: Plan, node: str) -> dict[str, tuple[str, ...]]:
    part = plan.nodes[node].part
    assert part is not None
    return {notice.id: notice.events for notice in part.notices}


def test_a_node_tells_what_it_can_see(made: Plan) -> None:
    later = ("rolled_back", "held", "failed")
    assert told(made, "live-deploy") == {"team": ("failed",), "pager": ("failed",)}
    assert told(made, "live-5") == told(made, "live-25") == {"team": later, "pager": ("held", "failed")}
    assert told(made, "live") == {
        "team": ("promoted", *later), "pager": ("held", "failed"), "cheers": ("promoted",),
    }  # fmt: skip
    assert told(made, "live-rollback") == {"team": ("rolled_back", "failed"), "pager": ("failed",)}
    assert told(made, "staging") == {"team": ("promoted", *later), "cheers": ("promoted",)}


def test_an_address_reaches_the_nodes_that_tell_and_no_command(made: Plan) -> None:
    assert made.nodes["live-deploy"].secrets == ("PAGER_HOOK", "TEAM_HOOK")
    assert made.nodes["staging"].secrets == made.nodes["staging-rollback"].secrets == ("TEAM_HOOK",)
    for node in made.nodes.values():
        assert all(not isinstance(value, (Secret, Variable)) for _, value in node.env)
    (run,) = [step for step in made.nodes["live"].steps if isinstance(step, Execute)]
    (undo,) = [step for step in made.nodes["live"].steps if isinstance(step, Undo)]
    assert run.secrets == undo.secrets == ("PAGER_HOOK", "TEAM_HOOK")
    assert run.variables == undo.variables == ("CHEERS",)


def test_the_runtime_reads_who_is_told(made: Plan) -> None:
    found = to_runtime(made)
    assert found["secrets"] == ["PAGER_HOOK", "TEAM_HOOK"]
    assert found["nodes"]["live-rollback"]["release"] == {
        "id": "live",
        "environment": "live",
        "step": "rollback",
        "notify": [
            {"id": "team", "webhook": {"secret": "TEAM_HOOK"}, "events": ["rolled_back", "failed"]},
            {"id": "pager", "webhook": {"secret": "PAGER_HOOK"}, "events": ["failed"]},
        ],
    }


def test_without_notify_nobody_is_told() -> None:
    made = plan_of(HEAD + RELEASES)
    assert told(made, "live") == {}
    assert made.nodes["live"].secrets == ()
    assert to_runtime(made)["nodes"]["live-5"]["release"] == {
        "id": "live",
        "environment": "live",
        "step": "step",
    }


def test_what_looks_for_lost_candidates_tells_of_what_it_took_away() -> None:
    text = HEAD.replace(
        "{push: {branches: [main]}}", "{push: {branches: [main]}, schedule: {hourly: '7 * * * *'}}"
    )
    made = plan_of(text + NOTIFY + RELEASES.replace("{lease: 3h}", "{lease: 3h, reconcile: hourly}"))
    part = made.nodes["live-reconcile"].part
    assert part is not None
    assert part.step == "undo"
    assert [(notice.id, notice.events) for notice in part.notices] == [
        ("team", ("rolled_back", "failed")), ("pager", ("failed",)),
    ]  # fmt: skip
    assert made.nodes["live-reconcile"].secrets == ("PAGER_HOOK", "TEAM_HOOK")


def test_a_notice_keeps_where_the_address_is() -> None:
    made = plan_of(HEAD + NOTIFY + RELEASES)
    part = made.nodes["staging"].part
    assert part is not None
    assert part.notices[1] == Notice("cheers", Variable("CHEERS"), ("promoted",))


@pytest.mark.parametrize(
    ("notice", "where", "code", "message"),
    [
        ('{webhook: "https://hooks.example/T0"}', "4:23", "wrong-type",
         "expected a mapping with one of secret, var, found a string"),
        ('{webhook: {secret: "https://hooks.example/T0"}}', "4:32", "bad-name",
         "the name of a secret or variable has letters, digits and '_', and doesn't start with GITHUB_"),
        ("{webhook: {secret: A, var: B}}", "4:35", "one-of", "`secret` and `var` exclude each other"),
        ("{webhook: {secret: A}, events: [promotd]}", "4:45", "bad-value",
         "'promotd' isn't 'promoted', 'rolled_back', 'held' or 'failed'"),
        ("{webhook: {secret: A}, events: []}", "4:44", "bad-value", "must have at least 1 item"),
        ("{webhook: {secret: A}, events: [held, held]}", "4:51", "duplicate-item", "'held' stands twice in `events`"),
        ("{webhook: {secret: A}, releases: [lve]}", "4:47", "unknown-release", "there is no release 'lve'"),
        ("{webhook: {secret: A}, releases: [live, live]}", "4:53", "duplicate-item", "'live' stands twice in `releases`"),
        ("{events: [held]}", "4:10", "one-of", "one of webhook, slack, email, issue is missing"),
    ],
)  # fmt: skip
def test_what_makes_no_sense(notice: str, where: str, code: str, message: str) -> None:
    (found,) = diagnose(f"{HEAD}notify: {{a: {notice}}}\n{RELEASES}")
    assert (place(found), found.code, found.message) == (where, code, message)


def test_an_address_in_the_clear_is_explained() -> None:
    (found,) = diagnose(HEAD + 'notify: {a: {webhook: "https://hooks.example/T0"}}\n' + RELEASES)
    assert (
        found.help
        == "name what the CI system keeps, as {secret: NAME}: who can read the spec must not learn it"
    )
