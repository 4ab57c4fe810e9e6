"""PLAN: from a resolved spec to the intermediate representation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mlcc.backends import BACKENDS
from mlcc.gates import DUCKDB
from mlcc.plan import (
    Artifact,
    Environment,
    Form,
    Gate,
    Node,
    NodeKind,
    Output,
    Plan,
    Released,
    Role,
    Runner,
    RunNotice,
)
from mlcc.planning import topology
from mlcc.planning.images import build_of, check_image, login_of
from mlcc.planning.nodes import committed_files, node_of
from mlcc.planning.possible_events import never_runs
from mlcc.planning.registries import registry_of
from mlcc.planning.stores import check_stored, store_of, variables_of
from mlcc.planning.targets import comment, overlays, targets, waivers
from mlcc.planning.triggers import triggers
from mlcc.problems import Loc, Problems
from mlcc.resolving.references import as_list
from mlcc.resolving.resolved import DEFAULT_RUNNER, Resolved, ResolvedNode
from mlcc.runtime.addresses import IMAGE_SCHEME
from mlcc.spec.scalars import seconds

TIME_TRAVEL = ("bigquery", "snowflake")
"""Engines that give a table as of any moment of the last days. Delta refuses one that is later than the table's last change."""
DAY = 86400


def plan(
    resolved: Resolved,
    *,
    home: str = "",
    spec_home: str | None = None,
    spec_files: tuple[str, ...] = ("mlcc.yaml",),
    compiled_files: tuple[str, ...] = (),
    committed: Callable[[tuple[str, ...]], set[str]] | None = None,
    ignored: Callable[[str], bool] | None = None,
) -> Plan:
    """Return the plan of a resolved spec. Raises SpecError.

    `home` is the project folder relative to the repository root, `spec_home` that of the spec where it is another one,
    since the plan is an instance's. `committed` tells which of the given
    path patterns match a file of the repository; without it, every unwritten artifact counts as committed.
    `ignored` tells whether git ignores the files at a path.
    """
    problems = Problems(resolved.source)
    artifacts = _artifacts(resolved, problems)
    store = store_of(resolved, problems)
    problems.stop_if_any()
    nodes = {id: node_of(resolved, node, artifacts, store, problems) for id, node in resolved.nodes.items()}
    problems.stop_if_any()
    _check_takes(resolved, nodes, artifacts, problems)
    if any(artifact.first for artifact in artifacts.values()):
        from mlcc.planning.released import check_first  # most specs read nothing of releases

        check_first(resolved, nodes, artifacts, problems)
    if committed is not None:
        _check_committed(resolved, nodes, artifacts, committed, ignored or (lambda _: False), problems)
    problems.stop_if_any()
    guards = _guards(nodes)
    edges = [
        edge
        for node in nodes.values()
        for edge in topology.edges_of(node, artifacts, guards, _output_sources(node))
    ]
    incoming, outgoing = topology.index(edges, nodes)
    order = topology.topological_order(list(nodes), incoming, outgoing)
    if order is None:
        locs = {id: node.loc for id, node in resolved.nodes.items()}
        topology.report_cycle(list(nodes), incoming, locs, problems)
        problems.stop_if_any()
        raise AssertionError("a cycle was not reported")
    spec = resolved.spec
    made = Plan(
        name=spec.name,
        home=home,
        spec_home=home if spec_home is None else spec_home,
        spec_files=spec_files,
        compiled_files=compiled_files,
        triggers=triggers(spec, problems),
        artifacts=artifacts,
        nodes={id: nodes[id] for id in order},
        incoming={id: incoming[id] for id in order},
        outgoing={id: outgoing[id] for id in order},
        runners=_runners(resolved),
        environments={
            id: Environment(id, tuple(e.branches), e.approval, problems.span(("environments", id), key=True))
            for id, e in spec.environments.items()
        },
        overlays=overlays(resolved),
        targets=targets(resolved),
        waivers=waivers(resolved),
        comment=comment(resolved),
        notices=_notices(resolved, problems),
        store=store,
        span=problems.span(("name",)),
    )
    for id, cause in never_runs(made).items():
        problems.add(
            "never-runs",
            f"no trigger of this spec can run '{id}'",
            resolved.nodes[id].loc,
            key=True,
            help=cause,
        )
    problems.stop_if_any()
    return made


