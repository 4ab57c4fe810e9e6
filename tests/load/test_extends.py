"""EXTENDS: what a spec takes from the specs that it extends, and what it may not change."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcc.diagnostics import Diagnostic, Span, SpecError
from mlcc.load.extends import merge
from mlcc.load.source import Mapping, Scalar, Sequence, Source, load, locate, plain, read
from mlcc.resolving.resolve import resolve
from mlcc.spec.validate import validate

BASE = """\
version: 1
name: platform
defaults: {python: "3.12", timeout: 30m}
jobs:
  train: {run: python -m train, reads: [raw], env: {A: 1, B: 2}}
  old: {run: x}
gates:
  unit: {guards: code, locked: true, tests: {run: pytest}}
  floor: {guards: model, evaluate: {predictions: scored}}
"""


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def merged(root: Path, name: str = "mlcc.yaml") -> Source:
    return merge(load(root / name, name), root)


def values(root: Path, spec: str, **bases: str) -> object:
    write(root, mlcc=spec, **bases)
    return plain(merged(root).root)


def refusals(root: Path, spec: str, **bases: str) -> tuple[Diagnostic, ...]:
    write(root, mlcc=spec, **bases)
    with pytest.raises(SpecError) as caught:
        merged(root)
    for diagnostic in caught.value.diagnostics:
        for span in (diagnostic.span, *(related.span for related in diagnostic.related)):
            assert span is not None
            assert span.file in caught.value.texts
    return caught.value.diagnostics


def told(diagnostics: tuple[Diagnostic, ...]) -> list[tuple[str, str, int, int]]:
    return [(d.code, d.span.file, d.span.line, d.span.column) for d in diagnostics if d.span]


# Merging


def test_without_extends_nothing_changes(tmp_path: Path) -> None:
    source = read(b"a: {drop: [x]}\n", "mlcc.yaml")
    assert merge(source, tmp_path) is source


def test_mappings_merge_lists_and_scalars_replace(tmp_path: Path) -> None:
    own = "jobs: {train: {reads: [x], env: {B: 3, C: 4}}, new: {run: y}}\n"
    spec = f"extends: [base.yaml]\nversion: 1\nname: own\n{own}"
    assert values(tmp_path, spec, base=BASE) == {
        "version": 1,
        "name": "own",
        "defaults": {"python": "3.12", "timeout": "30m"},
        "jobs": {
            "train": {"run": "python -m train", "reads": ["x"], "env": {"A": 1, "B": 3, "C": 4}},
            "old": {"run": "x"},
            "new": {"run": "y"},
        },
        "gates": {
            "unit": {"guards": "code", "locked": True, "tests": {"run": "pytest"}},
            "floor": {"guards": "model", "evaluate": {"predictions": "scored"}},
        },
    }


def test_the_order_is_that_of_the_base_then_of_the_spec(tmp_path: Path) -> None:
    write(tmp_path, mlcc="extends: [base.yaml]\nc: 1\nb: 2\n", base="a: 1\nb: 1\n")
    assert list(merged(tmp_path).root.entries) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("base", "own", "result"),
    [
        ("x", "{a: 1}", {"a": 1}),
        ("{a: 1}", "x", "x"),
        ("[1]", "{a: 1}", {"a": 1}),
        ("{a: 1}", "[1]", [1]),
        ("{a: 1}", "", None),
        ("{a: 1}", "{}", {"a": 1}),
    ],
)
def test_other_kinds_replace(tmp_path: Path, base: str, own: str, result: object) -> None:
    assert values(tmp_path, f"extends: [base.yaml]\nk: {own}\n", base=f"k: {base}\n") == {"k": result}


def test_name_and_version_never_come_from_a_base(tmp_path: Path) -> None:
    assert values(tmp_path, "extends: [base.yaml]\n", base="version: 1\nname: x\na: 1\n") == {"a": 1}


def test_later_bases_win_and_the_spec_wins_over_all(tmp_path: Path) -> None:
    spec = "extends: [one.yaml, two.yaml]\nc: own\n"
    result = values(tmp_path, spec, one="a: one\nb: one\nc: one\n", two="b: two\nc: two\n")
    assert result == {"a": "one", "b": "two", "c": "own"}


def test_bases_extend_relative_to_themselves(tmp_path: Path) -> None:
    write(
        tmp_path,
        models__churn__mlcc="extends: [../../platform/base.yaml]\nc: 3\n",
        platform__base="extends: [common/all.yaml]\nb: 2\n",
        platform__common__all="a: 1\n",
    )
    source = merged(tmp_path, "models/churn/mlcc.yaml")
    assert plain(source.root) == {"a": 1, "b": 2, "c": 3}
    assert list(source.texts) == ["models/churn/mlcc.yaml", "platform/base.yaml", "platform/common/all.yaml"]
    assert locate(source.root, ("a",)) == Span("platform/common/all.yaml", 1, 4, 1, 5)
    assert source.file == tmp_path / "models/churn/mlcc.yaml"


def test_a_base_of_two_bases_is_merged_once_and_may_be_locked(tmp_path: Path) -> None:
    result = values(
        tmp_path,
        "extends: [one.yaml, two.yaml]\n",
        one="extends: [base.yaml]\na: 1\n",
        two="extends: [base.yaml]\nb: 2\n",
        base="gates: {unit: {locked: true}}\nc: 3\n",
    )
    assert result == {"gates": {"unit": {"locked": True}}, "c": 3, "a": 1, "b": 2}


def test_many_diamonds_take_no_time(tmp_path: Path) -> None:
    write(tmp_path, level0="a: 1\n", mlcc="extends: [left14.yaml, right14.yaml]\n")
    for level in range(1, 15):
        below = "level0.yaml" if level == 1 else f"left{level - 1}.yaml, right{level - 1}.yaml"
        write(tmp_path, **{f"left{level}": f"extends: [{below}]\n", f"right{level}": f"extends: [{below}]\n"})
    assert plain(merged(tmp_path).root) == {"a": 1}


def test_an_overridden_value_knows_its_base(tmp_path: Path) -> None:
    write(tmp_path, mlcc="extends: [base.yaml]\ndefaults:\n  timeout: 1h\n  runner: big\n", base=BASE)
    defaults = merged(tmp_path).root.entries["defaults"]
    assert defaults.base == Span("base.yaml", 3, 11, 3, 41)
    assert isinstance(defaults.node, Mapping)
    timeout = defaults.node.entries["timeout"]
    assert timeout.base == Span("base.yaml", 3, 37, 3, 40)
    assert timeout.node.span == Span("mlcc.yaml", 3, 12, 3, 14)
    assert timeout.key_span == Span("mlcc.yaml", 3, 3, 3, 10)
    assert defaults.node.entries["python"].base is None
    assert defaults.node.entries["runner"].base is None


# Unions


@pytest.mark.parametrize(
    ("base", "own", "result"),
    [
        ("jobs: {a: {run: x, python: p}}", "jobs: {a: {image: i}}", {"run": "x", "image": "i"}),
        ("artifacts: {a: {kind: k, path: p}}", "artifacts: {a: {table: t}}", {"kind": "k", "table": "t"}),
        (
            "artifacts: {a: {from: {dvc: d}}}",
            "artifacts: {a: {from: {command: c}}}",
            {"from": {"command": "c"}},
        ),
        ("gates: {a: {guards: g, tests: t}}", "gates: {a: {command: c}}", {"guards": "g", "command": "c"}),
        (
            "gates: {a: {evaluate: {predictions: p, score: s}}}",
            "gates: {a: {evaluate: {metrics_from: m, prediction: q}}}",
            {"evaluate": {"metrics_from": "m", "prediction": "q"}},
        ),
        (
            "gates: {a: {leakage: {train: t, split: {column: c}, label: y}}}",
            "gates: {a: {leakage: {train: u}}}",
            {"leakage": {"train": "u", "label": "y"}},
        ),
        # A typed value goes as a whole: `as` belongs to `secret`.
        (
            "jobs: {a: {env: {TOKEN: {secret: S, as: file}, B: {var: V, default: d}, C: x}}}",
            "jobs: {a: {env: {TOKEN: {var: T}, B: {var: W}, C: {secret: S}}}}",
            {"env": {"TOKEN": {"var": "T"}, "B": {"var": "W", "default": "d"}, "C": {"secret": "S"}}},
        ),
        (
            "auth: {a: {role: {var: R, default: d}}}",
            "auth: {a: {role: {secret: S}}}",
            {"role": {"secret": "S"}},
        ),
        # Both in the extending spec: the models refuse it.
        ("jobs: {a: {python: p}}", "jobs: {a: {python: q, image: i}}", {"python": "q", "image": "i"}),
    ],
)
def test_a_key_of_a_union_replaces_the_others(tmp_path: Path, base: str, own: str, result: object) -> None:
    whole = values(tmp_path, f"extends: [base.yaml]\n{own}\n", base=base + "\n")
    assert isinstance(whole, dict)
    assert next(iter(whole.values()))["a"] == result


@pytest.mark.parametrize(
    ("base", "own"),
    [
        ("gates: {a: {contract: {path: {min: 1}}}}", "gates: {a: {contract: {table: {max: 2}}}}"),
        ("jobs: {a: {env: {python: x}}}", "jobs: {a: {env: {image: z}}}"),
        ("artifacts: {path: {kind: data}}", "artifacts: {table: {kind: data}}"),
        ("jobs: {python: {run: x}}", "jobs: {image: {run: x}}"),
    ],
)
def test_ids_that_look_like_a_union_stay(tmp_path: Path, base: str, own: str) -> None:
    def leaves(value: object) -> int:
        return sum(map(leaves, value.values())) if isinstance(value, dict) else 1

    assert leaves(values(tmp_path, f"extends: [base.yaml]\n{own}\n", base=base + "\n")) == 2


# Drop


def test_drop_removes_what_was_inherited(tmp_path: Path) -> None:
    spec = "extends: [base.yaml]\ndrop: [defaults]\njobs: {drop: [old]}\ngates: {drop: [floor], new: {}}\n"
    assert values(tmp_path, spec, base=BASE) == {
        "jobs": {"train": {"run": "python -m train", "reads": ["raw"], "env": {"A": 1, "B": 2}}},
        "gates": {"unit": {"guards": "code", "locked": True, "tests": {"run": "pytest"}}, "new": {}},
    }


def test_drop_and_write_again_replaces(tmp_path: Path) -> None:
    spec = "extends: [base.yaml]\njobs: {drop: [train], train: {run: z}}\n"
    result = values(tmp_path, spec, base="jobs: {train: {run: x, env: {A: 1}}}\n")
    assert result == {"jobs": {"train": {"run": "z"}}}


def test_an_id_may_be_called_drop(tmp_path: Path) -> None:
    result = values(tmp_path, "extends: [base.yaml]\nk: {drop: {b: 2}}\n", base="k: {drop: {a: 1}, x: 1}\n")
    assert result == {"k": {"drop": {"a": 1, "b": 2}, "x": 1}}


def test_dropping_what_is_not_there(tmp_path: Path) -> None:
    (problem,) = refusals(tmp_path, "extends: [base.yaml]\njobs: {drop: [trian]}\n", base=BASE)
    assert told((problem,)) == [("unknown-id", "mlcc.yaml", 2, 15)]
    assert problem.help == "did you mean `train`?"
    assert problem.related[0].span.file == "base.yaml"


def test_drop_takes_ids(tmp_path: Path) -> None:
    problems = refusals(tmp_path, "extends: [base.yaml]\njobs: {drop: [[train], 1]}\n", base=BASE)
    assert told(problems) == [("bad-drop", "mlcc.yaml", 2, 15), ("bad-drop", "mlcc.yaml", 2, 24)]


# Locked gates


@pytest.mark.parametrize(
    ("own", "column"),
    [
        ("gates: {unit: {blocking: false}}", 9),
        ("gates: {unit: {timeout: 2h}}", 9),
        ("gates: {unit: {locked: false}}", 9),
        ("gates: {unit: {}}", 9),
        ("gates: {unit: }", 9),
        ("gates: {unit: {guards: code, locked: true, tests: {run: pytest}}}", 9),
        ("gates: {drop: [unit]}", 16),
        ("gates: {drop: [unit], unit: {}}", 16),
        ("gates: []", 1),
        ("gates:", 1),
        ("drop: [gates]", 8),
    ],
)
def test_a_locked_gate_can_not_be_changed(tmp_path: Path, own: str, column: int) -> None:
    problems = refusals(tmp_path, f"extends: [base.yaml]\n{own}\n", base=BASE)
    assert set(told(problems)) >= {("locked-gate", "mlcc.yaml", 2, column)}
    assert problems[0].related[0].span == Span("base.yaml", 8, 24, 8, 30)


def test_a_second_base_can_not_change_it_either(tmp_path: Path) -> None:
    problems = refusals(
        tmp_path, "extends: [base.yaml, two.yaml]\n", base=BASE, two="gates: {unit: {retry: 1}}\n"
    )
    assert told(problems) == [("locked-gate", "two.yaml", 1, 9)]


def test_a_lock_holds_two_files_away(tmp_path: Path) -> None:
    problems = refusals(
        tmp_path, "extends: [two.yaml]\ngates: {unit: {}}\n", base=BASE, two="extends: [base.yaml]\n"
    )
    assert told(problems) == [("locked-gate", "mlcc.yaml", 2, 9)]


def test_a_gate_may_be_locked_further_down(tmp_path: Path) -> None:
    spec = "extends: [base.yaml]\ngates: {floor: {locked: true}}\n"
    result = values(tmp_path, spec, base="gates: {floor: {guards: model, locked: false}}\n")
    assert result == {"gates": {"floor": {"guards": "model", "locked": True}}}


def test_a_first_base_can_not_change_it_either(tmp_path: Path) -> None:
    problems = refusals(
        tmp_path, "extends: [one.yaml, base.yaml]\n", base=BASE, one="gates: {unit: {setup: [x]}}\n"
    )
    assert told(problems) == [("locked-gate", "one.yaml", 1, 9)]


# What a locked gate rests on

LOCKED = """\
version: 1
name: platform
triggers: {push: {branches: [main]}}
defaults: {python: "3.12", env: {A: base}}
runners: {small: {github: [ubuntu-24.04]}}
environments: {judge: {env: {B: base}}}
auth: {oidc: {audience: judges}}
artifacts:
  code: {kind: code, path: [src/]}
  model: {kind: model, path: model.json}
  scored: {kind: data, path: scored.csv}
  free: {kind: file, path: free.txt}
