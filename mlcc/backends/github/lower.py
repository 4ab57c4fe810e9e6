"""LOWER: from the plan to a GitHub workflow.

The emitted runtime decides what runs; conditions here only save runners, and may err only towards starting one
too many. Each job's `if` restates S4 over job results and deny lists.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from mlcc import plan as ir
from mlcc.backends._checks import approved_in
from mlcc.backends.github import expr, limits
from mlcc.backends.github.expr import Expr
from mlcc.backends.github.model import (
    Call,
    DispatchInput,
    Job,
    Permission,
    RunStep,
    Service,
    Step,
    Text,
    Triggers,
    UsesStep,
    Workflow,
)
from mlcc.backends.github.notify import notify_jobs
from mlcc.backends.github.pins import CHECKOUT
from mlcc.backends.github.platform import APPROVAL, FORM_INPUT
from mlcc.backends.github.steps import SCRIPTS, checkout, folder, publish, steps_of, uses_own_registry
from mlcc.planning.topology import decisive
from mlcc.record import record

SELECT, FINAL = "select", "final"
WAIT = "--wait"  # behind a node's id, as APPROVAL is: the job in which a timer runs before it
ENV = {"MLCC_PLATFORM": "github"}
HOSTED = ("ubuntu-24.04",)
SERVICE_MINUTES = 10  # of the selecting and the final job


@record
class Scope:
    """What the jobs of one file can name: nodes with their jobs there, and the term for the list of unselected nodes.

    `selecting`: the selecting job is there, too. `failed`: the term that something failed in another file.
    """

    nodes: Collection[str]
    skip: str
    selecting: bool
    failed: str | None = None


def lower(plan: ir.Plan) -> Workflow:
    """Return the workflow of a plan that `check.check` accepts, in one file. `parts.lower_parts` makes several."""
    scope = Scope(plan.nodes, expr.output(SELECT, "skip"), selecting=True)
    nodes = [job for node in plan.nodes.values() for job in node_jobs(plan, node, scope)]
    final = final_job(plan, tuple(job.id for job in nodes))
    return main_workflow(plan, (select_job(plan), *nodes, final, *notify_jobs(plan, SELECT, FINAL)))


def main_workflow(plan: ir.Plan, jobs: tuple[Job, ...], calls: tuple[Call, ...] = ()) -> Workflow:
    """Return the workflow that the plan's triggers start."""
    return Workflow(
        name=plan.name,
        spec=plan.spec_files[0],
        working_directory=plan.home,
        triggers=_triggers(plan.triggers),
        group=plan.name,
        env=dict(ENV),
        jobs=jobs,
        calls=calls,
    )


def _triggers(triggers: ir.Triggers) -> Triggers:
    return Triggers(
        pull_request=triggers.pull_request,
        push_branches=triggers.push,
        push_tags=triggers.tag,
        crons=tuple(dict.fromkeys(cron for _, cron in triggers.schedules)),
        dispatch=_dispatch(triggers) if triggers.forms else None,
        repository_dispatch=triggers.dispatches,
    )


def _dispatch(triggers: ir.Triggers) -> tuple[DispatchInput, ...]:
    """Return GitHub's one form for all of the plan's: the first input says which is meant, where a person must."""
    forms = triggers.forms
    fields = {field.name: field for form in forms for field in form.inputs}
    inputs = [_dispatch_input(field, only_form=len(forms) == 1) for field in fields.values()]
    ids = triggers.choices
    if ids:
        inputs.insert(0, DispatchInput(FORM_INPUT, "choice", "What to start", True, ids[0], ids))
    return tuple(inputs)


def _dispatch_input(field: ir.FormInput, *, only_form: bool) -> DispatchInput:
    # GitHub has no integers; the selecting node checks types and ranges. `required` can't hold for other forms.
    kind = "number" if field.type == "integer" else field.type
    required = field.required and only_form
    return DispatchInput(field.name, kind, field.description, required, field.default, field.options)


def select_job(plan: ir.Plan) -> Job:
    """Return the job of the selecting node."""
    asks_api = plan.triggers.push is not None
    permissions = [Permission("contents", "read")]
    env: dict[str, Text] = {}
    if asks_api:
        permissions.append(Permission("actions", "read", "finds the last green run of the branch"))
        env["MLCC_TOKEN"] = expr.value("github.token")
    return Job(
        id=SELECT,
        name=SELECT,
        needs=(),
        if_=None,
        runs_on=HOSTED,
        timeout_minutes=SERVICE_MINUTES,
        permissions=tuple(permissions),
        outputs={"skip": expr.value("steps.run.outputs.skip")},
        steps=(
            # All commits, since the merge base may lie far back; only the files of the newest one.
            UsesStep(
                "checkout", CHECKOUT, {"fetch-depth": 0, "filter": "blob:none", "persist-credentials": False}
            ),
            RunStep("run", f"exec python3 -I {SCRIPTS}/run.py select", env),
            publish(plan, "state", f"s--{SELECT}", None),
        ),
    )


