"""Back ends: each turns a plan into the files of one CI system. One folder and one line in BACKENDS each."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, cast

from mlcc.backends._small import is_small
from mlcc.diagnostics import Diagnostic
from mlcc.plan import Plan
from mlcc.record import record
from mlcc.writing.files import File

if TYPE_CHECKING:
    from mlcc.backends._grants import Grant
    from mlcc.obligations.obligation import Obligation

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
    "a table has no digest: who reads it may see other rows than its gates judged (on BigQuery and Snowflake, `snapshot: true` "
    "binds them to one moment)",
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
    """A back end: a package with six modules or seven, each imported when something of it is asked for.

    `capabilities.CAPABILITIES`, `limits.LIMITS`; `check.check_plan(plan)`, what shows before lowering; `build.build(plan)`,
    the files, `build.weighed(plan)`, the limits they exceed, and `build.used(plan)`; `obligations.obligations(plan)`;
    `grants.grants(plan)`; where instances share a file, `join.join(path, texts)`.
    `outputs` says where it writes: `{name}` is the pipeline's, `{home}` its folder with a '/', `{spec}` that of its spec,
    in which instances share a file, and a `*` stands for the number of one file of several. `runner` are the labels of the
    runner that a spec needn't name. `holds_runner`: a node whose work runs somewhere else keeps a runner while it waits.
    """

    name: str
    package: str
    outputs: tuple[str, ...]
    runner: tuple[str, ...]
    holds_runner: bool

    def output_paths(self, name: str, home: str, spec_home: str | None = None) -> tuple[str, ...]:
        """Return where the files of a pipeline go, as patterns relative to the repository root.

        `home` is its project folder, `spec_home` the folder of its spec, by default the same.
        """
        spec = home if spec_home is None else spec_home
        places = {"home": f"{home}/" if home else "", "spec": f"{spec}/" if spec else ""}
        return tuple(path.format(name=name, **places) for path in self.outputs)

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

    def join(self, path: str, texts: Sequence[str]) -> str:
        """Return the text of the file at `path` that instances share, from what it were for each. Raises SpecError."""
        return cast("str", self._module("join").join(path, texts))

    def obligations(self, plan: Plan) -> list[Obligation]:
        """Return what no file can hold: settings that a person makes once."""
        return cast("list[Obligation]", self._module("obligations").obligations(plan))

    def grants(self, plan: Plan) -> list[Grant]:
        """Return what the compiled files may do and use, as a lock approves it. Raises SpecError when it doesn't compile."""
        return list(self._module("grants").grants(plan))

    def _module(self, name: str) -> Any:
        return import_module(f"{self.package}.{name}")


_GITHUB = (".github/workflows/{name}.yml", ".github/workflows/{name}.part-*.yml")
_GITLAB = ("{spec}.gitlab-ci.yml", "{home}.mlcc/gitlab.yml")
BACKENDS = {
    one.name: one
    for one in (
        Backend("github", "mlcc.backends.github", _GITHUB, ("ubuntu-24.04",), holds_runner=True),
        Backend("gitlab", "mlcc.backends.gitlab", _GITLAB, (), holds_runner=True),
        Backend("jenkins", "mlcc.backends.jenkins", ("{home}Jenkinsfile",), ("linux",), holds_runner=False),
    )
}
SHARED = {
    path.removeprefix("{spec}"): one
    for one in BACKENDS.values()
    for path in one.outputs
    if path.startswith("{spec}")
}
"""The names of the outputs in the folder of a spec that all its instances are in, each with its back end."""
BESIDE_SPEC = (
    *SHARED,
    *(
        path.removeprefix("{home}")
        for one in BACKENDS.values()
        for path in one.outputs
        if path.startswith("{home}") and "/" not in path
    ),
)
"""The names of the outputs that lie in a spec's own folder."""


def shared_paths(plan: Plan) -> frozenset[str]:
    """Return the outputs that an instance shares with the others of its spec."""
    if plan.spec_home == plan.home:
        return frozenset()
    return frozenset(f"{plan.spec_home}/{name}" if plan.spec_home else name for name in SHARED)


def joined(path: str, texts: Sequence[str]) -> str:
    """Return the text of a shared output from what it were for each instance. Raises SpecError."""
    return SHARED[path.rpartition("/")[2]].join(path, texts)
