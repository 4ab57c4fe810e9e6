"""Offline stand-ins for the actions that compiled workflows use, run as ``stub_actions.py ACTION SETTINGS``.

Inputs arrive as JSON in ``STUB_INPUTS``; SETTINGS is a JSON file that act.py writes: ``artifacts``, ``caches`` and
``toolcache`` and ``scripts`` (folders), ``origin`` (the repository), ``sha``, ``ref`` and ``python``. Standard library only.

Behaviour follows the actions' sources at the pinned commits: src/shared/search.ts of upload-artifact v7.0.0,
src/download-artifact.ts of download-artifact v8.0.1, src/git-source-provider.ts of checkout v7.0.1,
src/restoreImpl.ts and src/saveImpl.ts of cache v5.0.5. What isn't modelled is refused, never ignored.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_WILDCARD = re.compile(r"[*?]")
_BAD_NAME = re.compile(r'[":<>|*?\r\n\\/]')
_BAD_PATH = re.compile(r'[":<>|*?\r\n]')


class StubError(Exception):
    """The real action would fail, or the stub does not model what it was asked."""


def main(action: str, settings_path: str) -> int:
    """Run one stub; 1 and an ``::error::`` line where the real action would fail."""
    settings = json.loads(Path(settings_path).read_text(encoding="utf-8"))
    inputs = {name: str(value) for name, value in json.loads(os.environ["STUB_INPUTS"]).items()}
    try:
        ACTIONS[action](inputs, settings)
    except StubError as error:
        print(f"::error::{error}")
        return 1
    return 0


def checkout(inputs: dict[str, str], settings: dict[str, Any]) -> None:
    """Fetch the event's commit, with as much history as was asked for and no more."""
    _only(inputs, {"fetch-depth", "persist-credentials", "ref", "path", "filter", "sparse-checkout"})
    folder = Path(inputs.get("path") or ".")
    folder.mkdir(parents=True, exist_ok=True)
    ref, wanted = ("", inputs["ref"]) if inputs.get("ref") else (settings["ref"], settings["sha"])
    branch = ref.removeprefix("refs/heads/") if ref.startswith("refs/heads/") else None
    local = f"refs/remotes/origin/{branch}" if branch else ref.replace("refs/pull/", "refs/remotes/pull/")
    specific = f"+{wanted}:{local}" if local else wanted
    depth = int(inputs.get("fetch-depth") or 1)
    sparse = inputs.get("sparse-checkout", "").split()
    partial = inputs.get("filter") or ("blob:none" if sparse else "")
    fetch = ["fetch", "-q", *([f"--filter={partial}"] if partial else [])]
    _git(folder, "init", "-q")
    _git(folder, "remote", "add", "origin", f"file://{settings['origin']}")
    if depth <= 0:
        _git(folder, *fetch, "--tags", "origin", "+refs/heads/*:refs/remotes/origin/*")
        _git(folder, *fetch, "origin", specific)
    else:
        _git(folder, *fetch, "--no-tags", f"--depth={depth}", "origin", specific)
    if sparse:
        _git(folder, "sparse-checkout", "set", *sparse)
    target = ["-B", branch, local] if branch else ["--detach", local or "FETCH_HEAD"]
    _git(folder, "checkout", "-q", "--force", *target)
    _output("commit", _git(folder, "rev-parse", "HEAD"))


def upload_artifact(inputs: dict[str, str], settings: dict[str, Any]) -> None:
    """Store files below their search path (one pattern) or the least common ancestor of all search paths."""
    _only(
        inputs,
        {
            "name",
            "path",
            "if-no-files-found",
            "retention-days",
            "compression-level",
            "overwrite",
            "include-hidden-files",
        },
    )
    name = inputs.get("name") or "artifact"
    if _BAD_NAME.search(name):
        raise StubError(f"The artifact name is not valid: {name}")
    files, root = _search(inputs.get("path", ""), hidden=_flag(inputs, "include-hidden-files"))
    if not files:
        message = f"No files were found with the provided path: {inputs.get('path')}. No artifacts will be uploaded."
        reaction = inputs.get("if-no-files-found") or "warn"
        if reaction == "error":
            raise StubError(message)
        print(f"::warning::{message}" if reaction == "warn" else message)
        return
    target = Path(settings["artifacts"], name)
    if target.exists() and _flag(inputs, "overwrite"):
        shutil.rmtree(target)
    try:
        target.mkdir(parents=True)
    except FileExistsError:
        raise StubError(f"an artifact with this name already exists on the workflow run: {name}") from None
    for file in files:
        inside = file.relative_to(root)
        if _BAD_PATH.search(str(inside)):
            raise StubError(f"The path for one of the files in artifact is not valid: {inside}")
        copy = target / inside
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)  # contents alone: an artifact holds no modes, no links, no empty folders
    print(f"Artifact {name} has {len(files)} files")