def final_job(plan: ir.Plan, before: tuple[str, ...]) -> Job:
    """Return the job of the final node, which comes after these jobs and the selecting one."""
    steps: list[Step] = [
        checkout(plan, ir.Checkout(project=False)),
        UsesStep("receive", *folder(plan, "s--*")),
        RunStep(
            "run", f"exec python3 -I {SCRIPTS}/run.py final", {"MLCC_NEEDS": expr.value("toJSON(needs)")}
        ),
        publish(plan, "result", f"s--{FINAL}", expr.value(expr.ALWAYS)),
    ]
    permissions = [Permission("contents", "read")]
    if plan.comment is not None:
        steps.append(_comment())
        permissions.append(Permission("pull-requests", "write", "keeps its comment up to date"))
    return Job(
        id=FINAL,
        name=plan.name,  # the one required check
        needs=(SELECT, *before),
        if_=expr.value(expr.ALWAYS),
        runs_on=HOSTED,
        timeout_minutes=SERVICE_MINUTES,
        permissions=tuple(permissions),
        steps=tuple(steps),
    )


def _comment() -> RunStep:
    """Return the step that writes the comment: the only one that gets the token. A fork's can't write."""
    return RunStep(
        "comment",
        f"exec python3 -I {SCRIPTS}/report.py comment",
        {"MLCC_TOKEN": expr.value("github.token")},
        expr.both([expr.ALWAYS, expr.IS_PULL_REQUEST]),
    )


def node_jobs(plan: ir.Plan, node: ir.Node, scope: Scope) -> tuple[Job, ...]:
    """Return the jobs of a node, its own last. Of the nodes before it that have their jobs elsewhere, they say nothing."""
    before = tuple(id for id in plan.in_order(decisive(node, plan.incoming)) if id in scope.nodes)
    needs = (SELECT, *before) if scope.selecting else before
    condition = _condition(plan, node, before, scope)
    waits: list[Job] = []
    for suffix, environment in waits_of(plan, node):
        # Run again by itself, a node must not go by an approval of another attempt.
        attempt = {"attempt": expr.value("github.run_attempt")} if suffix == APPROVAL else {}
        waits.append(
            _wait(node.id + suffix, f"{node.id} ({environment})", environment, needs, condition, attempt)
        )
        needs = (*needs, waits[-1].id)
        condition = expr.both([*condition.terms, expr.succeeded(waits[-1].id)])
    return *waits, _node_job(plan, node, needs, condition)


def waits_of(plan: ir.Plan, node: ir.Node) -> list[tuple[str, str]]:
    """Return (suffix of the job, environment) of each thing that GitHub waits for before a node: a person, then a time."""
    found = []
    approval = approved_in(plan, node)
    if approval is not None:
        found.append((APPROVAL, approval))
    minutes = node.pause.seconds // 60 if node.pause is not None else 0
    if minutes:
        found.append((WAIT, f"wait-{minutes}m"))
    return found


def _wait(
    id: str, name: str, environment: str, needs: tuple[str, ...], condition: Expr, outputs: Mapping[str, Expr]
) -> Job:
    """Return a job that does nothing: it starts when its environment's reviewers, or its timer, let it.

    It records a deployment: that reviewers hold a job back which records none is nowhere promised.
    """
    return Job(
        id=id,
        name=name,
        needs=needs,
        if_=condition,
        runs_on=HOSTED,
        timeout_minutes=SERVICE_MINUTES,
        permissions=(),
        environment=environment,
        outputs=outputs,
        steps=(RunStep("run", "echo 'Go on'", folder="."),),
    )


