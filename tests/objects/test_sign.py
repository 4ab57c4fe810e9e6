"""Signatures: the examples that AWS publishes, and botocore's own for other requests."""

from __future__ import annotations

import datetime
import hashlib
import re
from unittest import mock

import pytest

from mlcc.objects.sign import Key, encoded, query_of, signed

# https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
KEY = Key("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
MOMENT = "20130524T000000Z"
HOST = "https://examplebucket.s3.amazonaws.com"


@pytest.mark.parametrize(
    ("url", "headers", "signature"),
    [
        (
            f"{HOST}/test.txt",
            {"Range": "bytes=0-9"},
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            f"{HOST}/?lifecycle",
            {},
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        (
            f"{HOST}/?max-keys=2&prefix=J",
            {},
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ],
)
def test_the_published_examples(url: str, headers: dict[str, str], signature: str) -> None:
    found = signed(url, headers, KEY, "us-east-1", MOMENT)["Authorization"]
    assert found.endswith(f"Signature={signature}")
    assert "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request" in found


@pytest.mark.parametrize(
    ("path", "query", "headers", "token"),
    [
        ("/b/a b/ü+%=&~(c)'!*.csv", {}, {"If-Match": '"abc"'}, ""),
        ("/b/x:y/z@w,$;.parquet", {}, {}, "session/token+=="),
        ("/b/", {"list-type": "2", "prefix": "ä b/c+d&e=f", "continuation-token": "1/+=="}, {}, ""),
    ],
)
def test_what_botocore_signs(path: str, query: dict[str, str], headers: dict[str, str], token: str) -> None:
    auth = pytest.importorskip("botocore.auth")
    awsrequest = pytest.importorskip("botocore.awsrequest")
    credentials = pytest.importorskip("botocore.credentials")
    url = f"https://minio.example:9000{encoded(path, safe='/')}" + (
        f"?{query_of(query.items())}" if query else ""
    )
    request = awsrequest.AWSRequest("GET", url, headers=dict(headers), params={})
    moment = datetime.datetime(2026, 1, 2, 3, 4, 5)
    with mock.patch("botocore.auth.get_current_datetime", return_value=moment):
        signer = auth.S3SigV4Auth(credentials.Credentials(*KEY[:2], token or None), "s3", "eu-west-1")
        signer.add_auth(request)
    own = signed(url, headers, KEY._replace(token=token), "eu-west-1", "20260102T030405Z")
    assert _signature(own["Authorization"]) == _signature(request.headers["Authorization"])


@pytest.mark.parametrize(
    ("method", "query", "content"),
    [
        ("PUT", {}, b"abc"),
        ("POST", {"uploads": ""}, b""),
        ("PUT", {"partNumber": "2", "uploadId": "u/1+="}, b"\x00\xff"),
        ("DELETE", {"uploadId": "u/1"}, b""),
    ],
)
def test_what_botocore_signs_of_what_is_written(method: str, query: dict[str, str], content: bytes) -> None:
    """Over http, since botocore leaves the body out over https."""
    auth = pytest.importorskip("botocore.auth")
    awsrequest = pytest.importorskip("botocore.awsrequest")
    credentials = pytest.importorskip("botocore.credentials")
    url = "http://minio.example:9000/b/a%20b" + (f"?{query_of(query.items())}" if query else "")
    headers = {"Content-Type": "application/octet-stream", "If-None-Match": "*"}
    request = awsrequest.AWSRequest(method, url, headers=dict(headers), data=content, params={})
    moment = datetime.datetime(2026, 1, 2, 3, 4, 5)
    with mock.patch("botocore.auth.get_current_datetime", return_value=moment):
        auth.S3SigV4Auth(credentials.Credentials(*KEY[:2], None), "s3", "eu-west-1").add_auth(request)
    payload = hashlib.sha256(content).hexdigest()
    own = signed(url, headers, KEY, "eu-west-1", "20260102T030405Z", method, payload)
    assert _signature(own["Authorization"]) == _signature(request.headers["Authorization"])


def _signature(header: str) -> str:
    found = re.search(r"Signature=([0-9a-f]{64})$", header)
    assert found is not None
    return found[1]
