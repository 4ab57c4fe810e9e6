"""One node of the plan: what it takes, what it runs, on which machine, in which steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcc import plan as ir
from mlcc.gates import GATES
from mlcc.planning.gates import gate_of, judge_of
from mlcc.planning.images import build_of, build_values, check_includes, login_values, tags_of
from mlcc.planning.registries import check_server, fetch_command, registries_of, version_name
from mlcc.planning.remote import remote_work
from mlcc.planning.stores import check_login, check_stores, companions, moves_stored, variables_with
from mlcc.planning.values import names, text_of, value_of, values_of
from mlcc.problems import Loc, Problems
from mlcc.resolving.references import as_list
from mlcc.resolving.resolved import Resolved, ResolvedNode
from mlcc.spec.scalars import seconds


def node_of(
    resolved: Resolved,
    node: ResolvedNode,
    artifacts: Mapping[str, ir.Artifact],
    store: ir.Store | None,
    problems: Problems,
) -> ir.Node:
    """Return the plan's node of a resolved one."""
    own = node.spec
    work = _work(resolved, node, artifacts, problems)
    takes = _takes(node, artifacts, problems)
    writes = _writes(resolved, node)
    part = _part(resolved, node, artifacts)
    records = part is not None and bool(part.records)
    own_store = store if records or moves_stored(node, takes, writes, artifacts) else None
    registries = registries_of(takes, writes, artifacts)
    used = companions(takes, registries, artifacts, own_store)
    env = variables_with(node, used, problems)
    logins = _logins(resolved, node, own_store)
    check_stores(node, used, problems)
    check_server(node, registries, problems)
    check_login(resolved, node, used, env, logins, problems)
    services = tuple(_service(id, service) for id, service in own.services.items())
    tags = tags_of(node, artifacts)
    reached = dict.fromkeys((*(take.artifact for take in takes), *writes, *(id for id, _ in tags)))
    beside = (
        *_side_values(logins, services),
        *_told_by(part),
        *build_values(node),
        *login_values(reached, artifacts),
    )
    return ir.Node(
        id=node.id,
        kind=node.kind,
        work=work,
        takes=takes,
        writes=writes,
        needs=tuple(dict.fromkeys(getattr(own, "needs", []))),
        sources=_sources(node, takes, artifacts),
        when=_when(node),
        status=node.status,
        branches=_branches(resolved, node),
        blocking=getattr(own, "blocking", True),
        env=env,
        logins=logins,
        legs=node.legs,
        machine=ir.Machine(
            runner=ir.MatrixValue(node.runner_axis) if node.runner_axis else node.runner or "",
            image=node.image,
            services=services,
            environment=own.environment,
        ),
        steps=_steps(node, takes, writes, artifacts, (*(v for _, v in env), *beside)),
        working_directory=node.working_directory.rstrip("/"),
        timeout_seconds=seconds(node.timeout),
        retry=node.retry,
        teardown=own.finally_,
        outputs=_outputs(node, writes),
        reports=tuple(ir.Report(id, r.path, r.format) for id, r in own.reports.items()),
        stores=own_store is not None,
        registers=bool(registries),
        tags=tags,
        part=part,
        pause=_pause(resolved, node),
        span=problems.span(node.loc, key=True),
        spans={key: problems.span((*node.loc, key), key=True) for key in problems.keys(node.loc)},
    )


def _work(
    resolved: Resolved, node: ResolvedNode, artifacts: Mapping[str, ir.Artifact], problems: Problems
) -> ir.Work:
    if node.kind is ir.NodeKind.GATE:
        return gate_of(node, artifacts, problems)
    if node.kind is ir.NodeKind.RELEASE:
        return _release(node, artifacts, problems)
    if node.kind is ir.NodeKind.BUILD:
        check_includes(node.spec.includes, artifacts, node.loc, problems)
        return build_of(node)
    if node.kind is ir.NodeKind.FETCH and (node.spec.tag or node.spec.digest) is not None:
        return ir.Lookup(node.spec.tag or node.spec.digest)
    if node.kind is ir.NodeKind.FETCH and node.spec.dvc is not None:
        # `dvc pull` verifies the md5 of the .dvc file itself; mlcc's sha256 is taken afterwards.
        return ir.Command(node.setup, f"dvc pull -- {_shell_quote(node.spec.dvc)}")
    if node.kind is ir.NodeKind.FETCH and node.spec.registry is not None:
        (id,) = _writes(resolved, node)
        return fetch_command(artifacts[id], node)
    if getattr(node.spec, "remote", None) is not None:
        return remote_work(resolved, node, problems)
    return ir.Command(node.setup, node.spec.command if node.kind is ir.NodeKind.FETCH else node.spec.run)


