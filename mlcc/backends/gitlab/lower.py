"""LOWER: from the plan to a parent and a child pipeline.

The emitted runtime decides what runs; GitLab's own conditions only save runners, and may err only towards starting
one too many. How GitLab starts jobs: lib/gitlab/ci/status/composite.rb and app/services/ci/process_build_service.rb.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from mlcc import plan as ir
from mlcc.backends._checks import approved_in
from mlcc.backends.gitlab import expr
from mlcc.backends.gitlab.check import deciding_nodes
from mlcc.backends.gitlab.machine import (
    DEFAULT_IMAGE,
    caches_of,
    comment_environment,
    environment_of,
    id_tokens_of,
    image_of,
    legs_of,
    node_artifacts,
    notify_environment,
    service_of,
    tags_of,
    variables_of,
)
from mlcc.backends.gitlab.model import (
    Artifacts,
    Environment,
    FormVariable,
    Job,
    Parent,
    Pipelines,
    Rule,
    Start,
)
from mlcc.backends.gitlab.platform import (
    CHILD_FILE,
    NOTIFY_JOB,
    input_variable,
    job_name,
    run_job,
    trigger_word,
    waiting_jobs,
)

SELECT, FINAL, NOTIFY = "select", "final", "notify"
RUN_STAGE = "run"
BACKSTOP_MINUTES = 15  # beyond the node's own deadline: set-up of the runner, transfers, teardown
SERVICE_MINUTES = 10  # of the selecting and the final job
RECORD_DAYS = 30  # that the records of the selecting and the final job are kept
# The runtime's own exit codes of a failure: fail, error, inconclusive, timeout (mlcc.runtime.attempt).
FAILURE_CODES = (1, 2, 3, 5)


def lower(plan: ir.Plan) -> Pipelines:
    """Return the pipelines of a plan that `check.check_plan` accepts."""
    levels = status_levels(plan)
    stages = [RUN_STAGE, *(_after(level) for level in sorted(set(levels.values()))), FINAL]
    notify = tuple(_notify(plan))
    deciding = deciding_nodes(plan)
    nodes = tuple(
        job
        for node in plan.nodes.values()
        for job in _node_jobs(plan, node, levels.get(node.id, 0), node.id in deciding)
    )
    return Pipelines(
        name=plan.name,
        spec=plan.spec_files[0],
        parent=_parent(plan),
        stages=(*stages, *(job.stage for job in notify)),
        jobs=(*nodes, _final(plan), *notify),
    )


def status_levels(plan: ir.Plan) -> dict[str, int]:
    """Return the status nodes, each with its stage after `run`: one that follows another comes a stage later.

    They can't have `needs`: a job counts as skipped, and `always` starts it, as soon as one need is skipped.
    """
    levels: dict[str, int] = {}
    for node in plan.nodes.values():  # in topological order
        if node.status is not None:
            levels[node.id] = 1 + max(
                (levels.get(edge.source, 0) for edge in plan.incoming[node.id]), default=0
            )
    return levels


def _after(level: int) -> str:
    return f"after-{level}"


# --- the parent -----------------------------------------------------------------------------------


def _parent(plan: ir.Plan) -> Parent:
    rules = tuple(_rules(plan))
    return Parent(
        select=_select(plan, rules),
        run=run_job(plan.name, plan.home),
        child=plan.in_home(f"_mlcc/{CHILD_FILE}"),
        rules=rules,
        variables=tuple(_form(plan)),
    )


def _select(plan: ir.Plan, rules: tuple[Rule, ...]) -> Job:
    asks_api = plan.triggers.push is not None
    return Job(
        id=SELECT,
        name=f"{plan.name}-{SELECT}" if plan.home else SELECT,
        stage=SELECT,
        script=_script(plan, "select"),
        image=DEFAULT_IMAGE,
        timeout_minutes=SERVICE_MINUTES,
        # All commits, since the merge base may lie far back.
        variables={
            "MLCC_PLATFORM": "gitlab",
            "GIT_DEPTH": "0",
            "GIT_LFS_SKIP_SMUDGE": "1",
            "FF_GIT_URLS_WITHOUT_TOKENS": "true",
        },
        artifacts=Artifacts(
            (plan.in_home(f"_mlcc/s--{SELECT}/"), plan.in_home(f"_mlcc/{CHILD_FILE}")),
            RECORD_DAYS,
            open=True,
        ),
        environment=Environment(f"{plan.name}-{SELECT}", "access") if asks_api else None,
        rules=rules,
    )


def _rules(plan: ir.Plan) -> list[Rule]:
    """Return a rule for each way in which a pipeline may start: the spec's triggers, and no others."""
    triggers = plan.triggers
    found: list[Rule] = []
    for pattern in triggers.pull_request or ():
        target = expr.matches("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", pattern)
        found.append(Rule(expr.both([expr.MERGE_REQUEST, target]), {"MLCC_CACHE": "pull"}))
    for pattern in triggers.push or ():
        found.append(Rule(expr.both([expr.source("push"), expr.matches("CI_COMMIT_BRANCH", pattern)])))
    for pattern in triggers.tag or ():
        found.append(Rule(expr.both([expr.source("push"), expr.matches("CI_COMMIT_TAG", pattern)])))
    ways = [
        (("schedule",), [id for id, _ in triggers.schedules]),
        (("web", "api"), [form.id for form in triggers.forms]),
        (("trigger", "pipeline", "api"), list(triggers.dispatches)),
    ]
    for sources, ids in ways:
        for id in ids:
            word = trigger_word(id, plan.name, plan.home)
            found.append(Rule(expr.both([expr.source(*sources), expr.equals("MLCC_TRIGGER", word)])))
    return found


