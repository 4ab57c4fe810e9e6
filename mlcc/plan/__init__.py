"""The intermediate representation: what a pipeline means, in no CI system's words.

`planner.plan` makes it, `semantics` gives it its meaning, and back ends lower it. Types only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from functools import cached_property

from mlcc.diagnostics import Span
from mlcc.plan.artifacts import Artifact as Artifact
from mlcc.plan.artifacts import Form as Form
from mlcc.plan.artifacts import Registry as Registry
from mlcc.plan.artifacts import Released as Released
from mlcc.plan.artifacts import Role as Role
from mlcc.plan.artifacts import Store as Store
from mlcc.plan.artifacts import Take as Take
from mlcc.plan.notices import Filed as Filed
from mlcc.plan.notices import Mailed as Mailed
from mlcc.plan.notices import Posted as Posted
from mlcc.plan.notices import RunCondition as RunCondition
from mlcc.plan.notices import RunNotice as RunNotice
from mlcc.plan.pins import NO_PINS as NO_PINS
from mlcc.plan.pins import Pins as Pins
from mlcc.plan.steps import Cancel as Cancel
from mlcc.plan.steps import Checkout as Checkout
from mlcc.plan.steps import Execute as Execute
from mlcc.plan.steps import PublishData as PublishData
from mlcc.plan.steps import PublishReports as PublishReports
from mlcc.plan.steps import PublishState as PublishState
from mlcc.plan.steps import Receive as Receive
from mlcc.plan.steps import Step as Step
from mlcc.plan.steps import Undo as Undo
from mlcc.plan.steps import UseCache as UseCache
from mlcc.plan.steps import UsePython as UsePython
from mlcc.plan.triggers import FormInput as FormInput
from mlcc.plan.triggers import ManualForm as ManualForm
from mlcc.plan.triggers import Triggers as Triggers
from mlcc.plan.values import Input as Input
from mlcc.plan.values import MatrixValue as MatrixValue
from mlcc.plan.values import Output as Output
from mlcc.plan.values import RunFact as RunFact
from mlcc.plan.values import Scalar as Scalar
from mlcc.plan.values import Secret as Secret
from mlcc.plan.values import Text as Text
from mlcc.plan.values import Value as Value
from mlcc.plan.values import Variable as Variable
from mlcc.plan.work import Build as Build
from mlcc.plan.work import Command as Command
from mlcc.plan.work import Gate as Gate
from mlcc.plan.work import Lookup as Lookup
from mlcc.plan.work import Notice as Notice
from mlcc.plan.work import Part as Part
from mlcc.plan.work import Pause as Pause
from mlcc.plan.work import Release as Release
from mlcc.plan.work import Remote as Remote
from mlcc.plan.work import Report as Report
from mlcc.plan.work import Work as Work
from mlcc.record import field, record

# --- the graph ------------------------------------------------------------------------------------


class EdgeKind(str, Enum):
    """Why one node comes after another (S1)."""

    DATA = "data"  # writer -> reader, writer -> gate
    GUARD = "guard"  # blocking gate -> reader
    ORDER = "order"  # `needs`
    VERDICT = "verdict"  # gate -> node whose `when` names its verdict


@record
class Edge:
    """`source` comes before `target`. `artifact` is what a data or guard edge is about."""

    source: str
    target: str
    kind: EdgeKind
    artifact: str | None = None


@record
class Condition:
    """One alternative of `when`. None or empty: not restricted. All that is stated must hold."""

    events: tuple[str, ...] = ()
    branches: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()
    inputs: tuple[tuple[str, str], ...] = ()
    gate: str | None = None
    verdicts: tuple[str, ...] = ()


class Status(str, Enum):
    """Nodes that run by how others ended (S4, S11)."""

    ALWAYS = "always"
    FAILURE = "failure"
    ROLLBACK = "rollback"  # what it follows began, and didn't pass


# --- where it runs --------------------------------------------------------------------------------


@record
class Service:
    """A container beside the node."""

    id: str
    image: str
    port: int
    env: tuple[tuple[str, Value], ...]
    ready_seconds: int


@record
class Leg:
    """One instance of a matrix node. A node without matrix has the single leg with an empty id."""

    id: str
    values: tuple[tuple[str, Scalar], ...] = ()


@record
class Login:
    """A login by OpenID Connect: provider (aws, gcp, azure, oidc), audience and its values by name."""

    provider: str
    audience: str
    values: tuple[tuple[str, Value], ...]


@record
class Machine:
    """Where a node runs. `runner` is an id under the plan's runners, or an axis that holds one."""

    runner: str | MatrixValue
    image: str | None
    services: tuple[Service, ...]
    environment: str | None


