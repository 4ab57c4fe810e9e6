"""From the parameters of a `pipeline_smoke` gate to those of its script."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcc.gates import ArtifactInfo, GateParamsError, Loc
from mlcc.gates.strictness import DERIVED, Way

LOOSER: Mapping[str, Way] = {"outputs/*/format": DERIVED}
"""See mlcc.gates.strictness."""

TABLES = ("csv", "tsv", "jsonl", "parquet")
FORMATS = {
    ".json": "json",
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".npy": "npy",
    ".safetensors": "safetensors",
    ".onnx": "onnx",
}


def references(params: Any) -> tuple[tuple[Loc, str], ...]:
    """Return the artifacts that the pipeline reads."""
    return tuple((("reads", i), id) for i, id in enumerate(params.reads))


def needs_packages(params: Any) -> bool:
    """Whether DuckDB is needed: for Parquet; every other format is read without packages."""
    return any(_format(output.path) == "parquet" and output.finite for output in params.outputs.values())


def compile(params: Any, artifacts: Mapping[str, ArtifactInfo], guards: str) -> dict[str, object]:
    """Return the command, and how each output is read. Raises GateParamsError."""
    del guards
    outputs = []
    for id, output in params.outputs.items():
        loc: Loc = ("outputs", id)
        for name, artifact in artifacts.items():
            if _overlap(output.path, artifact.path):
                raise GateParamsError(
                    (*loc, "path"),
                    f"the run would overwrite the artifact '{name}' at {artifact.path}",
                    "let the sample's outputs go to a folder of their own, such as build/smoke/",
                )
        outputs.append({"id": id, "path": output.path, **_reading(output, loc)})
    return {"run": params.run, "setup": [], "outputs": outputs}


def _reading(output: Any, loc: Loc) -> dict[str, object]:
    """Return how the numbers of an output are found."""
    format = _format(output.path)
    if not output.finite:
        for key in ("value", "columns", "decreases"):
            if getattr(output, key):
                raise GateParamsError(
                    (*loc, key), f"{key} is about numbers, and `finite: false` leaves them alone"
                )
        return {}
    if format is None:
        raise GateParamsError(
            (*loc, "path"),
            f"no gate looks for NaN in {output.path}",
            f"read are {', '.join(FORMATS)}, and folders of them; for another format write `finite: false`",
        )
    _check_place(output, format, loc)
    found: dict[str, object] = {"format": format}
    if output.value is not None:
        found["value"] = output.value.split(".")
    if output.columns is not None:
        found["columns"] = list(output.columns)
    if output.decreases:
        found["decreases"] = True
    return found


def _check_place(output: Any, format: str, loc: Loc) -> None:
    if output.value is not None and format != "json":
        raise GateParamsError(
            (*loc, "value"), f"`value` is a place in a .json file, and {output.path} is none"
        )
    if output.value is not None and not all(output.value.split(".")):
        raise GateParamsError((*loc, "value"), f"{output.value} has an empty step between its dots")
    if format in TABLES and output.columns is None:
        raise GateParamsError(
            loc, "the table has no `columns`: a NaN may be an empty cell, so say which hold numbers"
        )
    if output.columns is not None and format not in TABLES:
        raise GateParamsError((*loc, "columns"), f"`columns` are a table's, and {output.path} is none")
    one_series = output.value is not None or (format in TABLES[:3] and len(output.columns or ()) == 1)
    if output.decreases and not one_series:
        raise GateParamsError(
            (*loc, "decreases"),
            "`decreases` needs one series of numbers",
            "a list at `value` in a .json file, or one of `columns` in a .csv, .tsv or .jsonl file",
        )


def _format(path: str) -> str | None:
    if path.endswith("/"):
        return "folder"
    name = path.rpartition("/")[2]
    return FORMATS.get("." + name.rpartition(".")[2].lower()) if "." in name else None


def _overlap(path: str, other: str) -> bool:
    """Whether one of two paths is the other, or lies below it."""
    one, two = path.rstrip("/") + "/", other.rstrip("/") + "/"
    return one.startswith(two) or two.startswith(one)