gates:
  unit: {guards: code, locked: true, runner: small, environment: judge, auth: [oidc], tests: {run: pytest}}
  floor:
    guards: model
    locked: true
    evaluate: {predictions: scored, label: y, score: p, metrics: {roc_auc: {min: 0.7}}}
"""
OWN = "version: 1\nname: own\nextends: [base.yaml]\n"


@pytest.mark.parametrize(
    ("own", "column", "id", "line"),
    [
        ("artifacts: {code: {path: [other/]}}", 13, "code", 14),
        ("artifacts: {model: {path: other.json}}", 13, "model", 17),
        ("artifacts: {scored: {path: other.csv}}", 13, "scored", 17),
        ("artifacts: {scored: {from: {command: forge}}}", 13, "scored", 17),
        ("artifacts: {drop: [scored], scored: {kind: data, path: x.csv}}", 20, "scored", 17),
        ("artifacts: []", 1, "code", 14),
        ("drop: [artifacts]", 8, "code", 14),
        ("runners: {small: {github: [self-hosted]}}", 11, "small", 14),
        ("environments: {judge: {env: {PYTHONPATH: x}}}", 16, "judge", 14),
        ("auth: {oidc: {audience: me}}", 8, "oidc", 14),
        ("targets: {github: {jobs: {unit: {env: {PATH: x}}}}}", 27, "unit", 14),
        ("targets: {github: {workflow: {env: {PATH: x}}}}", 31, "env", 14),
    ],
)
def test_what_a_locked_gate_rests_on_is_locked_with_it(
    tmp_path: Path, own: str, column: int, id: str, line: int
) -> None:
    problem = refusals(tmp_path, f"{OWN}{own}\n", base=LOCKED)[0]
    assert told((problem,)) == [("locked", "mlcc.yaml", 4, column)]
    assert problem.message == f"`{id}` can't be changed: a locked gate rests on it"
    assert (problem.related[0].span.file, problem.related[0].span.line) == ("base.yaml", line)


@pytest.mark.parametrize(
    ("gate", "named"),
    [
        ("guards: model, leakage: {train: free, group: g}", True),
        ("guards: model, drift: {reference: free, columns: [{name: x}]}", True),
        ("guards: scored, feature_parity: {offline: free, online: scored, key: [k], columns: {x: {}}}", True),
        ("guards: model, artifact: {format: onnx, schema_of: free}", True),
        ("guards: scored, contract: {columns: {free: {type: string}}}", False),
        ("guards: scored, contract: {columns: {free: {type: strange}}}", True),
    ],
)
def test_the_artifacts_that_a_locked_gate_names_are_locked(tmp_path: Path, gate: str, named: bool) -> None:
    """Where a gate's parameters are wrong, each artifact that they could name."""
    base = f"{LOCKED}  own: {{locked: true, {gate}}}\n"
    own = f"{OWN}artifacts: {{free: {{path: other.txt}}}}\n"
    if named:
        assert told(refusals(tmp_path, own, base=base)) == [("locked", "mlcc.yaml", 4, 13)]
    else:
        artifacts = values(tmp_path, own, base=base)["artifacts"]
        assert artifacts["free"]["path"] == "other.txt"


