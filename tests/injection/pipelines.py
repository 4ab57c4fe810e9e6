"""A pipeline in which every way that a string can take to a command is taken, and what must arrive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.injection.fields import Tree, base, many, quoted
from tests.injection.leaves import takes
from tests.injection.platforms import World
from tests.injection.scratch import Scratch

LINE = 9_000  # characters of one command, as the spec spells it
FILES, LEGS, FOLDERS, FETCHES, INPUTS = 80, 6, 4, 3, 20
RECORD = 'python3 -I "$RECORD"'


@dataclass
class Strings:
    """Strings by the way that they take; each has passed the check of its place."""

    values: list[str]  # variables
    words: list[str]  # of commands
    lines: list[str]  # values that fit on one line
    files: list[str]  # names of files
    inputs: list[str]  # what a person may give to a form
    some: dict[str, list[str]] = field(default_factory=dict)


def strings(texts: Sequence[str], turn: int) -> Strings:
    """Return what each way takes of some strings; the costly ones take a few, others in each turn."""
    values = [text for text in texts if takes("Execution.env{}=", text)]
    names = [
        text
        for text in texts
        if takes("Report.path", text) and not text.endswith("/") and len(text.encode()) < 200
    ]
    found = Strings(
        values=values,
        words=[text for text in texts if takes("Job.run", text)],
        lines=[text for text in values if "\n" not in text],
        files=[text for text in names if "/" not in text],
        inputs=[text for text in values if text.isprintable() and len(text) <= 1000 and "${{" not in text][
            turn::3
        ][:INPUTS],
    )
    found.some = {
        "files": found.files[:FILES],
        "legs": values[turn :: len(values) // LEGS + 1],
        "folders": found.files[turn :: len(found.files) // FOLDERS + 1],
        "fetches": found.files[turn + 1 :: len(found.files) // FETCHES + 1],
        "branches": [text for text in found.lines if text.isprintable() and " " not in text][:1] or ["main"],
    }
    return found


def words(texts: Sequence[str], what: str) -> tuple[str, list[str]]:
    """Return a command with as many of the strings as a line of a spec holds, and these."""
    chosen: list[str] = []
    size = 0
    for text in texts:
        size += 4 * len(quoted(text)) if not text.isascii() else len(quoted(text)) + text.count("\n")
        if size > LINE:
            break
        chosen.append(text)
    return " ".join([RECORD, what, *map(quoted, chosen)]), chosen


def spec(given: Strings) -> tuple[Tree, dict[str, list[str]]]:
    """Return the spec, and the words of each command by what it calls itself."""
    third = len(given.words) // 5 + 1
    said = {
        name: words(given.words[i * third :], name)
        for i, name in enumerate(("write", "finally", "command", "tests", "fetch"))
    }
    files = {
        f"f{i}": {"kind": "data", "path": f"build/f{i}/{text}"} for i, text in enumerate(given.some["files"])
    }
    artifacts: Tree = dict(files)
    for i, text in enumerate(given.some["fetches"]):
        artifacts[f"d{i}"] = {"kind": "data", "path": f"build/d{i}.csv", "from": {"dvc": text}}
    artifacts["c"] = {"kind": "data", "path": "build/c.csv", "from": {"command": said["fetch"][0]}}
    carry: Tree = {
        "setup": [f"WORDS+=({quoted(text)})" for text in given.words],
        "run": f'{RECORD} setup "${{WORDS[@]}}"\n{said["write"][0]}',
        "finally": said["finally"][0],
        "env": {
            **many("V", given.values),
            "OUTPUTS": str(len(given.lines[:100])),
            **many("V", given.lines[:100]),
        },
        "outputs": [f"O{i}" for i in range(len(given.lines[:100]))],
        "environment": "e",
        "writes": list(files),
        "reports": many("r", given.some["files"], lambda text: {"path": f"build/{text}", "format": "text"}),
    }
    read: Tree = {
        "run": f"{RECORD} read",
        "reads": [*files, *(id for id in artifacts if id[0] in "dc")],
        "env": {
            **{f"O{i}": {"output": f"carry.O{i}"} for i in range(len(given.lines[:100]))},
            **{f"I{i}": {"input": f"i{i}"} for i in range(len(given.inputs))},
            **{f"S{i}": {"secret": f"S{i}"} for i in range(len(given.inputs))},
            **{f"M{i}": {"var": f"M{i}"} for i in range(len(given.inputs))},
            **{f"X{i}": {"var": "ABSENT", "default": text} for i, text in enumerate(given.values)},
            "BRANCH": {"context": "branch"},
        },
    }
    legs = {
        "run": f"{RECORD} leg",
        "matrix": {"include": many("l", given.some["legs"], lambda text: {"a": text})},
    }
    jobs: Tree = {"carry": carry, "read": read, "legs": legs}
    for i, text in enumerate(given.some["folders"]):
        jobs[f"in{i}"] = {"run": f"{RECORD} folder", "working_directory": text}
    made = base(jobs=jobs, artifacts=artifacts, environments={"e": {"env": many("E", given.values)}})
    made["defaults"] = {"env": many("D", given.values)}
    made["triggers"] = {"manual": {"go": {"inputs": many("i", given.inputs, lambda _: {"type": "string"})}}}
    made["gates"] = {
        "g": {"guards": "c", "command": {"run": said["command"][0]}, "env": many("G", given.values)},
        "t": {"guards": "c", "tests": {"run": said["tests"][0]}},
    }
    return made, {name: chosen for name, (_, chosen) in said.items()}


def world(given: Strings) -> World:
    """Return what the CI system holds and was told."""
    own = given.inputs
    return World(
        branch=given.some["branches"][0],
        inputs={f"i{i}": text for i, text in enumerate(own)},
        secrets={f"S{i}": text for i, text in enumerate(own)},
        variables={f"M{i}": text for i, text in enumerate(own)},
    )


def arrivals(scratch: Scratch, given: Strings, said: dict[str, list[str]]) -> int:
    """Compare everything that programs saw with what was put in, and return how many strings that were."""
    seen = 0

    def compare(env: dict[str, Any], prefix: str, texts: Sequence[str], start: int = 0) -> None:
        nonlocal seen
        for i, text in enumerate(texts):
            if i >= start:
                assert env[f"{prefix}{i}"] == text
                seen += 1

    (setup,) = scratch.recorded("setup")
    assert setup["words"] == given.words
    compare(setup["env"], "D", given.values)
    compare(setup["env"], "E", given.values)
    compare(setup["env"], "V", given.lines[:100])
    compare(setup["env"], "V", given.values, start=100)
    for name, chosen in said.items():
        assert chosen in [record["words"] for record in scratch.recorded(name)], name
        seen += len(chosen)
    (gate,) = scratch.recorded("command")
    compare(gate["env"], "G", given.values)
    (read,) = scratch.recorded("read")
    compare(read["env"], "O", given.lines[:100])
    for prefix in "ISM":
        compare(read["env"], prefix, given.inputs)
    compare(read["env"], "X", given.values)
    assert read["env"]["BRANCH"] == given.some["branches"][0]
    for i, text in enumerate(given.some["files"]):
        assert read["env"][f"ARTIFACT_F{i}"] == f"build/f{i}/{text}"
    assert sorted(r["env"]["MATRIX_A"] for r in scratch.recorded("leg")) == sorted(given.some["legs"])
    folders = sorted(record["folder"] for record in scratch.recorded("folder"))
    assert folders == sorted(str(scratch.repository / text) for text in given.some["folders"])
    fetched = sorted(r["words"][2] for r in scratch.recorded("write") if r["words"][:2] == ["pull", "--"])
    assert fetched == sorted(given.some["fetches"])
    return seen + len(given.words) + sum(map(len, given.some.values()))
