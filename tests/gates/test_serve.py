from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest
from scipy import stats

from mlcc.gates import GATES, GateParamsError
from mlcc.gates._records import GateError
from mlcc.gates._serving.golden import difference, read_golden
from mlcc.gates._serving.limits import judge_limits
from mlcc.gates._serving.quantiles import lower_bound, quantile, upper_bound, upper_rank
from mlcc.gates.emit import scripts
from mlcc.gates.fixtures import Fixture
from mlcc.gates.selftest import known_bad
from mlcc.gates.serve.compile import compile
from mlcc.gates.serve.memory import peak_memory
from mlcc.gates.serve.selftest import stand_in
from tests.gates.servers import predicts, server
from tests.gates.stand_in import opened, run_fixture

_SCHEMA = json.loads((Path(__file__).parents[2] / "schemas/verdict.schema.json").read_text())
GOLDEN = [
    {
        "name": "small",
        "request": {"body": {"x": [1, 2]}},
        "response": {"body": {"score": 0.3, "label": "yes"}},
    },
    {
        "name": "large",
        "request": {"body": {"x": [5, 5]}},
        "response": {"body": {"score": 1.0, "label": "yes"}},
    },
]
_PYTHON = f"exec {sys.executable} -u"


@pytest.fixture
def serve(project: Any) -> Any:
    """Return a function that runs a serve gate over a program."""
    project.write("model.json", "{}")

    def run(program: str, golden: Any = GOLDEN, *, change: Any = None, **params: Any) -> Any:
        project.write("app.py", program)
        project.write("golden.json", golden if isinstance(golden, str) else json.dumps(golden))
        stated = {"run": f"{_PYTHON} app.py", "golden": "golden.json", "tolerance": 1e-6, **params}
        project.gate("serve", stated, {"model": "model.json"}, artifact_kind="model", change=change)
        outcome = project.run("serve")
        jsonschema.validate(outcome.record, _SCHEMA)
        return outcome

    return run


def test_a_good_model(serve: Any) -> None:
    outcome = serve(server())
    golden = "sha256:" + hashlib.sha256(Path("golden.json").read_bytes()).hexdigest()
    assert outcome.record["inputs"]["golden.json"] == {"path": "golden.json", "digest": golden}
    assert outcome.checks == {
        "start": "pass",
        "golden small": "pass",
        "golden large": "pass",
        "trace": "pass",
    }
    assert outcome.check("trace")["message"].startswith(
        "small: POST /predict, 11 bytes sent, 30 bytes answered in "
    )


def test_limits(serve: Any) -> None:
    outcome = serve(
        server(), latency_p95={"max": "2s"}, memory={"max": "1GB"}, requests=80, warmup=2, trace="large"
    )
    assert outcome.verdict == "pass", outcome.log
    check = outcome.check("latency_p95")
    assert check["n"] == 80
    assert check["threshold"] == {"max": 2000}
    assert 0 < check["interval"][0] <= check["estimate"] <= check["interval"][1] < 2000
    assert 5e6 < outcome.check("memory")["estimate"] < 1e9
    assert outcome.check("trace")["message"].startswith("large")
    plots = json.loads(Path("_mlcc/s--g/plots.json").read_text())
    assert [plot["title"] for plot in plots] == ["Latency"]


def test_a_slow_model_fails_its_limit(serve: Any) -> None:
    slow = predicts('import time; time.sleep(0.005)\nself.reply(200, b\'{"score": 0.3, "label": "yes"}\')')
    outcome = serve(slow, GOLDEN[:1], latency_p95={"max": "4ms"}, requests=80, warmup=0)
    assert outcome.checks["latency_p95"] == "fail"
    assert outcome.check("latency_p95")["margin"] < 0


def test_too_much_memory_fails(serve: Any) -> None:
    outcome = serve(server("hoard = b'x' * 60_000_000"), memory={"max": "50MB"}, requests=80)
    assert outcome.checks["memory"] == "fail"
    assert outcome.check("memory")["estimate"] > 60_000_000


