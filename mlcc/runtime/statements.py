"""A run's record as in-toto Statements v1 (https://github.com/in-toto/attestation, spec/v1), unsigned.

Three: the record itself, SLSA provenance v1 (https://slsa.dev/provenance/v1) and, where a gate gave a verdict, a
test result (https://in-toto.io/attestation/test-result/v0.1). The subject is what models the run made; without one,
whatever it made; else the commit.

Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

import re
from typing import Any

from mlcc.runtime.predicates import PROVENANCE, RECORD, STATEMENT, TEST_RESULT

_PINNED = re.compile(r"@sha256:([0-9a-f]{64})$")
_GIT_HASH = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def statements(record: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the statements about a run, the record itself first."""
    subject = subjects(record)
    found = [(RECORD, record), (PROVENANCE, _provenance(record))]
    if any(gate["end"] in ("passed", "failed") for gate in record.get("gates", {}).values()):
        found.append((TEST_RESULT, _test_result(record)))
    return [
        {"_type": STATEMENT, "subject": subject, "predicateType": kind, "predicate": predicate}
        for kind, predicate in found
    ]


def subjects(record: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what a run made: its models and images, else everything, else its commit."""
    made = {id: entry for id, entry in record.get("artifacts", {}).items() if entry["made"]}
    models = {id: entry for id, entry in made.items() if entry["kind"] in ("model", "image")}
    found = [found for id, entry in (models or made).items() for found in _descriptors(id, entry)]
    return found or [_commit_descriptor(record)]


def _descriptors(id: str, entry: dict[str, Any]) -> list[dict[str, Any]]:
    """Return an artifact as in-toto's ResourceDescriptors, one for each leg of its writer."""
    md5 = {"md5": entry["md5"]} if re.fullmatch("[0-9a-f]{32}", entry.get("md5", "")) else {}
    # A folder's digest is of the sorted lines of sha256sum, not of one file.
    notes = {"mlcc_form": entry["form"]} if entry["form"] != "file" else {}
    if "registered" in entry:
        notes["mlcc_version"] = f"{entry['registered']['model']}/{entry['registered']['version']}"
    found = []
    for leg, digest in entry["digests"].items():
        own: dict[str, Any] = {"name": f"{id}/{leg}" if leg else id}
        if digest.startswith("sha256:"):
            own["digest"] = {"sha256": digest[len("sha256:") :], **md5}
            if entry["form"] == "image":
                own["uri"] = f"{entry['paths'][0]}@{digest}"
            annotations = notes
        else:  # of a warehouse's table or a store's objects: not of bytes
            own["uri"] = entry["paths"][0]
            annotations = {**notes, "mlcc_digest": digest}
        found.append({**own, "annotations": annotations} if annotations else own)
    return found


def _commit_descriptor(record: dict[str, Any]) -> dict[str, Any]:
    commit, repository = record["commit"], record["run"].get("repository", "")
    found: dict[str, Any] = {"name": repository or "commit", "digest": {"gitCommit": commit["id"]}}
    if not _GIT_HASH.fullmatch(commit["id"]):
        found["digest"] = {"commit": commit["id"]}
    notes = {f"mlcc_{key}": commit[key] for key in ("committed", "dirty") if key in commit}
    return {**found, "annotations": notes} if notes else found


def _provenance(record: dict[str, Any]) -> dict[str, Any]:
    files = {**record.get("spec", {}), **record.get("plan", {}), **record.get("locks", {})}
    used: list[dict[str, Any]] = [_commit_descriptor(record)]
    used += [{"name": name, "digest": {"sha256": digest[7:]}} for name, digest in sorted(files.items())]
    used += [_image(image) for image in sorted(set(record.get("images", {}).values()))]
    byproducts: list[dict[str, Any]] = []
    named = [found["name"] for found in subjects(record)]
    for id, entry in record.get("artifacts", {}).items():
        found = [one for one in _descriptors(id, entry) if one["name"] not in named]
        (byproducts if entry["made"] else used).extend(found)
    run = record["run"]
    return {
        "buildDefinition": {
            "buildType": "https://mlcc.dev/pipeline/1",
            "externalParameters": {
                "pipeline": record["pipeline"],
                "event": run.get("event", ""),
                "ref": run.get("tag") or run.get("branch", ""),
                "inputs": record.get("inputs", {}),
            },
            "internalParameters": {"seeds": record.get("seeds", {})},
            "resolvedDependencies": used,
        },
        "runDetails": {
            "builder": {"id": f"https://mlcc.dev/builders/{record.get('platform') or 'unknown'}"},
            "metadata": {
                "invocationId": run.get("run_url") or run["run_id"],
                "finishedOn": record["finished"],
            },
            "byproducts": byproducts,
        },
    }


def _image(image: str) -> dict[str, Any]:
    pinned = _PINNED.search(image)
    digest = {"digest": {"sha256": pinned[1]}} if pinned else {}
    return {"name": image, "uri": f"docker://{image}", **digest}


def _test_result(record: dict[str, Any]) -> dict[str, Any]:
    """Return the gates as a test result: PASSED only where the run is green and nothing was let through."""
    passed: list[str] = []
    warned: list[str] = []
    failed: list[str] = []
    configuration = []
    for id, gate in record["gates"].items():
        if gate["end"] not in ("passed", "failed"):
            continue
        clean = gate["end"] == "passed" and gate["verdict"] == "pass"
        open_ = gate["end"] == "passed" or not gate["blocking"]
        (passed if clean else warned if open_ else failed).append(id)
        if isinstance(gate.get("gate_digest"), str):
            digest = gate["gate_digest"][len("sha256:") :]
            configuration.append({"name": f".mlcc/gates/{id}.json", "digest": {"sha256": digest}})
        configuration += _files_of(gate, record)
    result = "FAILED" if failed or not record["green"] else "WARNED" if warned or not passed else "PASSED"
    found: dict[str, Any] = {"result": result, "configuration": configuration}
    if record["run"].get("run_url"):
        found["url"] = record["run"]["run_url"]
    return {**found, "passedTests": passed, "warnedTests": warned, "failedTests": failed}


def _files_of(gate: dict[str, Any], record: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what a gate judged by that is no artifact: golden answers, a record that people wrote."""
    artifacts = record.get("artifacts", {})
    return [
        {"name": path, "digest": {"sha256": str(one["digest"])[len("sha256:") :]}}
        for path, one in gate["inputs"].items()
        if path not in artifacts and isinstance(one, dict) and str(one.get("digest")).startswith("sha256:")
    ]
