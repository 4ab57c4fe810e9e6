"""Objects of a Kubernetes cluster, by kubectl. Standard library only: bundled into the emitted script.

Notes are in a ConfigMap: KServe hands an object's own annotations on to its pods, so that each change would be a new revision.
"""

from __future__ import annotations

import json
from typing import Any

from mlcc.release.adapter import ReleaseError
from mlcc.release.noted import NotedAdapter
from mlcc.release.programs import ask_json, run_program


class ClusterAdapter(NotedAdapter):
    """What an object of a cluster serves. `kind` as kubectl names it."""

    kind = ""
    remembers = True

    def found(self) -> dict[str, Any]:
        """Return the object."""
        found = ask_json(
            self._kubectl("get", self.kind, self.params["name"], "-o", "json"), "kubectl get", self.place
        )
        if not isinstance(found, dict):
            raise ReleaseError("`kubectl get` printed no object")
        return found

    def patch(self, changes: dict[str, Any], *more: str) -> None:
        """Change the object by a JSON merge patch."""
        words = (
            "patch",
            self.kind,
            self.params["name"],
            *more,
            "--type",
            "merge",
            "-p",
            json.dumps(changes),
            "-o",
            "name",
        )
        run_program(self._kubectl(*words), "kubectl patch", self.place)

    def noted(self) -> dict[str, str]:
        """Return what the ConfigMap says; {} where there is none."""
        words = self._kubectl("get", "configmap", self._notes, "--ignore-not-found", "-o", "json")
        text = run_program(words, "kubectl get", self.place, capture=True)
        try:
            return (
                {str(key): str(value) for key, value in json.loads(text)["data"].items()}
                if text.strip()
                else {}
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ReleaseError(f"the ConfigMap {self._notes} holds no notes of a release") from None

    def note(self, changes: dict[str, str]) -> None:
        """Write to the ConfigMap, which the first note makes."""
        if self.noted():
            text = json.dumps({"data": changes})
            words = ["patch", "configmap", self._notes, "--type", "merge", "-p", text, "-o", "name"]
        else:
            literals = [f"--from-literal={key}={value}" for key, value in sorted(changes.items())]
            words = ["create", "configmap", self._notes, *literals, "-o", "name"]
        run_program(self._kubectl(*words), f"kubectl {words[0]}", self.place)

    @property
    def _notes(self) -> str:
        return f"mlcc-{self.params['name']}"

    def _kubectl(self, *words: str) -> list[str]:
        return ["kubectl", "--namespace", self.params["namespace"], *words]


def inside(found: Any, *keys: str) -> Any:
    """Return what stands in nested objects; None where a key is missing."""
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found
