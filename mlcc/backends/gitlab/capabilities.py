"""GitLab's ledger: how well it does each thing of the language, and by what means."""

from __future__ import annotations

from mlcc.backends import REGISTRIES, STORED_ARTIFACTS, TABLE_SNAPSHOT, TABLE_WITHOUT_SNAPSHOT, Capability

_DOCS = "https://docs.gitlab.com/ci/"
_SYNTAX = _DOCS + "yaml/"
_RULES = _DOCS + "jobs/job_rules/"
_SOURCE = "https://gitlab.com/gitlab-org/gitlab/-/blob/master/"

CAPABILITIES = (
    Capability("triggers.push", "exact", "`rules` of the selecting job over source and branch", _RULES),
    Capability(
        "triggers.pull_request", "exact", "`rules` over source and target branch of the merge request", _RULES
    ),
    Capability("triggers.tag", "exact", "`rules` over the tag", _RULES),
    Capability(
        "triggers.schedule",
        "emulated",
        "a schedule is a setting; its variable MLCC_TRIGGER says which one it is",
        _DOCS + "pipelines/schedules/",
    ),
    Capability(
        "triggers.manual",
        "emulated",
        "variables of 'New pipeline', one form for all; the selecting node checks inputs; GitLab expands a `$` in them",
        _SYNTAX + "#variablesdescription",
    ),
    Capability(
        "triggers.dispatch",
        "emulated",
        "trigger tokens, a trigger job of another project or the API, with the variable MLCC_TRIGGER",
        _DOCS + "triggers/",
    ),
    Capability(
        "selection",
        "exact",
        "the selecting node writes the child pipeline; without MLCC_API_TOKEN the base of a push is unknown",
        _DOCS + "pipelines/downstream_pipelines/#dynamic-child-pipelines",
    ),
    Capability(
        "guards", "exact", "`needs` and results; digests are checked by the runtime", _SYNTAX + "#needs"
    ),
    Capability(
        "outcome-conditions",
        "emulated",
        "a job starts, reads the verdict and ends as skipped",
        _SOURCE + "lib/gitlab/ci/status/composite.rb",
    ),
    Capability(
        "status-nodes",
        "stricter",
        "a stage of their own: they wait for every job before, not only for their predecessors",
        _SOURCE + "app/services/ci/process_build_service.rb",
    ),
    Capability(
        "always-after-cancel",
        "impossible",
        "a cancelled pipeline starts no further job",
        _SYNTAX + "#when",
    ),
    Capability(
        "timeout",
        "emulated",
        "in the runtime, over all attempts; `timeout` 15 minutes later as backstop",
        _SYNTAX + "#timeout",
    ),
    Capability("retry", "emulated", "in the runtime, on the same machine", _SYNTAX + "#retry"),
    Capability("matrix", "exact", "`parallel:matrix` over MLCC_LEG", _SYNTAX + "#parallelmatrix"),
    Capability(
        "python",
        "exact",
        "the official image by its tag: the tag can move, and an overlay can pin it by digest",
        "https://hub.docker.com/_/python",
    ),
    Capability("image", "exact", "`image`; it has bash and Python 3.8 or newer", _SYNTAX + "#image"),
    Capability(
        "services",
        "exact",
        "`services` with an alias; the runtime waits for the port",
        _SYNTAX + "#services",
    ),
    Capability(
        "cache",
        "exact",
        "`cache:key:files`; merge requests read it and don't write it, protected branches have their own",
        _SYNTAX + "#cache",
    ),
    Capability(
        "cache-outside-project",
        "impossible",
        "GitLab keeps folders of the project only: other paths are left out",
        _SYNTAX + "#cachepaths",
    ),
    Capability(
        "artifacts",
        "exact",
        "`artifacts` and `needs`; the runtime checks every digest; status nodes and the final one fetch data, too",
        _SYNTAX + "#artifacts",
    ),
    STORED_ARTIFACTS,
    Capability(
        "images",
        "exact",
        "buildah in the job's image, or docker with a `docker:dind` service on a privileged runner; the runtime checks the "
        "registry, and moves tags",
        "https://docs.gitlab.com/ci/docker/buildah_rootless_tutorial/",
    ),
    REGISTRIES,
    TABLE_SNAPSHOT,
    TABLE_WITHOUT_SNAPSHOT,
    Capability(
        "secrets",
        "emulated",
        "GitLab gives a variable to every job of its scope; the runtime passes on to a command what its node names. "
        "A command could still read its runner's own processes, and variables that no node names reach all",
        _DOCS + "environments/#limit-the-environment-scope-of-a-cicd-variable",
    ),
    Capability(
        "auth",
        "exact",
        "`id_tokens`, made when the job starts; they can't be renewed, and live as long as the job may",
        _DOCS + "secrets/id_token_authentication/",
    ),
    Capability(
        "environments",
        "emulated",
        "`environment`, `resource_group`, jobs of protected refs only; approval is `when: manual`, "
        "and who may approve is a setting",
        _DOCS + "environments/protected_environments/",
    ),
    Capability(
        "releases",
        "emulated",
        "`resource_group`, one for each environment; the runtime undoes a release at once, and `after_script` where the script "
        "was cancelled. A job of a later stage does where the machine was lost, unless the pipeline is cancelled as well",
        _SYNTAX + "#after_script",
    ),
    Capability(
        "pauses",
        "exact",
        "a job before the node, `when: manual` or `when: delayed`; a pipeline that is cancelled meanwhile runs nothing, and the "
        "candidate's lease ends",
        _DOCS + "jobs/job_control/#run-a-job-after-a-delay",
    ),
    Capability(
        "remote",
        "emulated",
        "in the runtime, which holds its runner between two polls; `after_script` ends work that a cancelled script left. "
        "A lost runner ends nothing: the job, run again, goes on with what it submitted",
        _SYNTAX + "#after_script",
    ),
    Capability(
        "finally",
        "emulated",
        "in the runtime, on the same machine; a lost runner runs nothing",
        _SYNTAX + "#after_script",
    ),
    Capability(
        "reports",
        "exact",
        "artifacts; JUnit and Cobertura in merge requests",
        _SYNTAX + "artifacts_reports/",
    ),
    Capability(
        "comment",
        "exact",
        "`after_script` of the final job, with a token that only its environment has; none for a fork's merge request",
        "https://docs.gitlab.com/api/notes/#merge-requests",
    ),
    Capability(
        "notices",
        "emulated",
        "a job of a stage after the final one's, with variables that only its environment has. A pipeline that is cancelled, or "
        "whose selecting job failed, has no final job either, and tells nobody",
        _SYNTAX + "#when",
    ),
    Capability(
        "issues",
        "emulated",
        "the same job, with a project access token: a job's own token can't write issues",
        "https://docs.gitlab.com/ci/jobs/ci_job_token/",
    ),
    Capability(
        "checkout",
        "exact",
        "the runner's own, without the token in the repository's configuration; `none` fetches one commit",
        _DOCS + "runners/configure_runners/#git-strategy",
    ),
    Capability(
        "final-node",
        "emulated",
        "a job of the last stage, whose colour the child pipeline has, and by `strategy: mirror` the whole "
        "(GitLab 18.2 or newer)",
        _SYNTAX + "#triggerstrategy",
    ),
)
