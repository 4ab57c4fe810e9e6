"""ONNX models, by a walk over the file: graph, operators, tensors, inputs and outputs. Nothing is loaded.

Field numbers are those of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto); the rules are
those of its IR specification (docs/IR.md) and, for data outside of the file, of docs/ExternalData.md.
"""

from __future__ import annotations

# ruff: noqa: PTH123
import mmap

from mlcc.gates._models.content import ContentError
from mlcc.gates._models.protobuf import Message, integer, integers, part
from mlcc.gates._records import counted, visible
from mlcc.gates.artifact.content import Contents

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_DEEPEST_GRAPH = 16
_DEEPEST_TYPE = 8
_MOST_ELEMENTS = 1 << 48
# TensorProto.DataType -> name and bits of an element in raw_data.
TYPES = {
    1: ("float32", 32), 2: ("uint8", 8), 3: ("int8", 8), 4: ("uint16", 16), 5: ("int16", 16), 6: ("int32", 32),
    7: ("int64", 64), 8: ("string", 0), 9: ("bool", 8), 10: ("float16", 16), 11: ("float64", 64),
    12: ("uint32", 32), 13: ("uint64", 64), 14: ("complex64", 64), 15: ("complex128", 128), 16: ("bfloat16", 16),
    17: ("float8e4m3fn", 8), 18: ("float8e4m3fnuz", 8), 19: ("float8e5m2", 8), 20: ("float8e5m2fnuz", 8),
    21: ("uint4", 4), 22: ("int4", 4), 23: ("float4e2m1", 4), 24: ("float8e8m0", 8), 25: ("uint2", 2),
    26: ("int2", 2), 27: ("float6e2m3", 6), 28: ("float6e3m2", 6),
}  # fmt: skip
_TYPED_DATA = (4, 5, 6, 7, 10, 11)
_OTHER_VALUES = {4: "sequence", 5: "map", 7: "opaque", 8: "sparse", 9: "optional"}


class _Found:
    """What the walk has met."""

    def __init__(self) -> None:
        self.operators: set[tuple[str, str]] = set()
        self.functions: set[tuple[str, str]] = set()
        self.nodes = 0


