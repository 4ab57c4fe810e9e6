"""Waits for the containers beside a node. Standard library only: bundled into the emitted script."""

from __future__ import annotations

import contextlib
import socket
import time

from mlcc.runtime.records import RunError


def wait_for(id: str, host: str, port: str, limit: float) -> None:
    """Wait until a service accepts connections. Raises RunError at `limit` (of time.monotonic)."""
    if not host or not port:
        raise RunError(f"the CI system gave no address for the service '{id}'")
    while True:
        try:
            with contextlib.closing(socket.create_connection((host, int(port)), timeout=1.0)):
                return
        except (OSError, ValueError):
            if time.monotonic() > limit:
                raise RunError(f"the service '{id}' accepted no connection in time") from None
            time.sleep(0.2)
