"""The offline actions do what the sources of the real ones say; each expected layout was read there."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.execution.github import stub_actions
from tests.execution.github.scratch import (
    commit,
    event_ref,
    git,
    pull_request_payload,
    push_payload,
    scratch_repo,
    tag_payload,
)

Run = Callable[..., int]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run one action in the folder `work`, with inputs by name (``_`` for ``-``)."""
    for name in ("work", "artifacts", "caches", "toolcache"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "work")
    values = {name: str(tmp_path / name) for name in ("artifacts", "caches", "toolcache")}

    def action(name: str, event: dict[str, str] | None = None, /, **inputs: str) -> int:
        for variable in ("GITHUB_OUTPUT", "GITHUB_PATH"):
            monkeypatch.setenv(variable, str(tmp_path / variable))
        (tmp_path / "GITHUB_OUTPUT").unlink(missing_ok=True)
        named = {key.replace("_", "-"): value for key, value in inputs.items()}
        monkeypatch.setenv("STUB_INPUTS", json.dumps(named))
        config = tmp_path / "settings.json"
        config.write_text(
            json.dumps({**values, "python": sys.executable, "scripts": "/scripts", **(event or {})}),
            encoding="utf-8",
        )
        return stub_actions.main(f"actions/{name}", str(config))

    return action


def tree(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }


def plant(files: dict[str, str], folder: Path = Path()) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def outputs(tmp_path: Path) -> dict[str, str]:
    lines = (tmp_path / "GITHUB_OUTPUT").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines)


FILES = {
    "_mlcc/d--a/x": "1",
    "_mlcc/d--a/sub/y": "2",
    "_mlcc/d--a/.h": "3",
    "_mlcc/d--ab/z": "4",
    "top": "5",
}


class TestUpload:
    @pytest.mark.parametrize(
        ("path", "stored"),
        [
            ("top", {"top": "5"}),  # one file: below its own folder
            ("_mlcc/d--a/x", {"x": "1"}),
            ("_mlcc/d--a", {"x": "1", "sub/y": "2"}),  # one folder: its content
            ("_mlcc/d--a/", {"x": "1", "sub/y": "2"}),
            ("_mlcc/d--a\n_mlcc/.root", {"d--a/x": "1", "d--a/sub/y": "2"}),  # least common ancestor: _mlcc
            ("_mlcc/d--a/x\ntop", {"_mlcc/d--a/x": "1", "top": "5"}),
            ("_mlcc/d--a/sub\n_mlcc/d--a", {"x": "1", "sub/y": "2"}),  # a search path inside another is none
            ("_mlcc/*/y", {}),
            ("_mlcc/*/*/y", {"d--a/sub/y": "2"}),  # the part before the first wildcard is stripped
            ("_mlcc/**/y", {"d--a/sub/y": "2"}),
            ("_mlcc/d--a?", {"d--ab/z": "4"}),
            ("_mlcc/d--a*", {"d--a/x": "1", "d--a/sub/y": "2", "d--ab/z": "4"}),
        ],
    )
    def test_names_inside_the_artifact(
        self, run: Run, tmp_path: Path, path: str, stored: dict[str, str]
    ) -> None:
        plant(FILES)
        assert run("upload-artifact", name="a", path=path, if_no_files_found="ignore") == 0
        assert tree(tmp_path / "artifacts" / "a") == stored

    def test_hidden_files_only_when_asked_for(self, run: Run, tmp_path: Path) -> None:
        plant(FILES)
        assert run("upload-artifact", name="a", path="_mlcc/d--a", include_hidden_files="true") == 0
        assert tree(tmp_path / "artifacts" / "a") == {"x": "1", "sub/y": "2", ".h": "3"}

    def test_a_hidden_search_folder_is_empty(self, run: Run, tmp_path: Path) -> None:
        plant({".hidden/x": "1"})
        assert run("upload-artifact", name="a", path=".hidden", if_no_files_found="ignore") == 0
        assert not (tmp_path / "artifacts" / "a").exists()

    @pytest.mark.parametrize(("reaction", "status"), [("error", 1), ("warn", 0), ("ignore", 0), ("", 0)])
    def test_no_files(self, run: Run, tmp_path: Path, reaction: str, status: int) -> None:
        Path("empty").mkdir()
        assert run("upload-artifact", name="a", path="empty", if_no_files_found=reaction) == status
        assert list((tmp_path / "artifacts").iterdir()) == []

    def test_a_name_is_taken_once(self, run: Run, tmp_path: Path) -> None:
        plant(FILES)
        assert run("upload-artifact", name="a", path="top") == 0
        assert run("upload-artifact", name="a", path="_mlcc/d--ab") == 1
        assert tree(tmp_path / "artifacts" / "a") == {"top": "5"}
        assert run("upload-artifact", name="a", path="_mlcc/d--ab", overwrite="true") == 0
        assert tree(tmp_path / "artifacts" / "a") == {"z": "4"}

    def test_modes_links_and_empty_folders_are_lost(self, run: Run, tmp_path: Path) -> None:
        plant({"d/x": "1"})
        Path("d/x").chmod(0o755)
        Path("d/link").symlink_to("x")
        Path("d/empty").mkdir()
        assert run("upload-artifact", name="a", path="d") == 0
        stored = tmp_path / "artifacts" / "a"
        assert {path.name for path in stored.iterdir()} == {"x", "link"}
        assert not (stored / "link").is_symlink()
        assert not os.access(stored / "x", os.X_OK)

    @pytest.mark.parametrize("name", ["a/b", "a:b", "a*", 'a"', "a\nb"])
    def test_a_bad_name_is_refused(self, run: Run, name: str) -> None:
        plant({"x": "1"})
        assert run("upload-artifact", name=name, path="x") == 1

    def test_a_bad_file_name_is_refused(self, run: Run) -> None:
        plant({"d/a:b": "1"})
        assert run("upload-artifact", name="a", path="d") == 1

    def test_what_is_not_modelled_is_refused(self, run: Run) -> None:
        plant({"x": "1"})
        assert run("upload-artifact", name="a", path="x\n!y") == 1
        assert run("upload-artifact", name="a", path="x", archive="false") == 1


