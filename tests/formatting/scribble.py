"""Plain data as YAML in a random hand: blocks and brackets, all kinds of scalars, any indentation, comments anywhere.

Each comment says whose it is: `# above PATH`, `# at PATH` or `# under PATH`, where PATH is JSON.
"""

from __future__ import annotations

import json
import re
from random import Random
from typing import Any

Path = tuple[str | int, ...]

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./]*(?: [A-Za-z0-9_./]+)*")
_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
_TEXT = re.compile(r"[!-~]+(?: [!-~]+)*(?:\n+[!-~]+(?: [!-~]+)*)*\n?")


def scribbled(data: dict[str, Any], random: Random) -> str:
    """Return data as the text of a spec."""
    return _Hand(random).document(data)


class _Hand:
    def __init__(self, random: Random) -> None:
        self.random = random
        self.lines: list[str] = []
        self.text_end = ""  # the last line of the last block text: what follows it could be part of it

    def chance(self, percent: int) -> bool:
        return self.random.randrange(100) < percent

    def document(self, data: dict[str, Any]) -> str:
        if self.chance(10):
            self.lines.append("---")
        if self.chance(10):
            self.flow_value("", data, ())
        else:
            self.block(data, 0 if self.chance(90) else 2, ())
        ending = "\n" if self.lines[-1] == self.text_end else "\n" * self.random.randrange(3)
        return "\n".join(self.lines) + ending

    def comment(self, where: str, path: Path) -> str:
        return f"#{' ' * self.random.randrange(2)}{where} {json.dumps(path)}"

    def above(self, indent: int, path: Path) -> None:
        if not self.lines or self.lines[-1] != self.text_end:
            self.lines += [""] * (self.random.choice((0, 0, 0, 1, 3)))
        while self.chance(15):
            self.lines.append(" " * indent + self.comment("above", path))
            self.lines += [" " * self.random.randrange(3)] * (self.random.choice((0, 0, 0, 1)))

    # Blocks

    def block(self, node: Any, indent: int, path: Path, first: str | None = None) -> None:
        """Write the parts of a collection; `first` is what stands on the line of the first one already."""
        pairs = node.items() if isinstance(node, dict) else enumerate(node)
        for key, value in pairs:
            here = (*path, key)
            if first is None:
                self.above(indent, here)
            start = " " * indent if first is None else first
            first = None
            mark = f"{self.key(key)}:" if isinstance(node, dict) else "-"
            self.value(start + mark, value, indent, here, isinstance(node, dict))
            while self.chance(5) and self.lines[-1] != self.text_end:
                self.lines.append(" " * (indent + 2) + self.comment("under", here))

    def key(self, key: str) -> str:
        quotes = ("", "'", '"') if key.lower() not in _WORDS else ("'", '"')
        quote = self.random.choice(quotes) if self.chance(20) or key.lower() in _WORDS else ""
        return f"{quote}{key}{quote}"

    def value(self, start: str, value: Any, indent: int, path: Path, keyed: bool) -> None:
        if isinstance(value, (dict, list)) and value and self.chance(65):
            if not keyed and self.chance(70):
                gap = self.random.choice((1, 1, 1, 3))
                self.block(value, indent + 1 + gap, path, first=start + " " * gap)
                return
            self.lines.append(start + self.remark(path, 20))
            flat = keyed and isinstance(value, list) and self.chance(30)
            self.block(value, indent + (0 if flat else self.random.choice((1, 2, 2, 2, 4))), path)
        elif isinstance(value, (dict, list)):
            self.flow_value(start, value, path)
        else:
            self.scalar(start, value, indent, path)

    def remark(self, path: Path, percent: int) -> str:
        return " " * self.random.choice((1, 2, 9)) + self.comment("at", path) if self.chance(percent) else ""

    def scalar(self, start: str, value: Any, indent: int, path: Path) -> None:
        inner = " " * (indent + self.random.choice((1, 2, 2, 5)))
        if isinstance(value, str) and _TEXT.fullmatch(value) and self.chance(50):
            lines = value.split("\n")
            sign = "|-"
            if not lines[-1]:
                lines.pop()
                sign = self.random.choice(("|", "|+"))
            self.lines.append(f"{start} {sign}")
            self.lines += [inner + line if line else "" for line in lines]
            self.text_end = self.lines[-1]
            return
        text = self.spelled(value)
        if " " in text and "  " not in text and "\\ " not in text and self.chance(20) and _breakable(text):
            head, _, tail = text.partition(" ")
            self.lines += [f"{start} {head}", inner + tail]
            text = text if text[0] not in "'\"" else tail
        elif self.chance(10):
            self.lines += [start, inner + text]
        else:
            self.lines.append(f"{start} {text}")
        if " " not in text or text[0] in "'\"":  # behind a command it is refused
            self.lines[-1] += self.remark(path, 20)

    def spelled(self, value: Any) -> str:
        if not isinstance(value, str):
            return json.dumps(value)
        if _PLAIN.fullmatch(value) and value.lower() not in _WORDS and self.chance(60):
            return value
        if value.isprintable() and self.chance(30):
            return "'" + value.replace("'", "''") + "'"
        return json.dumps(value, ensure_ascii=False)

    # Brackets

    def flow_value(self, start: str, value: Any, path: Path) -> None:
        self.lines.append(f"{start} " if start else "")
        self.flow(value, path, self.chance(40))
        self.lines[-1] += self.remark(path, 15)

    def flow(self, value: Any, path: Path, broken: bool) -> None:
        if not isinstance(value, (dict, list)):
            self.lines[-1] += self.spelled(value)
            return
        opening, closing = "{}" if isinstance(value, dict) else "[]"
        self.lines[-1] += opening
        pairs = list(value.items() if isinstance(value, dict) else enumerate(value))
        indent = " " * (2 * len(path) + 3)
        for number, (key, inner) in enumerate(pairs):
            here = (*path, key)
            if broken and self.chance(50):
                self.lines.append("")
                self.above(len(indent), here)
                self.lines.append(indent)
            if isinstance(value, dict):
                self.lines[-1] += f"{self.key(key)}: "
            self.flow(inner, here, broken)
            if number < len(pairs) - 1 or self.chance(10):
                self.lines[-1] += "," + " " * self.random.randrange(3)
            if broken and self.chance(20) and self.lines[-1].rstrip()[-1] in ",]}'\"":
                self.lines[-1] += self.remark(here, 60)
                self.lines.append(indent)
        self.lines[-1] += closing


def _breakable(text: str) -> bool:
    head, _, tail = text.partition(" ")
    return bool(head.strip("'\"")) and not tail.startswith(("#", "-", "?", ":")) and bool(tail.strip("'\""))
