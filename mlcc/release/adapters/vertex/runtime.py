"""An endpoint of Vertex AI. Standard library only: bundled into the emitted script.

Notes are labels of the endpoint, whose values have lower-case letters, digits, '-' and '_'. A deployed model's id is ours to
choose, in at most ten digits: the CRC of the release's.
"""

from __future__ import annotations

import re
import zlib
from typing import Any

from mlcc.release.adapter import ReleaseError
from mlcc.release.noted import NotedAdapter
from mlcc.release.programs import ask_json, run_program

GOOGLE_LABEL = "mlcc-"
NO_VALUE = "-"  # of a label


class VertexAdapter(NotedAdapter):
    """The traffic split of an endpoint. `what` serves a release is a deployed model's id."""

    def what_of(self, release: str) -> str:
        """Return the deployed model's id."""
        if not re.match(r"[a-z0-9_-]{1,63}\Z", release):
            raise ReleaseError(
                f"'{release}' is no label that Google takes: lower-case letters, digits, '-' and '_'"
            )
        return str(zlib.crc32(release.encode()))

    def noted(self) -> dict[str, str]:
        """Return what the endpoint's labels say."""
        labels = self._endpoint().get("labels", {})
        return {
            key[len(GOOGLE_LABEL) :].replace("-", "_"): "" if value == NO_VALUE else value
            for key, value in labels.items()
            if key.startswith(GOOGLE_LABEL)
        }

    def note(self, changes: dict[str, str]) -> None:
        """Write labels to the endpoint."""
        pairs = [
            f"{GOOGLE_LABEL}{key.replace('_', '-')}={value or NO_VALUE}"
            for key, value in sorted(changes.items())
        ]
        self._run("update", "--update-labels", ",".join(pairs))

    def served(self) -> str:
        """Return the only deployed model's id."""
        ids = self._deployed()
        if len(ids) != 1:
            raise ReleaseError(
                f"the endpoint has {len(ids)} deployed models: mlcc begins with one, which is live"
            )
        return ids[0]

    def weight(self) -> float:
        """Return what the traffic split says of the candidate."""
        share = self._endpoint().get("trafficSplit", {}).get(self.all_notes()["candidate_what"], 0)
        if type(share) is not int:
            raise ReleaseError("the endpoint's traffic split tells no whole percents")
        return float(share)

    def put(self, release: str, what: str) -> None:
        """Deploy the model beside the live one, and remove what was live before that."""
        self._remove_others({self.all_notes()["live_what"], what})
        if what not in self._deployed():
            self._run(
                "deploy-model", "--model", str(self.params["model"]).replace("{release}", release), "--display-name", release,
                "--deployed-model-id", what, "--machine-type", self.params["machine_type"],
                "--min-replica-count", str(self.params["replicas"]),
            )  # fmt: skip

    def share(self, weight: float) -> None:
        """Set the split of both models."""
        now = self.all_notes()
        self._split({now["live_what"]: 100 - int(weight), now["candidate_what"]: int(weight)})

    def finish(self) -> None:
        """Give the candidate everything; the other stays deployed."""
        self.share(100)

    def bring_back(self, release: str, what: str) -> None:
        """Give a deployed model everything, then remove the others."""
        del release
        if what not in self._deployed():
            raise ReleaseError(f"the endpoint has no deployed model {what} to bring back", 1)
        self._split({what: 100})
        self._remove_others({what})

    # --- the client ---

    def _endpoint(self) -> Any:
        words = self._words("describe", "--format", "json")
        found = ask_json(words, "gcloud ai endpoints describe", self.place)
        if not isinstance(found, dict):
            raise ReleaseError("`gcloud ai endpoints describe` printed no object")
        return found

    def _deployed(self) -> list[str]:
        return [str(model["id"]) for model in self._endpoint().get("deployedModels", [])]

    def _remove_others(self, kept: set[str]) -> None:
        for id in self._deployed():
            if id not in kept:
                self._run("undeploy-model", "--deployed-model-id", id)

    def _split(self, shares: dict[str, int]) -> None:
        self._run("update", "--traffic-split", ",".join(f"{id}={share}" for id, share in shares.items()))

    def _run(self, verb: str, *options: str) -> None:
        run_program(self._words(verb, *options), f"gcloud ai endpoints {verb}", self.place)

    def _words(self, verb: str, *options: str) -> list[str]:
        own = self.params
        where = (own["endpoint"], "--region", own["region"], "--project", own["project"])
        return ["gcloud", "ai", "endpoints", verb, *where, "--quiet", *options]
