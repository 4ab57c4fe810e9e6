"""Random parameters of gates of each kind, over the artifacts that are there, with whatever keys go together."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st

from mlcc.gates import GATES
from tests.spec import texts
from tests.spec.gate_parts import (
    Data,
    Near,
    Params,
    by_key,
    column,
    count,
    either,
    joined,
    level,
    made,
    one_of,
    reads,
    share,
    some,
    texts_of,
)
from tests.spec.metric_strategies import compare, evaluate, feature_value, slices


def kinds(near: Near) -> list[str]:
    """Return the kinds that find what they need; those that need something thrice, or they would be rare."""
    known = {
        "contract": near.is_table,
        "leakage": near.is_table,
        "drift": near.is_table and bool(near.others),
        "feature_parity": len(near.tables) > 1,
        "feature_value": bool(near.tables),
        "evaluate": bool(near.tables or near.numbers),
        "compare": bool(near.tables),
        "slices": bool(near.tables),
        "artifact": near.is_model,
    }
    fitting = [kind for kind, found in known.items() if found]
    return [*(kind for kind in GATES if kind not in known), *fitting, *fitting, *fitting]


def params(kind: str, near: Near) -> Params:
    """Return the parameters of a gate of a kind that is among `kinds(near)`."""
    return _PARAMS[kind](near)


def _command(_: Near) -> Params:
    return made({"run": texts.command})


def _tests(_: Near) -> Params:
    coverage = {"coverage": {"path": "coverage.xml", "min": share}}
    counted = {"junit": "out/junit.xml", "min_passed": st.integers(1, 9)}
    return either(made({"run": texts.command}, coverage), made({"run": texts.command, **counted}, coverage))


def _contract(near: Near) -> Params:
    columns = {
        "income": made({"type": "number"}, {"min": 0, "max": 10**6, "max_nulls": share, "name": "In come"}),
        "region": made(
            {"type": "string"},
            {
                "values": st.lists(texts.text, min_size=1, max_size=3, unique=True),
                "pattern": st.sampled_from(("[A-Z]{2}", "é|\\d+")),
                "max_length": 12,
                "max_mixed": share,
            },
        ),
        "ok": made({"type": "boolean"}, {"values": [True], "required": st.booleans()}),
    }
    id = made({"type": "integer"}, {"unique": st.booleans(), "values": [1, 2]})
    at = either(made({"type": "date"}, {"min": "2024-01-31"}), st.just({"type": "timestamp"}))
    known = {"artifact": one_of((near.guarded, *near.alike)), "column": column}
    return made(
        {"columns": made({"id": id, "at": at}, columns)},
        {
            "extra_columns": st.sampled_from(("allow", "deny")),
            "unique": ["id", "at"],
            "max_duplicates": share,
            "conflicts": made({"label": "at"}, {"max": share}),
            "references": {"id": made(known, {"max_unmatched": share})},
            "rows": made({"min": 10}, {"max": 10**9}),
            "freshness": {"column": "at", "max_age": "36h"},
            "checks": {"sane": {"sql": "select id from data where id < 0"}},
            "denied": texts_of(texts.hostile_text),
        },
    )


def _leakage(near: Near) -> Params:
    sides: list[Data] = [{"split": {"column": column, "train": "train", "test": "it's a test"}}]
    if near.alike:
        sides += [{"train": one_of(near.alike)}, {"train": one_of(near.alike), "test": near.guarded}]
    looks: Data = {"key": texts_of(column), "group": column, "time": column}
    label = {"label": "the label", "max_single_feature_auc": 0.9, "max_single_feature_correlation": share}
    some = [({key: value}, looks) for key, value in looks.items()]
    some.append(({"features": texts_of(column)}, {**looks, **label, "max_shared": share}))
    return either(*(made({**side, **required}, rest) for side in sides for required, rest in some))


def _drift(near: Near) -> Params:
    limit = st.sampled_from((0.0001, 0.1, 0.5))
    measures = ("psi", "jensen_shannon", "l_infinity", "ks", "wasserstein", "chi_square")
    missing = {"missing": limit}
    moved = either(made({}, missing), *(made({name: limit}, missing) for name in measures))
    return made(
        {"reference": one_of(near.others), "columns": by_key(moved)},
        {"current": near.guarded, "min_n": count, "confidence": level},
    )


def _feature_parity(near: Near) -> Params:
    feature = made({}, {"tolerance": share, "relative": share})
    limits = {"max_mismatch": share, "max_unmatched_online": share, "max_unmatched_offline": share}
    return st.permutations(near.tables).flatmap(
        lambda tables: made(
            {"offline": tables[0], "online": tables[1], "key": texts_of(column), "columns": by_key(feature)},
            {**limits, "min_n": count, "confidence": level},
        )
    )


def _reproduce(near: Near) -> Params:
    return made(
        {"run": texts.command, "outputs": st.sampled_from((["again/"], ["a b.bin", "again/model.onnx"]))},
        {
            "metrics": {"path": "again/m.json", "tolerance": {"loss": 0, "test.auc": 0.001}},
            "runs": st.integers(2, 10),
            "seed": st.integers(0, 4_294_967_295),
            "lock": "uv.lock",
            **reads(near),
        },
    )


def _pipeline_smoke(near: Near) -> Params:
    outputs = {
        "losses": made({"path": "smoke/log.json", "value": "train.loss"}, {"decreases": st.booleans()}),
        "rows": {"path": "smoke/p.csv", "columns": ["p"]},
        "table": {"path": "smoke/t.parquet", "columns": texts_of(column)},
        "weights": {"path": "smoke/w.safetensors"},
        "pickle": {"path": "smoke/m.pkl", "finite": False},
        "everything": {"path": "all smoke/"},
    }
    return made({"run": texts.command, "outputs": some(outputs)}, reads(near))


def _artifact(near: Near) -> Params:
    options = {
        "max_size": st.sampled_from(("300kB", "2 GiB")),
        "digest": "sha256:" + "0" * 64,
        "verify": {"run": texts.command},
    }
    if near.numbers:
        options["statement"] = one_of(near.numbers)
    lineage = {"lineage": dict.fromkeys(near.readable[:2], "made.from")} if near.readable else {}
    served = {"schema_of": one_of(near.tables), "features": "names.all"} if near.tables else {}
    tensors = {"x": made({"type": "float32"}, {"shape": ["any", 12], "name": texts.text})}
    onnx = {
        "inputs": tensors,
        "outputs": tensors,
        "opset": made({}, {"min": 9, "max": 21}),
        "operators": made({}, {"domains": ["ai.onnx.ml"], "allow": ["Gemm", "Relu"], "deny": ["Loop"]}),
    }
    if not near.folder:
        plain = st.sampled_from(("safetensors", "xgboost", "json"))
        return either(
            made({"format": "onnx"}, {**options, **onnx, **lineage}),
            made({"format": plain, **served}, {**options, **lineage}),
        )
    described = {"path": "meta.json", "format": "json"}
    shards = [{"path": "part-*.safetensors", "format": "safetensors"}, described]
    one = [{"path": "model é.onnx", "format": "onnx"}, described]
    meta = {"metadata": "meta.json"}
    return either(
        made({"files": shards, **served}, {**options, **meta, **lineage}),
        made({"files": one}, {**options, **onnx, **meta, **lineage}),
    )


def _serve(near: Near) -> Params:
    ratios = some({"max_latency_ratio": 1.2, "max_memory_ratio": 2})
    options = {
        "protocol": st.sampled_from(("http", "jsonl")),
        "tolerance": share,
        "trace": texts.text,
        "ready": "/v1/ready?deep=1",
        "path": "/score",
        "start_within": texts.duration,
        "answer_within": texts.duration,
        "latency_p95": {"max": st.sampled_from(("50ms", "2s"))},
        "memory": {"max": st.sampled_from(("512MB", "2GiB"))},
        "champion": joined(made({"run": texts.command}), ratios),
        "requests": st.integers(80, 1000),
        "warmup": st.integers(0, 20),
    }
    return made({"run": texts.command, "golden": "golden/q.json"}, {**options, **reads(near)})


def _answers(near: Near) -> Params:
    del near
    options = {
        "tolerance": share,
        "trace": texts.text,
        "ready": "/v1/ready?deep=1",
        "path": "/score",
        "ready_within": texts.duration,
        "answer_within": texts.duration,
        "latency_p95": {"max": st.sampled_from(("50ms", "2s"))},
        "requests": st.integers(80, 1000),
        "warmup": st.integers(0, 20),
    }
    urls = st.sampled_from(
        ("http://127.0.0.1:8080", "https://staging.example.com/models/churn", "http://[::1]/")
    )
    return made({"url": urls, "golden": "golden/q.json"}, options)


def _evidence(near: Near) -> Params:
    topics = (
        "model_card", "review", "proxy_metric_study", "tuning_study", "staleness", "dependency_diff",
        "feature_lead_time", "privacy_review",
    )  # fmt: skip
    base = {"topic": st.sampled_from(topics), "max_age": st.sampled_from(("1d", "90d"))}
    options = {
        "date": "approved",
        "fields": ["owner"],
        "signed_by": texts_of(texts.text),
        "about": [near.guarded],
    }
    found = [
        made({**base, "record": "docs/a b.md"}, {**options, "sections": texts_of(texts.text)}),
        made({**base, "record": "docs/card.json"}, {**options, "date": "at.day", "about": []}),
    ]
    others = [name for name in near.numbers if name != near.guarded]
    if others:
        found.append(made({**base, "record_from": st.sampled_from(others)}, options))
    return either(*found)


def canary_parts() -> Data:
    """Return the keys that a canary gate and a canary of a release share, each with a value or a strategy."""
    rate = made({"max": 0.05}, {"worse_than_control": st.sampled_from((1, 1.5)), "count": "wrong"})
    metrics = {
        "errors": {"rate": rate},
        "slow": {"rate": {"max": 0.1, "over": "250ms"}},
        "scores": joined(
            made({"histogram": "model score"}), some({"on_drift": st.sampled_from(("hold", "fail"))})
        ),
    }
    return {
        "metrics": some(metrics),
        "judge": made({}, {"alpha": 0.01, "min_bad": 5, "min_requests": 500}),
        "every": "1s",
        "max_extend": st.sampled_from(("1x", "1.25x", "2x")),
        "max_age": texts.duration,
        "fail_after": st.integers(1, 5),
        "traffic": made({"expected_rps": 10**6}, {"routing": "per-request"}),
    }


def _canary(near: Near) -> Params:
    parts = canary_parts()
    sources: list[Data] = [{"command": texts.command}, {"file": "seen/snapshots.jsonl"}]
    if near.numbers:
        sources.append({"file_from": one_of(near.numbers)})
    base = {
        "weight": st.sampled_from((0.5, 5, 50)),
        "bake": "1s",
        "metrics": parts.pop("metrics"),
        "every": "1s",
    }
    parts["from_zero"] = st.booleans()
    live = {**parts, "liveness": liveness("http://shop:8080/healthz")}
    return either(
        *(made({**base, "observations": made(s)}, live if "command" in s else parts) for s in sources)
    )


def liveness(url: str) -> Params:
    """Draw the keys that ask a candidate whether it is alive."""
    return made({"url": url}, {"fail_after": st.integers(1, 5)})


_PARAMS: dict[str, Callable[[Near], Params]] = {
    "tests": _tests,
    "contract": _contract,
    "leakage": _leakage,
    "drift": _drift,
    "feature_parity": _feature_parity,
    "feature_value": feature_value,
    "reproduce": _reproduce,
    "pipeline_smoke": _pipeline_smoke,
    "evaluate": evaluate,
    "compare": compare,
    "slices": slices,
    "artifact": _artifact,
    "serve": _serve,
    "answers": _answers,
    "canary": _canary,
    "evidence": _evidence,
    "command": _command,
}
