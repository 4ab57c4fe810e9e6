"""A workflow as typed values: what `lower` makes and `render` writes."""

from __future__ import annotations

from collections.abc import Mapping

from mlcc.backends.github.expr import Expr
from mlcc.backends.github.pins import Action
from mlcc.record import field, record

Text = str | Expr
Setting = str | int | bool | Expr


@record
class UsesStep:
    """A step that runs an action. Lines of `with_` values are kept as a block."""

    id: str
    action: Action
    with_: Mapping[str, Setting] = field(hash=False, default_factory=dict)
    if_: Expr | None = None


@record
class RunStep:
    """A step that runs a constant command; values reach it through `env` alone. `folder` None: the project's."""

    id: str
    run: str
    env: Mapping[str, Text] = field(hash=False, default_factory=dict)
    if_: Expr | None = None
    folder: str | None = None


Step = UsesStep | RunStep


@record
class Permission:
    """A scope of the job's token, and what it is for."""

    scope: str
    access: str
    why: str = ""


@record
class Service:
    """A container beside the job."""

    image: str
    port: int
    env: Mapping[str, Text] = field(hash=False, default_factory=dict)


@record
class Job:
    """A job. `legs` are the values of `matrix.leg` (and `runner`, `python`) of each leg; empty: no matrix.

    Of all jobs with one `lock`, one runs at a time, and the others wait.
    """

    id: str
    name: str
    needs: tuple[str, ...]
    if_: Expr | None
    runs_on: tuple[str, ...] | Expr
    timeout_minutes: int
    steps: tuple[Step, ...]
    permissions: tuple[Permission, ...] = (Permission("contents", "read"),)
    environment: str | None = None
    deployment: bool = True  # False: the environment only holds secrets, and nothing is deployed
    lock: str | None = None
    legs: tuple[Mapping[str, str | tuple[str, ...]], ...] = ()
    container: str | None = None
    services: Mapping[str, Service] = field(hash=False, default_factory=dict)
    outputs: Mapping[str, Expr] = field(hash=False, default_factory=dict)
    may_fail: bool = False  # True: the run goes on, and stays green


@record
class Call:
    """A job that runs another workflow of the repository, `uses`. Secrets are passed on under their own names."""

    id: str
    name: str
    needs: tuple[str, ...]
    if_: Expr
    permissions: tuple[Permission, ...]
    uses: str
    inputs: Mapping[str, Expr] = field(hash=False)
    secrets: tuple[str, ...]


@record
class DispatchInput:
    """One input of the manual form."""

    name: str
    type: str
    description: str
    required: bool
    default: str | None
    options: tuple[str, ...] = ()


@record
class Triggers:
    """The `on` of a workflow. None: not triggered by that event."""

    pull_request: tuple[str, ...] | None
    push_branches: tuple[str, ...] | None
    push_tags: tuple[str, ...] | None
    crons: tuple[str, ...]
    dispatch: tuple[DispatchInput, ...] | None
    repository_dispatch: tuple[str, ...]


@record
class Interface:
    """The `on` of a workflow that another one calls: its inputs by type, and the secrets that it gets."""

    inputs: Mapping[str, str] = field(hash=False)
    secrets: tuple[str, ...]


@record
class Workflow:
    """A workflow file. `working_directory` is the project folder, "" at the root.

    `group` is of runs of which a newer one may cancel an older; None: the calling workflow sees to that.
    `calls` stand behind the first job.
    """

    name: str
    spec: str
    working_directory: str
    triggers: Triggers | Interface
    group: str | None
    env: Mapping[str, str] = field(hash=False)
    jobs: tuple[Job, ...] = ()
    calls: tuple[Call, ...] = ()


@record
class Rendered:
    """A workflow and the text of its file (not sealed). `parsed` are the bytes that GitHub counts for its tree."""

    path: str
    workflow: Workflow
    text: str
    parsed: int