class TestDownload:
    @pytest.fixture(autouse=True)
    def stored(self, tmp_path: Path, run: Run) -> None:
        plant({"s--a/1": "a", "s--b/2": "b", "d--a/3": "c"}, tmp_path / "artifacts")

    @pytest.mark.parametrize(
        ("inputs", "received"),
        [
            ({"name": "s--a"}, {"to/1": "a"}),
            ({"pattern": "s--a"}, {"to/1": "a"}),  # one match: straight into the path
            ({"pattern": "d--*"}, {"to/3": "c"}),
            ({"pattern": "s--*"}, {"to/s--a/1": "a", "to/s--b/2": "b"}),
            ({"pattern": "?--a"}, {"to/s--a/1": "a", "to/d--a/3": "c"}),
            ({"pattern": "{s--a,d--*}"}, {"to/s--a/1": "a", "to/d--a/3": "c"}),
            ({"pattern": "s--*", "merge_multiple": "true"}, {"to/1": "a", "to/2": "b"}),
            ({"pattern": "none-*"}, {}),
            ({}, {"to/s--a/1": "a", "to/s--b/2": "b", "to/d--a/3": "c"}),
        ],
    )
    def test_layout(self, run: Run, inputs: dict[str, str], received: dict[str, str]) -> None:
        assert run("download-artifact", path="to", **inputs) == 0
        assert tree(Path()) == received

    def test_a_missing_name_fails(self, run: Run) -> None:
        assert run("download-artifact", name="s--c") == 1

    @pytest.mark.parametrize("pattern", ["[s]--a", "!(x)", "{a,{b,c}}"])
    def test_a_pattern_that_is_not_modelled_is_refused(self, run: Run, pattern: str) -> None:
        assert run("download-artifact", pattern=pattern) == 1


NAME = st.text("abc.-_0", min_size=1, max_size=6).filter(lambda name: name not in (".", ".."))


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    files=st.dictionaries(NAME.map(lambda name: f"f{name}"), st.text(max_size=5), min_size=1, max_size=4),
    count=st.integers(1, 3),
)
def test_folders_arrive_where_they_were(run: Run, tmp_path: Path, files: dict[str, str], count: int) -> None:
    """Two search paths, then merge-multiple: the layout doesn't depend on how many artifacts match."""
    for folder in ("artifacts", "work"):
        shutil.rmtree(tmp_path / folder)
        (tmp_path / folder).mkdir()
    os.chdir(tmp_path / "work")
    for number in range(count):
        plant(files, Path("_mlcc", f"d--{number}"))
        assert run("upload-artifact", name=f"d--{number}", path=f"_mlcc/d--{number}/\n_mlcc/.root") == 0
    before = tree(Path())
    shutil.rmtree("_mlcc")
    assert run("download-artifact", pattern="d--*", path="_mlcc", merge_multiple="true") == 0
    assert tree(Path()) == before


