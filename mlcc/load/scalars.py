"""What an unquoted scalar means, and whether every YAML reader agrees.

A spec is read by more than mlcc: editors, linters and scripts use YAML 1.1 as often as 1.2. An unquoted word
that the two versions read differently (`no`, `010`, `1:30`), or that loses what was written (`3.10` is the
number 3.1), is refused and has to be quoted. Sources: https://yaml.org/type/ (1.1) and
https://yaml.org/spec/1.2.2/#103-core-schema (1.2).
"""

from __future__ import annotations

import re

from mlcc.record import record

Value = str | int | float | bool | None

MAX_DIGITS = 19
"""Longest integer: what a signed 64-bit number can hold, about."""
MAX_FLOAT_DIGITS = 17
"""More digits than this do not survive a double."""
_LONGEST_NUMBER = 40  # characters; more is no number that somebody wrote

_INT = re.compile(r"0|-?[1-9][0-9]*")
_FLOAT = re.compile(r"-?(?:0|[1-9][0-9]*)\.(?:0|[0-9]*[1-9])")
# The patterns below are text: `re` compiles and keeps them when one is first needed, which is seldom.
# Whatever any version of YAML takes for a number; what it really means is worked out only when it matches.
_NUMBER_LIKE = (
    r"[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+"
    r"|[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"
    r"|(?:\.[0-9_]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|\.(?:inf|Inf|INF))|\.(?:nan|NaN|NAN)"
)
_DATE = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?"
    r"(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::?[0-9]{2})?))?"
)
_INT_1_1 = r"[-+]?(?:0b[01_]+|0[0-7_]+|0x[0-9a-fA-F_]+|0|[1-9][0-9_]*|[1-9][0-9_]*(?::[0-5]?[0-9])+)"
_FLOAT_1_1 = (
    r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?"
    r"|[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*)"
)
_INT_1_2 = r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"
_FLOAT_1_2 = r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"

