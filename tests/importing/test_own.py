"""What mlcc compiled, imported again: the spec means the same, by the interpreter, whatever happens in a run."""

import json
import random
import shutil
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlcc.backends import BACKENDS
from mlcc.compiler import Analysis, analyse, compile_files
from mlcc.diagnostics import MlccError, SpecError
from mlcc.importing import import_file
from mlcc.importing.read import Imported
from mlcc.plan import Plan
from mlcc.semantics import Event, Outcome, run, select
from tests.sources import ROOT

FLIGHTS = ROOT / "examples" / "flights"
# folder, the spec in it
CASES = {
    "flights": (FLIGHTS, "mlcc.yaml"),
    "minimal": (ROOT / "examples" / "minimal", "mlcc.yaml"),
    "churn": (ROOT / "examples" / "monorepo", "models/churn/mlcc.yaml"),
    "demand": (ROOT / "examples" / "monorepo", "models/demand/mlcc.yaml"),
    "training": (ROOT / "tests" / "golden" / "training", "mlcc.yaml"),
    "smallest": (ROOT / "tests" / "golden" / "smallest", "mlcc.yaml"),
    "commented": (ROOT / "tests" / "golden" / "commented", "mlcc.yaml"),
    "nested": (ROOT / "tests" / "golden" / "nested", "models/churn/mlcc.yaml"),
    "hostile": (ROOT / "tests" / "golden" / "hostile", "mlcc.yaml"),
    "images": (ROOT / "tests" / "golden" / "images", "mlcc.yaml"),
    "far": (ROOT / "tests" / "importing" / "own" / "far", "mlcc.yaml"),
    "judged": (ROOT / "tests" / "importing" / "own" / "judged", "mlcc.yaml"),
    "live": (ROOT / "tests" / "importing" / "own" / "live", "mlcc.yaml"),
    "released": (ROOT / "tests" / "importing" / "own" / "released", "mlcc.yaml"),
    "releases": (ROOT / "tests" / "golden" / "releases", "mlcc.yaml"),
}
# Imported without a single thing to list: the spec compiles to the same bytes.
WHOLE = ("flights", "minimal", "training", "smallest", "commented", "far", "judged", "live", "released")
DRAWS = 40


def compiled(name: str, target: str, folder: Path) -> tuple[Analysis, Path]:
    """Compile a case for one system into a folder, without its spec; return its analysis and the pipeline's path."""
    root, spec = CASES[name]
    analysis = analyse(root.resolve() / spec, root.resolve(), assume_committed=True)
    pipeline = folder
    for file in compile_files(analysis, [target]):
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.text, encoding="utf-8")
        if ".mlcc" not in path.parts and ".part-" not in path.name:
            pipeline = path
    return analysis, pipeline


def plan_of(found: Imported, home: str, folder: Path) -> Plan:
    """Return the plan of an imported spec."""
    spec = folder / home / "mlcc.yaml"
    spec.parent.mkdir(parents=True, exist_ok=True)
    spec.write_text(found.spec, encoding="utf-8")
    return analyse(spec, folder, assume_committed=True).plan


def events(plan: Plan) -> Iterator[Event]:
    """Yield every event that starts a run of the plan, with each source, one by one and together, changed or nothing."""
    prefix = f"{plan.home}/" if plan.home else ""
    sources = {prefix + source for node in plan.nodes.values() for source in node.sources}
    paths = [{path + "x" if path.endswith("/") else path} for path in sorted(sources)]
    changes: list[frozenset[str] | None] = [None, frozenset(), *map(frozenset, paths)]
    changes += [frozenset().union(*paths), frozenset({f"{prefix}mlcc.yaml"}), frozenset({"README.md"})]
    for kind, branch, changed in product(("push", "pull_request"), ("main", "other"), changes):
        for fork in (False, True) if kind == "pull_request" else (False,):
            yield Event(kind, branch=branch, changed=changed, fork=fork)
    for trigger, _ in plan.triggers.schedules:
        yield Event("schedule", branch="main", trigger=trigger)
    for form in plan.triggers.forms:
        yield Event("manual", branch="main", trigger=form.id)
    for dispatch in plan.triggers.dispatches:
        yield Event("dispatch", branch="main", trigger=dispatch)
    yield Event("tag", tag="v1")


def outcomes(plan: Plan, seed: int) -> dict[str, Outcome]:
    """Draw how each node turns out: the first draws have one failure at most, later ones many."""
    chance = random.Random(seed)
    share = 0.0 if seed == 0 else chance.choice((0.1, 0.4))
    return {
        id: chance.choice(list(Outcome)) if chance.random() < share else Outcome.PASS for id in plan.nodes
    }


def assert_same_runs(left: Plan, right: Plan) -> int:
    """Hold every run of two plans against each other; return how many runs there were."""
    count = 0
    for event in events(left):
        ours, theirs = select(left, event), select(right, event)
        assert ours.selected == theirs.selected, event
        assert dict(ours.by_verdict) == dict(theirs.by_verdict), event
        for seed in range(DRAWS if ours.selected else 1):
            drawn = outcomes(left, seed)
            one, other = run(left, ours, drawn), run(right, theirs, drawn)
            assert dict(one.ends) == dict(other.ends), (event, drawn)
            assert one.green == other.green
            count += 1
    return count


@pytest.mark.parametrize("target", sorted(BACKENDS))
@pytest.mark.parametrize("name", sorted(set(CASES) - {"releases"}))
def test_an_imported_spec_means_what_the_lost_one_meant(name: str, target: str, tmp_path: Path) -> None:
    analysis, pipeline = compiled(name, target, tmp_path / "there")
    found = import_file(pipeline)
    assert found.refused == ()
    plan = plan_of(found, analysis.plan.home, tmp_path / "again")
    assert set(plan.nodes) == set(analysis.plan.nodes)
    assert assert_same_runs(analysis.plan, plan) > DRAWS


