"""Reads CODEOWNERS: who must approve a change of a path, by GitHub's rules and by GitLab's.

https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners,
https://docs.gitlab.com/user/project/codeowners/reference/. What the two don't say is taken as no owner.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from mlcc.backends._owned import OWNERS
from mlcc.record import record
from mlcc.runtime.patterns import name_matches

PLACES = {
    "github": (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"),
    "gitlab": ("CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"),
}
"""Where each system looks, in its order: the first file that is there counts."""

_WORD = re.compile(r"(?:\\.|[^\s\\])+")
_SECTION = re.compile(r"(\^?)\[([^\]]+)\](?:\[\d+\])?((?:\s.*)?)\Z")


@record
class _Rule:
    pattern: str
    owned: bool


def file_of(root: Path, system: str) -> Path | None:
    """Return the file that a system reads; None where there is none."""
    return next((root / place for place in PLACES[system] if (root / place).is_file()), None)


def unowned(text: str, paths: Iterable[str], system: str) -> list[str]:
    """Return those of `paths`, relative to the root, whose change no owner must approve."""
    sections = _sections(text, system)
    return [path for path in paths if not any(_owned(rules, path, system) for rules in sections)]


def _sections(text: str, system: str) -> list[list[_Rule]]:
    """Return the rules by section, those of optional ones left out. GitHub has no sections."""
    sections: dict[str, list[_Rule]] = {"": []}
    name, default, optional = "", False, False
    for line in text.splitlines():
        section = _SECTION.match(line.strip()) if system == "gitlab" else None
        if section:
            optional, name, default = bool(section[1]), section[2].lower(), _has_owner(section[3].split())
            sections.setdefault(name, [])
            continue
        words = _words(line)
        if words and not optional:
            sections[name].append(_Rule(words[0], _has_owner(words[1:]) or (default and len(words) == 1)))
    return list(sections.values())


def _words(line: str) -> list[str]:
    """Return the pattern and the owners of a line; a comment begins with a word that begins with '#'."""
    words = [match.group() for match in _WORD.finditer(line)]
    end = next((n for n, word in enumerate(words) if word.startswith("#")), len(words))
    return words[:end]


def _has_owner(words: list[str]) -> bool:
    return any("@" in word and word != OWNERS for word in words)


def _owned(rules: list[_Rule], path: str, system: str) -> bool:
    """Tell whether the last rule that matches names an owner. GitLab's exclusions hold wherever they stand."""
    excluded = [rule for rule in rules if rule.pattern.startswith("!")]
    if system == "gitlab" and any(_matches(rule.pattern[1:], path, system) for rule in excluded):
        return False
    matching = [rule for rule in rules if rule not in excluded and _matches(rule.pattern, path, system)]
    return bool(matching) and matching[-1].owned


def _matches(pattern: str, path: str, system: str) -> bool:
    """Tell whether a pattern means a path. GitHub anchors one with a '/' in the middle, and counts what is below a folder."""
    anchored = pattern.startswith("/") or (system == "github" and "/" in pattern.rstrip("/"))
    plain = re.sub(r"\\(.)", r"\1", pattern).lstrip("/")
    whole = plain if anchored else f"**/{plain}"
    if whole.endswith("/"):
        return name_matches(f"{whole}**", path)
    below = system == "github" and not plain.endswith("*")
    return name_matches(whole, path) or (below and name_matches(f"{whole}/**", path))
