"""Lowering by hand-worked cases: a row says what Jenkins must know of a node, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from mlcc.backends import BACKENDS
from mlcc.backends.jenkins.lower import lower
from mlcc.backends.jenkins.model import CACHES, LEGS, NODES, SERVICES, Jenkinsfile, Parameter, Schedule
from mlcc.backends.jenkins.render import render
from mlcc.diagnostics import SpecError
from tests.plans import HEAD, place, plan_of

ARTIFACTS = """\
artifacts:
  code: {kind: code, path: [src/]}
  model: {kind: model, path: out/model/}
  stats: {kind: data, path: out/stats.json}
"""


def table(file: Jenkinsfile, name: str = NODES) -> dict[str, dict[str, Any]]:
    return {row.key: dict(row.fields) for row in file.rows if row.table == name}


def lowered(text: str, head: str = HEAD) -> Jenkinsfile:
    return lower(plan_of(head + text))


def test_a_node_waits_for_each_other_once_where_it_is_strictest() -> None:
    file = lowered(
        ARTIFACTS
        + """\
jobs:
  train: {run: t, reads: [code], writes: [model], timeout: 1h, env: {A: {secret: S}, B: {var: V}}}
  profile: {run: t, reads: [code], writes: [stats], blocking: false}
  show: {run: t, reads: [model, stats], needs: [train, profile]}
  again: {run: t, when: {gate: odd, verdict: fail}}
  both: {run: t, when: {gate: odd, verdict: fail}, needs: [odd]}
  clean: {run: t, needs: [show, again], when: {status: always}}
gates:
  good: {guards: model, command: {run: t}}
  odd: {guards: stats, command: {run: t}, blocking: false}
"""
    )
    rows = table(file)
    assert rows["train"] == {
        "label": "linux",
        "minutes": 75,
        "trusted": True,
        "secrets": "S",
        "variables": "V",
        "writes": True,
    }
    assert rows["profile"] == {"label": "linux", "minutes": 45, "soft": True, "writes": True}
    assert rows["good"] == {"label": "linux", "minutes": 45, "data": "train"}
    assert rows["show"] == {"label": "linux", "minutes": 45, "data": "train profile", "order": "good"}
    assert rows["again"] == {"label": "linux", "minutes": 45, "verdict": "odd"}
    assert rows["both"]["order"] == "odd"
    assert "verdict" not in rows["both"]
    assert rows["clean"]["status"] == "always"
    assert rows["clean"]["order"] == "show again"


def test_legs_have_rows_only_for_what_is_their_own() -> None:
    file = lowered(
        """\
runners: {a: {jenkins: big && fast}, b: {jenkins: small}}
artifacts: {code: {kind: code, path: [src/]}}
jobs:
  plain: {run: t, reads: [code], matrix: {axes: {seed: [1, 2]}}}
  own: {run: t, reads: [code], python: {matrix: python}, runner: {matrix: pool}, matrix: {axes: {python: ["3.11"], pool: [a, b]}}}
"""
    )
    assert table(file)["plain"]["legs"] == "1 2"
    assert "label" not in table(file)["own"]
    assert table(file, LEGS) == {
        "own--3-11-a": {"label": "big && fast", "python": "3.11"},
        "own--3-11-b": {"label": "small", "python": "3.11"},
    }


def test_services_and_caches() -> None:
    file = lowered(
        """\
artifacts: {code: {kind: code, path: [src/]}}
jobs:
  j:
    run: t
    reads: [code]
    cache: {pip: {path: ["~/.cache/$x", "a b"], key: [r.txt, s.txt]}}
    services:
      my-db: {image: "postgres:16", port: 5432, env: {P: {secret: S}, V: {var: W, default: "d'"}, L: "it's"}}