class NodeKind(str, Enum):
    """What a node is to the user."""

    JOB = "job"
    GATE = "gate"
    FETCH = "fetch"
    BUILD = "build"  # of an image
    RELEASE = "release"
    ROLLBACK = "rollback"  # of a release that couldn't undo itself
    RECONCILE = "reconcile"  # of candidates that nobody cares for any more
    RESTORE = "restore"  # of what was live before, by hand
    PREVIEW = "preview"  # of a release, on a pull request


@record
class Node:
    """One thing that runs. The same shape for jobs, gates, fetches and releases."""

    id: str
    kind: NodeKind
    work: Work
    takes: tuple[Take, ...]
    writes: tuple[str, ...]
    needs: tuple[str, ...]
    sources: tuple[str, ...]  # committed path patterns that it depends on
    when: tuple[Condition, ...]  # alternatives; empty: always
    status: Status | None
    branches: tuple[str, ...]  # of its environment; not empty: only runs of these branches, no pull requests
    blocking: bool
    env: tuple[tuple[str, Value], ...]
    logins: tuple[Login, ...]
    legs: tuple[Leg, ...]
    machine: Machine
    steps: tuple[Step, ...]
    working_directory: str
    timeout_seconds: int
    retry: int
    teardown: str | None
    outputs: tuple[str, ...]
    reports: tuple[Report, ...]
    stores: bool = False  # it moves what the plan's store keeps
    registers: bool = False  # it moves versions of registered models
    tags: tuple[tuple[str, str], ...] = ()  # image -> tag, that a release moves to it or its rollback back
    part: Part | None = None  # of a release
    pause: Pause | None = None
    span: Span | None = field(compare=False, default=None)
    spans: Mapping[str, Span] = field(compare=False, hash=False, default_factory=dict)  # key -> its place

    @property
    def secrets(self) -> tuple[str, ...]:
        """Names of the secrets that this node uses, sorted."""
        return next((s.secrets for s in self.steps if isinstance(s, Execute)), ())

    @property
    def trusted(self) -> bool:
        """Whether the node must not run for a fork's pull request (S10)."""
        return bool(
            self.secrets
            or self.logins
            or self.stores
            or self.registers
            or self.releases
            or self.kind in (NodeKind.PREVIEW, NodeKind.BUILD)
        )

    @property
    def releases(self) -> bool:
        """Whether the node changes what is deployed."""
        return self.kind is NodeKind.RELEASE or self.undoes

    @property
    def of_release(self) -> bool:
        """Whether the node comes from a release of the spec."""
        return self.releases or self.kind is NodeKind.PREVIEW

    @property
    def undoes(self) -> bool:
        """Whether the node only undoes releases."""
        return self.kind in (NodeKind.ROLLBACK, NodeKind.RECONCILE, NodeKind.RESTORE)

    @property
    def deploys(self) -> bool:
        """Whether the CI system may write down that what the node ran is deployed now: of a release, its last step alone."""
        return not self.releases or (isinstance(self.work, Release) and self.work.live)

    @property
    def gate(self) -> Gate | None:
        """The gate that the node is, or that it asks as a step of a release."""
        return (
            self.work.judge
            if isinstance(self.work, Release)
            else self.work
            if isinstance(self.work, Gate)
            else None
        )

    @property
    def is_matrix(self) -> bool:
        """Whether the node has named legs."""
        return self.legs != (Leg(""),)

    def place(self, key: str) -> Span | None:
        """Return where the node states a key, or where the node stands."""
        return self.spans.get(key, self.span)

    @property
    def longest_seconds(self) -> int:
        """The longest that the node takes: its timeout and, of a release, that of undoing it."""
        undoing = self.work.rollback_seconds if isinstance(self.work, Release) else 0
        return self.timeout_seconds + undoing