def test_memory_of_children_counts(serve: Any) -> None:
    child = "x = b'x' * 60_000_000; import time; print(1, flush=True); time.sleep(60)"
    start = f"import subprocess\nc = subprocess.Popen([sys.executable, '-c', {child!r}], stdout=subprocess.PIPE)\n"
    outcome = serve(server(start + "c.stdout.readline()"), memory={"max": "50MB"}, requests=80)
    assert outcome.checks["memory"] == "fail"


def test_against_the_champion(serve: Any, project: Any) -> None:
    project.write("champion.py", server())
    slow = predicts('import time; time.sleep(0.02)\nself.reply(200, b\'{"score": 0.3, "label": "yes"}\')')
    champion = {"run": f"{_PYTHON} champion.py", "max_latency_ratio": 1.5, "max_memory_ratio": 1.5}
    outcome = serve(slow, GOLDEN[:1], champion=champion, requests=80, warmup=1)
    assert outcome.checks["latency_ratio"] == "fail"
    assert outcome.checks["memory_ratio"] == "pass"
    assert outcome.check("latency_ratio")["estimate"] > 1.5


def test_a_champion_that_does_not_start_is_an_error(serve: Any) -> None:
    outcome = serve(server(), champion={"run": "exit 1", "max_latency_ratio": 1.5}, requests=80)
    assert outcome.verdict == "error"
    assert outcome.summary.startswith("the champion can't be compared with: the model ended with exit code 1")


def test_a_champion_that_answers_wrongly_is_an_error(serve: Any, project: Any) -> None:
    project.write("champion.py", predicts("self.reply(200, b'{}')"))
    outcome = serve(
        server(), champion={"run": f"{_PYTHON} champion.py", "max_latency_ratio": 99}, requests=80, warmup=0
    )
    assert outcome.verdict == "error"


_ANSWER = '{"score": 0.3, "label": "yes"}'


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("self.reply(200, b'no json')", "is not JSON"),
        ("self.reply(200, b'')", "is not JSON"),
        ("self.reply(200, b'\\xff')", "not UTF-8"),
        ("self.reply(200, b'{\"score\": NaN, \"label\": \"yes\"}')", "NaN is no JSON number"),
        ("self.reply(200, b'{\"score\": 1e999, \"label\": \"yes\"}')", "too large"),
        ("self.reply(200, b'{\"score\": 0.3, \"score\": 0.3, \"label\": \"yes\"}')", "occurs twice"),
        ("self.reply(200, b'[' * 100000)", "nested"),
        ("self.reply(200, b'{\"score\": 0.31, \"label\": \"yes\"}')", "the answer.score is off by 0.01"),
        ("self.reply(200, b'{\"score\": \"0.3\", \"label\": \"yes\"}')", "a string instead of a number"),
        ("self.reply(200, b'{\"score\": true, \"label\": \"yes\"}')", "a boolean instead of a number"),
        ("self.reply(200, b'{\"score\": 0.3, \"label\": \"no\"}')", "the answer.label is another string"),
        ("self.reply(200, b'{\"score\": 0.3}')", "lacks the key label"),
        (f"self.reply(500, b'{_ANSWER}')", "the status is 500 instead of 200"),
        ("self.reply(302, b'', ('Location', '/health'))", "the status is 302 instead of 200"),
        (f"self.reply(200, b'{_ANSWER}', ('Content-Encoding', 'gzip'))", "is encoded (gzip)"),
        ("self.reply(200, b'x' * (9 << 20))", "has over 8388608 bytes"),
        ("os._exit(3)", "the model ended with exit code 3 instead of answering"),
        ("os.kill(os.getpid(), 9)", "signal 9 ended the model instead of answering"),
        ("self.wfile.write(b'nonsense\\n\\n'); self.close_connection = True", "no proper HTTP"),
        ("self.wfile.write(b'HTTP/1.1 200 OK\\r\\nContent-Length: 99\\r\\n\\r\\n'); self.close_connection = True", "breaks off"),
        ("self.close_connection = True", "the connection broke"),
    ],
)  # fmt: skip
def test_predictions_that_are_wrong(serve: Any, body: str, said: str) -> None:
    outcome = serve(predicts(body), GOLDEN[:1])
    assert (outcome.verdict, outcome.code) == ("fail", 1), outcome.log
    assert said in outcome.check("golden small")["message"]


