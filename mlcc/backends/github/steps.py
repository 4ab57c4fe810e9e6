"""LOWER, continued: the plan's steps as GitHub's."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc import plan as ir
from mlcc.backends._checks import approved_in
from mlcc.backends.github import expr
from mlcc.backends.github.expr import Expr
from mlcc.backends.github.model import RunStep, Setting, Step, Text, UsesStep
from mlcc.backends.github.pins import (
    CACHE_RESTORE,
    CACHE_SAVE,
    CHECKOUT,
    DOWNLOAD,
    SETUP_PYTHON,
    UPLOAD,
    Action,
)
from mlcc.backends.github.platform import APPROVAL, OWN_REGISTRY
from mlcc.exhaustive import assert_never
from mlcc.planning.topology import decisive
from mlcc.runtime.addresses import IMAGE_SCHEME

SCRIPTS = ".mlcc"
FILES = "_mlcc"
OWN_IMAGES = f"{IMAGE_SCHEME}{OWN_REGISTRY}/"


def steps_of(plan: ir.Plan, node: ir.Node) -> Iterator[Step]:
    """Return the steps of a node's job, in order."""
    for step in node.steps:
        yield _lower(plan, node, step)
    for step in node.steps:
        if isinstance(step, ir.UseCache):
            yield _save(plan, step)


def _lower(plan: ir.Plan, node: ir.Node, step: ir.Step) -> Step:
    match step:
        case ir.Checkout():
            return checkout(plan, step)
        case ir.UsePython():
            return UsesStep("python", SETUP_PYTHON, {"python-version": _python(step)})
        case ir.UseCache():
            return UsesStep(f"cache-{step.id}", CACHE_RESTORE, _cache_settings(plan, step))
        case ir.Receive():
            return UsesStep("receive", *folder(plan, _pattern(plan, node, step)))
        case ir.Execute():
            return RunStep(
                "run",
                f"exec python3 -I {SCRIPTS}/run.py node",
                {**_env(plan, node, step), **_approved(plan, node)},
            )
        case ir.Undo():
            undoing = expr.both([expr.ALWAYS, "steps.run.outcome != 'success'"])
            return RunStep("undo", f"exec python3 -I {SCRIPTS}/run.py undo", _env(plan, node, step), undoing)
        case ir.Cancel():
            killed = expr.both([expr.ALWAYS, "steps.run.outcome != 'success'"])
            condition = killed if step.after_failure else expr.value(expr.CANCELLED)
            return RunStep(
                "cancel", f"exec python3 -I {SCRIPTS}/run.py cancel", _env(plan, node, step), condition
            )
        case ir.PublishState():
            condition = expr.value(expr.ALWAYS if node.releases else expr.NOT_CANCELLED)
            return publish(plan, "state", f"s--{_instance(node)}", condition)
        case ir.PublishData():
            # A node that ended without data says so in its state, and its readers refuse to run.
            keep: dict[str, Setting] = {"include-hidden-files": True, "retention-days": step.retain_days}
            return publish(plan, "data", f"d--{_instance(node)}", None, missing="ignore", more=keep)
        case ir.PublishReports():
            keep = {"retention-days": step.retain_days}
            condition = expr.value(expr.NOT_CANCELLED)
            return publish(plan, "reports", f"r--{_instance(node)}", condition, missing="ignore", more=keep)
    assert_never(step)


def _instance(node: ir.Node) -> str:
    return f"{node.id}--${{{{ matrix.leg }}}}" if node.is_matrix else node.id


def _python(step: ir.UsePython) -> Setting:
    return expr.value("matrix.python") if isinstance(step.version, ir.MatrixValue) else step.version.text


def checkout(plan: ir.Plan, step: ir.Checkout) -> UsesStep:
    """Return the step that gets the repository, without leaving credentials behind."""
    settings: dict[str, Setting] = {"persist-credentials": False}
    if step.depth != 1:
        settings["fetch-depth"] = step.depth
    if not step.project:
        settings["sparse-checkout"] = plan.in_home(SCRIPTS)
    if step.lfs:
        settings["lfs"] = True
    if step.submodules:
        settings["submodules"] = True
    return UsesStep("checkout", CHECKOUT, settings)


def _cache_settings(plan: ir.Plan, step: ir.UseCache) -> dict[str, Setting]:
    prefix = f"{plan.name}-{step.id}-${{{{ runner.os }}}}-"
    paths = [path if path.startswith("~/") else plan.in_home(path) for path in step.paths]
    files = expr.hash_files([plan.in_home(path) for path in step.key_files])
    return {"path": "\n".join(paths), "key": prefix + "${{ " + files + " }}", "restore-keys": prefix}


