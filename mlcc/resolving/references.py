"""RESOLVE, continued: every name that the spec uses exists, and means something where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlcc.plan import NodeKind
from mlcc.problems import Loc, Problems
from mlcc.resolving.profiles import check_profile
from mlcc.resolving.resolved import DEFAULT_RUNNER, ResolvedNode
from mlcc.resolving.typed_values import check_params, check_typed

if TYPE_CHECKING:
    from mlcc.spec.models import Spec


def check_references(spec: Spec, nodes: Mapping[str, ResolvedNode], problems: Problems) -> None:
    """Note every name that leads nowhere and every value that makes no sense where it stands."""
    _check_triggers(spec, problems)
    check_params(spec, problems)
    for node in nodes.values():
        _check_artifacts(spec, node, problems)
        check_profile(spec, node, problems)
        _check_surroundings(spec, nodes, node, problems)
        _check_axes(spec, node, problems)
        _check_env(spec, node, problems)
        _check_conditions(spec, nodes, node, problems)
    _check_env_collisions(spec, problems)


def _check_triggers(spec: Spec, problems: Problems) -> None:
    triggers = spec.triggers
    groups = {
        "schedule": list(triggers.schedule),
        "manual": list(triggers.manual),
        "dispatch": triggers.dispatch,
    }
    seen: dict[str, Loc] = {}
    for group, ids in groups.items():
        for index, id in enumerate(ids):
            loc: Loc = ("triggers", group, index if group == "dispatch" else id)
            if id in seen:
                problems.add(
                    "duplicate-id",
                    f"'{id}' names two triggers",
                    loc,
                    key=True,
                    others=((seen[id], "first used here"),),
                )
            seen[id] = loc
    if not seen and triggers.pull_request is None and triggers.push is None and triggers.tag is None:
        problems.add(
            "no-trigger",
            "nothing starts this pipeline",
            ("triggers",),
            key=True,
            help="add `push: {branches: [main]}`",
        )
    for form, spec_form in triggers.manual.items():
        for name, field_ in spec_form.inputs.items():
            check_typed("input", field_, ("triggers", "manual", form, "inputs", name), problems)


def _check_artifacts(spec: Spec, node: ResolvedNode, problems: Problems) -> None:
    own, loc = node.spec, node.loc
    for key in ("deploys", "reads", "includes", "writes", "evaluates"):
        names = getattr(own, key, [])
        for index, name in enumerate(names):
            if name not in spec.artifacts:
                problems.unknown("artifact", name, list(spec.artifacts), (*loc, key, index))
            elif names.index(name) != index:
                problems.add("duplicate-item", f"'{name}' stands twice in `{key}`", (*loc, key, index))
    if node.kind is not NodeKind.GATE:
        return
    if own.guards not in spec.artifacts:
        problems.unknown("artifact", own.guards, list(spec.artifacts), (*loc, "guards"))
    if own.retry:
        message = "a gate isn't retried: a second try would turn chance into a pass"
        problems.add("gate-retry", message, (*loc, "retry"), key=True, help="remove `retry`")


def _check_surroundings(
    spec: Spec, nodes: Mapping[str, ResolvedNode], node: ResolvedNode, problems: Problems
) -> None:
    own, loc = node.spec, node.loc
    for index, name in enumerate(getattr(own, "needs", [])):
        if name not in nodes:
            problems.unknown("node", name, list(nodes), (*loc, "needs", index))
    if node.runner is not None and node.runner != DEFAULT_RUNNER and node.runner not in spec.runners:
        problems.unknown("runner", node.runner, list(spec.runners), _runner(spec, node))
    if own.environment is not None and own.environment not in spec.environments:
        problems.unknown("environment", own.environment, list(spec.environments), (*loc, "environment"))
    for index, provider in enumerate(own.auth):
        if getattr(spec.auth, provider) is None:
            message, help = (
                f"'{provider}' isn't set up under `auth`",
                f"add `auth: {{{provider}: …}}` at the top",
            )
            problems.add("unknown-auth", message, (*loc, "auth", index), help=help)


def _runner(spec: Spec, node: ResolvedNode) -> Loc:
    """Return where a node's runner is stated."""
    if node.spec.runner is not None:
        return (*node.loc, "runner")
    profile = spec.profiles.get(node.spec.profile or "")
    if profile is not None and profile.runner is not None:
        return ("profiles", node.spec.profile, "runner")
    return ("defaults", "runner")


def _check_axes(spec: Spec, node: ResolvedNode, problems: Problems) -> None:
    axes = {name: value for leg in node.legs for name, value in leg.values}
    for key, axis in (("runner", node.runner_axis), ("python", node.python_axis)):
        if axis is not None and axis not in axes:
            problems.unknown("axis", axis, list(axes), (*node.loc, key, "matrix"))
    if node.runner_axis in axes:
        for leg in node.legs:
            name = str(dict(leg.values)[node.runner_axis])
            if name not in spec.runners:
                problems.unknown("runner", name, list(spec.runners), (*node.loc, "matrix"))


