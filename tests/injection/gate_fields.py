"""`fields`, continued: the parameters of gates."""

from __future__ import annotations

# A table of places, one a line.
# ruff: noqa: E501
import datetime
from collections.abc import Sequence
from typing import Any

from mlcc.gates._sql import text_literal
from mlcc.gates.contract.compile import _HARMLESS, _NOT_RE2
from tests.injection.fields import Field, Tree, Where, base, command, gate, gates, judged, many, one_gate

NUMBERS = {"numbers": {"kind": "file", "path": "m.json"}}
FOLDER = {"data": {"kind": "model", "path": "model/"}}
SPLIT = {"column": "a split", "train": "a train", "test": "a test"}
PREDICTIONS = {"rows": {"kind": "data", "path": "rows.csv"}}


def _columns(make: Any) -> Any:
    return lambda t: one_gate("contract", columns=many("c", t, lambda x: {"type": "string", **make(x)}))


def _checked(kind: str) -> Any:
    def where(texts: Sequence[str]) -> list[Where]:
        limits = {"values": lambda x: [x]}.get(kind, str)
        return [
            ("gate g", ("params", "checks", f"c{i}.{kind}", "limit"), limits(x)) for i, x in enumerate(texts)
        ]

    return where


def _sql(text: str) -> str:
    """Return a check that looks for the string, which it holds as SQL spells it."""
    return f"SELECT 1 FROM data WHERE id = {text_literal(text)}"


def _measured(key: str) -> Any:
    def spec(texts: Sequence[str]) -> Tree:
        metrics = many("m", texts, lambda x: {"min": 0, key: x})
        return base(
            artifacts={"data": {"kind": "data", "path": "data.csv"}, **NUMBERS},
            gates={"g": gate(0, evaluate={"metrics_from": "numbers", "metrics": metrics})},
        )

    return spec


def _way(key: str) -> Any:
    return lambda t: [("gate g", ("params", "metrics", i, key), x.split(".")) for i, x in enumerate(t)]


def _dotted(text: str) -> str | None:
    return None if all(text.split(".")) else "bad-gate"


# Column of predictions -> a metric that reads it, the other columns that this one needs, its place among all columns.
_ROLES: dict[str, tuple[str, Tree, int]] = {
    "label": ("accuracy", {"prediction": "p"}, 0),
    "score": ("accuracy", {"label": "y"}, 1),
    "prediction": ("accuracy", {"label": "y"}, 1),
    "cluster_key": ("accuracy", {"label": "y", "prediction": "p"}, 2),
    "query": ("ndcg", {"label": "y", "score": "s"}, 2),
    "series": ("mean_absolute_scaled_error", {"label": "y", "prediction": "p", "time": "t"}, 2),
    "time": ("mean_absolute_scaled_error", {"label": "y", "prediction": "p", "series": "s"}, 3),
    "lower": ("mean_interval_width", {"label": "y", "upper": "b"}, 1),
    "upper": ("mean_interval_width", {"label": "y", "lower": "a"}, 2),
}


def _scored(key: str) -> Any:
    """Return a spec with one evaluation for each string as the name of a column."""
    metric, others, _ = _ROLES[key]

    def make(text: str) -> Tree:
        metrics = {metric: {"max": 0.5}}
        return {"evaluate": {"predictions": "rows", **others, key: text, "metrics": metrics}}

    return lambda texts: gates(texts, make, **PREDICTIONS)


def _column_names(key: str) -> Any:
    return judged("params", "columns", _ROLES[key][2])


_TWO_TABLES = {**PREDICTIONS, "others": {"kind": "data", "path": "others.csv"}}
_SAID = {"label": "y", "prediction": "p"}


def _compared(**keys: Any) -> Tree:
    pair = {
        "candidate": "rows",
        "champion": "others",
        **_SAID,
        "key": "id",
        "metric": "accuracy",
        "margin": 0.01,
    }
    return {"compare": {**pair, **keys}}


def _sliced(**keys: Any) -> Tree:
    return {
        "slices": {"predictions": "rows", **_SAID, "by": ["c"], "metrics": {"accuracy": {"min": 0.5}}, **keys}
    }


def _valued(**keys: Any) -> Tree:
    return {
        "feature_value": {"predictions": "rows", **_SAID, "without": {"f": "q"}, "metric": "accuracy", **keys}
    }


