"""Asks MLflow's tracking server: its registry, and the files that it hands out itself (`mlflow-artifacts:`).

https://mlflow.org/docs/latest/api_reference/rest-api.html. No redirect is followed, no wait is endless, and what the server says
is shown by its code alone.
"""

from __future__ import annotations

import base64
import http.client
import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import OpenerDirector, Request

from mlcc.objects.answers import AbsentError, DeniedError, PassingError, StoreError, chunk, opener, patiently
from mlcc.runtime.web import may_have_token

MOST_FILES = 10_000  # of one version
_DEEPEST = 32  # folders in each other
_WAITS = 60.0  # seconds without a byte: the server passes files on, and may have to fetch them first
_LONGEST_ANSWER = 8 << 20  # bytes
_URL = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~/-]*)?")
_FIT_FOR_A_HEADER = re.compile(r"[!-~]{1,8192}")
_ERROR_CODE = re.compile(r"[A-Z_]{1,60}")
_PROXIED = re.compile(r"mlflow-artifacts:(?://(?P<host>[^/]*))?/(?P<path>.+)", re.DOTALL)
_MAY_PASS = (408, 429, 500, 502, 503, 504)


class Server(NamedTuple):
    """A tracking server: its address without a slash at its end, and what every question carries."""

    url: str
    headers: dict[str, str]
    web: OpenerDirector

    def get(self, what: str, **fields: str) -> Any:
        """Return what the server answers a question that changes nothing. Raises StoreError."""
        return patiently(lambda: self._json("GET", f"mlflow/{what}?{urlencode(fields)}"))

    def post(self, what: str, **fields: object) -> Any:
        """Return what the server answers one question that changes something, asked once. Raises StoreError."""
        return self._json("POST", f"mlflow/{what}", fields)

    def files(self, folder: str) -> dict[str, int]:
        """Return the files below a folder of what the server hands out: path in it -> bytes. Raises StoreError.

        Every part of a path is a plain name: none leads out of the folder that it is written to.
        """
        found: dict[str, int] = {}
        pending, seen = [""], 0
        while pending:
            below = pending.pop()
            where = f"{folder}/{below}".rstrip("/")
            for entry in _listed(self._listing(where)):
                path = f"{below}/{entry['path']}".lstrip("/")
                seen += 1
                if seen > MOST_FILES or path.count("/") > _DEEPEST:
                    raise StoreError(
                        f"the version has over {MOST_FILES} files, or folders in each other without end"
                    )
                if entry.get("is_dir"):
                    pending.append(path)
                else:
                    found[path] = int(entry.get("file_size", 0))
        return found

    def read(self, path: str) -> http.client.HTTPResponse:
        """Return a file as an answer, to be read and closed. Raises StoreError."""
        return self._open(Request(self._file_url(path), headers=self.headers))  # noqa: S310 - see server_of

    def write(self, path: str, source: str, size: int) -> None:
        """Write a file from here, of `size` bytes, as one stream. Raises StoreError."""
        headers = {**self.headers, "Content-Length": str(size), "Content-Type": "application/octet-stream"}
        try:
            with open(source, "rb") as file:  # noqa: PTH123
                request = Request(self._file_url(path), file, headers, method="PUT")  # noqa: S310 - see server_of
                self._open(request).close()
        except OSError as error:
            raise StoreError(f"a file can't be read here: {error.strerror}") from None

    def _listing(self, where: str) -> Any:
        return patiently(
            lambda: self._json("GET", f"mlflow-artifacts/artifacts?{urlencode({'path': where})}")
        )

    def _file_url(self, path: str) -> str:
        return f"{self.url}/api/2.0/mlflow-artifacts/artifacts/{quote(path)}"

    def _json(self, method: str, what: str, fields: Mapping[str, object] | None = None) -> Any:
        content = None if fields is None else json.dumps(fields).encode()
        headers = {**self.headers, **({} if content is None else {"Content-Type": "application/json"})}
        with self._open(Request(f"{self.url}/api/2.0/{what}", content, headers, method=method)) as answer:  # noqa: S310 - see server_of
            text = b""
            for piece in iter(lambda: chunk(answer), b""):
                text += piece
                if len(text) > _LONGEST_ANSWER:
                    raise StoreError("the registry's answer is longer than MLflow's are")
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise StoreError("the registry doesn't answer as MLflow does")
        return found

    def _open(self, request: Request) -> http.client.HTTPResponse:
        try:
            answer: http.client.HTTPResponse = self.web.open(request, timeout=_WAITS)
        except HTTPError as error:
            with error:
                raise _refused_by(error) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise PassingError(f"the registry can't be reached ({type(reason).__name__})") from None
        if answer.status != 200:
            answer.close()
            raise StoreError(f"the registry answers with status {answer.status} where 200 is due")
        return answer


