"""Artifacts that are what a release runs now (`from: {release: …}`), and what may be absent until one does (`first: none`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlcc.plan import Artifact, Node, Released
from mlcc.problems import Loc, Problems

if TYPE_CHECKING:
    from mlcc.resolving.resolved import Resolved

_OWN = ("release", "artifact")


def released_of(id: str, raw: Any, resolved: Resolved, problems: Problems) -> Released | None:
    """Return of which release an artifact is, and what of it, after noting what makes no sense; None: of none."""
    origin, loc = raw.from_, ("artifacts", id)
    if origin is None or origin.release is None:
        if origin is not None and origin.artifact is not None:
            problems.add(
                "bad-origin", "`artifact` names what a release runs, and this comes from none", (*loc, "from", "artifact"),
                key=True, help="add `release: ID`, or take it out",
            )  # fmt: skip
        return None
    _check_keys(id, raw, resolved, problems)
    spec = resolved.spec
    release = spec.releases.get(origin.release)
    if release is None:
        problems.unknown("release", origin.release, list(spec.releases), (*loc, "from", "release"))
        return None
    source = _source(id, raw, release, resolved, problems)
    if source is None:
        return None
    _check_place(id, raw, source, resolved, problems)
    return Released(origin.release, source)


def _check_keys(id: str, raw: Any, resolved: Resolved, problems: Problems) -> None:
    """Note keys that are missing beside `from: {release: …}`, or mean nothing there."""
    loc: Loc = ("artifacts", id)
    if resolved.spec.store is None:
        problems.add(
            "no-store", "what a release runs is kept in the store, and the spec has none", (*loc, "from", "release"), key=True,
            help='add `store: {uri: "s3://BUCKET/PREFIX"}` at the top',
        )  # fmt: skip
    if raw.first is None:
        problems.add(
            "no-first", f"at first the release '{raw.from_.release}' runs nothing, and '{id}' doesn't say what holds then", loc,
            key=True,
            help="add `first: none`: until it runs something, who reads it finds nothing, and gates that compare with it pass "
            "and say so",
        )  # fmt: skip
    for key in problems.keys((*loc, "from")):
        if key not in _OWN and not key.startswith("x-"):
            problems.add(
                "bad-origin", f"no node fetches '{id}', since its readers do, so that `{key}` means nothing", (*loc, "from", key),
                key=True, help="take it out",
            )  # fmt: skip
    for key in ("at", "retain", "store"):
        if getattr(raw, key):
            problems.add(
                "bad-origin", f"'{id}' is what a release runs, and the store keeps it: `{key}` means nothing", (*loc, key),
                key=True, help="take it out",
            )  # fmt: skip
    for node in resolved.nodes.values():
        if id in getattr(node.spec, "writes", []):
            problems.add(
                "two-writers", f"'{id}' is what a release runs, so that '{node.id}' can't write it", (*node.loc, "writes"),
                key=True, others=(((*loc, "from"), "the release"),), help="let it write an artifact of its own",
            )  # fmt: skip


def _source(id: str, raw: Any, release: Any, resolved: Resolved, problems: Problems) -> str | None:
    """Return which of the artifacts that a release deploys one is; None: that can't be told, and was noted."""
    loc: Loc = ("artifacts", id, "from")
    name, named = raw.from_.release, raw.from_.artifact
    artifacts = resolved.spec.artifacts
    others: tuple[tuple[Loc, str], ...] = ((("releases", name, "deploys"), "what it deploys"),)
    if named is not None:
        if named in release.deploys:
            return str(named)
        problems.add(
            "unknown-artifact", f"the release '{name}' deploys no '{named}'", (*loc, "artifact"), others=others,
            help=f"it deploys {', '.join(release.deploys)}",
        )  # fmt: skip
        return None
    fitting = [one for one in release.deploys if one in artifacts and artifacts[one].kind == raw.kind]
    if len(fitting) == 1:
        return str(fitting[0])
    if fitting:
        problems.add(
            "ambiguous-release", f"the release '{name}' deploys {len(fitting)} artifacts of kind {raw.kind}", (*loc, "release"),
            others=others, help=f"say which: add `artifact: {fitting[0]}`; it deploys {', '.join(fitting)}",
        )  # fmt: skip
    else:
        problems.add(
            "ambiguous-release", f"the release '{name}' deploys no artifact of kind {raw.kind}", (*loc, "release"),
            others=others, help=f"it deploys {', '.join(release.deploys)}: say the same `kind`, or which under `artifact`",
        )  # fmt: skip
    return None


