"""Asks a registry of container images: https://github.com/opencontainers/distribution-spec/blob/main/spec.md

A manifest is known by the sha256 of its bytes, whatever the registry says of it. Tokens are asked for as the registry's
challenge says (https://distribution.github.io/distribution/spec/auth/token/).

Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from mlcc.runtime.addresses import IMAGE_SCHEME
from mlcc.runtime.file_digest import sha256
from mlcc.runtime.records import RunError
from mlcc.runtime.web import NETWORK_SECONDS, url_quoted

MANIFEST_TYPES = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
MOST_MANIFEST = 4 << 20  # bytes, which the specification lets registries take
DOCKER_HUB = ("docker.io", "registry-1.docker.io")  # its name, and where it answers
_CHALLENGED = re.compile(r'([a-z]+)="([^"]*)"')
_NOT_IN_TAGS = re.compile(r"[^A-Za-z0-9_.-]+")
MOST_TAG = 128  # characters
_DENIED = (401, 403)
REGISTRY_TRIES = 3


class RegistryAwayError(Exception):
    """It may go better after a while."""


class Manifest(NamedTuple):
    """What an image is, by the sha256 of which it is known."""

    content: bytes
    media_type: str

    @property
    def digest(self) -> str:
        """Return sha256:HEX."""
        return f"sha256:{sha256(self.content).hexdigest()}"


class RegistryAnswer(NamedTuple):
    """A status, the headers by small letters, and the content."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Registry:
    """One repository of a registry. `login` is a user and a password; None: whoever asks is let in."""

    def __init__(self, repository: str, login: tuple[str, str] | None) -> None:
        self.repository = repository
        self.host, _, self.name = repository.partition("/")
        self.local = is_loopback(self.host)
        self.login = login
        self._token = ""

    def manifest(self, reference: str) -> Manifest | None:
        """Return the manifest that a tag or a digest names; None: there is none.

        Raises RunError where the registry is away or refuses, and for bytes that aren't those of the digest.
        """
        answer = self._ask("GET", reference)
        if answer.status == 404:
            return None
        self._expect(answer, (200,), f"reading {reference}")
        found = Manifest(answer.content, _media_type(answer))
        claimed = answer.headers.get("docker-content-digest", found.digest)
        for digest in (claimed, reference if reference.startswith("sha256:") else claimed):
            if digest.startswith("sha256:") and digest != found.digest:
                raise RunError(f"{self._shown} has other bytes than {digest}: they are {found.digest}")
        return found

    def put(self, tag: str, manifest: Manifest) -> None:
        """Let a tag name a manifest that the repository has. Raises RunError."""
        answer = self._ask("PUT", tag, manifest)
        self._expect(answer, (200, 201), f"moving the tag {tag}")

    def remove(self, tag: str) -> bool:
        """Remove a tag alone; False: this registry can't. Raises RunError where it is away."""
        return self._ask("DELETE", tag).status in (200, 202, 404)

    @property
    def _shown(self) -> str:
        return f"the registry {self.host}, asked for {self.name},"

    def _expect(self, answer: RegistryAnswer, allowed: tuple[int, ...], doing: str) -> None:
        if answer.status in _DENIED:
            who = f"for the user {self.login[0]}" if self.login else "without a login"
            raise RunError(f"{self._shown} refuses {doing} {who} ({answer.status})")
        if answer.status not in allowed:
            raise RunError(f"{self._shown} answered {doing} with {answer.status}")

    def _ask(self, verb: str, reference: str, manifest: Manifest | None = None) -> RegistryAnswer:
        """Return an answer; who may go on after a challenge asks again. Raises RunError."""
        for attempt in range(REGISTRY_TRIES):
            try:
                return self._once(verb, reference, manifest)
            except RegistryAwayError as problem:
                if attempt == REGISTRY_TRIES - 1:
                    raise RunError(f"{problem}, and it was tried {REGISTRY_TRIES} times") from None
            time.sleep(2.0**attempt)
        raise AssertionError("the last try returns or raises")

    def _once(self, verb: str, reference: str, manifest: Manifest | None) -> RegistryAnswer:
        answer = self._send(verb, reference, manifest)
        if answer.status == 401:
            challenge = answer.headers.get("www-authenticate", "")
            self._token = self._authorization(challenge, "pull" if verb == "GET" else "pull,push")
            answer = self._send(verb, reference, manifest) if self._token else answer
        if answer.status == 429 or answer.status >= 500:
            raise RegistryAwayError(f"{self._shown} answered with {answer.status}")
        return answer

    def _send(self, verb: str, reference: str, manifest: Manifest | None) -> RegistryAnswer:
        host = dict([DOCKER_HUB]).get(self.host, self.host)
        scheme = "http" if self.local else "https"
        headers = {"Accept": ", ".join(MANIFEST_TYPES)}
        if manifest is not None:
            headers["Content-Type"] = manifest.media_type
        content = None if manifest is None else manifest.content
        url = f"{scheme}://{host}/v2/{self.name}/manifests/{reference}"
        return self._request(verb, url, headers, self._token, content)

    def _authorization(self, challenge: str, actions: str) -> str:
        """Return what answers a challenge; empty: nothing can. Raises RunError and RegistryAwayError."""
        way, _, rest = challenge.partition(" ")
        basic = ""
        if self.login is not None:
            basic = "Basic " + base64.b64encode(":".join(self.login).encode()).decode("ascii")
        if way.lower() == "basic":
            return basic
        stated = dict(_CHALLENGED.findall(rest))
        realm = stated.get("realm", "")
        if way.lower() != "bearer" or not self._may_login_at(realm):
            raise RunError(f"{self._shown} asks for a login in a way that isn't safe or known")
        scope = f"repository:{self.name}:{actions}"
        query = f"service={url_quoted(stated.get('service', ''))}&scope={url_quoted(scope)}"
        answer = self._request("GET", f"{realm}{'&' if '?' in realm else '?'}{query}", {}, basic)
        if answer.status in _DENIED:
            return ""
        if answer.status != 200:
            raise RegistryAwayError(f"{self._shown} gives no token ({answer.status})")
        return f"Bearer {_token_of(answer, self._shown)}"

    def _may_login_at(self, realm: str) -> bool:
        plain = realm.startswith("http://") and self.local and is_loopback(realm[7:].partition("/")[0])
        return realm.startswith("https://") or plain

    def _request(
        self,
        verb: str,
        url: str,
        headers: Mapping[str, str],
        authorization: str,
        content: bytes | None = None,
    ) -> RegistryAnswer:
        """Return any answer. Raises RegistryAwayError where there is none, and RunError for one that is too long."""
        import http.client
        import urllib.error
        import urllib.request

        request = urllib.request.Request(url, content, dict(headers), method=verb)  # noqa: S310 - https, or loopback
        request.add_header("User-Agent", "mlcc")
        if authorization:  # no other address, to which an answer may lead, gets it
            request.add_unredirected_header("Authorization", authorization)
        try:
            with urllib.request.urlopen(request, timeout=NETWORK_SECONDS) as answer:  # noqa: S310 - likewise
                found = RegistryAnswer(answer.status, _small(answer.headers), answer.read(MOST_MANIFEST + 1))
                if not self.local and not answer.geturl().startswith("https://"):
                    raise RunError(f"{self._shown} sends its readers where nothing is encrypted")
        except urllib.error.HTTPError as problem:
            with problem:
                return RegistryAnswer(problem.code, _small(problem.headers), b"")
        except (OSError, http.client.HTTPException, ValueError) as problem:
            raise RegistryAwayError(
                f"{self._shown} gave no proper answer ({type(problem).__name__})"
            ) from None
        if len(found.content) > MOST_MANIFEST:
            raise RunError(f"{self._shown} has a manifest of over {MOST_MANIFEST >> 20} MiB")
        return found


