"""Whether a model says of itself what it was made from, and whether a statement names its digest.

Statements are sha256sum's lines, in-toto Statements (https://github.com/in-toto/attestation, spec/v1), or what
signs them: DSSE envelopes and Sigstore bundles. Their signatures are for a tool to verify.
"""

from __future__ import annotations

import re

from mlcc.gates._records import Check, GateError, counted, visible
from mlcc.gates._strict import parse_json, read_bytes
from mlcc.gates._support import Gate
from mlcc.gates.artifact.content import value_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

_MOST_STATEMENT = 8 << 20
_HEX = re.compile(r"(?:sha256:)?([0-9a-f]{64})")
_STATED = re.compile(r"(?:(sha256|table|objects):)?([0-9a-f]{64})")
_SUM = re.compile(r"\\?([0-9a-f]{64}) [ *](.+)")
_IN_TOTO = "application/vnd.in-toto+json"


def check_lineage(gate: Gate, metadata: object) -> Iterator[Check]:
    """Yield a check for each artifact whose digest the model's metadata must name."""
    for id, key in gate.params["lineage"].items():
        name, shown, place = f"lineage.{id}", visible(id, 80), visible(key, 80)
        stated = value_at(metadata, key)
        match = _STATED.fullmatch(stated) if isinstance(stated, str) else None
        now = gate.inputs[id]["digest"]
        if match is None:
            message = f"the model's metadata doesn't say at {place} which {shown} it was made from (a sha256 digest)"
            yield Check(name, "fail", message)
        elif f"{match[1] or 'sha256'}:{match[2]}" != now:
            known = f"{match[1] or 'sha256'}:{match[2][:12]}…"
            message = f"the model was made from another {shown} than this run's: {known}, not {now[:19]}…"
            yield Check(name, "fail", message)
        else:
            yield Check(name, "pass", f"the model was made from this run's {shown} ({now[:19]}…)")


def check_statement(gate: Gate, files: Mapping[str, str]) -> Check:
    """Check that a statement names the guarded artifact's digest, or those of all its files.

    `files` maps the path of each file below a guarded folder to its digest; it is empty for a single file.
    """
    id = gate.params["statement"]
    path = gate.path(id)
    named = list(_subjects(read_bytes(path, _MOST_STATEMENT), visible(path)))
    own = gate.inputs[gate.guards]["digest"][len("sha256:") :]
    count = counted(len(named), "subject")
    if own in [digest for _, digest in named]:
        return Check("statement", "pass", f"one of {count} of {visible(path)} is this artifact's digest")
    pairs = {(name, "sha256:" + digest) for name, digest in named}
    if files and all(pair in pairs for pair in files.items()):
        return Check(
            "statement", "pass", f"{visible(path)} names all {counted(len(files), 'file')} by digest"
        )
    return Check("statement", "fail", f"{visible(path)} has {count}, none of which is this artifact's digest")


def _subjects(data: bytes, shown: str) -> Iterator[tuple[str, str]]:
    """Yield (name, sha256 in hex) for each subject of a statement. Raises GateError for what is none."""
    try:
        text = data.decode("utf-8").strip()
    except UnicodeDecodeError:
        raise GateError(f"{shown} is not UTF-8") from None
    if not text:
        raise GateError(f"{shown} is empty")
    if not text.startswith("{"):
        for number, line in enumerate(text.split("\n"), 1):
            match = _SUM.fullmatch(line.rstrip("\r"))
            if match is None:
                raise GateError(f"{shown}, line {number}, is no line of sha256sum")
            yield match[2], match[1]
        return
    try:
        documents = [parse_json(text, shown)]
    except GateError:
        documents = [parse_json(line, shown) for line in text.split("\n") if line.strip()]
    for document in documents:
        yield from _of_statement(_statement(document, shown), shown)


def _statement(document: Any, shown: str) -> Any:
    """Return the statement of a Sigstore bundle or DSSE envelope, or the statement itself."""
    import base64
    import binascii

    document = value_at(document, "dsseEnvelope") or document
    payload = value_at(document, "payload")
    if payload is None:
        return document
    try:
        if not isinstance(payload, str) or value_at(document, "payloadType") != _IN_TOTO:
            raise GateError(f"{shown} is an envelope around something else than an in-toto statement")
        return parse_json(base64.b64decode(payload, validate=True).decode("utf-8"), shown)
    except (binascii.Error, ValueError):
        raise GateError(f"{shown} is an envelope whose payload can't be read") from None


def _of_statement(statement: Any, shown: str) -> Iterator[tuple[str, str]]:
    kind, subjects = value_at(statement, "_type"), value_at(statement, "subject")
    known = isinstance(kind, str) and kind.startswith("https://in-toto.io/Statement/")
    if not known or not isinstance(subjects, list) or not subjects:
        raise GateError(f"{shown} is no in-toto statement with subjects")
    for subject in subjects:
        name, digest = value_at(subject, "name") or "", value_at(subject, "digest.sha256")
        if isinstance(name, str) and isinstance(digest, str) and _HEX.fullmatch(digest):
            yield name, digest
