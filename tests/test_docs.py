"""The YAML in the pages: whole specs compile, pieces compile together, everything else can be loaded."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mlcc.compiler import analyse, compile_files
from mlcc.source import read

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
GUIDE = ROOT / "docs/guide.md"
HEAD = """\
version: 1
name: guide
triggers:
  push: {branches: [main]}
  schedule: {weekly: "17 3 * * 1"}
  manual: {retrain: {inputs: {learning_rate: {type: number, default: 0.1}}}}
defaults: {python: "3.12"}
"""
"""What the pieces of the guide stand below."""


def blocks(page: Path) -> list[str]:
    """Return the YAML blocks of a page."""
    return re.findall(r"^```yaml\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def compiles(text: str, folder: Path) -> None:
    """Compile a spec; raises SpecError."""
    path = folder / "mlcc.yaml"
    path.write_text(text, "utf-8")
    compile_files(analyse(path, folder, assume_committed=True), ["github"])


BLOCKS = [
    pytest.param(block, id=f"{page.relative_to(ROOT)}-{number}")
    for page in PAGES
    for number, block in enumerate(blocks(page), 1)
]


@pytest.mark.parametrize("block", BLOCKS)
def test_each_block_can_be_loaded_and_a_whole_spec_compiles(block: str, tmp_path: Path) -> None:
    assert read(block.encode(), "block.yaml")
    if re.search(r"^version:", block, re.MULTILINE):
        compiles(block, tmp_path)


def test_the_pieces_of_the_guide_compile_together(tmp_path: Path) -> None:
    sections: dict[str, list[str]] = {}
    for block in blocks(GUIDE):
        title, _, body = block.partition("\n")
        sections.setdefault(title, []).append(body)
    assert set(sections) == {"artifacts:", "jobs:", "gates:"}
    compiles(HEAD + "".join(f"{title}\n{''.join(bodies)}" for title, bodies in sections.items()), tmp_path)