def _check_place(id: str, raw: Any, source: str, resolved: Resolved, problems: Problems) -> None:
    """Note a place that what was deployed can't be brought to."""
    loc: Loc = ("artifacts", id)
    deployed = resolved.spec.artifacts[source]
    others: tuple[tuple[Loc, str], ...] = ((("artifacts", source), "what is deployed"),)
    if deployed.kind != raw.kind:
        problems.add(
            "bad-origin", f"'{id}' is of kind {raw.kind}, and '{source}' of kind {deployed.kind}", (*loc, "kind"),
            others=others, help=f"write `kind: {deployed.kind}`",
        )  # fmt: skip
    there, here = _one_path(deployed), _one_path(raw)
    if there is None:
        problems.add(
            "bad-origin", f"'{source}' doesn't lie at one path, so that it can't be kept as what a release runs",
            (*loc, "from"), key=True, others=others, help="deploy a file or a folder",
        )  # fmt: skip
    elif raw.path is not None and (here is None or here.endswith("/") is not there.endswith("/")):
        what = "a folder, and ends in '/'" if there.endswith("/") else "a file"
        problems.add("bad-path", f"'{source}' is {what}: so is '{id}'", (*loc, "path"), others=others)
    elif here == there:
        problems.add(
            "bad-path", f"'{id}' and '{source}' would lie at the same path", (*loc, "path"), others=others,
            help="give it a path of its own, such as build/champion/",
        )  # fmt: skip


def _one_path(raw: Any) -> str | None:
    """Return the one path of an artifact without wildcards; None: it has none."""
    return raw.path if isinstance(raw.path, str) and not any(c in raw.path for c in "*?") else None


def check_first(
    resolved: Resolved, nodes: Mapping[str, Node], artifacts: Mapping[str, Artifact], problems: Problems
) -> None:
    """Note `first: none` on what nothing allows to be absent, and releases of what may be absent."""
    for node in resolved.nodes.values():
        for index, id in enumerate(getattr(node.spec, "deploys", [])):
            if artifacts[id].first:
                problems.add(
                    "bad-first", f"'{node.id}' deploys '{id}', which may be absent", (*node.loc, "deploys", index),
                    others=((("artifacts", id, "first"), "it says so"),), help="deploy what a job writes in any case",
                )  # fmt: skip
    for id, artifact in artifacts.items():
        if not artifact.first or artifact.released is not None:
            continue
        writer = None if artifact.writer is None else nodes[artifact.writer]
        if writer is not None and any(artifacts[take.artifact].first for take in writer.takes):
            continue
        why = (
            "nothing writes it"
            if writer is None
            else f"'{writer.id}', which writes it, takes nothing that may be absent"
        )
        problems.add(
            "bad-first", f"'{id}' has to be there: {why}", ("artifacts", id, "first"), key=True,
            others=() if writer is None else ((resolved.nodes[writer.id].loc, "its writer"),),
            help="`first: none` is for what a release runs (`from: {release: …}`), and for what a job makes from that",
        )  # fmt: skip


def recorded(release: str, artifacts: Mapping[str, Artifact]) -> tuple[str, ...]:
    """Return what a release deploys that something reads as what it runs: it is kept in the store."""
    found = (one.released for one in artifacts.values() if one.released is not None)
    return tuple(dict.fromkeys(one.artifact for one in found if one.release == release))
