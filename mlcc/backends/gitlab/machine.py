"""LOWER, continued: where a node runs, what it gets and what it leaves, as GitLab's keys."""

from __future__ import annotations

from collections.abc import Mapping

from mlcc import plan as ir
from mlcc.backends.gitlab import expr
from mlcc.backends.gitlab.model import Artifacts, Cache, Environment, Service
from mlcc.exhaustive import assert_never

FILES = "_mlcc"
# The full image, not the slim one: the runtime calls git, and packages without wheels need a compiler.
# https://hub.docker.com/_/python
PYTHON_IMAGE = "python:{version}-bookworm"
DEFAULT_IMAGE = PYTHON_IMAGE.format(version="3.12")
STATE_DAYS = 30


def image_of(node: ir.Node) -> str:
    """Return the image of a node: its own, or the one of its Python."""
    if node.machine.image is not None:
        return expr.literal(node.machine.image)
    for step in node.steps:
        if isinstance(step, ir.UsePython):
            version = (
                expr.reference("MLCC_PYTHON")
                if isinstance(step.version, ir.MatrixValue)
                else step.version.text
            )
            return PYTHON_IMAGE.format(version=version)
    return DEFAULT_IMAGE


def leg_labels(plan: ir.Plan, node: ir.Node) -> list[tuple[str, ...]]:
    """Return the runner labels of each leg."""
    runner = node.machine.runner
    if not isinstance(runner, ir.MatrixValue):
        return [plan.runners[runner].labels.get("gitlab", ())]
    ids = [str(dict(leg.values)[runner.axis]) for leg in node.legs]
    return [plan.runners[id].labels.get("gitlab", ()) for id in ids]


def _tag_variables(plan: ir.Plan, node: ir.Node) -> tuple[str, ...]:
    most = max(len(labels) for labels in leg_labels(plan, node))
    return tuple(f"MLCC_TAG_{number}" for number in range(1, most + 1))


def tags_of(plan: ir.Plan, node: ir.Node) -> tuple[str, ...]:
    """Return the tags that a runner must have."""
    if isinstance(node.machine.runner, ir.MatrixValue):
        return tuple(expr.reference(name) for name in _tag_variables(plan, node))
    return tuple(expr.literal(label) for label in leg_labels(plan, node)[0])


def legs_of(plan: ir.Plan, node: ir.Node) -> tuple[Mapping[str, str], ...]:
    """Return the matrix variables of each leg; none where there is no matrix."""
    if not node.is_matrix:
        return ()
    labels = leg_labels(plan, node)
    legs = []
    for number, leg in enumerate(node.legs):
        found = {"MLCC_LEG": leg.id}
        if isinstance(node.machine.runner, ir.MatrixValue):
            own = labels[number]
            for place, name in enumerate(_tag_variables(plan, node)):
                found[name] = own[min(place, len(own) - 1)]  # a tag named twice asks for no more
        for step in node.steps:
            if isinstance(step, ir.UsePython) and isinstance(step.version, ir.MatrixValue):
                found["MLCC_PYTHON"] = str(dict(leg.values)[step.version.axis])
        legs.append(found)
    return tuple(legs)


def variables_of(node: ir.Node) -> dict[str, str]:
    """Return a job's variables: constants, and what services and tokens take of GitLab's variables by default."""
    found = {"MLCC_NODE": node.id}
    for step in node.steps:
        if isinstance(step, ir.Checkout):
            found["GIT_DEPTH"] = str(step.depth)
            if step.submodules:
                found["GIT_SUBMODULE_STRATEGY"] = "recursive"
            if not step.lfs:
                found["GIT_LFS_SKIP_SMUDGE"] = "1"
        elif isinstance(step, ir.Undo):
            # https://docs.gitlab.com/ci/runners/configure_runners/#set-script-and-after_script-timeouts
            telling = 1 if node.part is not None and node.part.notices else 0  # minutes, when all is undone
            found["RUNNER_AFTER_SCRIPT_TIMEOUT"] = f"{-(-step.seconds // 60) + 1 + telling}m"
    for service in node.machine.services:
        found[f"MLCC_SERVICE_{service.id.upper().replace('-', '_')}"] = f"{service.id}:{service.port}"
    beside = [value for service in node.machine.services for _, value in service.env]
    beside += [value for login in node.logins for _, value in login.values]
    for value in beside:
        if isinstance(value, ir.Variable) and value.default is not None:
            found[value.name] = expr.literal(value.default)  # a project's own variable outranks it
    return found


