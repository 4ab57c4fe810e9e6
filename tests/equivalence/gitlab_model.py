"""GitLab's rules for which jobs of a pipeline start, and an evaluator of its `rules` expressions.

Written after GitLab's source, at https://gitlab.com/gitlab-org/gitlab/-/blob/master/:
`lib/gitlab/ci/status/composite.rb` (the status of what comes before a job),
`app/services/ci/pipeline_processing/atomic_processing_service.rb` (needs, or the stages before),
`app/services/ci/process_build_service.rb` (which status starts a job),
`lib/gitlab/ci/config/normalizer.rb` (a need of a matrix is a need of each leg),
`lib/gitlab/ci/pipeline/expression/` (expressions).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

COMPLETED = ("success", "failed", "canceled", "skipped", "manual")
STARTING = {  # `when` -> the statuses before it that start a job with needs, and one without
    "on_success": (("success",), ("success", "skipped")),
    "manual": (("success",), ("success", "skipped")),
    "delayed": (("success",), ("success", "skipped")),
    "always": (("success", "failed", "skipped"), ("success", "failed", "skipped")),
}


@dataclass
class Job:
    """A job of a created pipeline; one for each leg. `needs` None: it waits for the stages before."""

    name: str
    leg: str
    stage: int
    needs: tuple[str, ...] | None
    when: str
    allow_failure: bool
    status: str = "created"


def composite(jobs: Iterable[Job], dag: bool) -> str:
    """Return the status of several jobs together; of none: success."""
    kinds = set()
    for job in jobs:
        if job.allow_failure and job.status in ("failed", "canceled"):
            kinds.add("success_with_warnings")
        elif job.allow_failure and job.status == "manual":
            kinds.add("ignored")
        else:
            kinds.add(job.status)
    if not kinds:
        return "success"
    if dag and kinds & {"skipped", "ignored"}:
        return "skipped"
    if dag and not kinds <= {"success", "failed", "canceled", "skipped", "success_with_warnings"}:
        return "pending"
    fine = {"success_with_warnings", "ignored"}
    steps = (
        ({"skipped", "ignored"}, "skipped"),
        ({"success", "skipped"} | fine, "success"),
        ({"created"} | fine, "created"),
        ({"canceled", "success", "skipped"} | fine, "canceled"),
        ({"pending", "created", "skipped"} | fine, "pending"),
    )
    for among, status in steps:
        if kinds <= among:
            return status
    for kind, status in (("running", "running"), ("manual", "manual"), ("created", "running")):
        if kind in kinds:
            return status
    return "failed"


def status_before(job: Job, jobs: list[Job]) -> str:
    """Return the status of what a job waits for."""
    if job.needs is not None:
        return composite([other for other in jobs if other.name in job.needs], dag=True)
    return composite([other for other in jobs if other.stage < job.stage], dag=False)


def decision(job: Job, jobs: list[Job]) -> str:
    """Return what GitLab does with a created job now: start it, skip it, or wait."""
    status = status_before(job, jobs)
    if status not in COMPLETED:
        return "wait"
    return "start" if status in STARTING[job.when][job.needs is None] else "skip"


def created(tree: Mapping[str, Any], variables: Mapping[str, str]) -> list[Job]:
    """Return the jobs of a pipeline. Raises ValueError on what GitLab would refuse, or this model doesn't know."""
    stages = tree["stages"]
    entries = {
        name: entry
        for name, entry in tree.items()
        if name not in ("stages", "workflow", "default", "variables")
    }
    found: list[Job] = []
    for name, entry in entries.items():
        state = {key: entry[key] for key in ("when", "allow_failure") if key in entry}
        if "rules" in entry:
            rule = next((rule for rule in entry["rules"] if holds(rule["if"], variables)), None)
            if rule is None:
                continue
            state.update({key: rule[key] for key in ("when", "allow_failure") if key in rule})
        needs = None
        if "needs" in entry:
            needs = tuple(need["job"] for need in entry["needs"])
            if any(need["job"] not in entries and not need.get("optional") for need in entry["needs"]):
                raise ValueError(f"{name} needs a job that isn't there")
        legs = [leg for row in entry.get("parallel", {"matrix": []})["matrix"] for leg in row["MLCC_LEG"]]
        for leg in legs or [""]:
            found.append(
                Job(
                    name=name,
                    leg=leg,
                    stage=stages.index(entry["stage"]),
                    needs=needs,
                    when=state.get("when", "on_success"),
                    allow_failure=bool(state.get("allow_failure", False)),
                )
            )
    names = [name for name in entries if name in {job.name for job in found}]
    order = {name: number for number, name in enumerate(names)}
    if any(order[need] >= order[job.name] for job in found for need in job.needs or () if need in order):
        raise ValueError("the jobs aren't in an order in which all could run")
    return found


# --- expressions ----------------------------------------------------------------------------------

_TOKEN = re.compile(
    r"""\s*(?:\$(?P<variable>\w+)|"(?P<text>[^"]*)"|(?P<pattern>/(?:[^/]|\\/)+[^\\]/)|(?P<sign>==|=~|&&|\|\||[()]))"""
)


def tokens(expression: str) -> list[tuple[str, str]]:
    """Return (kind, text) of each token. Raises ValueError."""
    found, at = [], 0
    while expression[at:].strip():
        match = _TOKEN.match(expression, at)
        if match is None:
            raise ValueError(f"no token at {expression[at:]!r}")
        kind = str(match.lastgroup)
        found.append((kind, match[kind]))
        at = match.end()
    return found


def holds(expression: str, variables: Mapping[str, str]) -> bool:
    """Evaluate an `if` of rules: `&&` binds closer than `||`; a variable alone holds when it isn't empty."""
    left = tokens(expression)
    value = _or(left, variables)
    if left:
        raise ValueError(f"more than an expression: {left}")
    return value


def _or(left: list[tuple[str, str]], variables: Mapping[str, str]) -> bool:
    return _joined(left, "||", lambda: _joined(left, "&&", lambda: _term(left, variables), all), any)


def _joined(
    left: list[tuple[str, str]], sign: str, part: Callable[[], bool], join: Callable[[list[bool]], bool]
) -> bool:
    values = [part()]
    while left and left[0] == ("sign", sign):
        left.pop(0)
        values.append(part())
    return join(values)


def _term(left: list[tuple[str, str]], variables: Mapping[str, str]) -> bool:
    kind, text = left.pop(0)
    if (kind, text) == ("sign", "("):
        value = _or(left, variables)
        if left.pop(0) != ("sign", ")"):
            raise ValueError("a ) is missing")
        return value
    if kind != "variable":
        raise ValueError(f"a term begins with {text}")
    found = variables.get(text, "")
    if not left or left[0][1] not in ("==", "=~"):
        return bool(found)
    _, sign = left.pop(0)
    wanted, operand = left.pop(0)
    if sign == "==" and wanted == "text":
        return found == operand
    if sign == "=~" and wanted == "pattern":
        return re.search(_python_pattern(operand), found) is not None
    raise ValueError(f"the model has no {sign} {wanted}")


def _python_pattern(operand: str) -> str:
    """Return an RE2 pattern in Python's spelling."""
    inner = operand[1:-1].replace("\\/", "/")
    inner = inner[:-1] + r"\Z" if inner.endswith("$") else inner
    return re.sub(r"\\x\{([0-9a-f]+)\}", lambda match: re.escape(chr(int(match[1], 16))), inner)
