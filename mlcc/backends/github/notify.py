"""LOWER, continued: the job that tells people how the run ended, after the final one.

It has what the final job must not have: secrets, and a token that may write issues. Whatever becomes of it, the run has
ended as it has.
"""

from __future__ import annotations

from mlcc import plan as ir
from mlcc.backends.github import expr
from mlcc.backends.github.model import Job, Permission, RunStep, Text, UsesStep
from mlcc.backends.github.steps import SCRIPTS, checkout, folder

NOTIFY = "final--notify"  # no node's id has two hyphens
HOSTED = ("ubuntu-24.04",)
NOTIFY_MINUTES = 10


def notify_jobs(plan: ir.Plan, select: str, final: str) -> tuple[Job, ...]:
    """Return the job that tells, as a tuple of one; none where nobody is told. `select` and `final` come before it."""
    if not plan.notices:
        return ()
    secrets, variables = secrets_of_notices(plan), plan.kept_for_notices(ir.Variable)
    files = any(isinstance(notice.way, ir.Filed) for notice in plan.notices)
    env: dict[str, Text] = {"MLCC_TOKEN": expr.value("github.token")} if files else {}
    env.update({f"MLCC_SECRET_{name}": expr.secret(name) for name in secrets})
    env.update({f"MLCC_VAR_{name}": expr.variable(name) for name in variables})
    permissions = [Permission("contents", "read")]
    if files:
        permissions.append(Permission("issues", "write", "keeps issues up to date"))
    asked = any("pull_request" in one.events for notice in plan.notices for one in notice.when)
    return (
        Job(
            id=NOTIFY,
            name="notify",
            needs=(select, final),
            if_=expr.both([expr.ALWAYS, expr.NO_FORK if asked else expr.NO_PULL_REQUEST]),
            runs_on=HOSTED,
            timeout_minutes=NOTIFY_MINUTES,
            permissions=tuple(permissions),
            environment=plan.name if secrets else None,
            deployment=False,
            may_fail=True,
            steps=(
                checkout(plan, ir.Checkout(project=False)),
                UsesStep("receive", *folder(plan, f"{{s--{select},s--{final}}}")),
                RunStep("run", f"exec python3 -I {SCRIPTS}/notify.py", env),
            ),
        ),
    )


def secrets_of_notices(plan: ir.Plan) -> tuple[str, ...]:
    """Return the secrets that telling takes here: issues are written with the job's own token."""
    keys = (notice.key for notice in plan.notices if not isinstance(notice.way, ir.Filed))
    return tuple(sorted({key.name for key in keys if isinstance(key, ir.Secret)}))
