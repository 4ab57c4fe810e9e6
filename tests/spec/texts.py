"""Texts that a careless emitter breaks on, single values of a spec, and plain data as the YAML text of a spec."""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import strategies as st

from mlcc.load.source import HIDDEN

WORDS = ("train", "x_y", "a-b", "m", "score2", "data")
CONTEXTS = ("commit", "branch", "event", "repository", "run_id", "run_url", "workspace")
FORMATS = ("text", "markdown", "html", "junit", "cobertura", "sarif")
IMAGE = "registry.example/app@sha256:" + "0" * 64
AUTH = {
    "aws": {"role": {"var": "AWS_ROLE"}, "region": "eu-west-1"},
    "gcp": {"provider": "projects/1/x", "service_account": {"var": "SA", "default": "x"}},
    "azure": {"client_id": "1", "tenant_id": "2"},
    "oidc": {"audience": "https://example.org"},
}
FORM_INPUTS = (
    {"type": "string", "default": "x"},
    {"type": "number", "default": 0.5, "min": 0, "max": 1},
    {"type": "integer", "required": True, "min": 1},
    {"type": "boolean", "default": False},
    {"type": "choice", "options": ["a", "b"], "default": "a"},
)
HOSTILE = (
    "$(touch canary)", "`touch canary`", "'; touch canary; '", '"; touch canary; "', "a'b\"c\\d", "$HOME ${x} $((1))",
    "a: b # c", "- x", "? x", "* x", "&a", "!tag", "|", ">", "@x", "%x", "{{ x }}", "#{x}", "}", "]", "[", "{", ",",
    "yes", "no", "null", "~", "1e3", "0o7", "010", "1:30", "2026-01-01", ".inf", "=", "<<", "3.10", "-0",
    "x\ny", "x\n\n  y\n", "\tx", " x", "x ", "x\\n", "EOF", "]]>", "<script>", "::error::x", "##[error]x",
    "%PATH%", "\u00e9\u4e2d\U0001f600", "e\u0301", "'''", '"""', "\\u0041", "--", "-x", "&& false", "|| true", "!",
)  # fmt: skip

hostile_text = st.sampled_from(HOSTILE)
_letters = st.characters(exclude_categories=("C", "Z")).filter(lambda c: not HIDDEN.search(c))
text = st.one_of(
    st.sampled_from(("x", "hello world")), hostile_text, st.text(_letters, min_size=1, max_size=6)
)
command = st.one_of(
    st.sampled_from(("python -m train", "make all", "set -x\npytest -q\n")),
    hostile_text.map(lambda value: f"printf %s {value}"),
)
number = st.one_of(st.integers(-1000, 10**9), st.integers(-10_000, 10_000).map(lambda n: n / 100))
scalar = st.one_of(text, number, st.booleans())
env_name = st.sampled_from(("A", "B_2", "LEARNING_RATE", "x", "_Z"))
duration = st.sampled_from(("30s", "5m", "2h"))


def to_yaml(data: dict[str, Any]) -> str:
    """Return a spec as YAML text in block style."""
    return "".join(_lines(data, ""))


_BARE_KEY = re.compile(
    r"(?!(?:y|n|yes|no|on|off|true|false|null)\Z)[A-Za-z_][\w.-]*\Z", re.IGNORECASE | re.ASCII
)


def _lines(value: dict[str, Any] | list[Any], indent: str) -> list[str]:
    pairs = value.items() if isinstance(value, dict) else ((None, item) for item in value)
    lines = []
    for key, item in pairs:
        name = key if key is None or _BARE_KEY.match(key) else json.dumps(key)
        start = f"{indent}- " if name is None else f"{indent}{name}: "
        if isinstance(item, (dict, list)) and item:
            lines.append(start.rstrip() + "\n")
            lines.extend(_lines(item, indent + "  "))
        else:
            lines.append(f"{start}{json.dumps(item, ensure_ascii=False)}\n")
    return lines
