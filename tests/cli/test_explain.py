"""`mlcc explain`: the answers are worked out by hand from S1 to S6 and the spec of these tests.

`unit` guards the code, which `train` reads; `good` judges what `train` writes and guards the model, which `ship` reads,
on pushes and manual runs only.
"""

from __future__ import annotations

import json

import pytest

from tests.cli.project import Project

ALL = ["good", "ship", "train", "unit"]
NOT_SHIP = ["good", "train", "unit"]


def ask(project: Project, *args: str, hints: tuple[str, ...] = ()) -> dict[str, object]:
    done = project.run("explain", "--format", "json", *args)
    assert (done.code, done.err) == (0, "".join(f"hint: {hint}\n" for hint in hints))
    answer = json.loads(done.out)
    assert sorted(answer) == ["green", "nodes", "selected"]
    return {
        "selected": answer["selected"],
        "ends": {id: node["end"] for id, node in answer["nodes"].items()},
        "green": answer["green"],
    }


@pytest.mark.parametrize(
    ("args", "selected"),
    [
        ("", ALL),
        ("--changed fit.py", ALL),
        ("--changed stops.csv", ALL),
        ("--changed test_fit.py", ALL),
        ("--changed mlcc.yaml", ALL),
        ("--changed ship.py", []),
        ("--changed ship.py --changed stops.csv", ALL),
        ("--nothing-changed", []),
        ("--event pull_request", NOT_SHIP),
        ("--event pull_request --fork", NOT_SHIP),
        ("--event pull_request --branch main --changed fit.py", NOT_SHIP),
        ("--event pull_request --changed ship.py", []),
        ("--event schedule", NOT_SHIP),
        ("--event schedule --trigger weekly", NOT_SHIP),
        ("--event manual", ALL),
        ("--event manual --trigger retrain --input rate=0.5", ALL),
    ],
)
def test_what_is_selected(project: Project, args: str, selected: list[str]) -> None:
    answer = ask(project, *args.split())
    ends = {id: "passed" if id in selected else "unselected" for id in ALL}
    assert answer == {"selected": selected, "ends": ends, "green": True}


@pytest.mark.parametrize(
    ("args", "ends"),
    [
        ("--fail unit", {"unit": "failed", "train": "skipped", "good": "skipped", "ship": "skipped"}),
        ("--fail train", {"unit": "passed", "train": "failed", "good": "skipped", "ship": "skipped"}),
        ("--fail ship", {"unit": "passed", "train": "passed", "good": "passed", "ship": "failed"}),
        ("--verdict good=fail", {"unit": "passed", "train": "passed", "good": "failed", "ship": "skipped"}),
        ("--verdict good=error", {"unit": "passed", "train": "passed", "good": "failed", "ship": "skipped"}),
        ("--verdict good=inconclusive", {"unit": "passed", "train": "passed", "good": "failed", "ship": "skipped"}),
    ],
)  # fmt: skip
def test_how_it_ends(project: Project, args: str, ends: dict[str, str]) -> None:
    assert ask(project, *args.split()) == {"selected": ALL, "ends": ends, "green": False}


def test_a_failure_of_what_is_not_selected_changes_nothing(project: Project) -> None:
    reason = "its `when` doesn't allow it: the event is pull_request; the trigger is none of them"
    hint = f"'ship' is not selected ({reason}), so how it turns out changes nothing"
    args = ("--event", "pull_request", "--fail", "ship", "--verdict", "good=pass")
    assert ask(project, *args, hints=(hint,))["green"] is True


def test_a_failure_of_what_is_skipped_changes_nothing(project: Project) -> None:
    hint = "'good' is skipped ('train' failed), so how it turns out changes nothing"
    ask(project, "--fail", "train", "--verdict", "good=fail", hints=(hint,))


def test_a_path_that_is_not_there(project: Project) -> None:
    project.write("README.md", "")
    hint = "there is no READMEE.md in the repository, and no node depends on it"
    paths = ("README.md", "READMEE.md", ".mlcc/run.py", ".github/workflows/demo.yml")
    ask(project, *(word for path in paths for word in ("--changed", path)), hints=(hint,))


