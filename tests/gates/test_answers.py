"""The gate `answers`, against servers on the loopback device: good, wrong, late, encrypted, and not there."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest

from mlcc.gates import GATES, GateParamsError
from mlcc.gates._web import is_confidential, url_fault
from mlcc.gates.answers.compile import CANDIDATE_URL, check_node, compile, compile_for_candidate
from mlcc.gates.answers.runtime import _place
from mlcc.gates.selftest import known_bad
from tests.certificates import own_certificate
from tests.gates.servers import free_port, predicts, running, server
from tests.gates.stand_in import opened
from tests.gates.test_serve import GOLDEN

_SCHEMA = json.loads((Path(__file__).parents[2] / "schemas/verdict.schema.json").read_text())
_ANSWER = '{"score": 0.3, "label": "yes"}'
_NOTED = """
def noted(method):
    def wrapped(self):
        with open("seen", "a") as file:
            file.write(f"{self.path} {self.headers.get('Authorization')}\\n")
        method(self)
    return wrapped
Handler.do_GET, Handler.do_POST = noted(Handler.do_GET), noted(Handler.do_POST)
"""
_ENCRYPTED = """
import ssl
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain("own.pem")
class Encrypted(ThreadingHTTPServer):
    def get_request(self):
        connection, address = super().get_request()
        return tls.wrap_socket(connection, server_side=True), address
