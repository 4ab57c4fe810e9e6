"""MLflow's tracking server for tests: the real one, and a small one in memory that lies where a test says so."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

import pytest

from mlcc.emitted import registry_script
from tests.release.behind_nginx import free_ports

OWN = Path(__file__).parents[2] / ".mlflow/bin/mlflow"
MLFLOW = str(OWN) if OWN.exists() else shutil.which("mlflow")
real = pytest.mark.skipif(
    MLFLOW is None and not os.environ.get("MLCC_TEST_ALL"), reason="mlflow isn't installed"
)
VARIABLES = (
    "MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD",
    "http_proxy", "HTTP_PROXY",
)  # fmt: skip
TOKEN = "hunter2-of-the-registry"
ROUTE = "/api/2.0/mlflow-artifacts/artifacts"


def hasty_script() -> str:
    """Return the emitted script with waits that a test can bear."""
    text = registry_script()
    for long, short in (
        ("_WAITS = 60.0", "_WAITS = 1.0"),
        ("_PAUSES = (0.5, 2.0)", "_PAUSES = (0.01, 0.01)"),
    ):
        assert long in text
        text = text.replace(long, short)
    return text


@contextmanager
def tracking_server(root: Path) -> Iterator[str]:
    """Start MLflow's own server, and yield its address once it answers."""
    (port,) = free_ports(1)
    words = [str(MLFLOW), "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
             "--backend-store-uri", "sqlite:///store.db", "--artifacts-destination", "./artifacts"]  # fmt: skip
    env = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # jobs need what isn't installed
    with (
        (root / "log").open("w") as log,
        subprocess.Popen(words, cwd=root, env=env, stdout=log, stderr=log, start_new_session=True) as process,
    ):
        try:
            limit = time.monotonic() + 120
            while True:
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
                        break
                except OSError:
                    assert time.monotonic() < limit, (root / "log").read_text()
                    assert process.poll() is None, (root / "log").read_text()
                    time.sleep(0.3)
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, 15)


