"""An alias in MLflow's registry, against its real tracking server: `make .mlflow/installed`, or `mlflow` on PATH.

`make test` installs it only with MLCC_TEST_ALL=1, for it is heavy.
"""

from __future__ import annotations

import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.registry.servers import real, tracking_server
from tests.release.behind_nginx import free_ports
from tests.release.driven import Driven

# What a user's own program does, with the client of MLflow: it registers, and prints the version's number last.
REGISTER = """
import json, os, sys, urllib.request
body = json.dumps({"name": sys.argv[2], "source": "s3://models/" + os.environ["MLCC_RELEASE"]}).encode()
url = sys.argv[1] + "/api/2.0/mlflow/model-versions/create"
request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
print("registering")
print(json.load(urllib.request.urlopen(request))["model_version"]["version"])
"""


class Registry(Driven):
    """A release of a model of its own in a registry."""

    def __init__(self, root: Path, url: str, model: str, publish: str = "", **params: Any) -> None:
        self.url, self.model = url, model
        (root / "register.py").write_text(REGISTER)
        own = {
            "url": url, "model": model, "alias": "champion", "token": None,
            "publish": publish or f"{sys.executable} register.py {url} {model}", **params,
        }  # fmt: skip
        super().__init__(root, {"mlflow_alias": own}, steps=[], folder=str(root))

    def ask(self, what: str, **fields: str) -> Any:
        """Change something by an own question."""
        body = json.dumps({"name": self.model, **fields}).encode()
        request = urllib.request.Request(
            f"{self.url}/api/2.0/mlflow/{what}", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def aliases(self) -> dict[str, int]:
        """Return which version has which alias, by an own question."""
        with urllib.request.urlopen(
            f"{self.url}/api/2.0/mlflow/registered-models/get?name={self.model}", timeout=30
        ) as answer:
            found = json.load(answer)["registered_model"].get("aliases", [])
        return {entry["alias"]: int(entry["version"]) for entry in found}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a tracking server."""
    with tracking_server(tmp_path_factory.mktemp("mlflow")) as url:
        yield url


@pytest.fixture
def registry(server: str, tmp_path: Path, request: pytest.FixtureRequest) -> Registry:
    made = Registry(tmp_path, server, f"m{abs(hash(request.node.name))}")
    made.ask("registered-models/create")
    return made


@real
def test_the_first_release_and_the_next(registry: Registry) -> None:
    assert registry.do("first", run="1") == 0, registry.said
    assert registry.aliases() == {"champion": 1}
    assert registry.do("deploy") == 0, registry.said
    assert registry.aliases() == {"champion": 1, "champion-candidate": 2}
    assert registry.do("promote") == 0, registry.said
    assert registry.aliases() == {"champion": 2, "champion-previous": 1}


@real
@pytest.mark.parametrize("position", range(3))
def test_a_rollback_at_any_step_twice_is_what_was_before(registry: Registry, position: int) -> None:
    registry.do("first", run="1")
    for words in (["deploy"], ["promote"])[:position]:
        for _ in range(2):
            assert registry.do(*words) == 0, registry.said
    for _ in range(2):
        assert registry.do("rollback") == 0, registry.said
        assert registry.aliases() == {"champion": 1}


@real
def test_an_earlier_release_is_live_again_by_its_name(registry: Registry) -> None:
    registry.do("first", run="1")
    for run in ("7", "8"):
        for words in (["deploy"], ["promote"]):
            assert registry.do(*words, run=run) == 0, registry.said
    assert registry.do("restore", run="99", MLCC_RESTORE="live-1") == 0, registry.said
    assert registry.aliases() == {"champion": 1, "champion-previous": 3}
    assert registry.do("restore", run="99", MLCC_RESTORE="live-5") == 1
    assert "is of the release 'live-5'" in registry.said


@real
def test_a_release_that_was_registered_is_not_registered_again(registry: Registry) -> None:
    registry.do("first", run="1")
    for words in (["deploy"], ["rollback"], ["deploy"]):
        assert registry.do(*words) == 0, registry.said
    assert registry.aliases() == {"champion": 1, "champion-candidate": 2}


@real
def test_an_alias_that_somebody_set_by_hand_counts(registry: Registry) -> None:
    registry.ask("model-versions/create", source="s3://models/mine")
    registry.ask("registered-models/alias", alias="champion", version="1")
    for words in (["deploy"], ["promote"]):
        assert registry.do(*words) == 0, registry.said
    assert registry.aliases() == {"champion": 2, "champion-previous": 1}
    assert registry.do("first", run="9") == 1
    assert "'live-7' is live" in registry.said


@real
def test_a_candidate_that_outlived_its_lease_is_removed(registry: Registry) -> None:
    registry.do("first", run="1")
    registry.do("deploy")
    assert registry.do("deploy", run="8") == 2
    assert "'live-7' is being released" in registry.said
    registry.ask("registered-models/set-tag", key="mlcc.champion.lease", value=f"{time.time() - 5:.0f}")
    assert registry.do("deploy", run="8") == 0, registry.said
    assert registry.aliases() == {"champion": 1, "champion-candidate": 3}


@real
def test_a_rollback_whose_target_is_gone_is_an_error(registry: Registry) -> None:
    registry.do("first", run="1")
    assert registry.do("rollback", run="1") == 1
    assert registry.said == "mlcc: nothing was live before 'live-1': there is nothing to bring back\n"
    assert registry.aliases() == {"champion": 1}


@real
def test_a_model_that_is_not_there_is_an_error(server: str, tmp_path: Path) -> None:
    registry = Registry(tmp_path, server, "nothing")
    assert registry.do("deploy") == 2
    assert registry.said == (
        "mlcc: MLflow answers GET registered-models/get with 404: Registered Model with name=nothing not found\n"
    )


@real
@pytest.mark.parametrize("publish", ["echo", "echo version 3", "echo 3; echo done", "echo 99999999999"])
def test_a_program_that_prints_no_version_is_an_error(server: str, tmp_path: Path, publish: str) -> None:
    registry = Registry(tmp_path, server, f"p{abs(hash(publish))}", publish)
    registry.ask("registered-models/create")
    assert registry.do("deploy") == 2
    assert registry.said == "mlcc: `publish` printed no number of a version as its last line\n"


def test_a_server_that_is_down_is_an_error(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    registry = Registry(tmp_path, f"http://127.0.0.1:{port}", "churn")
    assert registry.do("deploy") == 2
    assert (
        registry.said == f"mlcc: MLflow at http://127.0.0.1:{port} gives no answer (ConnectionRefusedError)\n"
    )


class _Notes(BaseHTTPRequestHandler):
    seen: list[str]

    def do_GET(self) -> None:
        self.seen.append(str(self.headers.get("Authorization")))
        self.send_response(302)
        self.send_header("Location", "http://127.0.0.1:9/")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_a_token_goes_to_the_server_and_not_where_that_sends_it(tmp_path: Path) -> None:
    _Notes.seen = []
    server = HTTPServer(("127.0.0.1", 0), _Notes)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        registry = Registry(tmp_path, f"http://127.0.0.1:{server.server_port}", "churn", token="MLFLOW")
        assert registry.do("deploy", MLFLOW="secret") == 2
        assert registry.said == "mlcc: MLflow answers GET registered-models/get with 302:\n"
        assert _Notes.seen == ["Bearer secret"]
        assert registry.do("deploy") == 2
        assert registry.said == "mlcc: the variable MLFLOW holds no token for MLflow\n"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
