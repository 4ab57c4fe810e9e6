"""Builds an image of what is committed and of artifacts whose gates have passed, and pushes it.

The builder gets a folder of its own: the committed files of the context, and what the build includes. All files have the
time of the commit, so that equal inputs can give equal layers. https://reproducible-builds.org/specs/source-date-epoch/

Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from mlcc.runtime.attempt import FAIL, TIMEOUT, Attempt
from mlcc.runtime.data import location
from mlcc.runtime.digest import DigestError, files_of
from mlcc.runtime.image_registry import Registry, tag_of
from mlcc.runtime.images import keep_image, registry_of
from mlcc.runtime.login import Logins, write_private
from mlcc.runtime.process import TIMED_OUT, shell
from mlcc.runtime.records import RunError, read_record
from mlcc.runtime.values import resolve

DIGEST_FILE, METADATA_FILE = "digest", "metadata.json"
_IMAGE_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
DOCKER_HUB_KEY = "https://index.docker.io/v1/"  # what docker calls its own registry in its configuration


def build_image(leg: Attempt, env: dict[str, str], logins: Logins) -> int:
    """Build and push the node's image, check that the registry has it, and pass on its digest. Returns PASS, FAIL or TIMEOUT."""
    (id,) = leg.node["writes"]
    try:
        # The login lies there, too, and nothing may find it afterwards.
        with tempfile.TemporaryDirectory(prefix="mlcc-") as folder:
            private = Path(folder)
            registry = registry_of(id, leg, private)
            commands = _commands(leg, registry, private)
            own = {**env, **_login_files(registry, private), "SOURCE_DATE_EPOCH": _epoch(leg)}
            code = shell([*leg.node.get("setup", []), *commands], own, leg.deadline, ".", logins.tick)
            if code == TIMED_OUT and time.monotonic() >= leg.deadline:
                leg.finish("failed", "error", f"it didn't end within {leg.node['timeout']} s")
                return TIMEOUT
            if code != 0:
                leg.finish("failed", "fail", f"its builder ended with {code}")
                return FAIL
            digest = _pushed_digest(private)
            found = registry.manifest(digest)
        if found is None:
            raise RunError(f"the builder pushed {digest}, and {registry.repository} has no such image")
    except RunError as problem:
        leg.finish("failed", "error", str(problem))
        return FAIL
    except OSError as problem:
        leg.finish("failed", "error", f"the build can't be prepared: {problem.strerror}")
        return FAIL
    return keep_image(id, found, leg)


def _commands(leg: Attempt, registry: Registry, private: Path) -> list[str]:
    """Return the lines of bash that build and push."""
    build = leg.node["build"]
    builder = build.get("builder") or leg.platform.builder
    context = private / "context"
    _gather(leg, build, context)
    options = [
        "--no-cache", "--platform", build["platform"], "--file", str(context / build["file"]),
        "--label", f"org.opencontainers.image.revision={leg.selection['commit']}",
    ]  # fmt: skip
    source = _source(leg)
    options += ["--label", f"org.opencontainers.image.source={source}"] if source else []
    for name, value in build.get("args", {}).items():
        text = resolve(name, value, {}, leg.plan, leg.selection, private)
        options += ["--build-arg", f"{name}={text}"]
    for name, value in build.get("secrets", {}).items():
        place = private / f"secret-{name}"
        write_private(place, resolve(name, value, {}, leg.plan, leg.selection, private))
        options += ["--secret", f"id={name},src={place}"]
    tag = tag_of(f"mlcc-{leg.selection['commit'][:12]}-{leg.selection['facts']['run_id']}")
    image = f"{registry.repository}:{tag}"
    if builder == "docker":
        words = [
            "docker", "buildx", "build", "--pull", "--provenance=false", *options, "--tag", image, "--push",
            "--metadata-file", str(private / METADATA_FILE), str(context),
        ]  # fmt: skip
        return [shlex.join(words)]
    plain = ["--tls-verify=false"] if registry.local else []
    made = [
        builder,
        "build",
        "--pull-always",
        *plain,
        "--timestamp",
        _epoch(leg),
        *options,
        "--tag",
        image,
        str(context),
    ]
    pushed = [builder, "push", *plain, "--digestfile", str(private / DIGEST_FILE), image, f"docker://{image}"]
    removed = [builder, "rmi", "--force", image]  # a machine that stays would be filled
    return [shlex.join(words) for words in (made, pushed, removed)]


