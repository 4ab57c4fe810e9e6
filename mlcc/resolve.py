"""RESOLVE: defaults and references. Afterwards every node states all of its keys, and every name exists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlcc.gates import GATES
from mlcc.plan import Leg, NodeKind
from mlcc.problems import Loc, Problems
from mlcc.source import Source

if TYPE_CHECKING:
    from mlcc.spec.execution import Condition, Execution
    from mlcc.spec.models import Spec

RESERVED_NODE_IDS = ("select", "final")
DEFAULT_RUNNER = "default"
DEFAULT_TIMEOUT = "30m"
FETCH_PREFIX = "fetch-"


@dataclass(frozen=True, slots=True)
class ResolvedNode:
    """A node of the spec with its defaults filled in. `spec` is a Job, a Gate or an Origin; `loc` is its place."""

    id: str
    kind: NodeKind
    spec: Any
    loc: Loc
    runner: str | None  # None: taken from the matrix
    runner_axis: str | None
    python: str | None
    python_axis: str | None
    image: str | None
    setup: tuple[str, ...]
    env: Mapping[str, Any]
    cache: Mapping[str, Any]
    checkout: Any
    working_directory: str
    timeout: str
    retry: int
    legs: tuple[Leg, ...]
    conditions: tuple[Condition, ...]

    @property
    def gate_kind(self) -> str:
        """Return the one kind that a gate has."""
        return next(name for name in GATES if getattr(self.spec, name, None) is not None)


@dataclass(frozen=True, slots=True)
class Resolved:
    """The spec, its source, and its nodes in the order they were written (fetches first)."""

    spec: Spec
    source: Source
    nodes: Mapping[str, ResolvedNode]
    fetched_by: Mapping[str, str] = field(default_factory=dict)  # artifact -> id of its fetch


def resolve(spec: Spec, source: Source) -> Resolved:
    """Fill in defaults and check every reference. Raises SpecError."""
    problems = Problems(source)
    nodes: dict[str, ResolvedNode] = {}
    fetched_by: dict[str, str] = {}
    for id, artifact in spec.artifacts.items():
        if artifact.from_ is not None:
            fetched_by[id] = FETCH_PREFIX + id
            loc: Loc = ("artifacts", id, "from")
            _add(nodes, _node(spec, fetched_by[id], NodeKind.FETCH, artifact.from_, loc, problems), problems)
    for id, job in spec.jobs.items():
        _add(nodes, _node(spec, id, NodeKind.JOB, job, ("jobs", id), problems), problems)
    for id, gate in spec.gates.items():
        _add(nodes, _node(spec, id, NodeKind.GATE, gate, ("gates", id), problems), problems)
    if not nodes:
        problems.add("nothing-to-run", "the spec has neither jobs nor gates", (), help="add a job under `jobs`")
    _check_triggers(spec, problems)
    for node in nodes.values():
        _check_node(spec, nodes, node, problems)
    _check_env_collisions(spec, problems)
    problems.stop_if_any()
    return Resolved(spec, source, nodes, fetched_by)


def _add(nodes: dict[str, ResolvedNode], node: ResolvedNode, problems: Problems) -> None:
    if node.id in nodes:
        other = nodes[node.id]
        problems.add(
            "duplicate-id", f"'{node.id}' names two nodes", node.loc, key=True,
            others=((other.loc, "first used here"),), help="jobs, gates and fetches (fetch-ARTIFACT) share one set of ids",
        )  # fmt: skip
    if node.id in RESERVED_NODE_IDS:
        problems.add("reserved-id", f"'{node.id}' is the name of a node that mlcc adds itself", node.loc, key=True, help="choose another id")
    nodes[node.id] = node


def _node(spec: Spec, id: str, kind: NodeKind, own: Execution, loc: Loc, problems: Problems) -> ResolvedNode:
    defaults = spec.defaults
    runner_axis = getattr(own.runner, "matrix", None)
    python_axis = getattr(own.python, "matrix", None)
    runner = None if runner_axis else own.runner or defaults.runner or DEFAULT_RUNNER
    uses_python = own.python is not None or own.image is None
    image = own.image or (None if own.python is not None else defaults.image)
    return ResolvedNode(
        id=id,
        kind=kind,
        spec=own,
        loc=loc,
        runner=runner,  # type: ignore[arg-type]  # a MatrixRef has an axis, and then runner is None
        runner_axis=runner_axis,
        python=None if python_axis or not uses_python else own.python or defaults.python,  # type: ignore[arg-type]  # likewise
        python_axis=python_axis,
        image=image,
        setup=tuple(defaults.setup if own.setup is None else own.setup),
        env={**defaults.env, **_environment_env(spec, own), **own.env},
        cache={**defaults.cache, **own.cache},
        checkout=own.checkout if own.checkout is not None else defaults.checkout,
        working_directory=own.working_directory or defaults.working_directory or "",
        timeout=own.timeout or defaults.timeout,
        retry=0 if kind is NodeKind.GATE else defaults.retry if own.retry is None else own.retry,
        legs=_legs(own, loc, problems),
        conditions=_conditions(own),
    )


def _environment_env(spec: Spec, own: Execution) -> Mapping[str, Any]:
    environment = spec.environments.get(own.environment or "")
    return environment.env if environment else {}


def _conditions(own: Execution) -> tuple[Condition, ...]:
    if own.when is None:
        return ()
    return tuple(own.when) if isinstance(own.when, list) else (own.when,)


def _legs(own: Execution, loc: Loc, problems: Problems) -> tuple[Leg, ...]:
    """Return the matrix's legs: every combination of the axes, then `include`."""
    if own.matrix is None:
        return (Leg(""),)
    combinations: list[tuple[tuple[str, Any], ...]] = [()] if own.matrix.axes else []
    for axis, values in own.matrix.axes.items():
        combinations = [(*old, (axis, value)) for old in combinations for value in values]
    legs = {leg_id(values): Leg(leg_id(values), values) for values in combinations}
    if len(legs) < len(combinations):
        problems.add("duplicate-leg", "two combinations of the matrix have the same id", (*loc, "matrix"), help="name the legs under `include`")
    for id, extra in own.matrix.include.items():
        if id in legs:
            problems.add("duplicate-leg", f"the leg '{id}' is also a combination of the axes", (*loc, "matrix", "include", id), key=True)
        legs[id] = Leg(id, tuple(extra.items()))
    if not legs:
        problems.add("empty-matrix", "the matrix has no leg", (*loc, "matrix"), help="give an axis at least one value, or name a leg under `include`")
    axes = [name for leg in legs.values() for name, _ in leg.values]
    for leg in legs.values():
        for axis in dict.fromkeys(axes):
            if axis not in dict(leg.values):
                problems.add("uneven-matrix", f"the leg '{leg.id}' has no value for '{axis}'", (*loc, "matrix"), help="every leg states every axis")
    return tuple(legs.values())


