"""Damage: small named builders, each of which turns a valid project into cases that no gate may pass.

A builder takes a base and yields (name, sort of damage, how to do it below a folder). The sort says how the gate must end,
by the base's `ends`; a sort that isn't there is an error.
"""

from __future__ import annotations

import functools
import gzip
import io
import json
import os
import pickle
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlcc.gates.fixtures import table_bytes
from tests.corruption.bases import SECRET, Base
from tests.corruption.damage_files import (
    Apply,
    Damage,
    answers,
    lineage,
    markdown,
    models,
    record,
    tensors,
    whole_of,
    written,
    xml,
)
from tests.corruption.http_model import http_answer

HOSTILE_NAMES = (
    'a"b', "a'b", "a\nb", "a\r\n::error::x", "::add-mask::x", "##vso[task.complete]", "a,b", "a\tb", "\x1b[31mred",
    "\u202eevil", "\u200b", "incоme", "i\u0307ncome", "INCOME ", "n" * 5000, "a;DROP TABLE data--", "${{ secrets.X }}",
    "$(touch canary)", "`touch canary`", "../../x", "<script>alert(1)</script>", "|a|b|", "]]>", "\u2028x",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One damaged project. `ends`: fail, error or inconclusive."""

    base: Base
    name: str
    ends: str
    apply: Apply

    @property
    def id(self) -> str:
        return f"{self.base.name}: {self.name}"


def cases(base: Base) -> Iterator[Case]:
    """Yield everything that fits a base."""
    builders = [special_files, parameters, foreign_bytes]
    builders += [cells, columns, sizes] if base.table else []
    builders += {
        "csv": [delimited], "tsv": [delimited], "jsonl": [json_lines, json_values], "parquet": [parquet],
        "json": [json_document, json_values], "xml": [xml], "safetensors": [tensors], "answers": [answers],
        "record json": [json_document, json_values, record], "record markdown": [record, markdown],
        "lineage": [lineage], "http answer": [http_answer],
        "onnx": [models], "xgboost": [models], "lightgbm": [models],
    }[base.form]  # fmt: skip
    for builder in builders:
        if builder.__name__ in base.harmless:
            continue
        for name, sort, apply in builder(base):
            if name not in base.harmless:
                yield Case(base, name, base.ends.get(name, base.ends.get(sort, "error")), apply)


# Files of every form


def special_files(base: Base) -> Iterator[Damage]:
    """Yield what lies in a file's place and is no regular file."""

    def in_its_place(make: Callable[[Path], None]) -> Apply:
        def apply(root: Path) -> None:
            place = root / base.target
            place.rename(place.with_name("aside"))
            make(place)

        return apply

    yield "missing", "run", lambda root: (root / base.target).unlink()
    yield "a folder", "special", in_its_place(lambda place: place.mkdir())
    yield "a folder with the file in it", "special", in_its_place(_folder_with_file)
    yield "a FIFO", "special", in_its_place(lambda place: os.mkfifo(place))
    yield "a link to nothing", "special", in_its_place(lambda place: place.symlink_to("nowhere"))
    yield "a link to itself", "special", in_its_place(lambda place: place.symlink_to(place.name))
    yield "a link to /dev/zero", "special", in_its_place(lambda place: place.symlink_to("/dev/zero"))
    if base.kind not in ("tests", "command", "canary"):  # which may follow a link
        yield "a link to the whole file", "special", in_its_place(lambda place: place.symlink_to("aside"))


def _folder_with_file(place: Path) -> None:
    place.mkdir()
    (place / "t").write_bytes(b"1")


def foreign_bytes(base: Base) -> Iterator[Damage]:
    """Yield content of another format under the file's name."""
    text = whole_of(base)[:2000].decode("latin-1")
    yield "a gzip bomb", "foreign", written(base, lambda: _bombs()[0])
    yield "the file, compressed", "foreign", written(base, gzip.compress(whole_of(base)))
    yield "a zip bomb", "foreign", written(base, lambda: _bombs()[1])
    yield "a pickle", "foreign", written(base, pickle.dumps({"acc": 1.0}))
    yield "random bytes", "foreign", written(base, bytes((i * 89 + i // 7) % 251 for i in range(4096)))
    if base.form != "xml":  # which may well be in UTF-16
        yield "UTF-16", "foreign", written(base, text.encode("utf-16"))
    yield "NUL bytes", "foreign", written(base, b"\xff" + bytes(100))
    if base.form != "jsonl":
        yield "nothing", "empty" if "empty" in base.ends else "foreign", written(base, b"")


@functools.cache
def _bombs() -> tuple[bytes, bytes]:
    """Return 64 MiB of zeros as gzip and as zip."""
    zeros, archive = bytes(64 << 20), io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("t.csv", zeros)
    return gzip.compress(zeros), archive.getvalue()


def parameters(base: Base) -> Iterator[Damage]:
    """Yield parameters of the gate that were cut, edited or taken from elsewhere."""
    place = ".mlcc/gates/g.json"

    def edited(change: Callable[[dict[str, Any]], object]) -> Apply:
        def apply(root: Path) -> None:
            document = json.loads((root / place).read_bytes())
            change(document)
            (root / place).write_text(json.dumps(document))

        return apply

    def cut(root: Path) -> None:
        (root / place).write_bytes((root / place).read_bytes()[:-2])

    def twice(root: Path) -> None:
        text = (root / place).read_text()
        (root / place).write_text('{"on_inconclusive": "warn", ' + text[1:])

    yield "no parameters", "parameters", lambda root: (root / place).unlink()
    yield "parameters cut off", "parameters", cut
    yield "parameters with a key twice", "parameters", twice
    yield "parameters of another gate", "parameters", edited(lambda d: d.update(gate="h"))
    yield "parameters of another kind", "parameters", edited(lambda d: d.update(kind="x"))
    yield "parameters without params", "parameters", edited(lambda d: d.pop("params"))
    yield "parameters with empty params", "parameters", edited(lambda d: d.update(params={}))
    if base.kind != "command":  # which has no limits
        yield "parameters with NaN limits", "parameters", edited(lambda d: d.update(params=_nan(d["params"])))
    yield (
        "a waiver until soon",
        "parameters",
        edited(lambda d: d.update(waive={"reason": "r", "until": "soon", "issue": "i"})),
    )


def _nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _nan(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_nan(item) for item in value]
    return float("nan") if type(value) in (int, float) else value


# Tables


def _table(base: Base, table: dict[str, list[Any]], copies: int = 1) -> Apply:
    return written(base, lambda: table_bytes(base.form, table, copies))


def cells(base: Base) -> Iterator[Damage]:
    """Yield tables with one bad value among good ones; in Parquet a column has one type, which then is another."""
    table = dict(base.table)
    numbers, wholes = list(table[base.number]), list(table[base.whole])

    def with_last(name: str, value: Any) -> Apply:
        values = list(table[name])
        if base.form == "parquet" and isinstance(value, float):
            values = [float(v) for v in values]
        return _table(base, {**table, name: [*values[:-1], value]})

    yield "a null number", "no value", with_last(base.number, None)
    yield "a null whole number", "no value", with_last(base.whole, None)
    yield (
        "all numbers null",
        "no value",
        _table(base, {**table, base.number: [numbers[0]] + [None] * (len(numbers) - 1)}),
    )
    for what, value in (("NaN", float("nan")), ("inf", float("inf")), ("-inf", float("-inf"))):
        if base.form != "jsonl":  # JSON has no such number, see json_values
            yield f"a number is {what}", "not finite", with_last(base.number, value)
    yield "a number is out of range", "value", with_last(base.number, 1e300)
    yield "a number is below the range", "value", with_last(base.number, -1e300)
    if base.form != "parquet":
        for what, value in (
            ("text", "abc"), ("a date", "2024-01-31"), ("hexadecimal", "0x10"), ("with an underscore", "1_0"),
            ("with a comma", "1,5"), ("empty text", " "), ("an infinity in words", "infinity-ish"), ("1e999", "1e999"),
            ("full width", "１２"), ("a formula", "=1+1"), ("5,000 digits", "9" * 5000),
        ):  # fmt: skip
            yield f"a number is {what}", "value", with_last(base.number, value)
        yield "a whole number is huge", "value", with_last(base.whole, "9" * 40)
        yield "a whole number has a fraction", "value", with_last(base.whole, "1.5")
    for what, values in (
        ("text", [f"t{i}" for i in range(len(numbers))]), ("lists", [[1]] * len(numbers)),
        ("booleans" if base.kind == "contract" else "bytes", [base.kind == "contract"] * len(numbers)),
    ):  # fmt: skip
        if what != "bytes" and (base.form == "parquet" or what != "lists"):
            yield f"all numbers are {what}", "other type", _table(base, {**table, base.number: values})
    yield "a constant", "constant", _table(base, {**table, base.number: [0.5] * len(numbers)})
    if base.kind == "contract":
        yield "a key twice", "repeated", _table(base, {**table, base.whole: [*wholes[:-1], wholes[0]]})


def columns(base: Base) -> Iterator[Damage]:
    """Yield tables that lack a column, or have one under another name."""
    table = dict(base.table)

    def renamed(name: str) -> dict[str, list[Any]]:
        return {name if key == base.number else key: values for key, values in table.items()}

    lacking = {key: values for key, values in table.items() if key != base.number}
    yield "a column is missing", "no column", _table(base, lacking)
    yield "a column is in capitals", "no column", _table(base, renamed(base.number.upper()))
    yield "all columns but one are missing", "no column", _table(base, {"x": table[base.whole]})
    # `evaluate` never looks at the names of other columns.
    for name in HOSTILE_NAMES if base.kind == "contract" else HOSTILE_NAMES[:3]:
        yield f"a column is called {name[:20]!a}", "no column", _table(base, renamed(name))
    if base.form != "jsonl":  # 2 million cells of JSON take a while
        count = 10_000 if base.form != "parquet" else 2_000
        row = {key: values[:1] for key, values in lacking.items()}
        many = {**row, **{f"c{i}": [1] for i in range(count)}}
        yield "thousands of other columns", "no column", _table(base, many, len(table[base.number]))


def sizes(base: Base) -> Iterator[Damage]:
    """Yield tables with too few rows."""
    first = {key: values[:1] for key, values in base.table.items()}
    ten = {key: values[:10] for key, values in base.table.items()}
    yield "no rows", "no rows", _table(base, first, 0)
    if base.kind == "contract":  # one row has one class, which is an error of its own
        yield "one row", "few rows", _table(base, first)
        yield "one row twice", "few rows", _table(base, first, 2)
    yield "ten rows", "few rows", _table(base, ten)


def delimited(base: Base) -> Iterator[Damage]:
    """Yield CSV and TSV that breaks the rules, and that was cut."""
    whole = whole_of(base).decode()
    sign = {"csv": ",", "tsv": "\t"}[base.form]
    lines = whole.splitlines()
    head, body = lines[0], lines[1:]
    narrow = body[0].rpartition(sign)[0]

    def text(*rows: str, end: str = "\n") -> Apply:
        return written(base, (end.join(rows) + end).encode())

    yield "a row too short", "broken", text(head, *body, narrow)
    yield "a row too long", "broken", text(head, *body, body[0] + sign + "x")
    yield "the first row too long", "broken", text(head, body[0] + sign + "x", *body[1:])
    yield "a quote isn't closed", "broken", text(head, *body[:-1], '"' + body[-1])
    yield "text after a quote", "broken", text(head, *body[:-1], '"1"2' + sign + body[-1].partition(sign)[2])
    yield "a column twice", "broken", text(head + sign + base.number, *(row + sign + "1" for row in body))
    yield (
        "a column twice but for case",
        "broken",
        text(head + sign + base.number.upper(), *(row + sign + "1" for row in body)),
    )
    yield "a column without a name", "broken", text(head + sign, *(row + sign for row in body))
    # Its cells are then names, which a gate may show.
    yield "the header is a row", "no column", text(*(row.replace(SECRET, "x") for row in body))
    yield "two headers", "value", text(head, head, *body)
    yield "another delimiter", "no column", written(base, whole.replace(sign, ";").encode())
    yield "not UTF-8", "broken", written(base, whole.encode().replace(b"4711", b"\xe9\xff", 1))
    yield "the header isn't UTF-8", "broken", written(base, b"\xff" + whole.encode())
    yield (
        "a BOM within the header",
        "no column",
        written(base, whole.replace(base.number, "\ufeff" + base.number, 1).encode()),
    )
    yield (
        "a NUL in a number",
        "value",
        written(
            base,
            re.sub(rb"\n([^\n]*)$", rb"\n\1", whole.encode())
            .replace(b"2.5", b"2\x00.5")
            .replace(b"0.9", b"0\x00.9"),
        ),
    )
    yield "only a header, cut", "no column", written(base, head[:1].encode())
    if base.kind == "contract":
        for part in range(1, 12):
            end = len(whole) * part // 12
            sort = "broken" if whole[:end].splitlines()[-1].count(sign) < head.count(sign) else "value"
            end += 0 if sort == "broken" or whole[end - 1] != "\n" else -1
            yield f"cut after {part} of 12 parts", sort, written(base, whole[:end].encode())


def json_lines(base: Base) -> Iterator[Damage]:
    """Yield JSON lines that aren't objects, or aren't JSON."""
    whole = whole_of(base).decode()
    lines = whole.splitlines()
    for what, line in (
        ("cut", lines[-1][:-1]), ("cut in a name", '{"i'), ("a list", "[1, 2]"), ("a number", "7"), ("null", "null"),
        ("two objects", lines[-1] + lines[-1]), ("a key twice", lines[-1][:-1] + f', "{base.number}": 1}}'),
        ("single quotes", lines[-1].replace('"', "'")), ("a comment", "// " + lines[-1]), ("NUL", "\x00"),
        ("100,000 brackets", "[" * 100_000),
    ):  # fmt: skip
        yield f"a line is {what}", "broken", written(base, "\n".join([*lines[:-1], line, ""]).encode())
    yield "not UTF-8", "broken", written(base, whole.encode().replace(b"4711", b"\xe9\xff", 1))
    yield "one array of objects", "broken", written(base, ("[" + ",".join(lines) + "]").encode())
    deep = ('{"a":' * 5000 + "1" + "}" * 5000 + "\n").encode()
    yield "a line is deep objects", "other line", written(base, whole.encode() + deep)
    yield (
        "a line of 20 MB",
        "other line",
        written(base, whole.encode() + b'{"a": "' + b"x" * (20 << 20) + b'"}\n'),
    )


def json_values(base: Base) -> Iterator[Damage]:
    """Yield JSON with something else in a number's place."""
    whole = whole_of(base).decode()
    old = re.search(rf'"{base.number}": [0-9.]+', whole)
    number = old[0].rpartition(" ")[2] if old else base.number
    count = 1
    for what, text, sort in (
        ("NaN", "NaN", "not finite"), ("Infinity", "Infinity", "not finite"), ("-Infinity", "-Infinity", "not finite"),
        ("1e999", "1e999", "value"), ("null", "null", "no value"), ("true", "true", "other type"),
        ("text", f'"{number}"', "as text"),
        ("a list", f"[{number}]", "value"), ("an object", f'{{"a": {number}}}', "value"), ("hexadecimal", "0x1", "broken"),
        ("missing", "", "broken"), ("5,000 digits", "9" * 5000, "value" if base.form == "jsonl" else "broken"),
    ):  # fmt: skip
        if base.form == "jsonl" and sort == "as text":
            sort = "other type"
        if (base.kind, base.form, what) in _TAKEN:
            continue
        yield f"JSON: a number is {what}", sort, written(base, whole.replace(number, text, count).encode())


# DuckDB reads these as what they say; they are no damage for these kinds.
_TAKEN = {("evaluate", "jsonl", "text"), ("evaluate", "jsonl", "true")}


def json_document(base: Base) -> Iterator[Damage]:
    """Yield a JSON document that was cut at every place, and what strict JSON refuses."""
    whole = whole_of(base)
    for end in range(9, len(whole), 9):
        yield f"cut after {end} bytes", "broken", written(base, whole[:end])
    for what, content in (
        ("a key twice", b'{"deep": {}, "verdict": "fail", ' + whole[1:]), ("a BOM", b"\xef\xbb\xbf" + whole),
        ("a comment", whole + b"// x"), ("two documents", whole + whole), ("a trailing comma", whole[:-1] + b",}"),
        ("single quotes", whole.replace(b'"', b"'")), ("not UTF-8", whole.replace(b"e", b"\xe9")),
        ("a list", b"[" + whole + b"]"), ("text", b'"pass"'), ("null", b"null"), ("empty", b"{}"),
        ("100,000 brackets", b"[" * 100_000), ("200 levels", b'{"a":' * 200 + b"1" + b"}" * 200),
        ("9 MB", b" " * (9 << 20) + whole), ("a lone surrogate", whole.replace(b"{", b'{"\\ud800": NaN, ', 1)),
    ):  # fmt: skip
        yield f"the document: {what}", "broken", written(base, content)


def parquet(base: Base) -> Iterator[Damage]:
    """Yield Parquet that was cut at many places, or had bytes flipped where they matter."""
    whole = whole_of(base)
    for part in range(1, 13):
        yield f"cut after {part} of 13 parts", "broken", written(base, whole[: len(whole) * part // 13])
    for back in (1, 4, 5, 8):
        flipped = bytearray(whole)
        flipped[-back] ^= 0xFF
        yield f"flipped {back} bytes before the end", "broken", written(base, bytes(flipped))
    yield "its end is there twice", "broken", written(base, whole + whole[-8:])
    yield "its start is missing", "broken", written(base, whole[100:])
    yield "a text file with its end", "broken", written(base, b"id,income\n" + whole[-8:])
    size = int.from_bytes(whole[-8:-4], "little")
    for factor in (2, 1000):
        longer = whole[:-8] + (size * factor).to_bytes(4, "little") + whole[-4:]
        yield f"its footer is {factor} times as long", "broken", written(base, longer)


def flips(whole: bytes, step: int) -> Iterator[tuple[int, bytes]]:
    """Yield a file with one byte flipped, at every `step`-th place."""
    for place in range(0, len(whole), step):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        yield place, bytes(damaged)
