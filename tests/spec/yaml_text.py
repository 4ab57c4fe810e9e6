"""Plain data as the YAML text of a spec, and texts that a careless emitter breaks on."""

from __future__ import annotations

import json
import re
from typing import Any

HOSTILE = (
    "$(touch canary)", "`touch canary`", "'; touch canary; '", '"; touch canary; "', "a'b\"c\\d", "$HOME ${x} $((1))",
    "a: b # c", "- x", "? x", "* x", "&a", "!tag", "|", ">", "@x", "%x", "{{ x }}", "#{x}", "}", "]", "[", "{", ",",
    "yes", "no", "null", "~", "1e3", "0o7", "010", "1:30", "2026-01-01", ".inf", "=", "<<", "3.10", "-0",
    "x\ny", "x\n\n  y\n", "\tx", " x", "x ", "x\\n", "EOF", "]]>", "<script>", "::error::x", "##[error]x",
    "%PATH%", "\u00e9\u4e2d\U0001f600", "e\u0301", "'''", '"""', "\\u0041", "--", "-x", "&& false", "|| true", "!",
)  # fmt: skip


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
