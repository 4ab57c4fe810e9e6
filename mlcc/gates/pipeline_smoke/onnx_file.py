"""Reads the numbers of an ONNX model, by a walk over the file: initializers, and attributes of nodes.

Source: onnx/onnx.proto of the repository onnx/onnx (field numbers and data types).
"""

from __future__ import annotations

from math import prod

from mlcc.gates._models.content import ContentError
from mlcc.gates._models.protobuf import Message, integer, integers, part
from mlcc.gates._records import GateError, visible
from mlcc.gates.pipeline_smoke.tally import FLOATS, Tally

_DEEPEST = 32
# Message -> field -> the message inside it.
_INSIDE = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {
        2: "float",
        5: "tensor",
        6: "graph",
        7: "float",
        10: "tensor",
        11: "graph",
        22: "sparse",
        23: "sparse",
    },
    "sparse": {1: "tensor"},
}
_ATTRIBUTE_NAME, _OPERATOR, _DOMAIN = 1, 4, 7
# Operator -> attributes that may be infinite by design: a mask of attention; a split between what is missing and what
# isn't. Of them, only NaN is bad.
_SPLITS = ("nodes_values", "nodes_values_as_tensor", "nodes_splits")
_INFINITE = {
    ("", "Constant"): ("value", "value_float", "value_floats", "sparse_value"),
    ("", "ConstantOfShape"): ("value",),
    **{("ai.onnx.ml", f"TreeEnsemble{which}"): _SPLITS for which in ("", "Classifier", "Regressor")},
}
# What a node looks for in the data may be NaN: it is no weight.
_ABOUT_DATA = {
    ("ai.onnx.ml", "Imputer"): ("replaced_value_float",),
    ("ai.onnx.ml", "LabelEncoder"): (
        "keys_floats", "keys_tensor", "values_floats", "values_tensor", "default_float", "default_tensor",
    ),
}  # fmt: skip
_DIMS, _DATA_TYPE, _FLOAT_DATA, _INT32_DATA, _NAME, _RAW_DATA, _DOUBLE_DATA = 1, 2, 4, 5, 8, 9, 10
_EXTERNAL, _LOCATION = 13, 14
# Data type -> kind of FLOATS; complex numbers are pairs.
_FLOATING = {
    **{1: ("f4", 1), 10: ("f2", 1), 11: ("f8", 1), 14: ("f4", 2), 15: ("f8", 2)},
    **{16: ("bf16", 1), 17: ("f8_e4m3", 1), 19: ("f8_e5m2", 1)},
}
_WHOLE = frozenset((2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 21, 22))  # whole numbers, booleans and strings


def tally_onnx(data: memoryview, shown: str, tally: Tally) -> None:
    """Count the numbers of the initializers and nodes of a model, with those of the graphs inside nodes.

    Raises GateError for what is no ONNX model, for weights in other files, and for types that aren't read.
    """
    try:
        graphs = _tally_message(Message(data, 0, len(data)), "model", shown, tally, 0)
    except ContentError as error:
        raise GateError(f"{shown} {error}") from None
    if not graphs:
        raise GateError(f"{shown} is no ONNX model, or has no graph")


def _tally_message(
    message: Message, kind: str, shown: str, tally: Tally, depth: int, *, infinite: bool = False
) -> int:
    """Count the numbers below a message, of which some may be `infinite`; return how many graphs it has."""
    if depth > _DEEPEST:
        raise GateError(f"{shown} is nested too deeply")
    operator = _operator(message) if kind == "node" else ("", "")
    graphs = 0
    floats: list[memoryview] = []
    for field, value in message.fields():
        inside = _INSIDE[kind].get(field)
        if inside is None:
            continue
        graphs += inside == "graph"
        if inside == "tensor":
            _tally_tensor(part(value), shown, tally, infinite=infinite)
        elif inside == "float":
            floats.append(part(value).view())
        else:
            name = _text_field(part(value), _ATTRIBUTE_NAME) if inside == "attribute" else ""
            if name in _ABOUT_DATA.get(operator, ()):
                continue
            may_be = name in _INFINITE.get(operator, ()) or (infinite and inside == "sparse")
            _tally_message(part(value), inside, shown, tally, depth + 1, infinite=may_be)
    if floats:
        _tally_floats(floats, _text_field(message, _ATTRIBUTE_NAME), shown, tally, infinite=infinite)
    return graphs


def _tally_floats(floats: list[memoryview], name: str, shown: str, tally: Tally, *, infinite: bool) -> None:
    """Count the numbers of an attribute, which ONNX writes one by one."""
    place = f"the attribute {visible(name, 80)} of a node of {shown}"
    if any(len(each) % 4 for each in floats):
        raise GateError(f"{place} is cut off within a number")
    tally.add_floats(memoryview(b"".join(floats)), "f4", place, infinite=infinite)


def _operator(node: Message) -> tuple[str, str]:
    """Return the domain and the name of a node's operator; ONNX' own domain has two names."""
    domain = _text_field(node, _DOMAIN)
    return ("" if domain == "ai.onnx" else domain), _text_field(node, _OPERATOR)


def _text_field(message: Message, wanted: int) -> str:
    """Return a field of text, or an empty one."""
    found = [value for field, value in message.fields() if field == wanted]
    return part(found[-1]).text() if found else ""


def _tally_tensor(message: Message, shown: str, tally: Tally, *, infinite: bool) -> None:
    found: dict[int, list[int | Message]] = {}
    for field, value in message.fields():
        found.setdefault(field, []).append(value)
    names = [part(value).text() for value in found.get(_NAME, ())]
    place = f"tensor {visible(names[0] if names else '', 80)} of {shown}"
    if _EXTERNAL in found or any(integer(value) for value in found.get(_LOCATION, ())):
        raise GateError(f"{place} lies in another file, which is not read: save the model as one file")
    kind = integer(found.get(_DATA_TYPE, [0])[-1])
    shape = _repeated(found, _DIMS)
    if any(dimension < 0 for dimension in shape):
        raise GateError(f"{place} has an impossible shape")
    size = prod(shape)
    if kind in _WHOLE:
        tally.count(size, 0, place)
        return
    if kind not in _FLOATING:
        raise GateError(f"{place} has values of the type {kind}, which are not read")
    float_kind, parts = _FLOATING[kind]
    before = tally.numbers
    for field in (_RAW_DATA, _FLOAT_DATA, _DOUBLE_DATA):
        for value in found.get(field, ()):
            tally.add_floats(part(value).view(), float_kind, place, infinite=infinite)
    if kind in (10, 16, 17, 19):  # 16 and 8 bits wide numbers may lie in whole ones, bit by bit
        width = FLOATS[float_kind][0]
        words = b"".join(
            (word & 0xFFFF).to_bytes(2, "little")[:width] for word in _repeated(found, _INT32_DATA)
        )
        tally.add_floats(memoryview(words), float_kind, place, infinite=infinite)
    if tally.numbers - before != size * parts:
        raise GateError(f"{place} has {tally.numbers - before} numbers instead of {size * parts}")


def _repeated(found: dict[int, list[int | Message]], field: int) -> list[int]:
    return [number for value in found.get(field, ()) for number in integers(value)]
