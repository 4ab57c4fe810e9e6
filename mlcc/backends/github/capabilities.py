"""GitHub's ledger: how well it does each thing of the language, and by what means."""

from __future__ import annotations

from mlcc.backends import REGISTRIES, STORED_ARTIFACTS, TABLE_SNAPSHOT, TABLE_WITHOUT_SNAPSHOT, Capability

_DOCS = "https://docs.github.com/actions/"
_SYNTAX = _DOCS + "reference/workflows-and-actions/workflow-syntax"
_EVENTS = _DOCS + "reference/workflows-and-actions/events-that-trigger-workflows"

CAPABILITIES = (
    Capability("triggers.push", "exact", "`on.push.branches`", _EVENTS),
    Capability(
        "triggers.pull_request", "exact", "`on.pull_request.branches`, never `pull_request_target`", _EVENTS
    ),
    Capability("triggers.tag", "exact", "`on.push.tags`", _EVENTS),
    Capability(
        "triggers.schedule",
        "exact",
        "`on.schedule`; runs of the default branch, and late under load",
        _EVENTS,
    ),
    Capability(
        "triggers.manual",
        "emulated",
        "one `workflow_dispatch` for all forms; the selecting node checks inputs",
        _EVENTS,
    ),
    Capability("triggers.dispatch", "exact", "`repository_dispatch` by type", _EVENTS),
    Capability(
        "selection",
        "exact",
        "the selecting node; the base of a push is asked from the API",
        _DOCS + "concepts/workflows-and-actions",
    ),
    Capability(
        "guards",
        "exact",
        "`needs` and results; digests are checked by the runtime. Beyond one file's size, nodes stand in called workflows, "
        "which wait for one another as a whole: more may wait, nothing else changes",
        _SYNTAX,
    ),
    Capability("outcome-conditions", "exact", "deny lists, checked again by the runtime", _SYNTAX),
    Capability("status-nodes", "exact", "`always()` and the results of all ancestors", _SYNTAX),
    Capability(
        "always-after-cancel",
        "exact",
        "`always()` holds in a cancelled run, too",
        _DOCS + "reference/workflows-and-actions/expressions",
    ),
    Capability(
        "timeout",
        "emulated",
        "in the runtime, over all attempts; `timeout-minutes` 15 later as backstop",
        _SYNTAX,
    ),
    Capability("retry", "emulated", "in the runtime, on the same machine", _SYNTAX),
    Capability("matrix", "exact", "`strategy.matrix`, `fail-fast: false`", _SYNTAX),
    Capability("python", "exact", "actions/setup-python", "https://github.com/actions/setup-python"),
    Capability("image", "exact", "`container`; the image has bash and Python 3.8 or newer", _SYNTAX),
    Capability("services", "exact", "`services`; the runtime waits for the port", _SYNTAX),
    Capability(
        "cache",
        "exact",
        "actions/cache; pull requests read it and don't write it",
        "https://github.com/actions/cache",
    ),
    Capability(
        "cache-outside-project", "exact", "actions/cache takes any path", "https://github.com/actions/cache"
    ),
    Capability(
        "artifacts",
        "exact",
        "actions/upload-artifact and download-artifact; the runtime checks every digest",
        "https://github.com/actions/upload-artifact",
    ),
    STORED_ARTIFACTS,
    Capability(
        "images",
        "exact",
        "docker and its buildx on the runner, which GitHub's own have; the runtime checks the registry, and moves tags",
        "https://docs.github.com/actions/tutorials/publish-packages/publish-docker-images",
    ),
    REGISTRIES,
    TABLE_SNAPSHOT,
    TABLE_WITHOUT_SNAPSHOT,
    Capability(
        "secrets",
        "exact",
        "step environment, by name, in an environment",
        _DOCS + "reference/security/secrets",
    ),
    Capability(
        "auth", "exact", "OpenID Connect; the runtime renews the token", _DOCS + "reference/security/oidc"
    ),
    Capability(
        "environments",
        "exact",
        "`environment`; reviewers and branches are settings",
        _DOCS + "reference/workflows-and-actions/deployments-and-environments",
    ),
    Capability(
        "releases",
        "emulated",
        "`concurrency` with a queue, one group for each environment; the runtime undoes a release at once, also when it is "
        "cancelled. A job of its own does where the machine was lost. The step that makes it live records a deployment",
        "https://github.blog/changelog/2026-05-07-github-actions-concurrency-groups-now-allow-larger-queues",
    ),
    Capability(
        "pauses",
        "emulated",
        "a job before the node, in an environment with reviewers or a wait timer: both are settings. Without the timer, the node "
        "waits on its runner, for 5 hours at most",
        _DOCS + "reference/workflows-and-actions/deployments-and-environments",
    ),
    Capability(
        "remote",
        "emulated",
        "in the runtime, which holds its runner between two polls; a step after it, when the run is cancelled, ends work "
        "that the runtime had no time for. A lost runner ends nothing: the job, run again, goes on with what it submitted",
        _DOCS + "reference/workflows-and-actions/workflow-cancellation",
    ),
    Capability(
        "finally", "emulated", "in the runtime, on the same machine; a lost runner runs nothing", _SYNTAX
    ),
    Capability("reports", "exact", "artifacts, and the job's summary for Markdown", _SYNTAX),
    Capability(
        "comment",
        "exact",
        "a step of the final job with the job's own token; a pull request from a fork gets none, and its summary says so",
        "https://docs.github.com/rest/issues/comments",
    ),
    Capability(
        "notices",
        "exact",
        "a job after the final one, which alone has the secrets; it runs after a cancel, too, and never for a fork",
        _DOCS + "reference/workflows-and-actions/expressions",
    ),
    Capability(
        "issues",
        "exact",
        "the same job, with its own token and `issues: write`",
        "https://docs.github.com/rest/issues/issues",
    ),
    Capability(
        "checkout", "exact", "actions/checkout without credentials", "https://github.com/actions/checkout"
    ),
    Capability("final-node", "exact", "one job with the pipeline's name, for the required check", _SYNTAX),
)
