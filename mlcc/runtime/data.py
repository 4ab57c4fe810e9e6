"""Moves artifacts between nodes, and refuses bytes that aren't the ones that were written or judged (S2).

Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

from mlcc.runtime.addresses import is_address, objects_at
from mlcc.runtime.decide import read_states
from mlcc.runtime.digest import DigestError, file_digest, paths_digest, table_digest, tree_digest
from mlcc.runtime.moments import as_of, whole_moment
from mlcc.runtime.records import ROOT, RunError, data_folder, legs_of, write_record
from mlcc.runtime.registered import get_registered, is_registered, put_registered
from mlcc.runtime.store import StoreAccess
from mlcc.runtime.stored import get_stored, put_stored

ABSENT = "none"  # in place of a digest: what `first: none` allows, while no release runs one
_NOTE = "none.json"  # what is passed on instead of it


def location(id: str, artifact: dict[str, Any]) -> str:
    """Return where an artifact lies for who takes it, relative to the project folder."""
    if artifact.get("at_base"):
        return str(ROOT / "base" / id) + "/" + str(artifact["paths"][0])
    return str(artifact["paths"][0])


def digest(id: str, artifact: dict[str, Any], moment: object = None) -> str:
    """Return the digest of an artifact where it lies; `moment` is the run's. Raises RunError when it is missing or empty."""
    where = location(id, artifact)
    try:
        if artifact["form"] == "paths":
            at_base = artifact.get("at_base")
            return (
                tree_digest(ROOT / "base" / id) if at_base else paths_digest(list(artifact["paths"]), Path())
            )
        if artifact["form"] == "table":
            return table_digest(as_of(where, whole_moment(moment)) if artifact.get("snapshot") else where)
        path = Path(where)
        if artifact["form"] == "folder":
            return tree_digest(path)
        if not path.is_file():
            raise RunError(f"the artifact '{id}' isn't there: no file {where}")
        return file_digest(path)
    except (DigestError, OSError) as problem:
        raise RunError(f"the artifact '{id}' can't be read: {problem}") from None


def lies_elsewhere(id: str, plan: dict[str, Any]) -> bool:
    """Tell whether an artifact lies at an address of a store, which only who can log in may read."""
    return is_address(plan["artifacts"][id]["paths"][0])


def is_kept(id: str, plan: dict[str, Any]) -> bool:
    """Tell whether the store or a registry keeps an artifact's bytes, which only who can log in may read."""
    return bool(plan["artifacts"][id].get("stored")) or is_registered(id, plan)


def remote_digests(
    node: dict[str, Any], plan: dict[str, Any], env: dict[str, str], seconds: float
) -> dict[str, str]:
    """Return artifact -> digest of what a node takes from addresses. Raises RunError, after `seconds` at the latest.

    `env` is the node's environment, with which it logs in.
    """
    found = {}
    for id in node["takes"]:
        if lies_elsewhere(id, plan):
            try:
                found[id] = str(objects_at(plan["artifacts"][id]["paths"][0], env, seconds)["digest"])
            except DigestError as problem:
                raise RunError(f"the artifact '{id}' can't be used: {problem}") from None
    return found


def receive(
    id: str, plan: dict[str, Any], selection: dict[str, Any], store: StoreAccess | None = None
) -> str:
    """Put an artifact where its readers expect it, and return its digest. Raises RunError.

    `store` reaches what the store or a registry keeps. ABSENT: its writer had nothing to write, and nothing is there.
    """
    artifact = plan["artifacts"][id]
    writer = artifact.get("writer")
    if writer is not None:
        if artifact.get("first") and _is_absent(id, artifact, plan["nodes"][writer], selection):
            clear(Path(artifact["paths"][0]))
            return ABSENT
        _unpack(id, artifact, plan["nodes"][writer], selection, store)
    elif artifact.get("at_base"):
        _from_base(id, artifact, selection["base_commit"])
    return digest(id, artifact, selection.get("moment"))


def _is_absent(id: str, artifact: dict[str, Any], writer: dict[str, Any], selection: dict[str, Any]) -> bool:
    """Tell whether no leg of the writer had it to write. Raises RunError where only some had."""
    states = [state for state in read_states(artifact["writer"], writer, selection) if state is not None]
    found = {state["end"] == "passed" and state["outputs"].get(id) == ABSENT for state in states}
    if found == {True, False}:
        raise RunError(f"only some legs of '{artifact['writer']}' wrote '{id}'")
    return found == {True}


