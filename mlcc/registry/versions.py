"""Versions of registered models: what a file or a folder here is registered as, and the one that is fetched.

A version that mlcc registers has its digest as a tag, so that whoever fetches it knows which bytes it has to have.
"""

from __future__ import annotations

# ruff: noqa: PTH103, PTH105, PTH107, PTH113, PTH118, PTH119, PTH120, PTH202 - os.path, as for all that lies here
import os
import shutil
import time
from collections.abc import Callable, Mapping
from typing import Any

from mlcc.objects.answers import AbsentError, PassingError, StoreError, chunk, patiently
from mlcc.registry.server import Server, proxied
from mlcc.runtime.digest import DigestError, file_digest, tree_digest, tree_lines

DIGEST_TAG, COMMIT_TAG = "mlcc.digest", "mlcc.commit"
FOLDER = "model"  # of the files of a version, among those of the run that it is of
ROOM_LEFT = 64 << 20  # bytes that stay free
_CHECKS = 60  # of a new version, one a second, until the registry says that it is there
_THERE_ALREADY = "RESOURCE_ALREADY_EXISTS"


def register(server: Server, model: str, source: str, experiment: str, tags: Mapping[str, str]) -> str:
    """Register a file or a folder as a version of a model, unless one with its bytes and commit is there; return its number.

    `tags` has the digest and the commit, by which a version is known again: a node that is run again doesn't make a second
    one. Raises StoreError.
    """
    files = _files_here(source)
    whole = {path: os.path.getsize(place) for path, place in files.items()}
    found = _known(server, model, tags, whole)
    if found is not None:
        return found
    run_id, root = _new_run(server, experiment, tags)
    try:
        folder = f"{proxied(server, root, 'files of its runs')}/{FOLDER}"
        for path, place in sorted(files.items()):
            _upload_file(server, f"{folder}/{path}", place, whole[path])
        if server.files(folder) != whole:
            raise StoreError("the registry has other files than it was sent")
    except StoreError:
        _end_run(server, run_id, "FAILED")
        raise
    _end_run(server, run_id, "FINISHED")
    _ensure(
        lambda: server.get("registered-models/get", name=model),
        lambda: server.post("registered-models/create", name=model),
    )
    return _new_version(server, model, f"{root}/{FOLDER}", run_id, tags, whole)


def fetch(server: Server, model: str, which: str, target: str, digest: str = "") -> dict[str, str]:
    """Write the files of a version to a file or, ending in '/', a folder; return `version` and `digest`.

    `which` is a number, or `@ALIAS`. Where `digest` is given or the version tells its own, it has to have that. Raises
    StoreError.
    """
    found = _looked_up(server, model, which)
    number, tagged = str(found["version"]), _tags(found).get(DIGEST_TAG, "")
    shown = f"version {number} of {model}"
    if found.get("status") != "READY":
        raise StoreError(f"{shown} isn't ready in the registry")
    told = server.get("model-versions/get-download-uri", name=model, version=number)
    folder = proxied(server, told.get("artifact_uri"), f"the files of {shown}")
    try:
        _download(server, folder, target, shown)
        made = tree_digest(target) if target.endswith("/") else file_digest(target)
    except (OSError, DigestError) as error:
        raise StoreError(
            f"{shown} can't be written here: {getattr(error, 'strerror', None) or error}"
        ) from None
    for wanted in (digest, tagged):
        if wanted and made != wanted:
            raise StoreError(f"{shown} has other bytes than were registered: {made}")
    return {"version": number, "digest": made}


def _files_here(source: str) -> dict[str, str]:
    """Return path in the version -> place here. A file is a folder with it alone."""
    if os.path.isfile(source):
        return {os.path.basename(source): source}
    try:
        paths = [line.split("  ", 1)[1] for line in tree_lines(source).splitlines()]
    except DigestError as error:
        raise StoreError(str(error)) from None
    return {path: os.path.join(source, path) for path in paths}


def _known(server: Server, model: str, tags: Mapping[str, str], whole: Mapping[str, int]) -> str | None:
    """Return the first whole version that has the digest and the commit."""
    terms = [f"name = '{model}'", *(f"tags.`{tag}` = '{tags[tag]}'" for tag in (DIGEST_TAG, COMMIT_TAG))]
    found = server.get("model-versions/search", filter=" and ".join(terms), max_results="100")
    versions = [one for one in found.get("model_versions", []) if one.get("status") == "READY"]
    for one in sorted(versions, key=lambda one: int(one["version"])):
        told = server.get("model-versions/get-download-uri", name=model, version=str(one["version"]))
        try:
            if server.files(proxied(server, told.get("artifact_uri"), "its files")) == whole:
                return str(int(one["version"]))
        except AbsentError:
            continue  # its files are gone
    return None


