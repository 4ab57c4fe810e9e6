"""Instances: one spec, many pipelines; each with params and overrides of its own, in a folder of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlcc.compiler import Analysis, analyse, analyses, compile_all, expanded
from mlcc.diagnostics import Diagnostic, SpecError
from mlcc.linting import lint_all
from mlcc.plan import Text
from mlcc.writing.drift import EditedError
from mlcc.writing.outputs import outputs_of, searches
from mlcc.writing.writer import check, write

INSTANCES = """\
  north: {root: models/north, params: {rate: 0.1}}
  south: {root: models/south/, params: {rate: 0.2, floor: 0.65}, overrides: {jobs: {train: {timeout: 2h, env: {MORE: x}}}}}
  east: {root: models/east, params: {rate: 0.3, hour: "5 4 * * *"}, overrides: {gates: {drop: [unit]}}}
"""
SPEC = """\
version: 1
name: credit
{extends}triggers: {{push: {{branches: [main]}}, schedule: {{weekly: {{param: hour}}}}}}
params:
  floor: {{type: number, default: 0.7, min: 0.6, max: 1}}
  hour: {{type: string, default: "17 3 * * 1"}}
  rate: {{type: number}}
instances:
{instances}artifacts:
  code: {{kind: code, path: [src/]}}
  model: {{kind: model, path: m.bin}}
  scored: {{kind: data, path: s.csv}}
jobs:
  train: {{run: make, reads: [code], writes: [model], env: {{RATE: {{param: rate}}}}, timeout: 1h}}
  score: {{run: make score, reads: [code], evaluates: [model], writes: [scored]}}
gates:
  unit: {{guards: code, command: {{run: make test}}}}
  floor:
    guards: model
    locked: true
    evaluate: {{predictions: scored, label: y, score: p, metrics: {{roc_auc: {{min: {{param: floor}}}}}}}}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    for name in ("north", "south", "east"):
        (tmp_path / f"models/{name}/src").mkdir(parents=True)
        (tmp_path / f"models/{name}/src/a.py").write_text("")
    return tmp_path


def state(root: Path, instances: str = INSTANCES, extends: str = "", **files: str) -> Path:
    for name, text in files.items():
        (root / f"{name}.yaml").write_text(text)
    spec = root / "mlcc.yaml"
    spec.write_text(SPEC.format(instances=instances, extends=extends))
    return spec


def all_of(spec: Path) -> dict[str, Analysis]:
    return {one.instance: one for one in analyses(spec)}


def refusals(spec: Path) -> tuple[Diagnostic, ...]:
    with pytest.raises(SpecError) as caught:
        analyses(spec)
    return caught.value.diagnostics


def minimum(analysis: Analysis) -> object:
    gate = analysis.plan.nodes["floor"].gate
    assert gate is not None
    return bound(gate.parameters, "min")


def bound(parameters: Any, key: str) -> object:
    (metric,) = parameters["metrics"]
    return metric[key]


def place(diagnostic: Diagnostic) -> tuple[str, int]:
    assert diagnostic.span is not None
    return diagnostic.span.file.rpartition("/")[2], diagnostic.span.line


# What an instance is


def test_each_has_its_name_its_folder_and_its_values(root: Path) -> None:
    found = all_of(state(root))
    assert [one.plan.name for one in found.values()] == ["credit-north", "credit-south", "credit-east"]
    assert [one.plan.home for one in found.values()] == ["models/north", "models/south", "models/east"]
    assert [minimum(one) for one in found.values()] == [0.7, 0.65, 0.7]
    assert [dict(one.plan.nodes["train"].env)["RATE"] for one in found.values()] == [
        Text("0.1"),
        Text("0.2"),
        Text("0.3"),
    ]
    assert [one.plan.triggers.schedules for one in found.values()] == [
        (("weekly", "17 3 * * 1"),), (("weekly", "17 3 * * 1"),), (("weekly", "5 4 * * *"),),
    ]  # fmt: skip