def test_a_base_that_is_listed_before_can_not_relocate_an_artifact(tmp_path: Path) -> None:
    own = "extends: [one.yaml, base.yaml]\n"
    one = "artifacts: {scored: {from: {command: forge}}}\n"
    assert told(refusals(tmp_path, own, base=LOCKED, one=one)) == [("locked", "one.yaml", 1, 13)]


def test_a_base_that_the_one_with_the_lock_extends_may_be_listed_before_it(tmp_path: Path) -> None:
    own = "extends: [one.yaml, base.yaml]\n"
    one = "artifacts: {scored: {kind: data, path: old.csv}}\n"
    result = values(tmp_path, own, base=f"extends: [one.yaml]\n{LOCKED}", one=one)
    assert isinstance(result, dict)
    assert result["artifacts"]["scored"] == {"kind": "data", "path": "scored.csv"}


def test_the_rest_stays_free(tmp_path: Path) -> None:
    own = "artifacts: {free: {path: other.txt}, new: {kind: file, path: y}}\ndefaults: {timeout: 1h}\n"
    result = values(tmp_path, OWN + own, base=LOCKED)
    assert isinstance(result, dict)
    assert result["artifacts"]["free"] == {"kind": "file", "path": "other.txt"}
    assert result["defaults"] == {"python": "3.12", "env": {"A": "base"}, "timeout": "1h"}