@pytest.mark.parametrize(
    "body",
    [
        "time.sleep(60)",
        "self.send_response(200)\nself.flush_headers()\nwhile True: self.wfile.write(b'X: y\\r\\n'); time.sleep(0.05)",
        "self.send_response(200)\nself.send_header('Content-Length', '1000')\nself.end_headers()\n"
        "while True: self.wfile.write(b' '); time.sleep(0.05)",
        "self.send_response(200)\nself.send_header('Transfer-Encoding', 'chunked')\nself.end_headers()\n"
        "while True: self.wfile.write(b'1\\r\\n \\r\\n'); time.sleep(0.05)",
        "self.send_response(200)\nself.send_header('Connection', 'close')\nself.end_headers()\n"
        "while True: self.wfile.write(b' '); time.sleep(0.05)",
    ],
    ids=["hangs", "endless headers", "drips", "drips chunks", "drips to the end"],
)
def test_answers_that_do_not_end_are_cut(serve: Any, body: str) -> None:
    outcome = serve(predicts(body), GOLDEN[:1], answer_within="1s")
    assert outcome.check("golden small")["message"] == "no whole answer came within 1 s"
    assert outcome.code == 1


def test_an_endless_body_is_cut(serve: Any) -> None:
    endless = (
        "self.send_response(200)\nself.send_header('Transfer-Encoding', 'chunked')\nself.end_headers()\n"
        "while True: self.wfile.write(b'10000\\r\\n' + b'x' * 65536 + b'\\r\\n')"
    )
    outcome = serve(predicts(endless), GOLDEN[:1])
    assert outcome.check("golden small")["message"] == "the answer has over 8388608 bytes"


def test_a_connection_that_is_closed_after_each_answer_is_fine(serve: Any) -> None:
    closing = server("Handler.protocol_version = 'HTTP/1.0'")
    assert serve(closing, latency_p95={"max": "5s"}, requests=80, warmup=1).verdict == "pass"


def test_wrong_answers_under_load_fail(serve: Any) -> None:
    turns = "Handler.asked = getattr(Handler, 'asked', 0) + 1\nself.reply(200 if Handler.asked < 40 else 503, ANSWER)"
    program = predicts(turns.replace("ANSWER", f"b'{_ANSWER}'"))
    outcome = serve(program, GOLDEN[:1], latency_p95={"max": "5s"}, requests=80, warmup=3)
    assert outcome.check("load")["message"] == (
        "request 39 while latency was measured (small): the status is 503 instead of 200"
    )


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("raise SystemExit(5)", "the model ended with exit code 5 before it was ready"),
        ("import time; time.sleep(60)", "the model is not ready after 1 s: nothing listens at its port"),
        (server("Handler.do_GET = lambda self: self.reply(503, b'')"), "/health answers 503"),
        (server("Handler.do_GET = lambda self: time.sleep(60)"), "gives no proper answer"),
    ],
)
def test_a_model_that_does_not_start_fails(serve: Any, program: str, said: str) -> None:
    outcome = serve(program, start_within="1s")
    assert (outcome.verdict, outcome.code) == ("fail", 1)
    assert said in outcome.check("start")["message"]


@pytest.mark.parametrize(
    "limits", [{}, {"latency_p95": {"max": "2s"}, "requests": 80}], ids=["at once", "each"]
)
def test_what_setup_prints_is_no_answer_and_requests_are_not_its_input(serve: Any, limits: Any) -> None:
    answers = (
        "import json, sys\n"
        "for line in sys.stdin:\n    print(json.dumps({'sum': sum(json.loads(line)['x'])}), flush=True)\n"
    )
    golden = [{"name": "one", "request": {"x": [1, 2]}, "response": {"sum": 3}}]
    setup = ["echo Requirement already satisfied", "cat"]
    outcome = serve(answers, golden, protocol="jsonl", change={"setup": setup}, **limits)
    assert outcome.verdict == "pass", outcome.log