def test_overrides_merge_as_an_extending_spec_does(root: Path) -> None:
    found = all_of(state(root))
    assert [one.plan.nodes["train"].timeout_seconds for one in found.values()] == [3600, 7200, 3600]
    assert {name for name, _ in found["south"].plan.nodes["train"].env} == {"RATE", "MORE"}
    assert "unit" in found["north"].plan.nodes
    assert "unit" not in found["east"].plan.nodes


def test_a_param_replaces_and_is_replaced(root: Path) -> None:
    over = "{jobs: {train: {env: {RATE: {var: RATE}}, timeout: {param: longest}}}}"
    spec = state(root, f"  north: {{root: models/north, params: {{rate: 1}}, overrides: {over}}}\n")
    spec.write_text(
        spec.read_text().replace("params:\n", "params:\n  longest: {type: string, default: 3h}\n", 1)
    )
    (one,) = analyses(spec)
    assert dict(one.plan.nodes["train"].env)["RATE"] != Text("1")
    assert one.plan.nodes["train"].timeout_seconds == 3 * 3600


def test_one_can_be_chosen(root: Path) -> None:
    spec = state(root)
    assert [one.instance for one in analyses(spec, None, ("east", "north", "east"))] == ["east", "north"]
    with pytest.raises(SpecError, match="there is no instance 'noth'"):
        analyses(spec, None, ("noth",))
    with pytest.raises(SpecError, match="has 3 instances"):
        analyse(spec)


def test_a_spec_without_instances_has_params(root: Path) -> None:
    spec = state(root)
    spec.write_text(
        spec.read_text()
        .replace(f"instances:\n{INSTANCES}", "")
        .replace("{type: number}", "{type: number, default: 3}")
    )
    (root / "src").mkdir()
    (root / "src/a.py").write_text("")
    found = analyse(spec)
    assert (found.instance, found.plan.name, minimum(found)) == ("", "credit", 0.7)


# What it may not be


def test_a_locked_gate_is_overridden_by_no_instance(root: Path) -> None:
    over = "{gates: {floor: {blocking: false}}}"
    (found,) = refusals(
        state(root, f"  north: {{root: models/north, params: {{rate: 1}}, overrides: {over}}}\n")
    )
    assert (found.code, place(found)) == ("locked-gate", ("mlcc.yaml", 9))
    assert [(one.message, one.span.line) for one in found.related] == [("locked here", 21)]


@pytest.mark.parametrize(
    ("over", "code"),
    [
        ("{gates: {drop: [floor]}}", "locked-gate"),
        ("{drop: [gates]}", "locked-gate"),
        ("{artifacts: {scored: {path: other.csv}}}", "locked"),
        ("{targets: {github: {jobs: {floor: {env: {A: b}}}}}}", "locked-gate"),
    ],
)
def test_nor_is_what_it_rests_on(root: Path, over: str, code: str) -> None:
    found = refusals(
        state(root, f"  north: {{root: models/north, params: {{rate: 1}}, overrides: {over}}}\n")
    )
    assert {one.code for one in found} <= {code, "locked"}
    assert all(one.related[0].message == "locked here" for one in found)


def test_a_base_locks_it_and_the_param_that_it_names(root: Path) -> None:
    base = (
        "version: 1\nname: base\nparams: {strict: {type: number, min: 0.9, default: 0.9}}\n"
        "gates:\n  sure:\n    guards: model\n    locked: true\n"
        "    evaluate: {predictions: scored, label: y, score: p, metrics: {roc_auc: {max: {param: strict}}}}\n"
    )
    one = "  north: {root: models/north, params: {rate: 1, strict: 0.95}}\n"
    spec = state(root, one, "extends: [base.yaml]\n", base=base)
    gate = analyses(spec)[0].plan.nodes["sure"].gate
    assert gate is not None
    assert bound(gate.parameters, "max") == 0.95
    spec = state(root, one.replace("0.95", "0.5"), "extends: [base.yaml]\n", base=base)
    (found,) = refusals(spec)
    assert (found.code, [related.span.file.rpartition("/")[2] for related in found.related]) == (
        "bad-param",
        ["base.yaml"],
    )
    spec.write_text(spec.read_text().replace("params:\n", "params:\n  strict: {min: 0}\n", 1))
    (found,) = refusals(spec)
    assert found.code == "locked"
    assert found.related[0].span.file.endswith("base.yaml")


