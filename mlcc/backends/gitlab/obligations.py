"""What no file can hold: settings that a person makes once.

Commands are GitLab's own client's: https://docs.gitlab.com/cli/, which fills :id in by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from mlcc.backends._checks import APPROVAL_SUFFIX, released_into
from mlcc.backends._owned import (
    builders,
    code_owners,
    executes,
    first_span,
    login_events,
    login_span,
    longest_minutes,
    runners,
    variables,
)
from mlcc.backends.gitlab.lower import BACKSTOP_MINUTES
from mlcc.backends.gitlab.machine import comment_environment, environment_of, notify_environment
from mlcc.backends.gitlab.platform import GitLab, input_variable, trigger_word
from mlcc.obligations.obligation import Obligation, asked, command, posted
from mlcc.plan import Environment, Node, Plan, PublishData, Secret

PROJECT = "projects/:id"
API_TOKEN = "MLCC_API_TOKEN"  # noqa: S105 - its name
ROLES = {"no_one_allowed": "No one allowed", "maintainer": "Maintainer"}

_BUILDING = (
    "an `image` with buildah or podman, git, bash and Python 3.8 or newer, on a runner that lets containers make user "
    "namespaces; or docker, and its service docker:dind on a privileged runner"
)


def obligations(plan: Plan) -> list[Obligation]:
    """Return the settings that the pipeline relies on, in the order in which they are best made."""
    return [
        *_pipelines(plan),
        *_triggers(plan),
        *_variables(plan),
        *(rule for environment in plan.environments.values() for rule in _environment(plan, environment)),
        *_protected(plan),
        *_code_owners(plan),
        *_logins(plan),
        *_runners(plan),
        *builders(plan, GitLab.builder, _BUILDING, "else the build ends with 127, or isn't allowed"),
    ]


def _put(*fields: str) -> str:
    words = [word for stated in fields for word in ("-f", stated)]
    return command("glab", "api", "--silent", "-X", "PUT", PROJECT, *words)


def _pipelines(plan: Plan) -> Iterator[Obligation]:
    if plan.spec_home:
        yield Obligation(
            "include", "include",
            f"include {plan.spec_home}/.gitlab-ci.yml in the .gitlab-ci.yml of the repository's root "
            "(`include: {local: 'FOLDER/*/.gitlab-ci.yml'}` takes many), beside `stages: [select, run]`",
            names=(f"{plan.spec_home}/.gitlab-ci.yml",), span=plan.span,
        )  # fmt: skip
    if plan.triggers.pull_request is not None:
        span = plan.triggers.spans.get("triggers.pull_request")
        yield Obligation(
            "required-check", "required-check",
            "switch on 'Pipelines must succeed' and leave 'Skipped pipelines are considered successful' off "
            "(Settings, Merge requests)",
            "the pipeline's colour is the final node's", span=span,
            commands=(_put("only_allow_merge_if_pipeline_succeeds=true", "allow_merge_on_skipped_pipeline=false"),),
        )  # fmt: skip
        yield Obligation(
            "setting.fork-pipelines", "setting",
            "let no pipeline of a fork run in this project, or protect every variable",
            "a member who starts one runs the fork's own files", span=span,
            commands=(_put("ci_allow_fork_pipelines_to_run_in_parent_project=false"),),
        )  # fmt: skip
    if any(isinstance(step, PublishData) for node in plan.nodes.values() for step in node.steps):
        yield Obligation(
            "artifacts.size", "artifacts",
            "raise the maximum size of artifacts (100 MB where nobody has; an administrator's setting) to what a node writes",
            "a larger one fails its job", span=plan.span, commands=(_put("max_artifacts_size=MEGABYTES"),),
        )  # fmt: skip
    yield Obligation(
        "reserved.mlcc", "reserved", "use no variable whose name begins with MLCC_ for anything else",
        "GitLab lets it outrank the pipeline's own", span=plan.span,
    )  # fmt: skip


def _code_owners(plan: Plan) -> Iterator[Obligation]:
    yield code_owners(plan, "gitlab", ".gitlab/CODEOWNERS", "; GitLab asks them in paid plans only")
    for branch in plan.triggers.pull_request or plan.triggers.push or ():
        yield Obligation(
            f"code-owners.review.{branch}", "code-owners",
            f"require the approval of code owners on {branch}, once it is protected",
            "else the file only asks for one", names=(branch,), span=plan.span,
            commands=(
                command(
                    "glab", "api", "--silent", "-X", "PATCH", f"{PROJECT}/protected_branches/{quote(branch, safe='')}",
                    "-f", "code_owner_approval_required=true",
                ),
            ),
        )  # fmt: skip


def _triggers(plan: Plan) -> Iterator[Obligation]:
    triggers = plan.triggers
    role = "maintainer" if triggers.schedules or triggers.forms or triggers.dispatches else "no_one_allowed"
    who = f"{ROLES[role]}, who start runs with them" if role == "maintainer" else ROLES[role]
    yield Obligation(
        "setting.pipeline-variables", "setting",
        f"set the minimum role to use pipeline variables to {who} (Settings, CI/CD, Variables)",
        "they outrank the pipeline's own, so whoever may set them, or holds a trigger token, may run anything on the branch",
        names=(role,), span=plan.span, commands=(_put(f"ci_pipeline_variables_minimum_override_role={role}"),),
    )  # fmt: skip
    for id, cron in triggers.schedules:
        word = trigger_word(id, plan.name, plan.home)
        create = ("glab", "schedule", "create", "--cron", cron, "--ref", "BRANCH", "--description", word)
        yield Obligation(
            f"schedule.{id}", "schedule", f"create the schedule '{id}'", "GitLab keeps schedules in no file",
            names=(word, cron), commands=(command(*create, "--variable", f"MLCC_TRIGGER:{word}"),), span=triggers.spans.get(id),
        )  # fmt: skip
    yield from _by_hand(plan)
    if triggers.push is not None:
        yield Obligation(
            f"secret.{API_TOKEN}", "secret",
            f"to select by what has changed since the last green run, create the variable {API_TOKEN}, masked, "
            f"protected and scoped to the environment '{plan.name}-select': a project access token with the role "
            "Reporter and the scope read_api", "without it, every push runs everything",
            names=(API_TOKEN,), places=(f"{plan.name}-select",), span=triggers.spans.get("triggers.push"),
            commands=(_variable(API_TOKEN, f"{plan.name}-select", protected=True),),
        )  # fmt: skip


def _by_hand(plan: Plan) -> Iterator[Obligation]:
    """Yield how people and other systems start runs."""
    for form in plan.triggers.forms:
        word = trigger_word(form.id, plan.name, plan.home)
        names = [input_variable(field.name, plan.name, plan.home) for field in form.inputs]
        more = "".join(f" --variables-env {name}:VALUE" for name in names)
        yield Obligation(
            f"form.{form.id}", "form",
            f"start '{form.id}' by 'New pipeline', or `glab ci run --branch BRANCH --variables-env MLCC_TRIGGER:{word}{more}`",
            names=(word, *names), span=plan.triggers.spans.get(form.id),
        )  # fmt: skip
    for id in plan.triggers.dispatches:
        word = trigger_word(id, plan.name, plan.home)
        yield Obligation(
            f"dispatch.{id}", "dispatch",
            f"let the system that dispatches '{id}' hold a trigger token, and send "
            f"`POST /projects/ID/trigger/pipeline?token=TOKEN&ref=BRANCH&variables[MLCC_TRIGGER]={word}`",
            names=(word,), span=plan.triggers.spans.get(id),
        )  # fmt: skip


def _variable(name: str, scope: str, *, protected: bool) -> str:
    more = ("--protected",) if protected else ()
    return asked(name, "glab", "variable", "set", name, "--masked", *more, "--scope", scope)


def _variables(plan: Plan) -> Iterator[Obligation]:
    places: dict[str, dict[str, bool]] = {}
    for node, step in executes(plan):
        scope, protected = _scope(plan, node)
        for name in step.secrets:
            places.setdefault(name, {})[scope] = protected
    environment = notify_environment(plan)
    if environment is not None:
        for name in plan.kept_for_notices(Secret):
            places.setdefault(name, {})[environment.name] = False
    for name in sorted(places):
        scopes = sorted(places[name])
        yield Obligation(
            f"secret.{name}", "secret",
            f"create the variable {name} as a masked variable (not a file), scoped to the environment "
            f"{' and '.join(map(repr, scopes))}, protected where only protected branches use it",
            "unscoped, it reaches every job of the project", names=(name,), places=tuple(scopes), span=first_span(plan, name),
            commands=tuple(_variable(name, scope, protected=places[name][scope]) for scope in scopes),
        )  # fmt: skip
    for name, span in variables(plan).items():
        yield Obligation(
            f"variable.{name}", "variable", f"create the variable {name}",
            "nodes that use it get its default, or fail without one",
            names=(name,), commands=(asked(name, "glab", "variable", "set", name),), span=span,
        )  # fmt: skip
    environment = comment_environment(plan)
    if plan.comment is not None and plan.comment.token is not None and environment is not None:
        yield Obligation(
            f"secret.{plan.comment.token}.comment", "secret",
            f"create the variable {plan.comment.token}, masked, not protected and scoped to the environment "
            f"'{environment.name}': a project access token with the role Reporter and the scope api",
            "who may push a branch can read it there, so it is good for nothing else",
            names=(plan.comment.token,), places=(environment.name,), span=plan.comment.span,
            commands=(_variable(plan.comment.token, environment.name, protected=False),),
        )  # fmt: skip


def _scope(plan: Plan, node: Node) -> tuple[str, bool]:
    """Return the environment that a node's secrets are scoped to, and whether only protected branches run in it."""
    environment = environment_of(plan, node)
    name = environment.name if environment else plan.name
    stated = plan.environments.get(name)
    return name, stated is not None and bool(stated.branches)