def _form(plan: ir.Plan) -> list[FormVariable]:
    """Return what a person fills in to start a pipeline. One form for all of the plan's: the first field says which."""
    forms = plan.triggers.forms
    if not forms:
        return []
    ids = plan.triggers.choices or (forms[0].id,)
    # Below the root, other projects share the field: it names none of them beforehand.
    first = (
        FormVariable("MLCC_TRIGGER", "What to start, as NAME/TRIGGER", "")
        if plan.home
        else FormVariable("MLCC_TRIGGER", "What to start", ids[0], ids if len(ids) > 1 else ())
    )
    fields = {field.name: field for form in forms for field in form.inputs}
    return [first, *(_form_variable(plan, field) for field in fields.values())]


def _form_variable(plan: ir.Plan, field: ir.FormInput) -> FormVariable:
    options = ("true", "false") if field.type == "boolean" else field.options
    value = field.default or ""
    if options and value not in options:
        options = ("", *options)  # GitLab wants the value among the options; the selecting node checks it
    name = input_variable(field.name, plan.name, plan.home)
    return FormVariable(name, field.description or field.name, value, options)


# --- the child ------------------------------------------------------------------------------------


def _script(plan: ir.Plan, command: str = "", script: str = "run.py") -> str:
    return f"python3 -I {shlex.quote(plan.in_home(f'.mlcc/{script}'))} {command}".rstrip()


def _comment(plan: ir.Plan) -> str:
    """Return the command that writes the comment: after the script, whatever that ended with, and whatever it ends with.

    https://docs.gitlab.com/ci/yaml/#after_script
    """
    if plan.comment is None:
        return ""
    return f'MLCC_TOKEN="${plan.comment.token}" {_script(plan, "comment", "report.py")}'


def _afterwards(plan: ir.Plan, node: ir.Node) -> str:
    """Return the command after the script, which GitLab kills when a pipeline is cancelled: it ends what the script left.

    That is a release to undo, or work somewhere else, with which a job that is run again may go on unless it was cancelled.
    """
    for step in node.steps:
        if isinstance(step, ir.Undo):
            return _script(plan, "undo")
        if isinstance(step, ir.Cancel):
            cancel = _script(plan, "cancel")
            return cancel if step.after_failure else f'test "$CI_JOB_STATUS" != canceled || {cancel}'
    return ""


def _final(plan: ir.Plan) -> Job:
    return Job(
        id=FINAL,
        name=FINAL,
        stage=FINAL,
        script=_script(plan, "final"),
        image=DEFAULT_IMAGE,
        timeout_minutes=SERVICE_MINUTES,
        variables={"GIT_DEPTH": "1", "GIT_LFS_SKIP_SMUDGE": "1"},
        artifacts=Artifacts(
            (plan.in_home(f"_mlcc/s--{FINAL}/"), plan.in_home(f"_mlcc/r--{FINAL}/")),
            RECORD_DAYS,
            junit=(plan.in_home("_mlcc/s--*/junit.xml"),) if plan.has_gates else (),
        ),
        start=Start(always=True),
        environment=comment_environment(plan),
        after_script=_comment(plan),
        interruptible=False,
    )


