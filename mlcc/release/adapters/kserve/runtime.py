"""An InferenceService of KServe. Standard library only: bundled into the emitted script.

`canaryTrafficPercent` splits between the latest ready revision and the one that last had everything. Without it the latest
ready one has everything, which is the candidate as long as a newer revision isn't ready: it is left out only when that is.
In other modes than serverless the field is ignored, and the status tells no traffic.
"""

from __future__ import annotations

from typing import Any

from mlcc.release.adapter import ReleaseError
from mlcc.release.cluster import ClusterAdapter, inside


class KserveAdapter(ClusterAdapter):
    """The split of an InferenceService's predictor."""

    kind = "inferenceservice"

    def served(self) -> str:
        """Return the address of the model that the object names."""
        return str(inside(self.found(), "spec", "predictor", "model", "storageUri") or "")

    def weight(self) -> float:
        """Return what the status says of the latest revision."""
        return _latest_share(self.found())

    def put(self, release: str, what: str) -> None:
        """Name another model, with no traffic for its revision; wait until that is ready."""
        del release
        before = self.found()
        old = None if inside(before, "spec", "predictor", "model", "storageUri") == what else _created(before)
        self.patch({"spec": {"predictor": {"canaryTrafficPercent": 0, "model": {"storageUri": what}}}})
        self.wait(lambda: _is_ready(self.found(), old), "KServe has no ready revision")

    def share(self, weight: float) -> None:
        """Set the split, and wait until the status tells it."""
        self.patch({"spec": {"predictor": {"canaryTrafficPercent": int(weight)}}})
        self.wait(lambda: self.weight() == weight, f"KServe doesn't give the revision {weight:g} %")

    def finish(self) -> None:
        """Leave the split out, and wait until the latest revision has everything."""
        self.patch({"spec": {"predictor": {"canaryTrafficPercent": None}}})
        self.wait(lambda: _is_rolled_out(self.found()), "KServe didn't roll the revision out")

    def bring_back(self, release: str, what: str) -> None:
        """Name the old model again: what has everything keeps it until the new revision of the old model is ready."""
        self.put(release, what)
        self.finish()


def _status(found: Any, key: str) -> Any:
    return inside(found, "status", "components", "predictor", key)


def _created(found: Any) -> str:
    return str(_status(found, "latestCreatedRevision") or "")


def _is_ready(found: Any, old: str | None) -> bool:
    created = _created(found)
    return created not in ("", old) and _status(found, "latestReadyRevision") == created


def _is_rolled_out(found: Any) -> bool:
    return _latest_share(found) == 100 and _status(found, "latestRolledoutRevision") == _created(found)


def _latest_share(found: Any) -> float:
    traffic = _status(found, "traffic")
    if not isinstance(traffic, list):
        raise ReleaseError("KServe's status tells no traffic: only its serverless mode splits requests")
    shares = [inside(target, "percent") for target in traffic if inside(target, "latestRevision") is True]
    if len(shares) > 1 or not all(type(share) is int for share in shares):
        raise ReleaseError("KServe's status tells no share of the latest revision")
    return float(shares[0]) if shares else 0.0
