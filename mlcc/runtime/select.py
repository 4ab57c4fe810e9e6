"""The selecting node: what the event selects (S3, S10), from the plan, the event and the changed paths.

Standard library only: bundled into the emitted script. `mlcc.semantics` is the reference it is tested against.
"""

from __future__ import annotations

import math
import os
import re
import subprocess
import time
from typing import Any

from mlcc.runtime.log import say
from mlcc.runtime.patterns import from_root_of, name_matches, path_matches
from mlcc.runtime.platform import Facts, Platform
from mlcc.runtime.records import RunError, read_plan, state_folder, waivers_of, write_record
from mlcc.runtime.released import utc_now

DIFF_EVENTS = ("push", "pull_request")  # those with a base to count changes from


def select_main(platform: Platform) -> int:
    """Decide what runs, write it down, and tell the CI system what it need not start."""
    plan = read_plan()
    check_waivers(plan, os.environ.get("MLCC_PLATFORM", ""))
    facts = platform.facts()
    if not facts.commit:
        raise RunError("the CI system doesn't say which commit this is")
    trigger = trigger_of(plan, facts)
    inputs = check_inputs(plan, facts, trigger)
    base = _base(facts, platform)
    changed = None if base is None else changed_paths(base, facts.head or facts.commit)
    if changed is None:
        base = None  # a base that git can't compare with is none
    event = {
        "kind": facts.event, "branch": facts.branch, "tag": facts.tag, "trigger": trigger, "inputs": inputs,
        "fork": facts.fork, "changed": changed,
    }  # fmt: skip
    outside = outside_triggers(plan, facts)
    chosen = nothing(plan, outside) if outside else select(plan, event)
    record = {
        **chosen,
        "schema": "https://mlcc.dev/selection/1",
        "commit": facts.commit,
        "base_commit": base or "",
        "event": event,
        "inputs": {**_defaults(plan), **inputs},
        "facts": _run_facts(facts, base, trigger),
    }
    if any(artifact.get("snapshot") for artifact in plan["artifacts"].values()):
        record["moment"] = utc_now()
    write_record(state_folder("select") / "selection.json", record)
    platform.publish_selection(plan, record)
    say(f"mlcc: {len(chosen['selected'])} of {len(plan['nodes'])} nodes selected")
    for id in plan["nodes"]:
        mark = "run " if id in chosen["selected"] else "skip"
        say(f"{id}: {chosen['reasons'][id]}", before=f"  {mark} ")
    return 0


def check_waivers(plan: dict[str, Any], platform: str) -> None:
    """Raise RunError where the spec bore a loss of this CI system only until a day (UTC) that is over."""
    today = time.strftime("%Y-%m-%d", time.gmtime())
    for feature, waiver in waivers_of(plan, platform).items():
        if today > waiver["until"]:
            raise RunError(
                f"the waiver of '{feature}' for {platform} ended on {waiver['until']}: "
                f"leave '{feature}' out, or renew `targets.{platform}.waive` and compile"
            )


def _defaults(plan: dict[str, Any]) -> dict[str, str]:
    """Return what inputs are worth in a run that no form started."""
    forms = plan["triggers"].get("manual", {}).values()
    return {name: field["default"] for form in forms for name, field in form.items() if "default" in field}


def _run_facts(facts: Facts, base: str | None, trigger: str) -> dict[str, str]:
    return {
        "commit": facts.commit, "base_commit": base or "", "branch": facts.branch, "tag": facts.tag,
        "event": facts.event, "pull_request": facts.pull_request, "repository": facts.repository,
        "run_id": facts.run_id, "run_number": facts.run_number, "run_url": facts.run_url,
        "fork": "true" if facts.fork else "", "trigger": trigger,
    }  # fmt: skip


# --- the event ------------------------------------------------------------------------------------