def _environment(plan: Plan, environment: Environment) -> Iterator[Obligation]:
    id, span = environment.id, environment.span
    if environment.approval:
        released = id in released_into(plan)
        asking = id + (APPROVAL_SUFFIX if released else "")
        yield Obligation(
            f"environment.{id}.approval", "approval",
            f"protect the environment '{asking}', so that only its approvers can start its jobs (a paid plan's)",
            "else whoever may push to the branch may", names=(asking,), places=(asking,), span=span,
            commands=(_protect_environment(asking),),
        )  # fmt: skip
        if released:
            yield Obligation(
                f"environment.{id}.deployers", "approval",
                f"where '{id}' is protected, let all deploy there who may start a release",
                "its later steps and its rollback run as whoever started the pipeline, and GitLab fails the jobs of others",
                names=(id,), places=(id,), span=span,
            )  # fmt: skip
        yield Obligation(
            f"environment.{id}.refs", "protected-ref", f"protect the branches and tags that start jobs of '{id}'",
            "on others they don't exist", names=environment.branches, places=(id,), span=span,
        )  # fmt: skip
    if environment.branches:
        yield Obligation(
            f"environment.{id}.branches", "branches", f"protect the branches {', '.join(environment.branches)}",
            f"jobs of '{id}' exist there only", names=environment.branches, places=(id,), span=span,
            commands=tuple(map(_protect_branch, environment.branches)),
        )  # fmt: skip
    yield Obligation(
        f"environment.{id}.order", "order", f"let jobs of '{id}' wait in order, once the first of them has run",
        "GitLab starts any of those that wait", names=(id,), places=(id,), span=span,
        commands=(
            command("glab", "api", "--silent", "-X", "PUT", f"{PROJECT}/resource_groups/{id}", "-f", "process_mode=oldest_first"),
        ),
    )  # fmt: skip


