"""An alias in MLflow's registry. Standard library only: bundled into the emitted script.

One answer tells all aliases of a model, and its tags; a version has its release as a tag.
"""

from __future__ import annotations

import http.client
import json
import os
import re
from typing import Any
from urllib.parse import quote, urlsplit

from mlcc.release.adapter import Adapter, Deployed, ReleaseError, deployed_of
from mlcc.release.programs import command_words, run_program

MLFLOW_SECONDS = 30.0
MAX_ANSWERED = 4_000_000  # bytes
RELEASE_TAG, LIVE_TAG = "mlcc.release", "mlcc.was-live"


class MlflowAliasAdapter(Adapter):
    """A registered model's aliases: ALIAS, ALIAS-candidate, ALIAS-previous."""

    def describe(self) -> Deployed:
        """Return which releases have the aliases. A candidate gets no requests, so that its weight is 0."""
        versions, lease = self._model()
        found = {role: self._release_of(versions.get(role)) for role in ("", "-candidate")}
        candidate = found["-candidate"]
        return deployed_of(
            {"live": found[""], "candidate": candidate, "weight": 0, "lease": lease if candidate else 0}
        )

    def deploy(self, release: str, lease: float) -> None:
        """Register the release, unless that was done, and let it have the candidate's alias."""
        self._call("POST", "registered-models/set-tag", key=self._lease_tag, value=f"{lease:.0f}")
        self._alias("-candidate", self._version(release) or self._publish(release))

    def restore(self, release: str, lease: float) -> None:
        """Let the version of an earlier release have the candidate's alias."""
        version = self._version(release)
        if version is None or not self._was_live(version):
            raise ReleaseError(
                f"no version of {self.params['model']} that was live is of the release '{release}'", 1
            )
        self._call("POST", "registered-models/set-tag", key=self._lease_tag, value=f"{lease:.0f}")
        self._alias("-candidate", version)

    def set_weight(self, release: str, weight: float, lease: float) -> None:
        """Refuse: an alias names one version."""
        del lease
        if weight:
            raise ReleaseError(f"an alias of MLflow can't give '{release}' a share of the requests")

    def promote(self, release: str, lease: float) -> None:
        """Let the candidate have the alias, and what had it that of what was live."""
        del lease
        versions, _ = self._model()
        candidate = versions.get("-candidate")
        if self._release_of(versions.get("")) != release:
            if self._release_of(candidate) != release:
                raise ReleaseError(f"'{release}' isn't the candidate")
            if versions.get("") is not None:
                self._alias("-previous", versions[""])
            self._alias("", str(candidate))
        live = self._model()[0][""]
        self._call("POST", "model-versions/set-tag", version=live, key=LIVE_TAG, value="true")
        self._alias("-candidate", None)

    def rollback(self, release: str) -> None:
        """Take the candidate's alias away, or let what was live have the alias again."""
        versions, _ = self._model()
        if self._release_of(versions.get("-candidate")) == release:
            self._alias("-candidate", None)
        if self._release_of(versions.get("")) == release:
            if "-previous" not in versions:
                raise ReleaseError(f"nothing was live before '{release}': there is nothing to bring back", 1)
            self._call("DELETE", "model-versions/delete-tag", version=versions[""], key=LIVE_TAG)
            self._alias("", versions["-previous"])
            self._alias("-previous", None)

    # --- MLflow ---

    def _model(self) -> tuple[dict[str, str], float]:
        """Return the versions of the aliases, by what follows the alias' name, and the lease."""
        found = self._call("GET", "registered-models/get")["registered_model"]
        alias = self.params["alias"]
        versions = {
            entry["alias"][len(alias) :]: str(entry["version"])
            for entry in found.get("aliases", [])
            if entry["alias"] in (alias, alias + "-candidate", alias + "-previous")
        }
        leases = [tag["value"] for tag in found.get("tags", []) if tag["key"] == self._lease_tag]
        return versions, float(leases[0]) if leases and leases[0].isdecimal() else 0.0

    def _release_of(self, version: str | None) -> str:
        """Return the release that a version is; one that mlcc didn't make is called by its number."""
        if version is None:
            return ""
        found = self._call("GET", "model-versions/get", version=version)["model_version"]
        named = [tag["value"] for tag in found.get("tags", []) if tag["key"] == RELEASE_TAG]
        return str(named[0]) if named else f"version-{version}"

    def _was_live(self, version: str) -> bool:
        found = self._call("GET", "model-versions/get", version=version)["model_version"]
        return any(tag["key"] == LIVE_TAG for tag in found.get("tags", []))

    def _version(self, release: str) -> str | None:
        """Return the version that a release has been registered as."""
        text = f"name = '{self.params['model']}' and tags.`{RELEASE_TAG}` = '{release}'"
        found = self._call("GET", "model-versions/search", filter=text).get("model_versions", [])
        return str(found[0]["version"]) if found else None

    def _publish(self, release: str) -> str:
        words = command_words(self.params["publish"])
        printed = run_program(words, "publish", self.place, {"MLCC_RELEASE": release}, capture=True)
        version = printed.strip().rpartition("\n")[2].strip()
        if not re.match(r"[0-9]{1,9}\Z", version):
            raise ReleaseError("`publish` printed no number of a version as its last line")
        self._call("POST", "model-versions/set-tag", version=version, key=RELEASE_TAG, value=release)
        return version

    def _alias(self, role: str, version: str | None) -> None:
        """Let a version have an alias, or nothing."""
        alias = self.params["alias"] + role
        if version is None:
            self._call("DELETE", "registered-models/alias", alias=alias)
        else:
            self._call("POST", "registered-models/alias", alias=alias, version=version)

    @property
    def _lease_tag(self) -> str:
        return f"mlcc.{self.params['alias']}.lease"

    def _call(self, method: str, what: str, **fields: str) -> Any:
        """Return what MLflow answers about the model. No proxy is asked, and no redirect followed."""
        place = urlsplit(self.params["url"])
        path = f"{place.path}/api/2.0/mlflow/{what}"
        fields = {("filter" if what.endswith("search") else "name"): self.params["model"], **fields}
        headers = {"Accept": "application/json", **self._login()}
        body = None
        if method == "GET":
            path += "?" + "&".join(f"{key}={quote(value, safe='')}" for key, value in fields.items())
        else:
            body, headers["Content-Type"] = json.dumps(fields), "application/json"
        kind = http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection
        connection = kind(place.hostname or "", place.port, timeout=MLFLOW_SECONDS)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read(MAX_ANSWERED)
        except (OSError, http.client.HTTPException) as problem:
            raise ReleaseError(
                f"MLflow at {self.params['url']} gives no answer ({type(problem).__name__})"
            ) from None
        finally:
            connection.close()
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if answer.status != 200 or not isinstance(found, dict):
            told = found.get("message", "") if isinstance(found, dict) else ""
            raise ReleaseError(f"MLflow answers {method} {what} with {answer.status}: {str(told)[:200]}")
        return found

    def _login(self) -> dict[str, str]:
        if self.params["token"] is None:
            return {}
        token = os.environ.get(self.params["token"], "")
        if not token or not token.isascii() or not token.isprintable():
            raise ReleaseError(f"the variable {self.params['token']} holds no token for MLflow")
        return {"Authorization": f"Bearer {token}"}