"""
    )
    assert table(file, CACHES) == {"j pip": {"paths": ("$HOME/.cache/$$x", "a b"), "files": "r.txt,s.txt"}}
    assert table(file, SERVICES) == {
        "j my-db": {
            "image": "postgres:16",
            "port": 5432,
            "suffix": "MY_DB",
            "names": "L P V",
            "literals": ("L=it's", "V=d'"),
            "secrets": "P=S",
            "variables": "V=W",
        }
    }


def test_environments_lock_and_ask() -> None:
    file = lowered(
        """\
environments: {prod: {branches: [main], approval: true}, stage: {}}
artifacts: {code: {kind: code, path: [src/]}}
jobs:
  a: {run: t, reads: [code], environment: prod}
  b: {run: t, reads: [code], environment: stage}
"""
    )
    rows = table(file)
    assert (rows["a"]["lock"], rows["a"]["environment"], rows["a"]["approvers"]) == (
        "p prod",
        "prod",
        "prod-approvers",
    )
    assert rows["b"]["lock"] == "p stage"
    assert "approvers" not in rows["b"]
    assert (
        file.hours == 1 + 7 * 24 + 24 + 1
    )  # 45 minutes, a week for the approval, waiting, the first and last node


JOB = "artifacts: {code: {kind: code, path: [src/]}}\njobs: {j: {run: t, reads: [code]}}\n"


def test_one_schedule_is_plain_and_several_are_told_apart_by_a_parameter() -> None:
    one = lowered(JOB, "version: 1\nname: p\ntriggers: {schedule: {nightly: '17 3 * * *'}}\n")
    assert one.schedule == Schedule("TZ=Etc/UTC\n17 3 * * *", by_parameter=False)
    assert one.facts == ("MLCC_SCHEDULE=nightly",)
    assert one.parameters == ()
    two = lowered(
        JOB, "version: 1\nname: p\ntriggers: {schedule: {nightly: '17 3 * * *', often: '*/9 * * * *'}}\n"
    )
    assert two.schedule == Schedule(
        "TZ=Etc/UTC\n17 3 * * * %MLCC_TRIGGER=nightly\n*/9 * * * * %MLCC_TRIGGER=often", by_parameter=True
    )
    assert two.facts == ()
    assert [parameter.name for parameter in two.parameters] == ["MLCC_TRIGGER"]
    assert "parameterized-scheduler" in two.plugins
    assert "parameterized-scheduler" not in one.plugins


def test_forms_become_parameters_that_no_command_sees() -> None:
    head = """\
version: 1
name: p
triggers:
  manual:
    retrain: {inputs: {rate: {type: number, default: 0.1, max: 1}, full: {type: boolean, default: true}}}
    replay: {inputs: {mode: {type: choice, options: [dry, real], default: real}}}
  dispatch: [new-data]