def _protect_environment(id: str) -> str:
    """Source: https://docs.gitlab.com/api/protected_environments/#protect-a-single-environment."""
    document = {"name": id, "deploy_access_levels": [{"group_id": "GROUP_ID"}]}
    words = ("glab", "api", "--silent", "-X", "POST", f"{PROJECT}/protected_environments")
    line = posted(document, *words, "-H", "Content-Type: application/json", "--input", "-")
    return line.replace('"GROUP_ID"', "GROUP_ID")


def _protect_branch(pattern: str) -> str:
    return command(
        "glab", "api", "--silent", "-X", "POST", f"{PROJECT}/protected_branches", "-f", f"name={pattern}"
    )


def _protected(plan: Plan) -> Iterator[Obligation]:
    """Yield the refs to protect, since whoever may push to one runs what he likes with its variables."""
    taken = {branch for environment in plan.environments.values() for branch in environment.branches}
    for branch in plan.triggers.push or ():
        if branch not in taken:
            yield Obligation(
                f"protected-branch.{branch}", "protected-ref", f"protect the branch {branch}",
                "protected variables don't reach its jobs, and whoever may push there runs anything with the others",
                names=(branch,), commands=(_protect_branch(branch),), span=plan.triggers.spans.get("triggers.push"),
            )  # fmt: skip
    for tag in plan.triggers.tag or ():
        yield Obligation(
            f"protected-tag.{tag}", "protected-ref", f"protect the tag {tag}",
            "whoever may push a tag starts its jobs", names=(tag,), span=plan.triggers.spans.get("triggers.tag"),
            commands=(
                command("glab", "api", "--silent", "-X", "POST", f"{PROJECT}/protected_tags", "-f", f"name={tag}",
                        "-f", "create_access_level=40"),
            ),
        )  # fmt: skip


