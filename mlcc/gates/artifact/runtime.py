"""The gate `artifact`: the bytes of a model, their format, what they say of themselves, and where they come from."""

from __future__ import annotations

# os.path is loaded at start-up anyway.
# ruff: noqa: PTH118, PTH202
import os
import sys

from mlcc.gates._models.content import ContentError
from mlcc.gates._records import Check, GateError, Verdict, counted, verdict_of, visible
from mlcc.gates._shell import program, run_program
from mlcc.gates._support import Gate, run
from mlcc.gates.artifact.content import Contents, refuse_dangerous, shown_names
from mlcc.gates.artifact.lineage import check_lineage, check_statement
from mlcc.gates.artifact.onnx import read_onnx, undeclared
from mlcc.gates.artifact.schema import check_columns, check_values, features_of
from mlcc.gates.artifact.tensors import read_safetensors
from mlcc.gates.artifact.trees import read_json_file, read_lightgbm, read_text, read_xgboost
from mlcc.runtime.digest import file_digest
from mlcc.runtime.patterns import path_matches

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

READERS = {
    "onnx": read_onnx,
    "safetensors": read_safetensors,
    "xgboost": read_xgboost,
    "lightgbm": read_lightgbm,
    "json": read_json_file,
    "text": read_text,
}
_OWN_DOMAINS = ("", "ai.onnx.ml")
_MOST_FILES = 10_000


def judge(gate: Gate) -> Verdict:
    """Judge the artifact's bytes; what it says of itself only where they are sound."""
    files = _files_of(gate.path(gate.guards))
    checks = [*_check_bytes(gate, files)]
    contents: dict[str, Contents] = {}
    checks += _read_files(gate, files, contents)
    if all(check.verdict == "pass" for check in checks if check.id.startswith("file")):
        checks += _check_claims(gate, contents)
    if "statement" in gate.params:
        checks.append(check_statement(gate, _digests(files)))
    # The tool comes last: it is not run on bytes that have failed.
    if "run" in gate.params and all(check.verdict == "pass" for check in checks):
        checks.append(_verify(gate))
    return verdict_of(checks)


def _files_of(path: str) -> dict[str, str]:
    """Return the files of the artifact: path below the folder ("" for a single file) to where it lies."""
    if not path.endswith("/"):
        return {"": path}
    found = {}
    for folder, _, names in os.walk(path):
        for name in names:
            place = os.path.join(folder, name)
            found[os.path.relpath(place, path).replace(os.sep, "/")] = place
            if len(found) > _MOST_FILES:
                raise GateError(f"{visible(path)} has over {_MOST_FILES} files")
    return found


def _digests(files: Mapping[str, str]) -> dict[str, str]:
    return {name: file_digest(place) for name, place in files.items() if name}


def _check_bytes(gate: Gate, files: Mapping[str, str]) -> Iterator[Check]:
    size = sum(os.path.getsize(place) for place in files.values())
    most = gate.params.get("max_bytes")
    if most is not None:
        verdict = "pass" if size <= most else "fail"
        message = f"the artifact has {size} bytes; at most {most} are allowed"
        yield Check("size", verdict, message, estimate=size, threshold={"max": most}, margin=most - size)
    wanted = gate.params.get("digest")
    if wanted is not None:
        found = gate.inputs[gate.guards]["digest"]
        verdict = "pass" if found == wanted else "fail"
        told = "as pinned" if found == wanted else f"and {wanted} is pinned"
        yield Check("digest", verdict, f"the artifact's digest is {found}, {told}")


