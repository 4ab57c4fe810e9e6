"""The page in Chromium: no errors, no overflow, in light and dark, narrow, wide and on paper; its accessible tree."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mlcc.report.findings import read_run
from mlcc.report.page import page
from tests.report.sample import PLAN, verdicts, write_run

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
WIDTHS = (320, 400, 700, 1200)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM:
        if os.environ.get("MLCC_TEST_ALL"):
            pytest.fail("chromium is not installed")
        pytest.skip("chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Without its sandbox, which a container's root can't set up: it shows only this test's own page.
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    root = tmp_path_factory.mktemp("page")
    here = Path.cwd()
    os.chdir(root)
    try:
        found = verdicts()
        write_run(
            root, {**PLAN, "name": "a-name-that-is-as-long-as-names-may-be-and-has-no-space-in-it"}, found
        )
        (root / "report.html").write_text(page(read_run(PLAN)), "utf-8")
    finally:
        os.chdir(here)
    return (root / "report.html").as_uri()


def opened(browser: Browser, address: str, **more: Any) -> tuple[Page, list[str]]:
    """Return the page, and what the browser says about it or loads for it."""
    shown = browser.new_context(java_script_enabled=True, **more).new_page()
    said: list[str] = []
    shown.on("console", lambda message: said.append(message.text))
    shown.on("pageerror", lambda problem: said.append(str(problem)))
    shown.on("request", lambda request: said.append(request.url) if request.url != address else None)
    shown.goto(address)
    return shown, said


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_it_fits_and_nothing_is_wrong(browser: Browser, address: str, width: int, scheme: Any) -> None:
    shown, said = opened(browser, address, viewport={"width": width, "height": 900}, color_scheme=scheme)
    shown.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    assert said == []
    assert shown.evaluate("document.documentElement.scrollWidth") == width
    outside = """[...document.querySelectorAll('svg text, svg rect')].filter(one => {
      const inner = one.getBoundingClientRect(), outer = one.ownerSVGElement.getBoundingClientRect()
      return inner.left < outer.left - 1 || inner.right > outer.right + 1 || inner.bottom > outer.bottom + 1
        || inner.top < outer.top - 1 }).map(one => one.outerHTML)"""
    assert shown.evaluate(outside) == []
    behind = shown.evaluate("getComputedStyle(document.body).backgroundColor")
    assert behind == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(13, 17, 23)")
    shown.context.close()


def test_on_paper_it_is_light_and_every_table_is_open(browser: Browser, address: str) -> None:
    shown, said = opened(browser, address, viewport={"width": 800, "height": 900}, color_scheme="dark")
    seen = "[...document.querySelectorAll('details table')].map(table => table.checkVisibility())"
    assert set(shown.evaluate(seen)) == {False}
    shown.emulate_media(media="print", color_scheme="dark")
    assert shown.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert set(shown.evaluate(seen)) == {True}
    assert said == []
    shown.context.close()


def test_its_accessible_tree(browser: Browser, address: str) -> None:
    """What a screen reader is told, at the width at which tables are laid out as blocks."""
    shown, _ = opened(browser, address, viewport={"width": 400, "height": 900})
    session = shown.context.new_cdp_session(shown)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    found = [
        (
            node["role"]["value"],
            node.get("name", {}).get("value", ""),
            node.get("description", {}).get("value", ""),
        )
        for node in nodes
        if not node["ignored"]
    ]
    headings = [name for role, name, _ in found if role == "heading"]
    assert headings[:5] == ["✗ Red: churn", "Why it is red", "Gates", "raw-drift", "Checks"]
    images = [(name, told) for role, name, told in found if role in ("image", "img") and name]
    assert len(images) == 11
    assert all(told for _, told in images)
    assert ("Decision of auc", "estimate 0.871; bounds 0.862 and 0.88, each with 95 % confidence; 4,000 rows; "
            "must be at least 0.85; kept by 0.012") in images  # fmt: skip
    roles = [role for role, _, _ in found]
    assert roles.count("table") == 7  # of gates, of their checks, of nodes; the others are closed
    assert roles.count("columnheader") == 4 + 5 * 3 + 3
    assert {"banner", "main", "contentinfo"} <= set(roles)
    assert shown.evaluate("document.documentElement.lang") == "en"
    shown.context.close()


def test_it_reads_without_its_styles(browser: Browser, address: str) -> None:
    """Jenkins serves files with a policy that drops styles inside a page."""
    shown, _ = opened(browser, address, viewport={"width": 700, "height": 900})
    shown.evaluate("document.querySelector('style').remove()")
    fills = shown.evaluate(
        "[...new Set([...document.querySelectorAll('svg rect')].map(r => getComputedStyle(r).fill))]"
    )
    assert "rgb(223, 243, 228)" in fills
    assert "rgb(0, 0, 0)" not in fills
    widths = shown.evaluate("[...document.querySelectorAll('svg')].map(s => s.getBoundingClientRect().width)")
    assert max(widths) <= 400
    shown.context.close()
