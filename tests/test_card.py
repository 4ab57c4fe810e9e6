"""Model cards and bills of materials: what the record says, and what it doesn't."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft7Validator, FormatChecker
from referencing import Registry, Resource

from mlcc.bom import bill_of_materials
from mlcc.card import card
from mlcc.cli import cli
from tests.runs import gate, run, write

CHECK = {
    "id": "auc.min", "verdict": "pass", "message": "m", "estimate": 0.91, "interval": [0.885, 0.935], "confidence": 0.95,
    "n": 2000, "threshold": {"min": 0.88}, "margin": 0.005,
}  # fmt: skip


def test_it_says_what_was_gated_on_which_data_with_which_intervals() -> None:
    text = card(run({"good": gate(checks=[CHECK]), "clean": gate(kind="contract", guards="raw")}))
    lines = text.splitlines()
    assert lines[0] == "# Model card: demo"
    assert "| model | train | `sha256:" + "1" * 64 + "` |" in lines
    assert f"| raw | data | fetch-raw | 1200 | `sha256:{'2' * 64}`<br>md5 in DVC: `{'ab' * 16}` |" in lines
    assert "| good | evaluate | model | ✓ pass | It is so. |" in lines
    assert "| auc.min | ✓ pass | 0.91 | 0.885 to 0.935 (each bound 95 %) | 2000 | ≥ 0.88 | 0.005 |" in lines
    assert "## What was let through\n\nNothing.\n" in text


def test_it_says_what_was_let_through() -> None:
    waived = {"reason": "known | bad", "until": "2026-12-31", "issue": "X-1"}
    text = card(
        run(
            {
                "a": gate("fail", end="passed", waived=waived),
                "b": gate("inconclusive", end="passed"),
                "c": gate("fail", blocking=False),
                "d": gate("fail"),
            },
            borne={"feature": {"until": "2027-01-01", "reason": "small"}},
        )
    )
    through = text.split("## What was let through")[1].split("## ")[0].strip().splitlines()
    assert through == [
        "- a: waived until 2026-12-31: known &#124; bad (X-1)",
        "- b: inconclusive, and the evidence was too weak, and a warning is enough",
        "- c: fail, and it doesn't block",
        "- feature of the CI system, until 2027-01-01: small",
    ]
    assert "| a | evaluate | model | ✗ fail (waived) |" in text


def test_it_says_what_it_cannot_vouch_for() -> None:
    point = {key: value for key, value in CHECK.items() if key not in ("interval", "confidence")}
    text = card(run({"good": gate(checks=[point]), "late": gate(end="skipped", verdict="")}))
    limits = text.split("## Limits")[1].split("## ")[0].strip().splitlines()
    assert "- Without an interval, by the point only: good: auc.min." in limits
    assert "- No gate of this run decided about code, raw." in limits
    assert "- No gate looked at slices of the data or at fairness." in limits
    assert "- Without a verdict: late." in limits
    assert "- Intended use, users and ethical considerations aren't stated." in limits
    assert not any("differed from the commit" in line for line in limits)
    dirty = card(run({}, commit={"id": "c" * 40}))
    assert "Tracked files differed from the commit, or that isn't known." in dirty
    assert "No gate gave a verdict." in dirty


def test_notes_of_its_authors() -> None:
    text = card(run({}), "## Intended use\n\nDemos.\n")
    assert "\n## Intended use\n\nDemos.\n" in text
    assert "Intended use, users" not in text


def test_texts_of_a_run_are_no_markup() -> None:
    text = card(run({"g": gate(summary="<img src=x> [a](b) | c\n# d")}, seeds={"train": {"SEED": "`|"}}))
    assert "<img" not in text
    assert "\n# d" not in text
    assert "| `'\\|` |" in text


def test_the_command(tmp_path: Path) -> None:
    write(tmp_path / "r/lineage.jsonl", run({"g": gate()}))
    notes = tmp_path / "notes.md"
    notes.write_text("## Intended use\n\nNone.\n")
    done = CliRunner().invoke(cli, ["card", str(tmp_path / "r"), "--notes", str(notes)])
    assert (done.exit_code, done.output) == (0, card(run({"g": gate()}), notes.read_text()))
    again = CliRunner().invoke(cli, ["card", str(tmp_path / "r/lineage.jsonl"), "--notes", str(notes)])
    assert again.output == done.output


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "there is no"),
        ("", "no statement of the type"),
        ("{", "is not JSON"),
        ("[1]\n", "no statement of the type"),
        (json.dumps({"predicateType": "https://mlcc.dev/lineage/1", "predicate": 3}), "of another type"),
        (
            json.dumps({"predicateType": "https://mlcc.dev/lineage/1", "predicate": {}}),
            "a part of it is missing",
        ),
        ("\x00", "is not JSON"),
        (b"\xff", "of another type"),
    ],
)
def test_what_is_no_record(tmp_path: Path, text: str | bytes | None, said: str) -> None:
    path = tmp_path / "lineage.jsonl"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    done = CliRunner().invoke(cli, ["card", str(path)])
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr


def cyclonedx() -> Draft7Validator:
    """Return a validator of the published schema of CycloneDX 1.7."""
    folder = files("cyclonedx.schema") / "_res"
    schemas = {
        name: json.loads((folder / f"{name}.SNAPSHOT.schema.json").read_text("utf-8"))
        for name in ("bom-1.7", "spdx", "jsf-0.82", "cryptography-defs")
    }
    registry: Registry[Any] = Registry().with_resources(
        (one["$id"], Resource.from_contents(one)) for one in schemas.values()
    )
    return Draft7Validator(schemas["bom-1.7"], registry=registry, format_checker=FormatChecker())


def test_the_bill_of_materials_keeps_to_its_schema() -> None:
    record = run({"good": gate(checks=[CHECK]), "other": gate(guards="raw", checks=[CHECK])})
    record["artifacts"]["champion"] = {**record["artifacts"]["model"], "made": False}
    record["artifacts"]["many"] = {**record["artifacts"]["raw"], "digests": {"a": "sha256:" + "4" * 64}}
    live = {"digests": {"": "objects:" + "e" * 64}, "made": False, "kind": "data", "form": "objects"}
    record["artifacts"]["live"] = {**live, "paths": ["s3://acme-ml/t/"]}
    text = bill_of_materials(record)
    assert text == bill_of_materials(json.loads(json.dumps(record)))
    found = json.loads(text)
    assert list(cyclonedx().iter_errors(found)) == []
    parts = {part["name"]: part for part in found["components"]}
    assert {name: part["type"] for name, part in parts.items()} == {
        "code": "file", "model": "machine-learning-model", "raw": "data", "champion": "file", "many/a": "data", "live": "data",
    }  # fmt: skip
    assert parts["model"]["hashes"] == [{"alg": "SHA-256", "content": "1" * 64}]
    assert "hashes" not in parts["live"]
    assert parts["live"]["version"] == "objects:" + "e" * 64
    assert parts["model"]["modelCard"] == {
        "modelParameters": {"datasets": [{"ref": "artifact:raw"}, {"ref": "artifact:many/a"}, {"ref": "artifact:live"}]},
        "quantitativeAnalysis": {
            "performanceMetrics": [
                {
                    "type": "good: auc.min", "value": "0.91",
                    "confidenceInterval": {"lowerBound": "0.885", "upperBound": "0.935"},
                }
            ]
        },
    }  # fmt: skip
    (dependency,) = found["dependencies"]
    assert dependency["dependsOn"] == [
        "artifact:code",
        "artifact:raw",
        "artifact:champion",
        "artifact:many/a",
        "artifact:live",
    ]


def test_the_validator_refuses_what_is_no_bill_of_materials() -> None:
    found = json.loads(bill_of_materials(run({})))
    found["components"][0]["type"] = "model"
    assert list(cyclonedx().iter_errors(found)) != []


def test_the_bill_of_materials_as_a_command(tmp_path: Path) -> None:
    write(tmp_path / "lineage.jsonl", run({"g": gate()}))
    done = CliRunner().invoke(cli, ["card", str(tmp_path), "--format", "cyclonedx"])
    assert (done.exit_code, done.output) == (0, bill_of_materials(run({"g": gate()})))
    notes = tmp_path / "notes.md"
    notes.write_text("x")
    refused = CliRunner().invoke(cli, ["card", str(tmp_path), "--format", "cyclonedx", "--notes", str(notes)])
    assert refused.exit_code == 2
    assert "don't go with" in refused.stderr


@pytest.mark.parametrize(("kind", "id"), [("compare", "holdout"), ("slices", "slices")])
def test_what_a_gate_counts_is_no_metric_of_the_model(kind: str, id: str) -> None:
    count = {"id": id, "verdict": "pass", "message": "m", "estimate": 3, "threshold": {"max": 20}}
    record = run({"good": gate(kind=kind, checks=[CHECK, count])})
    bill = json.loads(bill_of_materials(record))
    (model,) = (one for one in bill["components"] if one["type"] == "machine-learning-model")
    measured = model["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    assert [one["type"] for one in measured] == ["good: auc.min"]
    assert "by the point only" not in card(record)