def _read_files(gate: Gate, files: Mapping[str, str], contents: dict[str, Contents]) -> Iterator[Check]:
    """Yield a check for each file; `contents` takes what each says of itself, by the path of the parameters."""
    rules = gate.params["files"]
    unmatched = {rule["path"] for rule in rules}
    unknown = []
    for name in sorted(files):
        rule = next((rule for rule in rules if not name or path_matches(rule["path"], name)), None)
        if rule is None:
            unknown.append(name)
            continue
        unmatched.discard(rule["path"])
        yield _read_one(rule, name, files[name], contents)
    if unknown or unmatched:
        what = [f"{shown_names(unknown)} is not declared"] if unknown else []
        what += [f"{shown_names(unmatched)} is missing"] if unmatched else []
        yield Check("files", "fail", f"the folder doesn't hold the declared files: {'; '.join(what)}")
    elif "" not in files:
        yield Check("files", "pass", f"the folder holds the declared files and no others ({len(files)})")


def _read_one(rule: Mapping[str, str], name: str, place: str, contents: dict[str, Contents]) -> Check:
    id, shown = f"file.{name}" if name else "file", visible(name or place)
    try:
        refuse_dangerous(place)
        found = READERS[rule["format"]](place)
    except ContentError as error:
        return Check(id, "fail", f"{shown} {error}; its format must be {rule['format']}")
    contents[rule["path"]] = found
    return Check(id, "pass", f"{shown} is {found.said}")


def _check_claims(gate: Gate, contents: Mapping[str, Contents]) -> Iterator[Check]:
    """Yield the checks on what the model says of itself."""
    params = gate.params
    model = contents[params["model"]]
    metadata = contents[params.get("metadata", params["model"])].metadata
    if model.operators:
        yield _check_operators(params.get("operators", {}), model)
    if "opset" in params:
        yield _check_opset(params["opset"], model)
    for which in ("inputs", "outputs"):
        if which in params:
            yield check_values(which, params[which], model)
    if "schema_of" in params:
        try:
            yield from check_columns(gate, features_of(params, model, metadata), model)
        except GateError as error:
            yield Check("columns", "error", str(error))
    if "lineage" in params:
        yield from check_lineage(gate, metadata)


def _check_operators(rules: Mapping[str, Any], model: Contents) -> Check:
    """Refuse operators that the runtime would take from a library of its own, denied ones and undeclared ones."""
    names = {_operator(domain, name): domain for domain, name in model.operators}
    domains = {*_OWN_DOMAINS, *rules.get("domains", ())}
    foreign = [name for name, domain in names.items() if domain not in domains]
    allowed = rules.get("allow")
    refused = [name for name in names if allowed is not None and name not in allowed]
    denied = [name for name in names if name in rules.get("deny", ())]
    for what, found in (
        ("of domains that aren't ONNX' own", foreign),
        ("that aren't allowed", refused),
        ("that are denied", denied),
        ("of operator sets that it doesn't import", list(undeclared(model))),
    ):
        if found:
            return Check("operators", "fail", f"the model has operators {what}: {shown_names(found)}")
    return Check(
        "operators", "pass", f"the model's {counted(len(names), 'operator')} may occur", n=len(names)
    )


def _operator(domain: str, name: str) -> str:
    return f"{domain}:{name}" if domain else name


def _check_opset(limits: Mapping[str, int], model: Contents) -> Check:
    version = model.opsets.get("")
    if version is None:
        return Check("opset", "pass", "the model needs nothing of ONNX' own operator set")
    most = limits.get("max")
    good = version >= limits["min"] and (most is None or version <= most)
    wanted = f"at least {limits['min']}" + ("" if most is None else f" and at most {most}")
    message = f"the model needs version {version} of ONNX' operator set; {wanted} is required"
    return Check("opset", "pass" if good else "fail", message, estimate=version, threshold=dict(limits))


def _verify(gate: Gate) -> Check:
    setup, command = program(gate.params)
    code = run_program(gate, setup, command, {})
    message = f"the verifying tool ended with exit code {code}"
    return Check("verify", "pass" if code == 0 else "fail", message)


def main() -> int:
    """Run the gate that the command line names."""
    return run("artifact", judge, __file__, sys.argv[1:])
