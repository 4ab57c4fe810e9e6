"""The two pipelines as typed values: what `lower` makes and `render` writes."""

from __future__ import annotations

from collections.abc import Mapping

from mlcc.record import field, record


@record
class Rule:
    """When a job is part of the pipeline. `variables` hold in pipelines that this rule lets the job into."""

    if_: str
    variables: Mapping[str, str] = field(hash=False, default_factory=dict)


@record
class Service:
    """A container beside the job, at the address `alias:port`. Variables are as GitLab expands them."""

    alias: str
    image: str
    variables: Mapping[str, str] = field(hash=False, default_factory=dict)


@record
class Cache:
    """Folders kept between pipelines, named after the content of `files`."""

    prefix: str
    files: tuple[str, ...]
    paths: tuple[str, ...]


@record
class Artifacts:
    """What a job passes on. `open`: GitLab itself reads it, so no access is stated."""

    paths: tuple[str, ...]
    days: int
    junit: tuple[str, ...] = ()
    cobertura: str | None = None
    open: bool = False


@record
class Environment:
    """Where a job's variables come from. `action` empty: what it ran is written down as deployed there."""

    name: str
    action: str = ""


@record
class Start:
    """By what a job starts beside its predecessors.

    `always`: even when one of them failed or was skipped. `approval`: somebody starts it. `protected`: it is
    part of pipelines of protected branches and tags only. `delay`: so many seconds after its predecessors.
    """

    always: bool = False
    approval: bool = False
    protected: bool = False
    delay: int = 0


@record
class Job:
    """A job. `needs` None: it waits for the stages before its own. `legs` are the values of matrix variables.

    Of all jobs with one `lock`, one runs at a time, and the others wait. `artifacts` None: it leaves none.
    `failing_codes`: exit codes of a failure that stops nothing; empty: every failure counts.
    """

    id: str
    name: str
    stage: str
    script: str
    image: str
    timeout_minutes: int
    variables: Mapping[str, str] = field(hash=False)
    artifacts: Artifacts | None
    takes: tuple[str, ...] | None = None  # the jobs whose artifacts it gets; None: those of all before it
    needs: tuple[str, ...] | None = None
    start: Start = Start()
    may_fail: bool = False
    own_image: bool = False  # the spec's, with whatever entrypoint it has
    failing_codes: tuple[int, ...] = ()
    tags: tuple[str, ...] = ()
    services: tuple[Service, ...] = ()
    caches: tuple[Cache, ...] | None = ()  # None: surely none, whatever the defaults say
    environment: Environment | None = None
    lock: str | None = None
    after_script: str = ""
    interruptible: bool = True
    id_tokens: Mapping[str, str] = field(hash=False, default_factory=dict)
    legs: tuple[Mapping[str, str], ...] = ()
    rules: tuple[Rule, ...] = ()


@record
class FormVariable:
    """A variable that whoever starts a pipeline by hand can fill in. Its value is taken literally."""

    name: str
    description: str
    value: str
    options: tuple[str, ...] = ()


@record
class Parent:
    """`.gitlab-ci.yml`: selects, then starts the child pipeline that the selecting job wrote."""

    select: Job
    run: str
    child: str  # path of the file that the selecting job writes
    rules: tuple[Rule, ...]
    variables: tuple[FormVariable, ...]


@record
class Pipelines:
    """Both files of a plan. `jobs` are the child's, the final one last."""

    name: str
    spec: str
    parent: Parent
    stages: tuple[str, ...]
    jobs: tuple[Job, ...]
