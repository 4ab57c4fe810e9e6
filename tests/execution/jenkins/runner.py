"""Really run a Jenkinsfile on this machine, without a Jenkins, a container engine or a network.

The runner beside this file (``groovy/``, Groovy 2.4 like Jenkins' own) runs a declarative Jenkinsfile with its
scripted parts: real shells, real git checkouts, real concurrency, and what it doesn't know it refuses. It follows the
sources of the plugins that each of its files names, as
plugin@commit of github.com/jenkinsci. Not emulated: saving and resuming a build, the 64 KB limit of a
method after the CPS transformation, permissions, shared libraries, triggers (recorded only), agents of containers.

One Java process serves all builds of a test session, two at a time.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.execution.github.scratch import git
from tests.static.checks import missing_tool, tool

SOURCES = Path(__file__).parent / "groovy"
JARS = ("/usr/share/groovy/embeddable/groovy-all-2.4.21.jar", "/usr/share/java/groovy-all.jar")
_CURE = "apt-get install --no-install-recommends groovy"
# Groovy 2.4 reaches into the classes of the Java that it was written before.
_OPENED = ("java.lang", "java.util", "java.io", "java.net", "java.text", "java.util.concurrent", "sun.nio.fs")
_REFUSED, _ENDLESS = 3, 4


class RefusedError(Exception):
    """The Jenkinsfile asks for something that Jenkins would refuse, or that the runner doesn't know."""


class EndlessError(Exception):
    """The build was still running at the scenario's time limit."""


class RunnerBrokenError(Exception):
    """The runner itself failed, so that nothing can be said about the Jenkinsfile."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that happens to the build, once.

    `at`: node (an agent was allocated), checkout, sh (while the script runs), stage (entered), stash, unstash, input or
    lock; narrowed by the enclosing `stage`, by variables of the step's environment (`env`), by the number of the
    `allocation` or by the locked `resource`. `act`: abort the build, as a user does, or lose the agent with its
    workspace. `after`: seconds from that point on.
    """

    at: str
    act: str
    stage: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    allocation: int | None = None
    resource: str | None = None
    after: float = 0


@dataclass(frozen=True, slots=True)
class Scenario:
    """One build of one repository.

    `jenkinsfile` is a path at the commit, `text` replaces its content. `env`: what the kind of the project sets
    (BRANCH_NAME, CHANGE_ID, TAG_NAME). `agent_env`: the environment that agents start with. `credentials`: id to text,
    to ``{"file": TEXT}``, or to ``{"username": …, "password": …}``. `causes`: as getBuildCauses gives them. `agents`:
    label to number of executors; another label is an error of its node step, or with `missing_agent` ``wait`` is
    waited for. `inputs`: id or message to ``{"proceed": {NAME: VALUE}}`` or ``{"abort": True}``, with ``after`` seconds;
    others are never answered. `previous`: finished builds, the newest first, each with number, result and variables.
    `caches`: the folder of what is kept from build to build. `time_scale` shortens timeout, sleep
    and waitUntil. Builds that name one `controller`
    share agents and locks. Times in seconds.
    """

    repo: Path
    jenkinsfile: str = "Jenkinsfile"
    text: str | None = None
    commit: str = "refs/heads/main"
    env: Mapping[str, str] = field(default_factory=dict)
    agent_env: Mapping[str, str] = field(default_factory=dict)
    credentials: Mapping[str, str | Mapping[str, str]] = field(default_factory=dict)
    params: Mapping[str, str | bool] = field(default_factory=dict)
    causes: Sequence[Mapping[str, str]] = ()
    agents: Mapping[str, int] = field(default_factory=lambda: {"linux": 2})
    missing_agent: str = "fail"
    inputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    faults: Sequence[Fault] = ()
    refspecs: Sequence[str] = ("+refs/heads/*:refs/remotes/origin/*",)
    tags: bool = False
    reuse_workspaces: bool = False
    previous: Sequence[Mapping[str, Any]] = ()
    caches: Path | None = None
    previous_commit: str | None = None
    previous_successful_commit: str | None = None
    number: int = 1
    job: str = "scratch"
    controller: str | None = None
    time_scale: float = 1.0
    kill_grace: float = 2.0
    grace_period: float = 60.0
    time_limit: float = 60.0


@dataclass(frozen=True, slots=True)
class BuildRun:
    """What a build left behind.

    `stages`: results in the order of entering, by name; a stage that ran twice has its last one. `events`: see
    `of`; each has a kind, a number and a time in milliseconds. `folder` has log.txt, artifacts/ and workspaces/.
    """

    result: str
    stages: dict[str, str]
    events: list[dict[str, Any]]
    log: str
    error: str | None
    description: str | None
    folder: Path

    def of(self, kind: str, **facts: Any) -> list[dict[str, Any]]:
        """Events of one kind with these facts, in order."""
        return [
            event
            for event in self.events
            if event["kind"] == kind and all(event.get(name) == value for name, value in facts.items())
        ]

    def echoes(self) -> list[str]:
        """What echo printed, secrets masked."""
        return [event["message"] for event in self.of("echo")]


def run_build(scenario: Scenario) -> BuildRun:
    """Run one build; raises `RefusedError`, `EndlessError` or `RunnerBrokenError`."""
    (run,) = run_builds([scenario])
    return run