def test_a_model_is_ready_in_time_after_a_long_setup(serve: Any) -> None:
    outcome = serve(server(), start_within="4s", change={"setup": ["sleep 5"]})
    assert outcome.verdict == "pass", outcome.log


def test_a_setup_that_fails_is_an_error(serve: Any) -> None:
    outcome = serve(server(), change={"setup": ["exit 7"]})
    assert outcome.summary == "the setup ended with exit code 7, so the program did not run."
    assert outcome.code == 2


def test_nothing_outlives_the_gate(serve: Any) -> None:
    stubborn = "import signal, subprocess\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    stubborn += "c = subprocess.Popen(['sleep', '300'])\nopen('pids', 'w').write(f'{os.getpid()} {c.pid}')"
    assert serve(server(stubborn)).verdict == "pass"
    for pid in Path("pids").read_text().split():
        assert not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text()


def test_a_gate_that_is_told_to_end_takes_the_model_with_it(serve: Any, project: Any) -> None:
    serve(server())
    project.write("app.py", "import os, time; open('pid', 'w').write(str(os.getpid())); time.sleep(300)")
    script = next(file.text for file in scripts(["serve"]) if file.path.endswith(".py"))
    project.write(".mlcc/gates/serve.py", script)
    gate = subprocess.Popen([sys.executable, "-I", ".mlcc/gates/serve.py", "g"], stdout=subprocess.PIPE)
    until = time.monotonic() + 30
    while not (Path("pid").exists() and Path("pid").read_text()) and time.monotonic() < until:
        time.sleep(0.05)
    gate.send_signal(signal.SIGTERM)
    log, _ = gate.communicate(timeout=30)
    assert gate.returncode == 2
    assert b"told to end" in log
    pid = Path("pid").read_text()
    assert not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text()


def test_proxies_of_the_environment_are_not_asked(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert serve(server()).verdict == "pass"


_LINES = """
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    print(json.dumps({"score": sum(asked["x"]) / 10}), flush=True)
"""
_AT_ITS_END = """
import json, sys
for asked in [json.loads(line) for line in sys.stdin]:
    print(json.dumps({"score": sum(asked["x"]) / 10}))
"""
_LINE_GOLDEN = [
    {"name": "a", "request": {"x": [1, 2]}, "response": {"score": 0.3}},
    {"name": "b", "request": {"x": [5, 5]}, "response": {"score": 1}},
]


@pytest.mark.parametrize("program", [_LINES, _AT_ITS_END])
def test_lines(serve: Any, program: str) -> None:
    outcome = serve(program, _LINE_GOLDEN, protocol="jsonl")
    assert outcome.checks == {"golden a": "pass", "golden b": "pass", "trace": "pass"}
    assert outcome.check("trace")["message"] == "a: 12 bytes sent, 14 bytes answered"


def test_lines_with_limits(serve: Any) -> None:
    outcome = serve(
        _LINES,
        _LINE_GOLDEN,
        protocol="jsonl",
        latency_p95={"max": "5s"},
        memory={"max": "1GB"},
        requests=80,
        champion={"run": f"{_PYTHON} app.py", "max_latency_ratio": 1000},
    )
    assert outcome.verdict == "pass", outcome.log
    assert set(outcome.checks) >= {"start", "latency_p95", "latency_ratio", "memory"}


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("input(); print('x')", "not JSON"),
        ("input(); print('{}')", "lacks the key score"),
        ("raise SystemExit(3)", "the model ended with exit code 3 instead of answering"),
        ("import sys; sys.stdin.read()", "the model ended with exit code 0 instead of answering"),
        ("import time; time.sleep(60)", "no whole answer came within 3 s"),
        ("while True: print('x' * 100000)", "the answer has over 33554432 bytes"),
        ("import sys\nwhile True: sys.stdout.write('x' * 100000)", "the answer has over 33554432 bytes"),
        ("import sys; sys.stdin.read()\nfor _ in range(9): print('{}')", "more lines"),
        ("import sys; print('{}'); sys.stdin.read(); import time; time.sleep(60)", "did not end within 3 s"),
    ],
)
def test_lines_that_are_wrong(serve: Any, program: str, said: str) -> None:
    golden = _LINE_GOLDEN[:1]
    outcome = serve(program, golden, protocol="jsonl", start_within="2s", answer_within="1s")
    assert outcome.verdict == "fail", outcome.log
    assert said in outcome.log