DEFAULTS = """\
defaults:
  python: "3.10"
  setup: [pip install evil]
  working_directory: other
  timeout: 9h
  env: {A: own, PYTHONPATH: evil}
  cache: {evil: {path: [x], key: [y]}}
  checkout: {depth: 5}
"""


def test_a_locked_gate_keeps_the_defaults_of_the_file_that_locks_it(tmp_path: Path) -> None:
    write(tmp_path, mlcc=OWN + DEFAULTS + "jobs: {train: {run: x, writes: [model, scored]}}\n", base=LOCKED)
    source = merged(tmp_path)
    nodes = resolve(validate(source), source).nodes
    gate, job = nodes["unit"], nodes["train"]
    assert (gate.python, gate.setup, gate.working_directory, gate.timeout) == ("3.12", (), "", "30m")
    assert (gate.env, gate.cache, gate.checkout) == ({"A": "base", "B": "base"}, {}, None)
    assert (job.python, job.setup, job.timeout) == ("3.10", ("pip install evil",), "9h")


def test_a_gate_that_a_middle_file_locks_keeps_the_defaults_as_merged_there(tmp_path: Path) -> None:
    base = "gates: {unit: {guards: code, tests: {run: pytest}}}\ndefaults: {timeout: 1m, retry: 2}\n"
    two = "extends: [one.yaml]\ngates: {unit: {locked: true}}\ndefaults: {timeout: 2m}\n"
    own = "version: 1\nname: own\nextends: [two.yaml]\ntriggers: {push: {branches: [main]}}\n"
    own += "defaults: {timeout: 3m, python: '3.9'}\nartifacts: {code: {kind: code, path: [src/]}}\n"
    write(tmp_path, mlcc=own, one=base, two=two)
    source = merged(tmp_path)
    gate = resolve(validate(source), source).nodes["unit"]
    assert (gate.timeout, gate.python) == ("2m", None)