def is_loopback(host: str) -> bool:
    """Tell whether a host, with or without a port, is this machine: nothing else is reached without TLS."""
    return host.partition(":")[0] in ("localhost", "127.0.0.1")


def tag_of(name: str) -> str:
    """Return a tag for a name: what no tag may hold becomes a hyphen, and what is too long ends in a digest instead."""
    safe = _NOT_IN_TAGS.sub("-", name)
    return safe if len(safe) <= MOST_TAG else f"{safe[:95]}-{sha256(name.encode()).hexdigest()[:32]}"


def repository_of(path: str) -> str:
    """Return the repository of an image's path in the plan."""
    return path[len(IMAGE_SCHEME) :]


def _small(headers: Any) -> dict[str, str]:
    return {key.lower(): value for key, value in headers.items()}


def _media_type(answer: RegistryAnswer) -> str:
    """Return what a manifest is; one that says nothing, or something else, can't be an image."""
    try:
        stated = json.loads(answer.content)
        own = stated.get("mediaType") or answer.headers.get("content-type", "").partition(";")[0]
    except (ValueError, AttributeError, RecursionError):
        own = ""
    if own not in MANIFEST_TYPES:
        raise RunError("the registry's answer isn't the manifest of an image")
    return str(own)


def _token_of(answer: RegistryAnswer, shown: str) -> str:
    try:
        found = json.loads(answer.content)
        token = found.get("token") or found.get("access_token")
    except (ValueError, AttributeError, RecursionError):
        token = None
    if not isinstance(token, str) or not token.isascii() or not token.isprintable():
        raise RunError(f"{shown} gives no token that can be used")
    return token