def test_a_program_that_does_not_flush_is_told_so(serve: Any) -> None:
    outcome = serve(
        _AT_ITS_END, _LINE_GOLDEN, protocol="jsonl", start_within="1s", latency_p95={"max": "1s"}, requests=80
    )
    assert "must flush each line" in outcome.check("start")["message"]


@pytest.mark.parametrize(
    "golden",
    [
        "",
        "[]",
        "{}",
        "[1]",
        [{**GOLDEN[0], "extra": 1}],
        [{**GOLDEN[0], "name": " "}],
        [{**GOLDEN[0], "tolerance": -1}],
        [{**GOLDEN[0], "tolerance": True}],
        [{**GOLDEN[0], "request": []}],
        [{**GOLDEN[0], "request": {"method": "DELETE"}}],
        [{**GOLDEN[0], "request": {"path": "http://elsewhere/"}}],
        [{**GOLDEN[0], "request": {"path": "//elsewhere/"}}],
        [{**GOLDEN[0], "request": {"path": "/a b"}}],
        [{**GOLDEN[0], "request": {"path": "/\r\nX: y"}}],
        [{**GOLDEN[0], "response": {}}],
        [{**GOLDEN[0], "response": {"body": 1, "status": 99}}],
        [{**GOLDEN[0], "response": {"body": 1, "status": True}}],
        [{"name": "a", "request": {}}],
        [GOLDEN[0], GOLDEN[0]],
    ],
)
def test_golden_files_that_are_not_sound(tmp_path: Path, golden: Any) -> None:
    path = tmp_path / "golden.json"
    path.write_text(golden if isinstance(golden, str) else json.dumps(golden))
    with pytest.raises(GateError):
        read_golden(str(path), "http", "/predict", 0)


def test_a_golden_query_has_its_own_tolerance_method_and_status(serve: Any) -> None:
    golden = [
        {**GOLDEN[0], "response": {"body": {"score": 0.35, "label": "yes"}}, "tolerance": 0.1},
        {"name": "get", "request": {"path": "/nothing"}, "response": {"status": 404, "body": {}}},
    ]
    assert serve(server(), golden).verdict == "pass"


def test_a_traced_query_must_be_there(serve: Any) -> None:
    assert serve(server(), trace="other").summary == (
        "no golden query is called other, which is to be traced."
    )


@pytest.mark.parametrize(
    ("expected", "found", "tolerance", "said"),
    [
        (1, 1.0, 0, None),
        (1.0, 1.5, 0.5, None),
        (1.0, 1.5, 0.25, "the answer is off by 0.5, where 0.25 is allowed"),
        (True, 1, 1, "the answer is a number instead of a boolean"),
        (0, None, 1, "the answer is a null instead of a number"),
        ([1, 2], [1], 0, "the answer has 1 items instead of 2"),
        ([1, [2]], [1, [3]], 0, "the answer[1][0] is off by 1, where 0 is allowed"),
        ({"a": 1}, {"b": 1}, 0, "the answer lacks the key a"),
        ({"a": 1}, {"a": 1, "b": 1}, 0, "the answer has 2 keys instead of 1"),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, 0, None),
        ("x", "y", 9, "the answer is another string"),
        (True, False, 9, "the answer is another boolean"),
    ],
)
def test_difference(expected: Any, found: Any, tolerance: float, said: str | None) -> None:
    assert difference(expected, found, tolerance) == said


