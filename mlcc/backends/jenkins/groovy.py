"""Groovy's values, as source: the only place that spells them.

Jenkins compiles with Groovy 2.4, whose reader decodes `\\uXXXX` before anything else, in comments too. So every
backslash of a text is doubled, and a text never stands in a comment.
https://groovy-lang.org/syntax.html#all-strings, groovy 2.4.21: org.codehaus.groovy.antlr.UnicodeEscapingReader
"""

from __future__ import annotations

import re
from collections.abc import Mapping

ESCAPES = {"\\": "\\\\", "'": "\\'", "\r": "\\r", "\n": "\\n", "\t": "\\t"}
_KEY = re.compile(r"[a-z][a-zA-Z]*\Z")


class Source(str):
    """Groovy source that is complete: what `groovy` made, and constants of this package."""

    __slots__ = ()


def groovy(value: object) -> Source:
    """Return a value as Groovy source. Raises TypeError on what has none.

    >>> groovy({"label": "it's", "minutes": 5})
    "[label: 'it\\\\'s', minutes: 5]"
    """
    if isinstance(value, str):
        return Source("'" + "".join(_character(c) for c in value) + "'")
    if isinstance(value, bool):
        return Source("true" if value else "false")
    if isinstance(value, int):
        return Source(str(value))
    if isinstance(value, (list, tuple)):
        return Source("[" + ", ".join(groovy(item) for item in value) + "]")
    if isinstance(value, Mapping):
        pairs = [f"{_key(key)}: {groovy(item)}" for key, item in value.items()]
        return Source("[" + (", ".join(pairs) or ":") + "]")
    raise TypeError(f"{type(value).__name__} has no spelling in Groovy")


def _character(c: str) -> str:
    if c in ESCAPES:
        return ESCAPES[c]
    if " " <= c <= "~":
        return c
    # In UTF-16, as Groovy's reader takes it: a controller's default encoding is not always UTF-8.
    code = c.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{code[at : at + 4]}" for at in range(0, len(code), 4))


def _key(key: object) -> str:
    if not isinstance(key, str) or not _KEY.match(key):
        raise TypeError(f"{key!r} is no key of a Groovy map")
    return key


def finalize(value: object) -> Source:
    """Let only Groovy source into the output. Raises TypeError on a value that nobody spelled."""
    if not isinstance(value, Source):
        raise TypeError(f"{value!r} reaches the Jenkinsfile without the filter `groovy`")
    return value
