"""Who asks, and where: from the variables that AWS's own programs read.

https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode, urlsplit
from urllib.request import OpenerDirector, Request

from mlcc.objects.answers import StoreError, ask, body, patiently, xml
from mlcc.objects.sign import Key

if TYPE_CHECKING:
    from collections.abc import Mapping

_REGION_NAME = re.compile(r"[a-z0-9-]{1,40}")
_KEY_ID = re.compile(r"[!-~]{1,256}")
_SECRET = re.compile(r"[!-~]{1,4096}")
_LOCAL = ("localhost", "127.0.0.1", "::1")


class Account(NamedTuple):
    """`key` signs requests; None: they are anonymous, as for public buckets. `endpoint` "" is AWS's own."""

    key: Key | None
    region: str
    endpoint: str

    def bucket_url(self, bucket: str) -> str:
        """Return the address of a bucket, without a slash at its end."""
        if self.endpoint:
            return f"{self.endpoint}/{bucket}"
        domain = "amazonaws.com.cn" if self.region.startswith("cn-") else "amazonaws.com"
        # A certificate of AWS's covers one label before its domain.
        if "." in bucket:
            return f"https://s3.{self.region}.{domain}/{bucket}"
        return f"https://{bucket}.s3.{self.region}.{domain}"


def account_of(env: Mapping[str, str], web: OpenerDirector) -> Account:
    """Return the account that an environment names; a role by OpenID Connect is assumed. Raises StoreError."""
    region = env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION") or "us-east-1"
    if not _REGION_NAME.fullmatch(region):
        raise StoreError("AWS_REGION is no region's name")
    endpoint = _endpoint(env, "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
    id, secret = env.get("AWS_ACCESS_KEY_ID", ""), env.get("AWS_SECRET_ACCESS_KEY", "")
    if bool(id) != bool(secret):
        missing = "AWS_SECRET_ACCESS_KEY" if id else "AWS_ACCESS_KEY_ID"
        raise StoreError(f"{missing} isn't set, and its other half is")
    if id:
        return Account(_key(id, secret, env.get("AWS_SESSION_TOKEN", "")), region, endpoint)
    if env.get("AWS_ROLE_ARN") and env.get("AWS_WEB_IDENTITY_TOKEN_FILE"):
        return Account(_assumed(env, region, web), region, endpoint)
    return Account(None, region, endpoint)


def _key(id: str, secret: str, token: str) -> Key:
    if not _KEY_ID.fullmatch(id) or not _SECRET.fullmatch(secret) or (token and not _SECRET.fullmatch(token)):
        raise StoreError("an access key has characters that none has, such as a space or a line's end")
    return Key(id, secret, token)


def _endpoint(env: Mapping[str, str], *names: str) -> str:
    name = next((name for name in names if env.get(name)), None)
    if name is None:
        return ""
    wrong = StoreError(f"{name} is no address such as https://minio.example:9000")
    try:
        parts = urlsplit(env[name])
        port = parts.port
    except ValueError:
        raise wrong from None
    whole = parts.scheme in ("http", "https") and parts.hostname and port != 0
    if not whole or "@" in parts.netloc or parts.query or parts.fragment or not _SECRET.fullmatch(env[name]):
        raise wrong
    return env[name].rstrip("/")


def _assumed(env: Mapping[str, str], region: str, web: OpenerDirector) -> Key:
    """Return the key of a session in a role, for the CI system's OpenID Connect token.

    The token opens the role to who has it: AWS_ENDPOINT_URL, which may name a store of one's own, doesn't say who gets it.
    https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
    """
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    url = _endpoint(env, "AWS_ENDPOINT_URL_STS") or f"https://sts.{region}.{domain}"
    if not url.startswith("https://") and urlsplit(url).hostname not in _LOCAL:
        raise StoreError("a token is sent over an encrypted line alone: AWS_ENDPOINT_URL_STS is no https://")
    try:
        with open(env["AWS_WEB_IDENTITY_TOKEN_FILE"], encoding="utf-8") as file:  # noqa: PTH123
            token = file.read(1 << 16).strip()
    except (OSError, ValueError):
        raise StoreError("AWS_WEB_IDENTITY_TOKEN_FILE can't be read") from None
    form = {
        "Action": "AssumeRoleWithWebIdentity",
        "Version": "2011-06-15",
        "RoleArn": env["AWS_ROLE_ARN"],
        "RoleSessionName": env.get("AWS_ROLE_SESSION_NAME") or "mlcc",
        "WebIdentityToken": token,
    }

    def assume() -> bytes:
        request = Request(url + "/", urlencode(form).encode(), method="POST")  # noqa: S310 - checked above
        with ask(web, request) as answer:
            return body(answer)

    try:
        found = xml(patiently(assume), "AssumeRoleWithWebIdentityResponse").find(".//Credentials")
    except StoreError as error:
        raise StoreError(f"the role can't be assumed: {error}") from None
    parts = [
        found.findtext(name, "") if found is not None else ""
        for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")
    ]
    if not all(parts):
        raise StoreError("the role can't be assumed: the answer holds no key")
    return _key(*parts)