def _notices(resolved: Resolved, problems: Problems) -> tuple[RunNotice, ...]:
    if not resolved.spec.notify:
        return ()
    from mlcc.planning.run_notices import run_notices  # most specs tell nobody

    return run_notices(resolved.spec, problems)


def _artifacts(resolved: Resolved, problems: Problems) -> dict[str, Artifact]:
    writers = _writers(resolved, problems)
    found: dict[str, Artifact] = {}
    for id, raw in resolved.spec.artifacts.items():
        loc: Loc = ("artifacts", id)
        writer = writers.get(id)
        released = _released(id, raw, resolved, problems)
        elsewhere = raw.table or raw.uri
        image = None if raw.repository is None else IMAGE_SCHEME + raw.repository
        paths = tuple(as_list(elsewhere or image or raw.path))
        form = (
            Form.TABLE if raw.table else Form.OBJECTS if raw.uri else Form.IMAGE if image else _form(raw.path)
        )
        check_image(id, raw, resolved.nodes.get(writer or ""), problems)
        from_legs = writer is not None and len(resolved.nodes[writer].legs) > 1
        if writer is not None and form is Form.PATHS:
            problems.add(
                "bad-path",
                f"'{id}' is written by '{writer}': it has one path, without wildcards",
                (*loc, "path"),
                help="use a folder, ending in '/'",
            )
        elif from_legs and form not in (Form.FOLDER, Form.IMAGE):
            problems.add(
                "matrix-writes-file", f"'{writer}' runs once per leg, so '{id}' is a folder of folders", (*loc, "path"),
                others=((resolved.nodes[writer or ""].loc, "the matrix"),),
                help=f"end the path in '/': each leg's copy is found at {paths[0]}/LEG/",
            )  # fmt: skip
        if raw.at is not None and writer is not None:
            problems.add(
                "bad-origin",
                f"'{id}' is taken from the base, so nothing can write it",
                (*loc, "at"),
                key=True,
            )
        if raw.store and image is None and released is None:
            check_stored(id, raw, resolved, writer is not None, problems)
        if raw.snapshot:
            _check_snapshot(id, raw, problems)
        if elsewhere is not None:
            _check_elsewhere(id, raw, resolved.nodes.get(writer or ""), problems)
        elif (
            image is None and raw.engine not in (None, DUCKDB) and (raw.kind != "data" or form is Form.PATHS)
        ):
            problems.add(
                "bad-engine",
                f"{raw.engine} reads data at one path, without wildcards, and '{id}' isn't that",
                (*loc, "engine"),
            )
        retain = raw.retain or resolved.spec.defaults.retain
        found[id] = Artifact(
            id=id, kind=raw.kind, form=form, paths=paths, writer=writer, from_legs=from_legs, at_base=raw.at == "base",
            retain_days=_days(retain, (*loc, "retain") if raw.retain else ("defaults", "retain"), problems),
            released=released,
            first=raw.first is not None,
            stored=raw.store,
            snapshot=raw.snapshot,
            registry=registry_of(id, raw, resolved.nodes.get(writer or ""), problems),
            engine=raw.table.partition("://")[0] if raw.table is not None else raw.engine or DUCKDB,
            login=login_of(raw),
            env=variables_of(raw.env, ("artifacts", id), f"'{id}'", "takes it", problems),
            span=problems.span(loc, key=True),
        )  # fmt: skip
    return found


def _released(id: str, raw: Any, resolved: Resolved, problems: Problems) -> Released | None:
    if raw.from_ is None:
        return None
    from mlcc.planning.released import released_of  # most specs fetch nothing

    return released_of(id, raw, resolved, problems)