def server_of(env: Mapping[str, str]) -> Server:
    """Return the server that MLflow's own variables name, and who asks it. Raises StoreError.

    https://mlflow.org/docs/latest/self-hosting/security/basic-http-auth: MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and
    MLFLOW_TRACKING_PASSWORD.
    """
    url = env.get("MLFLOW_TRACKING_URI", "").rstrip("/")
    if not _URL.fullmatch(url):
        raise StoreError("MLFLOW_TRACKING_URI is no address such as https://mlflow.example.com")
    headers = {"Accept": "application/json", "User-Agent": "mlcc", **_who_asks(env)}
    if "Authorization" in headers and not may_have_token(url):
        raise StoreError("who asks is told over an encrypted line alone: MLFLOW_TRACKING_URI is no https://")
    return Server(url, headers, opener())


def proxied(server: Server, uri: object, what: str) -> str:
    """Return the path by which the server hands out what lies at one of its addresses. Raises StoreError."""
    match = _PROXIED.fullmatch(uri) if isinstance(uri, str) else None
    if match is None or match["host"] not in (None, "", urlsplit(server.url).netloc):
        scheme = str(uri).partition(":")[0] if isinstance(uri, str) else ""
        shown = f" ({scheme}:)" if re.fullmatch(r"[a-z][a-z0-9+.-]{0,20}", scheme) else ""
        raise StoreError(
            f"{what} lie elsewhere{shown}, and the server doesn't hand them out: start it with --serve-artifacts and "
            "--artifacts-destination"
        )
    path = match["path"].rstrip("/")
    if not all(map(plain_name, path.split("/"))):
        raise StoreError(f"{what} have an address that leads elsewhere")
    return path


def plain_name(name: object) -> bool:
    """Tell whether a text names a file or folder in the folder where it stands, and nothing else."""
    odd = name in ("", ".", "..") or not isinstance(name, str)
    return not odd and not any(c in "/\\" or ord(c) < 32 or 0xD800 <= ord(c) < 0xE000 for c in str(name))


def _listed(answer: Any) -> list[dict[str, Any]]:
    entries = answer.get("files", [])
    if not isinstance(entries, list):
        raise StoreError("the registry doesn't answer as MLflow does")
    for entry in entries:
        if not isinstance(entry, dict) or not plain_name(entry.get("path")):
            raise StoreError("the version has a file whose name leads elsewhere")
        if not re.fullmatch(r"[0-9]{1,18}", str(entry.get("file_size", 0) or 0)):
            raise StoreError("the version has a file without a size")
    return entries


def _who_asks(env: Mapping[str, str]) -> dict[str, str]:
    token, user = env.get("MLFLOW_TRACKING_TOKEN", ""), env.get("MLFLOW_TRACKING_USERNAME", "")
    password = env.get("MLFLOW_TRACKING_PASSWORD", "")
    if token:
        if not _FIT_FOR_A_HEADER.fullmatch(token):
            raise StoreError("MLFLOW_TRACKING_TOKEN has characters that no token has")
        return {"Authorization": f"Bearer {token}"}
    if bool(user) != bool(password):
        missing = "MLFLOW_TRACKING_PASSWORD" if user else "MLFLOW_TRACKING_USERNAME"
        raise StoreError(f"{missing} isn't set, and its other half is")
    if user:
        return {"Authorization": f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"}
    return {}


def _refused_by(error: HTTPError) -> StoreError:
    """Return what a refusal means. Of the answer only a code is shown."""
    try:
        told = json.loads(error.read(1 << 16))
        code = str(told.get("error_code", "")) if isinstance(told, dict) else ""
    except (OSError, ValueError, RecursionError, http.client.HTTPException):
        code = ""
    if code == "RESOURCE_DOES_NOT_EXIST":
        return AbsentError("the registry has no such thing")
    if error.code in (401, 403):
        return DeniedError(
            "the registry denies access: it wants another MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and _PASSWORD"
        )
    if 300 <= error.code < 400:
        return StoreError("the registry sends who asks to another address, which isn't followed")
    shown = f" {code}" if _ERROR_CODE.fullmatch(code) else ""
    kind = PassingError if error.code in _MAY_PASS else StoreError
    return kind(f"the registry answers with status {error.code}{shown}")
