"""The engines that gates run SQL on, for tests: a Postgres of Debian's on loopback, and Spark in this process."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

_DEBIAN = Path("/usr/lib/postgresql")


def missing(what: str) -> None:
    """Skip for want of a tool, or fail where none may be missing (MLCC_TEST_ALL=1)."""
    if os.environ.get("MLCC_TEST_ALL") == "1":
        pytest.fail(f"{what} is not installed")
    pytest.skip(f"{what} is not installed")


def need_spark() -> None:
    if find_spec("pyspark") is None:
        missing("pyspark")
    if shutil.which("java") is None:
        missing("java")


@contextmanager
def postgres(folder: Path) -> Iterator[dict[str, str]]:
    """Run a private Postgres below an empty folder, and yield the variables by which libpq finds it."""
    programs = _programs()
    folder.mkdir(mode=0o700, exist_ok=True)
    user = None
    if os.geteuid() == 0:  # Postgres refuses to run as root
        user = "nobody"
        shutil.chown(folder, user)
        for above in folder.parents[:3]:
            above.chmod(above.stat().st_mode | 0o055)
    data, port = folder / "data", _free_port()
    options = {"user": user, "cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", "mlcc", "-E", "UTF8", "--locale=C", "-A", "trust", "-N"],
        check=True, **options,  # type: ignore[call-overload]  # the options are shared
    )  # fmt: skip
    settings = [f"port={port}", "listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off"]
    server = subprocess.Popen(
        [programs / "postgres", "-D", data, *(word for one in settings for word in ("-c", one))],
        **options,  # type: ignore[call-overload]
    )
    try:
        _wait_for(port, server)
        yield {"PGHOST": "127.0.0.1", "PGPORT": str(port), "PGUSER": "mlcc", "PGDATABASE": "postgres"}
    finally:
        server.terminate()
        server.wait(30)


def _programs() -> Path:
    found = sorted(_DEBIAN.glob("*/bin/initdb"))
    if not found or find_spec("psycopg") is None:
        missing("postgresql" if not found else "psycopg")
    return found[-1].parent


def _free_port() -> int:
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    import psycopg

    deadline = time.monotonic() + 60
    while server.poll() is None and time.monotonic() < deadline:
        try:
            psycopg.connect(host="127.0.0.1", port=port, user="mlcc", dbname="postgres").close()
            return
        except psycopg.OperationalError:
            time.sleep(0.1)
    pytest.fail("Postgres didn't start")
