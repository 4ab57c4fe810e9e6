"""Two endpoints in a file, for `aws sagemaker` and `gcloud ai endpoints`, which change at once. It notes each command line."""

import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
CLIENT, *WORDS = sys.argv[1:]
with (HERE / "lines.jsonl").open("a") as log:
    log.write(json.dumps(WORDS) + "\n")
STATE = json.loads((HERE / "clouds.json").read_text())


def option(name):
    return WORDS[WORDS.index(name) + 1]


def aws():
    endpoint, configs = STATE["endpoint"], STATE["configs"]
    assert WORDS[0] == "sagemaker"
    verb = WORDS[1]
    if verb == "describe-endpoint":
        print(json.dumps(endpoint))
    elif verb == "describe-endpoint-config":
        name = option("--endpoint-config-name")
        if name not in configs:
            sys.exit("An error occurred (ValidationException): Could not find endpoint configuration")
        print(json.dumps(configs[name]))
    elif verb == "create-endpoint-config":
        made = json.loads(option("--cli-input-json"))
        assert made["EndpointConfigName"] not in configs
        configs[made["EndpointConfigName"]] = made
    elif verb == "update-endpoint":
        name = option("--endpoint-config-name")
        if STATE.get("undoes"):
            return
        endpoint["EndpointConfigName"] = name
        endpoint["ProductionVariants"] = [
            {"VariantName": variant["VariantName"], "CurrentWeight": variant["InitialVariantWeight"]}
            for variant in configs[name]["ProductionVariants"]
        ]
    elif verb == "update-endpoint-weights-and-capacities":
        wanted = {
            w["VariantName"]: w["DesiredWeight"]
            for w in json.loads(option("--desired-weights-and-capacities"))
        }
        for variant in endpoint["ProductionVariants"]:
            variant["CurrentWeight"] = wanted.get(variant["VariantName"], variant["CurrentWeight"])
    elif verb == "list-tags":
        assert option("--resource-arn") == endpoint["EndpointArn"]
        print(json.dumps({"Tags": [{"Key": key, "Value": value} for key, value in STATE["tags"].items()]}))
    elif verb == "add-tags":
        STATE["tags"].update({tag["Key"]: tag["Value"] for tag in json.loads(option("--tags"))})
    else:
        assert WORDS[1:3] == ["wait", "endpoint-in-service"]


def gcloud():
    endpoint = STATE["vertex"]
    assert WORDS[:2] == ["ai", "endpoints"]
    assert WORDS[3:8] == ["123", "--region", "europe-north1", "--project", "shop"]
    ids = [model["id"] for model in endpoint["deployedModels"]]
    if WORDS[2] == "describe":
        assert option("--format") == "json"
        print(json.dumps(endpoint))
    elif WORDS[2] == "deploy-model":
        id = option("--deployed-model-id")
        assert id not in ids
        assert id.isdecimal()
        assert len(id) <= 10
        endpoint["deployedModels"].append({"id": id, "model": option("--model")})
    elif WORDS[2] == "undeploy-model":
        id = option("--deployed-model-id")
        assert endpoint["trafficSplit"].get(id, 0) == 0
        endpoint["deployedModels"] = [model for model in endpoint["deployedModels"] if model["id"] != id]
    elif "--traffic-split" in WORDS:
        split = {
            pair.partition("=")[0]: int(pair.partition("=")[2])
            for pair in option("--traffic-split").split(",")
        }
        assert sum(split.values()) == 100
        assert set(split) <= set(ids)
        endpoint["trafficSplit"] = {id: share for id, share in split.items() if share}
    else:
        pairs = [pair.partition("=") for pair in option("--update-labels").split(",")]
        endpoint.setdefault("labels", {}).update({key: value for key, _, value in pairs})


{"aws": aws, "gcloud": gcloud}[CLIENT]()
(HERE / "clouds.json").write_text(json.dumps(STATE))