def ask(url: str, method: str, what: str, **fields: Any) -> Any:
    """Ask a server an own question."""
    query = "" if method == "POST" else f"?{urlencode(fields)}"
    body = json.dumps(fields).encode() if method == "POST" else None
    request = urllib.request.Request(
        f"{url}/api/2.0/mlflow/{what}{query}", body, {"Content-Type": "application/json"}, method=method
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def versions(url: str, model: str) -> list[dict[str, Any]]:
    """Return a model's versions, the oldest first."""
    found = ask(url, "GET", "model-versions/search", filter=f"name = '{model}'").get("model_versions", [])
    return sorted(found, key=lambda one: int(one["version"]))


class FakeRegistry:
    """What MLflow's server does of what the registry's script asks, in memory.

    `instead` is asked first: it takes a handler and a path, and returns whether it answered.
    """

    def __init__(self) -> None:
        self.url = ""
        self.root = "mlflow-artifacts:"
        self.experiments: dict[str, str] = {}
        self.models: dict[str, list[dict[str, Any]]] = {}
        self.aliases: dict[tuple[str, str], str] = {}
        self.files: dict[str, bytes] = {}
        self.runs: dict[str, str] = {}
        self.asked: list[tuple[str, str]] = []
        self.authorizations: list[str] = []
        self.instead: Callable[[Any, str], bool] = lambda handler, path: False

    def add(self, model: str, files: dict[str, bytes], alias: str = "", **changes: Any) -> str:
        """Add a version, as somebody else would, and return its number."""
        made = self.models.setdefault(model, [])
        number = str(len(made) + 1)
        folder = f"0/{model}-{number}/artifacts/model"
        made.append(
            {
                "name": model,
                "version": number,
                "source": f"{self.root}/{folder}",
                "status": "READY",
                "tags": [],
                **changes,
            }
        )
        self.files.update({f"{folder}/{path}": content for path, content in files.items()})
        if alias:
            self.aliases[model, alias] = number
        return number

    def answer(self, method: str, what: str, fields: dict[str, Any]) -> Any:
        """Return the answer to a question of the interface, None where there is no such thing."""
        name = str(fields.get("name", ""))
        if what == "experiments/create":
            self.experiments[name] = str(len(self.experiments) + 1)
            return {"experiment_id": self.experiments[name]}
        if what == "experiments/get-by-name":
            id = self.experiments.get(fields["experiment_name"])
            return None if id is None else {"experiment": {"experiment_id": id}}
        if what == "runs/create":
            id = f"r{len(self.runs)}"
            self.runs[id] = "RUNNING"
            uri = f"{self.root}/{fields['experiment_id']}/{id}/artifacts"
            return {"run": {"info": {"run_id": id, "artifact_uri": uri}}}
        if what == "runs/update":
            self.runs[fields["run_id"]] = fields["status"]
            return {}
        if what == "registered-models/create":
            self.models[name] = []
            return {}
        if what == "registered-models/get":
            return {} if name in self.models else None
        if what == "registered-models/alias":
            return self._version(name, self.aliases.get((name, fields["alias"]), ""))
        if what == "model-versions/create":
            return {"model_version": self.models[name][int(self.add(name, {}, **fields)) - 1]}
        if what == "model-versions/get":
            return self._version(name, fields["version"])
        if what == "model-versions/get-download-uri":
            found = self._version(name, fields["version"])
            return found and {"artifact_uri": found["model_version"]["source"]}
        if what == "model-versions/search":
            return {"model_versions": self._found(fields["filter"])}
        raise AssertionError(f"{method} {what}")

    def _version(self, model: str, number: str) -> Any:
        found = [one for one in self.models.get(model, []) if one["version"] == number]
        return {"model_version": found[0]} if found else None

    def _found(self, text: str) -> list[dict[str, Any]]:
        terms = [term.partition(" = ") for term in text.split(" and ")]
        (model,) = [value.strip("'") for key, _, value in terms if key == "name"]
        tags = {
            (key[len("tags.") :].strip("`"), value.strip("'")) for key, _, value in terms if key != "name"
        }
        return [
            one for one in self.models.get(model, []) if tags <= {(t["key"], t["value"]) for t in one["tags"]}
        ]

    def listing(self, folder: str) -> list[dict[str, Any]]:
        """Return what a folder of the files holds."""
        below = [path[len(folder) + 1 :] for path in self.files if path.startswith(f"{folder}/")]
        found: dict[str, dict[str, Any]] = {}
        for path in below:
            name, _, rest = path.partition("/")
            size = len(self.files[f"{folder}/{path}"])
            found[name] = (
                {"path": name, "is_dir": True} if rest else {"path": name, "is_dir": False, "file_size": size}
            )
        return list(found.values())


class _Handler(BaseHTTPRequestHandler):
    registry: FakeRegistry

    def log_message(self, *_: Any) -> None:
        pass

    def tell(self, status: int, content: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        fields = {key: value[0] for key, value in parse_qs(parts.query).items()}
        if self._noted(parts.path):
            return
        if parts.path == ROUTE:
            self.tell(200, json.dumps({"files": self.registry.listing(fields["path"])}).encode())
        elif parts.path.startswith(ROUTE):
            self.tell(200, self.registry.files[unquote(parts.path[len(ROUTE) + 1 :])])
        else:
            self._interface("GET", parts.path, fields)

    def do_POST(self) -> None:
        fields = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self._noted(self.path):
            self._interface("POST", self.path, fields)

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if not self._noted(self.path):
            self.registry.files[unquote(self.path[len(ROUTE) + 1 :])] = content
            self.tell(200, b"{}")

    def _noted(self, path: str) -> bool:
        self.registry.asked.append((self.command, path))
        self.registry.authorizations.append(self.headers.get("Authorization", ""))
        return self.registry.instead(self, path)

    def _interface(self, method: str, path: str, fields: dict[str, Any]) -> None:
        found = self.registry.answer(method, path[len("/api/2.0/mlflow/") :], fields)
        if found is None:
            self.tell(404, json.dumps({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": TOKEN}).encode())
        else:
            self.tell(200, json.dumps(found).encode())


@contextmanager
def fake_registry() -> Iterator[FakeRegistry]:
    """Serve a small registry on loopback."""
    registry = FakeRegistry()
    handler = type("Handler", (_Handler,), {"registry": registry})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        registry.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield registry
        finally:
            server.shutdown()
