from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mlcc.runtime import digest as module
from mlcc.runtime import single_digest
from mlcc.runtime.digest import DigestError, artifact_digest, file_digest, paths_digest, tree_digest
from mlcc.runtime.file_digest import sha256

# sha256 of "a\n", "b\n" and of nothing, from sha256sum
_A = "87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7"
_B = "0263829989b6fd954f72baaf2fc64bc2e2f01d692d4de72986ea808f6e99813f"
_NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def _of(*lines: str) -> str:
    return "sha256:" + hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()


def _write(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def _git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(root), *arguments], check=True, capture_output=True)


def test_file(tmp_path: Path) -> None:
    _write(tmp_path, a="a\n", empty="")
    assert file_digest(tmp_path / "a") == "sha256:" + _A
    assert file_digest(tmp_path / "empty") == "sha256:" + _NOTHING


def test_large_file(tmp_path: Path) -> None:
    data = bytes(range(256)) * 10_000  # more than one chunk
    (tmp_path / "a").write_bytes(data)
    assert file_digest(tmp_path / "a") == "sha256:" + hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("size", [0, 1, 55, 56, 64, 1 << 20, (1 << 20) + 1])
@pytest.mark.parametrize("more", [0, 2 << 20])
def test_sha256_is_the_one_of_hashlib(size: int, more: int) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    digest = sha256(data[:size], more)
    digest.update(b"x")
    assert digest.hexdigest() == hashlib.sha256(data[:size] + b"x").hexdigest()


def test_sha256_of_a_python_without_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_sha2", "_sha256"):
        monkeypatch.setitem(sys.modules, name, None)
    assert sha256(b"a\n").hexdigest() == _A


def test_single_files_have_the_digest_that_they_have_among_others(tmp_path: Path) -> None:
    _write(tmp_path, a="a\n", m__b="b\n")
    assert single_digest.artifact_digest(str(tmp_path / "a")) == artifact_digest(str(tmp_path / "a"))
    for other in (f"{tmp_path}/m/", [str(tmp_path / "a")], "postgres://s.t"):
        with pytest.raises(DigestError, match="no single file"):
            single_digest.artifact_digest(other)


def test_tree(tmp_path: Path) -> None:
    _write(tmp_path, m__a="a\n", m__x__b="b\n")
    assert tree_digest(tmp_path / "m") == _of(f"{_A}  a\n", f"{_B}  x/b\n")
    assert tree_digest(f"{tmp_path}/m/") == tree_digest(tmp_path / "m")


def test_tree_as_the_shell_computes_it(tmp_path: Path) -> None:
    _write(tmp_path, m__a="1", m__b__c="2", m__b__d="", m__z="3")
    command = "find . -type f -printf '%P\\n' | xargs -d '\\n' sha256sum | LC_ALL=C sort | sha256sum"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path / "m", capture_output=True, check=True)
    assert tree_digest(tmp_path / "m") == "sha256:" + done.stdout.decode().split()[0]


def test_tree_tells_names_and_contents_apart(tmp_path: Path) -> None:
    digests = set()
    for i, files in enumerate(
        ({"a": "b\n"}, {"b": "a\n"}, {"a": "a\n", "b": ""}, {"a": ""}, {"a__b": "b\n"})
    ):
        _write(tmp_path / str(i), **files)
        digests.add(tree_digest(tmp_path / str(i)))
    assert len(digests) == 5


@pytest.mark.parametrize("name", ["missing", "file", "empty", "hollow", "link", "with-link", "fifo"])
def test_tree_refuses(tmp_path: Path, name: str) -> None:
    _write(tmp_path, file="a\n", real__a="a\n")
    for folder in ("empty", "hollow/inside", "with-link", "fifo"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "with-link" / "a").symlink_to("../real/a")
    os.mkfifo(tmp_path / "fifo" / "a")
    with pytest.raises(DigestError):
        tree_digest(tmp_path / name)


@pytest.mark.parametrize("name", ["missing", "folder", "link", "fifo"])
def test_file_refuses(tmp_path: Path, name: str) -> None:
    _write(tmp_path, a="a\n")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("a")
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(DigestError):
        file_digest(tmp_path / name)


@pytest.mark.parametrize("name", [b"a\nb", b"a\xffb", b"a\tb"])
def test_names_that_lines_cannot_hold(tmp_path: Path, name: bytes) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_text("a\n")
    with pytest.raises(DigestError, match="one line"):
        tree_digest(tmp_path)


