"""What this machine and this checkout tell, without asking anybody."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from mlcc.backends import joined
from mlcc.backends._owned import OWNERS, owned_paths
from mlcc.compiler import Compiled, chosen_targets
from mlcc.diagnostics import OutputError, SpecError
from mlcc.doctor import pins
from mlcc.doctor.client import CLIENTS, said
from mlcc.doctor.finding import HERE, Finding, State
from mlcc.doctor.owners import PLACES, file_of, unowned
from mlcc.repository import ignored
from mlcc.runtime.patterns import name_matches
from mlcc.writing.outputs import command_line
from mlcc.writing.writer import check

OLDEST_PYTHON = (3, 8)  # of the emitted scripts
_SHOWN = 3
_HOOK = re.compile(r"^[^#\n]*\bid:\s*['\"]?mlcc-compile-check\b", re.MULTILINE)
_URL = re.compile(r"(?:[a-z+]+://)?(?:[^@/]*@)?(?P<host>[^/:@]+)")


def findings(one: Compiled) -> Iterator[Finding]:
    """Yield how the checkout and this machine stand for a spec that compiles."""
    root = one.analysis.root
    if said(root, "git", "rev-parse", "--git-dir") is None:
        yield _found("git", "missing", "the project is a git repository", "", "git init")
    else:
        yield _remote(one)
        yield _committed(one)
        yield from _default_branch(one)
        yield _hook(root)
    yield _fresh(one)
    yield from pins.findings(one)
    yield from _owners(one)
    yield _reports(one)
    yield _python(root)
    yield _bash(root)
    yield from _clients(one)


def host_of(root: Path) -> str:
    """Return the host of the remote `origin`; empty where there is none, or it is a folder."""
    url = said(root, "git", "remote", "get-url", "origin") or ""
    found = _URL.match(url)
    return found["host"].lower() if found and ("://" in url or ":" in url) else ""


def system_of(host: str) -> str:
    """Return the CI system that a host's name tells; empty where it tells none."""
    return next((system for system in PLACES if system in host), "")


def _found(id: str, state: State, what: str, detail: str = "", mend: str = "") -> Finding:
    return Finding(HERE, id, state, what, detail, mend)


def _several(names: list[str]) -> str:
    rest = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _remote(one: Compiled) -> Finding:
    what = "the remote `origin` is at a CI system that the spec compiles for"
    host = host_of(one.analysis.root)
    system = system_of(host)
    if not host:
        return _found(
            "remote", "unknown", what, "there is no remote, or it is a folder", "git remote add origin URL"
        )
    if not system:
        return _found("remote", "unknown", what, f"{host} may be any")
    # Jenkins builds repositories of any host.
    if {system, "jenkins"} & set(one.targets):
        return _found("remote", "done", what, host)
    return _found(
        "remote",
        "missing",
        what,
        f"{host}, but compiled for {', '.join(one.targets)}",
        f"add {system} to `targets`",
    )


def _fresh(one: Compiled) -> Finding:
    plan = one.analysis.plan
    what = "the compiled files are what the spec compiles to"
    call = command_line("compile", one.path, None, _named(one))
    try:
        drifts = check(
            one.own, one.analysis.root, home=plan.home, spec=plan.spec_files[0], call=call,
            part=bool(one.analysis.instance),
        )  # fmt: skip
    except OutputError as problem:
        return _found("compiled", "missing", what, str(problem), call)
    names = [*(f"{drift.path} ({drift.kind})" for drift in drifts), *_shares(one)]
    return _found("compiled", "missing" if names else "done", what, _several(names), call if names else "")


def _shares(one: Compiled) -> Iterator[str]:
    """Yield the files shared with other instances that don't hold this one's part as it is compiled."""
    for file in one.shared:
        try:
            there = (one.analysis.root / file.path).read_text("utf-8")
            if joined(file.path, [there, file.text]) != there:
                yield f"{file.path} (stale)"
        except OSError:
            yield f"{file.path} (missing)"
        except (SpecError, UnicodeDecodeError):  # it says something else of this one
            yield f"{file.path} (stale)"


def _named(one: Compiled) -> tuple[str, ...]:
    """Return the back ends that a call names to mean these: none where they are the spec's own."""
    return () if one.targets == chosen_targets(one.analysis.plan, ()) else one.targets


def _committed(one: Compiled) -> Finding:
    what = "the spec and the compiled files are committed"
    plan = one.analysis.plan
    paths = [*plan.spec_files, *([plan.lock] if plan.lock else []), *(file.path for file in one.files)]
    root = one.analysis.root
    words = ("status", "--porcelain", "-z", "--no-renames", "--ignored", "--untracked-files=all", "--")
    answer = said(root, "git", "--no-optional-locks", "--literal-pathspecs", *words, *paths)
    if answer is None:
        return _found("committed", "unknown", what, "git doesn't say")
    names = sorted({entry[3:] for entry in answer.split("\0") if len(entry) > 3})  # two letters and a blank
    return _found(
        "committed",
        "missing" if names else "done",
        what,
        _several(names),
        "git add them, and commit" if names else "",
    )


