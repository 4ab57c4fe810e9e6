"""The adapters that the emitted script knows. Standard library only: bundled into it."""

from __future__ import annotations

from mlcc.release.adapters.command.runtime import CommandAdapter
from mlcc.release.adapters.nginx.runtime import NginxAdapter

DRIVEN = {
    "command": CommandAdapter,
    "nginx": NginxAdapter,
}
