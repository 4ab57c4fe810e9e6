"""Back ends: each turns a plan into the files of one CI system. One folder and one line in BACKENDS each."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Literal, Protocol, cast

from mlcc.diagnostics import Diagnostic
from mlcc.files import File
from mlcc.plan import Plan
from mlcc.record import record

Grade = Literal["exact", "emulated", "stricter", "weaker", "impossible"]


@record
class Capability:
    """How well a CI system can do one feature of `mlcc.ledger`, which says what the grades mean.

    `how` is the lowering, or what is lost; `source` the platform's page that it rests on.
    """

    feature: str
    grade: Grade
    how: str
    source: str


@record
class Limit:
    """A figure of the platform, and the part of it that mlcc lets a pipeline use."""

    name: str
    most: int
    unit: str
    source: str
    share: float = 1.0

    @property
    def allowed(self) -> int:
        """Return the most that compiles."""
        return int(self.most * self.share)


@record
class Usage:
    """How much of a limit a pipeline uses."""

    limit: Limit
    used: int
    where: str


class Backend(Protocol):
    """What `mlcc.backends.<name>.backend` offers as module-level names."""

    CAPABILITIES: Sequence[Capability]
    LIMITS: Sequence[Limit]

    def compile(self, plan: Plan) -> list[File]:
        """Lower and render a plan. Raises SpecError for what the platform can't do."""

    def check(self, plan: Plan) -> list[Diagnostic]:
        """Return what the platform can't do of a plan (errors), and what is good to know of its lowering (notes)."""

    def usage(self, plan: Plan) -> list[Usage]:
        """Return how much of each limit the compiled plan uses."""

    def obligations(self, plan: Plan) -> list[str]:
        """Return what no file can hold: settings that a person makes once, one sentence each."""


@record
class Registered:
    """A back end by its module, and where it writes: `{name}` is the pipeline's, `{home}` its folder with a '/'.

    A `*` stands for the number of one file of several.
    """

    module: str
    outputs: tuple[str, ...]

    def output_paths(self, name: str, home: str) -> tuple[str, ...]:
        """Return where the files of a pipeline go, as patterns relative to the repository root."""
        return tuple(path.format(name=name, home=f"{home}/" if home else "") for path in self.outputs)


BACKENDS = {
    "github": Registered(
        "mlcc.backends.github.backend",
        (".github/workflows/{name}.yml", ".github/workflows/{name}.part-*.yml"),
    ),
    "gitlab": Registered("mlcc.backends.gitlab.backend", ("{home}.gitlab-ci.yml", "{home}.mlcc/gitlab.yml")),
    "jenkins": Registered("mlcc.backends.jenkins.backend", ("{home}Jenkinsfile",)),
}


def backend(name: str) -> Backend:
    """Return the back end of a registered name (imports it)."""
    return cast(Backend, import_module(BACKENDS[name].module))
