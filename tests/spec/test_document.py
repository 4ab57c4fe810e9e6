"""The reference pages: complete, and every link on them leads somewhere."""

from __future__ import annotations

import re

import pytest

from mlcc.gates import GATES
from mlcc.spec import document, table
from mlcc.spec.document import anchor, gates_page, noun_of, spec_page
from mlcc.spec.shapes import Fields

PAGES = {"spec.md": spec_page(), "gates.md": gates_page()}


def anchors(page: str) -> list[str]:
    return [anchor(heading) for heading in re.findall(r"^#+ (.+)$", PAGES[page], re.MULTILINE)]


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_to_a_heading(page: str) -> None:
    links = re.findall(r"\]\(([\w.]*)#([\w-]+)\)", PAGES[page])
    assert links
    for target, place in links:
        assert place in anchors(target or page), f"{target}#{place}"


@pytest.mark.parametrize("page", PAGES)
def test_headings_are_unique(page: str) -> None:
    assert len(set(anchors(page))) == len(anchors(page))


def test_every_key_of_the_language_is_listed_on_one_of_the_pages() -> None:
    both = "".join(PAGES.values())
    for shape in vars(table).values():
        if isinstance(shape, Fields):
            missing = [key for key in shape.keys if f"| `{key}` |" not in both and key not in GATES]
            assert missing == [], shape.name
    assert [kind for kind in GATES if f"\n## {kind}\n" not in PAGES["gates.md"]] == []


def test_tables_are_well_formed() -> None:
    for page in PAGES.values():
        rows = [line for line in page.splitlines() if line.startswith("| `")]
        assert rows
        assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} <= {3, 5}


def test_the_forms_of_values() -> None:
    page = PAGES["spec.md"]
    assert "| `retry` | whole number from 0 to 5 | `0` | How often a failed leg is run again. |" in page
    assert "| `run` | command |  | One bash process together with `setup`, in strict mode. |" in page
    assert "| `run` | command | **required** | Changes nothing: a plan, a diff, a dry run. |" in page
    assert "| `as` | `value`, `file` | `value` |" in page
    assert "| `services` | id → [service](#service) |  |" in page
    assert "| `confidence` | number from 0.5 to 0.9999 | `0.95` |" in PAGES["gates.md"]


@pytest.mark.parametrize(
    ("name", "noun"), [("FormInput", "form input"), ("Job", "job"), ("AwsAuth", "AWS login")]
)
def test_nouns(name: str, noun: str) -> None:
    assert noun_of(name) == noun


def test_a_key_without_a_description_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document.Spec.model_fields["name"], "description", None)
    with pytest.raises(AssertionError, match=r"Spec\.name has no description"):
        spec_page()
