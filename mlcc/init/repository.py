"""What a repository shows of itself: its files, its branch, its name."""

from __future__ import annotations

import os
import re
import subprocess
from functools import cached_property
from pathlib import Path

from mlcc.init.spelling import OTHER_READINGS
from mlcc.spec.scalars import path_problem

MOST_FILES = 20_000
MOST_BYTES = 1 << 20  # of a file that is read for a hint
_SKIPPED = {"node_modules", "venv", "env", "build", "dist", "__pycache__", "site-packages"}


class Repository:
    """A folder, seen through git where there is git: ignored files don't count.

    Paths are posix and relative to the folder; those that a spec can't name are left out.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    @cached_property
    def files(self) -> list[str]:
        """Every file, sorted."""
        found = self._git("ls-files", "-z", "--cached", "--others", "--exclude-standard")
        names = self._walk() if found is None else found.split("\0")
        return sorted({name for name in names if self.can_name(name) and (self.root / name).is_file()})[
            :MOST_FILES
        ]

    def can_name(self, path: str) -> bool:
        """Tell whether a spec can name a path."""
        return path_problem(path) is None and not set(path) & set("*?")

    def _walk(self) -> list[str]:
        found: list[str] = []
        for folder, below, names in os.walk(self.root):
            below[:] = [name for name in below if name[0] != "." and name not in _SKIPPED]
            base = Path(folder).relative_to(self.root)
            found += [(base / name).as_posix() for name in names]
            if len(found) > MOST_FILES:
                break
        return found

    def _git(self, *arguments: str) -> str | None:
        """Return what git prints; None where there is no git or no repository."""
        env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        try:
            done = subprocess.run(
                ["git", *arguments], cwd=self.root, env=env, capture_output=True, check=False
            )
        except OSError:
            return None
        return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None

    @cached_property
    def branch(self) -> str:
        """The default branch: the remote's, the current one, or main."""
        for arguments in (
            ("symbolic-ref", "--short", "refs/remotes/origin/HEAD"),
            ("symbolic-ref", "--short", "HEAD"),
        ):
            name = (self._git(*arguments) or "").strip().removeprefix("origin/")
            if re.fullmatch(r"[\w./-]+", name):
                return name
        return "main"

    @cached_property
    def name(self) -> str:
        """The project's name: that of pyproject.toml, of the remote, or of the folder."""
        found = self.setting("pyproject.toml", "project", "name") or self.setting(
            "pyproject.toml", "tool.poetry", "name"
        )
        remote = re.split(r"[/:]", self._remote().removesuffix(".git"))[-1]
        return identifier(found or remote or self.root.name, "project")

    @cached_property
    def systems(self) -> tuple[str, ...]:
        """The CI systems that the repository shows signs of: their files, or the host that it is pushed to."""
        host = re.split(r"[:/]", re.sub(r"^\w+://([^@/]*@)?|^[^@/]*@", "", self._remote()))[0]
        signs = {
            "github": bool(self.below(".github/")) or "github" in host,
            "gitlab": self.has(".gitlab-ci.yml") or "gitlab" in host,
            "jenkins": self.has("Jenkinsfile"),
        }
        return tuple(name for name, found in signs.items() if found)

    def _remote(self) -> str:
        return (self._git("config", "--get", "remote.origin.url") or "").strip()

    @cached_property
    def ignores_reports(self) -> bool:
        """Whether git ignores the folder that gates leave their reports in."""
        return self._git("check-ignore", "--quiet", "_mlcc/") is not None or bool(
            re.search(r"^/?_mlcc/?\s*$", self.text(".gitignore"), re.MULTILINE)
        )

    def text(self, path: str) -> str:
        """Return the text of a file; '' when it isn't there, is no text or is very long."""
        try:
            with (self.root / path).open("rb") as file:
                data = file.read(MOST_BYTES + 1)
            return data.decode("utf-8") if len(data) <= MOST_BYTES else ""
        except (OSError, UnicodeDecodeError):
            return ""

    def has(self, path: str) -> bool:
        """Tell whether a file is there."""
        return path in self.files

    def below(self, folder: str) -> list[str]:
        """Return the files below a folder, which ends in '/'."""
        return [path for path in self.files if path.startswith(folder)]

    def setting(self, path: str, section: str, key: str) -> str:
        """Return a quoted value of a TOML file, '' when there is none. Enough for names and versions."""
        return self._toml(path).get((section, key), "")

    def sections(self, path: str) -> set[str]:
        """Return the names of a TOML file's sections."""
        return {
            line.strip()[1:-1].strip()
            for line in self.text(path).splitlines()
            if re.fullmatch(r"\[[^\[\]]+\]\s*", line)
        }

    def _toml(self, path: str) -> dict[tuple[str, str], str]:
        found: dict[tuple[str, str], str] = {}
        section = ""
        for line in self.text(path).splitlines():
            head = re.match(r"\[([^\[\]]+)\]", line)
            value = re.match(r"""\s*["']?([\w.-]+)["']?\s*=\s*(?:"([^"\n]*)"|'([^'\n]*)')""", line)
            if head:
                section = head[1].strip()
            elif value:
                found.setdefault((section, value[1]), value[2] or value[3] or "")
        return found


def identifier(text: str, otherwise: str) -> str:
    """Return an id made from a name: `My Model_2.csv` gives my-model-2-csv."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    while words and words[0][0].isdigit():
        words.pop(0)
    found = "-".join(words)[:40].rstrip("-") or otherwise
    return f"{otherwise}-{found}" if found in OTHER_READINGS else found


def unique(id: str, taken: set[str]) -> str:
    """Return an id that isn't taken yet, and take it."""
    number, found = 2, id
    while found in taken:
        found, number = f"{id}-{number}", number + 1
    taken.add(found)
    return found
