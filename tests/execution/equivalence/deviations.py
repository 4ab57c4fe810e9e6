"""What runs pipelines here differs from the CI systems that it stands for: data, each with what covers that instead.

No deviation excuses a difference of a run from the reference interpreter: where a runner falls short, its harness makes
up for it, or the cases don't ask for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_ACT = "https://nektosact.com/not_supported.html"
_LOCAL = "https://github.com/firecow/gitlab-ci-local/blob/4.75.1/src/executor.ts"


@dataclass(frozen=True, slots=True)
class Deviation:
    """`what` the runner of a back end does otherwise, `source`: where that can be read, `instead`: tests that cover it."""

    runner: str
    what: str
    source: str
    instead: tuple[str, ...]


DEVIATIONS: Sequence[Deviation] = (
    Deviation(
        "github",
        "act doesn't look at filters below `on`, at concurrency, permissions and environments",
        _ACT,
        ("tests/static/test_outputs.py", "tests/static/test_random_specs.py"),
    ),
    Deviation(
        "github",
        "act lets a job run beyond its timeout-minutes, and cancels no run",
        _ACT,
        (
            "tests/runtime/test_node_run.py",
            "tests/runtime/test_cancel.py",
            "tests/equivalence/test_equivalence.py",
        ),
    ),
    Deviation(
        "github",
        "act refuses `deployment` of an environment and `queue` of a concurrency group: the harness takes them out",
        "https://nektosact.com/usage/schema.html",
        ("tests/static/test_outputs.py",),
    ),
    Deviation(
        "gitlab",
        "gitlab-ci-local never ends a skipped job, so that `when: always` doesn't start: the harness starts the stages left",
        _LOCAL,
        ("tests/equivalence/test_gitlab_model.py", "tests/equivalence/test_equivalence.py"),
    ),
    Deviation(
        "gitlab",
        "the harness starts the child pipeline by itself; the parent's colour by `strategy` isn't seen",
        "https://docs.gitlab.com/ci/yaml/#triggerstrategy",
        ("tests/backends/gitlab/test_compile.py",),
    ),
    Deviation(
        "gitlab",
        "gitlab-ci-local knows no timeout, resource group, approval, protected branch and masked variable",
        "https://github.com/firecow/gitlab-ci-local/blob/4.75.1/README.md",
        (
            "tests/runtime/test_node_run.py",
            "tests/backends/gitlab/test_compile.py",
            "tests/static/test_outputs.py",
        ),
    ),
    Deviation(
        "jenkins",
        "the project's own runner saves and resumes no build, and knows no limit of a compiled method",
        "https://plugins.jenkins.io/workflow-cps/",
        ("tests/static/test_jenkinsfiles.py", "tests/backends/jenkins/test_compiled.py"),
    ),
    Deviation(
        "jenkins",
        "triggers of a Jenkinsfile are recorded only: the cases say themselves what started a build",
        "https://www.jenkins.io/doc/book/pipeline/syntax/#triggers",
        ("tests/backends/jenkins/test_platform.py",),
    ),
)
