"""Jenkins: the tables and shell steps of the Jenkinsfile. Its Groovy really runs in tests/execution/jenkins."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.injection.platforms import Step, World

ROW = re.compile(r"^  (NODES|LEGS|SERVICES|CACHES)\[('(?:[^'\\]|\\.)*')\] = (\[.*\])$", re.MULTILINE)
SCRIPT = re.compile(r"'(exec python3 -I \.mlcc/run\.py (\w+))'")
ESCAPE = re.compile(r"\\(?:u([0-9a-f]{4})|(.))", re.DOTALL)
NAMED = {"n": "\n", "r": "\r", "t": "\t"}
TOKEN = re.compile(r"'(?:[^'\\]|\\.)*'|[\[\],:]|[A-Za-z0-9_]+")


class Jenkins:
    """See tests.injection.platforms.Platform."""

    name = "jenkins"

    def parse(self, files: Mapping[str, str]) -> Any:
        """Return the tables: {"NODES", "LEGS", "SERVICES", "CACHES"}."""
        text = files["Jenkinsfile"]
        found: dict[str, Any] = {"NODES": {}, "LEGS": {}, "SERVICES": {}, "CACHES": {}}
        for table, key, value in ROW.findall(text):
            found[table][_text(key)] = _value(TOKEN.findall(value))
        return found

    def check_readers(self, files: Mapping[str, str]) -> None:
        """Assert what lets every reader see the same: ASCII, and a backslash only where it escapes something."""
        text = files["Jenkinsfile"]
        assert text.isascii()
        assert all(c == "\n" or c.isprintable() for c in text)

    def places(self, leaf: str, texts: Sequence[str]) -> list[tuple[tuple[Any, ...], Any]]:
        """Return (way, value) in the tables."""
        whole = {
            "Service.env{}=": [
                (
                    ("SERVICES", "n s", "literals"),
                    [f"V{i}={t}" for i, t in sorted(enumerate(texts), key=lambda x: f"V{x[0]}")],
                )
            ],
            "Profile.image": [(("NODES", "n", "image"), text) for text in texts],
        }
        singly: dict[str, tuple[Any, ...]] = {
            "Execution.image": ("NODES", "n#", "image"),
            "Service.image": ("SERVICES", "n s#", "image"),
            "Runner.jenkins": ("NODES", "n#", "label"),
        }
        if leaf in singly:
            way = singly[leaf]
            return [(tuple(key.replace("#", str(i)) for key in way), text) for i, text in enumerate(texts)]
        return list(whole.get(leaf, []))

    def refuses(self, leaf: str, text: str) -> str | None:
        """Return `cache-key` for what the cache plugin's list of files would read as several, or as an exception."""
        return "cache-key" if leaf == "Cache.key[]" and ("," in text or text.startswith("!")) else None

    def steps(self, files: Mapping[str, str], world: World, folder: Path, commit: str) -> Iterator[Step]:
        """Yield the `sh` steps: selecting, each row of the table leg by leg, and the last one."""
        parsed = self.parse(files)
        scripts = {name: text for text, name in SCRIPT.findall(files["Jenkinsfile"])}
        shared = {
            "MLCC_PLATFORM": "jenkins",
            "MLCC_COMMIT": commit,
            "MLCC_GIT_URL": "https://example.org/a/b.git",
            "MLCC_CAUSES": "user",
            "MLCC_FORMS": "true",
            "BRANCH_NAME": world.branch,
            "BUILD_TAG": "1",
            "BUILD_NUMBER": "1",
        }
        yield Step(
            "select", scripts["select"], {**shared, **{f"MLCC_INPUT_{k}": v for k, v in world.inputs.items()}}
        )
        for id, row in parsed["NODES"].items():
            own = {f"MLCC_SECRET_{name}": world.secrets[name] for name in row.get("secrets", "").split()}
            own |= {
                f"MLCC_VAR_{name}": world.variables.get(name, "") for name in row.get("variables", "").split()
            }
            for leg in row.get("legs", "").split() or [""]:
                yield Step(id, scripts["node"], {**shared, **own, "MLCC_NODE": id, "MLCC_LEG": leg})
        results = folder.parent / "repository" / "_mlcc" / "outputs" / "results"
        results.write_text("".join(f"{id}=success\n" for id in ("select", *parsed["NODES"])), "utf-8")
        yield Step("final", scripts["final"], shared)

    def commands(self, log: str) -> list[str]:
        """Return nothing: Jenkins takes no line of a log for a command."""
        del log
        return []


def _decoded(inner: str) -> str:
    """Return a string's text. `\\uXXXX` is UTF-16, as Groovy's reader takes it."""
    text = ESCAPE.sub(lambda m: chr(int(m[1], 16)) if m[1] else NAMED.get(m[2], m[2]), inner)
    return text.encode("utf-16", "surrogatepass").decode("utf-16")


def _text(token: str) -> str:
    return _decoded(token[1:-1])


def _value(tokens: list[str]) -> Any:
    """Return the value of a list, map, string, number or boolean, whose tokens are used up."""
    token = tokens.pop(0)
    if token != "[":
        return (
            _text(token) if token[0] == "'" else token == "true" if token in ("true", "false") else int(token)
        )
    items: list[Any] = []
    pairs: dict[str, Any] = {}
    while tokens[0] != "]":
        if tokens[1:2] == [":"] and tokens[0][0] != "'":
            key = tokens.pop(0)
            tokens.pop(0)
            pairs[key] = _value(tokens)
        elif tokens[0] in (",", ":"):
            tokens.pop(0)
        else:
            items.append(_value(tokens))
    tokens.pop(0)
    return pairs or items


PLATFORM = Jenkins()
