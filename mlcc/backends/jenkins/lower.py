"""LOWER: from the plan to a Jenkinsfile.

Declarative Pipeline has no `needs`, and Groovy code grows by the node. So the file holds a table of nodes and one
function that walks it: stages only frame the first node, all others, and the last one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlcc import plan as ir
from mlcc.backends.jenkins import limits
from mlcc.backends.jenkins.model import Jenkinsfile, Notify, Parameter, Part, Row, Schedule, Uses
from mlcc.backends.jenkins.rows import BACKSTOP_MINUTES, rows_of
from mlcc.backends.jenkins.size import weight

LABEL = "linux"  # of the agents for the first and the last node
KEEP_DAYS = 30  # at least; results and reports have no time of their own
APPROVAL_HOURS = 7 * 24
SLACK_HOURS = 24  # for agents and locks that are waited for
SERVICE_HOURS = 1  # the first and the last node
TRIGGER, FORM, INPUT = "MLCC_TRIGGER", "MLCC_FORM", "MLCC_INPUT_"

_ALWAYS = ("workflow-aggregator", "pipeline-model-definition", "git", "workflow-multibranch")


def lower(plan: ir.Plan) -> Jenkinsfile:
    """Return the Jenkinsfile of a plan that `check.check_plan` accepts."""
    rows = [row for node in plan.nodes.values() for row in rows_of(plan, node)]
    uses = _uses(plan, rows)
    return Jenkinsfile(
        spec=plan.spec_files[0],
        plugins=plugins(plan, uses),
        home=plan.home or ".",
        label=LABEL,
        parts=tuple(Part(number, part) for number, part in enumerate(_parts(rows))),
        facts=tuple(_facts(plan.triggers)),
        parameters=tuple(_parameters(plan.triggers)),
        schedule=_schedule(plan.triggers),
        hours=_hours(plan),
        keep_days=max([KEEP_DAYS, *(artifact.retain_days for artifact in plan.artifacts.values())]),
        asks_green=plan.triggers.push is not None,
        comment=(plan.comment.token or "") if plan.comment is not None else "",
        notify=notify_of(plan),
        uses=uses,
    )


def notify_of(plan: ir.Plan) -> Notify | None:
    """Return what telling takes: not the tokens of issues, of which Jenkins has none."""
    if not plan.notices:
        return None
    keys = [notice.key for notice in plan.notices if not isinstance(notice.way, ir.Filed)]
    secrets = {key.name for key in keys if isinstance(key, ir.Secret)}
    return Notify(tuple(sorted(secrets)), plan.kept_for_notices(ir.Variable))


def _parts(rows: Iterable[Row]) -> Iterator[tuple[Row, ...]]:
    """Yield rows that fit into one method each. One row that doesn't is left to `check_limits`."""
    part: list[Row] = []
    used = limits.METHOD_BYTES
    for row in rows:
        more = weight(row)
        if part and (len(part) == limits.ROWS or used + more > limits.METHOD.allowed):
            yield tuple(part)
            part, used = [], limits.METHOD_BYTES
        part.append(row)
        used += more
    if part:
        yield tuple(part)


def _uses(plan: ir.Plan, rows: list[Row]) -> Uses:
    fields = {name for row in rows for name in row.fields}
    return Uses(
        secrets="secrets" in fields,
        variables="variables" in fields,
        tokens="tokens" in fields,
        python="python" in fields,
        images=any(node.machine.image for node in plan.nodes.values()),
        services="services" in fields,
        caches="caches" in fields,
        locks="lock" in fields,
        approvals="approvers" in fields,
        waits="wait" in fields,
        legs="legs" in fields,
        rollbacks=any(node.status is ir.Status.ROLLBACK for node in plan.nodes.values()),
        undoes="undo" in fields,
        remotes="every" in fields,
        abandons="abandoned" in fields,
        data="writes" in fields,
        reports="reports" in fields,
        junit="junit" in fields,
        gates=plan.has_gates,
        extensions=bool(fields & {"lfs", "submodules"}),
    )


def plugins(plan: ir.Plan, uses: Uses) -> tuple[str, ...]:
    """Return the ids of the plugins that the file relies on, as the update centre names them."""
    wanted = (
        ("credentials-binding", True),
        (
            "plain-credentials",
            uses.secrets or uses.tokens or plan.comment is not None or bool(plan.kept_for_notices(ir.Secret)),
        ),
        ("oidc-provider", uses.tokens),
        ("docker-workflow", uses.images),
        ("jobcacher", uses.caches),
        ("junit", uses.junit or uses.gates),
        ("lockable-resources", uses.locks),
        ("pipeline-input-step", uses.approvals),
        ("parameterized-scheduler", len(plan.triggers.schedules) > 1),
    )
    return (*_ALWAYS, *(id for id, needed in wanted if needed))


def _facts(triggers: ir.Triggers) -> Iterator[str]:
    if triggers.forms:
        yield "MLCC_FORMS=true"
    if len(triggers.schedules) == 1:
        yield f"MLCC_SCHEDULE={triggers.schedules[0][0]}"


def _parameters(triggers: ir.Triggers) -> Iterator[Parameter]:
    """Yield the build parameters. Jenkins has one form for all of the plan's; the runtime checks every value.

    Their names have a prefix, since a parameter is an environment variable of every step.
    """
    if triggers.dispatches or len(triggers.schedules) > 1:
        names = ", ".join(triggers.dispatches) or "none by hand"
        yield Parameter(TRIGGER, "string", f"For other systems: the trigger that they are ({names})", "")
    ids = triggers.choices
    if ids:
        yield Parameter(FORM, "choice", "What to start", ids[0], ids)
    fields = {field.name: field for form in triggers.forms for field in form.inputs}
    for field in fields.values():
        kind = field.type if field.type in ("boolean", "choice") else "string"
        options = field.options
        if field.default in options:  # Jenkins takes the first for the default
            options = (field.default, *(option for option in options if option != field.default))
        yield Parameter(INPUT + field.name, kind, field.description, field.default or "", options)


def _schedule(triggers: ir.Triggers) -> Schedule | None:
    if not triggers.schedules:
        return None
    several = len(triggers.schedules) > 1
    lines = [f"{cron} %{TRIGGER}={id}" if several else cron for id, cron in triggers.schedules]
    return Schedule("\n".join(["TZ=Etc/UTC", *lines]), several)


def _hours(plan: ir.Plan) -> int:
    """Return a time that no sound run exceeds: the longest way through the graph, and waiting."""
    ends: dict[str, int] = {}
    for id, node in plan.nodes.items():  # topological order
        own = -(-node.longest_seconds // 60) + BACKSTOP_MINUTES
        if node.pause is not None:
            own += -(-node.pause.seconds // 60) + APPROVAL_HOURS * 60 * node.pause.approval
        ends[id] = own + max((ends[edge.source] for edge in plan.incoming[id]), default=0)
    return -(-max(ends.values(), default=0) // 60) + SLACK_HOURS + SERVICE_HOURS