def _source(leg: Attempt) -> str:
    """Return the page of the repository, where the run's is below it; empty: it isn't known."""
    page, name, _ = str(leg.selection["facts"].get("run_url", "")).partition(
        f"/{leg.selection['facts'].get('repository', '')}/"
    )
    return f"{page}{name.rstrip('/')}" if name.strip("/") and page.startswith("https://") else ""


def _epoch(leg: Attempt) -> str:
    """Return the time of the commit in seconds. Raises RunError."""
    call = ["git", "-c", "safe.directory=*", "show", "-s", "--format=%ct", leg.selection["commit"]]
    done = subprocess.run(call, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    found = done.stdout.decode("ascii", "replace").strip()
    if done.returncode != 0 or not found.isdecimal():
        raise RunError("git doesn't tell when the commit was made")
    return found


def _gather(leg: Attempt, build: dict[str, Any], context: Path) -> None:
    """Lay out what the builder gets. Raises RunError."""
    top = build.get("context") or "."
    try:
        committed = files_of(["**"], top)
    except DigestError as problem:
        raise RunError(f"the context of the image can't be read: {problem}") from None
    for name in committed:
        _lay(Path(top) / name, context / name)
    if not (context / build["file"]).is_file():
        raise RunError(f"the context of the image has no committed file {build['file']}")
    for id in build.get("includes", []):
        artifact = leg.plan["artifacts"][id]
        if artifact["form"] == "paths":
            for name in files_of(artifact["paths"]):
                _lay(Path(name), context / name)
            continue
        path = Path(location(id, artifact))
        if artifact.get("writer") is not None and (context / path).exists():
            raise RunError(f"'{id}' lies at {path}, where the context of the image has committed files, too")
        for place in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if not place.is_dir():
                _lay(place, context / place)
    _settle_times(context, int(_epoch(leg)))


def _lay(source: Path, target: Path) -> None:
    """Copy a file, or a link as a link, with no more of its mode than whether it can be run."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_symlink():
        if not target.is_symlink():
            target.symlink_to(os.readlink(source))  # noqa: PTH115 - Python 3.8
        return
    if source.is_dir():  # a submodule that wasn't checked out
        return
    shutil.copyfile(source, target)
    target.chmod(0o755 if source.stat().st_mode & 0o100 else 0o644)


def _settle_times(context: Path, epoch: int) -> None:
    """Give all that lies in a folder one time, and folders one mode, so that no layer tells when and where it was made."""
    for folder, _, files in os.walk(context, topdown=False):
        for name in files:
            os.utime(Path(folder) / name, (epoch, epoch), follow_symlinks=False)
        Path(folder).chmod(0o755)
        os.utime(folder, (epoch, epoch))


def _login_files(registry: Registry, private: Path) -> dict[str, str]:
    """Return the variables by which builders find the login, after writing it where only this user reads it.

    https://github.com/containers/image/blob/main/docs/containers-auth.json.5.md, which docker's own file is like.
    """
    auths: dict[str, Any] = {}
    if registry.login is not None:
        key = DOCKER_HUB_KEY if registry.host == "docker.io" else registry.host
        auths[key] = {"auth": base64.b64encode(":".join(registry.login).encode()).decode("ascii")}
    folder = private / "login"
    folder.mkdir(mode=0o700)
    write_private(folder / "config.json", json.dumps({"auths": auths}))
    return {"REGISTRY_AUTH_FILE": str(folder / "config.json"), "DOCKER_CONFIG": str(folder)}


def _pushed_digest(private: Path) -> str:
    """Return the digest that the builder says that it pushed. Raises RunError."""
    metadata = private / METADATA_FILE
    try:
        if metadata.exists():
            found = str((read_record(metadata) or {}).get("containerimage.digest", ""))
        else:
            found = (private / DIGEST_FILE).read_text("utf-8").strip()
    except (OSError, ValueError):
        found = ""
    if not _IMAGE_DIGEST.fullmatch(found):
        raise RunError("the builder ended well and didn't say which digest it pushed")
    return found