def _release(node: ResolvedNode, artifacts: Mapping[str, ir.Artifact], problems: Problems) -> ir.Release:
    own = node.spec
    undone = own.rollback != "none"
    return ir.Release(
        command=ir.Command(node.setup, own.run),
        deploys=tuple(own.deploys),
        rollback=own.undone_by if undone else None,
        rollback_seconds=seconds(own.rollback.timeout) if undone else 0,
        judge=None if own.judge is None else judge_of(node, artifacts, problems),
        holds=tuple(own.holds),
        verifies=own.judge is not None and own.judge.asked,
        drive=own.drive,
        live=own.live,
    )


def _part(resolved: Resolved, node: ResolvedNode, artifacts: Mapping[str, ir.Artifact]) -> ir.Part | None:
    """Return what a node is of a release, and whom it tells."""
    stated = getattr(node.spec, "part", None)
    if stated is None:
        return None
    release, step = stated
    records: tuple[str, ...] = ()
    if any(artifact.released is not None for artifact in artifacts.values()):
        from mlcc.planning.released import recorded  # most specs read nothing of releases

        records = recorded(release, artifacts)
    if not resolved.spec.notify:
        return ir.Part(release, step, records=records)
    from mlcc.planning.release_notices import notices  # most specs tell nobody

    return ir.Part(release, step, notices(resolved.spec, release, step), records)


def _told_by(part: ir.Part | None) -> list[ir.Value]:
    """Return the addresses of those whom a node tells: the runtime gets them, and no command does."""
    return [notice.webhook for notice in part.notices] if part is not None else []


def _shell_quote(text: str) -> str:
    return "'" + text.replace("'", "'\"'\"'") + "'"


def _takes(
    node: ResolvedNode, artifacts: Mapping[str, ir.Artifact], problems: Problems
) -> tuple[ir.Take, ...]:
    own = node.spec
    if node.kind is ir.NodeKind.GATE:
        takes = [ir.Take(own.guards, ir.Role.GUARD)]
        params = getattr(own, node.gate_kind)
        for loc, name in GATES[node.gate_kind].compiler().references(params):
            if name not in artifacts:
                problems.unknown("artifact", name, list(artifacts), (*node.loc, node.gate_kind, *loc))
            elif name != own.guards:
                takes.append(ir.Take(name, ir.Role.READ))
        return tuple(dict.fromkeys(takes))
    read = [*getattr(own, "deploys", []), *getattr(own, "reads", []), *getattr(own, "includes", [])]
    reads = [ir.Take(name, ir.Role.READ) for name in dict.fromkeys(read)]
    evaluates = [ir.Take(name, ir.Role.EVALUATE) for name in getattr(own, "evaluates", [])]
    both = {t.artifact for t in reads} & {t.artifact for t in evaluates}
    for name in sorted(both):
        problems.add(
            "reads-and-evaluates",
            f"'{name}' is both read and evaluated",
            (*node.loc, "evaluates"),
            key=True,
            help="`reads` waits for its gates, `evaluates` comes before them: keep one",
        )
    return (*reads, *evaluates)


def _writes(resolved: Resolved, node: ResolvedNode) -> tuple[str, ...]:
    if node.kind in (ir.NodeKind.FETCH, ir.NodeKind.BUILD):
        return tuple(artifact for artifact, fetch in resolved.fetched_by.items() if fetch == node.id)
    return tuple(getattr(node.spec, "writes", []))


def _outputs(node: ResolvedNode, writes: tuple[str, ...]) -> tuple[str, ...]:
    """Return the small values that a node leaves; the fetch of a version leaves its number."""
    if node.kind is ir.NodeKind.FETCH and node.spec.registry is not None:
        return tuple(map(version_name, writes))
    return tuple(getattr(node.spec, "outputs", []))


def _sources(
    node: ResolvedNode, takes: tuple[ir.Take, ...], artifacts: Mapping[str, ir.Artifact]
) -> tuple[str, ...]:
    """Return the committed paths that the node depends on (S3)."""
    found = [
        path
        for take in takes
        if artifacts[take.artifact].in_repository
        for path in artifacts[take.artifact].paths
    ]
    found += node.spec.path
    found += [path for path, _ in committed_files(node)]
    if node.kind is ir.NodeKind.FETCH and node.spec.dvc is not None:
        found.append(node.spec.dvc)
    if node.kind is ir.NodeKind.BUILD:
        found.append(build_of(node).context or "**")
    return tuple(dict.fromkeys(found))