def _node_job(plan: ir.Plan, node: ir.Node, needs: tuple[str, ...], condition: Expr) -> Job:
    permissions = [Permission("contents", "read")]
    if node.logins:
        permissions.append(Permission("id-token", "write", "logs in without static keys"))
    if uses_own_registry(plan, node):
        pushes = bool(node.tags) or node.kind is ir.NodeKind.BUILD
        why = "pushes an image or moves its tag" if pushes else "looks images up"
        permissions.append(Permission("packages", "write" if pushes else "read", why))
    implied = node.machine.environment is None and bool(node.secrets)
    return Job(
        id=node.id,
        name=f"{node.id} (${{{{ matrix.leg }}}})" if node.is_matrix else node.id,
        needs=needs,
        if_=condition,
        runs_on=_runs_on(plan, node),
        timeout_minutes=-(-node.longest_seconds // 60) + limits.BACKSTOP_MINUTES,
        permissions=tuple(permissions),
        environment=plan.name if implied else node.machine.environment,
        deployment=node.deploys and not implied,
        lock=f"{plan.name}-{node.machine.environment}" if node.releases else None,
        legs=tuple(_leg(plan, node, leg) for leg in node.legs) if node.is_matrix else (),
        container=node.machine.image,
        services={service.id: _service(service) for service in node.machine.services},
        outputs={"deny": expr.value("steps.run.outputs.deny")} if denies(plan, node) else {},
        steps=tuple(steps_of(plan, node)),
    )


def denies(plan: ir.Plan, node: ir.Node) -> bool:
    """Tell whether how a node ends can keep others from running while its job succeeds."""
    kinds = {edge.kind for edge in plan.outgoing[node.id]}
    return not node.blocking and bool(kinds & {ir.EdgeKind.DATA, ir.EdgeKind.VERDICT})


def _condition(plan: ir.Plan, node: ir.Node, before: tuple[str, ...], scope: Scope) -> Expr:
    after_cancel = node.status in (ir.Status.ALWAYS, ir.Status.ROLLBACK)
    terms = [expr.ALWAYS if after_cancel else expr.NOT_CANCELLED]
    if scope.selecting:
        terms.append(expr.succeeded(SELECT))
    terms.append(expr.unlisted(node.id, scope.skip))
    if node.status is ir.Status.FAILURE:
        terms.append(_failed(scope, before))
    if node.status is ir.Status.ROLLBACK:
        first, last = node.needs[0], node.needs[-1]  # the steps of a release follow one another
        terms += [expr.began(first)] if first in before else []
        # A step that follows one in another file is started all the same, and succeeds without having run.
        terms += [expr.unfinished(last)] if set(node.needs) <= set(before) else []
    if node.status is None:
        for id in before:
            kinds = {edge.kind for edge in plan.incoming[node.id] if edge.source == id}
            terms += _predecessor(plan.nodes[id], node, kinds, denies(plan, plan.nodes[id]), scope)
    return expr.both(terms)


def _failed(scope: Scope, before: tuple[str, ...]) -> str:
    """Return the term that a node before this one failed, or perhaps one in another file."""
    if scope.failed is None:
        return expr.ANY_FAILED
    return expr.either(scope.failed, expr.ANY_FAILED) if before else scope.failed


def _predecessor(
    before: ir.Node, node: ir.Node, kinds: set[ir.EdgeKind], denying: bool, scope: Scope
) -> list[str]:
    """Return the terms of S4 for one predecessor.

    Data and guard edges pull their source in, so it is selected. Others may be unselected, and then count not. A gate
    that only some alternatives of `when` name may be skipped in a run where another one holds: the deny list is enough.
    """
    terms = []
    if kinds != {ir.EdgeKind.VERDICT} or all(condition.gate for condition in node.when):
        ok = expr.succeeded(before.id)
        if not kinds & {ir.EdgeKind.DATA, ir.EdgeKind.GUARD}:
            ok = expr.either(ok, expr.listed(before.id, scope.skip))
        terms.append(ok)
    if denying and kinds & {ir.EdgeKind.DATA, ir.EdgeKind.VERDICT}:
        terms.append(expr.unlisted(node.id, expr.output(before.id, "deny")))
    return terms


def _runs_on(plan: ir.Plan, node: ir.Node) -> tuple[str, ...] | Expr:
    runner = node.machine.runner
    if isinstance(runner, ir.MatrixValue):
        return expr.value("matrix.runner")
    return plan.runners[runner].labels["github"]


def _leg(plan: ir.Plan, node: ir.Node, leg: ir.Leg) -> Mapping[str, str | tuple[str, ...]]:
    found: dict[str, str | tuple[str, ...]] = {"leg": leg.id}
    values = dict(leg.values)
    runner = node.machine.runner
    if isinstance(runner, ir.MatrixValue):
        labels = plan.runners[str(values[runner.axis])].labels["github"]
        found["runner"] = labels[0] if len(labels) == 1 else labels
    for step in node.steps:
        if isinstance(step, ir.UsePython) and isinstance(step.version, ir.MatrixValue):
            found["python"] = str(values[step.version.axis])
    return found


def _service(service: ir.Service) -> Service:
    return Service(service.image, service.port, {name: service_value(value) for name, value in service.env})


def service_value(value: ir.Value) -> Text:
    """Return a service's variable; `resolve` admits literals, secrets and variables."""
    if isinstance(value, ir.Secret):
        return expr.secret(value.name)
    if isinstance(value, ir.Variable):
        default = "" if value.default is None else f" || {expr.literal(value.default)}"
        return expr.value(f"vars.{value.name}{default}")
    assert isinstance(value, ir.Text)
    return value.text
