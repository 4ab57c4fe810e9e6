"""The emitted script itself: signals of a cancelled run, services, and errors without a traceback."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from mlcc.runtime import process
from tests.plans import HEAD
from tests.runtime.conftest import Make
from tests.runtime.project import Project, runtime_script
from tests.runtime.test_node_run import gone


def start(project: Project, command: str, **env: str) -> subprocess.Popen[str]:
    """Start the emitted script as a runner does."""
    payload = project.root.parent / "event.json"
    payload.write_text("{}")
    project.write({".mlcc/run.py": runtime_script()})
    own = {
        "MLCC_PLATFORM": "github", "GITHUB_EVENT_NAME": "push", "GITHUB_EVENT_PATH": str(payload), "GITHUB_REF_NAME": "main",
        "GITHUB_SHA": project.git("rev-parse", "HEAD"), "GITHUB_RUN_ID": "7", "GITHUB_REPOSITORY": "o/r",
    }  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-I", ".mlcc/run.py", command],
        cwd=project.root, env={**os.environ, **own, **env}, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def wait_for(path: Path) -> str:
    limit = time.monotonic() + 20
    while not (path.exists() and path.read_text().endswith("\n")):
        assert time.monotonic() < limit, f"{path} doesn't come"
        time.sleep(0.02)
    return path.read_text().strip()


@pytest.mark.parametrize("signals", [[signal.SIGTERM], [signal.SIGINT, signal.SIGTERM]], ids=["one", "two"])
def test_a_cancel_ends_the_command_tears_down_and_says_so(make: Make, signals: list[signal.Signals]) -> None:
    """GitHub sends SIGINT, and SIGTERM a few seconds later: the second one must not interrupt the teardown."""
    run = '(trap "" INT; sleep 60) & echo $! > child; echo $$ > ready; wait'
    project = make(HEAD + f"jobs:\n  a: {{run: '{run}', finally: sleep 0.5; touch mopped, retry: 3}}\n")
    with start(project, "select") as selecting:
        assert selecting.wait(30) == 0
    with start(project, "node", MLCC_NODE="a") as node:
        wait_for(project.root / "ready")
        child = wait_for(project.root / "child")
        for number in signals:
            node.send_signal(number)
            time.sleep(0.2)
        output, _ = node.communicate(timeout=30)
    assert node.returncode == 2
    assert "Traceback" not in output
    assert project.ended("a") == ("failed", "error", "the run was cancelled")
    assert project.state("a")["attempts"] == 1
    assert (project.root / "mopped").exists()
    assert gone(child)
    with start(
        project,
        "final",
        MLCC_NEEDS=json.dumps({"select": {"result": "success"}, "a": {"result": "cancelled"}}),
    ) as final:
        assert final.wait(30) == 1


def test_a_whole_run_of_the_emitted_script(make: Make) -> None:
    project = make(
        HEAD
        + "artifacts:\n  data: {kind: data, path: build/x.txt}\njobs:\n  a: {run: echo one > build/x.txt, writes: [data]}\n"
        "gates:\n  g: {guards: data, command: {run: grep -q one build/x.txt}}\n"
    )
    codes = []
    for command, node in (("select", ""), ("node", "a"), ("node", "g")):
        with start(project, command, MLCC_NODE=node) as done:
            codes.append(done.wait(60))
    needs = {id: {"result": "success"} for id in ("select", "a", "g")}
    with start(project, "final", MLCC_NEEDS=json.dumps(needs)) as final:
        output, _ = final.communicate(timeout=30)
    assert (codes, final.returncode) == ([0, 0, 0], 0)
    assert output.splitlines()[-1] == "mlcc: green"


@pytest.mark.parametrize(
    ("command", "env", "said"),
    [
        ("node", {"MLCC_NODE": "a"}, "mlcc: the selecting node left no selection"),
        ("node", {"MLCC_NODE": "zzz"}, "mlcc: the plan has no node 'zzz'"),
        ("select", {"GITHUB_EVENT_NAME": "workflow_run"}, "mlcc: the event workflow_run isn't one"),
        ("select", {"MLCC_PLATFORM": "none"}, "mlcc: MLCC_PLATFORM names none of github"),
        ("final", {"MLCC_NEEDS": "{"}, "mlcc: MLCC_NEEDS isn't what GitHub tells"),
        ("help", {}, "usage: "),
    ],
)
def test_errors_have_no_traceback(make: Make, command: str, env: dict[str, str], said: str) -> None:
    project = make(HEAD + "jobs:\n  a: {run: t}\n")
    with start(project, command, **env) as done:
        output, _ = done.communicate(timeout=30)
    assert done.returncode == 2
    assert output.startswith(said)
    assert "Traceback" not in output


def test_a_module_beside_the_script_is_not_imported(make: Make) -> None:
    project = make(
        HEAD + "jobs:\n  a: {run: t}\n",
        files={"json.py": "raise SystemExit(99)", ".mlcc/json.py": "raise SystemExit(99)"},
    )
    with start(project, "select", PYTHONPATH=str(project.root)) as done:
        assert done.wait(30) == 0


# --- services -------------------------------------------------------------------------------------

SERVICE = (
    HEAD
    + "jobs:\n  a:\n    run: echo $SERVICE_FEATURE_STORE_HOST $SERVICE_FEATURE_STORE_PORT > seen\n    services:\n"
    "      feature-store: {image: redis, port: 6379, ready: 2s}\n"
)


def test_a_node_waits_until_its_service_answers(make: Make) -> None:
    project = make(SERVICE)
    project.select()
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    late = threading.Timer(0.5, listener.listen)
    late.start()
    os.environ["MLCC_SERVICE_FEATURE_STORE"] = f"127.0.0.1:{port}"
    try:
        assert project.node("a") == 0
    finally:
        late.join()
        listener.close()
    assert (project.root / "seen").read_text() == f"127.0.0.1 {port}\n"


@pytest.mark.parametrize(
    "address", [None, "", "127.0.0.1", "127.0.0.1:", ":80", "127.0.0.1:1", "127.0.0.1:x", "127.0.0.1:99999"]
)
def test_a_service_that_never_answers_is_an_error(make: Make, address: str | None) -> None:
    project = make(SERVICE.replace("2s", "1s"))
    project.select()
    if address is not None:
        os.environ["MLCC_SERVICE_FEATURE_STORE"] = address
    assert project.node("a") == 2
    assert "the service 'feature-store'" in project.ended("a")[2]
    assert not (project.root / "seen").exists()


def test_s7_waiting_for_a_service_counts_to_the_node_s_time(make: Make) -> None:
    project = make(
        SERVICE.replace("ready: 2s", "ready: 600s").replace("    run:", "    timeout: 1s\n    run:")
    )
    project.select()
    os.environ["MLCC_SERVICE_FEATURE_STORE"] = "127.0.0.1:1"
    assert project.node("a") == 2


def test_a_cancel_while_a_command_starts_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The signal comes when the child is there and its starter doesn't know it yet."""
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def start_and_cancel(*args: Any, **options: Any) -> subprocess.Popen[bytes]:
        started.append(popen(*args, **options))
        signal.raise_signal(signal.SIGTERM)
        return started[0]

    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    monkeypatch.setattr(process.subprocess, "Popen", start_and_cancel)
    try:
        process.watch_cancel()
        with pytest.raises(process.CancelledError):
            process.run(["sleep", "600"], {}, time.monotonic() + 600)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert started[0].wait(0) == -signal.SIGTERM