def committed_files(node: ResolvedNode) -> list[tuple[str, Loc]]:
    """Return each committed file that a gate's parameters name, and where they do: of a gate, or of what a release asks."""
    judge = getattr(node.spec, "judge", None)
    if node.kind is ir.NodeKind.GATE:
        kind, params, loc = node.gate_kind, getattr(node.spec, node.gate_kind), (*node.loc, node.gate_kind)
    elif judge is not None:
        kind, params, loc = judge.kind, judge.params, (*node.loc, *judge.loc)
    else:
        return []
    named = ((getattr(params, key), (*loc, key)) for key in GATES[kind].files)
    return [(path, place) for path, place in named if path is not None]


def _when(node: ResolvedNode) -> tuple[ir.Condition, ...]:
    return tuple(
        ir.Condition(
            events=tuple(as_list(c.event)),
            branches=tuple(as_list(c.branch)),
            tags=tuple(as_list(c.tag)),
            triggers=tuple(as_list(c.trigger)),
            inputs=tuple((name, text_of(value)) for name, value in sorted((c.input or {}).items())),
            gate=c.gate,
            verdicts=tuple(as_list(c.verdict)),
        )
        for c in node.conditions
    )


def _branches(resolved: Resolved, node: ResolvedNode) -> tuple[str, ...]:
    environment = resolved.spec.environments.get(node.spec.environment or "")
    return tuple(environment.branches) if environment else ()


def _pause(resolved: Resolved, node: ResolvedNode) -> ir.Pause | None:
    """Return what is waited for before the node. Of a release, only its first step asks: who lets it in lets in all of it."""
    environment = resolved.spec.environments.get(node.spec.environment or "")
    approval = environment is not None and environment.approval and getattr(node.spec, "asks", True)
    wait = getattr(node.spec, "wait", 0)
    return ir.Pause(approval, wait) if approval or wait else None


def _logins(resolved: Resolved, node: ResolvedNode, store: ir.Store | None) -> tuple[ir.Login, ...]:
    providers = (*node.spec.auth, *(store.auth if store is not None else ()))
    return tuple(
        _login(provider, getattr(resolved.spec.auth, provider)) for provider in dict.fromkeys(providers)
    )


def _login(provider: str, raw: Any) -> ir.Login:
    audience = raw.audience if provider != "gcp" else "https://iam.googleapis.com/"
    fields = {
        "aws": ("region", "role"),
        "gcp": ("provider", "service_account"),
        "azure": ("client_id", "tenant_id"),
    }
    return ir.Login(
        provider, audience, tuple((name, value_of(getattr(raw, name))) for name in fields.get(provider, ()))
    )


def _service(id: str, raw: Any) -> ir.Service:
    return ir.Service(id, raw.image, raw.port, values_of(raw.env), seconds(raw.ready))


def _side_values(logins: tuple[ir.Login, ...], services: tuple[ir.Service, ...]) -> list[ir.Value]:
    """Return the values that a node uses beside its own `env`."""
    return [v for login in logins for _, v in login.values] + [v for s in services for _, v in s.env]


def _steps(
    node: ResolvedNode,
    takes: tuple[ir.Take, ...],
    writes: tuple[str, ...],
    artifacts: Mapping[str, ir.Artifact],
    values: tuple[ir.Value, ...],
) -> tuple[ir.Step, ...]:
    taken = [artifacts[take.artifact] for take in takes]
    steps: list[ir.Step] = [_checkout(node, any(a.at_base for a in taken))]
    if node.python_axis or node.python:
        steps.append(
            ir.UsePython(ir.MatrixValue(node.python_axis) if node.python_axis else ir.Text(node.python or ""))
        )
    steps += [ir.UseCache(id, tuple(c.path), tuple(c.key)) for id, c in node.cache.items()]
    writers = tuple(dict.fromkeys(a.writer for a in taken if a.writer is not None))
    used = names(values, ir.Secret), names(values, ir.Variable)
    steps += [ir.Receive(data=writers), ir.Execute(*used)]
    if node.kind is ir.NodeKind.RELEASE and node.spec.rollback != "none":
        steps.append(ir.Undo(*used, seconds(node.spec.rollback.timeout)))
    remote = getattr(node.spec, "remote", None)
    if remote is not None:
        steps.append(ir.Cancel(*used, after_failure=not remote.resume))
    steps.append(ir.PublishState())
    if writes:
        steps.append(ir.PublishData(max(artifacts[id].retain_days for id in writes)))
    if node.spec.reports:
        steps.append(ir.PublishReports(30))
    return tuple(steps)


def _checkout(node: ResolvedNode, needs_base: bool) -> ir.Checkout:
    raw = node.checkout
    if raw == "none":
        return ir.Checkout(project=False, depth=0 if needs_base else 1)
    if raw is None:
        return ir.Checkout(depth=0 if needs_base else 1)
    return ir.Checkout(depth=0 if needs_base else raw.depth, lfs=raw.lfs, submodules=raw.submodules)