def test_unreadable_folder_is_no_empty_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(tmp_path, m__a="a\n")

    def refuse(path: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(module.os, "scandir", refuse)
    with pytest.raises(DigestError, match="Permission denied"):
        tree_digest(tmp_path / "m")


@pytest.mark.parametrize(
    ("paths", "chosen"),
    [
        (["src/"], ["src/a.py", "src/pkg/b.py"]),
        (["src"], ["src/a.py", "src/pkg/b.py"]),
        (["src/*.py"], ["src/a.py"]),
        (["src/**/*.py"], ["src/a.py", "src/pkg/b.py"]),
        (["**/*.py"], ["src/a.py", "src/pkg/b.py", "top.py"]),
        (["*.py"], ["top.py"]),
        (["t?p.py"], ["top.py"]),
        (["src/*"], ["src/a.py", "src/pkg/b.py"]),
        (["top.py", "src/a.py"], ["src/a.py", "top.py"]),
        (["top.py", "*.py"], ["top.py"]),
    ],
)
@pytest.mark.parametrize("git", [True, False])
def test_paths(tmp_path: Path, paths: list[str], chosen: list[str], git: bool) -> None:
    _write(tmp_path, **{"top.py": "a\n", "src__a.py": "b\n", "src__pkg__b.py": "a\n", "other": "x"})
    if git:
        _git(tmp_path, "init", "-q")
        _git(tmp_path, "add", ".")
    texts = {"top.py": _A, "src/a.py": _B, "src/pkg/b.py": _A}
    assert paths_digest(paths, tmp_path) == _of(*(f"{texts[name]}  {name}\n" for name in chosen))


def test_git_counts_tracked_files_only(tmp_path: Path) -> None:
    _write(tmp_path, **{"src__a.py": "a\n"})
    _git(tmp_path, "init", "-q")
    _git(tmp_path, "add", ".")
    before = paths_digest(["src/"], tmp_path)
    _write(tmp_path, **{"src__a.pyc": "x", "src__new.py": "x"})
    assert paths_digest(["src/"], tmp_path) == before
    with pytest.raises(DigestError, match="names no committed file"):
        paths_digest(["src/new.py"], tmp_path)


def test_a_tracked_file_that_is_gone(tmp_path: Path) -> None:
    _write(tmp_path, **{"src__a.py": "a\n", "src__b.py": "b\n"})
    _git(tmp_path, "init", "-q")
    _git(tmp_path, "add", ".")
    (tmp_path / "src" / "b.py").unlink()
    with pytest.raises(DigestError, match=r"src/b\.py can't be read"):
        paths_digest(["src/"], tmp_path)


def test_project_in_a_folder_of_the_repository(tmp_path: Path) -> None:
    _write(tmp_path, **{"models__churn__src__a.py": "a\n", "src__a.py": "b\n"})
    _git(tmp_path, "init", "-q")
    _git(tmp_path, "add", ".")
    assert paths_digest(["src/"], tmp_path / "models" / "churn") == _of(f"{_A}  src/a.py\n")


def test_walk_leaves_out_what_builds_leave(tmp_path: Path) -> None:
    _write(tmp_path, **{"src__a.py": "a\n"})
    for name in ("src/__pycache__/a.cpython-311.pyc", "src/a.pyc", "src/.git/x", "src/_mlcc/x"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    assert paths_digest(["src/"], tmp_path) == _of(f"{_A}  src/a.py\n")


def test_git_that_fails_is_no_missing_git(tmp_path: Path) -> None:
    _write(tmp_path, **{"src__a.py": "a\n", ".git": "gitdir: nowhere\n"})
    with pytest.raises(DigestError, match="git can't list"):
        paths_digest(["src/"], tmp_path)


def test_without_git_the_files_are_walked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(tmp_path, **{"src__a.py": "a\n"})
    _git(tmp_path, "init", "-q")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert paths_digest(["src/"], tmp_path) == _of(f"{_A}  src/a.py\n")


@pytest.mark.parametrize("paths", [["nothing"], ["src/", "nothing/"], ["*.txt"], [""], ["top.py/"], []])
def test_a_path_that_names_nothing(tmp_path: Path, paths: list[str]) -> None:
    _write(tmp_path, **{"top.py": "a\n", "src__a.py": "b\n"})
    with pytest.raises(DigestError):
        paths_digest(paths, tmp_path)


def test_symlinked_code(tmp_path: Path) -> None:
    _write(tmp_path, **{"real__a.py": "a\n"})
    (tmp_path / "src").symlink_to("real")
    for path in ("src", "src/", "src/a.py", "src/*.py"):
        with pytest.raises(DigestError):
            paths_digest([path], tmp_path)


def test_artifact(tmp_path: Path) -> None:
    _write(tmp_path, **{"m__a": "a\n", "d.csv": "b\n"})
    root = str(tmp_path)
    assert artifact_digest("d.csv", root) == "sha256:" + _B
    assert artifact_digest("m/", root) == _of(f"{_A}  a\n")
    assert artifact_digest(["m/", "d.csv"], root) == _of(f"{_A}  m/a\n", f"{_B}  d.csv\n")
    assert artifact_digest(["*.csv"], root) == _of(f"{_B}  d.csv\n")
    with pytest.raises(DigestError):
        artifact_digest("m", root)