@pytest.mark.parametrize("n", [59, 60, 80, 200, 1000, 20_000])
@pytest.mark.parametrize("confidence", [0.95, 0.975])
def test_ranks_against_scipy(n: int, confidence: float) -> None:
    # P(B <= r - 1) >= confidence for the first time: the binomial quantile, plus one.
    expected = int(stats.binom.ppf(confidence, n, 0.95)) + 1
    assert upper_rank(n, 0.95, confidence) == (expected if expected <= n else None)


def test_too_few_values_have_no_upper_bound() -> None:
    # 0.95 ** 58 = 0.051 > 0.05 >= 0.95 ** 59
    assert upper_bound(range(58), 0.95, 0.95) is None
    assert upper_bound(range(59), 0.95, 0.95) == 58


def test_bounds_cover_the_quantile_as_often_as_they_say() -> None:
    draws = stats.expon.rvs(size=(4000, 200), random_state=7)
    draws.sort(axis=1)
    true = stats.expon.ppf(0.95)
    rows = [list(map(float, row)) for row in draws]
    above = sum((upper_bound(row, 0.95, 0.95) or 0.0) >= true for row in rows) / len(rows)
    below = sum((lower_bound(row, 0.95, 0.95) or 9.9) <= true for row in rows) / len(rows)
    # The exact coverage of these ranks, by the binomial distribution.
    upper, lower = upper_rank(200, 0.95, 0.95), upper_rank(200, 1 - 0.95, 0.95)
    assert upper is not None
    assert lower is not None
    assert above == pytest.approx(stats.binom.cdf(upper - 1, 200, 0.95), abs=0.015)
    assert below == pytest.approx(stats.binom.cdf(lower - 1, 200, 0.05), abs=0.015)
    assert min(above, below) > 0.94


@pytest.mark.parametrize(("n", "expected"), [(1, 1), (20, 19), (100, 95), (101, 96), (200, 190)])
def test_quantile(n: int, expected: int) -> None:
    assert quantile(range(1, n + 1), 0.95) == expected


def test_verdicts_on_latency_by_hand() -> None:
    # 200 answers of 1, 2, ..., 200 ms: p95 is 190, its bounds the 196th and the 184th value.
    assert (stats.binom.ppf(0.95, 200, 0.95) + 1, 200 - stats.binom.ppf(0.95, 200, 0.05)) == (196, 185)
    times = [[i / 1000 for i in range(1, 201)]]
    for limit, verdict in ((196, "pass"), (195, "inconclusive"), (190, "inconclusive"), (189, "fail")):
        (check,) = judge_limits({"max_latency": limit, "confidence": 0.95}, times, [0])
        assert check.verdict == verdict
        assert check.estimate == pytest.approx(190)
        assert check.interval == pytest.approx((185, 196))
        assert check.margin == pytest.approx(limit - 196)


def test_verdicts_on_ratios_by_hand() -> None:
    # At 97.5 % each: ranks 197 and 184 of 200.
    assert (stats.binom.ppf(0.975, 200, 0.95) + 1, 200 - stats.binom.ppf(0.975, 200, 0.05)) == (197, 184)
    times = [[i / 500 for i in range(1, 201)], [i / 1000 for i in range(1, 201)]]
    params = {"champion": {"max_latency_ratio": 2.1, "max_memory_ratio": 1.5}, "confidence": 0.95}
    latency, memory = judge_limits(params, times, [150, 100])
    assert latency.estimate == pytest.approx(2)
    assert latency.interval == pytest.approx((2 * 184 / 197, 2 * 197 / 184))
    assert (latency.verdict, memory.verdict, memory.estimate) == ("inconclusive", "pass", 1.5)


def test_memory_of_this_session() -> None:
    assert peak_memory(os.getsid(0)) > 5_000_000


def test_memory_of_no_process() -> None:
    with pytest.raises(GateError, match="have gone"):
        peak_memory(-5)


def test_memory_without_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.path.exists", lambda path: False)
    with pytest.raises(GateError, match="Linux only"):
        peak_memory(1)


_PARAMS = {"run": "x", "golden": "g.json"}