_SAME: dict[str, bool | None] = {
    "": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
# Without `y` and `n`: YAML 1.1 lists them, but no reader in use takes them for booleans, yamllint lets them
# pass as well, and many a data set has a column called y.
_BOOL_1_1 = {
    **dict.fromkeys(("yes", "Yes", "YES", "on", "On", "ON"), True),
    **dict.fromkeys(("no", "No", "NO", "off", "Off", "OFF"), False),
}
_OWN_MEANING_1_1 = frozenset({"=", "<<"})
_NUMBER_STARTS = frozenset("0123456789+-.")


@record
class Problem:
    """Why an unquoted scalar is refused. `code` is a diagnostic code."""

    code: str
    message: str
    help: str


def read(raw: str) -> tuple[Value, Problem | None]:
    """Return the value of the unquoted scalar `raw`, or its text and the problem that it has."""
    if raw in _SAME:
        return _SAME[raw], None
    if raw[0] not in _NUMBER_STARTS:
        return raw, _word_problem(raw)
    if _INT.fullmatch(raw):
        return _integer(raw)
    if _FLOAT.fullmatch(raw) and raw != "-0.0":
        return _float(raw)
    return raw, _number_problem(raw)


def read_key(raw: str) -> Problem | None:
    """Return the problem of the unquoted mapping key `raw`: a word that some readers don't take for text."""
    if raw in _SAME:
        return Problem(
            "ambiguous-scalar", f"a YAML reader takes the key `{raw}` for {_show(_SAME[raw])}", _quote(raw)
        )
    if raw in _BOOL_1_1:
        return Problem(
            "ambiguous-scalar", f"YAML 1.1 takes the key `{raw}` for {_show(_BOOL_1_1[raw])}", _quote(raw)
        )
    return None


def _integer(raw: str) -> tuple[Value, Problem | None]:
    if len(raw.lstrip("-")) > MAX_DIGITS:
        return raw, _too_long(raw, MAX_DIGITS)
    return int(raw), None


def _float(raw: str) -> tuple[Value, Problem | None]:
    if len(raw.lstrip("-0.").replace(".", "")) > MAX_FLOAT_DIGITS or len(raw) > _LONGEST_NUMBER:
        return raw, _too_long(raw, MAX_FLOAT_DIGITS)
    return float(raw), None


def _too_long(raw: str, digits: int) -> Problem:
    return Problem(
        "too-large",
        f"a number may have at most {digits} digits, or readers round it",
        "round it" if "." in raw else "quote it if it is an identifier",
    )


def _word_problem(raw: str) -> Problem | None:
    if raw in _BOOL_1_1:
        value = _show(_BOOL_1_1[raw])
        message = f"`{raw}` is {value} in YAML 1.1 and text in YAML 1.2"
        return Problem("ambiguous-scalar", message, f"{_quote(raw)}, or write {value}")
    if raw == "~":
        return Problem("ambiguous-scalar", "`~` reads as null, not as text", f"{_quote(raw)}, or write null")
    if raw in _OWN_MEANING_1_1:
        message = f"`{raw}` has a meaning of its own in YAML 1.1 and is text in YAML 1.2"
        return Problem("ambiguous-scalar", message, _quote(raw))
    return None


def _number_problem(raw: str) -> Problem | None:
    if re.fullmatch(_DATE, raw):
        message = f"`{raw}` is a date in YAML 1.1 and text in YAML 1.2"
        return Problem("ambiguous-scalar", message, _quote(raw))
    if not re.fullmatch(_NUMBER_LIKE, raw):
        return None
    if len(raw) > _LONGEST_NUMBER:
        return Problem("ambiguous-scalar", "this may read as a number, not as text", "quote it")
    return _number(raw)


def _number(raw: str) -> Problem | None:
    """Explain a number that isn't written the one way that every reader and every eye takes the same."""
    old, new = _reading_1_1(raw), _reading_1_2(raw)
    if isinstance(old, str) and isinstance(new, str):
        return None
    if type(old) is type(new) and (old == new or old != old):
        message = f"`{raw}` reads as {_show(new)}, not as text"
    else:
        message = f"`{raw}` is {_show(old)} in YAML 1.1 and {_show(new)} in YAML 1.2"
    # Nobody who writes 1:30 means 90.
    numbers = [] if ":" in raw else list(dict.fromkeys(filter(None, map(_canonical, (old, new)))))
    return Problem("ambiguous-scalar", message, ", or write ".join([_quote(raw), *numbers]))


def _reading_1_1(raw: str) -> Value:
    digits = raw.replace("_", "")
    if re.fullmatch(_INT_1_1, raw):
        return _integer_1_1(digits)
    if re.fullmatch(_FLOAT_1_1, raw):
        return float(_sexagesimal(digits)) if ":" in digits else _to_float(digits)
    return _special(raw)


def _integer_1_1(digits: str) -> int:
    sign = -1 if digits[0] == "-" else 1
    body = digits.lstrip("+-")
    if ":" in body:
        return int(_sexagesimal(digits))
    if body[:2] in ("0b", "0x"):
        return sign * int(body[2:] or "0", 2 if body[1] == "b" else 16)
    return sign * int(body, 8 if body.startswith("0") else 10)


def _sexagesimal(digits: str) -> float:
    total = 0.0
    for part in digits.lstrip("+-").split(":"):
        total = total * 60 + float(part)
    return -total if digits[0] == "-" else total


def _reading_1_2(raw: str) -> Value:
    if re.fullmatch(_INT_1_2, raw):
        base = {"0o": 8, "0x": 16}.get(raw[:2], 10)
        return int(raw, base)
    if re.fullmatch(_FLOAT_1_2, raw):
        return _to_float(raw)
    return _special(raw)


def _to_float(digits: str) -> float:
    return float(digits) if digits.strip("+-.") else 0.0


def _special(raw: str) -> Value:
    lower = raw.lower()
    if lower == ".nan":
        return float("nan")
    if lower.lstrip("+-") == ".inf":
        return float("-inf" if raw[0] == "-" else "inf")
    return raw


def _canonical(value: Value) -> str | None:
    """Return the number `value` as it should be written without quotes, or None when there is no such way."""
    if not isinstance(value, (int, float)) or value != value or abs(value) >= 1e16:
        return None
    text = str(value + 0)  # turns -0.0 into 0.0
    if "e" in text:
        text = f"{value:.17f}".rstrip("0")
    return text if (_INT.fullmatch(text) or _FLOAT.fullmatch(text)) and float(text) == value else None


def _show(value: Value) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "text"
    if value != value or value in (float("inf"), float("-inf")):
        return "a number that isn't finite"
    return f"the number {value}"


def _quote(raw: str) -> str:
    return f'quote it: "{raw}"'
