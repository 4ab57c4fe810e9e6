"""From the parameters of an `artifact` gate to those of its script."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mlcc.gates import ArtifactInfo, GateParamsError, Loc, artifact_named, file_format
from mlcc.gates.strictness import ALLOWED, DEMANDED, DERIVED, Way

LOOSER: Mapping[str, Way] = {
    **dict.fromkeys(("files", "operators/domains", "operators/allow"), ALLOWED),
    "operators/deny": DEMANDED,
    **dict.fromkeys(("model", "schema_of/format"), DERIVED),
}
"""See mlcc.gates.strictness."""
MODELS = ("onnx", "safetensors", "xgboost", "lightgbm")
_UNITS = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_SIZE = re.compile(r"([1-9][0-9]{0,8}) ?(B|kB|MB|GB|KiB|MiB|GiB)")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_ONLY_ONNX = ("inputs", "outputs", "opset", "operators")
_WILDCARDS = frozenset("*?")


def references(params: Any) -> tuple[tuple[Loc, str], ...]:
    """Return the served table, the statement and the artifacts that the model was made from."""
    found: list[tuple[Loc, str]] = [
        ((key,), getattr(params, key))
        for key in ("schema_of", "statement")
        if getattr(params, key) is not None
    ]
    found += [(("lineage", id), id) for id in params.lineage or ()]
    return tuple(found)


def needs_packages(params: Any) -> bool:
    """Whether a table is read, for the names of its columns."""
    return params.schema_of is not None


def compile(params: Any, artifacts: Mapping[str, ArtifactInfo], guards: str) -> dict[str, object]:
    """Return the files and their formats, and what the model must say of itself. Raises GateParamsError."""
    files = _files(params, artifact_named(artifacts, guards, ()))
    model = _model(files)
    if params.lineage is not None and guards in params.lineage:
        raise GateParamsError(("lineage", guards), "a model can't hold its own digest")
    if params.statement == guards:
        raise GateParamsError(("statement",), "the statement is an artifact beside the one that it is about")
    found: dict[str, object] = {
        "files": files,
        "model": model["path"],
        "metadata": _metadata(params, files),
        "max_bytes": None if params.max_size is None else _bytes(params.max_size),
        "digest": _digest(params.digest),
        "inputs": _values(params.inputs, "inputs"),
        "outputs": _values(params.outputs, "outputs"),
        "opset": _opset(params.opset),
        "operators": _operators(params.operators),
        "schema_of": _table(params, artifacts, model),
        "features": params.features,
        "lineage": params.lineage,
        "statement": params.statement,
        "run": None if params.verify is None else params.verify.run,
        "setup": None if params.verify is None else [],
    }
    _check_claims(params, model)
    return {key: value for key, value in found.items() if value is not None}


def _files(params: Any, artifact: ArtifactInfo) -> list[dict[str, str]]:
    if any(sign in artifact.path for sign in _WILDCARDS):
        raise GateParamsError(
            (), f"an artifact gate judges one file or folder, and {artifact.path} is a pattern"
        )
    if not artifact.path.endswith("/"):
        if params.files is not None:
            raise GateParamsError(
                ("files",),
                f"{artifact.path} is one file",
                "say `format: …`, or let the artifact's path end in /",
            )
        return [{"path": artifact.path, "format": params.format}]
    if params.files is None:
        raise GateParamsError(
            ("format",),
            f"{artifact.path} is a folder, and a format is of one file",
            "list under `files` what it holds: files: [{path: model.onnx, format: onnx}]",
        )
    paths = [file.path for file in params.files]
    for i, path in enumerate(paths):
        if path in paths[:i]:
            raise GateParamsError(("files", i, "path"), f"{path} is listed twice")
    return [{"path": file.path, "format": file.format} for file in params.files]


def _model(files: list[dict[str, str]]) -> dict[str, str]:
    """Return the file that is the model: the first of a model's format, else the first."""
    return next((file for file in files if file["format"] in MODELS), files[0])