def _default_branch(one: Compiled) -> Iterator[Finding]:
    patterns = one.analysis.plan.triggers.push
    if patterns is None:
        return
    what = "a push to the default branch runs the pipeline"
    branch = said(one.analysis.root, "git", "symbolic-ref", "--short", "refs/remotes/origin/HEAD")
    if not branch:
        detail = "git doesn't know the remote's default branch"
        yield _found("default-branch", "unknown", what, detail, "git remote set-head origin --auto")
        return
    name = branch.removeprefix("origin/")
    runs = any(name_matches(pattern, name) for pattern in patterns)
    detail = name if runs else f"{name} isn't among {', '.join(patterns)}"
    mend = "" if runs else f"add {name} to `triggers.push.branches`"
    yield _found("default-branch", "done" if runs else "missing", what, detail, mend)


def _owners(one: Compiled) -> Iterator[Finding]:
    root = one.analysis.root
    for system in PLACES:
        if system not in one.targets:
            continue
        id, what = (
            f"code-owners.{system}",
            f"CODEOWNERS gives the spec and what it compiles to owners ({system})",
        )
        call = command_line("obligations", one.path, None, (system,))
        mend = f"`{call}` has the lines, with {OWNERS} for who they are"
        file = file_of(root, system)
        try:
            text = file.read_text("utf-8") if file is not None else None
        except (OSError, UnicodeDecodeError):
            yield _found(id, "unknown", what, "the file can't be read")
            continue
        if text is None or file is None:
            yield _found(id, "missing", what, "there is no such file", mend)
            continue
        open_paths = unowned(text, _guarded(one, system), system)
        detail = f"nobody owns {_several(open_paths)}" if open_paths else str(file.relative_to(root))
        yield _found(id, "missing" if open_paths else "done", what, detail, mend if open_paths else "")


def _guarded(one: Compiled, system: str) -> list[str]:
    """Return the files that need owners: the spec's, the compiled ones of a system, and one that may come to .mlcc/."""
    patterns = owned_paths(one.analysis.plan, system)
    written = [file.path for file in one.files if any(_is_below(pattern, file.path) for pattern in patterns)]
    written += [pattern for pattern in patterns if (one.analysis.root / pattern).is_file()]
    new = [f"{pattern}gates/new.json" for pattern in patterns if pattern.endswith(".mlcc/")]
    return sorted({*written, *new})


def _is_below(pattern: str, path: str) -> bool:
    return path.startswith(pattern) if pattern.endswith("/") else name_matches(pattern, path)


def _reports(one: Compiled) -> Finding:
    home = one.analysis.plan.home
    path = f"{home}/_mlcc/report" if home else "_mlcc/report"
    state: State = "done" if ignored(one.analysis.root, [path]) else "missing"
    mend = "" if state == "done" else "add the line _mlcc/ to .gitignore"
    return _found("gitignore", state, "git ignores _mlcc/, which gates write their reports to", "", mend)


def _hook(root: Path) -> Finding:
    what = "a pre-commit hook checks the compiled files"
    config = root / ".pre-commit-config.yaml"
    stated = config.is_file() and bool(_HOOK.search(config.read_text("utf-8", "replace")))
    hook = said(root, "git", "rev-parse", "--git-path", "hooks/pre-commit")
    installed = hook is not None and (root / hook).is_file()
    if stated and installed:
        return _found("pre-commit", "done", what)
    if stated:
        return _found(
            "pre-commit", "missing", what, "it is configured, and not installed", "pre-commit install"
        )
    mend = "add the hook mlcc-compile-check to .pre-commit-config.yaml, then `pre-commit install`"
    return _found("pre-commit", "missing", what, ".pre-commit-config.yaml doesn't name it", mend)


def _python(root: Path) -> Finding:
    oldest = ".".join(map(str, OLDEST_PYTHON))
    what = f"python3 is {oldest} or newer, to run gates by hand"
    found = re.search(r"(\d+)\.(\d+)\S*", said(root, "python3", "-V") or "")
    if not found:
        return _found("python", "missing", what, "it isn't there")
    new = (int(found[1]), int(found[2])) >= OLDEST_PYTHON
    return _found("python", "done" if new else "missing", what, found.group())


def _bash(root: Path) -> Finding:
    found = re.search(r"version (\S+)", said(root, "bash", "--version") or "")
    detail = found[1] if found else "it isn't there"
    return _found(
        "bash", "done" if found else "missing", "bash is there, which runs a node's commands", detail
    )


def _clients(one: Compiled) -> Iterator[Finding]:
    for system in one.targets:
        name = CLIENTS.get(system)
        if name is None:
            continue
        what = f"{name} is there, {system}'s own client"
        there = shutil.which(name) is not None
        yield _found(
            f"client.{name}", "done" if there else "unknown", what, "" if there else "without it nothing can be asked",
            "" if there else "install it, or make the settings on the system's own pages",
        )  # fmt: skip
