"""Specs with small mistakes of every kind: each is judged, never a bug, and lint and compile judge alike."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cli.project import SOURCES, SPEC, Project

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SEEDS = (SPEC, (EXAMPLES / "flights" / "mlcc.yaml").read_text("utf-8"))
WORDS = (
    "model", "train", "code", "unit", "main", "good", "ship", "raw", "features", "", " ", ":", ": ", "-", "- ", "{",
    "}", "[", "]", "{}", "[]", "null", "~", "yes", "0", "-1", "1e999", ".nan", "3.10", "99999999999999999999", "true",
    "'", '"', "#", " #", "&a", "*a", "<<", "!!str", "|", ">", "%", "@", "`", "\\", "\t", "\r", "\n", "\n\n", "\x00",
    "\x1b[31m", "\u202e", "\ufeff", "é", "😀", "../x", "/etc/passwd", "-rf", "${{ x }}", "$(x)", "a" * 70, "**", "*",
    "?", "x-y", "timeout: 5m", "needs: [train]", "{secret: A}", "{input: rate}", "{matrix: a}", "{output: train.x}",
    "{context: commit}", "matrix: {axes: {a: [1, 2]}}", "retry: 2", "blocking: false", "when: {event: push}",
    "when: {gate: good, verdict: fail}", "when: {status: always}", "extends: [base.yaml]",
    "targets: {github: {workflow: {name: x}}}", "run: x", "path: a", "reads: [model]", "evaluates: [model]",
)  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """Draw a spec with up to four changes: characters, words or lines cut out, doubled, swapped or put in."""
    text = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 4))):
        if draw(st.booleans()):
            text = _by_line(draw, text)
        else:
            start = draw(st.integers(0, len(text)))
            end = min(len(text), start + draw(st.integers(0, 12)))
            text = text[:start] + draw(st.sampled_from(WORDS)) + text[end:]
    return text


def _by_line(draw: st.DrawFn, text: str) -> str:
    lines = text.split("\n")
    one, other = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
    change = draw(st.sampled_from(("drop", "double", "swap", "indent", "dedent", "comment", "cut")))
    if change == "drop":
        del lines[one]
    elif change == "double":
        lines.insert(other, lines[one])
    elif change == "swap":
        lines[one], lines[other] = lines[other], lines[one]
    elif change == "cut":
        del lines[one + 1 :]
    else:
        edit = {"indent": "  " + lines[one], "dedent": lines[one][2:], "comment": "# " + lines[one]}
        lines[one] = edit[change]
    return "\n".join(lines)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A folder with the files that the specs name. No git repository: that would only cost time."""
    project = Project(tmp_path_factory.mktemp("fuzz"))
    for path, text in SOURCES.items():
        project.write(path, text)
    for path in (
        "src/x.py",
        "tests/x.py",
        "pytest.ini",
        "requirements.txt",
        "requirements-build.txt",
        "requirements-data.txt",
    ):
        project.write(path, "")
    here = Path.cwd()
    os.chdir(project.root)
    yield project
    os.chdir(here)


@settings(
    max_examples=250,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(text=mutated())
def test_every_spec_is_judged(bare: Project, text: str) -> None:
    bare.write("mlcc.yaml", text.encode("utf-8", "surrogatepass"))
    before = bare.tree()
    lint = bare.run("lint", "--format", "json")
    assert lint.code in (0, 1, 2), lint.both
    found = json.loads(lint.out)["diagnostics"]
    broken = [one for one in found if one["severity"] == "error"]
    assert (lint.code == 2) is bool(broken)
    for one in found:
        assert one["code"]
        assert one["message"].isprintable()
        span = one["span"]
        assert span["file"] == "mlcc.yaml" or one["code"] == "no-such-file"
        assert 1 <= span["line"] <= text.count("\n") + text.count("\r") + 1
    check = bare.run("compile", "--check")
    assert check.code == (2 if broken else 1), check.both
    assert bare.run("explain").code in (0, 2)
    assert bare.run("graph", "--format", "svg").code in (0, 2)
    assert bare.tree() == before
