"""The shell commands of a spec, with the places where they are written."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mlcc.gates import GATES
from mlcc.lint.shell import Simple, split
from mlcc.problems import Loc
from mlcc.record import record
from mlcc.resolving.resolve import BUILD_PREFIX, FETCH_PREFIX

if TYPE_CHECKING:
    from mlcc.spec.models import Spec


REMOTE = ("submit", "poll", "cancel", "collect")
"""The commands of work that runs somewhere else."""


@record
class Command:
    """A command as it stands in the spec. `node` is its node's id, or None in `defaults` and `profiles`.

    `part` is setup, run or finally.
    """

    text: str
    loc: Loc
    node: str | None
    part: str

    @cached_property
    def simple(self) -> tuple[Simple, ...]:
        """Its simple commands."""
        return split(self.text)

    @property
    def who(self) -> str:
        """Its owner, for a message."""
        if self.node is not None:
            return f"'{self.node}'"
        return "`defaults`" if self.loc[0] == "defaults" else f"the profile '{self.loc[1]}'"


def commands(spec: Spec) -> Iterator[Command]:
    """Yield every command of a spec."""
    for index, text in enumerate(spec.defaults.setup):
        yield Command(text, ("defaults", "setup", index), None, "setup")
    for id, profile in spec.profiles.items():
        for index, text in enumerate(profile.setup or ()):
            yield Command(text, ("profiles", id, "setup", index), None, "setup")
    for id, artifact in spec.artifacts.items():
        if artifact.from_ is not None:
            yield from _of_node(artifact.from_, ("artifacts", id, "from"), FETCH_PREFIX + id, ("command",))
        if artifact.build is not None:
            yield from _of_node(artifact.build, ("artifacts", id, "build"), BUILD_PREFIX + id)
    for id, job in spec.jobs.items():
        yield from _of_node(job, ("jobs", id), id, ("run",), *(("remote", name) for name in REMOTE))
    for id, release in spec.releases.items():
        from mlcc.release.adapters import adapter_programs  # most specs have no releases

        own = (("run",), ("rollback", "run"), ("verify", "command", "run"), ("preview", "run"))
        yield from _of_node(release, ("releases", id), id, *own, *adapter_programs())
    programs = {kind.name: kind.programs for kind in GATES.values() if kind.programs}
    for id, gate in spec.gates.items():
        kind = next((k for k in programs if getattr(gate, k, None) is not None), "")
        yield from _of_node(gate, ("gates", id), id, *((kind, *way) for way in programs.get(kind, ())))


def _of_node(own: Any, loc: Loc, node: str, *programs: tuple[str, ...]) -> Iterator[Command]:
    for index, text in enumerate(own.setup or ()):
        yield Command(text, (*loc, "setup", index), node, "setup")
    for way in programs:
        value = own
        for key in way:
            value = getattr(value, key, None)
        if value is not None:
            yield Command(value, (*loc, *way), node, "run")
    if own.finally_ is not None:
        yield Command(own.finally_, (*loc, "finally"), node, "finally")