def leg_id(values: tuple[tuple[str, Any], ...]) -> str:
    """Return the id of a leg: its values joined by '-', in characters that every platform's names allow."""
    words = ("".join(c if c.isascii() and c.isalnum() else "-" for c in str(v).lower()) for _, v in values)
    return "-".join("-".join(part for part in word.split("-") if part) or "x" for word in words)


def _check_triggers(spec: Spec, problems: Problems) -> None:
    triggers = spec.triggers
    groups = {"schedule": list(triggers.schedule), "manual": list(triggers.manual), "dispatch": triggers.dispatch}
    seen: dict[str, Loc] = {}
    for group, ids in groups.items():
        for index, id in enumerate(ids):
            loc: Loc = ("triggers", group, index if group == "dispatch" else id)
            if id in seen:
                problems.add("duplicate-id", f"'{id}' names two triggers", loc, key=True, others=((seen[id], "first used here"),))
            seen[id] = loc
    if not seen and triggers.pull_request is None and triggers.push is None and triggers.tag is None:
        problems.add("no-trigger", "nothing starts this pipeline", ("triggers",), key=True, help="add `push: {branches: [main]}`")
    for form, spec_form in triggers.manual.items():
        for name, field_ in spec_form.inputs.items():
            _check_input(field_, ("triggers", "manual", form, "inputs", name), problems)


_INPUT_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,), "choice": (str,), "number": (int, float), "integer": (int,), "boolean": (bool,),
}  # fmt: skip


def _check_input(field_: Any, loc: Loc, problems: Problems) -> None:
    if (field_.type == "choice") != bool(field_.options):
        problems.add("bad-input", "`options` belong to a `choice`, and a `choice` needs them", loc, key=True)
    numeric = field_.type in ("number", "integer")
    if not numeric and (field_.min is not None or field_.max is not None):
        problems.add("bad-input", f"a {field_.type} has neither `min` nor `max`", loc, key=True)
    default = field_.default
    if default is None:
        return
    right_type = isinstance(default, _INPUT_TYPES[field_.type]) and isinstance(default, bool) == (field_.type == "boolean")
    if not right_type or (field_.options and default not in field_.options):
        problems.add("bad-input", f"the default isn't a {field_.type} that the input allows", (*loc, "default"))
    elif numeric and not (field_.min is None or default >= field_.min) or numeric and not (field_.max is None or default <= field_.max):
        problems.add("bad-input", "the default is outside `min` and `max`", (*loc, "default"))