def trigger_of(plan: dict[str, Any], facts: Facts) -> str:
    """Return the id of the schedule, form or dispatch that started the run. Raises RunError."""
    triggers = plan["triggers"]
    if facts.event == "schedule":
        found = [id for id, cron in triggers.get("schedule", {}).items() if facts.hint in (id, cron)]
    elif facts.event == "manual":
        forms = list(triggers.get("manual", {}))
        only = forms if len(forms) == 1 and not facts.hint else []
        found = (
            [facts.hint]
            if facts.hint in forms
            else [id for id in only if id not in triggers.get("reserved", [])]
        )
    elif facts.event == "dispatch":
        found = [id for id in triggers.get("dispatch", []) if id == facts.hint]
    else:
        return ""
    if not found:
        raise RunError(
            f"a run by {facts.event} '{printable(facts.hint)}' isn't among the triggers of the spec"
        )
    return str(found[0])


def outside_triggers(plan: dict[str, Any], facts: Facts) -> str:
    """Say why a run isn't one that the spec asks for, where the CI system starts others too; empty: it is."""
    if not facts.unasked or facts.event not in ("push", "pull_request", "tag"):
        return ""  # the others were looked up by `trigger_of`
    name = facts.tag if facts.event == "tag" else facts.branch
    if _any_matches(plan["triggers"].get(facts.event, []), name):
        return ""
    return f"the spec's triggers have no {facts.event} for {printable(name) or 'no name'}"


def nothing(plan: dict[str, Any], reason: str) -> dict[str, Any]:
    """Return the selection of no node."""
    return {"selected": [], "reasons": dict.fromkeys(plan["nodes"], reason), "by_verdict": {}}


def printable(text: str) -> str:
    """Return a text from outside in a form that can't start a line or a command of a log."""
    return "".join(c if c.isprintable() else "?" for c in text[:200])


def check_inputs(plan: dict[str, Any], facts: Facts, trigger: str) -> dict[str, str]:
    """Return the inputs of a manual run, defaults filled in. Raises RunError on one that its form refuses."""
    if facts.event != "manual":
        return {}
    fields = plan["triggers"]["manual"][trigger]
    checked: dict[str, str] = {}
    for name, field in fields.items():
        value = facts.inputs.get(name, "")
        if value == "":
            value = field.get("default", "")
        if value == "" and not field.get("required"):
            continue
        problem = input_problem(value, field)
        if problem:
            raise RunError(f"the input {name} is refused: {problem}")
        checked[name] = value
    return checked


def input_problem(value: str, field: dict[str, Any]) -> str:
    """Say what is wrong with an input's value; empty: nothing."""
    kind = field["type"]
    if value == "":
        return "it is required"
    if len(value) > 1000 or not value.isprintable():
        return "it is too long, or has control characters"
    if kind == "choice" and value not in field["options"]:
        return "it is none of its options"
    if kind == "boolean" and value not in ("true", "false"):
        return "it is neither true nor false"
    return _number_problem(value, field) if kind in ("number", "integer") else ""


def _number_problem(value: str, field: dict[str, Any]) -> str:
    # The command gets the text, so it must read the same to every program: Python's own idea of a number is wider.
    kind = field["type"]
    if not (_INTEGER if kind == "integer" else _NUMBER).fullmatch(value):
        return f"it isn't {'an' if kind == 'integer' else 'a'} {kind} in plain digits"
    number = int(value) if kind == "integer" else float(value)
    if not math.isfinite(number):
        return "it isn't finite"
    if "min" in field and not number >= field["min"]:
        return f"it is below {field['min']}"
    if "max" in field and not number <= field["max"]:
        return f"it is above {field['max']}"
    return ""


_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,29})")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")


# --- what has changed -----------------------------------------------------------------------------


def _git(*words: str) -> str | None:
    """Return what a git command prints; None when it fails."""
    done = subprocess.run(["git", *words], capture_output=True, check=False)
    return done.stdout.decode("utf-8", "surrogateescape") if done.returncode == 0 else None


