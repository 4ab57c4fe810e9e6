"""Real git repositories to run workflows in, and the event payloads that GitHub would send about them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

REPOSITORY = "mlcc-dev/scratch"
NO_COMMIT = "0" * 40
# Fixed, so that the same files give the same commits; no configuration of the machine takes part.
GIT_ENVIRONMENT = {
    "GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z",
    "GIT_AUTHOR_EMAIL": "scratch@example.com",
    "GIT_AUTHOR_NAME": "Scratch",
    "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z",
    "GIT_COMMITTER_EMAIL": "scratch@example.com",
    "GIT_COMMITTER_NAME": "Scratch",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
}


def git(repo: Path, *arguments: str) -> str:
    """Standard output of git in `repo`, stripped; raises `subprocess.CalledProcessError`."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(repo), **GIT_ENVIRONMENT}
    done = subprocess.run(
        ["git", *arguments], cwd=repo, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def scratch_repo(tmp_path: Path, files: Mapping[str, str | bytes], name: str = "repo") -> Path:
    """A repository with one commit of `files` (path to content) on branch main."""
    repo = tmp_path / name
    repo.mkdir(parents=True)
    git(repo, "init", "-q", "-b", "main")
    # GitHub serves any object that is asked for by its id, and clones without blobs; so must a plain repository.
    git(repo, "config", "uploadpack.allowAnySHA1InWant", "true")
    git(repo, "config", "uploadpack.allowFilter", "true")
    commit(repo, files)
    return repo


def project_files(folder: Path) -> dict[str, bytes]:
    """The files of a project in this repository, by their path in it: what git knows or would add."""
    listed = git(folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate")
    return {
        name: (folder / name).read_bytes()
        for name in listed.split("\0")
        if name and (folder / name).is_file()
    }


def commit(repo: Path, files: Mapping[str, str | bytes | None], branch: str = "main") -> str:
    """Write (or, for None, delete) files, commit them on `branch`, created here if new; returns the commit."""
    head = git(repo, "symbolic-ref", "--short", "HEAD")
    if branch != head:
        known = git(repo, "branch", "--list", branch)
        git(repo, "checkout", "-q", *([] if known else ["-b"]), branch)
    for path, content in files.items():
        target = repo / path
        if content is None:
            target.unlink()
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "--allow-empty", "-m", f"Change {', '.join(files) or 'nothing'}")
    return git(repo, "rev-parse", "HEAD")


def repository(*, fork: bool = False) -> dict[str, Any]:
    """The `repository` object of a payload, as far as workflows use it."""
    owner, name = ("somebody" if fork else REPOSITORY.partition("/")[0]), REPOSITORY.partition("/")[2]
    return {
        "name": name,
        "full_name": f"{owner}/{name}",
        "default_branch": "main",
        "fork": fork,
        "owner": {"login": owner},
    }


def push_payload(repo: Path, before: str | None = None, branch: str = "main") -> dict[str, Any]:
    """A push of `branch`; `before` is the previous tip (None: the branch is new)."""
    return {
        "ref": f"refs/heads/{branch}",
        "before": before or NO_COMMIT,
        "after": git(repo, "rev-parse", f"refs/heads/{branch}"),
        "created": before is None,
        "deleted": False,
        "forced": False,
        "repository": repository(),
    }


def tag_payload(repo: Path, tag: str) -> dict[str, Any]:
    """A push of `tag`, which is set on the tip of main."""
    git(repo, "tag", tag, "refs/heads/main")
    after = git(repo, "rev-parse", f"refs/tags/{tag}")
    return {"ref": f"refs/tags/{tag}", "before": NO_COMMIT, "after": after, "repository": repository()}


def pull_request_payload(
    repo: Path, head: str, base: str = "main", *, fork: bool = False, number: int = 1
) -> dict[str, Any]:
    """A pull request of branch `head` into `base`, with the merge commit that GitHub makes and checks out."""
    ours, theirs = git(repo, "rev-parse", f"refs/heads/{base}"), git(repo, "rev-parse", f"refs/heads/{head}")
    tree = git(repo, "merge-tree", "--write-tree", ours, theirs)
    merge = git(repo, "commit-tree", tree, "-p", ours, "-p", theirs, "-m", f"Merge {theirs} into {ours}")
    git(repo, "update-ref", f"refs/pull/{number}/merge", merge)
    return {
        "action": "synchronize",
        "number": number,
        "pull_request": {
            "number": number,
            "merge_commit_sha": merge,
            "base": {"ref": base, "sha": ours, "repo": repository()},
            "head": {"ref": head, "sha": theirs, "repo": repository(fork=fork)},
        },
        "repository": repository(),
    }


def event_ref(repo: Path, payload: Mapping[str, Any]) -> tuple[str, str]:
    """``GITHUB_REF`` and ``GITHUB_SHA`` of an event; events without a ref run on the default branch."""
    if "pull_request" in payload:
        return f"refs/pull/{payload['number']}/merge", payload["pull_request"]["merge_commit_sha"]
    ref = payload.get("ref", "refs/heads/main")
    return ref, payload.get("after") or git(repo, "rev-parse", ref)
