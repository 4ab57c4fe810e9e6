"""Statements about a run: what went in, what came out, and what the gates said, as others read them."""

from __future__ import annotations

from typing import Any

import pytest

from mlcc.runtime.predicates import PROVENANCE, TEST_RESULT
from mlcc.runtime.statements import statements, subjects
from tests.runs import gate, run


def predicate(record: dict[str, Any], kind: str) -> dict[str, Any]:
    return next(one["predicate"] for one in statements(record) if one["predicateType"] == kind)


def result(**gates: Any) -> str:
    return str(predicate(run(gates), TEST_RESULT)["result"])


@pytest.mark.parametrize(
    ("gates", "expected"),
    [
        ({"a": gate()}, "PASSED"),
        ({"a": gate(), "b": gate("inconclusive", end="passed")}, "WARNED"),
        ({"a": gate(), "b": gate("fail", end="passed", waived={})}, "WARNED"),
        ({"a": gate("fail", end="passed", waived={})}, "WARNED"),
        ({"a": gate(), "b": gate("fail")}, "FAILED"),
        ({"a": gate(), "b": gate("", end="skipped")}, "FAILED"),  # a skipped gate leaves this run red
    ],
)
def test_the_result(gates: dict[str, Any], expected: str) -> None:
    assert result(**gates) == expected


def test_a_red_run_has_not_passed_whatever_its_gates_say() -> None:
    assert predicate(run({"a": gate()}, green=False), TEST_RESULT)["result"] == "FAILED"


@pytest.mark.parametrize("gates", [{}, {"a": gate("", end="skipped")}, {"a": gate("error", end="lost")}])
def test_without_a_verdict_there_is_no_result(gates: dict[str, Any]) -> None:
    assert TEST_RESULT not in [one["predicateType"] for one in statements(run(gates))]


def test_files_that_a_gate_judged_by_are_its_configuration() -> None:
    golden = {"path": "tests/golden.json", "digest": "sha256:" + "d" * 64}
    model = {"path": "model", "digest": "sha256:" + "1" * 64}
    record = run({"a": gate(inputs={"tests/golden.json": golden, "model": model, "odd": "text"})})
    assert predicate(record, TEST_RESULT)["configuration"] == [
        {"name": ".mlcc/gates/a.json", "digest": {"sha256": "a" * 64}},
        {"name": "tests/golden.json", "digest": {"sha256": "d" * 64}},
    ]


def test_what_went_in() -> None:
    images = {"train": "registry/x:1@sha256:" + "e" * 64, "score": "python:3.12"}
    record = run({}, images=images, locks={"uv.lock": "sha256:" + "f" * 64}, seeds={"train": {"SEED": "7"}})
    record["run"] |= {"repository": "me/it", "run_url": "https://ci/7", "tag": "v1"}
    found = predicate(record, PROVENANCE)
    used = {one["name"]: one for one in found["buildDefinition"]["resolvedDependencies"]}
    assert used["me/it"]["digest"] == {"gitCommit": "c" * 40}
    assert used["uv.lock"]["digest"] == {"sha256": "f" * 64}
    pinned = images["train"]
    assert used[pinned] == {"name": pinned, "uri": f"docker://{pinned}", "digest": {"sha256": "e" * 64}}
    assert used["python:3.12"] == {"name": "python:3.12", "uri": "docker://python:3.12"}
    assert used["code"]["digest"] == {"sha256": "3" * 64}
    assert "raw" not in used  # a fetch of this run made it
    assert found["buildDefinition"]["externalParameters"]["ref"] == "v1"
    assert found["buildDefinition"]["internalParameters"] == {"seeds": {"train": {"SEED": "7"}}}
    assert found["runDetails"]["metadata"] == {
        "invocationId": "https://ci/7",
        "finishedOn": record["finished"],
    }
    assert [one["name"] for one in found["runDetails"]["byproducts"]] == ["raw"]


def test_a_model_that_is_only_read_is_no_subject() -> None:
    record = run({})
    record["artifacts"]["champion"] = {**record["artifacts"]["model"], "made": False}
    assert [one["name"] for one in subjects(record)] == ["model"]
    names = [one["name"] for one in predicate(record, PROVENANCE)["buildDefinition"]["resolvedDependencies"]]
    assert "champion" in names


def test_a_commit_of_no_known_shape_keeps_its_name() -> None:
    record = run({}, artifacts={}, commit={"id": "r1234"})
    assert subjects(record) == [{"name": "commit", "digest": {"commit": "r1234"}}]


@pytest.mark.parametrize(
    ("form", "path", "digest"),
    [
        ("table", "postgres://ml.t", "table:" + "d" * 64),
        ("objects", "s3://acme-ml/t/", "objects:" + "e" * 64),
    ],
)
def test_what_lies_elsewhere_has_an_address_and_no_digest_of_bytes(form: str, path: str, digest: str) -> None:
    record = run({})
    live = {"digests": {"": digest}, "made": False, "kind": "data", "form": form, "paths": [path]}
    record["artifacts"]["live"] = live
    used = predicate(record, PROVENANCE)["buildDefinition"]["resolvedDependencies"]
    (found,) = [one for one in used if one["name"] == "live"]
    annotations = {"mlcc_form": form, "mlcc_digest": digest}
    assert found == {"name": "live", "uri": path, "annotations": annotations}