class TestCache:
    def test_a_miss_then_a_hit(self, run: Run, tmp_path: Path) -> None:
        assert run("cache/restore", path="c", key="pip-1") == 0
        assert outputs(tmp_path) == {"cache-primary-key": "pip-1", "cache-hit": "", "cache-matched-key": ""}
        plant({"c/wheel": "w"})
        assert run("cache/save", path="c", key="pip-1") == 0
        shutil.rmtree("c")
        assert run("cache/restore", path="c", key="pip-1") == 0
        assert outputs(tmp_path) == {
            "cache-primary-key": "pip-1",
            "cache-hit": "true",
            "cache-matched-key": "pip-1",
        }
        assert tree(Path("c")) == {"wheel": "w"}

    def test_a_restore_key_gives_the_newest_entry_and_no_hit(self, run: Run, tmp_path: Path) -> None:
        for number, age in (("1", 20), ("2", 10), ("3", 30)):
            plant({"c/wheel": number})
            assert run("cache/save", path="c", key=f"pip-{number}") == 0
            os.utime(tmp_path / "caches" / f"pip-{number}".encode().hex(), (10**9 - age, 10**9 - age))
        assert run("cache/restore", path="c", key="pip-4", restore_keys="pip-\n") == 0
        assert outputs(tmp_path)["cache-hit"] == "false"
        assert outputs(tmp_path)["cache-matched-key"] == "pip-2"
        assert tree(Path("c")) == {"wheel": "2"}

    def test_an_entry_is_immutable(self, run: Run) -> None:
        for text in ("first", "second"):
            plant({"c/wheel": text})
            assert run("cache/save", path="c", key="k") == 0
        assert run("cache/restore", path="c", key="k") == 0
        assert tree(Path("c")) == {"wheel": "first"}

    def test_fail_on_cache_miss(self, run: Run) -> None:
        assert run("cache/restore", path="c", key="k", fail_on_cache_miss="true") == 1


class TestCheckout:
    @pytest.fixture
    def repo(self, tmp_path: Path) -> Path:
        repo = scratch_repo(tmp_path, {"a": "1", ".mlcc/run.py": "r", "src/x": "x"})
        commit(repo, {"a": "2"})
        return repo

    @staticmethod
    def event(repo: Path, payload: dict[str, object]) -> dict[str, str]:
        ref, sha = event_ref(repo, payload)
        return {"origin": str(repo), "ref": ref, "sha": sha}

    def test_one_commit_unless_history_is_asked_for(self, run: Run, repo: Path, tmp_path: Path) -> None:
        event = self.event(repo, push_payload(repo))
        assert run("checkout", event) == 0
        assert git(Path(), "rev-list", "--count", "HEAD") == "1"
        assert git(Path(), "symbolic-ref", "--short", "HEAD") == "main"
        assert outputs(tmp_path) == {"commit": event["sha"]}
        assert run("checkout", event, fetch_depth="0", path="full") == 0
        assert git(Path("full"), "rev-list", "--count", "HEAD") == "2"

    def test_the_events_commit_not_the_tip(self, run: Run, repo: Path) -> None:
        event = self.event(repo, push_payload(repo))
        commit(repo, {"a": "3"})
        assert run("checkout", event, fetch_depth="0") == 0
        assert Path("a").read_text(encoding="utf-8") == "2"

    def test_a_pull_request_is_its_merge(self, run: Run, repo: Path) -> None:
        commit(repo, {"b": "b"}, branch="change")
        git(repo, "checkout", "-q", "main")
        base = commit(repo, {"c": "c"})
        event = self.event(repo, pull_request_payload(repo, "change"))
        assert run("checkout", event) == 0
        assert {"a", "b", "c"} <= tree(Path()).keys()
        assert git(Path(), "rev-list", "--count", "HEAD") == "1"
        assert run("checkout", event, fetch_depth="0", filter="blob:none", path="full") == 0
        assert git(Path("full"), "rev-parse", "HEAD^1", "origin/main") == f"{base}\n{base}"
        assert git(Path("full"), "rev-parse", "refs/remotes/pull/1/merge") == event["sha"]

    def test_a_tag(self, run: Run, repo: Path) -> None:
        assert run("checkout", self.event(repo, tag_payload(repo, "v1"))) == 0
        assert git(Path(), "rev-parse", "HEAD") == git(repo, "rev-parse", "main")

    def test_sparse(self, run: Run, repo: Path) -> None:
        assert run("checkout", self.event(repo, push_payload(repo)), sparse_checkout=".mlcc") == 0
        assert tree(Path()) == {"a": "2", ".mlcc/run.py": "r"}  # cone mode: the files of the root, too

    def test_another_ref(self, run: Run, repo: Path) -> None:
        first = git(repo, "rev-parse", "main^")
        assert run("checkout", self.event(repo, push_payload(repo)), ref=first) == 0
        assert git(Path(), "rev-parse", "HEAD") == first

    def test_what_is_not_modelled_is_refused(self, run: Run, repo: Path) -> None:
        assert run("checkout", self.event(repo, push_payload(repo)), lfs="true") == 1


def test_setup_python_puts_the_given_python_first(run: Run, tmp_path: Path) -> None:
    assert run("setup-python", python_version="3.12") == 0
    added = (tmp_path / "GITHUB_PATH").read_text(encoding="utf-8").splitlines()
    assert added == ["/scripts", str(Path(sys.executable).parent), str(tmp_path / "toolcache")]
    assert outputs(tmp_path)["python-path"] == str(tmp_path / "toolcache" / "python")
