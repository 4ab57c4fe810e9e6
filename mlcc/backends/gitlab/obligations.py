"""What no file can hold: settings that a person makes once."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from mlcc.backends._checks import APPROVAL_SUFFIX, released_into
from mlcc.backends.gitlab.lower import BACKSTOP_MINUTES
from mlcc.backends.gitlab.machine import comment_environment, environment_of
from mlcc.backends.gitlab.platform import input_variable, trigger_word
from mlcc.plan import Environment, Execute, Plan, PublishData


def obligations(plan: Plan) -> list[str]:
    """Return the settings that the pipeline relies on, one sentence each."""
    return [
        *_pipelines(plan),
        *_triggers(plan),
        *_variables(plan),
        *(
            line
            for environment in plan.environments.values()
            for line in _environment(environment, environment.id in released_into(plan))
        ),
        *_logins(plan),
    ]


def _pipelines(plan: Plan) -> Iterator[str]:
    if plan.home:
        yield (
            f"include {plan.home}/.gitlab-ci.yml in the .gitlab-ci.yml of the repository's root "
            "(`include: {local: 'FOLDER/*/.gitlab-ci.yml'}` takes many), beside `stages: [select, run]`"
        )
    if plan.triggers.pull_request is not None:
        yield (
            "switch on 'Pipelines must succeed' and leave 'Skipped pipelines are considered successful' off "
            "(Settings, Merge requests): the pipeline's colour is the final node's"
        )
        yield (
            "let no pipeline of a fork run in this project (`glab api -X PUT projects/:id "
            "-f ci_allow_fork_pipelines_to_run_in_parent_project=false`), or protect every variable: "
            "a member who starts one runs the fork's own files"
        )
    minutes = max(-(-node.longest_seconds // 60) for node in plan.nodes.values()) + BACKSTOP_MINUTES
    yield f"let the runners take jobs of {minutes} minutes (their maximum timeout cuts a longer one off)"
    if any(isinstance(step, PublishData) for node in plan.nodes.values() for step in node.steps):
        yield "raise the maximum size of artifacts (100 MB where nobody has) to what a node writes"
    yield "use no variable whose name begins with MLCC_ for anything else: GitLab lets it outrank the pipeline's own"


def _triggers(plan: Plan) -> Iterator[str]:
    triggers = plan.triggers
    started = triggers.schedules or triggers.forms or triggers.dispatches
    role = "Maintainer, who start runs with them" if started else "No one allowed"
    yield (
        f"set the minimum role to use pipeline variables to {role} (Settings, CI/CD, Variables): "
        "they outrank the pipeline's own, so whoever may set them, or holds a trigger token, may run anything on the branch"
    )
    for id, cron in plan.triggers.schedules:
        word = trigger_word(id, plan.name, plan.home)
        yield (
            f"create the schedule '{id}': `glab schedule create --cron {shlex.quote(cron)} --ref BRANCH "
            f"--description {word} --variable MLCC_TRIGGER:{word}`"
        )
    for form in plan.triggers.forms:
        word = trigger_word(form.id, plan.name, plan.home)
        names = [input_variable(field.name, plan.name, plan.home) for field in form.inputs]
        more = "".join(f" --variables-env {name}:VALUE" for name in names)
        yield (
            f"start '{form.id}' by 'New pipeline', or `glab ci run --branch BRANCH "
            f"--variables-env MLCC_TRIGGER:{word}{more}`"
        )
    for id in plan.triggers.dispatches:
        word = trigger_word(id, plan.name, plan.home)
        yield (
            f"let the system that dispatches '{id}' hold a trigger token, and send "
            f"`POST /projects/ID/trigger/pipeline?token=TOKEN&ref=BRANCH&variables[MLCC_TRIGGER]={word}`"
        )
    if plan.triggers.push is not None:
        yield (
            "to select by what has changed since the last green run, create the variable MLCC_API_TOKEN, masked, "
            f"protected and scoped to the environment '{plan.name}-select': a project access token with the role "
            "Reporter and the scope read_api; without it, every push runs everything"
        )


def _variables(plan: Plan) -> Iterator[str]:
    places: dict[str, set[str]] = {}
    variables: set[str] = set()
    for node in plan.nodes.values():
        environment = environment_of(plan, node)
        for step in node.steps:
            if isinstance(step, Execute):
                variables.update(step.variables)
                for name in step.secrets:
                    places.setdefault(name, set()).add(environment.name if environment else plan.name)
    for name in sorted(places):
        scopes = " and ".join(f"'{place}'" for place in sorted(places[name]))
        yield (
            f"create the variable {name} as a masked variable (not a file), scoped to the environment {scopes}, "
            "protected where only protected branches use it: unscoped, it reaches every job of the project"
        )
    if variables:
        yield f"create the variables {', '.join(sorted(variables))}"
    environment = comment_environment(plan)
    if plan.comment is not None and environment is not None:
        yield (
            f"create the variable {plan.comment.token}, masked, not protected and scoped to the environment "
            f"'{environment.name}': a project access token with the role Reporter and the scope api; who may push a "
            "branch can read it there, so it is good for nothing else"
        )


def _environment(environment: Environment, released: bool) -> Iterator[str]:
    if environment.approval:
        asking = environment.id + (APPROVAL_SUFFIX if released else "")
        yield (
            f"protect the environment '{asking}', so that only its approvers can start its jobs: "
            "else whoever may push to the branch may"
        )
        if released:
            yield (
                f"where '{environment.id}' is protected, let all deploy there who may start a release: its later steps and its "
                "rollback run as whoever started the pipeline, and GitLab fails the jobs of others"
            )
        yield f"protect the branches and tags that start jobs of '{environment.id}': on others they don't exist"
    if environment.branches:
        yield f"protect the branches {', '.join(environment.branches)}: jobs of '{environment.id}' exist there only"
    yield (
        f"let jobs of '{environment.id}' wait in order: "
        f"`glab api -X PUT projects/:id/resource_groups/{environment.id} -f process_mode=oldest_first`"
    )


def _logins(plan: Plan) -> Iterator[str]:
    if any(node.logins for node in plan.nodes.values()):
        yield "let the cloud trust this GitLab's OpenID Connect tokens (issuer, audience and subject)"
