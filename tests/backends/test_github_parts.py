"""A plan that one workflow file can't hold: what goes where, what each file may and sees, and where it ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from mlcc.backends import BACKENDS
from mlcc.backends.github import limits
from mlcc.backends.github.build import Compiled, compiled
from mlcc.backends.github.headroom import split_note
from mlcc.backends.github.lower import lower
from mlcc.backends.github.overlay import Overlay
from mlcc.backends.github.partition import added_waits, partition
from mlcc.backends.github.render import parsed_bytes, render
from mlcc.compiler import compiled_files
from mlcc.diagnostics import Severity, SpecError
from mlcc.plan import Pins, Plan
from mlcc.plan import document as plan_json
from mlcc.plan.pins import Action
from mlcc.record import replace
from mlcc.runtime.patterns import path_matches
from mlcc.semantics import Event, select
from mlcc.writing.files import File, seal
from mlcc.writing.writer import check as drifts
from mlcc.writing.writer import write
from tests.backends.many import HEAD, chains
from tests.plans import place, plan_of

MAIN = ".github/workflows/many.yml"
SMALL = 4_000  # bytes of a file: one node, or two


def part(number: int) -> str:
    return f".github/workflows/many.part-{number}.yml"


def trees(made: Compiled) -> dict[str, Any]:
    """Return each file's content by its path."""
    return {file.path: yaml.load(file.text, yaml.CSafeLoader) for file in made.files}


@pytest.fixture(scope="module")
def plan500() -> Plan:
    return plan_of(chains(500))


def test_what_fits_stands_in_one_file_as_ever() -> None:
    plan = plan_of(chains(10))
    made = compiled(plan)
    assert [file.path for file in made.files] == [MAIN]
    assert made.files[0].text == render(lower(plan), Overlay())
    assert [problem.code for problem in BACKENDS["github"].check(plan)] == []
    most = len(made.files[0].text.encode())
    assert len(compiled(plan, most).files) == 1
    assert len(compiled(plan, most - 1).files) > 1


@pytest.mark.parametrize("number", [500, 2_000])
def test_each_file_keeps_to_the_limit_and_every_node_has_one_job(number: int) -> None:
    plan = plan_of(chains(number))
    made = compiled(plan)
    content = trees(made)
    main = content.pop(MAIN)
    assert list(content) == [part(n) for n in range(1, len(made.files))]
    assert all(len(file.text.encode()) <= limits.WORKFLOW.allowed for file in made.files)
    nodes = [id for tree in content.values() for id in tree["jobs"]]
    assert len(nodes) == number
    assert set(nodes) == set(plan.nodes)
    calls = [f"part--{n}" for n in range(1, len(made.files))]
    assert list(main["jobs"]) == ["select", *calls, "final"]
    assert main["jobs"]["final"]["needs"] == ["select", *calls]
    assert main["jobs"]["final"]["if"] == "${{ always() }}"
    assert [main["jobs"][call]["uses"] for call in calls] == [f"./{path}" for path in content]
    full = sum(len(file.text) > 0.8 * limits.WORKFLOW.allowed for file in made.files)
    assert full >= len(made.files) - 3  # but the main one, the gate's and the last
    assert BACKENDS["github"].compile(plan)  # no limit is exceeded


def test_what_all_come_after_has_a_part_of_its_own_so_that_nothing_else_waits(plan500: Plan) -> None:
    made = compiled(plan500)
    assert made.parts[0].nodes == ("unit", "prepare")
    assert [p.after for p in made.parts] == [(), *((0,) for _ in made.parts[1:])]
    assert added_waits(plan500, made.parts) == 0
    main = trees(made)[MAIN]["jobs"]
    assert main["part--1"]["needs"] == ["select"]
    assert all(main[f"part--{n}"]["needs"] == ["select", "part--1"] for n in range(2, len(made.files)))
    assert main["part--1"]["if"] == "${{ !cancelled() && needs.select.result == 'success' }}"


def test_a_part_gets_only_what_its_nodes_use(plan500: Plan) -> None:
    content = trees(compiled(plan500))
    main = content.pop(MAIN)
    for call, tree in zip(list(main["jobs"].values())[1:-1], content.values(), strict=True):
        secret, login = ("step-1" in tree["jobs"]), ("step-2" in tree["jobs"])
        assert tree["on"] == {
            "workflow_call": {
                "inputs": {"skip": {"type": "string", "required": True}},
                **({"secrets": {"TOKEN": {"required": False}}} if secret else {}),
            }
        }
        assert call["with"] == {"skip": "${{ needs.select.outputs.skip }}"}
        assert call.get("secrets") == ({"TOKEN": "${{ secrets.TOKEN }}"} if secret else None)
        assert call["permissions"] == {"contents": "read", **({"id-token": "write"} if login else {})}
        assert set(call) <= {"name", "needs", "if", "permissions", "uses", "with", "secrets"}
        assert tree["permissions"] == {}
        assert "concurrency" not in tree
        assert tree["env"] == main["env"]
        for id, job in tree["jobs"].items():
            assert job["permissions"] == {
                "contents": "read",
                **({"id-token": "write"} if id == "step-2" else {}),
            }
    assert sum("secrets" in call for call in main["jobs"].values()) == 1