ThreadingHTTPServer = Encrypted
"""


@pytest.fixture
def ask(project: Any) -> Any:
    """Return a function that runs an answers gate over what listens at a URL."""
    project.write("model.json", "{}")

    def run(url: str | None, golden: Any = GOLDEN, *, change: Any = None, **params: Any) -> Any:
        project.write("golden.json", golden if isinstance(golden, str) else json.dumps(golden))
        stated = {"url": url, "golden": "golden.json", "tolerance": 1e-6, **params}
        project.gate("answers", stated, {"model": "model.json"}, artifact_kind="model", change=change)
        outcome = project.run("answers")
        jsonschema.validate(outcome.record, _SCHEMA)
        return outcome

    return run


@pytest.fixture
def over(ask: Any) -> Any:
    """Return a function that runs an answers gate over a program that serves on 127.0.0.1."""

    def run(program: str, golden: Any = GOLDEN, base: str = "", scheme: str = "http", **params: Any) -> Any:
        with running(program) as port:
            return ask(f"{scheme}://127.0.0.1:{port}{base}", golden, **params)

    return run


def test_a_good_server(over: Any) -> None:
    outcome = over(server())
    golden = "sha256:" + hashlib.sha256(Path("golden.json").read_bytes()).hexdigest()
    assert outcome.record["inputs"]["golden.json"] == {"path": "golden.json", "digest": golden}
    assert outcome.code == 0
    assert outcome.checks == {
        "ready": "pass",
        "golden small": "pass",
        "golden large": "pass",
        "trace": "pass",
    }
    assert outcome.check("trace")["message"].startswith(
        "small: POST /predict, 11 bytes sent, 30 bytes answered in "
    )


@pytest.mark.parametrize("base", ["/models/churn", "/models/churn/"])
def test_a_path_of_the_address_comes_before_every_other(over: Any, base: str) -> None:
    golden = [*GOLDEN, {"name": "get", "request": {"path": "/none"}, "response": {"status": 404, "body": {}}}]
    below = "Handler.do_GET = lambda self: self.reply(200 if self.path.endswith('/health') else 404, b'{}')"
    assert over(server(below + _NOTED), golden, base).verdict == "pass"
    asked = [line.split()[0] for line in Path("seen").read_text().splitlines()]
    assert asked == ["/models/churn" + path for path in ("/health", "/predict", "/predict", "/none")]


def test_latency_within_its_limit(over: Any) -> None:
    outcome = over(server(), latency_p95={"max": "2s"}, requests=80, warmup=3, trace="large")
    assert outcome.verdict == "pass", outcome.log
    check = outcome.check("latency_p95")
    assert (check["n"], check["threshold"]) == (80, {"max": 2000})
    assert 0 < check["interval"][0] <= check["estimate"] <= check["interval"][1] < 2000
    assert outcome.check("trace")["message"].startswith("large")
    assert [plot["title"] for plot in json.loads(Path("_mlcc/s--g/plots.json").read_text())] == ["Latency"]


def test_a_slow_server_fails_its_limit(over: Any) -> None:
    slow = predicts(f"time.sleep(0.005)\nself.reply(200, b'{_ANSWER}')")
    outcome = over(slow, GOLDEN[:1], latency_p95={"max": "4ms"}, requests=80, warmup=0)
    assert outcome.checks["latency_p95"] == "fail"
    assert outcome.check("latency_p95")["margin"] < 0


def test_wrong_answers_under_load_fail(over: Any) -> None:
    turns = "Handler.asked = getattr(Handler, 'asked', 0) + 1\nself.reply(200 if Handler.asked < 40 else 503, ANSWER)"
    program = predicts(turns.replace("ANSWER", f"b'{_ANSWER}'"))
    outcome = over(program, GOLDEN[:1], latency_p95={"max": "5s"}, requests=80, warmup=3)
    assert outcome.check("load")["message"] == (
        "request 39 while latency was measured (small): the status is 503 instead of 200"
    )
    assert outcome.code == 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("self.reply(200, b'no json')", "is not JSON"),
        ("self.reply(200, b'')", "is not JSON"),
        ("self.reply(200, b'\\xff')", "not UTF-8"),
        ("self.reply(200, b'{\"score\": NaN, \"label\": \"yes\"}')", "NaN is no JSON number"),
        ("self.reply(200, b'{\"score\": 1e999, \"label\": \"yes\"}')", "too large"),
        ("self.reply(200, b'{\"score\": 0.31, \"label\": \"yes\"}')", "the answer.score is off by 0.01"),
        ("self.reply(200, b'{\"score\": \"0.3\", \"label\": \"yes\"}')", "a string instead of a number"),
        (f"self.reply(500, b'{_ANSWER}')", "the status is 500 instead of 200"),
        ("self.reply(302, b'', ('Location', '/health'))", "the status is 302 instead of 200"),
        ("self.reply(307, b'{}', ('Location', 'http://192.0.2.1/'))", "the status is 307 instead of 200"),
        (f"self.reply(200, b'{_ANSWER}', ('Content-Encoding', 'gzip'))", "is encoded (gzip)"),
        ("self.reply(200, b'x' * (9 << 20))", "has over 8388608 bytes"),
        ("self.wfile.write(b'nonsense\\n\\n'); self.close_connection = True", "no proper HTTP"),
        ("self.wfile.write(b'HTTP/1.1 200 OK\\r\\nContent-Length: 99\\r\\n\\r\\n'); self.close_connection = True", "breaks off"),
        ("self.close_connection = True", "the connection broke"),
        ("os._exit(3)", "the connection broke"),
    ],
)  # fmt: skip
def test_answers_that_are_wrong(over: Any, body: str, said: str) -> None:
    outcome = over(predicts(body), GOLDEN[:1])
    assert (outcome.verdict, outcome.code) == ("fail", 1), outcome.log
    assert said in outcome.check("golden small")["message"]


_DRIPS = (
    "self.send_response(200)\nself.send_header('Content-Length', '1000')\nself.end_headers()\n"
    "while True: self.wfile.write(b' '); time.sleep(0.05)"
)


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("body", ["time.sleep(60)", _DRIPS], ids=["hangs", "drips"])
def test_answers_that_do_not_end_are_cut(
    over: Any, trusted: Callable[..., None], scheme: str, body: str
) -> None:
    trusted()
    program = predicts(body)
    if scheme == "https":
        program = program.replace("Handler.predict = predict", f"Handler.predict = predict\n{_ENCRYPTED}")
    outcome = over(program, GOLDEN[:1], scheme=scheme, answer_within="1s")
    assert outcome.check("golden small")["message"] == "no whole answer came within 1 s"
    assert outcome.code == 1


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ("Handler.do_GET = lambda self: self.reply(503, b'')", "/health answers 503"),
        ("Handler.do_GET = lambda self: self.reply(302, b'', ('Location', '/ok'))", "/health answers 302"),
        ("Handler.do_GET = lambda self: time.sleep(60)", "/health gives no proper answer"),
        ("time.sleep(60)", "nothing listens at its port"),
    ],
)
def test_a_server_that_is_not_ready_fails(over: Any, extra: str, said: str) -> None:
    outcome = over(server(extra), ready_within="1s")
    assert (outcome.checks, outcome.code) == ({"ready": "fail"}, 1)
    assert said in outcome.check("ready")["message"]


def test_a_name_that_is_not_known_fails(ask: Any) -> None:
    # RFC 2606 keeps this name for what doesn't exist.
    outcome = ask("http://nobody.invalid", ready_within="1s")
    assert (outcome.checks, outcome.code) == ({"ready": "fail"}, 1)


def test_a_server_that_becomes_ready_in_time(over: Any) -> None:
    waits = (
        "Handler.asked = 0\ndef do_GET(self):\n    Handler.asked += 1\n"
        "    self.reply(200 if Handler.asked > 3 else 503, b'')\nHandler.do_GET = do_GET"
    )
    assert over(server(waits)).verdict == "pass"


def test_proxies_of_the_environment_are_not_asked(over: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert over(server()).verdict == "pass"


def test_a_token_goes_with_every_request(over: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGING_TOKEN", "s3cret")
    outcome = over(server(_NOTED), token="STAGING_TOKEN")
    assert outcome.verdict == "pass"
    assert [line.partition(" ")[2] for line in Path("seen").read_text().splitlines()] == ["Bearer s3cret"] * 3
    assert "s3cret" not in outcome.log + json.dumps(outcome.record)


@pytest.mark.parametrize("value", [None, "", "two\nlines", "é"])
def test_a_token_that_is_none(over: Any, monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.delenv("STAGING_TOKEN", raising=False)
    if value is not None:
        monkeypatch.setenv("STAGING_TOKEN", value)
    outcome = over(server(_NOTED), token="STAGING_TOKEN")
    assert outcome.summary == "the variable STAGING_TOKEN holds no token for the server."
    assert outcome.code == 2
    assert not Path("seen").exists()


# Encrypted


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch, project: Any) -> Callable[..., None]:
    """Return a function that makes a certificate for an address; its authority is trusted, unless it says not."""

    def make(address: str = "127.0.0.1", *, is_trusted: bool = True) -> None:
        path = own_certificate(project.root, address)
        if is_trusted:
            monkeypatch.setenv("SSL_CERT_FILE", str(path))

    return make


def test_a_certificate_that_is_trusted(over: Any, trusted: Callable[..., None]) -> None:
    trusted()
    outcome = over(server(_ENCRYPTED), scheme="https", latency_p95={"max": "5s"}, requests=80, warmup=1)
    assert outcome.verdict == "pass", outcome.log


def test_a_connection_that_is_closed_after_each_answer_is_fine(
    over: Any, trusted: Callable[..., None]
) -> None:
    trusted()
    silent = (
        "whole = Handler.reply\ndef reply(self, *a):\n    whole(self, *a)\n    self.close_connection = True\n"
        "Handler.reply = reply"
    )
    for program, scheme in ((server(silent), "http"), (server(silent + _ENCRYPTED), "https")):
        outcome = over(program, scheme=scheme, latency_p95={"max": "5s"}, requests=80, warmup=1)
        assert outcome.verdict == "pass", outcome.log


@pytest.mark.parametrize(
    ("address", "is_trusted", "said"),
    [
        ("127.0.0.1", False, "self-signed certificate"),
        ("192.0.2.1", True, "IP address mismatch, certificate is not valid for '127.0.0.1'"),
    ],
)
def test_a_certificate_that_is_refused(
    over: Any, trusted: Callable[..., None], monkeypatch: pytest.MonkeyPatch, address: str, is_trusted: bool, said: str
) -> None:  # fmt: skip
    trusted(address, is_trusted=is_trusted)
    monkeypatch.setenv("STAGING_TOKEN", "s3cret")
    outcome = over(server(_NOTED + _ENCRYPTED), scheme="https", token="STAGING_TOKEN")
    assert (outcome.verdict, outcome.code) == ("error", 2)
    assert outcome.summary == f"the certificate of 127.0.0.1 is refused: {said}."
    assert not Path("seen").exists()  # nor is anything sent to whoever shows it


def test_a_server_that_speaks_no_tls_fails(over: Any) -> None:
    outcome = over(server(), scheme="https", ready_within="1s")
    assert (outcome.checks, outcome.code) == ({"ready": "fail"}, 1)


@contextmanager
def silence(drip: bytes) -> Iterator[int]:
    """Accept connections and send `drip` again and again, whatever is asked; yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ended = threading.Event()

        def serve() -> None:
            kept = []
            listening.settimeout(0.1)
            while not ended.is_set():
                for connection in kept:
                    with suppress(OSError):
                        connection.send(drip)
                with suppress(TimeoutError):
                    kept.append(listening.accept()[0])
            for connection in kept:
                connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            ended.set()
            thread.join()


