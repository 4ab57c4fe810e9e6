"""Kill a compile at every system call that changes the disk, and print what recovery makes of each corpse.

Run as a program: `python driver.py FOLDER [STEP]`. A process of its own, because it forks: each victim is a
child that kills itself with SIGKILL just before its n-th call (a write is cut in half first). Recovery is
provoked by a compile that is refused afterwards, so that the tree it leaves is recovery's own work.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mlcc.diagnostics import OutputError
from mlcc.writing.files import File, marker_line, seal
from mlcc.writing.writer import LockChange, check, write

CALLS = (
    "open",
    "write",
    "fsync",
    "rename",
    "replace",
    "unlink",
    "mkdir",
    "rmdir",
    "fchmod",
    "link",
    "ftruncate",
)
FOREIGN = ".github/workflows/mine.yml"
OLD_LOCK, NEW_LOCK = "# mlcc:lock: old\n", "# mlcc:lock: new\n" * 40


def _file(path: str, body: str) -> File:
    return File(path, f"# {marker_line('mlcc.yaml')}\n{body}\n")


OLD = [
    _file(".github/workflows/ci.yml", "old"),
    _file(".mlcc/gates/unit.json", "old"),
    _file(".mlcc/gates/gone.json", "old"),
    _file("Jenkinsfile", "old"),
]
NEW = [
    _file(".github/workflows/ci.yml", "new"),
    _file(".mlcc/gates/unit.json", "new\n" * 50),
    _file(".mlcc/lib/deep/new.py", "new"),
    _file(".gitlab/child.yml", "new"),
]
SCENARIOS: dict[str, list[File]] = {"first": [], "change": OLD}


def snapshot(root: Path) -> dict[str, str]:
    """Every file's text; empty folders don't count, as git doesn't keep them."""
    return {
        path.relative_to(root).as_posix(): path.read_text()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def plant(root: Path, files: list[File]) -> None:
    """Make the tree that a victim starts from; one file in it was edited by hand."""
    shutil.rmtree(root, ignore_errors=True)
    for path, text in [(FOREIGN, "mine\n"), ("mlcc.yaml", "version: 1\n")]:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    for file in files:
        (root / file.path).parent.mkdir(parents=True, exist_ok=True)
        edit = "by hand\n" if file.path == "Jenkinsfile" else ""
        (root / file.path).write_text(seal(file.text) + edit)
    if files:
        (root / "mlcc.lock").write_text(OLD_LOCK)


def compile_new(root: Path) -> None:
    """The victim's work: overwrite, create, remove; and the lock, which is written with them."""
    lock = root / "mlcc.lock"
    found = lock.read_text() if lock.exists() else None
    change = None if found == NEW_LOCK else LockChange(found, NEW_LOCK)
    write(NEW, root, home=".", force=True, prune=True, lock=change)


def recover(root: Path) -> None:
    """Provoke recovery and nothing else: the compile is refused for a file that isn't mlcc's."""
    try:
        write([*NEW, _file(FOREIGN, "new")], root, home=".", force=True, prune=True)
    except OutputError as refusal:
        if [found.code for found in refusal.diagnostics] != ["not-ours"]:
            raise
        return
    raise AssertionError("the foreign file was overwritten")


def killed_at(number: int, work: Callable[[Path], None], root: Path) -> bool:
    """Run `work` in a child that dies at its n-th call; False when it ended before that."""
    pid = os.fork()
    if pid == 0:
        _arm(number)
        work(root)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return True
    if status != 0:
        raise AssertionError(f"the victim ended with status {status}")
    return False


def _arm(number: int) -> None:
    left = number
    real_write = os.write

    def armed(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def instead(*args: Any, **kwargs: Any) -> Any:
            nonlocal left
            if name == "open" and not args[1] & (os.O_CREAT | os.O_TRUNC):
                return call(*args, **kwargs)
            left -= 1
            if left == 0:
                if name == "write":
                    real_write(args[0], bytes(args[1])[: len(args[1]) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*args, **kwargs)

        return instead

    for name in CALLS:
        setattr(os, name, armed(name, getattr(os, name)))


def refuses_or_agrees(root: Path) -> str:
    """What CHECK says of a corpse, which it must leave as it is."""
    before = snapshot(root)
    try:
        check(NEW, root, home=".")
        said = "checked"
    except OutputError as refusal:
        said = refusal.diagnostics[0].code
    return said if snapshot(root) == before else "changed the tree"


def name_of(tree: dict[str, str], ends: dict[str, dict[str, str]]) -> str:
    """Which of the two whole trees this is; `mixed` when neither."""
    return next((name for name, end in ends.items() if tree == end), "mixed")


def without_aside(tree: dict[str, str]) -> dict[str, str]:
    """The tree without the journal and the files that wait to be renamed."""
    return {path: text for path, text in tree.items() if not path.endswith((".mlcc/journal", ".mlcc-new"))}


def torn(tree: dict[str, str], ends: dict[str, dict[str, str]]) -> list[str]:
    """Outputs that are neither whole as before nor whole as after."""
    return [
        path
        for path, text in without_aside(tree).items()
        if text not in (ends["old"].get(path), ends["new"].get(path))
    ]


def run(root: Path, step: int) -> list[dict[str, Any]]:
    """Kill at every call; every `step`-th time kill recovery at each of its own calls too (0: never)."""
    results: list[dict[str, Any]] = []
    for scenario, files in SCENARIOS.items():
        plant(root, files)
        ends = {"old": snapshot(root)}
        compile_new(root)
        ends["new"] = snapshot(root)
        number = 1
        while True:
            plant(root, files)
            if not killed_at(number, compile_new, root):
                break
            corpse = snapshot(root)
            said = refuses_or_agrees(root)
            left_behind = corpse != without_aside(corpse)
            recover(root)
            mended = snapshot(root)
            compile_new(root)
            results.append(
                {
                    "scenario": scenario,
                    "at": [number],
                    "before": name_of(without_aside(corpse), ends),
                    "left_behind": left_behind,
                    "check": said,
                    "torn": torn(corpse, ends),
                    "after": name_of(mended, ends),
                    "then": name_of(snapshot(root), ends),
                }
            )
            if step and number % step == 0:
                results.extend(_twice(root, scenario, files, number, ends))
            number += 1
    return results


def _twice(
    root: Path, scenario: str, files: list[File], number: int, ends: dict[str, dict[str, str]]
) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = []
    second = 1
    while True:
        plant(root, files)
        killed_at(number, compile_new, root)
        if not killed_at(second, recover, root):
            return results
        corpse = snapshot(root)
        recover(root)
        mended = name_of(snapshot(root), ends)
        at = [number, second]
        results.append({"scenario": scenario, "at": at, "torn": torn(corpse, ends), "after": mended})
        second += 1


if __name__ == "__main__":
    print(json.dumps(run(Path(sys.argv[1]) / "tree", int(sys.argv[2]) if len(sys.argv) > 2 else 0)))
