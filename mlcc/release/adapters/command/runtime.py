"""What serves the model, by verbs of a program of the user's. Standard library only: bundled into the emitted script.

`describe` prints one JSON object: {live, candidate, weight, lease}, releases by their ids, the candidate's share of the
requests in percent, and until when (seconds since 1970) a candidate may stay; where it knows it, `url` is the
candidate's own address. The others change something, and are idempotent: `deploy`, `set-weight`, `promote`, `rollback`,
and `restore` where a person asks for it. They get MLCC_RELEASE, MLCC_WEIGHT and MLCC_LEASE.
"""

from __future__ import annotations

from mlcc.release.adapter import Adapter, Deployed, deployed_of
from mlcc.release.programs import ask_json, command_words, run_program


class CommandAdapter(Adapter):
    """The user's program, which gets a verb as its last word, in a folder of the repository."""

    def describe(self) -> Deployed:
        """Return what the program tells. Raises ReleaseError where the answer isn't one."""
        return deployed_of(ask_json(self._words("describe"), "describe", self.place))

    def deploy(self, release: str, lease: float) -> None:
        """Let the program start the candidate."""
        self._act("deploy", release, 0, lease)

    def set_weight(self, release: str, weight: float, lease: float) -> None:
        """Let the program give the candidate its share."""
        self._act("set-weight", release, weight, lease)

    def promote(self, release: str, lease: float) -> None:
        """Let the program make the candidate live."""
        self._act("promote", release, 100, lease)

    def rollback(self, release: str) -> None:
        """Let the program remove a release."""
        self._act("rollback", release, 0, 0)

    def restore(self, release: str, lease: float) -> None:
        """Let the program start a release of earlier as the candidate; one that can't ends with another status than 0."""
        self._act("restore", release, 0, lease)

    def _act(self, verb: str, release: str, weight: float, lease: float) -> None:
        given = {"MLCC_RELEASE": release, "MLCC_WEIGHT": f"{weight:g}", "MLCC_LEASE": f"{lease:.0f}"}
        run_program(self._words(verb), verb, self.place, given)

    def _words(self, verb: str) -> list[str]:
        return command_words(f"{self.params} {verb}")
