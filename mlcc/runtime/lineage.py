"""The record of a run: which code and data made which model, and what every gate found. Written by the final node.

It goes to `_mlcc/s--final/lineage.jsonl`, as in-toto statements (see mlcc.runtime.statements), one a line.

Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from pathlib import Path
from typing import Any

from mlcc.runtime.data import ABSENT
from mlcc.runtime.decide import Ending, read_states, read_verdict
from mlcc.runtime.digest import DigestError, file_digest
from mlcc.runtime.platform import Platform
from mlcc.runtime.records import RunError, legs_of, read_record, state_folder, waivers_of, write_text
from mlcc.runtime.registered import version_name
from mlcc.runtime.statements import statements

MOST_CHECKS = 1000  # of one gate that the record holds
_LOCKS = (
    "uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pylock.toml", "conda-lock.yml", "requirements.txt", "mlcc.lock",
)  # fmt: skip
_SEED = re.compile(r"(?:.*_)?SEED|PYTHONHASHSEED")
_MD5 = re.compile(r"^\s*(?:- )?md5: ([0-9a-f]{32}(?:\.dir)?)\s*$", re.MULTILINE)


def keep_lineage(
    platform: Platform,
    plan: dict[str, Any],
    selection: dict[str, Any],
    endings: dict[str, Ending],
    red: list[str],
) -> None:
    """Write the run's statements beside its result. A run without them ended as it has, and can't be released."""
    try:
        found = statements(lineage_record(plan, selection, endings, red))
        lines = [json.dumps(one, sort_keys=True, allow_nan=False) + "\n" for one in found]
        write_text(state_folder("final") / "lineage.jsonl", "".join(lines))
    except (OSError, ValueError, RunError) as problem:
        platform.warn(f"the run's lineage can't be written: {problem}")


def lineage_record(
    plan: dict[str, Any], selection: dict[str, Any], endings: dict[str, Ending], red: list[str]
) -> dict[str, Any]:
    """Return what is known of a run: code, data, models, environment, gates. What isn't known is left out."""
    states = {id: _states(id, plan, selection) for id in endings}
    gates = {
        id: _gate_record(id, plan["nodes"][id], states[id], found)
        for id, found in endings.items()
        if plan["nodes"][id]["kind"] == "gate"
    }
    artifacts = _artifacts(plan, states, gates)
    found = {
        "pipeline": plan["name"],
        "platform": os.environ.get("MLCC_PLATFORM", ""),
        "run": {key: value for key, value in selection["facts"].items() if value},
        "inputs": selection["inputs"],
        "green": not red,
        "causes": red,
        "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "commit": _commit(selection["commit"]),
        "spec": _digests(f"{_to_root(plan)}{path}" for path in plan.get("spec_files", ())),
        "plan": _digests([".mlcc/plan.json"]),
        "locks": _digests(_LOCKS),
        "images": {id: plan["nodes"][id]["image"] for id in endings if plan["nodes"][id].get("image")},
        "seeds": _seeds(plan, selection, endings),
        "artifacts": artifacts,
        "champions": _against(gates, "champion"),
        "references": _against(gates, "reference"),  # of drift gates: a committed profile, or a table
        "gates": gates,
        "nodes": {id: {"end": found.end, **_seconds(states[id])} for id, found in endings.items()},
        "borne": waivers_of(plan, os.environ.get("MLCC_PLATFORM", "")),
    }
    return {key: value for key, value in found.items() if value not in ({}, None)}