"""
    file = lowered(JOB, head)
    assert file.facts == ("MLCC_FORMS=true",)
    assert [(p.name, p.kind, p.default, p.options) for p in file.parameters] == [
        ("MLCC_TRIGGER", "string", "", ()),
        ("MLCC_FORM", "choice", "retrain", ("retrain", "replay")),
        ("MLCC_INPUT_rate", "string", "0.1", ()),
        ("MLCC_INPUT_full", "boolean", "true", ()),
        ("MLCC_INPUT_mode", "choice", "real", ("real", "dry")),  # Jenkins takes the first for the default
    ]
    assert Parameter("x", "boolean", "", "true").on
    assert not Parameter("x", "boolean", "", "false").on


def test_the_template_has_only_what_is_used() -> None:
    text = render(lowered(JOB))
    unused = ("docker", "junit", "lock(", "input(", "MLCC_PYTHON", "cache(", "GitLFSPull")
    for word in (*unused, "parameters {", "triggers {"):
        assert word not in text
    assert "lastGreen" in text
    assert "lastGreen" not in render(lowered(JOB, "version: 1\nname: p\ntriggers: {tag: {patterns: [v*]}}\n"))


def test_a_container_starts_at_the_root_of_the_workspace() -> None:
    text = render(lower(plan_of(HEAD + JOB.replace("run: t", "run: t, image: x"), home="models/a")))
    execute = text[text.index("int execute(") : text.index("List wanted(")]
    places = [execute.index(part) for part in ("dir(env.WORKSPACE)", ".inside(", "dir(PROJECT)", "RUN_NODE")]
    assert places == sorted(places)


def test_the_same_plan_gives_the_same_file_in_its_folder() -> None:
    plan = plan_of(HEAD + JOB, home="models/a", spec_files=("models/a/mlcc.yaml",))
    (file,) = BACKENDS["jenkins"].compile(plan)
    assert file.path == "models/a/Jenkinsfile"
    assert "PROJECT = 'models/a'" in file.text
    assert "'.git/info/exclude'" in file.text  # `dir` leaves models/a@tmp in the workspace
    assert "'.git/info/exclude'" not in render(lowered(JOB))
    assert BACKENDS["jenkins"].compile(plan) == [file]


@pytest.mark.parametrize(
    ("text", "code", "where"),
    [
        (
            "runners: {r: {github: x}}\n" + JOB.replace("run: t", "run: t, runner: r"),
            "no-runner-label",
            "6:36",
        ),
        (
            JOB.replace("run: t", "run: t, services: {s: {image: x, port: 1, env: {DOCKER_HOST: x}}}"),
            "service-variable",
            "5:21",
        ),
        (JOB.replace("run: t", 'run: t, cache: {c: {path: [a], key: ["a,b"]}}'), "cache-key", "5:21"),
    ],
)
def test_what_jenkins_cannot_do_is_an_error_at_its_line(text: str, code: str, where: str) -> None:
    with pytest.raises(SpecError) as raised:
        BACKENDS["jenkins"].compile(plan_of(HEAD + text))
    (found,) = raised.value.diagnostics
    assert found.code == code
    assert place(found).startswith(where.partition(":")[0])


def test_inputs_of_one_name_must_mean_the_same() -> None:
    head = "version: 1\nname: p\ntriggers: {manual: {a: {inputs: {x: {type: string}}}, b: {inputs: {x: {type: integer}}}}}\n"
    (found,) = BACKENDS["jenkins"].check(plan_of(head + JOB))
    assert found.code == "input-clash"


def test_a_text_that_no_class_file_can_hold_is_an_error() -> None:
    long = "x" * 65_000
    text = JOB.replace(
        "run: t", f"run: t, services: {{s: {{image: x, port: 1, env: {{A: '{long}é{long}'}}}}}}"
    )
    plan = plan_of(HEAD + JOB.replace("run: t", "run: t, services: {s: {image: x, port: 1, env: {A: v}}}"))
    assert BACKENDS["jenkins"].check(plan) == []
    with pytest.raises(SpecError):
        plan_of(HEAD + text)  # refused as a spec already


def test_obligations_name_what_the_file_relies_on() -> None:
    head = (
        "version: 1\nname: p\ntriggers: {pull_request: {branches: [main]}, tag: {patterns: [v*]}, dispatch: [new]}\n"
        "auth: {aws: {role: r, region: e}}\nenvironments: {prod: {branches: [main], approval: true}}\n"
    )
    job = "run: t, reads: [code], auth: [aws], environment: prod, python: '3.12', env: {A: {secret: S}, B: {var: V}}"
    plan = plan_of(
        head
        + f"artifacts: {{code: {{kind: code, path: [src/]}}}}\njobs: {{j: {{{job}, when: {{event: dispatch}}}}}}\n"
    )
    text = "\n".join(one.sentence for one in BACKENDS["jenkins"].obligations(plan))
    for part in ("oidc-provider", "script path Jenkinsfile", "ids S", "variables V", "'mlcc-aws'", "3.12", "'prod-approvers'",
                 "MLCC_TRIGGER (new)", "discover tags", "no trust", "builds of main", "jenkins/pr-merge",
                 "the labels linux"):  # fmt: skip
        assert part in text, part