# A record of the handshake, of a length that takes minutes at this pace, begins so (RFC 8446, section 5.1).
@pytest.mark.parametrize(
    "drip", [b"", b"\x16\x03\x03\x3f\xff\x02\x00\x3f\xfb\x03\x03"], ids=["silent", "drips"]
)
def test_a_handshake_that_does_not_end_is_cut(ask: Any, drip: bytes) -> None:
    with silence(drip) as port:
        outcome = ask(f"https://127.0.0.1:{port}", ready_within="1s", answer_within="600s")
    assert (outcome.checks, outcome.code) == ({"ready": "fail"}, 1)
    # The server never closes the connection: this is the gate's own cut.
    assert outcome.check("ready")["message"].endswith("/health gives no proper answer (SSLEOFError)")


# The candidate of a release


def for_candidate(**params: Any) -> dict[str, object]:
    model = GATES["answers"].params().model_validate({"golden": "golden.json", "tolerance": 1e-6, **params})
    return compile_for_candidate(model, {}, "model")


@pytest.fixture
def verify(project: Any) -> Any:
    """Return a function that runs an answers gate over the candidate of a release."""
    project.write("model.json", "{}")
    project.write("golden.json", json.dumps(GOLDEN))

    def run(**params: Any) -> Any:
        document = project.gate(
            "answers", {"url": "http://x", "golden": "golden.json"}, {"model": "model.json"}
        )
        stated = {**document, "params": for_candidate(**params)}
        project.write(".mlcc/gates/g.json", json.dumps(stated))
        return project.run("answers")

    return run


