"""An endpoint of Amazon SageMaker. Standard library only: bundled into the emitted script.

Notes are tags of the endpoint. An update that fails is undone by SageMaker, and the endpoint is in service again with its old
configuration: only that tells whether it worked.
"""

from __future__ import annotations

import json
import re
from typing import Any

from mlcc.release.adapter import ReleaseError
from mlcc.release.noted import NotedAdapter
from mlcc.release.programs import ask_json, run_program

AWS_TAG = "mlcc:"
# What a configuration says beside its variants, and its successor says, too.
KEPT_KEYS = (
    "DataCaptureConfig",
    "KmsKeyId",
    "ExplainerConfig",
    "ExecutionRoleArn",
    "VpcConfig",
    "EnableNetworkIsolation",
)


class SagemakerAdapter(NotedAdapter):
    """The weights of an endpoint's variants. `what` serves a release is a variant's name."""

    def what_of(self, release: str) -> str:
        """Return the variant's name: the release's."""
        if not re.match(r"[a-zA-Z0-9](?:-*[a-zA-Z0-9]){0,62}\Z", release):
            raise ReleaseError(
                f"'{release}' is no name that SageMaker takes: letters, digits and '-', at most 63"
            )
        return release

    def noted(self) -> dict[str, str]:
        """Return what the endpoint's tags say."""
        tags = self._ask("list-tags", "--resource-arn", self._endpoint()["EndpointArn"])["Tags"]
        return {tag["Key"][len(AWS_TAG) :]: tag["Value"] for tag in tags if tag["Key"].startswith(AWS_TAG)}

    def note(self, changes: dict[str, str]) -> None:
        """Write tags to the endpoint."""
        tags = [{"Key": AWS_TAG + key, "Value": value} for key, value in sorted(changes.items())]
        self._run("add-tags", "--resource-arn", self._endpoint()["EndpointArn"], "--tags", json.dumps(tags))

    def served(self) -> str:
        """Return the only variant's name."""
        names = list(self._weights())
        if len(names) != 1:
            raise ReleaseError(f"the endpoint has {len(names)} variants: mlcc begins with one, which is live")
        return names[0]

    def weight(self) -> float:
        """Return the candidate's part of all weights."""
        weights = self._weights()
        total = sum(weights.values())
        return round(100 * weights.get(self.all_notes()["candidate_what"], 0.0) / total, 3) if total else 0.0

    def put(self, release: str, what: str) -> None:
        """Have a configuration with the live variant and one more, of no weight."""
        live = self._variant(self.all_notes()["live_what"])
        candidate = {**live, "VariantName": what, "ModelName": release, "InitialVariantWeight": 0.0}
        self._configure(release, [{**live, "InitialVariantWeight": 1.0}, candidate])

    def share(self, weight: float) -> None:
        """Set the weights of both variants."""
        now = self.all_notes()
        self._weigh({now["live_what"]: 100 - weight, now["candidate_what"]: weight})

    def finish(self) -> None:
        """Give the candidate's variant all the weight; the other stays."""
        self.share(100)

    def bring_back(self, release: str, what: str) -> None:
        """Give a variant all the weight, then have a configuration with it alone."""
        del release
        weights = self._weights()
        if what not in weights:
            raise ReleaseError(f"the endpoint has no variant '{what}' to bring back", 1)
        if len(weights) == 1:
            return
        self._weigh({name: 100.0 if name == what else 0.0 for name in weights})
        name = self._endpoint()["EndpointConfigName"][:55].rstrip("-") + "-undone"
        self._configure(name, [{**self._variant(what), "InitialVariantWeight": 1.0}])

    # --- the client ---

    def _endpoint(self) -> Any:
        return self._ask("describe-endpoint", "--endpoint-name", self.params["endpoint"])

    def _weights(self) -> dict[str, float]:
        """Return each variant's weight."""
        found = self._endpoint().get("ProductionVariants", [])
        return {variant["VariantName"]: float(variant["CurrentWeight"]) for variant in found}

    def _configuration(self, name: str) -> Any:
        return self._ask("describe-endpoint-config", "--endpoint-config-name", name)

    def _variant(self, name: str) -> dict[str, Any]:
        """Return how the endpoint is configured to run a variant."""
        variants = self._configuration(self._endpoint()["EndpointConfigName"])["ProductionVariants"]
        found = [variant for variant in variants if variant["VariantName"] == name]
        if not found:
            raise ReleaseError(f"the endpoint has no variant '{name}'")
        return dict(found[0])

    def _configure(self, name: str, variants: list[dict[str, Any]]) -> None:
        """Have the endpoint run some variants, by a configuration that is made where there is none of the name."""
        now = self._endpoint()["EndpointConfigName"]
        if now == name:
            return
        try:
            self._configuration(name)
        except ReleaseError:
            old = self._configuration(now)
            made = {"EndpointConfigName": name, "ProductionVariants": variants}
            made.update({key: old[key] for key in KEPT_KEYS if key in old})
            self._run("create-endpoint-config", "--cli-input-json", json.dumps(made))
        self._run(
            "update-endpoint", "--endpoint-name", self.params["endpoint"], "--endpoint-config-name", name
        )
        self._wait_in_service()
        if self._endpoint()["EndpointConfigName"] != name:
            raise ReleaseError(
                f"SageMaker undid the update to the configuration '{name}': its events say why", 1
            )

    def _weigh(self, weights: dict[str, float]) -> None:
        wanted = [{"VariantName": name, "DesiredWeight": weight} for name, weight in weights.items()]
        self._run(
            "update-endpoint-weights-and-capacities", "--endpoint-name", self.params["endpoint"],
            "--desired-weights-and-capacities", json.dumps(wanted),
        )  # fmt: skip
        self._wait_in_service()

    def _wait_in_service(self) -> None:
        self._run("wait", "endpoint-in-service", "--endpoint-name", self.params["endpoint"])

    def _ask(self, *words: str) -> Any:
        found = ask_json(
            ["aws", "sagemaker", *words, "--output", "json"], f"aws sagemaker {words[0]}", self.place
        )
        if not isinstance(found, dict):
            raise ReleaseError(f"`aws sagemaker {words[0]}` printed no object")
        return found

    def _run(self, *words: str) -> None:
        run_program(["aws", "sagemaker", *words], f"aws sagemaker {words[0]}", self.place, {"AWS_PAGER": ""})