def test_wrong_defaults_of_the_file_that_locks_are_an_error_there(tmp_path: Path) -> None:
    base = LOCKED.replace('python: "3.12"', "timeout: 5 minutes")
    write(tmp_path, mlcc=f"{OWN}defaults: {{timeout: 5m}}\n", base=base)
    source = merged(tmp_path)
    with pytest.raises(SpecError) as caught:
        resolve(validate(source), source)
    assert told(caught.value.diagnostics) == [("bad-duration", "base.yaml", 4, 21)]


# Against a model

TREES = st.recursive(
    st.integers(0, 9) | st.lists(st.integers(0, 9), max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=8,
)
MAPPINGS = st.dictionaries(st.sampled_from("abcd"), TREES, max_size=4)


def text(tree: object) -> str:
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{key}: {text(value)}" for key, value in tree.items()) + "}"
    return "[" + ", ".join(map(text, tree)) + "]" if isinstance(tree, list) else str(tree)


def overlay(base: object, own: object) -> object:
    if isinstance(base, dict) and isinstance(own, dict):
        keys = [*base, *(key for key in own if key not in base)]
        return {
            k: overlay(base[k], own[k]) if k in base and k in own else own.get(k, base.get(k)) for k in keys
        }
    return own


@given(st.lists(MAPPINGS, min_size=1, max_size=3))
def test_merging_is_the_plain_overlay(
    tmp_path_factory: pytest.TempPathFactory, trees: list[dict[str, object]]
) -> None:
    root = tmp_path_factory.mktemp("merge")
    expected: object = {}
    for number, tree in enumerate(trees):
        link = f"extends: [base{number - 1}.yaml]\n" if number else ""
        write(root, **{f"base{number}": f"{link}k: {text(tree)}\n"})
        expected = overlay(expected, {"k": tree})
    source = merged(root, f"base{len(trees) - 1}.yaml")
    assert plain(source.root) == expected
    assert list(_spans(source.root)) == [None] * len(list(_spans(source.root)))


def _spans(node: Mapping | Sequence | Scalar) -> list[Span | None]:
    """Return the spans that lie in no loaded file: none."""
    if isinstance(node, Mapping):
        return [span for entry in node.entries.values() for span in _spans(entry.node)]
    return [] if node.span.file.startswith("base") else [node.span]
