"""A Rollout of Argo Rollouts. Standard library only: bundled into the emitted script.

A change of its `steps` makes the controller begin with them again: `setWeight`, and a pause without end. The weight is that
of the traffic router; without one the controller only counts pods, and tells none.
"""

from __future__ import annotations

import json
from typing import Any

from mlcc.release.adapter import ReleaseError
from mlcc.release.cluster import ClusterAdapter, inside
from mlcc.release.programs import run_program

PAUSE: dict[str, Any] = {"pause": {}}
ONE_POD: list[dict[str, Any]] = [{"setCanaryScale": {"replicas": 1}}, PAUSE]  # ready, and without a request


class ArgoRolloutsAdapter(ClusterAdapter):
    """The canary strategy of a Rollout."""

    kind = "rollouts.argoproj.io"

    def served(self) -> str:
        """Return the image that the object names."""
        return str(self._containers()[self._index()].get("image", ""))

    def weight(self) -> float:
        """Return what the status says of the traffic router."""
        share = inside(self.found(), "status", "canary", "weights", "canary", "weight")
        return float(share) if type(share) is int else 0.0

    def put(self, release: str, what: str) -> None:
        """Name another image, of which one pod runs without requests; wait until it is ready."""
        del release
        # Before the image: the steps that are there would begin with it.
        self.patch(_steps(ONE_POD))
        changes = [
            {"op": "replace", "path": f"/spec/template/spec/containers/{self._index()}/image", "value": what}
        ]
        words = (
            "patch",
            self.kind,
            self.params["name"],
            "--type",
            "json",
            "-p",
            json.dumps(changes),
            "-o",
            "name",
        )
        run_program(self._kubectl(*words), "kubectl patch", self.place)
        self.wait(
            lambda: _is_paused(self.found()) or _is_stable(self.found()), "Argo has no ready pod of the image"
        )

    def share(self, weight: float) -> None:
        """Set the only weight, and wait until the traffic router has it."""
        self.patch(_steps([{"setWeight": int(weight)}, PAUSE]))
        self.wait(
            lambda: _is_observed(self.found()) and self.weight() == weight,
            f"Argo's traffic router doesn't give the image {weight:g} %",
        )

    def finish(self) -> None:
        """Skip what is left of the steps, and wait until the image is the stable one."""
        self.patch({"status": {"promoteFull": True}}, "--subresource", "status")
        self.wait(lambda: _is_stable(self.found()), "Argo didn't make the image the stable one")

    def bring_back(self, release: str, what: str) -> None:
        """Name the old image again, and make that the stable one where it isn't."""
        self.put(release, what)
        if not _is_stable(self.found()):
            self.finish()

    def _containers(self) -> list[Any]:
        found = inside(self.found(), "spec", "template", "spec", "containers")
        return found if isinstance(found, list) else []

    def _index(self) -> int:
        names = [inside(container, "name") for container in self._containers()]
        if self.params["container"] not in names:
            raise ReleaseError(f"the Rollout has no container '{self.params['container']}'")
        return names.index(self.params["container"])


def _steps(steps: list[dict[str, Any]]) -> dict[str, Any]:
    return {"spec": {"strategy": {"canary": {"steps": steps}}}}


def _is_observed(found: Any) -> bool:
    return bool(str(inside(found, "metadata", "generation")) == inside(found, "status", "observedGeneration"))


def _is_paused(found: Any) -> bool:
    """Tell whether a new image waits at the end of the steps."""
    return _is_observed(found) and inside(found, "status", "phase") == "Paused"


def _is_stable(found: Any) -> bool:
    """Tell whether the image that the object names has everything."""
    stable = inside(found, "status", "stableRS")
    return (
        _is_observed(found)
        and bool(stable)
        and stable == inside(found, "status", "currentPodHash")
        and inside(found, "status", "phase") == "Healthy"
    )
