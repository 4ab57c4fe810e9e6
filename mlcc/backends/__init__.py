"""Back ends: each turns a plan into the files of one CI system. One folder and one line in BACKENDS each."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, cast

from mlcc.backends._small import is_small
from mlcc.diagnostics import Diagnostic
from mlcc.files import File
from mlcc.plan import Plan
from mlcc.record import record

if TYPE_CHECKING:
    from mlcc.backends._grants import Grant
    from mlcc.obligation import Obligation

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


TABLE_WITHOUT_SNAPSHOT = Capability(
    "table-without-snapshot",
    "weaker",
    "a table has no digest: who reads it may see other rows than its gates judged",
    "https://www.postgresql.org/docs/current/transaction-iso.html",
)
"""The same for every CI system: what is lost is lost at the warehouse."""

TABLE_SNAPSHOT = Capability(
    "table-snapshot",
    "emulated",
    "the selecting node decides one moment; a command gets it as SNAPSHOT_ID, and has to ask the warehouse for that",
    "https://cloud.google.com/bigquery/docs/access-historical-data",
)
"""The same for every CI system."""


STORED_ARTIFACTS = Capability(
    "stored-artifacts",
    "exact",
    "the runtime moves bytes to and from the spec's store, checked by digest; the CI system passes on a handle",
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html",
)
"""The same for every CI system: none of them sees the bytes."""

REGISTRIES = Capability(
    "registries",
    "exact",
    "the runtime registers and fetches versions, checked by digest; the CI system passes on a version's number",
    "https://mlflow.org/docs/latest/ml/model-registry/",
)
"""Likewise."""


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


@record
class Backend:
    """A back end: a package with six modules, each imported when something of it is asked for.

    `capabilities.CAPABILITIES`, `limits.LIMITS`; `check.check_plan(plan)`, what shows before lowering; `build.build(plan)`,
    the files, `build.weighed(plan)`, the limits they exceed, and `build.used(plan)`; `obligations.obligations(plan)`;
    `grants.grants(plan)`.
    `outputs` says where it writes: `{name}` is the pipeline's, `{home}` its folder with a '/', and a `*` stands for the
    number of one file of several.
    """

    name: str
    package: str
    outputs: tuple[str, ...]

    def output_paths(self, name: str, home: str) -> tuple[str, ...]:
        """Return where the files of a pipeline go, as patterns relative to the repository root."""
        return tuple(path.format(name=name, home=f"{home}/" if home else "") for path in self.outputs)

    @property
    def capabilities(self) -> Sequence[Capability]:
        """The ledger: how well the platform does each feature of the language."""
        return cast("Sequence[Capability]", self._module("capabilities").CAPABILITIES)

    @property
    def limits(self) -> Sequence[Limit]:
        """The platform's figures that a compile checks."""
        return cast("Sequence[Limit]", self._module("limits").LIMITS)

    def check(self, plan: Plan) -> list[Diagnostic]:
        """Return what the platform can't do of a plan (errors), and what is good to know of its lowering (notes).

        A small plan without raw text is neither lowered nor rendered for that. Raises SpecError.
        """
        problems: list[Diagnostic] = self._module("check").check_plan(plan)
        if problems or (self.name not in plan.overlays and is_small(plan)):
            return problems
        return cast("list[Diagnostic]", self._module("build").weighed(plan))

    def compile(self, plan: Plan) -> list[File]:
        """Lower and render a plan. Raises SpecError for what the platform can't do."""
        return cast("list[File]", self._module("build").build(plan))

    def usage(self, plan: Plan) -> list[Usage]:
        """Return how much of each limit the compiled plan uses. Raises SpecError when it doesn't compile."""
        return cast("list[Usage]", self._module("build").used(plan))

    def obligations(self, plan: Plan) -> list[Obligation]:
        """Return what no file can hold: settings that a person makes once."""
        return cast("list[Obligation]", self._module("obligations").obligations(plan))

    def grants(self, plan: Plan) -> list[Grant]:
        """Return what the compiled files may do and use, as a lock approves it. Raises SpecError when it doesn't compile."""
        return list(self._module("grants").grants(plan))

    def _module(self, name: str) -> Any:
        return import_module(f"{self.package}.{name}")


_GITHUB = (".github/workflows/{name}.yml", ".github/workflows/{name}.part-*.yml")
BACKENDS = {
    one.name: one
    for one in (
        Backend("github", "mlcc.backends.github", _GITHUB),
        Backend("gitlab", "mlcc.backends.gitlab", ("{home}.gitlab-ci.yml", "{home}.mlcc/gitlab.yml")),
        Backend("jenkins", "mlcc.backends.jenkins", ("{home}Jenkinsfile",)),
    )
}
BESIDE_SPEC = tuple(
    path.removeprefix("{home}")
    for one in BACKENDS.values()
    for path in one.outputs
    if path.startswith("{home}") and "/" not in path
)
"""The names of the outputs that lie in a spec's own folder."""
