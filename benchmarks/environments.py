"""Virtual environments of the peers, made once and kept: their packages exclude each other, and mlcc's."""

from __future__ import annotations

import hashlib
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
"""The folder of the benchmarks."""
CACHE = FOLDER / ".cache"
"""What benchmarks keep from run to run: environments and tables. Git ignores it; whoever removes it loses time only."""
_IMPORTS = 5
_PIP = (
    "pip",
    "pip-",
    "setuptools",
    "setuptools-",
    "pkg_resources",
    "_distutils_hack",
    "distutils-precedence",
)


def python(name: str) -> str:
    """Return the Python of the environment that `peers/NAME.txt` pins, made by pip where it isn't there yet.

    Raises subprocess.CalledProcessError where pip can't.
    """
    pins = FOLDER / "peers" / f"{name}.txt"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    digest = hashlib.sha256(version.encode() + pins.read_bytes()).hexdigest()
    folder = CACHE / "environments" / f"{name}-{digest[:12]}"
    program, done = folder / "bin" / "python", folder / "done"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [program, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "--only-binary", ":all:", "-r", pins], check=True)
        done.touch()
    return str(program)


def installed_bytes(program: str) -> int:
    """Return the size of what is installed in an environment besides pip and setuptools."""
    (packages,) = (Path(program).parent.parent / "lib").glob("python*/site-packages")
    return sum(file.lstat().st_size for entry in packages.iterdir() for file in _files(entry))


def _files(entry: Path) -> Iterator[Path]:
    if entry.name.startswith(_PIP):
        return
    for folder, _, names in os.walk(entry):
        yield from (Path(folder, name) for name in names)
    if entry.is_file():
        yield entry


def import_seconds(program: str, module: str) -> float:
    """Return the median wall time that importing a module adds to `python -c pass`, its bytecode compiled before."""

    env = {**os.environ, "HOME": str(CACHE)}  # there are those that write into it at once

    def seconds(code: str) -> float:
        start = time.perf_counter()
        subprocess.run([program, "-W", "ignore", "-c", code], env=env, check=True)
        return time.perf_counter() - start

    seconds(f"import {module}")
    pairs = [(seconds(f"import {module}"), seconds("pass")) for _ in range(_IMPORTS)]
    return statistics.median(full - empty for full, empty in pairs)