def _check_node(spec: Spec, nodes: Mapping[str, ResolvedNode], node: ResolvedNode, problems: Problems) -> None:
    own, loc = node.spec, node.loc
    for key in ("reads", "writes", "evaluates"):
        names = getattr(own, key, [])
        for index, name in enumerate(names):
            if name not in spec.artifacts:
                problems.unknown("artifact", name, list(spec.artifacts), (*loc, key, index))
            elif names.index(name) != index:
                problems.add("duplicate-item", f"'{name}' stands twice in `{key}`", (*loc, key, index))
    if node.kind is NodeKind.GATE:
        if own.guards not in spec.artifacts:
            problems.unknown("artifact", own.guards, list(spec.artifacts), (*loc, "guards"))
        if own.retry:
            problems.add("gate-retry", "a gate isn't retried: a second try would turn chance into a pass", (*loc, "retry"), key=True, help="remove `retry`")
    for index, name in enumerate(getattr(own, "needs", [])):
        if name not in nodes:
            problems.unknown("node", name, list(nodes), (*loc, "needs", index))
    if node.runner is not None and node.runner != DEFAULT_RUNNER and node.runner not in spec.runners:
        where = (*loc, "runner") if own.runner is not None else ("defaults", "runner")
        problems.unknown("runner", node.runner, list(spec.runners), where)
    if own.environment is not None and own.environment not in spec.environments:
        problems.unknown("environment", own.environment, list(spec.environments), (*loc, "environment"))
    for index, provider in enumerate(own.auth):
        if getattr(spec.auth, provider) is None:
            problems.add("unknown-auth", f"'{provider}' isn't set up under `auth`", (*loc, "auth", index), help=f"add `auth: {{{provider}: …}}` at the top")
    _check_axes(spec, node, problems)
    _check_conditions(spec, nodes, node, problems)


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
    inputs = {name for form in spec.triggers.manual.values() for name in form.inputs}
    for name, value in node.env.items():
        where: Loc = (*node.loc, "env", name) if name in node.spec.env else ("defaults", "env", name)
        if getattr(value, "matrix", None) is not None and value.matrix not in axes:
            problems.unknown("axis", value.matrix, list(axes), where)
        if getattr(value, "input", None) is not None and value.input not in inputs:
            problems.unknown("input", value.input, sorted(inputs), where)
        if getattr(value, "secret", None) is not None and name in spec.defaults.env and name not in node.spec.env:
            problems.add("secret-in-defaults", f"the secret '{value.secret}' would reach every node", where, help="name it on the nodes that need it")
        if getattr(value, "as_", "value") == "file" and value.secret is None:
            problems.add("bad-value", "`as: file` is for secrets", where)


def _check_conditions(spec: Spec, nodes: Mapping[str, ResolvedNode], node: ResolvedNode, problems: Problems) -> None:
    triggers = spec.triggers
    known = [*triggers.schedule, *triggers.manual, *triggers.dispatch]
    inputs = {name for form in triggers.manual.values() for name in form.inputs}
    for index, condition in enumerate(node.conditions):
        loc: Loc = (*node.loc, "when", index) if isinstance(node.spec.when, list) else (*node.loc, "when")
        for name in as_list(condition.trigger):
            if name not in known:
                problems.unknown("trigger", name, known, (*loc, "trigger"))
        for name in condition.input or {}:
            if name not in inputs:
                problems.unknown("input", name, sorted(inputs), (*loc, "input", name))
        if (condition.gate is None) != (condition.verdict is None):
            problems.add("half-condition", "`gate` and `verdict` stand together", loc, help="{gate: live-drift, verdict: fail}")
        gate = nodes.get(condition.gate or "")
        if condition.gate is not None and (gate is None or gate.kind is not NodeKind.GATE):
            problems.unknown("gate", condition.gate, [n.id for n in nodes.values() if n.kind is NodeKind.GATE], (*loc, "gate"))
        elif gate is not None and gate.spec.blocking:
            problems.add(
                "blocking-verdict", f"the gate '{gate.id}' is blocking: its failure ends the run before anything can follow from it",
                (*loc, "gate"), others=((gate.loc, "the gate"),), help="give the gate `blocking: false`",
            )  # fmt: skip
    gates = {c.gate for c in node.conditions if c.gate is not None}
    if len(gates) > 1:
        problems.add("two-verdicts", f"`when` names the verdicts of {len(gates)} gates ({', '.join(sorted(gates))}); one is allowed", (*node.loc, "when"), key=True)
    statuses = {c.status for c in node.conditions}
    if len(statuses) > 1:
        problems.add("mixed-status", "every alternative of `when` has the same `status`", (*node.loc, "when"), key=True)
    if statuses - {None} and gates:
        problems.add("mixed-status", "a `status` and a gate's verdict can't be combined", (*node.loc, "when"), key=True)


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
            problems.add("ambiguous-id", f"'{id}' and '{seen[name]}' both arrive as ARTIFACT_{name}", ("artifacts", id), key=True, others=((("artifacts", seen[name]), "the other"),))
        seen[name] = id