def _unpack(
    id: str,
    artifact: dict[str, Any],
    writer: dict[str, Any],
    selection: dict[str, Any],
    store: StoreAccess | None,
) -> None:
    """Copy what each leg of the writer published, after checking that these are the bytes that it wrote."""
    target = Path(artifact["paths"][0])
    clear(target)
    name = artifact["writer"]
    states = read_states(name, writer, selection)
    for leg, state in zip(legs_of(writer), states):  # noqa: B905 - strict came with 3.10
        packed = data_folder(name, leg) / id
        if state is None or state["end"] != "passed" or id not in state["outputs"] or not packed.is_dir():
            raise RunError(f"'{name}' published no '{id}'")
        where = target / leg if leg else target
        if store is not None and is_registered(id, store.plan):
            get_registered(id, state["outputs"][id], where, packed, artifact["form"], store)
            continue
        if store is not None:
            get_stored(
                f"'{id}', which '{name}' wrote", state["outputs"][id], where, packed, artifact["form"], store
            )
            continue
        source = packed if artifact["form"] == "folder" else packed / target.name
        try:  # before anything is copied: a digest refuses links, which could lead anywhere
            found = tree_digest(source) if artifact["form"] == "folder" else file_digest(source)
        except DigestError as problem:
            raise RunError(f"'{name}' published no proper '{id}': {problem}") from None
        if found != state["outputs"][id]:
            raise RunError(
                f"'{id}' has other bytes than '{name}' wrote: {found} instead of {state['outputs'][id]}"
            )
        where.parent.mkdir(parents=True, exist_ok=True)
        _copy(source, where)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)


def clear(path: Path) -> None:
    """Remove what lies at a path, if anything does."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif path.exists() or path.is_symlink():
        path.unlink()


def _from_base(id: str, artifact: dict[str, Any], base: str) -> None:
    """Write the version at the base that changes are counted from (S3) below `_mlcc/base/`."""
    if not base:
        raise RunError(f"there is no base version of '{id}' in this run")
    folder = ROOT / "base" / id
    clear(folder)
    # A pattern as git's own would mean another: its `*` crosses folders.
    paths = [
        f":(glob){path}" if artifact["form"] == "paths" else f":(literal){path}" for path in artifact["paths"]
    ]
    packed = subprocess.run(
        ["git", "archive", "--format=tar", base, "--", *paths], capture_output=True, check=False
    )
    if packed.returncode != 0:
        raise RunError(f"the base {base[:12]} has no '{artifact['paths'][0]}'")
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as tar:
        for member in tar.getmembers():
            _extract(tar, member, folder, id)


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, id: str) -> None:
    """Write one file of an archive. Raises RunError on what isn't a file or a folder, or lies outside."""
    parts = Path(member.name).parts
    content = tar.extractfile(member) if member.isfile() else None
    if not (content or member.isdir()) or member.name.startswith("/") or ".." in parts:
        raise RunError(f"the base's '{id}' has a link or a path that leads outside")
    if content:
        target = folder / member.name
        target.parent.mkdir(parents=True, exist_ok=True)
        with content, target.open("wb") as file:
            shutil.copyfileobj(content, file)


def check_guards(
    id: str, node: dict[str, Any], taken: dict[str, str], plan: dict[str, Any], selection: dict[str, Any]
) -> None:
    """Refuse an artifact whose gates judged other bytes (S2). Raises RunError."""
    for other, kind in node["before"]:
        if kind != "guard" or other not in selection["selected"]:
            continue
        gate = plan["nodes"][other]
        guarded = gate["guards"]
        for state in read_states(other, gate, selection):
            judged = state["inputs"].get(guarded) if state else None
            if guarded in taken and judged != taken[guarded]:
                raise RunError(f"'{other}' judged other bytes of '{guarded}' than '{id}' would read")


def clean_outputs(node: dict[str, Any], plan: dict[str, Any]) -> None:
    """Remove what an earlier attempt may have written, and make the folders that outputs go to."""
    for id in node.get("writes", []):
        artifact = plan["artifacts"][id]
        if artifact["form"] == "image":
            continue  # it never lies here
        target = Path(artifact["paths"][0])
        clear(target)
        (target if artifact["form"] == "folder" else target.parent).mkdir(parents=True, exist_ok=True)


def publish(
    node_id: str, leg: str, node: dict[str, Any], store: StoreAccess, taken: dict[str, str]
) -> dict[str, str]:
    """Put what a node wrote where it is passed on: here, in the store or in a registry. Returns artifact -> digest.

    `taken` are the digests of what it took: where something of that is ABSENT, so may be what it writes with `first: none`.
    Raises RunError.
    """
    plan = store.plan
    folder = data_folder(node_id, leg)
    clear(folder)
    digests: dict[str, str] = {}
    for id in node.get("writes", []):
        artifact = plan["artifacts"][id]
        source = Path(artifact["paths"][0])
        if artifact.get("first") and ABSENT in taken.values() and not _anything_at(source):
            digests[id] = ABSENT
            write_record(folder / id / _NOTE, {"first": "none"})
            continue
        digests[id] = digest(id, artifact)
        if artifact["form"] == "file" and source.stat().st_size == 0:
            raise RunError(f"'{id}' was written empty")
        if artifact.get("stored"):
            put_stored(f"'{id}'", digests[id], source, folder / id, store)
            continue
        if is_registered(id, plan):
            put_registered(id, digests[id], source, folder / id, store)
            continue
        target = folder / id if artifact["form"] == "folder" else folder / id / source.name
        target.parent.mkdir(parents=True, exist_ok=True)
        _copy(source, target)
    return digests


def _anything_at(path: Path) -> bool:
    """Tell whether a command wrote anything to a path: the folder for it is made beforehand."""
    return any(path.iterdir()) if path.is_dir() else path.is_symlink() or path.exists()