def test_a_locked_gate_keeps_the_defaults_of_its_spec(root: Path) -> None:
    base = (
        "version: 1\nname: base\ndefaults: {timeout: 11m}\n"
        "gates:\n  sure: {guards: code, locked: true, command: {run: make sure}}\n"
    )
    one = "  north: {root: models/north, params: {rate: 1}, overrides: {defaults: {timeout: 13m}}}\n"
    (found,) = analyses(state(root, one, "extends: [base.yaml]\n", base=base))
    assert found.plan.nodes["sure"].timeout_seconds == 11 * 60
    assert found.plan.nodes["score"].timeout_seconds == 13 * 60


def test_a_locked_gate_keeps_its_profile_and_the_runner_of_that(root: Path) -> None:
    base = (
        "version: 1\nname: base\nrunners: {gpu: {github: [gpu]}}\nprofiles: {heavy: {runner: gpu, timeout: 11m}}\n"
        "gates:\n  sure: {guards: code, locked: true, profile: heavy, command: {run: make sure}}\n"
    )
    for over in (
        "{profiles: {heavy: {env: {A: b}}}}",
        "{profiles: {drop: [heavy]}}",
        "{runners: {gpu: {github: [cpu]}}}",
    ):
        one = f"  north: {{root: models/north, params: {{rate: 1}}, overrides: {over}}}\n"
        (found,) = refusals(state(root, one, "extends: [base.yaml]\n", base=base))
        assert found.code == "locked"
        assert found.related[0].span.file.endswith("base.yaml")


@pytest.mark.parametrize("key", ["version: 1", "name: x", "instances: {}", "params: {}", "extends: [a.yaml]"])
def test_what_a_spec_says_once_is_not_overridden(root: Path, key: str) -> None:
    (found,) = refusals(
        state(root, f"  north: {{root: models/north, params: {{rate: 1}}, overrides: {{{key}}}}}\n")
    )
    assert (found.code, place(found)) == ("bad-override", ("mlcc.yaml", 9))


def test_two_do_not_share_a_folder_and_each_has_one(root: Path) -> None:
    instances = "".join(
        f"  {id}: {{root: models/{folder}, params: {{rate: 1}}}}\n"
        for id, folder in (("a", "north"), ("b", "north/"), ("c", "nowhere"))
    )
    same, missing = refusals(state(root, instances))
    assert (same.code, place(same), same.related[0].span.line) == ("same-root", ("mlcc.yaml", 10), 9)
    assert (missing.code, place(missing)) == ("no-such-root", ("mlcc.yaml", 11))


def test_a_spec_whose_last_instance_is_gone_is_no_pipeline_itself(root: Path) -> None:
    spec = state(root)
    text = spec.read_text().replace(f"instances:\n{INSTANCES}", "instances: {}\n")
    spec.write_text(text.replace("{type: number}", "{type: number, default: 1}"))
    (found,) = refusals(spec)
    assert (found.code, found.message, place(found)) == (
        "bad-value",
        "must have at least 1 item",
        ("mlcc.yaml", 8),
    )


def test_a_root_leads_down(root: Path) -> None:
    (found,) = refusals(state(root, "  north: {root: ../north, params: {rate: 1}}\n"))
    assert (found.code, place(found)) == ("bad-path", ("mlcc.yaml", 9))


def test_a_value_must_be_there(root: Path) -> None:
    (found,) = refusals(state(root, "  north: {root: models/north}\n  south: {root: models/south}\n"))
    assert (found.code, found.message) == (
        "unset-param",
        "the param 'rate' has no value (in all 2 instances)",
    )
    assert [(one.message, one.span.line) for one in found.related] == [("defined here, without a default", 7)]


# What is said of many


def test_the_same_mistake_of_many_is_said_once(root: Path) -> None:
    spec = state(root)
    spec.write_text(spec.read_text().replace("reads: [code], writes", "reads: [cod], writes"))
    (found,) = refusals(spec)
    assert found.message == "there is no artifact 'cod' (in all 3 instances)"


