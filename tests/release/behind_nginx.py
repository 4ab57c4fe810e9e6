"""Debian's nginx on loopback, servers that say which release they are, and requests that never stop."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from mlcc.release.adapters.nginx.compile import compile
from tests.release.driven import SCRIPT, Driven

SERVER = """
import os, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Model(BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(0 if self.path == "/healthz" else 0.004)
        self.send_response(200); self.end_headers(); self.wfile.write(sys.argv[1].encode())
    def log_message(self, *_): pass
ThreadingHTTPServer.request_queue_size = 128
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Model).serve_forever()
"""
NGINX = """
daemon on; worker_processes 2; pid ROOT/nginx.pid; error_log ROOT/error.log;
events {}
http {
    access_log off;
    client_body_temp_path ROOT/t1; proxy_temp_path ROOT/t2; fastcgi_temp_path ROOT/t3; uwsgi_temp_path ROOT/t4;
    scgi_temp_path ROOT/t5;
    include ROOT/kept/*.conf;
    server { listen 127.0.0.1:FRONT; location / { proxy_pass http://$mlcc_shop; } }
}
"""
START = f"{sys.executable} server.py $MLCC_RELEASE $MLCC_PORT > $MLCC_FOLDER/log 2>&1 & echo $! > $MLCC_FOLDER/pid"
STOP = "if [ -e $MLCC_FOLDER/pid ]; then kill $(cat $MLCC_FOLDER/pid) || true; fi"
# nginx refuses a variable that isn't there, and before the first release nothing makes it.
UNTIL_THEN = 'map "" $mlcc_shop { default nobody; }\n'


class Params:
    """The parameters as the spec has them."""

    def __init__(self, **keys: Any) -> None:
        self.__dict__.update(keys)


def free_ports(number: int) -> list[int]:
    """Return ports of loopback that nobody has."""
    sockets = [socket.socket() for _ in range(number)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


class BehindNginx(Driven):
    """A release through an nginx of its own. `settle`: how long a verb waits for the old workers, in seconds."""

    def __init__(self, root: Path, settle: float = 0.05, **changes: Any) -> None:
        self.front, self.status, *self.ports = free_ports(5)
        self.kept = root / "kept"
        self.kept.mkdir()
        nginx = f"nginx -p {root} -c {root}/nginx.conf -e {root}/error.log"
        params = {
            "name": "shop", "folder": str(self.kept), "ports": self.ports, "status": self.status, "start": START,
            "stop": STOP, "liveness": "/healthz", "start_within": "15s", "keep": 1,
            "reload": f"{nginx} -t -q && {nginx} -s reload", **changes,
        }  # fmt: skip
        super().__init__(root, {"nginx": compile(Params(**params), "live")}, folder=str(root))
        script = root / ".mlcc/release.py"
        assert "\nSETTLE = 1.0 " in SCRIPT
        script.write_text(SCRIPT.replace("\nSETTLE = 1.0 ", f"\nSETTLE = {settle} "))
        (root / "server.py").write_text(SERVER)
        (root / "nginx.conf").write_text(NGINX.replace("ROOT", str(root)).replace("FRONT", str(self.front)))
        self.command = nginx.split()

    def nginx(self, *words: str) -> None:
        """Run nginx itself."""
        subprocess.run([*self.command, *words], check=True, capture_output=True)

    def begin(self) -> None:
        """Start nginx, and bring up the first release: `live-1`."""
        (self.kept / "before.conf").write_text(UNTIL_THEN)
        self.nginx()
        (self.kept / "before.conf").unlink()
        assert self.do("first", run="1") == 0, self.said

    def end(self) -> None:
        """Stop nginx and every server."""
        for path in [*self.kept.glob("releases/*/pid"), self.root / "nginx.pid"]:
            if path.exists():
                subprocess.run(["kill", path.read_text().strip()], check=False, capture_output=True)

    def get(self, path: str = "/") -> str:
        """Return what the front answers; "lost" where that is no 200."""
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.front, timeout=10)
            connection.request("GET", path, headers={"Connection": "close"})
            answer = connection.getresponse()
            text = answer.read().decode()
            connection.close()
        except (OSError, http.client.HTTPException):
            return "lost"
        return text if answer.status == 200 else "lost"

    def servers(self) -> list[str]:
        """The releases whose servers run."""
        found = []
        for path in sorted(self.kept.glob("releases/*/pid")):
            command = Path(f"/proc/{path.read_text().strip()}/cmdline")
            try:
                alive = bool(command.read_bytes())  # of one that is about to be gone it is empty
            except (FileNotFoundError, ProcessLookupError):
                alive = False
            found += [path.parent.name] if alive else []
        return found


class Load:
    """Requests without end, from several threads; `taken()` returns who answered since it was last asked."""

    def __init__(self, front: BehindNginx, threads: int = 4) -> None:
        self.front, self.stop = front, threading.Event()
        self.answers: list[str] = []
        self.threads = [threading.Thread(target=self._run) for _ in range(threads)]

    def __enter__(self) -> Load:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def _run(self) -> None:
        while not self.stop.is_set():
            self.answers.append(self.front.get())

    def more(self, number: int) -> Counter[str]:
        """Wait for so many answers more, and count them by who answered."""
        begun = len(self.answers)
        limit = time.monotonic() + 60
        while len(self.answers) < begun + number:
            assert time.monotonic() < limit, "requests stand still"
            time.sleep(0.02)
        return Counter(self.answers[begun : begun + number])