def test_where_a_candidate_answers(verify: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(server()) as port:
        monkeypatch.setenv(CANDIDATE_URL, f"http://127.0.0.1:{port}")
        assert verify().verdict == "pass"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "the variable MLCC_CANDIDATE_URL doesn't say where the candidate answers: it is not set."),
        ("", "the variable MLCC_CANDIDATE_URL doesn't say where the candidate answers: it is not set."),
        ("file:///s3cret", "the candidate's address in MLCC_CANDIDATE_URL is no URL of http or https."),
        ("http://h:s3cret", "the candidate's address in MLCC_CANDIDATE_URL is no URL."),
        (
            "http://u:s3cret@h",
            "the candidate's address in MLCC_CANDIDATE_URL must have neither a user, a query nor a fragment.",
        ),
    ],
)
def test_a_candidate_that_is_nowhere(
    verify: Any, monkeypatch: pytest.MonkeyPatch, value: str | None, said: str
) -> None:
    monkeypatch.delenv(CANDIDATE_URL, raising=False)
    if value is not None:
        monkeypatch.setenv(CANDIDATE_URL, value)
    outcome = verify()
    assert (outcome.verdict, outcome.code, outcome.summary) == ("error", 2, said)
    assert "s3cret" not in outcome.log


def test_a_candidate_gets_no_token_in_the_open(verify: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CANDIDATE_URL, "http://192.0.2.1")
    monkeypatch.setenv("STAGING_TOKEN", "s3cret")
    outcome = verify(token="STAGING_TOKEN")
    assert outcome.code == 2
    assert "can be read on its way" in outcome.summary


def test_an_address_of_its_own_goes_before_the_candidates() -> None:
    assert "url_from" not in for_candidate(url="https://staging.example.com")
    assert for_candidate(url="https://staging.example.com")["url"] == "https://staging.example.com"
    assert for_candidate()["url_from"] == "MLCC_CANDIDATE_URL"


# Parameters


@pytest.mark.parametrize(
    ("params", "loc", "said"),
    [
        ({}, (), "doesn't say where the server is"),
        ({"url": "staging:80"}, ("url",), "no URL of http or https"),
        ({"url": "https://h/?a=b"}, ("url",), "neither a user"),
        ({"url": "http://h", "token": "T"}, ("url",), "can be read on its way"),
        ({"url": "http://localhost.example.com:80", "token": "T"}, ("url",), "can be read on its way"),
        ({"url": "http://h", "golden": "g.yaml"}, ("golden",), ".json"),
        ({"url": "http://h", "ready": "health"}, ("ready",), "starts with one '/'"),
        ({"url": "http://h", "path": "//x"}, ("path",), "starts with one '/'"),
    ],
)
def test_parameters_that_make_no_sense(params: Any, loc: Any, said: str) -> None:
    model = GATES["answers"].params().model_validate({"golden": "g.json", **params})
    with pytest.raises(GateParamsError) as problem:
        compile(model, {}, "model")
    assert problem.value.loc == loc
    assert said in problem.value.message
    if params.get("url") != "http://h" or "token" in params:
        assert problem.value.help


def test_a_tolerance_that_is_not_finite() -> None:
    # The fast loader's objects may hold what pydantic refuses.
    model = GATES["answers"].params().model_validate({"url": "http://h", "golden": "g.json"})
    odd = SimpleNamespace(**{**dict(model), "tolerance": float("nan")})
    with pytest.raises(GateParamsError):
        compile(odd, {}, "model")