def test_conditions_name_what_the_file_sees(plan500: Plan) -> None:
    content = trees(compiled(plan500))
    jobs = {id: job for path, tree in content.items() if path != MAIN for id, job in tree["jobs"].items()}
    assert jobs["unit"]["if"] == "${{ !cancelled() && !contains(inputs.skip, ',unit,') }}"
    assert "needs" not in jobs["step-0"]  # `prepare` is in another part
    assert jobs["step-0"]["if"] == "${{ !cancelled() && !contains(inputs.skip, ',step-0,') }}"
    assert jobs["step-1"]["needs"] == ["step-0"]
    assert jobs["step-1"]["if"] == (
        "${{ !cancelled() && !contains(inputs.skip, ',step-1,') "
        "&& (needs.step-0.result == 'success' || contains(inputs.skip, ',step-0,')) }}"
    )
    receive = next(step for step in jobs["step-0"]["steps"] if step["id"] == "receive")
    assert receive["with"]["pattern"] == "{s--select,s--prepare}"


STATUS = """\
  clean: {run: make, needs: [prepare], when: {status: always}}
  alert: {run: make, needs: [step-3], when: {status: failure}}
  tell: {run: make, needs: [alert, step-3], when: {status: failure}}
"""


def test_status_nodes_across_parts() -> None:
    content = trees(compiled(plan_of(chains(6) + STATUS), SMALL))
    main = content.pop(MAIN)["jobs"]
    where = {
        id: int(path.split("-")[1].split(".")[0]) for path, tree in content.items() for id in tree["jobs"]
    }
    call = main[f"part--{where['clean']}"]
    assert call["if"] == "${{ always() && needs.select.result == 'success' }}"
    assert call["needs"] == ["select", *(f"part--{n}" for n in sorted({where["unit"], where["prepare"]}))]
    for id in ("alert", "tell"):
        call = main[f"part--{where[id]}"]
        assert {f"part--{where[f'step-{n}']}" for n in range(4)} <= set(call["needs"])
        assert call["with"]["failed"] == (
            "${{ (contains(needs.*.result, 'failure') || contains(needs.*.result, 'cancelled')) }}"
        )
        tree = content[part(where[id])]
        assert tree["on"]["workflow_call"]["inputs"]["failed"] == {"type": "boolean", "required": True}
        assert "inputs.failed" in tree["jobs"][id]["if"]


OVERLAY = """\
targets:
  github:
    workflow: {run-name: many}
    jobs:
      step-0: {services: {db: {credentials: {username: me, password: "${{ secrets.HERE }}"}}}}
"""


def test_overlays_go_to_the_file_of_their_job_with_the_secrets_that_they_name() -> None:
    content = trees(compiled(plan_of(chains(4) + OVERLAY), SMALL))
    main = content.pop(MAIN)
    assert main["run-name"] == "many"
    for call, tree in zip(list(main["jobs"].values())[1:-1], content.values(), strict=True):
        users = {"HERE": "step-0", "TOKEN": "step-1"}
        names = [name for name, user in users.items() if user in tree["jobs"]]
        assert list(call.get("secrets", {})) == list(tree["on"]["workflow_call"].get("secrets", {})) == names
        assert "run-name" not in tree


def test_independent_nodes_do_not_wait_for_one_another() -> None:
    spec = HEAD + "".join(
        f"  c{chain}-{n}: {{run: make{f', needs: [c{chain}-{n - 1}]' if n else ''}}}\n"
        for chain in range(6)
        for n in range(5)
    )
    plan = plan_of(spec)
    parts = partition(plan, dict.fromkeys(plan.nodes, 1), 7)
    assert all(p.after == () for p in parts)
    for chain in range(6):
        assert len({n for n, p in enumerate(parts) for id in p.nodes if id.startswith(f"c{chain}-")}) == 1


def test_what_is_one_long_chain_is_cut_along_it() -> None:
    spec = HEAD + "".join(
        f"  n{n}: {{run: make, needs: [{f'n{n - 1}' if n else 'prepare'}]}}\n" for n in range(28)
    )
    plan = plan_of(spec)
    parts = partition(plan, dict.fromkeys(plan.nodes, 1), 10)
    assert [id for p in parts for id in p.nodes] == list(plan.nodes)
    assert [p.after for p in parts] == [tuple(range(n)) for n in range(len(parts))]
    assert added_waits(plan, parts) == 0


def test_parts_stay_few_where_sparing_every_wait_would_take_many() -> None:
    lines = [HEAD]
    for n in range(60):
        lines.append(f"  a{n}: {{run: make}}\n")
    for n in range(120):
        lines.append(
            f"  b{n}: {{run: make, needs: [a{n % 60}, a{(7 * n + 1) % 60}, a{(11 * n + 5) % 60}]}}\n"
        )
    plan = plan_of("".join(lines))
    parts = partition(plan, dict.fromkeys(plan.nodes, 1), 8)
    assert len(parts) <= limits.PARTS.allowed
    waits = added_waits(plan, parts)
    assert waits > 0
    assert f"{waits:,} pairs of nodes run one after the other that needn't" in split_note(plan, parts).message


