"""What the suite knows of each CI system. A back end is a module here and a line in `PLATFORMS`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

PLATFORMS = {name: f"tests.injection.platforms.{name}" for name in ("github", "gitlab", "jenkins")}
"""Back end -> the module with its `PLATFORM`."""


@dataclass(frozen=True, slots=True)
class Step:
    """A command as the CI system gives it to a shell: `text` is the shell's script, `env` beside the runner's own."""

    name: str
    text: str
    env: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class World:
    """What the CI system itself holds, by name, and what started the run."""

    branch: str = "main"
    inputs: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)


class Platform(Protocol):
    """A CI system."""

    name: str

    def parse(self, files: Mapping[str, str]) -> Any:
        """Return what the CI system reads in its files, with ids in place of positions."""

    def check_readers(self, files: Mapping[str, str]) -> None:
        """Assert that independent readers of the files agree."""

    def places(self, leaf: str, texts: Sequence[str]) -> list[tuple[tuple[Any, ...], Any]]:
        """Return (way, value) in what `parse` returns, for strings of `fields.Field(leaf).spec(texts)`."""

    def refuses(self, leaf: str, text: str) -> str | None:
        """Return the code of the diagnostic by which the back end refuses a string in a place; None: it doesn't."""

    def steps(self, files: Mapping[str, str], world: World, folder: Path, commit: str) -> Iterator[Step]:
        """Yield the steps of one manual run of the whole pipeline, in an order that its graph allows.

        `folder` is the runner's own, `commit` what it is about. A step has run before the next is asked for.
        """

    def commands(self, log: str) -> list[str]:
        """Return the lines of a log that the CI system would take for commands, but those of mlcc's own."""


def platform(name: str) -> Platform:
    """Return what is known of a back end's CI system."""
    return cast(Platform, import_module(PLATFORMS[name]).PLATFORM)