def _base(facts: Facts, platform: Platform) -> str | None:
    """Return the commit that the changes are counted from (S3); None: unknown, so everything has changed."""
    if facts.event == "pull_request":
        head = facts.head or facts.commit
        found = _git("merge-base", facts.base, head) if is_commit(facts.base) and is_commit(head) else None
        return found.strip() if found else None
    if facts.event != "push":
        return None
    green = platform.last_green(facts.branch)
    if not green or not is_commit(green) or _git("merge-base", "--is-ancestor", green, facts.commit) is None:
        return None
    return green


def is_commit(text: str) -> bool:
    """Tell whether a text from outside is a commit's name, and so nothing that git takes for an option."""
    return _COMMIT.fullmatch(text) is not None


def changed_paths(base: str, head: str) -> list[str] | None:
    """Return the paths that differ between two commits, relative to the repository root; None: unknown."""
    # Not `git diff`, which a configuration can limit to a folder, or make blind to submodules.
    found = _git("diff-tree", "-r", "--name-only", "--no-renames", "-z", base, head)
    return None if found is None else sorted(path for path in found.split("\0") if path)


# --- selection ------------------------------------------------------------------------------------


def select(plan: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
    """Return the selected nodes, the reason for each node, and the nodes that wait for a verdict."""
    nodes = plan["nodes"]
    waiting = {id: wanted for id, node in nodes.items() for wanted in [_waits_for(node, event)] if wanted}
    refused: dict[str, str] = {}
    pulls: dict[str, dict[str, str]] = {}
    for id, node in nodes.items():  # in topological order
        pulls[id] = _pulls(id, node, id in waiting)
        cause = _refusal(plan, node, event)
        missing = next((other for other in pulls[id] if other in refused), None)
        if cause is None and missing is not None:
            cause = f"it can't run without '{missing}': {refused[missing]}"
        if cause is not None:
            refused[id] = cause
    reasons = dict(refused)
    selected: set[str] = set()
    for id, reason in _roots(plan, event).items():
        todo = [] if id in refused else [(id, reason)]
        while todo:
            current, why = todo.pop()
            if current not in selected:
                selected.add(current)
                reasons[current] = why
                todo.extend(pulls[current].items())
    for id, node in nodes.items():
        if node.get("status") and id not in refused:
            first = next((other for other, _ in node["before"] if other in selected), None)
            if first is not None:
                selected.add(id)
                reasons[id] = f"it follows '{first}', which is selected"
            else:
                reasons[id] = "none of what it follows is selected"
    rest = "nothing that it depends on has changed"
    if event["trigger"] in plan["triggers"].get("reserved", []):
        rest = f"the trigger '{event['trigger']}' starts only what names it"
    for id in nodes:
        reasons.setdefault(id, rest)
    return {"selected": [id for id in nodes if id in selected], "reasons": reasons, "by_verdict": waiting}


def _waits_for(node: dict[str, Any], event: dict[str, Any]) -> list[str]:
    """Return the verdicts that let a node run; none where it waits for no verdict."""
    holding = [c for c in node.get("when", []) if not _condition_problem(c, event)]
    if node.get("status") or not all("gate" in c for c in holding):
        return []
    return sorted({verdict for c in holding for verdict in c["verdicts"]})


def _pulls(id: str, node: dict[str, Any], waits: bool) -> dict[str, str]:
    if node.get("status"):
        return {}
    why = {"data": f"'{id}' takes what it writes", "guard": f"it guards what '{id}' reads"}
    if waits:
        why["verdict"] = f"'{id}' waits for its verdict"
    return {other: why[kind] for other, kind in node["before"] if kind in why}


def _refusal(plan: dict[str, Any], node: dict[str, Any], event: dict[str, Any]) -> str | None:
    if event["kind"] == "pull_request":
        if node["kind"] in ("release", "rollback", "reconcile", "restore"):
            return "releases never run for pull requests"
        if event["fork"] and node["kind"] == "preview":
            return "what a release would do isn't shown to forks"
        if event["fork"] and node.get("trusted"):
            builds = node["kind"] == "build"
            uses = (
                "moves what the store keeps"
                if node.get("stores")
                else "reaches a registry of models"
                if node.get("registers")
                else "pushes an image"
                if builds
                else "uses secrets"
            )
            return f"it {uses}, and the pull request comes from a fork"
    branches = node.get("branches", [])
    if branches and (event["kind"] == "pull_request" or not _any_matches(branches, event["branch"])):
        return f"its environment is for runs of {' or '.join(branches)}"
    problems = [_condition_problem(condition, event) for condition in node.get("when", [])]
    if problems and "" not in problems:
        return "its `when` doesn't allow it: " + "; ".join(problems)
    if event["kind"] not in DIFF_EVENTS or event["changed"] is None:
        for id in node["takes"]:
            if plan["artifacts"][id].get("at_base"):
                return f"there is no base version of '{id}' in this run"
    return None


def _condition_problem(condition: dict[str, Any], event: dict[str, Any]) -> str:
    if "events" in condition and event["kind"] not in condition["events"]:
        return f"the event is {event['kind']}"
    for key, what in (("branches", "branch"), ("tags", "tag")):
        name = event[what]
        if key in condition and not _any_matches(condition[key], name):
            return f"the {what} is {name or 'none'}"
    if "triggers" in condition and event["trigger"] not in condition["triggers"]:
        return f"the trigger is {event['trigger'] or 'none of them'}"
    for name, value in condition.get("inputs", {}).items():
        if event["inputs"].get(name) != value:
            return f"the input {name} isn't {value}"
    return ""


def _any_matches(patterns: list[str], name: str) -> bool:
    return bool(name) and any(name_matches(pattern, name) for pattern in patterns)


def _roots(plan: dict[str, Any], event: dict[str, Any]) -> dict[str, str]:
    nodes = {id: node for id, node in plan["nodes"].items() if not node.get("status")}
    trigger = event["trigger"]
    if trigger in plan["triggers"].get("reserved", []):
        named = [
            id
            for id, node in nodes.items()
            if any(trigger in c.get("triggers", []) for c in node.get("when", []))
        ]
        return dict.fromkeys(named, f"its `when` names the trigger '{trigger}'")
    if event["kind"] not in DIFF_EVENTS:
        return dict.fromkeys(nodes, f"a run by {event['kind']} selects every candidate")
    if event["changed"] is None:
        return dict.fromkeys(nodes, "the base is unknown, so everything counts as changed")
    changed = list(event["changed"])
    for path in changed:
        if any(path_matches(pattern, path) for pattern in plan["always"]):
            return {id: f"{printable(path)} changed, which every node depends on" for id in nodes}
    home = plan["home"] + "/" if plan["home"] else ""
    own = {
        id: next(
            (
                p
                for p in changed
                if any(path_matches(from_root_of(home, s), p) for s in node.get("sources", []))
            ),
            None,
        )
        for id, node in plan["nodes"].items()
    }
    return _touched(plan, nodes, own)


def _touched(plan: dict[str, Any], nodes: dict[str, Any], own: dict[str, str | None]) -> dict[str, str]:
    """Return the nodes with a change among their sources or an ancestor's, and those without any sources."""
    hits: dict[str, str | None] = {}
    sourced: dict[str, bool] = {}
    for id, node in plan["nodes"].items():  # in topological order, so that ancestors' answers are there
        before = [other for other, _ in node["before"]]
        hits[id] = next((hit for hit in [own[id], *(hits[other] for other in before)] if hit), None)
        sourced[id] = bool(node.get("sources")) or any(sourced[other] for other in before)
    found: dict[str, str] = {}
    for id in nodes:
        hit = hits[id]
        if hit:
            found[id] = f"{printable(hit)} changed"
        elif not sourced[id]:
            found[id] = "neither it nor anything before it has sources, so it always runs"
    return found