def download_artifact(inputs: dict[str, str], settings: dict[str, Any]) -> None:
    """Fetch one artifact by name, or all that match: each into a folder of its own, unless there is only one."""
    _only(inputs, {"name", "path", "pattern", "merge-multiple", "digest-mismatch"})
    stored = {folder.name: folder for folder in sorted(Path(settings["artifacts"]).iterdir())}
    path = Path(inputs.get("path") or ".").resolve()
    name, pattern = inputs.get("name"), inputs.get("pattern")
    if name:
        if name not in stored:
            raise StubError(f"Unable to download artifact(s): Artifact '{name}' not found")
        chosen = {name: stored[name]}
    else:
        matcher = _matcher(pattern or "*")
        chosen = {found: folder for found, folder in stored.items() if matcher.fullmatch(found)}
    into_path = bool(name) or _flag(inputs, "merge-multiple") or len(chosen) == 1
    for found, folder in chosen.items():
        shutil.copytree(folder, path if into_path else path / found, dirs_exist_ok=True)
    print(f"Total of {len(chosen)} artifact(s) downloaded: {' '.join(chosen)}")
    _output("download-path", str(path))


def cache_restore(inputs: dict[str, str], settings: dict[str, Any]) -> None:
    """Restore the entry of the key, or else the newest one that a restore key is a prefix of."""
    _only(inputs, {"path", "key", "restore-keys", "fail-on-cache-miss", "lookup-only"})
    key = inputs["key"]
    _output("cache-primary-key", key)
    entries = sorted(
        Path(settings["caches"]).iterdir(), key=lambda entry: entry.stat().st_mtime_ns, reverse=True
    )
    names = [bytes.fromhex(entry.name).decode() for entry in entries]
    prefixes = [line.strip() for line in inputs.get("restore-keys", "").splitlines() if line.strip()]
    hit = next((name for name in names if name == key), None)
    near = (name for prefix in [key, *prefixes] for name in names if name.startswith(prefix))
    matched = hit or next(near, None)
    if matched is None and _flag(inputs, "fail-on-cache-miss"):
        raise StubError(
            f"Failed to restore cache entry. Exiting as fail-on-cache-miss is set. Input key: {key}"
        )
    print(f"Cache restored from key: {matched}" if matched else f"Cache not found for input keys: {key}")
    _output("cache-hit", "true" if hit else "false" if matched else "")
    _output("cache-matched-key", matched or "")
    if matched is not None and not _flag(inputs, "lookup-only"):
        for number, path in enumerate(_cache_paths(inputs)):
            saved = Path(settings["caches"], matched.encode().hex(), str(number))
            if saved.is_dir():
                shutil.copytree(saved, path, dirs_exist_ok=True)


def cache_save(inputs: dict[str, str], settings: dict[str, Any]) -> None:
    """Save under the key; an entry is immutable, so that a second save only warns."""
    _only(inputs, {"path", "key"})
    entry = Path(settings["caches"], inputs["key"].encode().hex())
    if entry.exists():
        print(f"::warning::Unable to reserve cache with key {inputs['key']}")
        return
    for number, path in enumerate(_cache_paths(inputs)):
        if path.is_dir():
            shutil.copytree(path, entry / str(number))
    if not entry.exists():
        print("::warning::Path Validation Error: no cache is being saved")


def setup_python(inputs: dict[str, str], settings: dict[str, Any]) -> None:
    """Put the given Python first on PATH, whatever version was asked for; the log says which it is."""
    _only(inputs, {"python-version", "check-latest", "allow-prereleases"})
    print(f"asked for Python {inputs.get('python-version')}, given {settings['python']}")
    # The last line comes first on PATH: the wrappers, what is installed beside the Python, other commands.
    beside = Path(settings["python"]).parent
    _append("GITHUB_PATH", f"{settings['scripts']}\n{beside}\n{settings['toolcache']}\n")
    _output("python-version", inputs.get("python-version", ""))
    _output("python-path", f"{settings['toolcache']}/python")


