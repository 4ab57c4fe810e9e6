"""LOAD: strict YAML text -> plain values that know where they were written.

The text is untrusted. It is read under caps, so that no input takes more than about a second, and a construct
that another YAML reader could take differently is refused, not guessed at. Every refusal is a diagnostic.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from typing import TYPE_CHECKING, TypeAlias

from mlcc.diagnostics import Diagnostic, OutputError, Span, SpecError, error
from mlcc.record import field, record, replace

if TYPE_CHECKING:  # 10 ms of import
    from pathlib import Path

MAX_BYTES = 1024 * 1024
MAX_LINES = 20_000
MAX_LINE = 16 * 1024
"""Longest line, in characters."""
MAX_DIAGNOSTICS = 100
"""More than this in one file is one problem, not a hundred."""

_NO_SUCH_PATH = (errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENXIO)
"""Errors of a path that was named wrongly, rather than of the machine."""

# Characters that nobody sees, or that change the order of what is seen. The ranges are spelled out, since the
# categories of `unicodedata` differ between versions of Python.
HIDDEN = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\xa0\\xad\\u034f\\u0600-\\u0605\\u061c\\u06dd\\u070f\\u0890\\u0891\\u08e2"
    "\\u115f\\u1160\\u1680\\u17b4\\u17b5\\u180b-\\u180f\\u2000-\\u200f\\u2028-\\u202f\\u205f-\\u206f\\u3164"
    "\\ud800-\\udfff\\ufdd0-\\ufdef\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufffb\\ufffe\\uffff"
    "\\U000110bd\\U000110cd\\U00013430-\\U0001343f\\U0001bca0-\\U0001bca3\\U0001d173-\\U0001d17a"
    "\\U000e0000-\\U000e0fff]"
)


@record
class Scalar:
    """A leaf. `raw` is its text in the file, `plain` is true when it was written without quotes."""

    value: str | int | float | bool | None
    span: Span
    raw: str
    plain: bool


@record
class Entry:
    """One key of a mapping. `base` is the span of the inherited value that this one replaced."""

    key: str
    key_span: Span
    node: Node
    base: Span | None = None


@record
class Mapping:
    """Entries by key, in the order of the file."""

    entries: dict[str, Entry]
    span: Span


@record
class Sequence:
    """Items in the order of the file."""

    items: list[Node]
    span: Span


Node: TypeAlias = "Scalar | Mapping | Sequence"
Loc: TypeAlias = "tuple[str | int, ...]"
"""Where a value lies: keys of mappings and positions (from 0) in sequences."""


@record
class Source:
    """A loaded spec: its root, and the text of every file that took part by display path.

    `file` is where it lies, or None for a spec that came from memory. `locked` are the gates that an extended
    spec locks, each with the `defaults` that it keeps to. `deprecated` are warnings of old spellings. Of an `instance` of a
    spec, `home` is the folder below the spec's, and `values` say where the values of its params are stated, by the place
    of their use. `unused` are the params that nothing names, in no instance.
    """

    path: str
    root: Mapping
    texts: dict[str, str]
    file: Path | None = None
    locked: dict[str, Mapping] = field(default_factory=dict)
    deprecated: tuple[Diagnostic, ...] = ()
    instance: str = ""
    home: str = ""
    values: dict[Span, Span] = field(default_factory=dict)
    unused: frozenset[str] = frozenset()


def load(path: Path, display: str | None = None) -> Source:
    """Read the spec at `path`. `display` is the path that diagnostics show.

    Raises SpecError with everything that is wrong with the text, OutputError for a file that can't be read.
    """
    shown = path.as_posix() if display is None else display
    return replace(read(read_file(path, shown), shown), file=path)


def read(data: bytes, display: str) -> Source:
    """Read a spec from the bytes of a file. Raises SpecError with everything that is wrong with the text."""
    from mlcc.load.nodes import build  # the parser is the dearest import of a lint: only when a spec is read

    try:
        text = _text(data, display)
        return Source(display, build(text, display), {display: text})
    except SpecError as problem:
        texts = {display: data[:MAX_BYTES].decode("utf-8", "replace")}
        raise SpecError(problem.diagnostics, texts) from None


def read_file(path: Path, display: str) -> bytes:
    """Return a spec's bytes, at most one more than a spec may have.

    Raises SpecError where there is no such file, OutputError where the machine won't let it be read.
    """
    try:
        return _read_file(path, display)
    except FileNotFoundError:
        message = f"there is no file {display}"
        raise SpecError([error("no-such-file", message, None, help="`mlcc init` writes one")]) from None
    except ValueError:  # a NUL in the path
        raise SpecError([error("unreadable-file", f"{display} can't be read: bad path", None)]) from None
    except OSError as problem:
        found = error("unreadable-file", f"{display} can't be read: {problem.strerror or problem}", None)
        raise SpecError([found]) if problem.errno in _NO_SUCH_PATH else OutputError([found]) from None


def plain(node: Node) -> object:
    """Return `node` as dicts, lists and scalars, without its spans."""
    if isinstance(node, Mapping):
        return {key: plain(entry.node) for key, entry in node.entries.items()}
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return node.value


def locate(root: Node, loc: Loc, key: bool = False) -> Span:
    """Return the span of the value at `loc`, or with `key` the span of its key.

    Where `loc` leads nowhere (a missing key, say) it is the nearest ancestor that exists: by its key, if it
    has one, since the span of a block starts a line below it.
    """
    node, key_span = root, None
    for part in loc:
        if isinstance(node, Mapping) and part in node.entries:
            entry = node.entries[str(part)]
            node, key_span = entry.node, entry.key_span
        elif isinstance(node, Sequence) and isinstance(part, int) and 0 <= part < len(node.items):
            node, key_span = node.items[part], None
        else:
            return key_span or node.span
    return key_span if key and key_span else node.span


def _read_file(path: Path, display: str) -> bytes:
    # Not blocking: opening a pipe would otherwise wait for somebody to write to it.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise SpecError([error("no-such-file", f"{display} is not a regular file", None)])
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(MAX_BYTES + 1)
    finally:
        os.close(descriptor)


def _text(data: bytes, display: str) -> str:
    """Decode and check `data`; line breaks come out as `\\n`."""
    if len(data) > MAX_BYTES:
        message = f"a spec may be at most {MAX_BYTES // 1024} KiB long"
        raise SpecError([error("too-large", message, Span(display, 1, 1, 1, 1))])
    try:
        text = data.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as problem:
        raise SpecError([_not_utf8(data, problem.start, display)]) from None
    diagnostics = _hidden(text, display) + _long_lines(text, display)
    if diagnostics:
        raise SpecError(diagnostics[:MAX_DIAGNOSTICS])
    return text


def _not_utf8(data: bytes, start: int, display: str) -> Diagnostic:
    before = data[:start].decode("utf-8")
    line = before.count("\n") + 1
    column = len(before) - (before.rfind("\n") + 1) + 1
    message = f"byte 0x{data[start]:02x} is not valid UTF-8"
    return error(
        "not-utf8", message, Span(display, line, column, line, column + 1), help="save the file as UTF-8"
    )


def _hidden(text: str, display: str) -> list[Diagnostic]:
    found: list[Diagnostic] = []
    line, line_start = 1, 0
    for match in HIDDEN.finditer(text):
        line += text.count("\n", line_start, match.start())
        line_start = max(line_start, text.rfind("\n", line_start, match.start()) + 1)
        column = match.start() - line_start + 1
        span = Span(display, line, column, line, column + 1)
        found.append(error("control-character", describe_hidden(match.group()), span, help="delete it"))
        if len(found) == MAX_DIAGNOSTICS:
            break
    return found


def describe_hidden(character: str) -> str:
    """Return what is wrong with `character`, which `HIDDEN` matches."""
    code = ord(character)
    if code == 0xFEFF:
        return "byte-order mark (U+FEFF): save the file as UTF-8 without one"
    if code in range(0x202A, 0x202F) or code in range(0x2066, 0x206A) or code in (0x200E, 0x200F, 0x061C):
        return f"bidirectional control character U+{code:04X}: the text isn't what it looks like"
    if character.isspace() and code >= 0xA0 and code not in (0x2028, 0x2029):
        return f"character U+{code:04X}, which looks like a space and isn't one"
    kind = "control" if code < 0xA0 or code in (0x2028, 0x2029) else "invisible"
    return f"{kind} character U+{code:04X}"


def _long_lines(text: str, display: str) -> list[Diagnostic]:
    lines = text.split("\n")
    if len(lines) - 1 > MAX_LINES:
        message = f"a spec may have at most {MAX_LINES} lines"
        return [error("too-large", message, Span(display, MAX_LINES + 1, 1, MAX_LINES + 1, 1))]
    return [
        error(
            "long-line",
            f"a line may be at most {MAX_LINE} characters long",
            Span(display, number, MAX_LINE + 1, number, len(line) + 1),
        )
        for number, line in enumerate(lines, 1)
        if len(line) > MAX_LINE
    ]
