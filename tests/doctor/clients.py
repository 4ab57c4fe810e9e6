"""Fake clients on PATH, and what they were asked."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FAKE = Path(__file__).with_name("fake_client.py")


@dataclass(frozen=True)
class Fakes:
    """A folder with `gh` and `glab`, which know only the answers that a test gives them."""

    folder: Path

    def answer(self, answers: dict[str, Any]) -> None:
        (self.folder / "answers.json").write_text(json.dumps(answers))

    def lines(self) -> list[list[str]]:
        log = self.folder / "lines.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def install(folder: Path) -> Fakes:
    folder.mkdir()
    for name in ("gh", "glab"):
        program = folder / name
        program.write_text(f"#!{sys.executable}\n" + FAKE.read_text())
        program.chmod(0o755)
    fakes = Fakes(folder)
    fakes.answer({})
    return fakes