def read_onnx(path: str) -> Contents:
    """Return what an ONNX file says of itself. Raises ContentError where it is no sound model of one file."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return _model(Message(data, 0, len(data)))


def _model(message: Message) -> Contents:
    found, contents = _Found(), Contents("")
    version, graphs, metadata = 0, [], {}
    for number, value in message.fields():
        if number == 1:
            version = integer(value)
        elif number == 8:
            domain, opset = _opset(part(value))
            contents.opsets[domain] = max(opset, contents.opsets.get(domain, 0))
        elif number == 14:
            key, text = _pair(part(value))
            if key in metadata:
                raise ContentError(f"has the metadata {visible(key, 80)} twice")
            metadata[key] = text
        elif number == 7:
            graphs.append(part(value))
        elif number == 20:
            _training(part(value), found)
        elif number == 25:
            _function(part(value), found)
    if version < 1 or not graphs or not contents.opsets:
        raise ContentError("is no ONNX model: it lacks a version, a graph or its operator sets")
    for graph in graphs:  # a parser would join them
        _graph(graph, found, 0, contents)
    if not found.nodes and not contents.outputs:
        raise ContentError("is an ONNX model without nodes and outputs")
    contents.operators = found.operators - found.functions
    contents.metadata = metadata
    sets = ", ".join(f"{domain or 'ai.onnx'} {v}" for domain, v in sorted(contents.opsets.items()))
    kinds = counted(len(found.operators), "operator")
    contents.said = f"ONNX (IR {version}; {visible(sets)}), {counted(found.nodes, 'node')} of {kinds}"
    return contents


def _opset(message: Message) -> tuple[str, int]:
    domain, version = "", 0
    for number, value in message.fields():
        if number == 1:
            domain = _domain(part(value).text())
        elif number == 2:
            version = integer(value)
    return domain, version


def _domain(name: str) -> str:
    return "" if name == "ai.onnx" else name


def _pair(message: Message) -> tuple[str, str]:
    key, text = "", ""
    for number, value in message.fields():
        if number == 1:
            key = part(value).text()
        elif number == 2:
            text = part(value).text()
    return key, text


def _training(message: Message, found: _Found) -> None:
    for number, value in message.fields():
        if number in (1, 2):
            _graph(part(value), found, 1)


def _function(message: Message, found: _Found) -> None:
    name, domain = "", ""
    for number, value in message.fields():
        if number == 1:
            name = part(value).text()
        elif number == 10:
            domain = _domain(part(value).text())
        elif number == 7:
            _node(part(value), found, 1)
        elif number == 11:
            _attribute(part(value), found, 1)
    found.functions.add((domain, name))


def _graph(message: Message, found: _Found, depth: int, contents: Contents | None = None) -> None:
    """Walk a graph; `contents` takes the inputs and outputs of the outermost one."""
    if depth > _DEEPEST_GRAPH:
        raise ContentError(f"has graphs inside graphs, over {_DEEPEST_GRAPH} deep")
    constants = set()
    inputs: dict[str, tuple[str, list[int | None] | None]] = {}
    for number, value in message.fields():
        if number == 1:
            _node(part(value), found, depth)
        elif number == 5:
            constants.add(_tensor(part(value)))
        elif number == 15:
            _sparse(part(value))
        elif number == 11 and contents is not None:
            _named(inputs, part(value))
        elif number == 12 and contents is not None:
            _named(contents.outputs, part(value))
    if contents is not None:
        # Before IR 4 each constant was an input too, with a default.
        contents.inputs.update((name, what) for name, what in inputs.items() if name not in constants)


def _named(values: dict[str, tuple[str, list[int | None] | None]], message: Message) -> None:
    name, what = "", None
    for number, value in message.fields():
        if number == 1:
            name = part(value).text()
        elif number == 2:
            what = _value_type(part(value), 0)
    if not name or what is None or name in values:
        raise ContentError("has an input or output without a name or type, or one twice")
    values[name] = what


def _value_type(message: Message, depth: int) -> tuple[str, list[int | None] | None]:
    if depth > _DEEPEST_TYPE:
        raise ContentError(f"has types inside types, over {_DEEPEST_TYPE} deep")
    found: tuple[str, list[int | None] | None] | None = None
    for number, value in message.fields():
        if number == 1:
            found = _tensor_type(part(value))
        elif number in _OTHER_VALUES:
            found = _OTHER_VALUES[number], None
    if found is None:
        raise ContentError("has an input or output without a type")
    return found


def _tensor_type(message: Message) -> tuple[str, list[int | None] | None]:
    name, shape = "", None
    for number, value in message.fields():
        if number == 1:
            name = TYPES.get(integer(value), ("", 0))[0]
        elif number == 2:
            shape = [_dimension(part(item)) for field, item in part(value).fields() if field == 1]
    if not name:
        raise ContentError("has an input or output whose elements have no known type")
    return name, shape


def _dimension(message: Message) -> int | None:
    size = None
    for number, value in message.fields():
        if number == 1:
            size = integer(value)
    return size if size is not None and size >= 0 else None


def _node(message: Message, found: _Found, depth: int) -> None:
    name, domain = "", ""
    for number, value in message.fields():
        if number == 4:
            name = part(value).text()
        elif number == 7:
            domain = _domain(part(value).text())
        elif number == 5:
            _attribute(part(value), found, depth)
    if not name:
        raise ContentError("has a node without an operator")
    found.nodes += 1
    found.operators.add((domain, name))


def _attribute(message: Message, found: _Found, depth: int) -> None:
    for number, value in message.fields():
        if number in (5, 10):
            _tensor(part(value))
        elif number in (6, 11):
            _graph(part(value), found, depth + 1)
        elif number in (22, 23):
            _sparse(part(value))


def _sparse(message: Message) -> None:
    for number, value in message.fields():
        if number in (1, 2):
            _tensor(part(value))


def _tensor(message: Message) -> str:
    """Check that a tensor's data is in the file, and as long as its shape says; return its name."""
    name, kind, raw, held = "", 0, -1, 0
    shape: list[int] = []
    for number, value in message.fields():
        if number == 1:
            shape += integers(value)
        elif number == 2:
            kind = integer(value)
        elif number == 8:
            name = part(value).text()
        elif number == 13 or (number == 14 and integer(value) != 0):
            raise ContentError("has data outside of the file (external_data), which no digest of it binds")
        elif number == 9:
            raw = len(part(value))
        elif number in _TYPED_DATA:
            held += 1 if isinstance(value, int) else max(1, len(value))
    if kind not in TYPES:
        raise ContentError(f"has the tensor {visible(name, 80)} without a known type")
    _check_size(name, _elements(shape, name), TYPES[kind][1], raw, held)
    return name


def _elements(shape: list[int], name: str) -> int:
    count = 1
    for size in shape:
        count *= size
        if size < 0 or count > _MOST_ELEMENTS:
            raise ContentError(f"has the tensor {visible(name, 80)} with an impossible shape")
    return count


def _check_size(name: str, elements: int, bits: int, raw: int, held: int) -> None:
    """Hold a tensor's number of elements against its bytes: exactly in raw_data, else as a bound.

    In the typed fields an element takes at least half a byte.
    """
    fits = raw == (elements * bits + 7) // 8 if raw >= 0 and bits else elements <= 2 * held
    if not fits:
        raise ContentError(f"has the tensor {visible(name, 80)} whose data isn't as long as its shape says")


def undeclared(contents: Contents) -> Iterator[str]:
    """Yield the domains whose operators a model uses and whose operator set it doesn't import."""
    yield from sorted({domain for domain, _ in contents.operators} - set(contents.opsets))
