"""A model's inputs and outputs against what is declared, and its features against the table it is served from."""

from __future__ import annotations

from mlcc.gates._records import Check, GateError, counted, visible
from mlcc.gates._support import Gate
from mlcc.gates._table import close, open_table
from mlcc.gates.artifact.content import Contents, shown_names, value_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

_INTEGERS = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
)
_NUMBERS = (*_INTEGERS, "BOOLEAN", "FLOAT", "DOUBLE", "DECIMAL")
# Text files have no types: a contract on the table says what its texts must be.
_UNTYPED = ("JSON",)


def check_values(which: str, declared: Sequence[dict[str, Any]], contents: Contents) -> Check:
    """Hold all of a model's inputs (or outputs) against the declared ones. `which` is inputs or outputs."""
    found: Mapping[str, tuple[str, list[int | None] | None]] = getattr(contents, which)
    wrong = []
    for value in declared:
        name = value["name"]
        if name not in found:
            wrong.append(f"{visible(name, 80)} is missing")
        elif not _fits(value, *found[name], given=which == "inputs"):
            shown = f"is {_shown_type(*found[name])}, and {_shown_type(value['type'], value.get('shape'))} is declared"
            wrong.append(f"{visible(name, 80)} {shown}")
    others = set(found) - {value["name"] for value in declared}
    if others:
        wrong.append(f"{shown_names(others)} {'is' if len(others) == 1 else 'are'} not declared")
    count = counted(len(declared), which[:-1])
    if wrong:
        return Check(which, "fail", f"the model's {which} aren't the declared ones: {'; '.join(wrong)}")
    return Check(
        which, "pass", f"the model has the {count} that {'is' if len(declared) == 1 else 'are'} declared"
    )


def _fits(declared: Mapping[str, Any], kind: str, shape: Sequence[int | None] | None, *, given: bool) -> bool:
    """Whether a model takes what is declared (`given`), or gives nothing else."""
    if kind != declared["type"]:
        return False
    wanted = declared.get("shape")
    if wanted is None:
        return True
    if shape is None or len(shape) != len(wanted):
        return False
    if given:  # a free dimension takes every size, a fixed one only its own
        return all(own is None or own == size for size, own in zip(wanted, shape))  # noqa: B905 - Python 3.8
    return all(size is None or own == size for size, own in zip(wanted, shape))  # noqa: B905 - Python 3.8


def _shown_type(kind: str, shape: Sequence[int | None] | None) -> str:
    if shape is None:
        return kind
    return f"{kind}[{', '.join('any' if size is None else str(size) for size in shape)}]"


def features_of(params: Mapping[str, Any], contents: Contents, metadata: object) -> list[str]:
    """Return the columns that a model reads, in order. Raises GateError where nothing names them."""
    key = params.get("features")
    names: Any = contents.features or list(contents.inputs)
    if key is not None:
        names = value_at(metadata, key)
        if isinstance(names, str):  # the metadata of ONNX and safetensors are texts
            names = [name.strip() for name in names.split(",")]
    if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
        where = "the model" if key is None else f"its metadata, at {visible(key, 80)},"
        raise GateError(f"{where} names no features: say under `features` where they are listed")
    return names


def check_columns(gate: Gate, features: Sequence[str], contents: Contents) -> list[Check]:
    """Hold the features against the columns of the table `schema_of`."""
    table = gate.params["schema_of"]
    columns = _columns(gate, table["artifact"], table["format"])
    shown = visible(gate.path(table["artifact"]))
    checks = [_check_width(features, contents)] if gate.params.get("features") and contents.inputs else []
    twice = {name for name in features if list(features).count(name) > 1}
    missing = [name for name in features if name not in columns]
    if twice or missing:
        what = f"reads {shown_names(twice)} twice" if twice else f"reads {shown_names(missing)}"
        why = "" if twice else f", which {shown} doesn't have"
        return [*checks, Check("columns", "fail", f"the model {what}{why}", n=len(features))]
    kinds = {name: contents.inputs.get(name, ("", None))[0] for name in features}
    wrong = [
        f"{visible(name, 80)} is {visible(columns[name], 40)}" + (f" and goes to {kind}" if kind else "")
        for name, kind in kinds.items()
        if not _takes(kind, columns[name])
    ]
    if wrong:
        more = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""
        message = f"columns of {shown} have another type than the model takes: {', '.join(wrong[:5])}{more}"
        return [*checks, Check("columns", "fail", message, n=len(features))]
    message = f"{shown} has {counted(len(features), 'column')} that the model reads"
    return [*checks, Check("columns", "pass", message, n=len(features))]


def _check_width(features: Sequence[str], contents: Contents) -> Check:
    """Hold the number of listed features against the width of the model's one input matrix."""
    inputs = list(contents.inputs.items())
    width = inputs[0][1][1][-1] if len(inputs) == 1 and inputs[0][1][1] else None
    count = counted(len(features), "feature")
    if width is None:
        return Check(
            "features",
            "pass",
            f"{count} {'is' if len(features) == 1 else 'are'} listed; the input's width is free",
        )
    verdict = "pass" if width == len(features) else "fail"
    return Check(
        "features", verdict, f"{count} listed, and the input takes {width}", estimate=len(features), n=width
    )


def _columns(gate: Gate, artifact: str, format: str) -> dict[str, str]:
    table = open_table(gate, artifact, format)
    close(table, gate)
    return {name: "" if format != "parquet" else kind for name, kind in table.columns.items()}


def _takes(kind: str, column: str) -> bool:
    """Whether a column can be fed to an input. An input without a type of its own is a matrix of numbers."""
    stored = column.partition("(")[0]
    if not column or stored in _UNTYPED:
        return True
    if kind == "string":
        return stored == "VARCHAR"
    if kind.startswith(("int", "uint")):
        return stored in _INTEGERS or stored == "BOOLEAN"
    if kind == "bool":
        return stored == "BOOLEAN"
    return stored in _NUMBERS
