"""Whole workflows with hostile strings, run by act: what it makes of variables, matrices and inputs is text."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.execution.github.act import run_workflow
from tests.execution.github.scratch import scratch_repo
from tests.injection.compiling import all_files, compiled, spec_text
from tests.injection.corpus import canaries, corpus
from tests.injection.fields import base, many, quoted
from tests.injection.leaves import takes
from tests.injection.platforms import platform

RUNS = 5
EACH = 60
# Writes what it was given into an artifact, which act uploads: one line of JSON.
SHOW = """\
import json, os, sys
with open(os.environ["ARTIFACT_SEEN"], "w", encoding="utf-8") as file:
    json.dump({"words": sys.argv[1:], "env": dict(os.environ)}, file)
"""


@pytest.mark.parametrize("turn", range(RUNS))
def test_a_whole_run(turn: int, tmp_path: Path, executed: Callable[[int], None]) -> None:
    texts = [h.text for h in corpus()[turn :: len(corpus()) // EACH // 2]]
    values = [text for text in texts if takes("Execution.env{}=", text) and len(text) < 2_000][:EACH]
    words = [text for text in values if takes("Job.run", text)][:EACH]
    inputs = [text for text in values if text.isprintable() and "${{" not in text][:8]
    tree = base(
        triggers={"manual": {"go": {"inputs": many("i", inputs, lambda _: {"type": "string"})}}},
        artifacts={
            "seen": {"kind": "data", "path": "build/seen.json"},
            "legs": {"kind": "data", "path": "build/legs/"},
        },
        defaults={"env": many("D", values)},
        environments={"e": {}},
        jobs={
            "show": {
                "setup": [f"WORDS+=({quoted(text)})" for text in words],
                "run": 'python3 -I show.py "${WORDS[@]}"',
                "writes": ["seen"],
                "environment": "e",
                "env": {
                    **many("V", values),
                    **{f"I{i}": {"input": f"i{i}"} for i in range(len(inputs))},
                    **{f"S{i}": {"secret": f"S{i}"} for i in range(len(inputs))},
                },
            },
            "legs": {
                "run": 'printf %s "$A" >"$ARTIFACT_LEGS/a.txt"',
                "writes": ["legs"],
                "matrix": {"include": many("l", values[:2], lambda text: {"a": text})},
                "env": {"A": {"matrix": "a"}},
            },
        },
        targets={
            "github": {"jobs": {"show": {"env": many("W", [t for t in values if "${{" not in t][:20])}}}
        },
    )
    github = platform("github")
    plan, files = compiled(tree, github)
    repo = scratch_repo(tmp_path, {"mlcc.yaml": spec_text(tree), "show.py": SHOW, **all_files(plan, files)})
    run = run_workflow(
        repo,
        ".github/workflows/p.yml",
        "workflow_dispatch",
        {},
        inputs={f"i{i}": text for i, text in enumerate(inputs)},
        secrets={f"S{i}": text for i, text in enumerate(inputs)},
    )
    assert set(run.jobs.values()) == {"success"}, run.log[-3000:]
    (path,) = run.artifacts.rglob("seen.json")
    seen = json.loads(path.read_text("utf-8"))
    assert seen["words"] == words
    for prefix, given in (("D", values), ("V", values), ("I", inputs), ("S", inputs)):
        assert [seen["env"][f"{prefix}{i}"] for i in range(len(given))] == given
    overlaid = [text for text in values if "${{" not in text][:20]
    assert [seen["env"][f"W{i}"] for i in range(len(overlaid))] == overlaid
    found = sorted(path.read_text("utf-8") for path in run.artifacts.rglob("a.txt"))
    assert found == sorted(values[:2])
    assert canaries(tmp_path) == []
    executed(len(words) + 2 * len(values) + 2 * len(inputs) + len(overlaid) + 2)