@pytest.mark.parametrize(
    ("params", "loc"),
    [
        ({"golden": "g.yaml"}, ("golden",)),
        ({"ready": "health"}, ("ready",)),
        ({"path": "//x"}, ("path",)),
        ({"path": "/é"}, ("path",)),
        ({"champion": {"run": "x"}}, ("champion",)),
    ],
)
def test_parameters_that_make_no_sense(params: Any, loc: Any) -> None:
    model = GATES["serve"].params().model_validate({**_PARAMS, **params})
    with pytest.raises(GateParamsError) as problem:
        compile(model, {}, "model")
    assert problem.value.loc == loc


@pytest.mark.parametrize("key", ["tolerance", "champion"])
def test_numbers_that_are_not_finite(key: str) -> None:
    # The fast loader's objects may hold what pydantic refuses.
    model = GATES["serve"].params().model_validate(_PARAMS)
    champion = SimpleNamespace(run="x", max_latency_ratio=float("inf"), max_memory_ratio=None)
    odd = SimpleNamespace(**{**dict(model), key: float("nan") if key == "tolerance" else champion})
    with pytest.raises(GateParamsError):
        compile(odd, {}, "model")


@pytest.mark.parametrize(
    "change",
    [
        {"protocol": "grpc"},
        {"golden": 1},
        {"ready": 1},
        {"requests": 0},
        {"requests": 80.5},
        {"warmup": None},
        {"answer_within": float("nan")},
        {"max_latency": "50"},
        {"tolerance": -1},
        {"confidence": 1},
        {"champion": {"run": "x"}},
        {"champion": {"run": "x", "max_latency_ratio": 0}},
        {"champion": []},
        {"run": ""},
        {"setup": None},
    ],
)
def test_committed_parameters_that_are_broken(serve: Any, change: Any) -> None:
    if any(value != value for value in change.values()):
        change = {"answer_within": "1"}
    assert serve(server(), change=change).verdict == "error"


@pytest.mark.parametrize("protocol", ["http", "jsonl"])
def test_known_bad_models_are_refused(project: Any, protocol: str) -> None:
    params = {
        "run": "x",
        "golden": "tests/golden.json",
        "protocol": protocol,
        "requests": 80,
        "warmup": 0,
        "latency_p95": {"max": "20ms"},
        "memory": {"max": "60MB"},
        "champion": {"run": "x", "max_latency_ratio": 1.5, "max_memory_ratio": 1.5},
    }
    document = project.gate("serve", params, {"model": "build/model/"})
    assert len(known_bad(document)) == 14 + (protocol == "http")
    assert opened(project, document) == []


@pytest.mark.parametrize(
    ("limits", "checks"),
    [
        ({}, []),
        ({"latency_p95": {"max": "20ms"}}, ["latency_p95"]),
        ({"memory": {"max": "60MB"}}, ["memory"]),
        ({"champion": {"run": "x", "max_latency_ratio": 1.5}}, ["latency_ratio"]),
        ({"champion": {"run": "x", "max_memory_ratio": 1.5}}, ["memory_ratio"]),
        ({"latency_p95": {"max": "999s"}, "memory": {"max": "999GB"}}, []),
    ],
)
def test_known_bad_models_exceed_the_limits_that_are_there(project: Any, limits: Any, checks: Any) -> None:
    params = {"run": "x", "golden": "golden.json", **limits}
    document = project.gate("serve", params, {"model": "model.json"})
    golden = {"start", "golden zero", None}
    assert [fixture.check for fixture in known_bad(document) if fixture.check not in golden] == checks


@pytest.mark.parametrize("protocol", ["http", "jsonl"])
def test_known_bad_models_are_good_but_for_their_fault(project: Any, protocol: str) -> None:
    # A stand-in that is wrong in itself would fail whatever the gate does.
    params = {"run": "x", "golden": "golden.json", "protocol": protocol}
    document = project.gate("serve", params, {"model": "model.json"})
    first = known_bad(document)[0]
    good = Fixture("good", "pass", first.files, program=stand_in(document["params"]))
    assert run_fixture(project, document, good).verdict == "pass"
