"""One job of a GitHub workflow -> one job of the draft."""

from __future__ import annotations

import itertools
import re
from typing import Any

from mlcc.importing.document import entries, get, is_true, items, text_of, texts
from mlcc.importing.draft import Draft, duration, identifier
from mlcc.importing.github_steps import Steps
from mlcc.importing.github_values import EXPRESSION, condition, typed
from mlcc.importing.shell import stop, visible
from mlcc.load.source import Entry, Mapping, Node, Scalar, plain

_HOSTED = {"ubuntu-latest", "ubuntu-24.04"}
_READ_ONLY = "mlcc gives every job the permissions that it needs, and no more"


def add_job(draft: Draft, entry: Entry, workflow_env: Node | None) -> None:
    """Draft a job; what of it has no counterpart is listed."""
    id, node, ledger = draft.jobs[entry.key], entry.node, draft.ledger
    if get(node, "uses") is not None:
        ledger.listed(
            node, "a reusable workflow's jobs aren't in this file: import that file, and join the two specs"
        )
        del draft.tree["jobs"][id], draft.jobs[entry.key]
        return
    label = text_of(get(node, "name"))
    if label is not None:
        ledger.replaced(get(node, "name"), f"the id of the job, {id}")
    steps = Steps(draft, id, _title(node, id))
    _needs(draft, id, node)
    for source in (workflow_env, get(node, "env")):
        add_env(source, steps)
    _machine(draft, id, node, steps)
    _matrix(draft, id, node)
    _limits(draft, id, node)
    steps.add(get(node, "steps"))
    _outputs(draft, id, node, steps)
    _when(draft, id, node, steps)
    steps.finish(node)
    draft.tidy(id)


def _title(node: Node, id: str) -> str:
    return f"jobs.{id}, line {node.span.line}"


def _needs(draft: Draft, id: str, node: Node) -> None:
    for item in items(get(node, "needs")):
        name = text_of(item) or ""
        if name in draft.jobs:
            draft.append(draft.jobs[name], "jobs", id, "needs")
            draft.ledger.placed(item, "jobs", id, "needs")
        else:
            draft.ledger.listed(item, f"the job {name} isn't in the spec")


def add_env(node: Node | None, steps: Steps) -> None:
    """Draft the variables of a job: literals and typed values; text around a value is joined in the command."""
    for entry in entries(node):
        raw = text_of(entry.node)
        if raw is None:
            continue
        steps.env(entry.key, raw, entry.node)


def _machine(draft: Draft, id: str, node: Node, steps: Steps) -> None:
    ledger = draft.ledger
    runs_on = get(node, "runs-on")
    labels = texts(get(runs_on, "labels") if isinstance(runs_on, Mapping) else runs_on)
    match = EXPRESSION.fullmatch(labels[0]) if len(labels) == 1 else None
    if labels and set(labels) <= _HOSTED:
        ledger.replaced(runs_on, "the machine that mlcc takes by default, ubuntu-24.04")
    elif match and isinstance(typed(match[1], draft), dict) and "matrix" in typed(match[1], draft):
        ledger.listed(
            runs_on,
            "a matrix of machines names ids of `runners`: declare them, and put `runner: {matrix: …}`",
        )
    elif labels and not any(EXPRESSION.search(label) for label in labels):
        draft.put(runs_on, draft.runner(labels, "github"), "jobs", id, "runner")
    container = get(node, "container")
    image = container if isinstance(container, Scalar) else get(container, "image")
    if (text := text_of(image)) and not EXPRESSION.search(text):
        draft.put(image, text, "jobs", id, "image")
    for entry in entries(get(container, "env")):
        if (raw := text_of(entry.node)) is not None:
            steps.env(entry.key, raw, entry.node)
    for key in ("options", "volumes", "credentials"):
        _overlay(draft, get(container, key), id, "container", key)
    for entry in entries(get(node, "services")):
        _service(draft, id, entry)
    environment = get(node, "environment")
    name = environment if isinstance(environment, Scalar) else get(environment, "name")
    if (text := text_of(name)) and not EXPRESSION.search(text):
        place = identifier(text, "environment")
        draft.tree.setdefault("environments", {}).setdefault(place, {})
        draft.put(name, place, "jobs", id, "environment")
        draft.ledger.suggest(
            f"environments.{place}: say which branches may use it, and whether a person approves"
        )
        _overlay(draft, get(environment, "url"), id, "environment", "url")
    _overlay(draft, get(node, "concurrency"), id, "concurrency")