def _two(make: Any) -> Any:
    return lambda texts: gates(texts, make, **_TWO_TABLES)


def _no_metric(_: str) -> str:
    return "bad-gate"  # no hostile string is the name of a metric


def _means(texts: Sequence[str]) -> Tree:
    metrics = many("m", texts, lambda x: {"min": 0, "mean": x})
    made = gates([], dict, **PREDICTIONS)
    made["gates"]["g"] = gate(0, evaluate={"predictions": "rows", "metrics": metrics})
    return made


def _serving(make: Any) -> Any:
    """Return a spec with one `serve` gate for each string."""
    return lambda t: gates(t, lambda x: {"serve": {"run": "true", "golden": "g.json", **make(x)}})


def _answered(make: Any) -> Any:
    """Return a spec with one `answers` gate for each string."""
    return lambda t: gates(t, lambda x: {"answers": {"url": "http://h", "golden": "g.json", **make(x)}})


def _paired(texts: Sequence[str]) -> Tree:
    """Return a spec with one `feature_parity` gate whose key has all of the strings."""
    compared = {"offline": "data", "online": "served", "key": list(texts), "columns": {"f": {"tolerance": 0}}}
    served = {"served": {"kind": "data", "path": "served.csv"}}
    made = base(artifacts={"data": {"kind": "data", "path": "data.csv"}, **served}, gates={})
    made["gates"]["g"] = gate(0, feature_parity=compared)
    return made


def _repeated(make: Any) -> Any:
    """Return a spec with one `reproduce` gate for each string."""
    return lambda t: gates(t, lambda x: {"reproduce": {"run": "true", "outputs": ["out/"], **make(x)}})


def _smoked(make: Any) -> Any:
    """Return a spec with one `pipeline_smoke` gate for each string."""
    return lambda t: gates(
        t, lambda x: {"pipeline_smoke": {"run": "true", "outputs": {"o": {"path": "o.json"}}, **make(x)}}
    )


_RECORD = {"topic": "review", "record": "r.md", "max_age": "1d"}


def _recorded(key: str) -> Any:
    """Return a spec with one `evidence` gate for each string."""
    return lambda t: gates(t, lambda x: {"evidence": {**_RECORD, key: x}})


_PROMETHEUS = {"url": "http://prom", "queries": {"n": "n", "bad": "b"}}


def _canary(observations: Any, **keys: Any) -> Tree:
    errors = {"errors": {"rate": {"max": 0.1}}}
    return {"canary": {"observations": observations, "weight": 5, "metrics": errors, **keys}}


def _asked(make: Any) -> Any:
    """Return a spec with one `canary` gate over Prometheus for each string."""
    return lambda t: gates(t, lambda x: _canary({"prometheus": {**_PROMETHEUS, **make(x)}}))


def _url_path(text: str) -> str | None:
    sound = text.startswith("/") and not text.startswith("//") and text.isascii() and text.isprintable()
    return None if sound and " " not in text else "bad-gate"


def _unknown(_: str) -> str:
    return "bad-gate"  # the column isn't among the declared ones, whose names are words


def _never(_: str) -> str:
    return "bad-gate"  # a size or digest, which no hostile string is


def _model(**keys: Any) -> Any:
    """Return a spec with one gate on a model of ONNX."""
    return one_gate("artifact", format="onnx", **keys)


def _modelled(make: Any, **artifacts: Any) -> Any:
    return lambda texts: gates(texts, lambda x: {"artifact": make(x)}, **artifacts)


def _operators(key: str) -> Field:
    return Field(
        f"Operators.{key}[]", lambda t: _model(operators={key: list(t)}),
        lambda t: [("gate g", ("params", "operators", key), list(t))],
    )  # fmt: skip


def _time(text: str) -> str | None:
    try:
        datetime.datetime.fromisoformat(text)
    except ValueError:
        return "bad-gate"
    return None


