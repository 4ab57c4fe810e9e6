"""The YAML in the pages: whole specs compile, pieces compile together, everything else can be loaded.

The kinds of gates have a section each, of one shape, whose examples are gates of one spec.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mlcc.compiler import analyses, compile_files
from mlcc.gates import GATES
from mlcc.load.source import read

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
GUIDE = ROOT / "docs/guide.md"
GATE_PAGE = ROOT / "docs/gates.md"
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
    return examples(page.read_text("utf-8"))


def examples(text: str) -> list[str]:
    """Return the YAML blocks of a text."""
    return re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def sections(page: Path) -> dict[str, str]:
    """Return the sections of a page: title to text."""
    return dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", page.read_text("utf-8"), re.MULTILINE | re.DOTALL))


def compiles(text: str, folder: Path) -> None:
    """Compile a spec; raises SpecError."""
    path = folder / "mlcc.yaml"
    path.write_text(text, "utf-8")
    for analysis in analyses(path, folder, assume_committed=True):
        compile_files(analysis, ["github"])


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
    pieces: dict[str, list[str]] = {}
    for block in blocks(GUIDE):
        title, _, body = block.partition("\n")
        pieces.setdefault(title.partition("#")[0].strip(), []).append(body)
    assert set(pieces) == {"artifacts:", "environments:", "jobs:", "releases:", "gates:", "comment: true"}
    compiles(HEAD + "".join(f"{title}\n{''.join(bodies)}" for title, bodies in pieces.items()), tmp_path)


def test_each_kind_of_gate_has_a_section_of_one_shape_in_the_order_of_the_registry() -> None:
    found = sections(GATE_PAGE)
    assert [title for title in found if title in GATES] == list(GATES)
    for kind in GATES:
        marks = re.findall(r"^\*\*(\w+)", found[kind], re.MULTILINE)
        assert marks[0] == "Decides", kind
        assert [mark for mark in marks if mark in ("Decides", "Statistics", "Closes")] == [
            "Decides",
            "Statistics",
            "Closes",
        ], kind


def test_the_examples_of_the_gates_compile_together(tmp_path: Path) -> None:
    found = sections(GATE_PAGE)
    (artifacts,) = examples(found["The kinds"])
    gates = {kind: examples(found[kind]) for kind in GATES}
    for kind, [example, *_] in gates.items():  # others are about parts of one
        assert re.search(rf"\b{kind}:", example), kind
    text = "".join(example for [example, *_] in gates.values())
    compiles(HEAD + artifacts + "gates:\n" + re.sub(r"^(?=.)", "  ", text, flags=re.MULTILINE), tmp_path)


def test_the_readme_has_a_row_for_each_kind_of_gate() -> None:
    rows = re.findall(
        r"^\| \[(\w+)\]\(docs/gates\.md#(\w+)\)", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE
    )
    assert rows == [(kind, kind) for kind in GATES]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_within_the_repository_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#[\w-]+)?\)", page.read_text("utf-8")):
        assert not target or (page.parent / target).exists(), target
