"""Damage of files that are no tables: reports, models, records that people wrote, and what a served model answers."""

from __future__ import annotations

import io
import json
import pickle
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.corruption.bases import TENSORS, Base, safetensors

Apply = Callable[[Path], None]
Damage = tuple[str, str, Apply]


def written(base: Base, content: bytes | Callable[[], bytes]) -> Apply:
    """Return what writes the target; large content is made only then."""

    def apply(root: Path) -> None:
        (root / base.target).write_bytes(content() if callable(content) else content)

    return apply


def whole_of(base: Base) -> bytes:
    """Return the target as it is before any damage."""
    return base.files[base.target]


def _replaced(base: Base, old: str, new: str) -> Apply:
    whole = whole_of(base).decode()
    assert old in whole
    return written(base, whole.replace(old, new, 1).encode("utf-8", "surrogateescape"))


def xml(base: Base) -> Iterator[Damage]:
    """Yield reports that were cut at many places, that declare entities, or that say something else."""
    whole = whole_of(base)
    for part in range(1, 12):
        yield f"cut after {part} of 12 parts", "broken", written(base, whole[: len(whole) * part // 12])
    start = b'<?xml version="1.0"?>'
    root = b"testsuite" if b"testsuite" in whole else b"coverage"
    laughs = b"".join(b'<!ENTITY l%d "%s">' % (i, b"&l%d;" % (i - 1) * 10) for i in range(1, 9))
    body = whole.replace(start, b"")
    for what, content in (
        ("a bomb of entities", start + b'<!DOCTYPE a [<!ENTITY l0 "lol">' + laughs + b"]>" + body),
        ("an outside entity", start + b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + body),
        ("an element isn't closed", whole.replace(b"</", b"<", 1) if b"</" in whole else whole.replace(b"/>", b">")),
        ("two roots", whole + body), ("another root", start + b"<html/>"), ("text after it", whole + b"x"),
        ("not UTF-8", whole.replace(b'="', b'="\xff', 1)),
        ("an unknown encoding", whole.replace(b'"1.0"', b'"1.0" encoding="no-such"')),
        ("deep nesting", start + b"<" + root + b">" + b"<a>" * 100_000), ("a NUL", whole.replace(root, root + b"\x00", 1)),
    ):  # fmt: skip
        yield f"the report: {what}", "broken", written(base, content)
    yield from (_suites if root == b"testsuite" else _rates)(base, start)


def _suites(base: Base, start: bytes) -> Iterator[Damage]:
    for what, content, ends in (
        ("no test", b"<testsuite/>", "fail"), ("one test", b'<testsuite><testcase name="a"/></testsuite>', "fail"),
        ("a count that is no number", b'<testsuite failures="NaN"><testcase/><testcase/></testsuite>', "error"),
        ("a count that is negative", b'<testsuite errors="-1"><testcase/><testcase/></testsuite>', "error"),
        ("a count that is huge", b'<testsuite errors="' + b"9" * 5000 + b'"><testcase/><testcase/></testsuite>', "error"),
        ("tests within a test", b"<testsuite><testcase><testcase/></testcase></testsuite>", "error"),
        ("a failure", b"<testsuite><testcase/><testcase/><testcase><failure/></testcase></testsuite>", "fail"),
        ("an error", b"<testsuite><testcase/><testcase/><testcase><error/></testcase></testsuite>", "fail"),
        ("a failure only counted", b'<testsuite failures="1"><testcase/><testcase/></testsuite>', "fail"),
        ("skipped tests", b"<testsuite>" + b"<testcase><skipped/></testcase>" * 9 + b"</testsuite>", "fail"),
    ):  # fmt: skip
        yield f"the report has {what}", ends, written(base, start + content)


def _rates(base: Base, start: bytes) -> Iterator[Damage]:
    for what, content, ends in (
        ("a low rate", b'line-rate="0.5"', "fail"), ("NaN", b'line-rate="NaN"', "error"), ("inf", b'line-rate="inf"', "error"),
        ("1e999", b'line-rate="1e999"', "error"), ("-0.1", b'line-rate="-0.1"', "error"), ("90", b'line-rate="90"', "error"),
        ("text", b'line-rate="high"', "error"), ("nothing", b"", "error"), ("an empty rate", b'line-rate=""', "error"),
        ("no line", b'line-rate="1" lines-valid="0" lines-covered="0"', "error"),
        ("more lines covered than there are", b'line-rate="1" lines-valid="1" lines-covered="2"', "error"),
        ("counts that contradict", b'line-rate="0.9" lines-valid="100" lines-covered="10"', "error"),
        ("a count of 5,000 digits", b'line-rate="0.9" lines-valid="' + b"9" * 5000 + b'" lines-covered="1"', "error"),
    ):  # fmt: skip
        yield f"the coverage has {what}", ends, written(base, start + b"<coverage " + content + b"/>")


def tensors(base: Base) -> Iterator[Damage]:
    """Yield safetensors that was cut, or whose header doesn't fit its bytes."""
    whole = whole_of(base)
    for end in range(0, len(whole), 7):
        yield f"cut after {end} bytes", "broken", written(base, whole[:end])
    tensor = TENSORS["w"]
    for what, header in (
        ("an offset is negative", {"w": {**tensor, "data_offsets": [-16, 0]}}),
        ("an offset is past the end", {"w": {**tensor, "data_offsets": [0, 1 << 40]}}),
        ("an offset is NaN", {"w": {**tensor, "data_offsets": [float("nan"), 16]}}),
        ("offsets are swapped", {"w": {**tensor, "data_offsets": [16, 0]}}),
        ("offsets are missing", {"w": {"dtype": "F32", "shape": [2, 2]}}),
        ("the shape is another", {"w": {**tensor, "shape": [2, 3]}}),
        ("the shape is negative", {"w": {**tensor, "shape": [-2, -2]}}),
        ("the shape is huge", {"w": {**tensor, "shape": [1 << 62, 1 << 62]}}),
        ("the shape is true", {"w": {**tensor, "shape": [True, 4]}}),
        ("the type is unknown", {"w": {**tensor, "dtype": "F33"}}),
        ("tensors overlap", {"v": tensor, "w": tensor}),
        ("there is a gap", {"w": {"dtype": "F32", "shape": [2], "data_offsets": [8, 16]}}),
        ("it is a list", [tensor]),
        ("a tensor is text", {"w": "F32"}),
        ("metadata is no text", {**TENSORS, "__metadata__": {"a": 1}}),
        (
            "a tensor is there twice",
            json.dumps(TENSORS).encode()[:-1] + b', "w": ' + json.dumps(tensor).encode() + b"}",
        ),
        ("it is deep", b"[" * 100_000),
        ("it isn't UTF-8", b'{"\xff": 1}'),
        ("it is 4,301 digits", b'{"w": ' + b"9" * 4301 + b"}"),
    ):
        yield f"the header: {what}", "broken", written(base, safetensors(header))
    for length in (0, 1 << 20, 1 << 40, (1 << 64) - 1):
        yield (
            f"the header's length is {length}",
            "broken",
            written(base, length.to_bytes(8, "little") + whole[8:]),
        )
    yield "bytes after the tensors", "broken", written(base, whole + b"x")
    yield "a pickle before the header", "broken", written(base, pickle.dumps({"w": 1}) + whole)


def models(base: Base) -> Iterator[Damage]:
    """Yield what can run code under a model's name, and a model that was cut, in 40 places."""
    whole = whole_of(base)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        data = pickle.dumps({"w": [1.0, 2.0]}, protocol)
        yield f"a pickle of protocol {protocol}", "foreign", written(base, data)
        yield f"a pickle of protocol {protocol} before it", "foreign", written(base, data + whole)
    for what, start in (
        ("HDF5", b"\x89HDF\r\n\x1a\n"), ("numpy", b"\x93NUMPY"), ("a program", b"\x7fELF"), ("a script", b"#!/bin/sh\n"),
        ("zlib", b"\x78\x9c"), ("xz", b"\xfd7zXZ\0"), ("bzip2", b"BZh9"), ("zstandard", b"\x28\xb5\x2f\xfd"),
    ):  # fmt: skip
        yield f"{what} before it", "foreign", written(base, start + whole)
    yield "a zip with it", "foreign", written(base, _zip("model", whole))
    yield (
        "a zip as PyTorch writes",
        "foreign",
        written(base, _zip("archive/data.pkl", pickle.dumps({"w": 1}, 2))),
    )
    yield "an empty zip", "foreign", written(base, b"PK\x05\x06" + bytes(18))
    yield "a tar with it", "foreign", written(base, _tar("model", whole))
    # What LightGBM writes after its trees tells only how it was trained.
    end = whole.index(b"end of trees") if b"end of trees" in whole else len(whole)
    for part in range(1, 40):
        yield f"cut after {part} of 40 parts", "broken", written(base, whole[: end * part // 40])
    yield "its start is missing", "broken", written(base, whole[7:])
    yield "its halves are swapped", "broken", written(base, whole[end // 2 :] + whole[: end // 2])
    yield "zeros of its length", "broken", written(base, bytes(len(whole)))
    yield "zeros behind it", "broken", written(base, whole + bytes(64))
    yield "spaces of its length", "broken", written(base, b" " * len(whole))


def _zip(name: str, content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, content)
    return file.getvalue()


def _tar(name: str, content: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


def record(base: Base) -> Iterator[Damage]:
    """Yield records whose date, subject or signature isn't what it must be."""
    for what, date, sort in (
        ("in the future", "2999-01-01", "old"), ("too old", "1900-01-01", "old"), ("no day", "2024-02-30", "date"),
        ("in another order", "15.01.2024", "date"), ("a time without its offset", "2024-01-15T10:00", "date"),
        ("a year", "2024", "date"), ("a word", "today", "date"), ("in full width", "２０２４-01-15", "date"),
        ("a day and more", "2024-01-15 or so", "date"), ("a time that isn't", "2024-01-15T25:00Z", "date"),
        ("week 3", "2024-W03-1", "date"), ("year 0", "0000-01-01", "date"), ("negative", "-2024-01-15", "date"),
        ("far from UTC", "0001-01-01T00:00+23:59", "date"), ("5,000 digits", "9" * 5000, "date"),
    ):  # fmt: skip
        yield f"the date is {what}", sort, _replaced(base, "2024-01-15", date)
    for what, old, new in (
        ("digest is another", "sha256:", "sha256:0"), ("digest is cut", "sha256:", "sha256"),
        ("digest is of another sort", "sha256:", "sha512:"), ("digest is in capitals", "sha256:", "SHA256:"),
        ("signature is another's", "Ann Lee", "Ann Leen"), ("signature is in capitals", "Ann Lee", "ANN LEE"),
        ("signature only looks alike", "Ann Lee", "Аnn Lee"), ("signature is split", "Ann Lee", "Ann\u00a0Lee"),
        ("key of the digest is missing", "about", "abou"), ("key of the signatures is missing", "approved_by", "approved"),
    ):  # fmt: skip
        yield f"the {what}", "other", _replaced(base, old, new)
    yield "the key of the date is missing", "date", _replaced(base, "date", "dat")


def lineage(base: Base) -> Iterator[Damage]:
    """Yield records of runs that were cut, or edited into something else or a contradiction."""
    whole = whole_of(base)
    for part in range(12):
        yield f"cut after {part} of 12 parts", "broken", written(base, whole[: len(whole) * part // 12])
    for what, old, new in (
        ("the statement is of another sort", "Statement/v1", "Statement/v2"),
        ("the record is of another sort", "lineage/1", "lineage/2"), ("the time is a word", "2026-03-02T", "today "),
        ("the gate passed and failed", '"end": "passed"', '"end": "failed"'),
        ("the gate has no verdict", '"verdict": "pass"', '"verdict": null'),
        ("the gate has no kind", '"kind": "compare"', '"sort": "compare"'),
        ("the gate judged nothing", '"inputs": {"', '"inputs": [], "other": {"'),
        ("the gate judged another model", "sha256:a", "sha256:b"), ("a digest is no text", '"sha256:a', '1, "x": "sha256:a'),
        ("the gate guards something else", '"guards": "model"', '"guards": "other"'),
        ("the artifacts are a text", '"artifacts": {', '"artifacts": "none", "other": {'), ("a number is NaN", "1200", "NaN"),
        ("a key is there twice", '"guards"', '"guards": "model", "guards"'), ("a list", "{", "[{"),
    ):  # fmt: skip
        yield f"the lineage: {what}", "broken", _replaced(base, old, new)
    for what, more in (
        ("more text", b"x\n"),
        ("a list", b"[]\n"),
        ("an object", b"{}\n"),
        ("a blank line", b"\n{}"),
    ):
        yield f"the lineage has {what} behind it", "broken", written(base, whole + more)


def markdown(base: Base) -> Iterator[Damage]:
    """Yield Markdown whose front matter two readers could take differently, that was cut, or has empty sections."""
    whole = whole_of(base).decode()
    ends = whole.index("---", 3) + 3
    for end in range(9, whole.index("Scores"), 9):
        yield (
            f"cut after {end} bytes",
            "broken" if end < ends else "section",
            written(base, whole[:end].encode()),
        )
    for what, old, new in (
        ("a BOM", "---", "\ufeff---"), ("a blank line before it", "---", "\n---"), ("a tab", "date:", "date:\t"),
        ("a key twice", "date:", "date: 2023-01-01\ndate:"), ("an anchor", "date: ", "date: &a "), ("NUL", "date", "da\0te"),
        ("a type", "date: ", "date: !!str "), ("a merge", "date:", "<<: *a\ndate:"), ("a comment", "-15", "-15 # x"),
        ("an object", "date: 2024-01-15", "date: {day: 2024-01-15}"), ("a quote", "date: ", 'date: "'),
        ("a block", "date: ", "date: |\n  "), ("an indented key", "date:", "  date:"), ("a list", "[Ann Lee]", "[Ann Lee"),
        ("no end", "\n---", "\n--"), ("an invisible sign", "date:", "da\u200bte:"), ("a direction sign", "Ann", "\u202eAnn"),
        ("a byte that isn't UTF-8", "date", "\udcff"),
    ):  # fmt: skip
        yield f"the front matter has {what}", "broken", _replaced(base, old, new)
    for what, old, new in (
        ("only a comment", "Scores", "<!-- Scores"), ("only TODO", "Scores applications.", "TODO"),
        ("no text", "Scores applications.", " "),
        ("a heading in a comment", "# Use", "<!--\n# Use"), ("a heading in a code block", "# Use", "```\n# Use"),
        ("a heading of another name", "# Use", "# Use of it"), ("a heading without a blank", "# Use", "#Use"),
    ):  # fmt: skip
        yield f"the section has {what}", "section", _replaced(base, old, new)


def answers(base: Base) -> Iterator[Damage]:
    """Yield what a model writes instead of its two golden answers, one JSON a line."""
    first, second = whole_of(base).decode().splitlines()
    number = base.number
    for what, new in (
        ("NaN", "NaN"), ("Infinity", "Infinity"), ("-Infinity", "-Infinity"), ("1e999", "1e999"), ("null", "null"),
        ("true", "true"), ("text", f'"{number}"'), ("a list", f"[{number}]"), ("an object", f'{{"a": {number}}}'),
        ("hexadecimal", "0x1"), ("missing", ""), ("5,000 digits", "9" * 5000), ("negative", f"-{number}"),
        ("a little off", number + "01"), ("far off", "1e300"), ("with a comma", number.replace(".", ",")),
    ):  # fmt: skip
        yield f"a number is {what}", "broken", _replaced(base, number, new)
    for what, lines in (
        ("one is missing", [first]), ("one too many", [first, second, second]), ("swapped", [second, first]),
        ("the same twice", [first, first]), ("one is empty", ["", second]), ("one is a blank", [" ", second]),
        ("one is cut", [first[:-1], second]), ("one is cut in a name", [first[:3], second]),
        ("one is text", ["yes", second]),
        ("one is HTML", ["<html></html>", second]), ("one is a traceback", ["Traceback (most recent call last):", second]),
        ("one is two objects", [first + first, second]),
        ("one has a key twice", [first[:-1] + ', "score": 1}', second]),
        ("one has a key more", [first[:-1] + ', "more": 1}', second]),
        ("one is in single quotes", [first.replace('"', "'"), second]),
        ("one is over two lines", [first[:9], first[9:], second]), ("one is a list", [f"[{first}]", second]),
        ("one has NUL", [first + "\0", second]), ("one is 100,000 brackets", ["[" * 100_000, second]),
        ("one is 200 levels deep", ['{"a":' * 200 + "1" + "}" * 200, second]),
        ("one has a lone surrogate", [first.replace("yes", "\\ud800"), second]),
        ("one isn't UTF-8", [first.replace("yes", "y\udcff"), second]),
        ("one gives a runner orders", ["::error::x\r##vso[task.complete]", second]),
        ("one has 40 MB", ['{"a": "' + "x" * (40 << 20) + '"}', second]), ("there are 100,000 lines", [first] * 100_000),
        ("a banner comes first", ["Loading model", first, second]),
    ):  # fmt: skip
        text = "\n".join([*lines, ""])
        yield f"answers: {what}", "broken", written(base, text.encode("utf-8", "surrogateescape"))