def _metadata(params: Any, files: list[dict[str, str]]) -> str | None:
    if params.metadata is None:
        return None
    known = [file["path"] for file in files if file["format"] == "json"]
    if params.files is None or params.metadata not in known:
        raise GateParamsError(
            ("metadata",),
            f"{params.metadata} is none of the files",
            "list it under `files` with `format: json`; leave `metadata` out for what the model itself holds",
        )
    return str(params.metadata)


def _bytes(size: str) -> int:
    match = _SIZE.fullmatch(size)
    if match is None:
        raise GateParamsError(
            ("max_size",), f"{size} is no size", f"a number and one of {', '.join(_UNITS)}, such as 50MB"
        )
    return int(match[1]) * _UNITS[match[2]]


def _digest(digest: str | None) -> str | None:
    if digest is not None and not _DIGEST.fullmatch(digest):
        raise GateParamsError(
            ("digest",),
            "this is no digest",
            "sha256: and 64 hexadecimal digits, as `mlcc`'s verdicts show it",
        )
    return digest


def _values(values: Any, key: str) -> list[dict[str, object]] | None:
    if values is None:
        return None
    found: list[dict[str, object]] = []
    for id, value in values.items():
        name = value.name or id
        if name in [other["name"] for other in found]:
            raise GateParamsError((key, id), f"{name} is declared twice")
        entry: dict[str, object] = {"name": name, "type": value.type}
        if value.shape is not None:
            entry["shape"] = [_dimension(size, (key, id, "shape", i)) for i, size in enumerate(value.shape)]
            if value.type in ("sequence", "map"):
                raise GateParamsError((key, id, "shape"), f"a {value.type} has no shape")
        found.append(entry)
    return found


def _dimension(size: Any, loc: Loc) -> int | None:
    if size == "any":
        return None
    if size < 0:
        raise GateParamsError(loc, f"a dimension of {size} can't be", "write `any` where every size is good")
    return int(size)


def _opset(opset: Any) -> dict[str, int] | None:
    if opset is None:
        return None
    if opset.max is not None and opset.max < opset.min:
        raise GateParamsError(("opset", "max"), f"max ({opset.max}) is less than min ({opset.min})")
    return {"min": opset.min, **({} if opset.max is None else {"max": opset.max})}


def _operators(operators: Any) -> dict[str, list[str]] | None:
    if operators is None:
        return None
    for i, name in enumerate(operators.deny):
        if name in (operators.allow or ()):
            raise GateParamsError(("operators", "deny", i), f"{name} is allowed and denied")
    allow = {} if operators.allow is None else {"allow": list(operators.allow)}
    return {"domains": list(operators.domains), "deny": list(operators.deny), **allow}


def _table(
    params: Any, artifacts: Mapping[str, ArtifactInfo], model: Mapping[str, str]
) -> dict[str, str] | None:
    if params.schema_of is None:
        return None
    if params.features is None and model["format"] not in ("onnx", "xgboost", "lightgbm"):
        raise GateParamsError(
            ("schema_of",),
            f"{model['format']} names no features",
            "say under `features` where the metadata lists them",
        )
    loc = ("schema_of",)
    table = artifact_named(artifacts, params.schema_of, loc)
    return {"artifact": params.schema_of, "format": file_format(table, loc, "the data's table")}


def _check_claims(params: Any, model: Mapping[str, str]) -> None:
    """Refuse what the model's format can't tell."""
    for key in _ONLY_ONNX:
        if getattr(params, key) is not None and model["format"] != "onnx":
            raise GateParamsError((key,), f"only ONNX models have {key}, and this one is {model['format']}")
    if any(getattr(params, key) is not None for key in _ONLY_ONNX) and _WILDCARDS & set(model["path"]):
        raise GateParamsError(
            ("files",), "a pattern of ONNX files has no inputs, outputs or operators of its own"
        )
    if params.features is not None and params.schema_of is None:
        raise GateParamsError(("features",), "features are held against a table", "add `schema_of: ARTIFACT`")
    silent = model["format"] in ("lightgbm", "text") and params.metadata is None
    if (params.lineage is not None or params.features is not None) and silent:
        key = "lineage" if params.lineage is not None else "features"
        raise GateParamsError(
            (key,),
            f"{model['format']} has no metadata",
            "let training write a JSON file beside it, and name it: `metadata: meta.json`",
        )
