"""Delivers the flights model on loopback: one good candidate, three bad ones, and one whose run is lost.

    python examples/canary_demo.py [FOLDER]

The example is examples/flights/live. nginx, Prometheus and the model's servers are real; so are the requests, which never stop.
Each candidate is a commit, and what is done about it is the compiled pipeline, node by node, as Jenkins would call it. Pages for
reviewers are left in FOLDER.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection
from pathlib import Path
from types import ModuleType
from typing import Any

LIVE = Path(__file__).parent / "flights" / "live"
ROOT = "/srv/flights"  # what the files of the example say
PORTS = range(8400, 8407)
FRONT, STATUS = 8400, 8404
LOCAL = ("mlcc.yaml", "nginx.conf", "prometheus.yml", "serving.sh")
GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull,  # it might ask for a signature
    **{
        f"GIT_{who}_{what}": "demo@example.com"
        for who in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    },
}
PASSED, FAILED, SKIPPED = "success", "failure", "skipped"
CODES = {0: PASSED, 4: SKIPPED}  # of a node, as the Jenkinsfile reads them
MAIN = '\n\nif __name__ == "__main__":'
FAULT = """

@app.middleware("http")
async def fault(request, call_next):
    import asyncio, random

    if request.url.path == "/predict":
        DO
    return await call_next(request)
"""


def candidates() -> dict[str, dict[str, str | bytes]]:
    """Return what each candidate changes in the repository: a path and its new content."""
    server = (LIVE / "server.py").read_text("utf-8")
    meta = json.loads((LIVE / "model/meta.json").read_text("utf-8"))
    # The features in another order: each is taken for another one, and the answers look like any others.
    swapped = {**meta, "features": meta["features"][::-1]}
    return {
        "good": {f"model/{path.name}": path.read_bytes() for path in (LIVE / "retrained").iterdir()},
        "errors": {"server.py": faulty(server, "if random.random() < 0.2: return Response(status_code=500)")},
        "slow": {"server.py": faulty(server, "await asyncio.sleep(0.15)")},
        "worse": {"model/meta.json": json.dumps(swapped, indent=2) + "\n"},
    }  # fmt: skip


def faulty(server: str, what: str) -> str:
    """Return the server with a mistake in it."""
    return server.replace(MAIN, FAULT.replace("DO", what) + MAIN)


class Site:
    """A host that serves the model, as a folder with free ports; and the repository that is released to it."""

    def __init__(self, root: Path, edits: Mapping[str, str] | None = None) -> None:
        """Copy the example into `root`/repo. `edits` are other texts in its spec, by those that stand there."""
        self.root, self.repo = root, root / "repo"
        self.ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        shutil.copytree(
            LIVE, self.repo, ignore=shutil.ignore_patterns(".*", "_mlcc", "__pycache__", "Jenkinsfile")
        )
        for name in LOCAL:
            path = self.repo / name
            text = path.read_text("utf-8")
            for old, new in {ROOT: str(root), **(edits or {})}.items():
                text = text.replace(old, new)
            text = re.sub(r"\b84\d\d\b", lambda found: str(self.ports[int(found[0])]), text)
            path.write_text(text, "utf-8")
        (self.repo / ".gitignore").write_text("_mlcc/\n__pycache__/\n", "utf-8")
        self.do(sys.executable, "-m", "mlcc", "compile", "--root", ".", "mlcc.yaml")
        self.do("git", "init", "-q", "-b", "main")
        self.commit({})

    def do(self, *words: str, **env: str) -> str:
        """Run a program in the repository, and return what it prints. Raises CalledProcessError, after saying what it said."""
        done = subprocess.run(
            words, cwd=self.repo, env={**os.environ, **GIT, **env}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            print(done.stdout, file=sys.stderr)
            done.check_returncode()
        return done.stdout.strip()

    def commit(self, files: Mapping[str, str | bytes]) -> None:
        """Commit some files."""
        for path, content in files.items():
            (self.repo / path).write_bytes(content.encode() if isinstance(content, str) else content)
        self.do("git", "add", "-A")
        self.do("git", "commit", "-q", "--allow-empty", "-m", "A candidate")

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        """Start what serves, with the first release; end it all afterwards."""
        try:
            self.do("./serving.sh", "up")
            driver = (sys.executable, "-I", ".mlcc/release.py", "production", "first")
            self.do(*driver, MLCC_RUN="first", ARTIFACT_MODEL="model/")
            yield
        finally:
            self.do("./serving.sh", "down")

    def told(self) -> dict[str, Any]:
        """Return what nginx has loaded: live, candidate, weight, previous."""
        with contextlib.closing(HTTPConnection("127.0.0.1", self.ports[STATUS], timeout=10)) as nginx:
            nginx.request("GET", "/")
            found: dict[str, Any] = json.load(nginx.getresponse())
        return found

    def leased_until(self) -> float:
        """Return the end of the candidate's lease, in seconds since 1970."""
        return float(json.loads((self.root / "mlcc/state.json").read_text("utf-8"))["lease"])

    def load(self) -> Any:
        """Return requests that begin and end with a `with`: see `Load` in live/load.py."""
        return _module(self.repo / "load.py").Load(self.ports[FRONT])


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def free_ports(number: int) -> list[int]:
    """Return ports of loopback that nobody has; those from 32768 on are what clients get."""
    found: list[int] = []
    while len(found) < number:
        port = random.randrange(20000, 32768)
        with contextlib.suppress(OSError), socket.socket() as one:
            one.bind(("127.0.0.1", port))
            found += [port] if port not in found else []
    return found


