"""A real registry on loopback, and a place for buildah's images that nothing else uses."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.gates.engine_services import missing
from tests.objects.store import free_port

USER, PASSWORD = "robot", "pass-7c1f"
_HASH = "$2y$05$abcdefghijklmnopqrstuudiL3uw9TLEYVWDFxAn//oJe7sZZjeda"  # bcrypt of PASSWORD
# The login of pipelines that really run: the password is tests.execution.equivalence.case.SECRET.
_OTHERS = "runner:$2y$05$abcdefghijklmnopqrstuufWYascCdK81HnA0dRuahzxVtrlmcjIu\n"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKERFILE = "FROM scratch\nCOPY build/model/w.bin /model/w.bin\nCOPY src/a.py /a.py\n"


@dataclass(frozen=True, slots=True)
class RealRegistry:
    """A registry at `host`, which lets in USER with PASSWORD; `files` is where its bytes lie."""

    host: str
    files: Path

    def digest(self, name: str, tag: str) -> str | None:
        """Return the digest that a tag leads to: the sha256 of the manifest's bytes, asked for anew."""
        content = self.manifest(name, tag)
        return None if content is None else f"sha256:{hashlib.sha256(content).hexdigest()}"

    def manifest(self, name: str, reference: str) -> bytes | None:
        """Return the bytes of a manifest; None: there is none."""
        try:
            return self._ask("GET", f"/v2/{name}/manifests/{reference}", {"Accept": MANIFEST})
        except urllib.error.HTTPError as problem:
            with problem:
                if problem.code != 404:
                    raise
                return None

    def tags(self, name: str) -> list[str]:
        """Return the tags of a repository, sorted."""
        return sorted(json.loads(self._ask("GET", f"/v2/{name}/tags/list", {}))["tags"])

    def put(self, name: str, tag: str, manifest: bytes) -> None:
        """Let a tag lead to a manifest whose blobs are there."""
        self._ask("PUT", f"/v2/{name}/manifests/{tag}", {"Content-Type": MANIFEST}, manifest)

    def push(self, name: str, tag: str, label: str) -> str:
        """Push an image without layers, told apart by a label, and return its digest."""
        config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Labels": {"l": label}}, "rootfs":
                             {"type": "layers", "diff_ids": []}}).encode()  # fmt: skip
        digest = f"sha256:{hashlib.sha256(config).hexdigest()}"
        request = self._request("POST", f"/v2/{name}/blobs/uploads/", {}, b"")
        with urllib.request.urlopen(request, timeout=30) as answer:
            place = str(answer.headers["Location"])
        place += f"{'&' if '?' in place else '?'}digest={digest}"
        self._ask(
            "PUT",
            place.removeprefix(f"http://{self.host}"),
            {"Content-Type": "application/octet-stream"},
            config,
        )
        manifest = json.dumps({
            "schemaVersion": 2, "mediaType": MANIFEST, "layers": [],
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest, "size": len(config)},
        }).encode()  # fmt: skip
        self.put(name, tag, manifest)
        return f"sha256:{hashlib.sha256(manifest).hexdigest()}"

    def remove(self, name: str, digest: str) -> None:
        """Remove a manifest, and all tags that lead to it."""
        self._ask("DELETE", f"/v2/{name}/manifests/{digest}", {})

    def break_manifest(self, digest: str) -> None:
        """Change a byte of a manifest where it lies."""
        hex = digest.removeprefix("sha256:")
        place = self.files / f"docker/registry/v2/blobs/sha256/{hex[:2]}/{hex}/data"
        place.write_bytes(place.read_bytes().replace(b'"schemaVersion":2', b'"schemaVersion": 2', 1))

    def config(self, name: str, reference: str) -> dict[str, object]:
        """Return the configuration of an image."""
        manifest = json.loads(self.manifest(name, reference) or b"{}")
        found: dict[str, object] = json.loads(
            self._ask("GET", f"/v2/{name}/blobs/{manifest['config']['digest']}", {})
        )
        return found

    def layers(self, name: str, reference: str) -> list[bytes]:
        """Return the layers of an image, as they were pushed."""
        manifest = json.loads(self.manifest(name, reference) or b"{}")
        return [self._ask("GET", f"/v2/{name}/blobs/{layer['digest']}", {}) for layer in manifest["layers"]]

    def _ask(self, verb: str, path: str, headers: dict[str, str], body: bytes | None = None) -> bytes:
        with urllib.request.urlopen(self._request(verb, path, headers, body), timeout=30) as answer:
            return bytes(answer.read())

    def _request(
        self, verb: str, path: str, headers: dict[str, str], body: bytes | None
    ) -> urllib.request.Request:
        login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        return urllib.request.Request(
            f"http://{self.host}{path}", body, {**headers, "Authorization": f"Basic {login}"}, method=verb
        )


@contextmanager
def registry(folder: Path) -> Iterator[RealRegistry]:
    """Run Debian's docker-registry, which keeps its bytes below an empty folder."""
    for program in ("docker-registry", "buildah"):
        if shutil.which(program) is None:
            missing(program)
    folder.mkdir(exist_ok=True)
    (folder / "htpasswd").write_text(f"{USER}:{_HASH}\n{_OTHERS}", "utf-8")
    port = free_port()
    (folder / "config.yml").write_text(
        f"""version: 0.1
log: {{level: error}}
storage: {{filesystem: {{rootdirectory: {folder}/data}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:{port}"}}
auth: {{htpasswd: {{realm: tests, path: {folder}/htpasswd}}}}
""",
        "utf-8",
    )
    server = subprocess.Popen(
        ["docker-registry", "serve", str(folder / "config.yml")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and server.poll() is None:
            try:
                with closing(socket.create_connection(("127.0.0.1", port), timeout=1)):
                    break
            except OSError:
                time.sleep(0.05)
        assert server.poll() is None, "docker-registry ended"
        yield RealRegistry(f"127.0.0.1:{port}", folder / "data")
    finally:
        server.terminate()
        server.wait(30)


def buildah_env(folder: Path) -> dict[str, str]:
    """Return the variables by which buildah keeps its images below a folder, and needs neither runc nor overlays."""
    folder.mkdir(exist_ok=True)
    conf = folder / "storage.conf"
    conf.write_text(
        f'[storage]\ndriver = "vfs"\ngraphroot = "{folder}/root"\nrunroot = "{folder}/run"\n', "utf-8"
    )
    return {"CONTAINERS_STORAGE_CONF": str(conf), "BUILDAH_ISOLATION": "chroot"}
