"""RESOLVE: defaults and references. Afterwards every node states all of its keys, and every name exists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlcc.load.source import Entry, Source
from mlcc.load.source import Mapping as Tree
from mlcc.plan import Leg, NodeKind, Status
from mlcc.problems import Loc, Problems
from mlcc.resolving.profiles import layered
from mlcc.resolving.references import check_references
from mlcc.resolving.resolved import DEFAULT_RUNNER, Resolved, ResolvedNode
from mlcc.spec.validate import validate

if TYPE_CHECKING:
    from mlcc.spec.execution import Condition, Execution
    from mlcc.spec.models import Defaults, Spec

RESERVED_NODE_IDS = ("select", "final")
FETCH_PREFIX = "fetch-"
BUILD_PREFIX = "build-"
LONGEST_LEG = 100
"""Characters. A file's name has at most 255 bytes, and it holds the node's id (60), too."""


def resolve(spec: Spec, source: Source) -> Resolved:
    """Fill in defaults and check every reference. Raises SpecError."""
    problems = Problems(source)
    locked = _locked_defaults(source)
    nodes: dict[str, ResolvedNode] = {}
    fetched_by: dict[str, str] = {}
    for id, artifact in spec.artifacts.items():
        if artifact.from_ is not None and artifact.from_.release is None:
            fetched_by[id] = FETCH_PREFIX + id
            loc: Loc = ("artifacts", id, "from")
            _add(
                nodes,
                _node(spec, spec.defaults, fetched_by[id], NodeKind.FETCH, artifact.from_, loc, problems),
                problems,
            )
        elif artifact.build is not None:
            fetched_by[id] = BUILD_PREFIX + id
            loc = ("artifacts", id, "build")
            made = _node(spec, spec.defaults, fetched_by[id], NodeKind.BUILD, artifact.build, loc, problems)
            _add(nodes, made, problems)
    for id, job in spec.jobs.items():
        _add(nodes, _node(spec, spec.defaults, id, NodeKind.JOB, job, ("jobs", id), problems), problems)
    for id, gate in spec.gates.items():
        defaults = locked.get(id, spec.defaults)
        _add(nodes, _node(spec, defaults, id, NodeKind.GATE, gate, ("gates", id), problems), problems)
    if spec.releases:
        _add_releases(spec, nodes, problems)
    if spec.notify:
        from mlcc.planning.release_notices import check_notify

        check_notify(spec, problems)
    if not nodes:
        problems.add(
            "nothing-to-run", "the spec has neither jobs nor gates", (), help="add a job under `jobs`"
        )
    check_references(spec, nodes, problems)
    problems.stop_if_any()
    return Resolved(spec, source, nodes, fetched_by)


def _add_releases(spec: Spec, nodes: dict[str, ResolvedNode], problems: Problems) -> None:
    from mlcc.resolving.release_checks import check_release  # most specs have no releases
    from mlcc.resolving.release_steps import nodes_of

    for id, release in spec.releases.items():
        check_release(spec, id, release, problems)
        for name, kind, own in nodes_of(spec, id, release):
            made = _node(spec, spec.defaults, name, kind, own, ("releases", id), problems)
            _add(nodes, made, problems)


def _add(nodes: dict[str, ResolvedNode], node: ResolvedNode, problems: Problems) -> None:
    if node.id in nodes:
        other = nodes[node.id]
        problems.add(
            "duplicate-id", f"'{node.id}' names two nodes", node.loc, key=True,
            others=((other.loc, "first used here"),),
            help="jobs, gates, releases, fetch-ARTIFACT, build-ARTIFACT and RELEASE-rollback share one set of ids",
        )  # fmt: skip
    if node.id in RESERVED_NODE_IDS:
        problems.add(
            "reserved-id",
            f"'{node.id}' is the name of a node that mlcc adds itself",
            node.loc,
            key=True,
            help="choose another id",
        )
    nodes[node.id] = node


def _locked_defaults(source: Source) -> dict[str, Defaults]:
    """Return the defaults of each gate that an extended spec locks: as that spec states them. Raises SpecError."""
    read: dict[int, Defaults] = {}  # by the place in memory: one file often locks many gates
    for stated in source.locked.values():
        if id(stated) not in read:
            entry = Entry("defaults", stated.span, stated)
            root = Tree({**source.root.entries, "defaults": entry}, source.root.span)
            read[id(stated)] = validate(Source(source.path, root, source.texts)).defaults
    return {gate: read[id(stated)] for gate, stated in source.locked.items()}


def _node(
    spec: Spec, defaults: Defaults, id: str, kind: NodeKind, own: Any, loc: Loc, problems: Problems
) -> ResolvedNode:
    below = layered(defaults, spec.profiles.get(own.profile or ""))
    runner_axis = getattr(own.runner, "matrix", None)
    python_axis = getattr(own.python, "matrix", None)
    runner = None if runner_axis else own.runner or below.runner or DEFAULT_RUNNER
    uses_python = own.python is not None or own.image is None
    image = own.image or (None if own.python is not None else below.image)
    return ResolvedNode(
        id=id,
        kind=kind,
        spec=own,
        loc=loc,
        runner=runner,
        runner_axis=runner_axis,
        python=None if python_axis or not uses_python else own.python or below.python,
        python_axis=python_axis,
        image=image,
        setup=tuple(below.setup if own.setup is None else own.setup),
        env={**below.env, **_environment_env(spec, own), **own.env},
        cache={} if loc[0] == "releases" else {**below.cache, **own.cache},
        checkout=own.checkout if own.checkout is not None else below.checkout,
        working_directory=(
            below.working_directory if own.working_directory is None else own.working_directory
        )
        or "",
        timeout=own.timeout or below.timeout,
        retry=0 if kind is NodeKind.GATE else below.retry if own.retry is None else own.retry,
        legs=_legs(own, loc, problems),
        conditions=_conditions(own),
        status=Status.ROLLBACK if kind is NodeKind.ROLLBACK else _status(own),
    )


def _environment_env(spec: Spec, own: Execution) -> Mapping[str, Any]:
    environment = spec.environments.get(own.environment or "")
    return environment.env if environment else {}


def _conditions(own: Execution) -> tuple[Condition, ...]:
    if own.when is None:
        return ()
    return tuple(own.when) if isinstance(own.when, list) else (own.when,)


def _status(own: Execution) -> Status | None:
    stated = next((c.status for c in _conditions(own) if c.status is not None), None)
    return None if stated is None else Status(stated)


def _legs(own: Execution, loc: Loc, problems: Problems) -> tuple[Leg, ...]:
    """Return the matrix's legs: every combination of the axes, then `include`."""
    if own.matrix is None:
        return (Leg(""),)
    combinations: list[tuple[tuple[str, Any], ...]] = [()] if own.matrix.axes else []
    for axis, values in own.matrix.axes.items():
        combinations = [(*old, (axis, value)) for old in combinations for value in values]
    legs = {leg_id(values): Leg(leg_id(values), values) for values in combinations}
    if len(legs) < len(combinations):
        problems.add(
            "duplicate-leg",
            "two combinations of the matrix have the same id",
            (*loc, "matrix"),
            help="name the legs under `include`",
        )
    for id, extra in own.matrix.include.items():
        if id in legs:
            problems.add(
                "duplicate-leg",
                f"the leg '{id}' is also a combination of the axes",
                (*loc, "matrix", "include", id),
                key=True,
            )
        legs[id] = Leg(id, tuple(extra.items()))
    for id in legs:
        if len(id) > LONGEST_LEG:
            problems.add(
                "long-leg",
                f"a combination of the matrix has an id of {len(id)} characters; "
                f"at most {LONGEST_LEG} fit in names of files and jobs",
                (*loc, "matrix"), help="name the legs under `include`",
            )  # fmt: skip
    if not legs:
        problems.add(
            "empty-matrix",
            "the matrix has no leg",
            (*loc, "matrix"),
            help="give an axis at least one value, or name a leg under `include`",
        )
    axes = [name for leg in legs.values() for name, _ in leg.values]
    for leg in legs.values():
        for axis in dict.fromkeys(axes):
            if axis not in dict(leg.values):
                problems.add(
                    "uneven-matrix",
                    f"the leg '{leg.id}' has no value for '{axis}'",
                    (*loc, "matrix"),
                    help="every leg states every axis",
                )
    return tuple(legs.values())


def leg_id(values: tuple[tuple[str, Any], ...]) -> str:
    """Return the id of a leg: its values joined by '-', in characters that every platform's names allow."""
    words = ("".join(c if c.isascii() and c.isalnum() else "-" for c in str(v).lower()) for _, v in values)
    return "-".join("-".join(part for part in word.split("-") if part) or "x" for word in words)
