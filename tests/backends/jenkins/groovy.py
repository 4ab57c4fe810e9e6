"""Groovy 2.4, the version inside Jenkins (Debian's package `groovy`): runs scripts, compiles files, reads sizes."""

from __future__ import annotations

import os
import struct
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.static.checks import tool

TIMEOUT = 300
# The classes of Jenkins that a file may name.
CLASSES = Path(__file__).parents[2] / "execution" / "jenkins" / "groovy"


def run_groovy(script: Path, *arguments: str) -> str:
    """Return what a script prints. Skips the test, or fails it, where there is no Groovy."""
    return _run([tool("groovy", "apt-get install groovy"), "-cp", str(CLASSES), str(script), *arguments])


def compile_groovy(files: Iterable[Path], classes: Path) -> None:
    """Compile files to class files. Raises AssertionError with the compiler's words."""
    _run(
        [tool("groovyc", "apt-get install groovy"), "-cp", str(CLASSES), "-d", str(classes), *map(str, files)]
    )


def _run(command: list[str]) -> str:
    java = Path(tool("java", "apt-get install default-jre-headless")).resolve().parent.parent
    env = {**os.environ, "JAVA_HOME": str(java), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False, env=env)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[:4000]
    return done.stdout


def method_sizes(path: Path) -> dict[str, int]:
    """Return the bytes of code of each method of a class file (Java Virtual Machine Specification, chapter 4)."""
    data = path.read_bytes()
    names, at = _constants(data)
    at += 6
    (count,) = struct.unpack_from(">H", data, at)
    at += 2 + 2 * count
    _, at = _members(data, at, names)
    found, _ = _members(data, at, names)
    return dict(found)


def constant_count(path: Path) -> int:
    """Return the number of constants of a class file."""
    (count,) = struct.unpack_from(">H", path.read_bytes(), 8)
    return int(count)


# Bytes of a constant by its tag, without the tag; a text (1) says its own length.
_SIZES = {
    3: 4,
    4: 4,
    5: 8,
    6: 8,
    7: 2,
    8: 2,
    9: 4,
    10: 4,
    11: 4,
    12: 4,
    15: 3,
    16: 2,
    17: 4,
    18: 4,
    19: 2,
    20: 2,
}


def _constants(data: bytes) -> tuple[dict[int, str], int]:
    """Return the texts of the constant pool by index, and where it ends."""
    (count,) = struct.unpack_from(">H", data, 8)
    names: dict[int, str] = {}
    at, index = 10, 1
    while index < count:
        tag = data[at]
        if tag == 1:
            (length,) = struct.unpack_from(">H", data, at + 1)
            names[index] = data[at + 3 : at + 3 + length].decode("utf-8", "replace")
            at += 3 + length
        else:
            at += 1 + _SIZES[tag]
        index += 2 if tag in (5, 6) else 1
    return names, at


def _members(data: bytes, at: int, names: dict[int, str]) -> tuple[list[tuple[str, int]], int]:
    """Return (name, bytes of code) of fields or methods, and where they end."""
    (count,) = struct.unpack_from(">H", data, at)
    at += 2
    found = []
    for _ in range(count):
        _, name, _, attributes = struct.unpack_from(">HHHH", data, at)
        at += 8
        for attribute, size, start in _attributes(data, at, attributes):
            if names[attribute] == "Code":
                found.append((names[name], struct.unpack_from(">I", data, start + 4)[0]))
            at = start + size
    return found, at


def _attributes(data: bytes, at: int, count: int) -> Iterator[tuple[int, int, int]]:
    for _ in range(count):
        name, size = struct.unpack_from(">HI", data, at)
        yield name, size, at + 6
        at += 6 + size