def test_a_mistake_of_some_names_them(root: Path) -> None:
    names = [f"m{number}" for number in range(6)]
    for name in names:
        (root / f"models/{name}/src").mkdir(parents=True)
        (root / f"models/{name}/src/a.py").write_text("")
    instances = "".join(
        f"  {name}: {{root: models/{name}, params: {{rate: {1 if name == 'm0' else 'x'}}}}}\n"
        for name in names
    )
    spec = state(root, instances)
    spec.write_text(spec.read_text().replace("{param: rate}", "{param: rate}, LATE: {param: hour}"))
    project = expanded(spec)
    assert [one.instance for one in project.found] == ["m0"]
    assert {one.code for one in project.diagnostics} == {"bad-param"}
    assert len(project.diagnostics) == 5  # each stands at a place of its own


def test_a_mistake_at_a_param_shows_its_value_too(root: Path) -> None:
    (found,) = refusals(state(root, '  north: {root: models/north, params: {rate: 1, hour: "61 * * * *"}}\n'))
    assert (found.code, place(found)) == ("bad-cron", ("mlcc.yaml", 3))
    assert [(one.message, one.span.line) for one in found.related] == [("the param's value", 9)]


# Params without a use


def idle(spec: Path, root: Path) -> list[tuple[int, str]]:
    found = lint_all((spec,), root, ("github",)).diagnostics
    return [(one.span.line, one.message) for one in found if one.code == "unused-param" and one.span]


def test_a_param_is_used_where_any_instance_names_it(root: Path) -> None:
    spec = state(root)
    more = "  spare: {type: number, default: 1}\n  here: {type: string, default: x}\n"
    text = spec.read_text().replace("instances:\n", f"{more}instances:\n")
    spec.write_text(text.replace("MORE: x", "MORE: {param: here}"))
    assert idle(spec, root) == [(8, "nothing uses the param 'spare' (in all 3 instances)")]


def test_a_param_that_an_instance_sets_to_no_end(root: Path) -> None:
    spec = state(root)
    over = "overrides: {jobs: {train: {env: {RATE: '1'}}}}"
    spec.write_text(spec.read_text().replace("params: {rate: 0.1}", f"params: {{rate: 0.1}}, {over}"))
    assert idle(spec, root) == [
        (9, "the instance sets the param 'rate', and nothing in it uses that (in the instance north)")
    ]


# What is written


def written(spec: Path, root: Path, **how: bool) -> dict[str, tuple[str, ...]]:
    (output,) = outputs_of(compile_all([spec], root, ("github", "gitlab", "jenkins")))
    (search,) = searches([output])
    report = write(
        output.files, root, home=output.home, spec=output.spec, projects=output.projects, search=search, **how
    )
    assert (
        not check(output.files, root, home=output.home, spec=output.spec, projects=output.projects)
        or how == {}
    )
    return {
        "written": report.written,
        "orphans": (*report.orphans, *report.abandoned),
        "removed": report.removed,
    }


def test_all_instances_are_written_together_and_none_is_an_orphan(root: Path) -> None:
    found = written(state(root), root)
    assert not found["orphans"]
    for name in ("north", "south", "east"):
        own = {path for path in found["written"] if f"/{name}/" in path}
        files = ("Jenkinsfile", ".mlcc/gitlab.yml", ".mlcc/plan.json")
        assert {f"models/{name}/{file}" for file in files} <= own
        assert f"models/{name}/.gitlab-ci.yml" not in own
        assert f".github/workflows/credit-{name}.yml" in found["written"]
    assert ".gitlab-ci.yml" in found["written"]
    assert not (root / ".mlcc").exists()
    assert written(state(root), root)["written"] == ()


def test_gitlab_starts_all_instances_by_one_file(root: Path) -> None:
    written(state(root), root)
    pipeline = yaml.safe_load((root / ".gitlab-ci.yml").read_text())
    assert list(pipeline) == [
        "stages",
        *(f"credit-{name}-{job}" for name in ("east", "north", "south") for job in ("select", "run")),
    ]
    assert pipeline["credit-south-run"]["trigger"]["include"] == [
        {"artifact": "models/south/_mlcc/child.yml", "job": "credit-south-select"}
    ]
    always = json.loads((root / "models/south/.mlcc/plan.json").read_text())["always"]
    assert ".gitlab-ci.yml" in always
    assert "models/south/.gitlab-ci.yml" not in always