def _notify(plan: ir.Plan) -> Iterator[Job]:
    """Yield the job that tells people how the run ended, where any is told: it has the secrets that the final one hasn't."""
    if plan.notices:
        yield Job(
            id=NOTIFY_JOB,
            name=NOTIFY_JOB,
            stage=NOTIFY,
            script=_script(plan, script="notify.py"),
            image=DEFAULT_IMAGE,
            timeout_minutes=SERVICE_MINUTES,
            variables={"GIT_DEPTH": "1", "GIT_LFS_SKIP_SMUDGE": "1"},
            artifacts=None,
            takes=(FINAL,),
            start=Start(always=True),
            may_fail=True,
            environment=notify_environment(plan),
            interruptible=False,
        )


def _node_jobs(plan: ir.Plan, node: ir.Node, level: int, decides: bool) -> tuple[Job, ...]:
    """Return the jobs of a node, its own last."""
    guarded = plan.environments.get(node.machine.environment or "")
    protected = guarded is not None and bool(guarded.approval or guarded.branches)
    before = {edge.source for edge in plan.incoming[node.id]}
    needs = tuple(map(job_name, plan.in_order(before)))
    waits: list[Job] = []
    for name, start, environment in _waits(plan, node, protected):
        waits.append(_wait(name, start, environment, needs))
        needs = (*needs, name)
    asks = node.pause is not None and node.pause.approval and approved_in(plan, node) is None
    start = Start(always=level > 0 or decides, approval=asks, protected=protected)
    return *waits, _node(plan, node, level, start, needs)


def _waits(plan: ir.Plan, node: ir.Node, protected: bool) -> Iterator[tuple[str, Start, Environment | None]]:
    """Yield (name, how it starts, environment) of the job for each thing that GitLab waits for before a node."""
    approval, wait = waiting_jobs(node.id)
    environment = approved_in(plan, node)
    if environment is not None:
        yield approval, Start(approval=True, protected=protected), Environment(environment, "prepare")
    if node.pause is not None and node.pause.seconds:
        yield wait, Start(delay=node.pause.seconds, protected=protected), None


def _wait(name: str, start: Start, environment: Environment | None, needs: tuple[str, ...]) -> Job:
    """Return a job that does nothing: it starts when somebody starts it, or its delay is over."""
    return Job(
        id=name,
        name=name,
        stage=RUN_STAGE,
        script=f"echo '{name} is over'",
        image=DEFAULT_IMAGE,
        timeout_minutes=SERVICE_MINUTES,
        variables={"GIT_STRATEGY": "none"},
        artifacts=None,
        needs=needs,
        start=start,
        environment=environment,
        interruptible=False,
    )


def _node(plan: ir.Plan, node: ir.Node, level: int, start: Start, needs: tuple[str, ...]) -> Job:
    return Job(
        id=node.id,
        name=job_name(node.id),
        stage=_after(level) if level else RUN_STAGE,
        script=_script(plan, "node"),
        image=image_of(node),
        own_image=node.machine.image is not None,
        timeout_minutes=-(-node.longest_seconds // 60) + BACKSTOP_MINUTES,
        variables=variables_of(node),
        artifacts=node_artifacts(plan, node),
        needs=None if level else needs,
        start=start,
        may_fail=not node.blocking,
        # A job that waits for approval and may fail for any reason counts as one that nobody need start.
        failing_codes=FAILURE_CODES if start.approval and not node.blocking else (),
        tags=tags_of(plan, node),
        services=tuple(service_of(service) for service in node.machine.services),
        caches=None if node.releases else caches_of(plan, node),
        environment=environment_of(plan, node),
        lock=node.machine.environment,
        after_script=_afterwards(plan, node),
        interruptible=node.machine.environment is None,
        id_tokens=id_tokens_of(node),
        legs=legs_of(plan, node),
    )
