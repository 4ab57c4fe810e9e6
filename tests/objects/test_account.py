"""Whose key is used, and where a bucket is asked for."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import NoReturn
from urllib.parse import parse_qs
from urllib.request import OpenerDirector, Request

import pytest

from mlcc.objects import answers
from mlcc.objects.account import Account, account_of
from mlcc.objects.answers import StoreError, opener
from mlcc.objects.sign import Key
from tests.objects.store import SECRET, Reply, answering, refusal

ROLE = {"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/gates", "AWS_REGION": "eu-west-1"}
SESSION = (
    b'<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
    b"<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
    b"<SessionToken>t</SessionToken></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"
)


@pytest.mark.parametrize(
    ("account", "bucket", "url"),
    [
        (Account(None, "eu-west-1", ""), "acme-ml", "https://acme-ml.s3.eu-west-1.amazonaws.com"),
        (Account(None, "eu-west-1", ""), "acme.ml", "https://s3.eu-west-1.amazonaws.com/acme.ml"),
        (Account(None, "cn-north-1", ""), "acme-ml", "https://acme-ml.s3.cn-north-1.amazonaws.com.cn"),
        (Account(None, "x", "https://minio.example/s3"), "acme-ml", "https://minio.example/s3/acme-ml"),
    ],
)
def test_where_a_bucket_is(account: Account, bucket: str, url: str) -> None:
    assert account.bucket_url(bucket) == url


def test_the_environment() -> None:
    env = {
        "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token", "AWS_DEFAULT_REGION": "a-1",
        "AWS_ENDPOINT_URL": "https://one.example", "AWS_ENDPOINT_URL_S3": "https://two.example/", **ROLE,
    }  # fmt: skip
    found = account_of(env, opener())
    assert found == Account(Key("id", "secret", "token"), "eu-west-1", "https://two.example")
    assert account_of({}, opener()) == Account(None, "us-east-1", "")


def _assume(tmp_path: Path, url: str, **more: str) -> Account:
    token = tmp_path / "token"
    token.write_text(f"{SECRET}\n")
    env = {**ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE": str(token), "AWS_ENDPOINT_URL_STS": url, **more}
    return account_of(env, opener())


def test_a_role(tmp_path: Path) -> None:
    asked: list[dict[str, list[str]]] = []

    def reply(request: BaseHTTPRequestHandler) -> Reply:
        body = request.rfile.read(int(request.headers["Content-Length"]))
        asked.append(parse_qs(body.decode()))
        return 200, {}, SESSION

    with answering(reply) as url:
        found = _assume(tmp_path, url, AWS_ROLE_SESSION_NAME="run")
    assert found == Account(Key("ASIA1", "s", "t"), "eu-west-1", "")
    assert asked == [
        {
            "Action": ["AssumeRoleWithWebIdentity"], "Version": ["2011-06-15"], "RoleArn": [ROLE["AWS_ROLE_ARN"]],
            "RoleSessionName": ["run"], "WebIdentityToken": [SECRET],
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (refusal(403, "AccessDenied"), "the role can't be assumed: access is denied"),
        (refusal(400, "ExpiredToken"), "the role can't be assumed: the session token has expired"),
        ((200, {}, SESSION.replace(b"<SecretAccessKey>s</SecretAccessKey>", b"")), "the answer holds no key"),
        ((200, {}, SESSION.replace(b">s<", b">a b<")), "an access key has characters that none has"),
        ((200, {}, b"{}"), "the role can't be assumed: the endpoint doesn't answer as S3 does"),
        ((503, {}, b""), "the role can't be assumed: the endpoint answers with status 503"),
    ],
)
def test_a_role_that_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Reply, said: str
) -> None:
    monkeypatch.setattr(answers, "_PAUSES", (0.0, 0.0))
    with answering(lambda _: answer) as url, pytest.raises(StoreError, match=r"role|key") as caught:
        _assume(tmp_path, url)
    assert said in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_token_is_sent_to_no_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS_ENDPOINT_URL may name a store of one's own: only AWS_ENDPOINT_URL_STS says who else gets the token."""
    asked: list[str] = []

    def assume(self: OpenerDirector, request: Request, timeout: float) -> NoReturn:
        asked.append(request.full_url)
        raise OSError

    monkeypatch.setattr(answers, "_PAUSES", ())
    monkeypatch.setattr(OpenerDirector, "open", assume)
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        with pytest.raises(StoreError, match="the role can't be assumed"):
            _assume(tmp_path, "", **{name: "https://minio.example:9000"})
    assert asked == ["https://sts.eu-west-1.amazonaws.com/"] * 2


def test_a_token_is_sent_over_no_open_line(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="over an encrypted line alone"):
        _assume(tmp_path, "http://sts.example")