def _check_env(spec: Spec, node: ResolvedNode, problems: Problems) -> None:
    axes = [name for leg in node.legs for name, _ in leg.values]
    inputs = {name for form in spec.triggers.manual.values() for name in form.inputs}
    for name, value in getattr(node.spec, "args", {}).items():
        if getattr(value, "input", None) is not None and value.input not in inputs:
            problems.unknown("input", value.input, sorted(inputs), (*node.loc, "args", name))
    for name, value in node.env.items():
        where = _variable(spec, node, name)
        if getattr(value, "matrix", None) is not None and value.matrix not in axes:
            problems.unknown("axis", value.matrix, axes, where)
        if getattr(value, "input", None) is not None and value.input not in inputs:
            problems.unknown("input", value.input, sorted(inputs), where)
        if getattr(value, "secret", None) is not None and where[0] in ("defaults", "profiles"):
            reached = "every node" if where[0] == "defaults" else "every node of the profile"
            problems.add(
                "secret-in-defaults",
                f"the secret '{value.secret}' would reach {reached}",
                where,
                help="name it on the nodes that need it",
            )
        if getattr(value, "as_", "value") == "file" and value.secret is None:
            problems.add("bad-value", "`as: file` is for secrets", where)


def _variable(spec: Spec, node: ResolvedNode, name: str) -> Loc:
    """Return where a node's variable is stated: on the node, by its environment, its profile, or under `defaults`."""
    environment, profile = (
        spec.environments.get(node.spec.environment or ""),
        spec.profiles.get(node.spec.profile or ""),
    )
    if name in node.spec.env:
        return (*node.loc, "env", name)
    if environment is not None and name in environment.env:
        return ("environments", node.spec.environment, "env", name)
    if profile is not None and name in profile.env:
        return ("profiles", node.spec.profile, "env", name)
    return ("defaults", "env", name)


def _way(node: ResolvedNode, index: int, condition: Any) -> Loc:
    """Return where a node says when it runs: in an alternative of `when`, or in a key that implies it."""
    implied: Loc | None = getattr(condition, "loc", None)
    if implied is not None:
        return implied
    return ("when", index) if isinstance(node.spec.when, list) else ("when",)


def _check_conditions(
    spec: Spec, nodes: Mapping[str, ResolvedNode], node: ResolvedNode, problems: Problems
) -> None:
    triggers = spec.triggers
    known = [*triggers.schedule, *triggers.manual, *triggers.dispatch]
    inputs = {name for form in triggers.manual.values() for name in form.inputs}
    for index, condition in enumerate(node.conditions):
        loc = (*node.loc, *_way(node, index, condition))
        for name in as_list(condition.trigger):
            if name not in known:
                problems.unknown("trigger", name, known, (*loc, "trigger"))
        for name in condition.input or {}:
            if name not in inputs:
                problems.unknown("input", name, sorted(inputs), (*loc, "input", name))
        if (condition.gate is None) != (condition.verdict is None):
            problems.add(
                "half-condition",
                "`gate` and `verdict` stand together",
                loc,
                help="{gate: live-drift, verdict: fail}",
            )
        gate = nodes.get(condition.gate or "")
        if condition.gate is not None and (gate is None or gate.kind is not NodeKind.GATE):
            problems.unknown(
                "gate",
                condition.gate,
                [n.id for n in nodes.values() if n.kind is NodeKind.GATE],
                (*loc, "gate"),
            )
        elif gate is not None and gate.spec.blocking:
            problems.add(
                "blocking-verdict", f"the gate '{gate.id}' is blocking: when it fails, nothing can follow from it",
                (*loc, "gate"), others=((gate.loc, "the gate"),), help="give the gate `blocking: false`",
            )  # fmt: skip
    gates = {c.gate for c in node.conditions if c.gate is not None}
    if len(gates) > 1:
        problems.add(
            "two-verdicts",
            f"`when` names the verdicts of {len(gates)} gates ({', '.join(sorted(gates))}); one is allowed",
            (*node.loc, "when"),
            key=True,
        )
    statuses = {c.status for c in node.conditions}
    if len(statuses) > 1:
        problems.add(
            "mixed-status", "every alternative of `when` has the same `status`", (*node.loc, "when"), key=True
        )
    if statuses - {None} and gates:
        problems.add(
            "mixed-status", "a `status` and a gate's verdict can't be combined", (*node.loc, "when"), key=True
        )


def as_list(value: Any) -> list[Any]:
    """Return one-or-many as a list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _check_env_collisions(spec: Spec, problems: Problems) -> None:
    seen: dict[str, str] = {}
    for id in spec.artifacts:
        name = id.upper().replace("-", "_")
        if name in seen:
            problems.add(
                "ambiguous-id",
                f"'{id}' and '{seen[name]}' both arrive as ARTIFACT_{name}",
                ("artifacts", id),
                key=True,
                others=((("artifacts", seen[name]), "the other"),),
            )
        seen[name] = id