def test_the_file_of_all_instances_is_edited_by_nobody(root: Path) -> None:
    spec = state(root)
    written(spec, root)
    shared = root / ".gitlab-ci.yml"
    shared.write_text(shared.read_text().replace("credit-north-run", "other"))
    with pytest.raises(EditedError, match="edited by hand"):
        written(spec, root)


def test_without_gitlab_the_file_of_all_instances_is_an_orphan(root: Path) -> None:
    spec = state(root)
    written(spec, root)
    (output,) = outputs_of(compile_all([spec], root, ("jenkins",)))
    report = write(
        output.files, root, home=output.home, spec=output.spec, projects=output.projects, prune=True
    )
    assert ".gitlab-ci.yml" in report.removed
    assert not (root / ".gitlab-ci.yml").exists()


def test_instances_that_would_share_an_input_of_gitlab_s_form(root: Path) -> None:
    """Both would be MLCC_INPUT_CREDIT_A_B_N, with two defaults."""
    for name in ("a-b", "a_b"):
        (root / name / "src").mkdir(parents=True)
        (root / name / "src/a.py").write_text("")
    spec = root / "mlcc.yaml"
    spec.write_text(
        "version: 1\nname: credit\nparams: {n: {type: integer}}\n"
        "triggers: {manual: {go: {inputs: {n: {type: integer, default: {param: n}}}}}}\n"
        "instances:\n  a-b: {root: a-b, params: {n: 1}}\n  a_b: {root: a_b, params: {n: 2}}\n"
        "jobs: {a: {run: make}}\n"
    )
    with pytest.raises(SpecError, match="MLCC_INPUT_CREDIT_A_B_N") as caught:
        outputs_of(compile_all([spec], root, ("gitlab",)))
    assert [one.code for one in caught.value.diagnostics] == ["instances-clash"]
    assert outputs_of(compile_all([spec], root, ("github", "jenkins")))


def test_two_specs_in_one_folder_cannot_both_write_the_file_of_their_instances(root: Path) -> None:
    spec = state(root)
    for name in ("north", "south", "east"):
        (root / f"more/{name}/src").mkdir(parents=True)
        (root / f"more/{name}/src/a.py").write_text("")
    other = root / "other.yaml"
    other.write_text(spec.read_text().replace("models/", "more/").replace("name: credit", "name: debit"))
    with pytest.raises(SpecError) as caught:
        compile_all([spec, other], root, ("gitlab",))
    (found, *_) = caught.value.diagnostics
    assert (found.code, found.message) == ("same-output", "two specs write `.gitlab-ci.yml`")
    assert found.help == "put them into different folders"


def test_files_of_an_instance_that_is_gone_are_orphans(root: Path) -> None:
    import subprocess

    (root / ".git").rmdir()
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    first = written(state(root), root)
    gone = {path for path in first["written"] if "east" in path}
    spec = state(root, "".join(INSTANCES.splitlines(keepends=True)[:2]))
    copy = root / "vendored/.mlcc/plan.json"  # of another repository, with a spec of the same path
    copy.parent.mkdir(parents=True)
    copy.write_text((root / "models/east/.mlcc/plan.json").read_text())
    assert set(written(spec, root)["orphans"]) == gone
    assert set(written(spec, root, prune=True)["removed"]) == gone
    assert copy.exists()
    assert (root / "models/east/src/a.py").exists()


def test_two_specs_whose_instances_write_one_file(root: Path) -> None:
    spec = state(root)
    other = root / "other/mlcc.yaml"
    for name in ("north", "south", "east"):
        (root / f"other/models/{name}/src").mkdir(parents=True)
        (root / f"other/models/{name}/src/a.py").write_text("")
    other.write_text(spec.read_text())
    with pytest.raises(SpecError) as caught:
        compile_all([spec, other], root, ("github",))
    assert {one.code for one in caught.value.diagnostics} == {"same-output"}