def _new_run(server: Server, experiment: str, tags: Mapping[str, str]) -> tuple[str, str]:
    """Return the id of a new run, which holds the files, and the address of its files."""
    fields = {
        "experiment_id": _experiment(server, experiment),
        "start_time": int(time.time() * 1000),
        "tags": _listed_tags(tags),
    }
    info = patiently(lambda: server.post("runs/create", **fields))["run"]["info"]
    return str(info["run_id"]), str(info["artifact_uri"]).rstrip("/")


def _experiment(server: Server, name: str) -> str:
    _ensure(
        lambda: server.get("experiments/get-by-name", experiment_name=name),
        lambda: server.post("experiments/create", name=name),
    )
    found = server.get("experiments/get-by-name", experiment_name=name)
    return str(found["experiment"]["experiment_id"])


def _end_run(server: Server, run_id: str, status: str) -> None:
    fields = {"run_id": run_id, "status": status, "end_time": int(time.time() * 1000)}
    try:
        patiently(lambda: server.post("runs/update", **fields))
    except StoreError:
        if status == "FINISHED":
            raise


def _ensure(look: Callable[[], Any], make: Callable[[], Any]) -> None:
    """Make what isn't there."""
    try:
        look()
    except AbsentError:
        try:
            make()
        except StoreError as error:
            if _THERE_ALREADY not in str(error):  # another run was faster
                raise


def _new_version(
    server: Server, model: str, source: str, run_id: str, tags: Mapping[str, str], whole: Mapping[str, int]
) -> str:
    """Return the number of a new version, once it is ready. An answer that got lost is looked for before it is asked again."""
    fields = {"name": model, "source": source, "run_id": run_id, "tags": _listed_tags(tags)}
    try:
        made = str(int(server.post("model-versions/create", **fields)["model_version"]["version"]))
    except PassingError:
        found = _known(server, model, tags, whole)
        made = found or str(int(server.post("model-versions/create", **fields)["model_version"]["version"]))
    for _ in range(_CHECKS):
        status = server.get("model-versions/get", name=model, version=made)["model_version"].get("status")
        if status == "READY":
            return made
        time.sleep(1)
    raise StoreError(f"version {made} of {model} doesn't get ready in the registry")


def _looked_up(server: Server, model: str, which: str) -> dict[str, Any]:
    try:
        if which.startswith("@"):
            found = server.get("registered-models/alias", name=model, alias=which[1:])
        else:
            found = server.get("model-versions/get", name=model, version=which)
    except AbsentError:
        shown = f"no version with the alias '{which[1:]}'" if which.startswith("@") else f"no version {which}"
        raise StoreError(f"the registry has no model {model}, or {shown} of it") from None
    version = found.get("model_version")
    if not isinstance(version, dict) or not str(version.get("version")).isdecimal():
        raise StoreError("the registry doesn't answer as MLflow does")
    return version


def _tags(version: Mapping[str, Any]) -> dict[str, str]:
    return {
        str(tag.get("key")): str(tag.get("value")) for tag in version.get("tags", []) if isinstance(tag, dict)
    }


def _listed_tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in sorted(tags.items())]


def _download(server: Server, folder: str, target: str, shown: str) -> None:
    files = server.files(folder)
    if not files:
        raise StoreError(f"{shown} has no files")
    if not target.endswith("/") and len(files) > 1:
        raise StoreError(f"{shown} has {len(files)} files: end its path in '/'")
    home = target if target.endswith("/") else os.path.dirname(target) or "."
    os.makedirs(home, exist_ok=True)
    size = sum(files.values())
    if size + ROOM_LEFT > shutil.disk_usage(home).free:
        raise StoreError(f"{size} bytes are to be fetched, and this disk hasn't got the room")
    for path, length in sorted(files.items()):
        where = os.path.join(home, path) if target.endswith("/") else target
        _download_file(server, f"{folder}/{path}", where, length)


def _download_file(server: Server, path: str, where: str, size: int) -> None:
    """Write a file whole or not at all. Raises StoreError for one that is longer or shorter than its listing says."""

    def once() -> None:
        scratch = f"{where}.{os.urandom(8).hex()}"
        os.makedirs(os.path.dirname(where) or ".", exist_ok=True)
        written = 0
        try:
            with server.read(path) as answer, open(scratch, "xb") as file:  # noqa: PTH123
                for piece in iter(lambda: chunk(answer), b""):
                    written += len(piece)
                    if written > size:
                        raise StoreError("a file is longer than the registry says")
                    file.write(piece)
            if written != size:
                raise PassingError("a file broke off while it was fetched")
            os.replace(scratch, where)
        finally:
            if os.path.lexists(scratch):
                os.remove(scratch)

    patiently(once)


def _upload_file(server: Server, path: str, place: str, size: int) -> None:
    patiently(lambda: server.write(path, place, size))
