"""Each kind's known-bad inputs: with whatever valid parameters, the gate closes on every one as it must."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlcc.gates import GATES, ArtifactInfo
from mlcc.gates._support import run
from mlcc.gates.emit import script
from mlcc.gates.fixtures import Fixture, artifact_files, table_bytes
from mlcc.gates.selftest import judged, known_bad, lay_out, selftest, stand_in

_NAMES = st.sampled_from(("a", "Two Words", "it's", 'q"', "é", "select", "::notice::x"))
_FORMATS = st.sampled_from(("csv", "tsv", "jsonl", "json", "parquet"))
_LIMITS = st.integers(-3, 3) | st.floats(-1e6, 1e6).map(lambda x: round(x, 3))


def document(kind: str, params: Mapping[str, Any], artifacts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `.mlcc/gates/g.json` would hold."""
    guards = next(iter(artifacts))
    infos = {id: ArtifactInfo(path) for id, path in artifacts.items() if isinstance(path, str)}
    model = GATES[kind].params().model_validate(dict(params))
    compiled = GATES[kind].compiler().compile(model, infos, guards)
    return {
        "kind": kind,
        "gate": "g",
        "guards": guards,
        "artifacts": {id: {"path": path, "kind": "data"} for id, path in artifacts.items()},
        "on_inconclusive": "fail",
        "params": json.loads(json.dumps(compiled)),
    }