def test_a_note_says_how_many_files_and_what_waits(plan500: Plan) -> None:
    (note,) = BACKENDS["github"].check(plan500)
    assert (note.code, note.severity) == ("split", Severity.NOTE)
    assert "500 nodes" in note.message
    assert note.message.endswith("none of them waits longer for it")


def test_usage_tells_the_largest_file_the_parts_and_their_parsed_size(plan500: Plan) -> None:
    found = {use.limit.name: use for use in BACKENDS["github"].usage(plan500)}
    made = compiled(plan500)
    assert found["called workflows"].used == len(made.files) - 1 == len(made.parts)
    assert found["workflow file"].used == max(len(file.text.encode()) for file in made.files)
    assert found["workflow file"].where.startswith("many.part-")
    trees_ = [yaml.load(file.text, yaml.CSafeLoader) for file in made.files]
    assert found["workflow files of a run, as parsed"].used == sum(map(parsed_bytes, trees_))


def test_parsed_bytes_are_counted_as_the_runner_does() -> None:
    assert parsed_bytes({"a": ["bc", 1, True, None]}) == 24 + (24 + 26 + 2) + 24 + (24 + 26 + 4) + 3 * 24


def test_a_node_that_no_file_can_hold_is_an_error_at_its_line() -> None:
    text = chains(4)
    blob = "\n".join(f"          V{n}: '{'x' * 9_000}'" for n in range(52))
    text += f"targets:\n  github:\n    jobs:\n      prepare:\n        env:\n{blob}\n"
    plan = plan_of(text)
    with pytest.raises(SpecError) as caught:
        BACKENDS["github"].compile(plan)
    (problem,) = caught.value.diagnostics
    assert problem.code == "limit"
    assert "the workflow file is 460,800 bytes; prepare uses" in problem.message
    assert place(problem).startswith(f"{text[: text.index('  prepare:')].count(chr(10)) + 1}:")


def test_more_than_github_takes_in_all_is_an_error(monkeypatch: pytest.MonkeyPatch, plan500: Plan) -> None:
    parts = limits.Limit("called workflows", 2, "files", "a page")
    monkeypatch.setattr(limits, "PARTS", parts)
    with pytest.raises(SpecError, match=r"limit for the called workflows is 2 files; the pipeline uses \d"):
        BACKENDS["github"].compile(plan500)
    monkeypatch.undo()
    monkeypatch.setattr(limits, "PARSED", limits.Limit("parsed", 1_000_000, "bytes", "a page"))
    with pytest.raises(SpecError, match="all files together uses"):
        BACKENDS["github"].compile(plan500)


# --- where the files are named --------------------------------------------------------------------


def test_a_change_of_a_part_selects_everything() -> None:
    outputs = compiled_files("many", "")
    assert BACKENDS["github"].output_paths("many", "") == (MAIN, ".github/workflows/many.part-*.yml")
    plan = plan_of(chains(4), compiled_files=outputs)
    for path, all_ in (
        (part(1), True),
        (part(12), True),
        (MAIN, True),
        (".github/workflows/other.yml", False),
    ):
        chosen = select(plan, Event("push", branch="main", changed=frozenset({path})))
        assert (chosen.selected == set(plan.nodes)) is all_
        always = plan_json.to_runtime(plan)["always"]
        assert any(path_matches(pattern, path) for pattern in always) is all_


def test_parts_that_a_smaller_plan_no_longer_needs_are_found_and_removed(tmp_path: Path) -> None:
    plan = plan_of(chains(8))
    many, few = sealed(compiled(plan, SMALL)), sealed(compiled(plan))
    write(many, tmp_path, home="")
    left = tuple(sorted(file.path for file in many if file.path != MAIN))
    assert len(left) > 2
    assert [(drift.path, drift.kind) for drift in drifts(few, tmp_path, home="") if drift.path != MAIN] == [
        (path, "orphan") for path in left
    ]
    assert write(few, tmp_path, home="").orphans == left
    assert write(few, tmp_path, home="", prune=True).removed == left
    assert [path.name for path in (tmp_path / ".github/workflows").iterdir()] == ["many.yml"]


def sealed(made: Compiled) -> list[File]:
    return [File(file.path, seal(file.text)) for file in made.files]


def test_the_pins_of_a_lock_hold_in_every_file() -> None:
    pins = Pins(actions={"actions/checkout": Action("v9", "9" * 40)})
    made = compiled(replace(plan_of(chains(6)), pins=pins), SMALL)
    assert len(made.files) > 2
    uses = [line for file in made.files for line in file.text.splitlines() if "actions/checkout@" in line]
    assert len(uses) > 6
    assert {line.strip().removeprefix("- ") for line in uses} == {f"uses: actions/checkout@{'9' * 40} # v9"}
