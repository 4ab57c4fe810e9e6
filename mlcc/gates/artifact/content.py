"""What the bytes of a model file are: refused formats told by content, and what a good file says of itself."""

from __future__ import annotations

# os.path is loaded at start-up anyway.
# ruff: noqa: PTH123
from mlcc.gates._models.content import ContentError
from mlcc.gates._records import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SNIFFED = 1 << 20
_TAR = slice(257, 262)
# First bytes -> what the file is. All of these can run code when they are loaded, or hide files that can.
_DANGEROUS = (
    (b"PK\x03\x04", "a zip archive, as PyTorch, Keras and numpy write"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file, as Keras writes"),
    (b"\x93NUMPY", "a numpy array file, which may hold a pickle"),
    (b"\x1f\x8b", "gzip-compressed"),
    (b"BZh", "bzip2-compressed"),
    (b"\xfd7zXZ", "xz-compressed"),
    (b"\x28\xb5\x2f\xfd", "zstandard-compressed"),
    (b"\x04\x22\x4d\x18", "LZ4-compressed, as joblib writes"),
    (b"\x78\x01", "zlib-compressed, as joblib writes"),
    (b"\x78\x9c", "zlib-compressed, as joblib writes"),
    (b"\x78\xda", "zlib-compressed, as joblib writes"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"#!", "a script"),
)


class Contents:
    """What a model file says of itself.

    `inputs` and `outputs` map names to (type, shape), the shape None or with None where a dimension is free;
    `features` are the columns it reads, in order, where the format names them; `operators` are (domain, name),
    `opsets` domain -> version; `metadata` is a JSON value. `said` is a part of a sentence for a reviewer.
    """

    def __init__(self, said: str, metadata: object = None, features: list[str] | None = None) -> None:
        self.said = said
        self.metadata = metadata
        self.features = features
        self.inputs: dict[str, tuple[str, list[int | None] | None]] = {}
        self.outputs: dict[str, tuple[str, list[int | None] | None]] = {}
        self.operators: set[tuple[str, str]] = set()
        self.opsets: dict[str, int] = {}


def refuse_dangerous(path: str) -> None:
    """Raise ContentError for a file whose content is of a format that can run code, whatever its name."""
    with open(path, "rb") as file:
        head = file.read(_SNIFFED)
    if not head:
        raise ContentError("is empty")
    if head[0] == 0x80 and len(head) > 1 and head[1] <= 5:
        raise ContentError("is a pickle, which runs code when it is loaded")
    for sign, what in _DANGEROUS:
        if head.startswith(sign):
            raise ContentError(f"is {what}: that is no format that a gate can vouch for")
    if head[_TAR] == b"ustar":
        raise ContentError("is a tar archive: that is no format that a gate can vouch for")


def is_pickle(data: bytes) -> bool:
    """Whether bytes are a whole pickle of any protocol. The old protocols are plain text."""
    import pickletools

    try:
        for opcode, _, _ in pickletools.genops(data):
            if opcode.name == "STOP":
                return True
    except Exception:  # noqa: BLE001, RUF100 - whatever it stumbles over: the bytes are no pickle
        return False
    return False


def value_at(document: object, key: str) -> Any:
    """Return what a JSON value has under a key, or, where no key is spelled so, at the way a.b.c; else None."""
    if isinstance(document, dict) and key in document:
        return document[key]
    place = document
    for step in key.split("."):
        if not isinstance(place, dict) or step not in place:
            return None
        place = place[step]
    return place


def shown_names(names: Any, limit: int = 5) -> str:
    """Return some names for a message, and how many more there are."""
    found = sorted(visible(name, 80) for name in names)
    rest = f" and {len(found) - limit} more" if len(found) > limit else ""
    return ", ".join(found[:limit]) + rest
