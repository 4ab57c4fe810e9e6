"""A cluster in a file: kubectl's get, patch and create, with controllers that react at once. It notes each command line."""

import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORDS = sys.argv[1:]
with (HERE / "lines.jsonl").open("a") as log:
    log.write(json.dumps(WORDS) + "\n")
CLUSTER = json.loads((HERE / "cluster.json").read_text())
assert WORDS[:1] == ["--namespace"]
NAMESPACE, VERB, KIND, NAME, *REST = WORDS[1:]
assert NAMESPACE == "models"
KEY = f"{KIND}/{NAME}"


def merged(old, new):
    """RFC 7396."""
    if not isinstance(new, dict):
        return new
    found = dict(old) if isinstance(old, dict) else {}
    for key, value in new.items():
        if value is None:
            found.pop(key, None)
        else:
            found[key] = merged(found.get(key), value)
    return found


def kserve(service):
    predictor, status = service["spec"]["predictor"], service["status"]["components"]["predictor"]
    uri = predictor["model"]["storageUri"]
    if status["uri"] != uri:
        status.update(uri=uri, number=status["number"] + 1)
        name = f"churn-predictor-{status['number']:05}"
        status.update(latestCreatedRevision=name, latestReadyRevision=name)
    share = predictor.get("canaryTrafficPercent")
    latest = {
        "latestRevision": True,
        "revisionName": status["latestReadyRevision"],
        "percent": 100 if share is None else share,
    }
    status["traffic"] = [latest]
    if share is None:
        status["latestRolledoutRevision"] = status["latestReadyRevision"]
    elif share < 100:
        rest = {
            "latestRevision": False,
            "revisionName": status["latestRolledoutRevision"],
            "percent": 100 - share,
        }
        status["traffic"].append({**rest, "tag": "prev"})


def argo(rollout):
    status = rollout["status"]
    rollout["metadata"]["generation"] += 1
    status["observedGeneration"] = str(rollout["metadata"]["generation"])
    status["currentPodHash"] = rollout["spec"]["template"]["spec"]["containers"][1]["image"]
    steps = rollout["spec"]["strategy"]["canary"]["steps"]
    if status.pop("promoteFull", False):
        status["stableRS"] = status["currentPodHash"]
    if status["stableRS"] == status["currentPodHash"]:
        status.update(phase="Healthy", canary={"weights": {"canary": {"weight": 0}}})
    else:
        weight = next((step["setWeight"] for step in steps if "setWeight" in step), 0)
        status.update(phase="Paused", canary={"weights": {"canary": {"weight": weight}}})


if VERB == "get":
    if KEY in CLUSTER:
        print(json.dumps(CLUSTER[KEY]))
    elif "--ignore-not-found" not in REST:
        sys.exit("Error from server (NotFound)")
elif VERB == "create":
    assert KEY not in CLUSTER
    pairs = [word.partition("=")[2].partition("=") for word in REST if word.startswith("--from-literal=")]
    CLUSTER[KEY] = {"data": {key: value for key, _, value in pairs}}
else:
    assert VERB == "patch"
    how, patch = REST[REST.index("--type") + 1], json.loads(REST[REST.index("-p") + 1])
    if how == "merge":
        CLUSTER[KEY] = merged(CLUSTER[KEY], patch)
    else:
        for change in patch:
            *way, last = [int(k) if k.isdigit() else k for k in change["path"].split("/")[1:]]
            target = CLUSTER[KEY]
            for key in way:
                target = target[key]
            assert last in target
            target[last] = change["value"]
    {"inferenceservice": kserve, "rollouts.argoproj.io": argo}.get(KIND, lambda _: None)(CLUSTER[KEY])
    print(KEY)
(HERE / "cluster.json").write_text(json.dumps(CLUSTER))