def _overlay(draft: Draft, node: Node | None, id: str, *keys: str) -> None:
    if node is not None:
        draft.set(plain(node), "targets", "github", "jobs", id, *keys)
        draft.ledger.overlay(node, "targets", "github", "jobs", id, *keys)


def _service(draft: Draft, id: str, entry: Entry) -> None:
    service = identifier(entry.key, "service")
    image, ports = get(entry.node, "image"), texts(get(entry.node, "ports"))
    port = ports[0].split("/")[0].rsplit(":", 1)[-1] if ports else ""
    if text_of(image) is None or not port.isdigit():
        draft.ledger.listed(entry.node, "a service states its image and the port that it listens on")
        return
    place = ("jobs", id, "services", service)
    draft.put(image, text_of(image), *place, "image")
    draft.put(get(entry.node, "ports"), int(port), *place, "port")
    upper = service.upper().replace("-", "_")
    draft.ledger.finding(
        entry.key_span.line,
        f"services.{entry.key}",
        f"its address arrives as SERVICE_{upper}_HOST and SERVICE_{upper}_PORT: use these",
    )
    for variable in entries(get(entry.node, "env")):
        raw = text_of(variable.node) or ""
        match = EXPRESSION.fullmatch(raw)
        value = typed(match[1], draft) if match else None if EXPRESSION.search(raw) else visible(raw)
        if value is not None:
            draft.put(variable.node, value, *place, "env", variable.key)
    for key in ("options", "volumes", "credentials"):
        _overlay(draft, get(entry.node, key), id, "services", service, key)


def _matrix(draft: Draft, id: str, node: Node) -> None:
    strategy = get(node, "strategy")
    draft.ledger.replaced(get(strategy, "fail-fast"), "one failed leg fails the job, and the others finish")
    matrix = get(strategy, "matrix")
    if not isinstance(matrix, Mapping):
        draft.ledger.listed(matrix, "a matrix from the output of a job isn't known when mlcc compiles")
        return
    axes = {e.key: e for e in entries(matrix) if e.key not in ("include", "exclude")}
    values = {identifier(k, "axis"): [_scalar(x) for x in items(e.node)] for k, e in axes.items()}
    place = ("jobs", id, "matrix")
    if any(value is None for column in values.values() for value in column):
        draft.ledger.listed(matrix, "an axis is a list of plain values")
        return
    if get(matrix, "include") is None and get(matrix, "exclude") is None:
        for key, entry in axes.items():
            draft.put(entry.node, values[identifier(key, "axis")], *place, "axes", identifier(key, "axis"))
        return
    legs = (
        [dict(zip(values, row, strict=True)) for row in itertools.product(*values.values())] if values else []
    )
    excluded = [_row(item) for item in items(get(matrix, "exclude"))]
    legs = [leg for leg in legs if not any(row.items() <= leg.items() for row in excluded)]
    base, extra = [dict(leg) for leg in legs], []
    for item in items(get(matrix, "include")):
        row = _row(item)
        fitting = [n for n, leg in enumerate(base) if all(row[k] == v for k, v in leg.items() if k in row)]
        if not fitting or not base:
            extra.append(row)
        for n in fitting:
            legs[n].update(row)
    keys = list(dict.fromkeys(key for leg in [*legs, *extra] for key in leg))
    for leg in [*legs, *extra]:
        if set(leg) != set(keys):
            draft.ledger.finding(
                matrix.span.line, f"{id}.matrix", "the legs have different keys: give each of them every key"
            )
        name = identifier("-".join(str(leg.get(key, "")) for key in keys)[:40], "leg")
        while name in (draft.get(*place, "include") or {}):
            name += "x"
        draft.set({key: leg.get(key, "") for key in keys}, *place, "include", name)
    draft.ledger.placed(matrix, *place, "include")