def _search(patterns: str, *, hidden: bool) -> tuple[list[Path], Path]:
    """Files, and the folder that their names in the artifact are relative to."""
    lines = [line.strip() for line in patterns.splitlines() if line.strip()]
    if any(line.startswith(("!", "~", "#")) or "[" in line for line in lines):
        raise StubError(f"the stub models neither exclusions nor comments, ~ and [: {patterns}")
    found: dict[Path, None] = {}
    roots: dict[Path, None] = {}
    for line in lines:
        root, matcher = _glob(line)
        roots[root] = None
        found.update((file, None) for file in _below(root, hidden=hidden) if matcher.fullmatch(str(file)))
    searched = [root for root in roots if not any(other in root.parents for other in roots)]
    files = list(found)
    if len(searched) > 1:
        return files, Path(os.path.commonpath(searched))
    if files == searched:
        return files, files[0].parent
    return files, searched[0] if searched else Path.cwd()


def _glob(pattern: str) -> tuple[Path, re.Pattern[str]]:
    """The folder (or file) to search, and what a file's absolute path has to look like."""
    parts = [part for part in str(_absolute(pattern)).split("/") if part]
    literal = next((number for number, part in enumerate(parts) if _WILDCARD.search(part)), len(parts))
    expression = ""
    for part in parts:
        if part == "**":
            expression += "(?:/[^/]+)*"
        else:
            expression += "/" + re.escape(part).replace(r"\*", "[^/]*").replace(r"\?", "[^/]")
    return Path("/", *parts[:literal]), re.compile(f"{expression}(?:/.*)?")


def _absolute(path: str) -> Path:
    return Path(os.path.normpath(Path.cwd() / path))  # links stay as they are, as in the action


def _below(root: Path, *, hidden: bool) -> Iterator[Path]:
    """The file, or all files below the folder; a dot name, the root's too, hides what is inside."""
    if root.is_file():
        files = [root]
    else:
        files = sorted(Path(top, name) for top, _, names in os.walk(root, followlinks=True) for name in names)
    for file in files:
        inside = [root.name, *file.relative_to(root).parts]
        if hidden or not any(name.startswith(".") for name in inside):
            yield file


def _matcher(pattern: str) -> re.Pattern[str]:
    """Minimatch, as far as artifact patterns need it: ``*``, ``?`` and ``{a,b}`` without nesting."""
    if re.search(r"[()!+@\[\]\\]", pattern) or re.search(r"{[^}]*{", pattern):
        raise StubError(f"the stub models *, ? and {{a,b}} alone: {pattern}")
    wild = {"*": "[^/]*", "?": "[^/]", "{": "(?:", "}": ")", ",": "|"}
    outside = dict(wild, **{",": ","})
    depth, body = 0, ""
    for letter in pattern:
        depth += (letter == "{") - (letter == "}")
        body += (wild if depth else outside).get(letter) or re.escape(letter)
    return re.compile(rf"(?!\.){body}")


def _cache_paths(inputs: dict[str, str]) -> list[Path]:
    paths = [Path(line.strip()).expanduser() for line in inputs["path"].splitlines() if line.strip()]
    if any(_WILDCARD.search(str(path)) for path in paths):
        raise StubError(f"the stub models no wildcards in cache paths: {paths}")
    return paths


def _only(inputs: dict[str, str], modelled: set[str]) -> None:
    if unknown := sorted(name for name, value in inputs.items() if value and name not in modelled):
        raise StubError(f"the stub does not model the inputs {unknown}")


def _flag(inputs: dict[str, str], name: str) -> bool:
    return inputs.get(name, "false").lower() == "true"


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StubError(f"git {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout.strip()


def _output(name: str, value: str) -> None:
    _append("GITHUB_OUTPUT", f"{name}={value}\n")


def _append(variable: str, text: str) -> None:
    with Path(os.environ[variable]).open("a", encoding="utf-8") as stream:
        stream.write(text)


ACTIONS = {
    "actions/checkout": checkout,
    "actions/upload-artifact": upload_artifact,
    "actions/download-artifact": download_artifact,
    "actions/cache/restore": cache_restore,
    "actions/cache/save": cache_save,
    "actions/setup-python": setup_python,
}

OUTPUTS: dict[str, tuple[str, ...]] = {
    "actions/checkout": ("commit",),
    "actions/upload-artifact": (),
    "actions/download-artifact": ("download-path",),
    "actions/cache/restore": ("cache-hit", "cache-primary-key", "cache-matched-key"),
    "actions/cache/save": (),
    "actions/setup-python": ("python-version", "python-path"),
}

if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