# --- the whole --------------------------------------------------------------------------------------


@record
class Environment:
    """A deployment target of the CI system."""

    id: str
    branches: tuple[str, ...]
    approval: bool
    span: Span | None = field(compare=False, default=None)


@record
class Runner:
    """A machine pool: back end name -> labels."""

    id: str
    labels: Mapping[str, tuple[str, ...]] = field(hash=False)
    pull_requests: bool = False  # opted in: a self-hosted machine may run pull requests
    span: Span | None = field(compare=False, default=None)


@record
class Overlay:
    """Raw text for one back end, and where the spec states each part of it (by its keys)."""

    content: object = field(hash=False)
    places: Mapping[tuple[str, ...], Span] = field(compare=False, hash=False)

    def place(self, *keys: str) -> Span | None:
        """Return the place of a part, or of the nearest part around it."""
        return next(
            (self.places[keys[:n]] for n in range(len(keys), -1, -1) if keys[:n] in self.places), None
        )


@record
class Comment:
    """One comment on each pull request. `token` is the secret that it is written with, where the system has none."""

    token: str | None
    span: Span | None = field(compare=False, default=None)


@record
class Waived:
    """A feature that a CI system does worse or not at all, borne until a day (YYYY-MM-DD)."""

    reason: str
    until: str
    span: Span | None = field(compare=False, default=None)


@record
class Plan:
    """A pipeline. `home` is the project folder relative to the repository root ("" at the root).

    Nodes are in a stable topological order. `home` is the project folder and `spec_home` that of the spec, another one for
    an instance; both are relative to the repository root. `spec_files` are the spec and the files that it extends,
    `compiled_files` patterns of what back ends write, relative to the repository root.
    """

    name: str
    home: str
    spec_home: str
    spec_files: tuple[str, ...]
    compiled_files: tuple[str, ...]
    triggers: Triggers
    artifacts: Mapping[str, Artifact] = field(hash=False)
    nodes: Mapping[str, Node] = field(hash=False)
    incoming: Mapping[str, tuple[Edge, ...]] = field(hash=False)  # node -> edges that end there
    outgoing: Mapping[str, tuple[Edge, ...]] = field(hash=False)  # node -> edges that start there
    runners: Mapping[str, Runner] = field(hash=False)
    environments: Mapping[str, Environment] = field(hash=False)
    overlays: Mapping[str, Overlay] = field(hash=False)  # by back end
    targets: tuple[str, ...] = ()  # the back ends that the spec names
    waivers: Mapping[str, Mapping[str, Waived]] = field(
        hash=False, default_factory=dict
    )  # back end -> feature
    comment: Comment | None = None
    pins: Pins = NO_PINS
    lock: str = ""  # the file beside the spec that holds the pins, from the repository's folder
    notices: tuple[RunNotice, ...] = ()  # of how a run ended
    store: Store | None = None
    span: Span | None = field(compare=False, default=None)

    @cached_property
    def _places(self) -> Mapping[str, int]:
        return {id: number for number, id in enumerate(self.nodes)}

    def in_home(self, path: str) -> str:
        """Return a path of the project, relative to the repository root."""
        return f"{self.home}/{path}" if self.home else path

    def in_order(self, ids: Iterable[str]) -> tuple[str, ...]:
        """Return nodes, each once, in the order of the plan. It takes no longer for a larger plan."""
        return tuple(sorted(set(ids), key=self._places.__getitem__))

    @property
    def has_gates(self) -> bool:
        """Whether any node is a gate, or asks one."""
        return any(node.gate is not None for node in self.nodes.values())

    def kept_for_notices(self, kind: type[Secret] | type[Variable]) -> tuple[str, ...]:
        """Return the names of the secrets, or of the variables, that telling how a run ended takes, sorted."""
        keys = (notice.key for notice in self.notices)
        return tuple(sorted({key.name for key in keys if isinstance(key, kind)}))

    @property
    def edges(self) -> tuple[Edge, ...]:
        """Return every edge, in the order of its target."""
        return tuple(edge for edges in self.incoming.values() for edge in edges)