def _scalar(node: Node) -> Any:
    if not isinstance(node, Scalar) or node.value is None or EXPRESSION.search(node.raw):
        return None
    return node.raw if isinstance(node.value, float) else node.value


def _row(node: Node) -> dict[str, Any]:
    return {identifier(e.key, "axis"): _scalar(e.node) for e in entries(node) if _scalar(e.node) is not None}


def _limits(draft: Draft, id: str, node: Node) -> None:
    minutes = get(node, "timeout-minutes")
    if isinstance(minutes, Scalar) and isinstance(minutes.value, (int, float)) and minutes.value >= 1:
        draft.put(minutes, duration(round(minutes.value * 60)), "jobs", id, "timeout")
    lenient = get(node, "continue-on-error")
    if is_true(lenient):
        draft.put(lenient, False, "jobs", id, "blocking")
    elif text_of(lenient) == "false":
        draft.ledger.replaced(lenient, "a failed job fails the run")
    for entry in entries(get(node, "permissions")):
        if entry.key in ("contents", "id-token", "actions") and text_of(entry.node) in (
            "read",
            "write",
            "none",
        ):
            if entry.key != "contents" or text_of(entry.node) != "write":
                draft.ledger.replaced(entry.node, _READ_ONLY)
        else:
            draft.ledger.listed(
                entry.node, "mlcc's jobs have no such permission: take a token of your own as a secret"
            )


def _outputs(draft: Draft, id: str, node: Node, steps: Steps) -> None:
    for entry in entries(get(node, "outputs")):
        match = re.fullmatch(r"\$\{\{\s*steps\.([\w-]+)\.outputs\.([\w-]+)\s*\}\}", text_of(entry.node) or "")
        name = entry.key.replace("-", "_")
        if match and match[2].replace("-", "_") == name and steps.wrote_output(match[1]):
            draft.append(name, "jobs", id, "outputs")
            draft.ledger.placed(entry.node, "jobs", id, "outputs")
        else:
            draft.append(name, "jobs", id, "outputs")
            draft.ledger.listed(
                entry.node, f"declared as `outputs: [{name}]`: write {name}=value to the file $MLCC_OUTPUTS"
            )


def _when(draft: Draft, id: str, node: Node, steps: Steps) -> None:
    found = get(node, "if")
    text = text_of(found)
    if text is None:
        return
    said = condition(text, draft)
    if said.unknown:
        reason = "no counterpart for " + ", ".join(visible(part)[:80] for part in said.unknown)
        draft.ledger.listed(found, f"{reason}: the job stops until its `when` is stated")
        steps.first(stop(f"the condition of line {node.span.line}"))
        return
    alternatives = [a for a in said.alternatives if a]
    if said.status is not None:
        alternatives = [{**(alternatives[0] if alternatives else {}), "status": said.status}]
    if len(alternatives) == len(said.alternatives) or said.status is not None:
        when = alternatives[0] if len(alternatives) == 1 else alternatives
        draft.put(found, when, "jobs", id, "when")
    else:
        draft.ledger.replaced(found, "a job without `when` runs when what it needs passed")


def inherit_conditions(draft: Draft) -> None:
    """Give a job the `when` of what it needs: GitHub skips it with that, and mlcc would ignore what isn't selected."""
    jobs = draft.get("jobs") or {}
    for id, job in jobs.items():
        for other in job.get("needs", []):
            when = jobs.get(other, {}).get("when")
            if when is None or (isinstance(when, dict) and "status" in when):
                continue
            if "when" not in job:
                job["when"] = when
                draft.ledger.suggest(
                    f"jobs.{id}.when is that of {other}, which it needs: a skipped job skips what needs it"
                )
            elif job["when"] != when and not (isinstance(job["when"], dict) and "status" in job["when"]):
                draft.ledger.suggest(f"jobs.{id} ran only where {other} did, too: compare their `when`")