def _save(plan: ir.Plan, step: ir.UseCache) -> UsesStep:
    """Return the step that keeps a cache, under the key and paths that were asked for. Pull requests keep none."""
    restored = f"steps.cache-{step.id}"
    return UsesStep(
        f"save-{step.id}",
        CACHE_SAVE,
        {
            "path": _cache_settings(plan, step)["path"],
            "key": expr.value(f"{restored}.outputs.cache-primary-key"),
        },
        expr.both(["github.event_name != 'pull_request'", f"{restored}.outputs.cache-hit != 'true'"]),
    )


def _pattern(plan: ir.Plan, node: ir.Node, step: ir.Receive) -> str:
    """Return the names of what a node receives. The action's pattern is a minimatch: braces are alternatives."""
    names = ["s--select"]
    before = plan.in_order(decisive(node, plan.incoming))
    names += [f"s--{_any_leg(plan.nodes[id])}" for id in before]
    names += [f"d--{_any_leg(plan.nodes[id])}" for id in plan.in_order(step.data)]
    return names[0] if len(names) == 1 else "{" + ",".join(names) + "}"


def _any_leg(node: ir.Node) -> str:
    return f"{node.id}--*" if node.is_matrix else node.id


def folder(plan: ir.Plan, pattern: str) -> tuple[Action, dict[str, Setting]]:
    """Return the action and settings that put every artifact of a pattern into its own folder below `_mlcc/`.

    Each artifact holds its own folder (see `publish`), and all are merged: without merging, the action strips
    the folder when exactly one artifact matches (actions/download-artifact v8.0.1, src/download-artifact.ts).
    """
    return DOWNLOAD, {"pattern": pattern, "path": plan.in_home(FILES), "merge-multiple": True}


def publish(
    plan: ir.Plan,
    id: str,
    name: str,
    condition: Expr | None,
    *,
    missing: str = "error",
    more: dict[str, Setting] | None = None,
) -> UsesStep:
    """Return the step that uploads `_mlcc/NAME/` as an artifact of that name.

    The second path need not exist: it makes `_mlcc` the common root, so that the artifact holds its own folder.
    """
    paths = f"{plan.in_home(FILES)}/{name}/\n{plan.in_home(FILES)}/.root"
    return UsesStep(
        id, UPLOAD, {"name": name, "path": paths, "if-no-files-found": missing, **(more or {})}, condition
    )


def _approved(plan: ir.Plan, node: ir.Node) -> dict[str, Text]:
    """Return which attempt of the run people let go on, where they were asked."""
    if approved_in(plan, node) is None:
        return {}
    return {"MLCC_APPROVED": expr.value(expr.output(f"{node.id}{APPROVAL}", "attempt"))}


def uses_own_registry(plan: ir.Plan, node: ir.Node) -> bool:
    """Tell whether a node reaches GitHub's own registry, which takes the job's token, and no login of the spec."""
    reached = (*(take.artifact for take in node.takes), *node.writes, *(id for id, _ in node.tags))
    images = (plan.artifacts[id] for id in reached if plan.artifacts[id].form is ir.Form.IMAGE)
    return any(not image.login and image.paths[0].startswith(OWN_IMAGES) for image in images)


def _env(plan: ir.Plan, node: ir.Node, step: ir.Execute | ir.Undo | ir.Cancel) -> dict[str, Text]:
    env: dict[str, Text] = {"MLCC_NODE": node.id}
    if uses_own_registry(plan, node):
        env["MLCC_TOKEN"] = expr.value("github.token")
    if node.is_matrix:
        env["MLCC_LEG"] = expr.value("matrix.leg")
    for name in step.secrets:
        env[f"MLCC_SECRET_{name}"] = expr.secret(name)
    for name in step.variables:
        env[f"MLCC_VAR_{name}"] = expr.variable(name)
    if node.status is ir.Status.ROLLBACK:
        env["MLCC_NEEDS"] = expr.value(
            "toJSON(needs)"
        )  # a release that was cancelled before it began is nothing to undo
    for service in node.machine.services:
        name = service.id.upper().replace("-", "_")
        address = f"localhost:${{{{ job.services.{service.id}.ports['{service.port}'] }}}}"
        env[f"MLCC_SERVICE_{name}"] = f"{service.id}:{service.port}" if node.machine.image else address
    return env