def wait_until(true: Any, seconds: float = 60.0) -> None:
    """Wait until something is so. Raises TimeoutError."""
    limit = time.monotonic() + seconds
    while not true():
        if time.monotonic() > limit:
            raise TimeoutError
        time.sleep(0.1)


def kill_tree(pid: int) -> None:
    """Kill a process and all that it has started, as a machine does that is lost; what has left it stays."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(path.read_text("utf-8").rpartition(")")[2].split()[1]) == pid:
                kill_tree(int(path.parent.name))
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


class Pipeline:
    """The compiled pipeline at the repository's newest commit, run here, one node after the other."""

    def __init__(self, site: Site, run: str, **env: str) -> None:
        shutil.rmtree(site.repo / "_mlcc", ignore_errors=True)
        self.site, self.records = site, site.repo / "_mlcc"
        self.log = site.root / "pipeline.log"
        commit = site.do("git", "rev-parse", "HEAD")
        self.env = {
            **os.environ, "MLCC_PLATFORM": "jenkins", "MLCC_COMMIT": commit, "MLCC_CAUSES": "", "MLCC_GREEN": "",
            "BRANCH_NAME": "main", "CHANGE_ID": "", "TAG_NAME": "", "BUILD_TAG": run, "BUILD_NUMBER": "1", **env,
        }  # fmt: skip
        self.nodes = list(json.loads((site.repo / ".mlcc/plan.json").read_text("utf-8"))["nodes"])

    def start(self, command: str, node: str = "") -> subprocess.Popen[bytes]:
        """Start a node, or the first or the last step; what it prints goes to pipeline.log."""
        with self.log.open("ab") as log:
            words = [sys.executable, "-I", ".mlcc/run.py", command]
            return subprocess.Popen(
                words, cwd=self.site.repo, env={**self.env, "MLCC_NODE": node}, stdout=log, stderr=log
            )

    def run(self) -> dict[str, dict[str, str]]:
        """Run all nodes, make the page for reviewers, and return how each node ended."""
        assert self.start("select").wait() == 0
        ends = {id: CODES.get(self.start("node", id).wait(), FAILED) for id in self.nodes}
        lines = "".join(f"{id}={end}\n" for id, end in {"select": PASSED, **ends}.items())
        (self.records / "outputs/results").write_text(lines, "utf-8")
        self.start("final").wait()
        self.site.do(sys.executable, "-I", ".mlcc/report.py", "page", **self.env)
        result = json.loads((self.records / "s--final/result.json").read_text("utf-8"))
        return dict(result["nodes"])

    def run_until_lost(self) -> None:
        """Run until the candidate has had requests for a while; then the machine is lost, and nothing cleans up."""
        assert self.start("select").wait() == 0
        for id in self.nodes:
            node = self.start("node", id)
            if id.startswith("production-") and id != "production-deploy":
                wait_until(lambda: self.site.told()["weight"] > 0)
                time.sleep(3)
                return kill_tree(node.pid)
            assert node.wait() == 0
        raise AssertionError("no step was judged")


def main() -> int:
    """Release all candidates and print how each ended; 0 where each ended as it must, and no request was lost."""
    pages = Path(sys.argv[1] if len(sys.argv) > 1 else "build/canary-demo").resolve()
    pages.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="flights-") as folder:
        site = Site(Path(folder).resolve())
        print("starting nginx, Prometheus and the first model", flush=True)
        try:
            with site.serving(), site.load() as load:
                sound = [released(site, name, files, pages) for name, files in candidates().items()]
                sound.append(lost(site))
        except subprocess.CalledProcessError:  # it has said why
            return 1
        shutil.copy(site.root / "pipeline.log", pages)
    answers = ", ".join(f"{number:,} {answer}" for answer, number in sorted(load.answers.items()))
    print(f"requests by answer, during all of it: {answers}; {load.answers['lost']} lost")
    print(f"pages for reviewers: {pages}/good.html, {pages}/errors.html")
    return 0 if all(sound) and not load.answers["lost"] else 1


def released(site: Site, name: str, files: Mapping[str, str | bytes], pages: Path) -> bool:
    """Release a candidate, and tell whether the good one alone is live."""
    begun = time.monotonic()
    site.commit(files)
    ends = Pipeline(site, name).run()
    shutil.copy(site.repo / "_mlcc/s--final/report.html", pages / f"{name}.html")
    if name != "good":
        site.do("git", "reset", "-q", "--hard", "HEAD~")
    cause = next((end["cause"] for end in ends.values() if end["end"] == "failed"), "every step passed")
    now = site.told()
    tell(name, begun, "promoted" if now["live"] == f"production-{name}" else "rolled back", cause)
    return now["live"] == "production-good" and not now["candidate"]


def lost(site: Site) -> bool:
    """Lose the run of a candidate, and tell whether what comes after its lease takes it away."""
    begun = time.monotonic()
    Pipeline(site, "lost").run_until_lost()
    left = site.told()
    tell(
        "lost",
        begun,
        "killed",
        f"its candidate still has {left['weight']:g} % of the requests, until its lease ends",
    )
    time.sleep(max(site.leased_until() - time.time(), 0) + 1)
    ends = Pipeline(site, "later", MLCC_CAUSES="timer", MLCC_TRIGGER="reconcile").run()
    now = site.told()
    tell("", begun, "rolled back", f"production-reconcile {ends['production-reconcile']['end']}")
    return (
        left["candidate"] == "production-lost" and now["live"] == "production-good" and not now["candidate"]
    )


def tell(name: str, begun: float, end: str, cause: str) -> None:
    """Print a line of the table."""
    print(f"{name:<7} {time.monotonic() - begun:5.1f} s  {end:<12} {cause}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
