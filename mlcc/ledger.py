"""The ledger: what a pipeline uses of the language, and what a CI system does of that weaker or not at all.

A back end grades every feature in its `capabilities.py`; nothing here knows a CI system. Grades: `exact`;
`emulated`, the same by other means; `stricter`, what may run or wait is less, never what counts; `weaker`; and
`impossible`. The last two are errors at the spec's line unless the spec waives them with a reason and a date.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mlcc.backends import Capability
from mlcc.diagnostics import Diagnostic, Related, Span, error, suggest
from mlcc.plan import (
    Build,
    Checkout,
    Filed,
    Form,
    Gate,
    Lookup,
    Node,
    NodeKind,
    Plan,
    PublishData,
    Remote,
    Status,
    Step,
    UseCache,
    UsePython,
)
from mlcc.record import record

FEATURES: Mapping[str, str] = {
    "triggers.push": "runs by pushes to branches",
    "triggers.pull_request": "runs by pull requests",
    "triggers.tag": "runs by tags",
    "triggers.schedule": "runs by schedules",
    "triggers.manual": "runs started by hand, with typed inputs",
    "triggers.dispatch": "runs that an outside system starts",
    "selection": "only what a change affects runs",
    "guards": "nothing reads an artifact before its blocking gates passed",
    "outcome-conditions": "nodes that run by a gate's verdict",
    "status-nodes": "nodes that run by how others ended",
    "always-after-cancel": "nodes with `status: always` run after a cancel, too",
    "timeout": "a node's time over all its attempts",
    "retry": "further attempts of a failed leg",
    "matrix": "several legs of one node",
    "python": "a version of Python",
    "image": "a container image to run in",
    "services": "containers beside a node",
    "cache": "folders kept between runs",
    "cache-outside-project": "folders of the home kept between runs (`~/...`)",
    "artifacts": "data that travels between nodes, checked by digest",
    "stored-artifacts": "artifacts whose bytes a store keeps, moved by their digests",
    "images": "container images that are built, judged and released by their digest",
    "registries": "models registered as versions, fetched by their numbers and checked by digest",
    "table-snapshot": "tables of a warehouse as of one moment of the run, for gates and readers",
    "table-without-snapshot": "tables of a warehouse, whose rows may change after their gates judged them",
    "secrets": "secrets reach only the nodes that name them",
    "auth": "logins by OpenID Connect",
    "environments": "deployment targets with branches and approval",
    "releases": "one release at a time into an environment, undone where it doesn't pass",
    "pauses": "nodes that wait for approval or for a time, without a machine",
    "remote": "work that runs somewhere else, submitted once, watched, and ended with the run",
    "finally": "teardown on the node's own machine",
    "reports": "files for people",
    "comment": "one comment on a pull request, kept up to date",
    "notices": "people are told how a run ended",
    "issues": "an issue in the tracker, kept up to date and closed when all is well again",
    "checkout": "history, large files and submodules of the repository",
    "final-node": "one node that states the result",
}
REFUSED = ("weaker", "impossible")
SHOWN = 3  # further places of one diagnostic


@record
class Use:
    """One place where a pipeline uses a feature. `span` None: the pipeline as a whole does."""

    feature: str
    span: Span | None


def uses(plan: Plan) -> Iterator[Use]:
    """Yield what a pipeline uses of the language, each with its place."""
    yield from _of_triggers(plan)
    for feature in ("selection", "final-node"):
        yield Use(feature, plan.span)
    if plan.comment is not None:
        yield Use("comment", plan.comment.span)
    for notice in plan.notices:
        yield Use("issues" if isinstance(notice.way, Filed) else "notices", notice.span)
    for node in plan.nodes.values():
        for feature, key in _of_node(node):
            yield Use(feature, node.place(key))
        taken = [plan.artifacts[take.artifact] for take in node.takes]
        if any(artifact.snapshot for artifact in taken):
            yield Use("table-snapshot", node.place("reads"))
        # A gate that watches a table decides about what it sees itself; nothing else has to see the same.
        tables = (artifact.form is Form.TABLE and not artifact.snapshot for artifact in taken)
        if node.kind is not NodeKind.GATE and any(tables):
            yield Use("table-without-snapshot", node.place("reads"))


def _of_triggers(plan: Plan) -> Iterator[Use]:
    triggers = plan.triggers
    stated: tuple[tuple[str, object], ...] = (
        ("push", triggers.push), ("pull_request", triggers.pull_request), ("tag", triggers.tag),
        ("schedule", triggers.schedules), ("manual", triggers.forms), ("dispatch", triggers.dispatches),
    )  # fmt: skip
    for name, value in stated:
        if value:
            yield Use(f"triggers.{name}", triggers.spans.get(name, plan.span))


def _of_node(node: Node) -> Iterator[tuple[str, str]]:
    """Yield (feature, key of the node that asks for it)."""
    machine = node.machine
    stated: tuple[tuple[str, str, object], ...] = (
        ("guards", "guards", isinstance(node.work, Gate) and node.blocking),
        ("outcome-conditions", "when", any(condition.gate for condition in node.when)),
        ("status-nodes", "when", node.status is not None and node.kind is not NodeKind.ROLLBACK),
        ("always-after-cancel", "when", node.status is Status.ALWAYS),
        ("timeout", "timeout", True),
        ("retry", "retry", node.retry),
        ("matrix", "matrix", any(leg.id for leg in node.legs)),
        ("image", "image", machine.image),
        ("services", "services", machine.services),
        ("environments", "environment", machine.environment),
        ("secrets", "env", node.secrets),
        ("auth", "auth", node.logins),
        ("images", "includes", isinstance(node.work, (Build, Lookup))),
        ("stored-artifacts", "writes" if node.writes else "reads", node.stores),
        ("registries", "writes" if node.writes else "reads", node.registers),
        ("releases", "run", node.kind is NodeKind.RELEASE),
        ("pauses", "canary" if node.pause is not None and node.pause.seconds else "environment", node.pause),
        ("remote", "remote", isinstance(node.work, Remote)),
        ("finally", "finally", node.teardown),
        ("reports", "reports", node.reports),
    )
    yield from ((feature, key) for feature, key, value in stated if value)
    for step in node.steps:
        feature = _of_step(step)
        if feature is not None:
            yield feature, feature
        if isinstance(step, UseCache) and any(path.startswith("~/") for path in step.paths):
            yield "cache-outside-project", "cache"


def _of_step(step: Step) -> str | None:
    match step:
        case UsePython():
            return "python"
        case UseCache():
            return "cache"
        case PublishData():
            return "artifacts"
        case Checkout() if step.project and (step.depth != 1 or step.lfs or step.submodules):
            return "checkout"
        case _:
            return None


def losses(plan: Plan, target: str, capabilities: Sequence[Capability]) -> list[Diagnostic]:
    """Return an error for each feature that a plan uses, its CI system does weaker or not at all, and nobody waived."""
    waived = plan.waivers.get(target, {})
    found = [_unknown(feature, waiver.span) for feature, waiver in waived.items() if feature not in FEATURES]
    places: dict[str, list[Span | None]] = {}
    for use in uses(plan):
        places.setdefault(use.feature, []).append(use.span)
    for capability in capabilities:
        if capability.grade in REFUSED and capability.feature in places and capability.feature not in waived:
            found.append(_loss(target, capability, places[capability.feature]))
    return found


def _loss(target: str, capability: Capability, places: list[Span | None]) -> Diagnostic:
    feature = capability.feature
    verb = "can't do" if capability.grade == "impossible" else "does only in a weaker way"
    first, *others = places
    more = len(others) - SHOWN
    related = [Related(span, "here, too") for span in others[:SHOWN] if span is not None]
    reason = f" ({more} more places)" if more > 0 else ""
    return error(
        capability.grade, f"{target} {verb} '{feature}' ({FEATURES[feature]}): {capability.how}{reason}", first,
        related=tuple(related),
        help=f"leave it out, don't compile for {target}, or state why it is bearable: "
        f'targets: {{{target}: {{waive: {{{feature}: {{reason: "...", until: "YYYY-MM-DD"}}}}}}}}',
    )  # fmt: skip


def _unknown(feature: str, span: Span | None) -> Diagnostic:
    close = suggest(feature, FEATURES)
    help = f"did you mean '{close}'?" if close else "`mlcc targets` lists the features"
    return error("unknown-feature", f"there is no feature '{feature}' to waive", span, help=help)
