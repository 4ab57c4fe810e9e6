"""A system call that fails instead of a process that dies: all is put back, or finished by the next run."""

from __future__ import annotations

import errno
import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlcc.diagnostics import OutputError

_SPEC = importlib.util.spec_from_file_location("driver", Path(__file__).with_name("driver.py"))
assert _SPEC is not None
assert _SPEC.loader is not None
driver = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(driver)

Trace = list[tuple[str, str]]


def _instrumented(
    monkeypatch: pytest.MonkeyPatch, work: Callable[[], None], before: Callable[[str, tuple[Any, ...]], None]
) -> None:
    """Run `work` with `before` called ahead of every call that changes the disk."""

    def armed(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def instead(*args: Any, **kwargs: Any) -> Any:
            if name != "open" or args[1] & (os.O_CREAT | os.O_TRUNC):
                before(name, args)
            return call(*args, **kwargs)

        return instead

    with monkeypatch.context() as patch:
        for name in driver.CALLS:
            patch.setattr(os, name, armed(name, getattr(os, name)))
        work()


def _failing(start: int, count: int, code: int) -> Callable[[str, tuple[Any, ...]], None]:
    """Raise at the call number `start` and the `count - 1` calls after it."""
    seen = 0

    def before(name: str, args: tuple[Any, ...]) -> None:
        nonlocal seen
        seen += 1
        if start <= seen < start + count:
            raise OSError(code, os.strerror(code))

    return before


@pytest.mark.parametrize("scenario", ["first", "change"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES])
@pytest.mark.parametrize("count", [1, 2, 1000])
def test_a_failure_changes_nothing_or_is_finished_by_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scenario: str, code: int, count: int
) -> None:
    root = tmp_path / "tree"
    driver.plant(root, driver.SCENARIOS[scenario])
    old = driver.snapshot(root)
    driver.compile_new(root)
    new = driver.snapshot(root)
    undone = number = 0
    while True:
        number += 1
        driver.plant(root, driver.SCENARIOS[scenario])
        try:
            _instrumented(monkeypatch, lambda: driver.compile_new(root), _failing(number, count, code))
        except OutputError as refusal:
            (found,) = refusal.diagnostics
            assert found.code == "cannot-write"
            assert os.strerror(code) in found.message
            if found.help == "nothing was changed":
                # at most the last step, flushing the removal of the journal, can fail after everything is new
                undone += driver.snapshot(root) == old
                assert driver.snapshot(root) in (old, new)
            else:
                assert "`.mlcc/journal`" in (found.help or "")
            driver.recover(root)
            assert driver.snapshot(root) in (old, new)
        else:
            break
    assert number > 40
    if count == 1:
        # all but the removal of the journal and its flush, at which everything is new already
        assert undone >= number - 3


def test_an_interrupt_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driver.plant(tmp_path, driver.OLD)
    old = driver.snapshot(tmp_path)

    def before(name: str, args: tuple[Any, ...]) -> None:
        if name == "rename" and str(args[1]) == "ci.yml":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _instrumented(monkeypatch, lambda: driver.compile_new(tmp_path), before)
    assert driver.snapshot(tmp_path) == old


def test_everything_is_flushed_before_the_first_rename(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut keeps only what was flushed: data before its rename, the commit before any rename."""
    driver.plant(tmp_path, driver.OLD)
    trace: Trace = []

    def name_of(descriptor: int) -> str:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        return "." if path == tmp_path else path.relative_to(tmp_path).as_posix()

    def before(name: str, args: tuple[Any, ...]) -> None:
        trace.append((name, name_of(args[0]) if name in ("write", "fsync") else str(args[0])))

    _instrumented(monkeypatch, lambda: driver.compile_new(tmp_path), before)
    journal = ".mlcc/journal"
    writes = [at for at, step in enumerate(trace) if step == ("write", journal)]
    flushes = [at for at, step in enumerate(trace) if step == ("fsync", journal)]
    renames = [at for at, step in enumerate(trace) if step[0] == "rename"]
    fresh = [path for name, path in trace if name == "write" and path.endswith(".mlcc-new")]
    assert len(writes) == len(flushes) == 2
    assert len(renames) == len(fresh) == 5  # four outputs and the lock
    stage, commit = flushes
    assert writes[0] < stage < writes[1] < commit < renames[0]
    removed = next(at for at, step in enumerate(trace) if step == ("unlink", "Jenkinsfile"))
    assert commit < removed
    staging = trace[stage:commit]
    assert trace[: stage + 2][-1] == ("fsync", ".mlcc")  # the journal's own entry, before anything else
    for path in fresh:
        assert staging.index(("write", path)) < staging.index(("fsync", path))
        assert ("fsync", path.rpartition("/")[0] or ".") in staging[staging.index(("fsync", path)) :]
    ended = trace[max(*renames, removed) :]
    gone = ended.index(("unlink", "journal"))
    assert {path for name, path in ended[:gone] if name == "fsync"} >= {
        ".github/workflows",
        ".mlcc/gates",
        ".",
    }