def run_builds(scenarios: Sequence[Scenario]) -> list[BuildRun]:
    """Run builds, two at a time, and give them back in the order of the scenarios."""
    java = _java()
    folders = [_written(scenario) for scenario in scenarios]
    statuses = java.run([folder / "scenario.json" for folder in folders])
    return [_outcome(folder, status) for folder, status in zip(folders, statuses, strict=True)]


def _written(scenario: Scenario) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="build-", dir=scenario.repo.parent))
    commit = git(scenario.repo, "rev-parse", f"{scenario.commit}^{{commit}}")
    text = scenario.text
    if text is None:
        text = git(scenario.repo, "show", f"{commit}:{scenario.jenkinsfile}")
    (folder / "Jenkinsfile").write_text(text, encoding="utf-8")
    home = folder / "home"
    home.mkdir()
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", **scenario.agent_env}
    given = asdict(scenario)
    del given["repo"], given["text"]
    given |= {"jenkinsfile": str(folder / "Jenkinsfile"), "repository": str(scenario.repo), "commit": commit}
    given |= {"folder": str(folder), "agent_env": environment}
    given["caches"] = str(scenario.caches) if scenario.caches else None
    (folder / "scenario.json").write_text(json.dumps(given), encoding="utf-8")
    return folder


def _outcome(folder: Path, status: int) -> BuildRun:
    if not (folder / "result.json").is_file():
        told = folder / "refused.json"
        raise RunnerBrokenError(
            told.read_text(encoding="utf-8") if told.is_file() else f"no result in {folder}"
        )
    result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    log = (folder / "log.txt").read_text(encoding="utf-8")
    if status == _REFUSED:
        raise RefusedError(result["refused"])
    if status == _ENDLESS:
        last = (folder / "events.json").read_text(encoding="utf-8")[-2000:]
        raise EndlessError(f"{log[-4000:]}\n{last}")
    if status != 0:
        raise RunnerBrokenError(f"status {status}: {result['broken']}\n{log[-4000:]}")
    return BuildRun(
        result=result["result"],
        stages={stage["name"]: stage["result"] for stage in result["stages"]},
        events=json.loads((folder / "events.json").read_text(encoding="utf-8")),
        log=log,
        error=result["error"],
        description=result["description"],
        folder=folder,
    )


class _Java:
    """The process that serves builds: a path of a scenario in, that path and a status out."""

    def __init__(self, command: Sequence[str]) -> None:
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - lives as long as the process
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True
        )
        atexit.register(self.close)

    def run(self, paths: Sequence[Path]) -> list[int]:
        assert self._process.stdin
        assert self._process.stdout
        try:
            self._process.stdin.write("".join(f"{path}\n" for path in paths))
            self._process.stdin.flush()
        except BrokenPipeError:
            raise RunnerBrokenError(f"the process has ended: {self._told()}") from None
        statuses: dict[str, int] = {}
        while len(statuses) < len(paths):
            path, tab, status = self._process.stdout.readline().rstrip("\n").partition("\t")
            if not tab:
                raise RunnerBrokenError(f"{path}{self._told()}")
            statuses[path] = int(status)
        return [statuses[str(path)] for path in paths]

    @property
    def ended(self) -> bool:
        """Whether the process is gone."""
        return self._process.poll() is not None

    def _told(self) -> str:
        self._errors.seek(0)
        return self._errors.read()[-4000:]

    def close(self) -> None:
        """End the process; the builds have ended already."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()
        self._process.kill()
        self._process.wait()
        self._errors.close()


def _java() -> _Java:
    """The process of this session; a new one after one that has ended, so that its end fails no further build."""
    if _started().ended:
        _started.cache_clear()
    return _started()


@functools.cache
def _started() -> _Java:
    java = tool("java", "apt-get install --no-install-recommends default-jre-headless")
    jar = next((path for path in JARS if Path(path).is_file()), None)
    if jar is None:
        missing_tool("groovy", _CURE)
        raise AssertionError("unreachable: the test was skipped or failed")
    classes = _compiled(java, jar)
    opened = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENED]
    command = [java, "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", *opened]
    return _Java([*command, "-cp", f"{classes}:{jar}", "runner.Main", "--serve"])


def _compiled(java: str, jar: str) -> Path:
    """The runner's classes, compiled once for these sources."""
    sources = sorted(SOURCES.rglob("*.groovy"))
    digest = hashlib.sha256()
    for source in sources:
        digest.update(str(source.relative_to(SOURCES)).encode() + b"\0" + source.read_bytes() + b"\0")
    cache = Path(tempfile.gettempdir()) / f"mlcc-jenkins-runner-{os.getuid()}"
    classes = cache / digest.hexdigest()
    if classes.is_dir():
        return classes
    cache.mkdir(mode=0o700, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=cache))
    compiler = [java, "-cp", jar, "org.codehaus.groovy.tools.FileSystemCompiler", "-d", str(fresh)]
    done = subprocess.run([*compiler, *map(str, sources)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RunnerBrokenError(f"the runner doesn't compile: {done.stdout}{done.stderr}")
    try:
        fresh.rename(classes)
    except OSError:  # another process was faster
        shutil.rmtree(fresh)
    return classes