GATES = (
    Field("Tests.run", lambda t: gates(t, lambda x: {"tests": {"run": x}}), judged("params", "run"), most=250, form=command),
    Field("CommandGate.run", lambda t: gates(t, lambda x: {"command": {"run": x}}), judged("params", "run"), most=250, form=command),
    Field(
        "Conflicts.label",
        lambda t: one_gate("contract", columns={"id": {"type": "date"}}, conflicts={"label": t[0]}),
        lambda t: [], refuses=_unknown, most=1,
    ),
    Field(
        "Tests.junit", lambda t: gates(t, lambda x: {"tests": {"run": "true", "junit": x}}), judged("params", "junit"),
        most=250, form=lambda x: f"{x}.xml",
    ),
    Field(
        "Coverage.path", lambda t: gates(t, lambda x: {"tests": {"run": "true", "coverage": {"path": x, "min": 0}}}),
        judged("params", "coverage", "path"), most=250, form=lambda x: f"{x}.xml",
    ),
    Field(
        "SqlCheck.sql",
        lambda t: one_gate("contract", columns={"id": {"type": "string"}}, checks=many("c", t, lambda x: {"sql": x})),
        lambda t: [("gate g", ("params", "sql", f"c{i}"), x.split("\n")) for i, x in enumerate(t)], form=_sql,
    ),
    Field(
        "Column.name", _columns(lambda x: {"name": x}),
        lambda t: [("gate g", ("params", "columns", i, "stored"), x) for i, x in enumerate(t)],
    ),
    Field(
        "DriftColumn.name", lambda t: one_gate("drift", reference="table", columns=many("c", t, lambda x: {"name": x})),
        lambda t: [("gate g", ("params", "columns", i, "name"), x) for i, x in enumerate(t)],
    ),
    Field(
        "Leakage.key[]", lambda t: one_gate("leakage", split=SPLIT, key=list(t)),
        lambda t: [("gate g", ("params", "columns"), [*t, SPLIT["column"]])],
    ),
    Field(
        "Leakage.features[]", lambda t: one_gate("leakage", split=SPLIT, features=list(t)),
        lambda t: [("gate g", ("params", "features"), list(t))],
    ),
    *(
        Field(
            f"Leakage.{key}", lambda t, key=key: gates(t, lambda x: {"leakage": {"train": "rows", "features": ["a b c"], key: x}}, **PREDICTIONS),
            judged("params", "columns", 1), most=250,
        )
        for key in ("group", "time", "label")
    ),
    *(
        Field(
            f"Split.{key}",
            lambda t, key=key: gates(t, lambda x: {"leakage": {"split": {**SPLIT, key: x}, "key": ["a b c"]}}),
            judged("params", "split", key), most=250,
        )
        for key in ("column", "train", "test")
    ),
    Field(
        "Column.pattern", _columns(lambda x: {"pattern": x}), _checked("pattern"),
        refuses=lambda x: "bad-gate" if _NOT_RE2.search(_HARMLESS.sub(" ", x)) else None,
    ),
    Field("Column.values[]", _columns(lambda x: {"values": [x]}), _checked("values")),
    Field(
        "Column.min", lambda t: one_gate("contract", columns=many("c", t, lambda x: {"type": "timestamp", "min": x})),
        _checked("min"), refuses=_time,
    ),
    Field(
        "Column.max", lambda t: one_gate("contract", columns=many("c", t, lambda x: {"type": "timestamp", "max": x})),
        _checked("max"), refuses=_time,
    ),
    Field(
        "Contract.denied[]", lambda t: one_gate("contract", columns={"id": {"type": "string"}}, denied=list(t)),
        lambda t: [("gate g", ("params", "denied"), list(t))],
    ),
    Field(
        "Contract.unique[]", lambda t: one_gate("contract", columns={"id": {"type": "string"}}, unique=list(t)),
        lambda t: [], refuses=_unknown,
    ),
    Field(
        "Reference.column",
        lambda t: one_gate(
            "contract", columns=many("c", t, lambda x: {"type": "string"}),
            references=many("c", t, lambda x: {"artifact": "table", "column": x}),
        ),
        lambda t: [("gate g", ("params", "parents", i, "stored"), x) for i, x in enumerate(t)],
    ),
    Field(
        "Freshness.column",
        lambda t: one_gate("contract", columns={"id": {"type": "date"}}, freshness={"column": t[0], "max_age": "1d"}),
        lambda t: [], refuses=_unknown, most=1,
    ),
    Field("Serve.run", _serving(lambda x: {"run": x}), judged("params", "run"), most=250, form=command),
    Field(
        "ServedChampion.run", _serving(lambda x: {"champion": {"run": x, "max_memory_ratio": 1}}),
        judged("params", "champion", "run"), most=250, form=command,
    ),
    Field("Serve.golden", _serving(lambda x: {"golden": x}), judged("params", "golden"), most=250, form=lambda x: f"{x}.json"),
    Field("Serve.trace", _serving(lambda x: {"trace": x}), judged("params", "trace"), most=250),
    *(
        Field(f"Serve.{key}", _serving(lambda x, key=key: {key: x}), judged("params", key), most=250, refuses=_url_path)
        for key in ("ready", "path")
    ),
    Field("Answers.url", _answered(lambda x: {"url": x}), lambda t: [], most=250, refuses=_never),
    Field("Answers.golden", _answered(lambda x: {"golden": x}), judged("params", "golden"), most=250, form=lambda x: f"{x}.json"),
    Field("Answers.trace", _answered(lambda x: {"trace": x}), judged("params", "trace"), most=250),
    *(
        Field(f"Answers.{key}", _answered(lambda x, key=key: {key: x}), judged("params", key), most=250, refuses=_url_path)
        for key in ("ready", "path")
    ),
    Field("FeatureParity.key[]", _paired, lambda t: [("gate g", ("params", "key"), list(t))]),
    Field("Reproduce.run", _repeated(lambda x: {"run": x}), judged("params", "run"), most=250, form=command),
    Field("Reproduce.outputs[]", _repeated(lambda x: {"outputs": [x]}), judged("params", "outputs", 0), most=250),
    Field("Reproduce.lock", _repeated(lambda x: {"lock": x}), judged("params", "lock"), most=250),
    Field(
        "ReproducedMetrics.path", _repeated(lambda x: {"metrics": {"path": x, "tolerance": {"a": 1}}}),
        judged("params", "metrics", "path"), most=250, form=lambda x: f"{x}.json",
    ),
    Field("PipelineSmoke.run", _smoked(lambda x: {"run": x}), judged("params", "run"), most=250, form=command),
    *(
        Field(
            f"SmokeOutput.{key}", _smoked(lambda x, make=make: {"outputs": {"o": make(x)}}),
            judged("params", "outputs", 0, *way, value=value), most=250, form=form, refuses=refuses,
        )
        for key, make, way, value, form, refuses in (
            ("path", lambda x: {"path": x}, ("path",), str, lambda x: f"{x}.json", lambda x: None),
            ("value", lambda x: {"path": "o.json", "value": x}, ("value",), lambda x: x.split("."), str, _dotted),
            ("columns[]", lambda x: {"path": "o.csv", "columns": [x]}, ("columns", 0), str, str, lambda x: None),
        )
    ),
    Field(
        "CanarySource.command", lambda t: gates(t, lambda x: _canary({"command": x})), judged("params", "observations", "run"),
        most=250, form=command,
    ),
    Field(
        "CanarySource.file", lambda t: gates(t, lambda x: _canary({"file": x})), judged("params", "observations", "path"),
        most=250, form=lambda x: f"{x}.jsonl",
    ),
    Field(
        "CanaryLiveness.url", lambda t: gates(t, lambda x: _canary({"command": "look"}, liveness={"url": x})),
        lambda t: [], most=250, refuses=_never,
    ),
    Field("PrometheusSource.url", _asked(lambda x: {"url": x}), lambda t: [], most=250, refuses=_never),
    *(
        Field(
            f"PrometheusSource.{key}", _asked(lambda x, key=key: {key: x}), judged("params", "observations", key), most=250
        )
        for key in ("arm", "candidate", "control")
    ),
    Field(
        "PrometheusSource.queries{}=", _asked(lambda x: {"queries": {"n": x, "bad": "b"}}),
        judged("params", "observations", "counts", "n"), most=250,
    ),
    Field(
        "CanaryRate.count",
        lambda t: gates(t, lambda x: _canary({"file": "o.json"}, metrics={"a": {"rate": {"max": 0.1, "count": x}}})),
        judged("params", "rates", 0, "count"), most=250,
    ),
    Field(
        "CanaryMetric.histogram",
        lambda t: gates(t, lambda x: _canary({"file": "o.json"}, metrics={"a": {"histogram": x}})),
        judged("params", "histograms", 0, "name"), most=250,
    ),
    Field("Evidence.record", _recorded("record"), judged("params", "record"), most=250, form=lambda x: f"{x}.md"),
    Field("Evidence.date", _recorded("date"), judged("params", "date", 0), most=250),
    *(
        Field(
            f"Evidence.{key}[]", lambda t, key=key: one_gate("evidence", **_RECORD, **{key: list(t)}),
            lambda t, key=key, value=value: [("gate g", ("params", key), [value(x) for x in t])],
        )
        for key, value in (("sections", str), ("fields", lambda x: [x]), ("signed_by", str))
    ),
    Field("Metric.value", _measured("value"), _way("value"), refuses=_dotted),
    Field("Metric.stderr", _measured("stderr"), _way("stderr"), refuses=_dotted),
    Field("Metric.n", _measured("n"), _way("n"), refuses=_dotted),
    Field("Metric.mean", _means, lambda t: [("gate g", ("params", "columns"), list(t))]),
    Field(
        "ModelFile.path", _modelled(lambda x: {"files": [{"path": x, "format": "text"}]}, **FOLDER),
        judged("params", "files", 0, "path"), most=250,
    ),
    Field(
        "ArtifactGate.metadata", _modelled(lambda x: {"files": [{"path": x, "format": "json"}], "metadata": x}, **FOLDER),
        judged("params", "metadata"), most=250,
    ),
    Field(
        "TensorSpec.name", lambda t: _model(inputs=many("i", t, lambda x: {"name": x, "type": "bool"})),
        lambda t: [("gate g", ("params", "inputs", i, "name"), x) for i, x in enumerate(t)],
    ),
    *(_operators(key) for key in ("domains", "allow", "deny")),
    Field(
        "Verify.run", _modelled(lambda x: {"format": "json", "verify": {"run": x}}), judged("params", "run"), most=250,
        form=command,
    ),
    Field("ArtifactGate.max_size", lambda t: _model(max_size=t[0]), lambda t: [], refuses=_never, most=1),
    Field("ArtifactGate.digest", lambda t: _model(digest=t[0]), lambda t: [], refuses=_never, most=1),
    Field(
        "ArtifactGate.features", _modelled(lambda x: {"format": "onnx", "schema_of": "rows", "features": x}, **PREDICTIONS),
        judged("params", "features"), most=250,
    ),
    Field(
        "ArtifactGate.lineage{}=", _modelled(lambda x: {"format": "onnx", "lineage": {"rows": x}}, **PREDICTIONS),
        judged("params", "lineage", "rows"), most=250,
    ),
    *(Field(f"Predictions.{key}", _scored(key), _column_names(key), most=250) for key in _ROLES),
    Field(
        "Predictions.scores{}=",
        lambda t: gates(
            t,
            lambda x: {
                "evaluate": {
                    "predictions": "rows", "label": "y", "scores": {"a": x, "b": "b"},
                    "metrics": {"roc_auc_ovr": {"min": 0.5}},
                }
            },
            **PREDICTIONS,
        ),
        judged("params", "columns", 1), most=250,
    ),
    Field(
        "Metric.metric",
        lambda t: gates(
            t,
            lambda x: {"evaluate": {"predictions": "rows", **_SAID, "metrics": {"m": {"metric": x, "min": 0.5}}}},
            **PREDICTIONS,
        ),
        lambda t: [], most=250, refuses=_no_metric,
    ),
    Field("Compare.key", _two(lambda x: _compared(key=x)), judged("params", "candidate", "columns", 2), most=250),
    Field("Compare.metric", _two(lambda x: _compared(metric=x)), lambda t: [], most=250, refuses=_no_metric),
    Field("Slices.by[]", _two(lambda x: _sliced(by=[x])), judged("params", "predictions", "columns", 2), most=250),
    Field("Slices.by[][]", _two(lambda x: _sliced(by=[["c", x]])), judged("params", "predictions", "columns", 3), most=250),
    Field(
        "Slices.key",
        _two(lambda x: _sliced(key=x, reference="others", metrics={"accuracy": {"max_drop": 0.1}})),
        judged("params", "predictions", "columns", 2), most=250,
    ),
    Field("FeatureValue.metric", _two(lambda x: _valued(metric=x)), lambda t: [], most=250, refuses=_no_metric),
    Field(
        "FeatureValue.without{}=", _two(lambda x: _valued(without={"f": x})),
        judged("params", "predictions", "columns", 2), most=250,
    ),
)  # fmt: skip