def test_text(project: Project) -> None:
    done = project.run("explain", "--event", "pull_request", "--changed", "fit.py", "--verdict", "good=fail")
    assert (done.code, done.err) == (0, "")
    first, *nodes, last = done.out.splitlines()
    assert first == "pull_request main, changed: fit.py"
    assert [line.split()[:3] for line in nodes] == [
        ["unit", "runs", "fit.py"], ["train", "runs", "fit.py"], ["good", "fails", "(fail)"], ["ship", "not", "selected"],
    ]  # fmt: skip
    assert "its `when` doesn't allow it" in nodes[3]
    assert last == "3 of 4 nodes selected; the run is red"


@pytest.mark.parametrize(
    ("until", "verdict", "color"),
    [
        ("9999-12-31", "fail", "green"),
        ("9999-12-31", "inconclusive", "green"),
        ("9999-12-31", "error", "red"),
        ("2020-01-01", "fail", "red"),
    ],
)
def test_a_waived_gate(project: Project, until: str, verdict: str, color: str) -> None:
    project.spec(
        "good: {",
        f"good: {{waive: {{reason: flaky on Mondays, until: '{until}', issue: 'https://example.org/1'}}, ",
    )
    done = project.run("explain", "--verdict", f"good={verdict}")
    (line,) = (line for line in done.out.splitlines() if line.startswith("  good "))
    word = "runs" if color == "green" else "fails"
    assert line.split()[1:3] == [word, f"({verdict})"]
    assert line.endswith(f"; waived until {until}") is (color == "green")
    assert done.out.endswith(f"the run is {color}\n")


def test_text_of_a_trigger(project: Project) -> None:
    done = project.run("explain", "--event", "manual", "--input", "rate=0.2")
    assert done.out.startswith("manual retrain, changed: everything\n")
    assert done.out.endswith("4 of 4 nodes selected; the run is green\n")


def test_a_question_is_echoed_escaped(project: Project) -> None:
    done = project.run("explain", "--changed", "a\x1b[31m\n::error::b", "--branch", "main")
    assert done.code == 0
    assert done.out.startswith("push main, changed: a\\x1b[31m\\n::error::b\n")
    assert (
        done.err == "hint: there is no a\\x1b[31m\\n::error::b in the repository, and no node depends on it\n"
    )


def test_a_condition_on_an_input_holds_for_its_default(project: Project) -> None:
    project.spec("{trigger: retrain}", "{trigger: retrain, input: {rate: '0.1'}}")
    project.spec("default: 0.1", "default: 0.1, description: Learning rate")
    assert ask(project, "--event", "manual")["selected"] == ALL
    assert ask(project, "--event", "manual", "--input", "rate=0.2")["selected"] == NOT_SHIP


def test_branches_and_tags_by_pattern(project: Project) -> None:
    project.spec("push: {branches: [main]}", "push: {branches: ['release/*']}\n  tag: {patterns: ['v*.*']}")
    assert ask(project)["selected"] == ALL
    assert ask(project, "--branch", "release/1")["selected"] == ALL
    assert ask(project, "--event", "tag")["selected"] == NOT_SHIP
    assert ask(project, "--event", "tag", "--tag", "v1.2")["selected"] == NOT_SHIP
    for args, says in {
        "--branch main": "error[bad-question]: the branch 'main' starts no run by push\n  = help: the spec has release/*\n",
        "--event tag --tag 1.2": "error[bad-question]: the tag '1.2' starts no run by tag\n  = help: the spec has v*.*\n",
    }.items():
        done = project.run("explain", *args.split())
        assert (done.code, done.out, done.err) == (2, "", says)