def _logins(plan: Plan) -> Iterator[Obligation]:
    """Source of the claims: https://docs.gitlab.com/ci/secrets/id_token_authentication/#token-payload."""
    logins = {login.provider: login for node in plan.nodes.values() for login in node.logins}
    environments = sorted(
        {node.machine.environment for node in plan.nodes.values() if node.logins and node.machine.environment}
    )
    kinds = {kind for found in login_events(plan).values() for kind in found}
    refs = [f"branch:ref:{branch}" for branch in plan.triggers.push or ()] if "push" in kinds else []
    refs += [f"tag:ref:{tag}" for tag in plan.triggers.tag or ()] if "tag" in kinds else []
    refs += ["branch:ref:SOURCE_BRANCH"] if "pull_request" in kinds else []
    refs += ["branch:ref:DEFAULT_BRANCH"] if kinds & {"schedule", "manual", "dispatch"} else []
    subjects = tuple(f"project_path:GROUP/PROJECT:ref_type:{ref}" for ref in refs)
    more = (
        f"; of jobs in an environment the claim environment is {' or '.join(environments)}"
        if environments
        else ""
    )
    for provider, login in sorted(logins.items()):
        yield Obligation(
            f"trust.{provider}", "trust",
            f"let the cloud ({provider}) trust this GitLab's OpenID Connect tokens (issuer https://HOST, audience "
            f"{login.audience}, subject {' or '.join(subjects)}{more})",
            "else no login succeeds; a wider subject lets other branches in",
            names=subjects, places=tuple(environments), span=login_span(plan),
        )  # fmt: skip


def _runners(plan: Plan) -> Iterator[Obligation]:
    minutes = longest_minutes(plan, BACKSTOP_MINUTES)
    yield Obligation(
        "runner.timeout", "runner", f"let the runners take jobs of {minutes} minutes",
        "their maximum timeout cuts a longer one off", names=(str(minutes),), span=plan.span,
    )  # fmt: skip
    for labels, runner in runners(plan, "gitlab").items():
        if labels:
            yield Obligation(
                f"runner.{runner.id}", "runner", f"have runners with the tags {', '.join(labels)}, whose executor takes images",
                "jobs without a runner wait, and then fail", names=labels, span=runner.span,
            )  # fmt: skip