def _states(id: str, plan: dict[str, Any], selection: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return leg -> state, for the legs that left one of this run."""
    node = plan["nodes"][id]
    try:
        found = read_states(id, node, selection)
    except RunError:
        return {}
    return {leg: state for leg, state in zip(legs_of(node), found) if state is not None}  # noqa: B905 - Python 3.8


def _seconds(states: dict[str, dict[str, Any]]) -> dict[str, float]:
    times = [state["seconds"] for state in states.values() if type(state.get("seconds")) in (int, float)]
    return {"seconds": sum(times)} if times else {}


# --- what was used and made -----------------------------------------------------------------------


def _artifacts(
    plan: dict[str, Any], states: dict[str, dict[str, dict[str, Any]]], gates: dict[str, dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Return each artifact that a node of this run took or made, with its digests by leg of its writer."""
    found: dict[str, dict[str, Any]] = {}
    for by_leg in states.values():
        for state in by_leg.values():
            for id, digest in state["inputs"].items():
                if digest != ABSENT:
                    found.setdefault(id, {"digests": {"": digest}, "made": False})
    for node, by_leg in states.items():
        for id in plan["nodes"][node].get("writes", ()):
            made = {
                leg: s["outputs"][id]
                for leg, s in by_leg.items()
                if s["end"] == "passed" and s["outputs"].get(id, ABSENT) != ABSENT
            }
            if made:
                found[id] = {"digests": made, "made": True, "writer": node}
    for id, entry in found.items():
        artifact = plan["artifacts"][id]
        entry.update(kind=artifact["kind"], form=artifact["form"], paths=artifact["paths"])
        entry.update(_alias(plan["nodes"].get(artifact.get("writer"), {})))
        entry.update(_registered(id, artifact, states.get(artifact.get("writer"), {})))
        rows = [rows for gate in gates.values() if gate["guards"] == id for rows in _rows(gate)]
        if rows:
            entry["rows"] = rows[0]
    return dict(sorted(found.items()))


def _alias(writer: dict[str, Any]) -> dict[str, str]:
    """Return the md5 by which DVC knows what a fetch brings."""
    for path in writer.get("sources", ()) if writer.get("kind") == "fetch" else ():
        if path.endswith(".dvc"):
            try:
                match = _MD5.search(Path(path).read_text("utf-8"))
            except (OSError, ValueError):
                return {}
            return {"md5": match[1]} if match else {}
    return {}


def _registered(id: str, artifact: dict[str, Any], states: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return which version of a registered model an artifact is."""
    found = [state["values"].get(version_name(id)) for state in states.values()]
    if "registry" not in artifact or not found or found[0] is None:
        return {}
    return {"registered": {"model": artifact["registry"], "version": found[0]}}


def _rows(gate: dict[str, Any]) -> list[int]:
    """Return the number of rows that a gate counted in what it guards."""
    found = [check for check in gate["checks"] if check.get("id") in ("rows", "rows.min")]
    counted = [check.get("estimate", check.get("n")) for check in found]
    return [rows for rows in counted if type(rows) is int]


def _against(gates: dict[str, dict[str, Any]], role: str) -> dict[str, str]:
    """Return the digest of each artifact that gates hold others against in a role, as their parameters name it."""
    found = {}
    for id, gate in gates.items():
        try:
            parameters = read_record(Path(".mlcc") / "gates" / f"{id}.json") or {}
        except RunError:
            continue
        named = parameters.get("params", {}).get(role)
        named = named.get("artifact") if isinstance(named, dict) else named
        taken = gate["inputs"].get(named) if isinstance(named, str) else None
        if isinstance(taken, dict) and isinstance(taken.get("digest"), str) and taken["digest"] != ABSENT:
            found[str(named)] = taken["digest"]
    return found


def _seeds(plan: dict[str, Any], selection: dict[str, Any], ids: Any) -> dict[str, dict[str, str]]:
    """Return node -> the declared variables that are seeds (SEED, …_SEED), as far as the plan or a form states them."""
    found: dict[str, dict[str, str]] = {}
    for id in ids:
        for name, value in plan["nodes"][id].get("env", {}).items():
            stated = value.get("text", selection["inputs"].get(value.get("input"), value.get("default")))
            if _SEED.fullmatch(name) and stated is not None and "secret" not in value:
                found.setdefault(id, {})[name] = str(stated)
    return found


def _digests(paths: Any) -> dict[str, str]:
    """Return path -> digest of those files that are there."""
    found = {}
    for path in paths:
        try:
            found[os.path.normpath(path)] = file_digest(path)
        except (DigestError, OSError):
            continue
    return found


def _to_root(plan: dict[str, Any]) -> str:
    return "".join("../" for part in plan.get("home", "").split("/") if part)


def _commit(id: str) -> dict[str, Any]:
    """Return the commit, when it was made, and whether tracked files differ from it."""
    found: dict[str, Any] = {"id": id}
    committed = _git_says("show", "-s", "--format=%cI", id)
    changed = _git_says("status", "--porcelain", "--untracked-files=no")
    if committed:
        found["committed"] = committed
    if changed is not None:
        found["dirty"] = changed != ""
    return found


def _git_says(*words: str) -> str | None:
    call = ["git", "-c", "core.fsmonitor=false", "-c", "safe.directory=*", *words]
    try:
        done = subprocess.run(call, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else None


# --- what gates found -----------------------------------------------------------------------------


def _gate_record(
    id: str, node: dict[str, Any], states: dict[str, dict[str, Any]], ending: Ending
) -> dict[str, Any]:
    """Return what a gate decided, by the state, and what it found, by its verdict. Of several legs the worst."""
    found: dict[str, Any] = {
        "kind": node["gate"],
        "guards": node["guards"],
        "blocking": node.get("blocking", True),
        "end": ending.end,
        "verdict": ending.verdict,
        "summary": ending.cause,
        "inputs": {},
        "checks": [],
    }
    for leg, state in states.items():
        verdict = _verdict(id, leg)
        if verdict and state["verdict"] == ending.verdict and verdict.get("verdict") == ending.verdict:
            checks = verdict.get("checks")
            found["checks"] = checks[:MOST_CHECKS] if isinstance(checks, list) else []
            found["inputs"] = _inputs_of(verdict)
            found.update(
                {key: verdict[key] for key in ("summary", "gate_digest", "waived") if key in verdict}
            )
            break
    found["checks"] = [check for check in found["checks"] if isinstance(check, dict)]
    return {**found, **_seconds(states)}


def _inputs_of(verdict: dict[str, Any]) -> dict[str, Any]:
    """Return what a gate judged by path and digest. The objects behind an address stay in its verdict: they may be many."""
    inputs = verdict.get("inputs")
    found = inputs.items() if isinstance(inputs, dict) else ()
    return {
        id: {key: value for key, value in taken.items() if key != "objects"}
        for id, taken in found
        if isinstance(taken, dict)
    }


def _verdict(id: str, leg: str) -> dict[str, Any] | None:
    try:
        return read_verdict(id, leg)
    except RunError:
        return None
