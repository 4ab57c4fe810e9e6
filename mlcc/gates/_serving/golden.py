"""Golden queries: what is asked, what must be answered, and how an answer is held against it."""

from __future__ import annotations

import json

from mlcc.gates._records import GateError, is_finite, number, visible
from mlcc.gates._strict import read_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_METHODS = ("GET", "POST", "PUT")
_MOST_QUERIES = 10_000


class Query:
    """One golden query. `body` are the bytes to send (None: no body), `expected` the JSON of the answer."""

    __slots__ = ("body", "expected", "method", "name", "path", "status", "tolerance")

    def __init__(self, name: str, expected: object, tolerance: float) -> None:
        self.name = name
        self.expected = expected
        self.tolerance = tolerance
        self.method = "POST"
        self.path = "/"
        self.body: bytes | None = None
        self.status = 200


def read_golden(file: str, protocol: str, path: str, tolerance: float) -> list[Query]:
    """Return the queries of a golden file; `path` and `tolerance` hold where a query has none of its own.

    Raises GateError for a file that isn't a list of proper queries, all with different names.
    """
    entries = read_json(file)
    shown = visible(file)
    if not isinstance(entries, list) or not 0 < len(entries) <= _MOST_QUERIES:
        raise GateError(f"{shown} is not a list of 1 to {_MOST_QUERIES} queries")
    queries = [_query(entry, f"{shown}, query {i + 1}", tolerance) for i, entry in enumerate(entries)]
    for i, query in enumerate(queries):
        if protocol == "http":
            _fill(query, entries[i], f"{shown}, query {i + 1}", path)
        else:
            query.body = _compact(entries[i]["request"]) + b"\n"
    names = {query.name for query in queries}
    if len(names) < len(queries):
        raise GateError(f"{shown} has two queries of the same name")
    return queries


def _query(entry: Any, place: str, tolerance: float) -> Query:
    keys = {"name", "request", "response"}
    if not isinstance(entry, dict) or not keys <= set(entry) <= {*keys, "tolerance"}:
        raise GateError(f"{place} has not the keys name, request, response, and at most a tolerance")
    name, own = entry["name"], entry.get("tolerance", tolerance)
    if not isinstance(name, str) or not name.strip():
        raise GateError(f"{place} has no name")
    if not is_finite(own) or own < 0:
        raise GateError(f"{place} has no proper tolerance")
    return Query(name, entry["response"], own)


def _fill(query: Query, entry: dict[str, Any], place: str, path: str) -> None:
    """Take over what a query over http has besides its name."""
    request, response = entry["request"], entry["response"]
    if not isinstance(request, dict) or not set(request) <= {"method", "path", "body"}:
        raise GateError(f"{place} has a request that is not {{method, path, body}}")
    if not isinstance(response, dict) or not {"body"} <= set(response) <= {"status", "body"}:
        raise GateError(f"{place} has a response that is not {{status, body}}")
    query.expected = response["body"]
    query.status = response.get("status", 200)
    query.path = request.get("path", path)
    query.method = request.get("method", "POST" if "body" in request else "GET")
    if query.method not in _METHODS:
        raise GateError(f"{place} has a method other than {', '.join(_METHODS)}")
    if type(query.status) is not int or not 200 <= query.status <= 599:
        raise GateError(f"{place} has no proper status")
    if not _is_url_path(query.path):
        raise GateError(f"{place} has a path that doesn't start with one '/', or with signs that no URL has")
    if "body" in request:
        query.body = _compact(request["body"])


def _is_url_path(path: object) -> bool:
    if not isinstance(path, str) or not path.startswith("/") or path.startswith("//"):
        return False
    return path.isascii() and path.isprintable() and " " not in path


def _compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii")


def difference(expected: object, found: object, tolerance: float, place: str = "the answer") -> str | None:
    """Say where an answer first differs from the golden one, or None. Values aren't shown.

    Numbers may differ by `tolerance` (absolute). Everything else must be equal and of the same type; the
    order of an object's keys doesn't count.
    """
    if is_finite(expected) and is_finite(found):
        gap = abs(float(expected) - float(found))  # type: ignore[arg-type]  # both are numbers
        if expected == found or gap <= tolerance:
            return None
        return f"{place} is off by {number(gap)}, where {number(tolerance)} is allowed"
    if type(expected) is not type(found):
        return f"{place} is {_noun(found)} instead of {_noun(expected)}"
    if isinstance(expected, dict) and isinstance(found, dict):
        return _object_difference(expected, found, tolerance, place)
    if isinstance(expected, list) and isinstance(found, list):
        if len(expected) != len(found):
            return f"{place} has {len(found)} items instead of {len(expected)}"
        pairs = enumerate(zip(expected, found))  # noqa: B905 - strict= is newer than Python 3.8
        told = (difference(a, b, tolerance, f"{place}[{i}]") for i, (a, b) in pairs)
        return next((text for text in told if text is not None), None)
    return None if expected == found else f"{place} is another {_noun(expected).partition(' ')[2]}"


def _object_difference(
    expected: dict[str, object], found: dict[str, object], tolerance: float, place: str
) -> str | None:
    missing = [key for key in expected if key not in found]
    if missing:
        return f"{place} lacks the key {visible(missing[0], 80)}"
    if len(found) > len(expected):
        return f"{place} has {len(found)} keys instead of {len(expected)}"
    told = (
        difference(expected[key], found[key], tolerance, f"{place}.{visible(key, 80)}") for key in expected
    )
    return next((text for text in told if text is not None), None)


def _noun(value: object) -> str:
    nouns = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "a null"}
    return nouns.get(type(value), "a number")