@pytest.mark.parametrize("target", sorted(BACKENDS))
@pytest.mark.parametrize("name", WHOLE)
def test_nothing_of_a_compiled_pipeline_is_listed(name: str, target: str, tmp_path: Path) -> None:
    _, pipeline = compiled(name, target, tmp_path)
    listed = [note.what for note in import_file(pipeline).listed]
    # Jenkins keeps whole builds, so that its file says of one number which artifact it was of
    kept = (
        ["buildDiscarder(logRotator(daysToKeepStr: '90'))"]
        if (name, target) == ("flights", "jenkins")
        else []
    )
    assert listed == kept


def test_the_committed_workflow_of_flights_gives_back_its_spec(tmp_path: Path) -> None:
    shutil.copytree(FLIGHTS / ".github", tmp_path / ".github")
    shutil.copytree(FLIGHTS / ".mlcc", tmp_path / ".mlcc")
    found = import_file(tmp_path / ".github" / "workflows" / "flights.yml")
    original = analyse(FLIGHTS / "mlcc.yaml", FLIGHTS, assume_committed=True).plan
    assert found.listed == []
    assert assert_same_runs(original, plan_of(found, "", tmp_path / "again")) > 1_000
    gate = plan_of(found, "", tmp_path / "once-more").nodes["model-quality"].work
    assert gate == original.nodes["model-quality"].work


def test_a_gate_that_was_changed_by_hand_is_taken_as_it_is_now(tmp_path: Path) -> None:
    _, pipeline = compiled("minimal", "github", tmp_path)
    gate = tmp_path / ".mlcc" / "gates" / "good.json"
    gate.write_text(gate.read_text(encoding="utf-8").replace('"min": 0.6', '"min": 0.5'), encoding="utf-8")
    assert "metrics: {r2: {min: 0.5}}" in import_file(pipeline).spec


def test_a_line_that_was_changed_by_hand_is_listed(tmp_path: Path) -> None:
    _, pipeline = compiled("minimal", "github", tmp_path)
    lines = pipeline.read_text(encoding="utf-8").split("\n")
    number = next(n for n, line in enumerate(lines) if line.strip() == "permissions: {contents: read}")
    lines[number] = lines[number].replace("read", "write")
    pipeline.write_text("\n".join(lines), encoding="utf-8")
    found = import_file(pipeline)
    assert [(note.line, note.text) for note in found.listed] == [
        (number + 1, "the spec compiles to something else here")
    ]


def test_without_the_plan_beside_it_a_compiled_pipeline_is_refused(tmp_path: Path) -> None:
    _, pipeline = compiled("minimal", "github", tmp_path)
    (tmp_path / ".mlcc" / "plan.json").unlink()
    with pytest.raises(SpecError) as refused:
        import_file(pipeline)
    assert [d.code for d in refused.value.diagnostics] == ["no-plan"]


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"name": 1}', '{"nodes": {"a": null}, "name": "x", "home": ""}', "NaN"]
)
def test_a_damaged_plan_is_refused(text: str, tmp_path: Path) -> None:
    _, pipeline = compiled("minimal", "github", tmp_path)
    (tmp_path / ".mlcc" / "plan.json").write_text(text, encoding="utf-8")
    with pytest.raises(SpecError) as refused:
        import_file(pipeline)
    assert [d.code for d in refused.value.diagnostics] == ["bad-plan"]


def test_releases_are_listed_step_by_step(tmp_path: Path) -> None:
    _, pipeline = compiled("releases", "github", tmp_path)
    listed = {note.what for note in import_file(pipeline).listed if note.text.startswith("a release's steps")}
    steps = analyse(
        CASES["releases"][0] / "mlcc.yaml", CASES["releases"][0], assume_committed=True
    ).plan.nodes.values()
    assert listed == {node.id for node in steps if node.of_release}


def damaged(text: str, seed: int) -> str:
    """Return JSON text with one of its values, at any depth, replaced by one of another type."""
    chance = random.Random(seed)
    tree = json.loads(text)
    places: list[tuple[Any, Any]] = []
    todo: list[Any] = [tree]
    while todo:
        current = todo.pop()
        pairs = current.items() if isinstance(current, dict) else enumerate(current)
        for key, value in pairs:
            places.append((current, key))
            todo += [value] if isinstance(value, (dict, list)) else []
    around, key = chance.choice(places)
    around[key] = chance.choice(
        [None, 0, -1, 1.5, True, "", "x y", "\u202e", [], ["a"], {}, {"a": {}}, "../../etc", "${{ x }}"]
    )
    return json.dumps(tree)


@settings(max_examples=120, deadline=None)
@given(name=st.sampled_from(["minimal", "training", "commented"]), seed=st.integers(0, 10**9))
def test_damage_in_what_lies_beside_a_pipeline_is_a_coded_error_or_a_report(
    name: str, seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("damaged", numbered=True)
    _, pipeline = compiled(name, "github", folder)
    beside = sorted((folder / ".mlcc").rglob("*.json"))
    path = beside[seed % len(beside)]
    path.write_text(damaged(path.read_text(encoding="utf-8"), seed), encoding="utf-8")
    try:
        spec, codes = import_file(pipeline).spec, []
    except MlccError as problem:
        spec, codes = "", [d.code for d in problem.diagnostics]
    assert bool(spec) != bool(codes)
