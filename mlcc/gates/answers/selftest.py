"""What an `answers` gate must not pass on: nothing that answers, no address, golden queries that aren't sound."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from mlcc.gates.fixtures import Fixture, artifact_files

STAND_IN = {"url": "http://127.0.0.1:1", "ready_within": 1, "token": None}
"""What takes the place of the gate's own parameters: nobody's server is asked, and no token is needed."""


def known_bad(document: Mapping[str, Any]) -> Iterator[Fixture]:
    """Yield a place where nothing answers, and golden queries that are broken or not there."""
    params = document["params"]
    golden = params["golden"]
    query = {"name": params.get("trace", "zero"), "request": {"body": 0}, "response": {"body": 0}}
    files = {**artifact_files(document), golden: json.dumps([query]).encode()}
    if "url" in params:
        yield Fixture("nothing answers", "fail", files, "ready")
    else:
        yield Fixture("nothing says where the candidate answers", "error", files)
    for name, content in (("empty", b"[]"), ("no JSON", b"zero"), ("NaN", b"NaN")):
        yield Fixture(f"the golden queries are {name}", "error", {**files, golden: content})
    absent = {path: content for path, content in files.items() if path != golden}
    yield Fixture("the golden queries are missing", "error", absent)