def node_artifacts(plan: ir.Plan, node: ir.Node) -> Artifacts:
    """Return what a node's job keeps: its state, what it wrote, its reports."""
    kept: list[str] = []
    days = [STATE_DAYS]
    for step in node.steps:
        match step:
            case ir.PublishState():
                kept.append("s")
            case ir.PublishData():
                kept.append("d")
                days.append(step.retain_days)
            case ir.PublishReports():
                kept.append("r")
                days.append(step.retain_days)
            case ir.Checkout() | ir.UsePython() | ir.UseCache() | ir.Receive() | ir.Execute():
                continue
            case ir.Undo() | ir.Cancel():
                continue
            case _:
                assert_never(step)
    if isinstance(node.work, ir.Gate) and "r" not in kept:
        kept.append("r")  # the summary of its verdict
    instance = f"{node.id}--*" if node.is_matrix else node.id
    junit = [report.path for report in node.reports if report.format == "junit"]
    if isinstance(node.work, ir.Gate) and isinstance(node.work.parameters.get("junit"), str):
        junit.append(str(node.work.parameters["junit"]))
    cobertura = next((report.path for report in node.reports if report.format == "cobertura"), None)
    return Artifacts(
        paths=tuple(plan.in_home(f"{FILES}/{kind}--{instance}/") for kind in kept),
        days=max(days),
        junit=tuple(expr.literal(plan.in_home(path)) for path in dict.fromkeys(junit)),
        cobertura=expr.literal(plan.in_home(cobertura)) if cobertura else None,
    )


def caches_of(plan: ir.Plan, node: ir.Node) -> tuple[Cache, ...]:
    """Return a node's caches. GitLab keeps only what lies in the project, so other paths are left out."""
    found = []
    for step in node.steps:
        if isinstance(step, ir.UseCache):
            paths = [
                expr.literal(plan.in_home(path)) for path in step.paths if not path.startswith(("~", "/"))
            ]
            files = tuple(plan.in_home(path) for path in step.key_files)
            if paths:
                found.append(Cache(f"{plan.name}-{step.id}", files, tuple(paths)))
    return tuple(found)


def environment_of(plan: ir.Plan, node: ir.Node) -> Environment | None:
    """Return a node's environment. One with secrets has one in any case, so that variables can be scoped to it."""
    if node.machine.environment is not None:
        return Environment(node.machine.environment, "" if node.deploys else "prepare")
    return Environment(plan.name, "access") if node.secrets else None


def comment_environment(plan: ir.Plan) -> Environment | None:
    """Return where the token of the comment comes from: an environment that only the final job has."""
    return Environment(f"{plan.name}-comment", "access") if plan.comment is not None else None


def notify_environment(plan: ir.Plan) -> Environment | None:
    """Return where what telling takes comes from: an environment that only the job which tells has."""
    return Environment(f"{plan.name}-notify", "access") if plan.kept_for_notices(ir.Secret) else None


def service_of(service: ir.Service) -> Service:
    """Return a service; `resolve` admits literals, secrets and variables in its environment."""
    return Service(
        service.id, expr.literal(service.image), {name: _outside(value) for name, value in service.env}
    )


def _outside(value: ir.Value) -> str:
    if isinstance(value, ir.Secret | ir.Variable):
        return expr.reference(value.name)
    assert isinstance(value, ir.Text)
    return expr.literal(value.text)


def id_tokens_of(node: ir.Node) -> dict[str, str]:
    """Return the OpenID Connect tokens of a job: name -> audience, as the runtime's login asks for it."""
    found = {}
    for login in node.logins:
        audience = expr.literal(login.audience)
        if login.provider == "gcp":
            audience += _outside(dict(login.values)["provider"])
        found[f"MLCC_ID_TOKEN_{login.provider.upper()}"] = audience
    return found