def _check_elsewhere(id: str, raw: Any, writer: ResolvedNode | None, problems: Problems) -> None:
    """Report what makes no sense for what lies in a warehouse or a store, and stays there."""
    loc: Loc = ("artifacts", id)
    form, keeper, engine = (
        ("table", "warehouse", "its own name says its engine")
        if raw.table is not None
        else ("uri", "store", "DuckDB reads a copy of it")
    )
    code = f"bad-{form}"
    if raw.kind != "data":
        problems.add(code, f"a {form} holds data, and '{id}' is of kind {raw.kind}", (*loc, "kind"))
    for key in ("from_", "at", "retain", "engine"):
        if getattr(raw, key) is not None:
            key = key.rstrip("_")
            why = engine if key == "engine" else f"the {keeper} keeps it, and nothing fetches it"
            problems.add(code, f"a {form} has no `{key}`: {why}", (*loc, key), key=True)
    if writer is not None and raw.from_ is None:
        problems.add(
            code, f"'{id}' is in a {keeper}, so that '{writer.id}' can't pass it on", (*writer.loc, "writes"), key=True,
            help=f"take it out of `writes`; who reads the {form} after the job names it under `needs`",
        )  # fmt: skip


def _check_snapshot(id: str, raw: Any, problems: Problems) -> None:
    """Report a table that can't be read as of a moment, and what is no table."""
    loc: Loc = ("artifacts", id)
    engine = None if raw.table is None else raw.table.partition("://")[0]
    if engine in TIME_TRAVEL:
        return
    problems.add(
        "bad-snapshot",
        f"'{id}' is no table of a warehouse, and only such a one is read as of a moment" if engine is None
        else f"{engine} can't read '{id}' as of a moment that the run decides",
        (*loc, "snapshot"), key=True,
        help=f"leave `snapshot` out; {' and '.join(TIME_TRAVEL)} know the past of their tables. To bind the bytes of another "
        "table, let a job write a copy as an artifact, and let the gate guard that",
    )  # fmt: skip


def _days(duration: str, loc: Loc, problems: Problems) -> int:
    days, rest = divmod(seconds(duration), DAY)
    if rest or not 1 <= days <= 90:
        problems.add("bad-duration", "artifacts are kept for 1d to 90d, in whole days", loc)
    return days


def _form(path: Any) -> Form:
    if isinstance(path, list) or any(c in path for c in "*?"):
        return Form.PATHS
    return Form.FOLDER if path.endswith("/") else Form.FILE


def _writers(resolved: Resolved, problems: Problems) -> dict[str, str]:
    writers = dict(resolved.fetched_by)
    for node in resolved.nodes.values():
        for index, artifact in enumerate(getattr(node.spec, "writes", [])):
            other = writers.setdefault(artifact, node.id)
            if other != node.id:
                problems.add(
                    "two-writers", f"'{artifact}' is written by '{other}' and by '{node.id}'", (*node.loc, "writes", index),
                    others=((resolved.nodes[other].loc, "the other writer"), (("artifacts", artifact), "the artifact")),
                    help="give one of them an artifact of its own",
                )  # fmt: skip
    return writers


def _guards(nodes: Mapping[str, Node]) -> dict[str, tuple[str, ...]]:
    """Return artifact -> its blocking gates."""
    guards: dict[str, tuple[str, ...]] = {}
    for node in nodes.values():
        if isinstance(node.work, Gate) and node.blocking:
            guards[node.work.guards] = (*guards.get(node.work.guards, ()), node.id)
    return guards


def _output_sources(node: Node) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value.node for _, value in node.env if isinstance(value, Output)))


def _check_takes(
    resolved: Resolved, nodes: Mapping[str, Node], artifacts: Mapping[str, Artifact], problems: Problems
) -> None:
    for node in nodes.values():
        loc = resolved.nodes[node.id].loc
        for take in node.takes:
            writer = artifacts[take.artifact].writer
            measured = writer is not None and any(t.role is Role.EVALUATE for t in nodes[writer].takes)
            if measured and node.kind is not NodeKind.GATE:
                problems.add(
                    "reads-evaluation", f"'{take.artifact}' is a measurement made before the gates: only gates read it",
                    loc, key=True,
                    others=((resolved.nodes[writer or ""].loc, "it evaluates, and writes it"),),
                    help="let a job that `reads` the model write an artifact of its own",
                )  # fmt: skip
        _check_status(node, nodes, resolved.nodes[node.id], problems)
        for _, value in node.env:
            if isinstance(value, Output):
                _check_output(value, nodes, loc, problems)


