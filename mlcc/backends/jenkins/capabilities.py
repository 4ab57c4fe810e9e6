"""Jenkins' ledger: how well it does each thing of the language, and by what means."""

from __future__ import annotations

from mlcc.backends import REGISTRIES, STORED_ARTIFACTS, TABLE_SNAPSHOT, TABLE_WITHOUT_SNAPSHOT, Capability

_DOCS = "https://www.jenkins.io/doc/book/pipeline/"
_SYNTAX = _DOCS + "syntax/"
_MULTIBRANCH = _DOCS + "multibranch/"
_STEPS = "https://www.jenkins.io/doc/pipeline/steps/"
_PLUGINS = "https://plugins.jenkins.io/"

CAPABILITIES = (
    Capability(
        "triggers.push",
        "emulated",
        "a multibranch Pipeline builds every branch; in others the selecting node lets nothing run",
        _MULTIBRANCH,
    ),
    Capability(
        "triggers.pull_request",
        "emulated",
        "change requests that the branch source discovers, likewise",
        _MULTIBRANCH,
    ),
    Capability(
        "triggers.tag", "emulated", "tags that the branch source discovers and builds, likewise", _MULTIBRANCH
    ),
    Capability(
        "triggers.schedule",
        "exact",
        "`triggers { cron }` in UTC, in the job of the default branch alone; several by parameterizedCron",
        _SYNTAX + "#triggers",
    ),
    Capability(
        "triggers.manual",
        "emulated",
        "build parameters, one form for all; the selecting node checks them",
        _SYNTAX + "#parameters",
    ),
    Capability(
        "triggers.dispatch",
        "emulated",
        "a build that an outside system starts with the parameter MLCC_TRIGGER",
        "https://www.jenkins.io/doc/book/using/remote-access-api/",
    ),
    Capability(
        "selection",
        "exact",
        "the selecting node; green builds by a push leave the base of the next in their environment. A target "
        "that git can't fetch counts as unknown: everything is selected",
        _PLUGINS + "workflow-support/",
    ),
    Capability(
        "guards",
        "exact",
        "a table of nodes, walked without barriers; digests are checked by the runtime",
        _STEPS + "workflow-cps/#parallel-execute-in-parallel",
    ),
    Capability(
        "outcome-conditions",
        "exact",
        "deny lists, checked again by the runtime",
        _STEPS + "workflow-basic-steps/",
    ),
    Capability(
        "status-nodes",
        "exact",
        "`catchError` around every node, and the ends of all ancestors",
        _STEPS + "workflow-basic-steps/#catcherror-catch-error-and-set-build-result-to-failure",
    ),
    Capability(
        "always-after-cancel",
        "weaker",
        "an aborted build starts no further node",
        _SYNTAX + "#post",
    ),
    Capability(
        "timeout",
        "emulated",
        "in the runtime, over all attempts; `timeout` 15 minutes later as backstop, which aborts the build",
        _STEPS + "workflow-basic-steps/#timeout-enforce-time-limit",
    ),
    Capability("retry", "emulated", "in the runtime, on the same machine", _STEPS + "workflow-basic-steps/"),
    Capability(
        "matrix",
        "exact",
        "a scripted `parallel` of the legs, without `failFast`; declarative `matrix` repeats its model per leg",
        _STEPS + "workflow-cps/#parallel-execute-in-parallel",
    ),
    Capability(
        "python",
        "emulated",
        "the agent has it on its PATH, else the node fails; commands see an environment of it first",
        "https://docs.python.org/3/library/venv.html",
    ),
    Capability(
        "image",
        "emulated",
        "`docker.image().inside`, as the agent's user; the image has bash and Python 3.8 or newer, the agent docker",
        _DOCS + "docker/",
    ),
    Capability(
        "services",
        "emulated",
        "containers that the docker client of the agent starts and removes; the runtime waits for the port",
        "https://docs.docker.com/reference/cli/docker/container/run/",
    ),
    Capability(
        "cache",
        "emulated",
        "the Job Cacher plugin; a branch and a change request have caches of their own",
        _PLUGINS + "jobcacher/",
    ),
    Capability(
        "cache-outside-project",
        "weaker",
        "the agent's home, which all builds on it share; a node in a container keeps nothing of its own home",
        _PLUGINS + "jobcacher/",
    ),
    Capability(
        "artifacts",
        "emulated",
        "`stash`, which goes through the controller; the runtime checks every digest",
        _STEPS + "workflow-basic-steps/#stash-stash-some-files-to-be-used-later-in-the-build",
    ),
    STORED_ARTIFACTS,
    Capability(
        "images",
        "exact",
        "docker and its buildx, buildah or podman on the agent; the runtime checks the registry, and moves tags",
        "https://docs.docker.com/reference/cli/docker/buildx/build/",
    ),
    REGISTRIES,
    TABLE_SNAPSHOT,
    TABLE_WITHOUT_SNAPSHOT,
    Capability(
        "secrets",
        "exact",
        "`withCredentials` by name; never for a change from a fork, whatever its files say",
        _STEPS + "credentials-binding/",
    ),
    Capability(
        "auth",
        "weaker",
        "an id token credential for each provider; a token is given once, lives an hour and isn't renewed",
        _PLUGINS + "oidc-provider/",
    ),
    Capability(
        "environments",
        "emulated",
        "`lock`, and `input` for a group of the environment's name; who refuses aborts the build",
        _PLUGINS + "lockable-resources/",
    ),
    Capability(
        "releases",
        "emulated",
        "`lock`, one for each environment; the runtime undoes a release at once, also when the build is aborted. A node of its "
        "own does where the agent was lost, unless the build is aborted as well",
        _PLUGINS + "lockable-resources/",
    ),
    Capability(
        "pauses",
        "exact",
        "`input` and `sleep` outside of any agent; a build that is aborted meanwhile rolls back",
        _STEPS + "workflow-basic-steps/#sleep-sleep",
    ),
    Capability(
        "remote",
        "emulated",
        "each poll is a stay on an agent of its own, and `sleep` between them holds none: a poll, and the end of the "
        "node's time, come as late as an agent is free. An aborted build ends the work; a lost agent leaves it to the "
        "next build of the same commit",
        _STEPS + "workflow-basic-steps/#sleep-sleep",
    ),
    Capability(
        "finally",
        "emulated",
        "in the runtime, on the same machine; a lost agent runs nothing",
        _STEPS + "workflow-durable-task-step/",
    ),
    Capability("reports", "exact", "`archiveArtifacts`, and `junit` for JUnit reports", _STEPS + "junit/"),
    Capability(
        "comment",
        "emulated",
        "a credential that the last stage binds for it; of GitHub and GitLab, by the change's address, and not for a fork's",
        _STEPS + "credentials-binding/",
    ),
    Capability(
        "notices",
        "emulated",
        "the last stage, which binds the credentials for that alone; a build that is aborted doesn't come to it",
        _STEPS + "credentials-binding/",
    ),
    Capability("issues", "impossible", "Jenkins has no tracker", "https://www.jenkins.io/doc/book/pipeline/"),
    Capability(
        "checkout",
        "emulated",
        "`checkout scm`, with Git LFS and submodules where asked; history and files are never fewer than asked",
        _PLUGINS + "git/",
    ),
    Capability(
        "final-node",
        "emulated",
        "the last stage, whose colour the build and its status have",
        _MULTIBRANCH,
    ),
)