def problems(stated: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Run a gate in this process on all of its fixtures; return those that it didn't close on as it must."""
    runtime = import_module(GATES[stated["kind"]].runtime)
    assert runtime.__file__ is not None
    wrong, home = [], Path.cwd()
    fixtures = known_bad(stated)
    assert fixtures
    assert all(fixture.verdict in ("fail", "error", "inconclusive") for fixture in fixtures)
    for fixture in fixtures:
        with tempfile.TemporaryDirectory() as name:
            lay_out(Path(name), stated, fixture)
            os.chdir(name)
            try:
                code = run(stated["kind"], runtime.judge, runtime.__file__, ["g"])
            finally:
                os.chdir(home)
            verdict, problem = judged(Path(name), stated, fixture, code)
            if problem:
                wrong.append((fixture.name, verdict, problem))
    return wrong


@st.composite
def columns(draw: Any) -> dict[str, Any]:
    kind = draw(st.sampled_from(("string", "integer", "number", "boolean", "date", "timestamp")))
    column: dict[str, Any] = {"type": kind, "required": draw(st.booleans())}
    column["max_nulls"] = draw(st.sampled_from((0, 0.04, 0.5, 0.99)))
    column["unique"] = draw(st.booleans())
    if kind == "string":
        column["values"] = draw(st.none() | st.lists(st.text("ab'", min_size=1), min_size=1, max_size=3))
        column["pattern"] = draw(st.sampled_from((None, "[ab]*", "[A-Z]{2}")))
        column["max_length"] = draw(st.sampled_from((None, 1, 20)))
        column["max_mixed"] = draw(st.sampled_from((None, 0, 0.5, 0.9)))
    if kind in ("integer", "number"):
        limits = st.integers(-5, 5) if kind == "integer" else _LIMITS
        low, high = sorted(draw(st.tuples(limits, limits)))
        column.update(draw(st.sampled_from(({}, {"min": low}, {"max": high}, {"min": low, "max": high}))))
    if kind == "date":
        column.update(draw(st.sampled_from(({}, {"min": "2020-01-01"}, {"max": "2030-12-31"}))))
    if kind == "timestamp":
        column.update(draw(st.sampled_from(({}, {"min": "2020-01-01T00:00:00+02:00"}))))
    return {key: value for key, value in column.items() if value is not None}


@st.composite
def contracts(draw: Any) -> dict[str, Any]:
    names = draw(st.lists(_NAMES, min_size=1, max_size=3, unique=True))
    params: dict[str, Any] = {"columns": {name: draw(columns()) for name in names}}
    params["extra_columns"] = draw(st.sampled_from(("allow", "deny")))
    params["rows"] = draw(st.sampled_from(({"min": 1}, {"min": 7, "max": 9}, {"min": 100_000})))
    if draw(st.booleans()):
        params["unique"] = draw(st.lists(st.sampled_from(names), min_size=1, unique=True))
    if draw(st.booleans()):
        params["denied"] = ["ssn", "E-Mail"]
    params.update(draw(st.sampled_from(({}, {"max_duplicates": 0}, {"max_duplicates": 0.5}))))
    if len(params["columns"]) > 1 and draw(st.booleans()):
        params["conflicts"] = {"label": next(iter(params["columns"])), "max": draw(st.sampled_from((0, 0.5)))}
    times = [name for name, column in params["columns"].items() if column["type"] in ("date", "timestamp")]
    if times:
        params["freshness"] = {"column": times[0], "max_age": "7d"}
    return params


_SLOW = settings(
    deadline=None,
    max_examples=40 if os.environ.get("MLCC_TEST_FUZZ") else 4,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@_SLOW
@given(contracts(), _FORMATS)
def test_contract(capfd: Any, params: dict[str, Any], format: str) -> None:
    assert problems(document("contract", params, {"raw": f"data/d.{format}"})) == []


_SHARES = st.floats(0.1, 0.9).map(lambda x: round(x, 2))
_BINARY = {
    **dict.fromkeys(("roc_auc", "accuracy", "balanced_accuracy", "precision", "recall", "f1"), ("min", _SHARES)),
    "brier_score": ("max", _SHARES),
    "log_loss": ("max", st.floats(0.1, 30).map(lambda x: round(x, 2))),
}  # fmt: skip
_ERRORS = st.floats(0.1, 1000).map(lambda x: round(x, 2))
_REGRESSION = {
    "r2": ("min", st.floats(-5, 0.99).map(lambda x: round(x, 2))),
    **dict.fromkeys(("mean_absolute_error", "mean_squared_error", "root_mean_squared_error"), ("max", _ERRORS)),
}  # fmt: skip


@st.composite
def evaluations(draw: Any) -> dict[str, Any]:
    known, second = draw(st.sampled_from(((_BINARY, "score"), (_REGRESSION, "prediction"))))
    chosen = draw(st.lists(st.sampled_from(sorted(known)), min_size=1, max_size=4, unique=True))
    metrics: dict[str, Any] = {name: {known[name][0]: draw(known[name][1])} for name in chosen}
    if draw(st.booleans()):
        metrics["judge"] = {"mean": "how good", "min": draw(_LIMITS)}
    params = {"predictions": "p", "label": "y", second: draw(_NAMES), "metrics": metrics}
    params["confidence"] = draw(st.sampled_from((0.5, 0.95, 0.999)))
    params["min_n"] = draw(st.sampled_from((None, 1, 2, 500)))
    if second == "score" and not {"log_loss", "brier_score"} & set(chosen):
        params["threshold"] = draw(st.sampled_from((0.5, 0, -2.5, 7)))
    return {key: value for key, value in params.items() if value is not None}


@_SLOW
@given(evaluations(), _FORMATS)
def test_evaluate_on_predictions(capfd: Any, params: dict[str, Any], format: str) -> None:
    assert problems(document("evaluate", params, {"m": "model/", "p": f"p.{format}"})) == []


@_SLOW
@given(
    st.dictionaries(
        st.sampled_from(("acc", "loss", "a b")),
        st.fixed_dictionaries(
            {"min": _LIMITS},
            optional={"stderr": st.just("e.s"), "n": st.just("e.n"), "value": st.just("deep.er")},
        ),
        min_size=1,
        max_size=1,
    )
)
def test_evaluate_on_numbers(capfd: Any, metrics: dict[str, Any]) -> None:
    least = {"min_n": 50} if all("n" in metric for metric in metrics.values()) else {}
    params = {"metrics_from": "n", "metrics": metrics, **least}
    assert problems(document("evaluate", params, {"m": "model/", "n": "out/n.json"})) == []


@_SLOW
@given(
    st.fixed_dictionaries(
        {"run": st.just("touch /tmp/mlcc-never; exit 0")},
        optional={
            "junit": st.just("out/it's a report.xml"),
            "coverage": st.fixed_dictionaries(
                {"path": st.just("c.xml"), "min": st.sampled_from((0, 0.01, 1))}
            ),
        },
    ),
    st.sampled_from((1, 35, 2000)),
)
def test_tests(capfd: Any, params: dict[str, Any], least: int) -> None:
    floor = {"min_passed": least} if "junit" in params else {}
    paths = ["src/", "lock.txt", "lib/**/*.py"]
    assert problems(document("tests", {**params, **floor}, {"code": paths})) == []


@_SLOW
@given(
    st.lists(_NAMES, min_size=1, max_size=2, unique=True),
    st.sampled_from(({}, {"tolerance": 0}, {"tolerance": 2, "relative": 0.5})),
    st.sampled_from((0, 0.02, 0.5)),
    st.tuples(_FORMATS, _FORMATS),
)
def test_feature_parity(
    capfd: Any, key: list[str], feature: dict[str, float], limit: float, formats: tuple[str, str]
) -> None:
    params = {
        "offline": "off",
        "online": "on",
        "key": key,
        "columns": {"f 1": feature},
        "max_mismatch": limit,
    }
    artifacts = {"on": f"on.{formats[0]}", "off": f"off/d.{formats[1]}"}
    assert problems(document("feature_parity", params, artifacts)) == []


def test_command(capfd: Any) -> None:
    assert problems(document("command", {"run": "true"}, {"code": ["src/"], "model": "m.bin"})) == []


@st.composite
def canaries(draw: Any) -> dict[str, Any]:
    metrics: dict[str, Any] = {}
    if draw(st.booleans()):
        limit = draw(st.sampled_from((0.000001, 0.001, 0.05, 0.5, 0.999)))
        metrics["errors"] = {
            "rate": {"max": limit, **draw(st.sampled_from(({}, {"worse_than_control": 1000})))}
        }
    if draw(st.booleans()):
        metrics["slow"] = {
            "rate": {"over": "250ms", "max": 0.1, "worse_than_control": draw(st.sampled_from((1, 3.5)))}
        }
    if not metrics or draw(st.booleans()):
        metrics["scores"] = {"histogram": draw(_NAMES), "on_drift": draw(st.sampled_from(("hold", "fail")))}
    return {
        "observations": {"file": "o.jsonl"},
        "metrics": metrics,
        "weight": draw(st.sampled_from((0.01, 5, 33.3, 50, 90, 99.9))),
        "judge": {
            "alpha": draw(st.sampled_from((0.0001, 0.05, 0.2))),
            "min_bad": draw(st.sampled_from((1, 3, 1000))),
            "min_requests": draw(st.sampled_from((1, 100, 100_000))),
        },
        "fail_after": draw(st.sampled_from((1, 2, 20))),
        "from_zero": draw(st.booleans()),
    }


@_SLOW
@given(canaries())
def test_canary(capfd: Any, params: dict[str, Any]) -> None:
    assert problems(document("canary", params, {"model": "m.bin"})) == []


@pytest.mark.parametrize(
    "source",
    [{"command": "true"}, {"prometheus": {"url": "http://prom:9090", "queries": {"n": "n", "bad": "b"}}}],
)
def test_canary_on_live_traffic(capfd: Any, source: dict[str, Any]) -> None:
    params = {"observations": source, "weight": 10, "metrics": {"errors": {"rate": {"max": 0.02}}}}
    assert problems(document("canary", params, {"model": "m.bin"})) == []


GOOD = sorted(
    case
    for case in (Path(__file__).parent / "selftest").glob("*/good*/case.json")
    # test_serve.py tries its own: models that are slow take a minute
    if case.parents[1].name != "serve"
)


@pytest.mark.parametrize("case", GOOD, ids=lambda case: f"{case.parents[1].name}/{case.parent.name}")
def test_parameters_of_a_known_good_case(capfd: Any, case: Path) -> None:
    stated = json.loads(case.read_text("utf-8"))
    assert problems(document(case.parents[1].name, stated["params"], stated["artifacts"])) == []


def test_every_kind_has_fixtures() -> None:
    for kind in GATES.values():
        assert callable(import_module(f"{kind.module}.selftest").known_bad), kind.name


# The emitted script


def emitted(kind: str) -> str:
    return script(GATES[kind])


@pytest.mark.parametrize("part", ["", "file"])
def test_the_emitted_script_closes_on_all(part: str) -> None:
    stated = document("evaluate", {"metrics_from": "n", "metrics": {"acc": {"min": 0.8}}}, {"n": "n.json"})
    outcomes = list(selftest(script(GATES["evaluate"], part).encode(), stated))
    assert [outcome.fixture for outcome in outcomes] == [fixture.name for fixture in known_bad(stated)]
    assert [outcome for outcome in outcomes if outcome.problem] == []


@pytest.mark.parametrize(
    ("kind", "params", "artifacts", "old", "new", "found"),
    [
        (
            "evaluate",
            {"metrics_from": "n", "metrics": {"acc": {"min": 0.8}}},
            {"n": "n.json"},
            'verdict, note = "fail", ""',
            'verdict, note = "pass", ""',
            ("acc misses its min", "it opens"),
        ),
        (
            "evaluate",
            {"metrics_from": "n", "metrics": {"acc": {"min": 0.8}}},
            {"n": "n.json"},
            "return code\n\n\ndef _waive",
            "return 2\n\n\ndef _waive",
            ("acc misses its min", "the verdict is fail, and the exit code 2"),
        ),
        (
            "tests",
            {"run": "true", "junit": "j.xml", "min_passed": 3},
            {"code": ["src/"]},
            '"pass" if counts.passed >= least else "fail"',
            '"pass"',
            ("too few tests pass", "it opens"),
        ),
        (
            "tests",
            {"run": "true", "junit": "j.xml"},
            {"code": ["src/"]},
            "            remove_file(path)\n    code = run_program",
            "            pass\n    code = run_program",
            ("the report is from an earlier run", "it opens"),
        ),
    ],
)  # fmt: skip
def test_a_broken_gate_is_found(
    kind: str, params: Any, artifacts: Any, old: str, new: str, found: tuple[str, str]
) -> None:
    text = emitted(kind)
    assert text.count(old) == 1
    outcomes = selftest(text.replace(old, new).encode(), document(kind, params, artifacts))
    assert found in [(outcome.fixture, outcome.problem) for outcome in outcomes]


def test_a_script_that_breaks_leaves_no_verdict() -> None:
    stated = document("command", {"run": "true"}, {"code": ["src/"]})
    for outcome in selftest(b"raise SystemExit(1)", stated):
        assert outcome.problem == "it ended with exit code 1 and wrote no verdict"


def test_no_program_of_the_user_runs() -> None:
    stated = document("command", {"run": "touch canary"}, {"code": ["src/"]})
    stated["params"]["setup"] = ["touch setup"]
    shown = stand_in(stated, "exit 3")
    assert shown["params"] == {"run": "exit 3", "setup": []}
    # elsewhere `run` is a name like any other
    check = {"columns": {"run": {"type": "integer"}}, "checks": {"run": {"sql": "SELECT 1"}}}
    other = document("contract", check, {"raw": "d.csv"})
    assert stand_in(other, "exit 3")["params"] == other["params"]


def test_what_opens_a_gate_is_taken_out() -> None:
    waiver = {"reason": "r", "until": "2999-01-01", "issue": "i"}
    stated = document("command", {"run": "true"}, {"code": ["src/"]})
    shown = stand_in({**stated, "waive": waiver, "on_inconclusive": "warn"}, "exit 0")
    assert "waive" not in shown
    assert shown["on_inconclusive"] == "fail"


def test_every_artifact_has_a_file() -> None:
    paths = {"a": "model/", "b": ["src/", "x.txt", "lib/**/*.py", "v?"], "c": "d/e.csv"}
    files = artifact_files({"artifacts": {id: {"path": path} for id, path in paths.items()}})
    assert sorted(files) == [
        "d/e.csv",
        "lib/xx/x.py",
        "model/part.parquet",
        "src/part.parquet",
        "vx",
        "x.txt",
    ]


def test_tables() -> None:
    table = {"a": [1, None], "b": [True, False]}
    assert table_bytes("csv", table, 2) == b"a,b\n1,true\n,false\n1,true\n,false\n"
    assert table_bytes("tsv", table) == b"a\tb\n1\ttrue\n\tfalse\n"
    assert table_bytes("jsonl", table, 0) == b""
    assert Fixture("x", "fail").program == "exit 1"