def _check_output(value: Output, nodes: Mapping[str, Node], loc: Loc, problems: Problems) -> None:
    source = nodes.get(value.node)
    if source is None or value.name not in source.outputs:
        known = [f"{n.id}.{name}" for n in nodes.values() for name in n.outputs]
        problems.unknown("output", f"{value.node}.{value.name}", known, (*loc, "env"))
    elif len(source.legs) > 1:
        problems.add(
            "matrix-output",
            f"'{source.id}' runs once per leg, so it has no single output",
            (*loc, "env"),
            help="pass the values in an artifact",
        )


def _check_status(node: Node, nodes: Mapping[str, Node], own: ResolvedNode, problems: Problems) -> None:
    if node.status is not None:
        if node.takes or node.writes or node.kind is NodeKind.GATE:
            problems.add(
                "status-node",
                "a node with `status` takes and writes no artifact and is no gate",
                own.loc,
                key=True,
                help="name what it follows under `needs`",
            )
        elif not node.needs:
            problems.add(
                "status-node",
                "a node with `status` follows no node",
                own.loc,
                key=True,
                help="name what it follows under `needs`",
            )
        return
    for index, name in enumerate(node.needs):
        if nodes[name].status is not None:
            problems.add(
                "needs-status",
                f"'{name}' runs by how others ended; an ordinary node can't wait for it",
                (*own.loc, "needs", index),
            )


def _check_committed(
    resolved: Resolved,
    nodes: Mapping[str, Node],
    artifacts: Mapping[str, Artifact],
    committed: Callable[[tuple[str, ...]], set[str]],
    ignored: Callable[[str], bool],
    problems: Problems,
) -> None:
    used = {take.artifact for node in nodes.values() for take in node.takes}
    wanted = {path for id in used if artifacts[id].in_repository for path in artifacts[id].paths}
    files = list(_named_files(resolved))
    there = committed(tuple(sorted(wanted | {path for _, path, _ in files})))
    for (code, fault), path, loc in files:
        if path not in there:
            why = f"git ignores '{path}'" if ignored(path) else f"nothing is at '{path}'"
            problems.add(code, f"{fault}: {why}", loc, help="commit the file that it needs")
    for id in artifacts:
        artifact = artifacts[id]
        if id not in used or not artifact.in_repository or artifact.at_base:
            continue
        for path in artifact.paths:
            if path not in there:
                is_ignored = ignored(path)
                why = f"git ignores '{path}'" if is_ignored else f"nothing is at '{path}'"
                cure = "take it out of .gitignore and commit it" if is_ignored else "commit the file"
                problems.add(
                    "no-writer", f"'{id}' is neither committed nor written: {why}", ("artifacts", id, "path"),
                    help=f"{cure}, add '{id}' to the `writes` of a job, or say where it comes from (`from`)",
                )  # fmt: skip


def _named_files(resolved: Resolved) -> Iterator[tuple[tuple[str, str], str, Loc]]:
    """Yield ((code, what is wrong without it), path, place) of each committed file that gates and builds name."""
    for node in resolved.nodes.values():
        for path, loc in committed_files(node):
            yield ("no-gate-file", f"the gate '{node.id}' can never pass"), path, loc
        if node.kind is NodeKind.BUILD:
            work = build_of(node)
            yield ("no-build-file", f"'{node.id}' can never build"), f"{work.context}{work.file}", node.loc


def _runners(resolved: Resolved) -> dict[str, Runner]:
    found = {DEFAULT_RUNNER: Runner(DEFAULT_RUNNER, {name: one.runner for name, one in BACKENDS.items()})}
    for id, raw in resolved.spec.runners.items():
        labels = {
            name: tuple(as_list(getattr(raw, name))) for name in BACKENDS if getattr(raw, name) is not None
        }
        found[id] = Runner(
            id, labels, raw.pull_requests, Problems(resolved.source).span(("runners", id), key=True)
        )
    return found