def test_the_gate_has_its_token() -> None:
    model = GATES["answers"].params().model_validate({"url": "https://h", "golden": "g.json", "token": "T"})
    with pytest.raises(GateParamsError, match="the gate has no variable T") as problem:
        check_node(model, 60, {"OTHER": 1})
    assert (problem.value.loc, problem.value.help) == (
        ("token",), "give it one beside `answers`: env: {T: {secret: T}}",
    )  # fmt: skip
    check_node(model, 60, {"T": 1})


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://h", None),
        ("https://h.example:8443/a/b/", None),
        ("HTTP://[::1]:80", None),
        ("ftp://h", "is no URL of http or https"),
        ("http://", "is no URL of http or https"),
        ("http://:80", "is no URL of http or https"),
        ("http://h:0", "is no URL of http or https"),
        ("http://h\n", "is no URL of http or https"),
        ("http://h/a b", "is no URL of http or https"),
        ("http://é", "is no URL of http or https"),
        ("http://h:99999", "is no URL"),
        ("http://[::1", "is no URL"),
        ("http://a..b", "is no URL"),
        ("http://" + "a" * 64, "is no URL"),
        ("http://u@h", "must have neither a user, a query nor a fragment"),
        ("http://h?", "must have neither a user, a query nor a fragment"),
        ("http://h#", "must have neither a user, a query nor a fragment"),
    ],
)
def test_addresses(url: str, said: str | None) -> None:
    assert url_fault(url) == said


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://h", True),
        ("http://127.0.0.1", True),
        ("http://localhost:1/x", True),
        ("http://[::1]:1", True),
        ("http://h", False),
        ("http://127.0.0.1.example.com", False),
    ],
)
def test_what_nobody_reads_on_the_way(url: str, expected: bool) -> None:
    assert is_confidential(url) is expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://h", ("h", 80, False, "")),
        ("https://h/", ("h", 443, True, "")),
        ("https://[::1]:8443/a/", ("::1", 8443, True, "/a")),
        ("http://[::1]", ("::1", 80, False, "")),
    ],
)
def test_where_a_server_is(url: str, expected: Any) -> None:
    found = _place({"url": url})
    assert (found.host, found.port, found.is_encrypted, found.base) == expected


@pytest.mark.parametrize(
    "change",
    [
        {"url": 1},
        {"url": "nowhere"},
        {"url_from": "X"},
        {"token": 1},
        {"golden": 1},
        {"ready": 1},
        {"path": None},
        {"requests": 0},
        {"requests": 80.5},
        {"warmup": None},
        {"ready_within": 0},
        {"answer_within": "1"},
        {"max_latency": "50"},
        {"tolerance": -1},
        {"confidence": 1},
        {"trace": 1},
    ],
)
def test_committed_parameters_that_are_broken(ask: Any, change: Any) -> None:
    assert ask("http://127.0.0.1:1", change=change).verdict == "error"


@pytest.mark.parametrize("golden", ["", "[]", "{}", "NaN", [GOLDEN[0], GOLDEN[0]]])
def test_golden_queries_that_are_not_sound(ask: Any, golden: Any) -> None:
    outcome = ask("http://127.0.0.1:1", golden)
    assert (outcome.verdict, outcome.code) == ("error", 2)
    assert "golden.json" in outcome.summary


def test_a_traced_query_must_be_there(ask: Any) -> None:
    outcome = ask("http://127.0.0.1:1", trace="other")
    assert outcome.summary == "no golden query is called other, which is to be traced."


# Known-bad inputs


def test_no_server_of_the_user_is_asked(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STAGING_TOKEN", raising=False)
    with running(server(_NOTED)) as port:
        params = {"url": f"http://127.0.0.1:{port}", "golden": "tests/golden.json", "token": "STAGING_TOKEN"}
        document = project.gate("answers", params, {"model": "build/model/"})
        assert [fixture.verdict for fixture in known_bad(document)] == ["fail", *["error"] * 4]
        assert opened(project, document) == []
    assert not Path("seen").exists()


def test_known_bad_inputs_of_a_candidate(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CANDIDATE_URL, raising=False)
    document = project.gate("answers", {"url": "http://h", "golden": "g.json"}, {"model": "m.bin"})
    stated = {**document, "params": for_candidate(golden="g.json", trace="the first")}
    assert [fixture.verdict for fixture in known_bad(stated)] == ["error"] * 5
    assert opened(project, stated) == []


def test_a_port_of_ones_own_is_free() -> None:
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", free_port())) != 0
