"""The commands that only show something, and what all commands do with their output."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import click
import jsonschema
import pytest

from mlcc import __version__
from mlcc.backends import BACKENDS
from mlcc.cli import cli
from mlcc.matrix import TARGETS_PAGE
from tests.cli.project import SPEC, Project

ROOT = Path(__file__).resolve().parents[2]

COMMANDS = (
    "init",
    "profile",
    "compile",
    "lock",
    "absorb",
    "doctor",
    "gates",
    "lint",
    "obligations",
    "explain",
    "graph",
    "rules",
    "schema",
    "targets",
    "score",
)


def test_version(project: Project) -> None:
    done = project.run("--version")
    assert (done.code, done.out) == (0, f"mlcc, version {__version__}\n")


def test_help_names_every_command(project: Project) -> None:
    for flag in ("--help", "-h"):
        done = project.run(flag)
        assert done.code == 0
        for command in COMMANDS:
            assert f"\n  {command} " in done.out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(project: Project, command: str) -> None:
    done = project.run(command, "-h")
    assert done.code == 0
    assert done.out.startswith(f"Usage: mlcc {command} ")
    found = cli.get_command(click.Context(cli), command)
    assert found is not None
    for option in found.params:
        assert isinstance(option, click.Argument) or (isinstance(option, click.Option) and option.help), (
            option.name
        )


def test_no_command_is_a_wrong_call(project: Project) -> None:
    done = project.run()
    assert done.code == 2
    assert "Usage: mlcc " in done.both


# graph


def test_graph_as_mermaid(project: Project) -> None:
    done = project.run("graph")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("flowchart ")
    assert project.run("graph", "--format", "mermaid") == done
    for id in ("train", "ship", "good", "unit"):
        assert re.search(rf'\["?{id}\b|"{id}<br/>', done.out), id


def test_graph_as_dot(project: Project) -> None:
    done = project.run("graph", "--format", "dot")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("digraph ")
    assert done.out.rstrip().endswith("}")


def test_graph_as_svg(project: Project) -> None:
    done = project.run("graph", "--format", "svg")
    assert (done.code, done.err) == (0, "")
    root = ElementTree.fromstring(done.out)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    texts = {(text.text or "").strip() for text in root.iter("{http://www.w3.org/2000/svg}text")}
    texts |= {(text.text or "").strip() for text in root.iter("{http://www.w3.org/2000/svg}tspan")}
    assert {"train", "ship", "good", "unit"} <= texts


@pytest.mark.parametrize("format", ["mermaid", "dot", "svg"])
def test_a_graph_of_a_broken_spec(project: Project, format: str) -> None:
    project.spec("reads: [model]", "reads: [modle]")
    done = project.run("graph", "--format", format)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("mlcc.yaml:15:39: error[unknown-artifact]: ")


# schema


def test_schema_is_one_that_specs_follow(project: Project) -> None:
    done = project.run("schema")
    assert (done.code, done.err) == (0, "")
    schema = json.loads(done.out)
    jsonschema.Draft202012Validator.check_schema(schema)
    from mlcc.load.source import plain, read

    spec = plain(read(SPEC.encode(), "mlcc.yaml").root)
    jsonschema.validate(spec, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**spec, "artefacts": {}}, schema)  # type: ignore[dict-item] # a mapping, as SPEC is
    assert project.run("schema", "spec") == done


def test_schema_of_verdicts(project: Project) -> None:
    done = project.run("schema", "verdict")
    assert (done.code, done.err) == (0, "")
    jsonschema.Draft202012Validator.check_schema(json.loads(done.out))
    assert json.loads(done.out)["$id"] == "https://mlcc.dev/verdict/1"


# targets


def test_targets(project: Project) -> None:
    text = project.run("targets")
    markdown = project.run("targets", "--format", "markdown")
    matrix = project.run("targets", "--format", "json")
    assert [done.code for done in (text, markdown, matrix)] == [0, 0, 0]
    ledgers = json.loads(matrix.out)
    assert list(ledgers) == list(BACKENDS)
    rows = [(feature, row) for ledger in ledgers.values() for feature, row in ledger.items()]
    assert len(rows) > 10
    assert len(text.out.splitlines()) == len(rows)
    assert markdown.out == (ROOT / TARGETS_PAGE).read_text("utf-8")
    for feature, row in rows:
        assert row["grade"] in ("exact", "emulated", "stricter", "weaker", "impossible")
        assert row["how"]
        assert feature in text.out
        assert f"| `{feature}` | " in markdown.out
    assert "]()" not in markdown.out, "a link that leads nowhere"


# rules


def test_rules(project: Project) -> None:
    done = project.run("rules")
    assert (done.code, done.err) == (0, "")
    assert "unread-artifact" in done.out
    page = project.run("rules", "unread-artifact")
    assert (page.code, page.err) == (0, "")
    assert "unread-artifact" in page.out
    unknown = project.run("rules", "unread-artefact")
    assert (unknown.code, unknown.out) == (2, "")
    assert "did you mean 'unread-artifact'?" in unknown.err


# init


def test_init_proposes_a_spec_that_compiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Project(tmp_path / "new")
    project.write("train.py", "print('train')\n")
    project.write("tests/test_train.py", "def test_train():\n    pass\n")
    project.shell(f"git init -q {project.root}")
    monkeypatch.chdir(project.root)
    shown = project.run("init", "--stdout")
    assert (shown.code, shown.err) == (0, "")
    assert "mlcc.yaml" not in project.files()
    done = project.run("init")
    assert (done.code, done.err) == (0, "")
    assert (project.root / "mlcc.yaml").read_text() == shown.out
    assert project.run("compile").code == 0
    again = project.run("init")
    assert again.code == 3
    assert "mlcc.yaml" in again.err
    assert (project.root / "mlcc.yaml").read_text() == shown.out


def test_init_in_no_folder(project: Project) -> None:
    done = project.run("init", "nowhere")
    assert (done.code, done.out) == (2, "")
    assert "'nowhere' does not exist" in done.err


# Output


def test_a_full_standard_output(compiled: Project) -> None:
    for command in ("graph", "schema", "explain", "targets", "compile", "--help", "lint --format json"):
        done = compiled.shell(f"python -m mlcc {command} > /dev/full")
        assert done.code == 3, (command, done.err)
        assert done.err == "error[cannot-write]: No space left on device\n"


def test_a_reader_that_leaves(compiled: Project) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    for command in ("schema", "compile", "graph"):
        done = subprocess.run([sys.executable, "-m", "mlcc", command], stdout=writing, stderr=subprocess.PIPE)
        assert (done.returncode, done.stderr) == (3, b"")
    os.close(writing)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_terminal_that_cannot_show_a_character(compiled: Project, encoding: str) -> None:
    (compiled.root / b".mlcc/caf\xc3\xa9 \xff.json".decode("utf-8", "surrogateescape")).write_bytes(
        (compiled.root / ".mlcc/plan.json").read_bytes()
    )
    compiled.spec("run: python ship.py", "run: python ship.py 'é'")
    for flags, code in (("--check", 1), ("", 0), ("--prune", 0)):
        done = compiled.shell(
            f"PYTHONIOENCODING={encoding} python -m mlcc compile {flags} | cat -v; exit ${{PIPESTATUS[0]}}"
        )
        assert done.code == code, done.err
        assert done.err == ""
    assert compiled.run("compile", "--check").code == 0


def test_an_interrupted_command(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    for module in ("mlcc.linting", "mlcc.compiler"):  # the former takes over what the latter has
        monkeypatch.setattr(f"{module}.expanded", interrupted)
    for command in ("compile", "lint", "graph"):
        done = project.run(command)
        assert (done.code, done.both) == (130, "")


def test_the_exit_codes_are_told_alike_everywhere(project: Project) -> None:
    import mlcc.cli

    codes = {
        mlcc.cli.OK,
        mlcc.cli.FINDINGS,
        mlcc.cli.BAD_SPEC,
        mlcc.cli.BAD_IO,
        mlcc.cli.BUG,
        mlcc.cli.INTERRUPTED,
    }
    told = re.findall(r"^ +(\d+) +\S", project.run("--help").out.partition("Exit codes:")[2], re.MULTILINE)
    guide = (Path(__file__).parents[2] / "docs/guide.md").read_text().partition("## Exit codes")[2]
    assert {int(code) for code in told} == codes
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", guide, re.MULTILINE)} == codes