@pytest.mark.parametrize(
    ("args", "message", "help"),
    [
        ("--fail shp", "there is no node 'shp'", "did you mean 'ship'?"),
        ("--fail whatever", "there is no node 'whatever'", "there are unit, train, good, ship"),
        ("--verdict godo=pass", "there is no gate 'godo'", "did you mean 'good'?"),
        ("--verdict train=pass", "there is no gate 'train'", "there are unit, good"),
        ("--verdict good", "'' is no verdict", "pass, fail, inconclusive or error"),
        ("--verdict good=skip", "'skip' is no verdict", "pass, fail, inconclusive or error"),
        ("--event schedule --trigger weakly", "there is no schedule trigger 'weakly'", "did you mean 'weekly'?"),
        ("--event manual --trigger weekly", "there is no manual trigger 'weekly'", "there are retrain"),
        ("--event tag", "no trigger of this spec is a tag", "it has push, pull_request, schedule, manual"),
        ("--event dispatch", "no trigger of this spec is a dispatch", "it has push, pull_request, schedule, manual"),
        ("--branch other", "the branch 'other' starts no run by push", "the spec has main"),
        ("--trigger weekly", "--trigger has no meaning for the event push", "it is for schedule, manual, dispatch"),
        ("--tag v1", "--tag has no meaning for the event push", "it is for tag"),
        ("--fork", "--fork has no meaning for the event push", "it is for pull_request"),
        ("--input rate=1", "--input has no meaning for the event push", "it is for manual"),
        ("--event schedule --changed a", "--changed has no meaning for the event schedule", "it is for push, pull_request"),
        ("--nothing-changed --changed a", "--changed and --nothing-changed exclude each other", "keep one of them"),
        ("--event manual --input rate", "'rate' isn't an input", "write --input NAME=VALUE"),
        ("--event manual --input rat=1", "there is no input of 'retrain' 'rat'", "did you mean 'rate'?"),
        ("--event manual --input rate=2", "the input rate is refused: it is above 1", "the pipeline would refuse it too"),
        (
            "--event manual --input rate=nan", "the input rate is refused: it isn't a number in plain digits",
            "the pipeline would refuse it too",
        ),
    ],
)  # fmt: skip
def test_a_question_about_what_is_not_there(project: Project, args: str, message: str, help: str) -> None:
    done = project.run("explain", *args.split())
    assert (done.code, done.out) == (2, "")
    assert done.err == f"error[bad-question]: {message}\n  = help: {help}\n"


def test_a_wrong_question_in_json(project: Project) -> None:
    done = project.run("explain", "--format", "json", "--fail", "nothing")
    assert (done.code, done.err) == (2, "")
    (found,) = json.loads(done.out)["diagnostics"]
    assert (found["code"], found["severity"], found["span"]) == ("bad-question", "error", None)


def test_several_specs(project: Project) -> None:
    project.write(
        "other.yaml", "version: 1\nname: o\ntriggers: {push: {branches: [main]}}\njobs: {j: {run: make}}\n"
    )
    done = project.run("explain", "mlcc.yaml", "other.yaml")
    assert done.code == 0
    assert "mlcc.yaml: push main, changed: everything\n" in done.out
    assert "4 of 4 nodes selected" in done.out
    assert "other.yaml: push main, changed: everything\n" in done.out
    assert "1 of 1 nodes selected" in done.out
    answers = json.loads(project.run("explain", "--format", "json", "mlcc.yaml", "other.yaml").out)
    assert {path: one["selected"] for path, one in answers.items()} == {"mlcc.yaml": ALL, "other.yaml": ["j"]}
    assert json.loads(project.run("explain", "--format", "json", "other.yaml").out)["selected"] == ["j"]


def test_who_would_be_told(project: Project) -> None:
    spec = (project.root / "mlcc.yaml").read_text()
    notices = (
        "notify:\n  red: {when: {status: failure}, slack: {secret: A}}\n"
        "  well: {when: {status: success}, slack: {secret: A}}\n"
        "  bad: {when: {gate: good, verdict: [fail, error]}, slack: {secret: A}}\n"
    )
    project.write("mlcc.yaml", spec + notices)
    done = project.run("explain", "--verdict", "good=error")
    assert done.out.endswith(
        "the run is red\n'red' is told: the status of the run is failure\n'bad' is told: the verdict of 'good' is error\n"
    )
    answer = json.loads(project.run("explain", "--format", "json").out)
    assert answer["told"] == {"well": ["the status of the run is success"]}
