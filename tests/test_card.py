"""Model cards: what the record says, and what it doesn't."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

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
