"""Each slip gives one diagnostic, at its place, that says what is allowed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from mlcc import __version__
from mlcc.diagnostics import Diagnostic, Severity, SpecError
from mlcc.gates import GATES
from mlcc.load.extends import merge
from mlcc.load.source import load, read
from mlcc.spec import fast
from mlcc.spec.explain import validate_slowly
from mlcc.spec.models import Spec
from mlcc.spec.table import SPEC
from mlcc.spec.validate import validate
from tests.spec.near_misses import slipped, valid
from tests.spec.strategies import specs, to_yaml

HEAD = "version: 1\nname: a\ntriggers: {push: {branches: [main]}}\n"


def diagnose(text: str) -> list[Diagnostic]:
    with pytest.raises(SpecError) as problem:
        validate(read(text.encode(), "mlcc.yaml"))
    assert set(problem.value.texts) == {"mlcc.yaml"}
    return list(problem.value.diagnostics)


def brief(found: Diagnostic) -> str:
    assert found.span is not None
    assert found.severity is Severity.ERROR
    return f"{found.span.line}:{found.span.column} {found.code}: {found.message}"


CASES = {
    "unknown-key": (
        "jobs: {train: {run: x, tiemout: 3h}}",
        ["4:24 unknown-key: unknown key `tiemout`; did you mean `timeout`?"],
    ),
    "unknown-top-key": ("gate: {}", ["4:1 unknown-key: unknown key `gate`; did you mean `gates`?"]),
    "nothing-like-it": ("zzz: {}", ["4:1 unknown-key: unknown key `zzz`"]),
    "alias-as-in-python": (
        "artifacts: {a: {kind: data, path: x, from_: {command: x}}}",
        ["4:38 unknown-key: unknown key `from_`; did you mean `from`?"],
    ),
    "misspelt-required-key": (
        "jobs: {train: {rn: x}}",
        ["4:16 unknown-key: unknown key `rn`; did you mean `run`?"],
    ),
    "misspelt-gate-kind": (
        "gates: {g: {guards: a, evalute: {}}}",
        ["4:24 unknown-key: unknown key `evalute`; did you mean `evaluate`?"],
    ),
    "unknown-key-without-value": (
        "jobs:\n  a: {run: x}\n  b: {run: x, foo: }",
        ["6:15 unknown-key: unknown key `foo`"],
    ),
    "missing-key": ("artifacts: {a: {path: x}}", ["4:13 missing-key: `kind` is missing"]),
    "null": ("jobs: {train: {run: x, timeout: }}", ["4:24 no-value: `timeout` has no value"]),
    "null-node": ("jobs:\n  train:\n", ["5:3 no-value: `train` has no value"]),
    "null-in-list": (
        "jobs: {train: {run: x, reads: [null]}}",
        ["4:32 wrong-type: expected an id, found nothing"],
    ),
    "text-for-list": (
        "jobs: {train: {run: x, reads: raw}}",
        ["4:31 wrong-type: expected a list of ids, found a string"],
    ),
    "list-for-text": ("jobs: {train: {run: [x]}}", ["4:21 wrong-type: expected a command, found a list"]),
    "text-for-flag": (
        "jobs: {train: {run: x, blocking: 'no'}}",
        ["4:34 wrong-type: expected true or false, found a string"],
    ),
    "text-for-number": (
        "jobs: {train: {run: x, retry: '2'}}",
        ["4:31 wrong-type: expected a whole number, found a string"],
    ),
    "fraction-for-number": (
        "jobs: {train: {run: x, retry: 1.5}}",
        ["4:31 wrong-type: expected a whole number, found the number 1.5"],
    ),
    "flag-for-number": (
        "jobs: {train: {run: x, retry: true}}",
        ["4:31 wrong-type: expected a whole number, found true"],
    ),
    "number-out-of-bounds": ("jobs: {train: {run: x, retry: 9}}", ["4:31 bad-value: must be at most 5"]),
    "number-for-union": (
        "jobs: {train: {run: x, python: 3.12}}",
        ["4:32 wrong-type: expected a Python version or a mapping with matrix, found the number 3.12"],
    ),
    "list-for-value": (
        "jobs: {train: {run: x, env: {A: [1]}}}",
        [
            "4:33 wrong-type: expected text, a number, true or false or a mapping with one of secret, var, input, "
            "matrix, output, context, found a list"
        ],
    ),
    "inside-a-value": (
        "jobs: {train: {run: x, env: {A: {contxt: branch}}}}",
        ["4:34 unknown-key: unknown key `contxt`; did you mean `context`?"],
    ),
    "choice-inside-a-value": (
        "jobs: {train: {run: x, env: {A: {secret: B, as: fiel}}}}",
        ["4:49 bad-value: 'fiel' isn't 'value' or 'file'"],
    ),
    "two-kinds-of-value": (
        "jobs: {train: {run: x, env: {A: {secret: B, var: C}}}}",
        ["4:45 one-of: `secret` and `var` exclude each other"],
    ),
    "no-kind-of-value": (
        "jobs: {train: {run: x, env: {A: {as: file}}}}",
        ["4:30 one-of: one of secret, var, input, matrix, output, context is missing"],
    ),
    "two-of-a-union-and-more": (
        "jobs: {train: {run: x, python: '3.12', image: y, timeout: 1w}}",
        [
            "4:40 one-of: `python` and `image` exclude each other",
            "4:59 bad-duration: a duration is a whole number and a unit: 30s, 15m, 6h or 7d",
        ],
    ),
    "no-gate-kind": (
        "gates: {g: {guards: a}}",
        [f"4:9 one-of: one of {', '.join(GATES)} is missing"],
    ),
    "choice": (
        "jobs: {train: {run: x, when: {event: psh}}}",
        ["4:38 bad-value: 'psh' isn't 'push', 'pull_request', 'tag', 'schedule', 'manual' or 'dispatch'"],
    ),
    "choice-in-list-in-list": (
        "jobs: {train: {run: x, when: [{event: [push, tg]}]}}",
        ["4:46 bad-value: 'tg' isn't 'push', 'pull_request', 'tag', 'schedule', 'manual' or 'dispatch'"],
    ),
    "one-word": ("jobs: {train: {run: x, checkout: no-ne}}", ["4:34 bad-value: 'no-ne' isn't 'none'"]),
    "neither-mapping-nor-list": (
        "jobs: {train: {run: x, when: push}}",
        ["4:30 wrong-type: expected a mapping or a list of mappings, found a string"],
    ),
    "empty-list": ("jobs: {train: {run: x, when: []}}", ["4:30 bad-value: must have at least 1 item"]),
    "short-text": (
        "gates: {g: {guards: a, command: {run: x}, waive: {reason: short, until: '2026-12-31', issue: x}}}",
        ["4:59 bad-value: must have at least 10 characters"],
    ),
    "metric-bound": (
        "gates: {g: {guards: a, evaluate: {metrics_from: m, metrics: {r2: {min: high}}}}}",
        ["4:72 wrong-type: expected a number, found a string"],
    ),
    "number-or-text": (
        "gates: {g: {guards: a, contract: {columns: {a: {type: number, min: [0]}}}}}",
        ["4:68 wrong-type: expected a number or text, found a list"],
    ),
    "id": (
        "jobs: {Train: {run: x}}",
        [
            "4:8 bad-id: an id has lower-case letters, digits, '_' and single '-', starts with a letter, "
            "has at most 60 characters"
        ],
    ),
    "id-in-list": (
        "jobs: {train: {run: x, reads: [a, B c]}}",
        [
            "4:35 bad-id: an id has lower-case letters, digits, '_' and single '-', starts with a letter, "
            "has at most 60 characters"
        ],
    ),
    "env-name": (
        "jobs: {train: {run: x, env: {PATH: y}}}",
        [
            "4:30 bad-name: PATH belongs to the runner or to mlcc "
            "(so do the prefixes MLCC_, ARTIFACT_, DIGEST_, SNAPSHOT_, VERSION_, SERVICE_, GITHUB_, RUNNER_, CI_, ACTIONS_)"
        ],
    ),
    "path": (
        "artifacts: {a: {kind: data, path: ../x}}",
        ["4:35 bad-path: a path has no empty, '.' or '..' part"],
    ),
    "path-in-list": (
        "artifacts: {a: {kind: code, path: [src/, '*.py', .git/x]}}",
        ["4:50 bad-path: '.git/' isn't the project's own"],
    ),
    "expression": (
        "jobs: {train: {run: 'echo ${{ github.ref }}'}}",
        [
            "4:21 bad-command: commands hold no '${{ }}': pass the value through `env`, as {secret: …}, {input: …} "
            "or {context: …}"
        ],
    ),
    "both-of-a-mapping-entry": (
        "jobs: {T: {run: 3}}",
        [
            "4:8 bad-id: an id has lower-case letters, digits, '_' and single '-', starts with a letter, "
            "has at most 60 characters",
            "4:17 wrong-type: expected a command, found the number 3",
        ],
    ),
    "several-places-in-order": (
        "jobs: {a: {run: x, retry: -1}}\ngates: {g: {guards: A, command: {run: 1}}}\nartifacts: {a: {kind: dta, path: x}}",
        [
            "4:27 bad-value: must be at least 0",
            "5:21 bad-id: an id has lower-case letters, digits, '_' and single '-', starts with a letter, "
            "has at most 60 characters",
            "5:39 wrong-type: expected a command, found the number 1",
            "6:23 bad-value: 'dta' isn't 'code', 'data', 'model', 'file' or 'image'",
        ],
    ),
}


@pytest.mark.parametrize(("text", "expected"), [pytest.param(*case, id=name) for name, case in CASES.items()])
def test_diagnostics(text: str, expected: list[str]) -> None:
    assert [brief(found) for found in diagnose(HEAD + text + "\n")] == expected


def test_an_empty_spec_names_what_it_needs() -> None:
    assert [brief(found) for found in diagnose("{}\n")] == [
        "1:1 missing-key: `version` is missing",
        "1:1 missing-key: `name` is missing",
        "1:1 missing-key: `triggers` is missing",
    ]


def test_version_and_schedule() -> None:
    text = "version: 2\nname: a\ntriggers: {schedule: {w: 61 * * * *, d: '* * *'}}\n"
    assert [brief(found) for found in diagnose(text)] == [
        "1:10 unsupported-version: this mlcc reads version 1 of the language",
        "3:26 bad-cron: 61 is outside 0 to 59",
        "3:41 bad-cron: a schedule has five cron fields in digits, UTC, such as '17 3 * * 1'",
    ]


NEWER = f"this is mlcc {__version__}: if a newer one knows the key, say so by `requires`"


@pytest.mark.parametrize(
    ("text", "help"),
    [
        ("zzz: {}", f"allowed here: {', '.join(SPEC.keys)}; {NEWER}"),
        ("jbs: {}", f"allowed here: {', '.join(SPEC.keys)}"),
        ("jobs: {a: {remote: {poll: p, cancel: c}}}", "`submit` is a command"),
        ("jobs: {a: {run: x, python: 3.12}}", 'quote it: "3.12"'),
        ("jobs: {a: {run: x, timeout: 5}}", "say the unit: 5m or 5s"),
        ("jobs: {a: {run: x, timeout: 0}}", None),
        ("jobs: {a: {run: x, reads: raw}}", "write it as a list of one item"),
        ("jobs: {a: {run: x, when: {event: psh}}}", "did you mean 'push'?"),
        ("jobs: {a: {run: x, when: {event: zz}}}", None),
        ("jobs: {a: {run: x, timeout: }}", "give it one, or leave the key out"),
        ("jobs: {a: {run: x, python: '3.12', image: y}}", "keep one of them"),
    ],
)
def test_help(text: str, help: str | None) -> None:
    (found,) = diagnose(HEAD + text + "\n")
    assert found.help == help


def test_the_other_end_of_a_union() -> None:
    (found,) = diagnose(HEAD + "jobs:\n  a:\n    run: x\n    image: y\n    python: '3.12'\n")
    assert brief(found) == "8:5 one-of: `image` and `python` exclude each other"
    assert [(r.span.line, r.span.column, r.message) for r in found.related] == [(7, 5, "the other")]


@pytest.mark.parametrize(
    ("inherited", "own", "code", "base"),
    [
        ("timeout: 3h", "timeout: soon", "bad-duration", (4, 29)),
        ("when: {event: push}", "when: [{event: psh}]", "bad-value", (4, 26)),  # inside of what replaced it
        ("env: {A: 1}", "timeout: soon", "bad-duration", None),
        ("env: {A: 1}", "env: {B: [1]}", "wrong-type", None),  # beside what it inherits
    ],
)
def test_an_overriding_value_shows_what_it_overrides(
    inherited: str, own: str, code: str, base: tuple[int, int] | None, tmp_path: Path
) -> None:
    (tmp_path / "base.yaml").write_text(HEAD + f"jobs: {{a: {{run: x, {inherited}}}}}\n")
    (tmp_path / "mlcc.yaml").write_text(
        f"version: 1\nname: b\nextends: [base.yaml]\njobs: {{a: {{{own}}}}}\n"
    )
    source = merge(load(tmp_path / "mlcc.yaml"), tmp_path)
    with pytest.raises(SpecError) as problem:
        validate(source)
    (found,) = problem.value.diagnostics
    assert found.code == code
    assert found.span is not None
    assert (Path(found.span.file).name, found.span.line) == ("mlcc.yaml", 4)
    others = [(Path(o.span.file).name, o.span.line, o.span.column, o.message) for o in found.related]
    assert others == ([("base.yaml", *base, "the value that it overrides")] if base else [])


# --- requirements, and the way through both loaders -----------------------------------------------


@pytest.mark.parametrize(
    ("requires", "met"), [(">=0.0", True), (">=0.1", True), (">=0.2", False), (">=1.0", False)]
)
def test_requires(requires: str, met: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlcc.spec.validate.__version__", "0.1.7")
    text = HEAD + f"requires: '{requires}'\njobs: {{a: {{run: x}}}}\n"
    if met:
        assert validate(read(text.encode(), "mlcc.yaml")).requires == requires
    else:
        assert [brief(found) for found in diagnose(text)] == [
            f"4:11 unsupported-version: the spec requires mlcc {requires}; this is 0.1.7"
        ]


def test_the_models_have_the_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast, "load", lambda data: None)
    spec = validate(read((HEAD + "jobs: {a: {run: x}}\n").encode(), "mlcc.yaml"))
    assert isinstance(spec, Spec)
    assert spec.jobs["a"].run == "x"


def test_a_hundred_diagnostics_are_enough() -> None:
    jobs = "".join(f"  j{n}: {{run: 1}}\n" for n in range(150))
    found = diagnose(HEAD + "jobs:\n" + jobs)
    assert len(found) == 100
    assert brief(found[99]) == "104:14 wrong-type: expected a command, found the number 1"


def test_long_values_are_cut_in_messages() -> None:
    long = "n" * 5000
    choice, cron, name = (
        diagnose(HEAD + f"jobs: {{a: {{run: x, checkout: {long}}}}}\n")[0].message,
        diagnose(f"version: 1\nname: a\ntriggers: {{schedule: {{w: {long} * * * *}}}}\n")[0].message,
        diagnose(HEAD + "jobs: {a: {run: x, env: {MLCC_" + "N" * 900 + ": 1}}}\n")[0].message,
    )
    assert choice == f"'{'n' * 59}…' isn't 'none'"
    assert len(cron) == len(name) == 400


def test_only_a_hundred_unknown_keys_are_looked_up() -> None:
    keys = "".join(f"  tiemout{n:03}: 1\n" for n in range(300))
    found = diagnose(HEAD + "defaults:\n" + keys)
    assert [d.message for d in found] == [
        f"unknown key `tiemout{n:03}`; did you mean `timeout`?" for n in range(100)
    ]


def readable(data: object) -> bool:
    """Tell whether the loader could have made this of a text: finite numbers, whole characters, keys that are words."""
    try:
        text = json.dumps(data, allow_nan=False, ensure_ascii=False).encode().decode()
    except ValueError:
        return False
    return isinstance(data, dict) and "\\u0000" not in text and len(text) < 60_000


@settings(max_examples=80, suppress_health_check=list(HealthCheck), deadline=None)
@given(slipped(valid(SPEC)) | slipped(specs()))
def test_every_refusal_has_a_code_and_a_place(data: Any) -> None:
    if not readable(data):
        return
    for found in refusals(data):
        assert found.code
        assert found.span is not None
        assert found.span.file == "mlcc.yaml"
        assert "Input should" not in found.message  # pydantic's own words


def refusals(data: Any) -> tuple[Diagnostic, ...]:
    """Return what is wrong with a spec; a refusal without a diagnostic is an error."""
    try:
        validate_slowly(data, read(to_yaml(data).encode(), "mlcc.yaml"))
    except SpecError as problem:
        return problem.diagnostics or (Diagnostic("", Severity.ERROR, "nothing was said", None),)
    return ()
