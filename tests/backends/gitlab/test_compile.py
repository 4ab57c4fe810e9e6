"""What each part of a spec becomes in GitLab's two files."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from mlcc.backends import BACKENDS
from mlcc.backends.gitlab.lower import deciding_nodes, status_levels
from mlcc.diagnostics import SpecError
from mlcc.plan import NodeKind
from tests.backends.gitlab.specs import compiled, load
from tests.plans import plan_of

TRIGGERS = """\
version: 1
name: p
triggers:
  push: {branches: [main, release/*]}
  pull_request: {branches: [main]}
  tag: {patterns: ["v*"]}
  schedule: {weekly: "1 2 * * 1"}
  manual:
    retrain:
      inputs:
        rate: {type: number, default: 0.1}
        mode: {type: choice, options: [a, b], default: a}
        full: {type: boolean}
    rescore: {}
  dispatch: [new-data]
"""


def job(spec: str, id: str = "a", **more: Any) -> dict[str, Any]:
    found = compiled(spec, **more).child[id]
    assert isinstance(found, dict)
    return found


def refused(spec: str, **more: Any) -> list[str]:
    try:
        compiled(spec, **more)
    except SpecError as problem:
        return [found.code for found in problem.diagnostics]
    return []


# --- the parent -----------------------------------------------------------------------------------


def test_the_parent_starts_on_the_triggers_and_on_nothing_else() -> None:
    parent = compiled("jobs:\n  a: {run: 'true'}\n", head=TRIGGERS).parent
    conditions = [
        '$CI_PIPELINE_SOURCE == "merge_request_event" && $CI_MERGE_REQUEST_TARGET_BRANCH_NAME == "main"',
        '$CI_PIPELINE_SOURCE == "push" && $CI_COMMIT_BRANCH == "main"',
        '$CI_PIPELINE_SOURCE == "push" && $CI_COMMIT_BRANCH =~ /^release\\/[^\\/]*$/',
        '$CI_PIPELINE_SOURCE == "push" && $CI_COMMIT_TAG =~ /^v[^\\/]*$/',
        '$CI_PIPELINE_SOURCE == "schedule" && $MLCC_TRIGGER == "weekly"',
        '($CI_PIPELINE_SOURCE == "web" || $CI_PIPELINE_SOURCE == "api") && $MLCC_TRIGGER == "retrain"',
        '($CI_PIPELINE_SOURCE == "web" || $CI_PIPELINE_SOURCE == "api") && $MLCC_TRIGGER == "rescore"',
        '($CI_PIPELINE_SOURCE == "trigger" || $CI_PIPELINE_SOURCE == "pipeline" || $CI_PIPELINE_SOURCE == "api")'
        ' && $MLCC_TRIGGER == "new-data"',
    ]
    assert [rule["if"] for rule in parent["select"]["rules"]] == conditions
    assert [rule["if"] for rule in parent["run"]["rules"]] == conditions
    assert parent["run"]["rules"][0]["variables"] == {"MLCC_CACHE": "pull"}
    assert set(parent) == {"stages", "variables", "select", "run"}


def test_the_child_gets_the_run_s_id_and_no_variable_of_who_started_it() -> None:
    run = compiled("jobs:\n  a: {run: 'true'}\n").parent["run"]
    assert run["variables"] == {"MLCC_RUN": "$CI_PIPELINE_ID"}
    assert run["trigger"]["forward"] == {"yaml_variables": True, "pipeline_variables": False}
    assert run["trigger"]["strategy"] == "mirror"
    assert run["needs"] == ["select"]


def test_forms_are_variables_taken_literally() -> None:
    variables = compiled("jobs:\n  a: {run: 'true'}\n", head=TRIGGERS).parent["variables"]
    assert variables["MLCC_TRIGGER"] == {
        "description": "What to start", "value": "retrain", "options": ["retrain", "rescore"], "expand": False,
    }  # fmt: skip
    assert variables["MLCC_INPUT_RATE"]["value"] == "0.1"
    assert variables["MLCC_INPUT_MODE"]["options"] == ["a", "b"]
    assert variables["MLCC_INPUT_FULL"]["options"] == ["", "true", "false"]
    assert all(variable["expand"] is False for variable in variables.values())


def test_below_the_root_names_and_words_belong_to_the_project() -> None:
    made = compiled("jobs:\n  a: {run: 'true', outputs: [N]}\n", home="models/p", head=TRIGGERS)
    parent = made.parent
    assert set(parent) == {"stages", "variables", "p-select", "p-run"}
    assert parent["stages"] == ["select", "run"]
    assert "MLCC_INPUT_P_RATE" in parent["variables"]
    assert '$MLCC_TRIGGER == "p/weekly"' in parent["p-select"]["rules"][4]["if"]
    assert parent["p-select"]["script"] == ["python3 -I models/p/.mlcc/run.py select"]
    assert parent["p-run"]["trigger"]["include"] == [
        {"artifact": "models/p/_mlcc/child.yml", "job": "p-select"}
    ]
    assert made.child["a"]["script"] == ["python3 -I models/p/.mlcc/run.py node"]
    assert made.child["a"]["artifacts"]["paths"] == ["models/p/_mlcc/s--a/"]


# --- nodes ----------------------------------------------------------------------------------------


def test_needs_are_optional_and_bring_artifacts() -> None:
    found = job("jobs:\n  b: {run: 'true'}\n  a: {run: 'true', needs: [b]}\n")
    assert found["needs"] == [{"job": "b", "artifacts": True, "optional": True}]
    assert found["stage"] == "run"
    assert "when" not in found
    assert "allow_failure" not in found


def test_status_nodes_take_a_stage_each_and_have_no_needs() -> None:
    spec = (
        "jobs:\n  a: {run: 'true'}\n"
        "  mop: {run: 'true', needs: [a], when: {status: always}}\n"
        "  tell: {run: 'true', needs: [mop], when: {status: failure}}\n"
        "  also: {run: 'true', needs: [a], when: {status: failure}}\n"
    )
    child = compiled(spec).child
    assert child["stages"] == ["run", "after-1", "after-2", "final"]
    assert {id: child[id]["stage"] for id in ("mop", "tell", "also")} == {
        "mop": "after-1",
        "tell": "after-2",
        "also": "after-1",
    }
    for id in ("mop", "tell", "also", "final"):
        assert child[id]["when"] == "always"
        assert "needs" not in child[id]
    assert status_levels(plan_of("version: 1\nname: p\ntriggers: {push: {branches: [main]}}\n" + spec)) == {
        "mop": 1,
        "also": 1,
        "tell": 2,
    }


GATE = "artifacts: {code: {kind: code, path: src/}}\n"


def test_a_gate_before_a_mixed_condition_and_all_before_it_always_start() -> None:
    spec = (
        GATE + "jobs:\n  early: {run: 'true'}\n  other: {run: 'true'}\n"
        "  late: {run: 'true', when: [{gate: soft, verdict: fail}, {event: push}]}\n"
        "gates:\n  soft: {guards: code, blocking: false, needs: [early], command: {run: 'true'}}\n"
    )
    child = compiled(spec).child
    assert {id for id in child if isinstance(child[id], dict) and child[id].get("when") == "always"} == {
        "early", "soft", "final",
    }  # fmt: skip
    pure = spec.replace(", {event: push}]", "]")
    assert (
        deciding_nodes(plan_of("version: 1\nname: p\ntriggers: {push: {branches: [main]}}\n" + pure)) == set()
    )


def test_what_does_not_block_may_fail() -> None:
    assert job("jobs:\n  a: {run: 'true', blocking: false}\n")["allow_failure"] is True


def test_a_matrix_has_one_variable_unless_machines_differ() -> None:
    found = job("jobs:\n  a: {run: 'true', matrix: {axes: {seed: [1, 2]}}}\n")
    assert found["parallel"] == {"matrix": [{"MLCC_LEG": ["1", "2"]}]}
    assert found["artifacts"]["paths"] == ["_mlcc/s--a--*/"]
    spec = (
        "runners: {big: {gitlab: [gpu, large]}, small: {gitlab: gpu}}\n"
        "jobs:\n  a:\n    run: 'true'\n    runner: {matrix: pool}\n    python: {matrix: py}\n"
        '    matrix: {include: {x: {pool: big, py: "3.11"}, y: {pool: small, py: "3.12"}}}\n'
    )
    found = job(spec)
    assert found["parallel"]["matrix"] == [
        {"MLCC_LEG": "x", "MLCC_TAG_1": "gpu", "MLCC_TAG_2": "large", "MLCC_PYTHON": "3.11"},
        {"MLCC_LEG": "y", "MLCC_TAG_1": "gpu", "MLCC_TAG_2": "gpu", "MLCC_PYTHON": "3.12"},
    ]
    assert found["tags"] == ["${MLCC_TAG_1}", "${MLCC_TAG_2}"]
    assert found["image"] == "python:${MLCC_PYTHON}-bookworm"


@pytest.mark.parametrize(
    ("keys", "image"),
    [
        ('python: "3.11"', "python:3.11-bookworm"),
        ("image: acme/train@sha256:ab", {"name": "acme/train@sha256:ab", "entrypoint": [""]}),
        ("image: 'odd$X'", {"name": "odd$$X", "entrypoint": [""]}),
        ("timeout: 1h", "python:3.12-bookworm"),
    ],
)
def test_images(keys: str, image: object) -> None:
    assert job(f"jobs:\n  a: {{run: 'true', {keys}}}\n")["image"] == image


def test_services_caches_and_checkout() -> None:
    found = job(
        "jobs:\n  a:\n    run: 'true'\n    checkout: {depth: 0, lfs: true, submodules: true}\n"
        "    cache: {pip: {path: [~/.cache/pip, .cache], key: [req.txt]}}\n"
        "    services:\n      my-db:\n        image: 'postgres:16'\n        port: 5432\n"
        "        env: {PASSWORD: {secret: DB_PASSWORD}, NAME: {var: DB_NAME, default: 'a$b'}, COST: '5$'}\n"
    )
    assert found["services"] == [
        {
            "name": "postgres:16",
            "alias": "my-db",
            "variables": {"COST": "5$$", "NAME": "${DB_NAME}", "PASSWORD": "${DB_PASSWORD}"},
        }
    ]
    assert found["variables"] == {
        "MLCC_NODE": "a", "GIT_DEPTH": "0", "GIT_SUBMODULE_STRATEGY": "recursive", "MLCC_SERVICE_MY_DB": "my-db:5432",
        "DB_NAME": "a$$b",
    }  # fmt: skip
    assert found["cache"] == [
        {"key": {"files": ["req.txt"], "prefix": "p-pip"}, "paths": [".cache"], "policy": "$MLCC_CACHE"}
    ]
    assert found["environment"] == {"name": "p", "action": "access"}


def test_an_environment_is_a_lock_of_protected_refs_and_an_approval() -> None:
    spec = (
        "environments: {prod: {branches: [main], approval: true}, stage: {}}\n"
        "jobs:\n  a: {run: 'true', environment: prod}\n  b: {run: 'true', environment: stage}\n"
        "  c: {run: 'true', environment: prod, blocking: false}\n"
    )
    found = job(spec)
    assert found["environment"] == {"name": "prod"}
    assert found["resource_group"] == "prod"
    assert found["interruptible"] is False
    protected = '$CI_COMMIT_REF_PROTECTED == "true"'
    assert found["rules"] == [{"if": protected, "when": "manual", "allow_failure": False}]
    assert "rules" not in job(spec, "b")
    assert job(spec, "c")["allow_failure"] == {"exit_codes": [1, 2, 3, 5]}


def test_logins_are_tokens_of_the_job() -> None:
    spec = (
        "auth:\n  aws: {role: {var: ROLE}, region: eu}\n"
        "  gcp: {provider: {var: PROVIDER, default: projects/1}, service_account: s}\n"
        "jobs:\n  a: {run: 'true', auth: [aws, gcp]}\n"
    )
    found = job(spec)
    assert found["id_tokens"] == {
        "MLCC_ID_TOKEN_AWS": {"aud": "sts.amazonaws.com"},
        "MLCC_ID_TOKEN_GCP": {"aud": "https://iam.googleapis.com/${PROVIDER}"},
    }
    assert found["variables"]["PROVIDER"] == "projects/1"


def test_reports_are_shown_where_gitlab_shows_such() -> None:
    found = job(
        "jobs:\n  a:\n    run: 'true'\n    reports:\n      tests: {path: out/junit.xml, format: junit}\n"
        "      lines: {path: 'out/c$v.xml', format: cobertura}\n      page: {path: out/x.html, format: html}\n"
    )
    assert found["artifacts"] == {
        "when": "always",
        "access": "developer",
        "expire_in": "30 days",
        "paths": ["_mlcc/s--a/", "_mlcc/r--a/"],
        "reports": {
            "junit": ["out/junit.xml"],
            "coverage_report": {"coverage_format": "cobertura", "path": "out/c$$v.xml"},
        },
    }


def test_the_junit_file_of_a_gate_is_shown() -> None:
    spec = GATE + "gates:\n  a: {guards: code, tests: {run: pytest, junit: out/j.xml, min_passed: 1}}\n"
    assert job(spec)["artifacts"]["reports"] == {"junit": ["out/j.xml"]}


def test_no_text_of_the_spec_reaches_a_script() -> None:
    made = compiled("jobs:\n  a: {run: 'echo $(rm -rf /)', setup: ['pip install x'], env: {A: '$B'}}\n")
    scripts = [
        value["script"] for value in made.child.values() if isinstance(value, dict) and "script" in value
    ]
    assert scripts == [["python3 -I .mlcc/run.py node"], ["python3 -I .mlcc/run.py final"]]
    assert "rm -rf" not in made.child_text


# --- what GitLab can't ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "spec"),
    [
        ("no-runner-label", "runners: {gpu: {github: x}}\njobs:\n  a: {run: 'true', runner: gpu}\n"),
        ("limit", f"jobs:\n  a: {{run: 'true', matrix: {{axes: {{n: {list(range(201))}}}}}}}\n"),
        (
            "limit",
            "jobs:\n"
            + "".join(f"  b{n}: {{run: 'true'}}\n" for n in range(51))
            + f"  a: {{run: 'true', needs: [{', '.join(f'b{n}' for n in range(51))}]}}\n",
        ),
        (
            "limit",
            f"jobs:\n  b: {{run: 'true', matrix: {{axes: {{n: {list(range(51))}}}}}}}\n  a: {{run: 'true', needs: [b]}}\n",
        ),
        ("limit", "jobs:\n  a: {run: 'true', cache: {c: {path: [x/], key: [a, b, c]}}}\n"),
        (
            "token-audience",
            "auth: {gcp: {provider: {matrix: n}, service_account: s}}\n"
            "jobs:\n  a: {run: 'true', auth: [gcp], matrix: {axes: {n: [a, b]}}}\n",
        ),
        (
            "approval-decides",
            "environments: {e: {approval: true}}\n"
            "jobs:\n  b: {run: 'true'}\n  a: {run: 'true', needs: [b], environment: e, when: {status: always}}\n",
        ),
    ],
)
def test_refused(code: str, spec: str) -> None:
    assert refused(spec) == [code]


def test_approval_in_merge_requests_is_refused() -> None:
    spec = "environments: {e: {approval: true}}\njobs:\n  a: {run: 'true', environment: e}\n"
    assert refused(spec, head=TRIGGERS) == ["approval-pull-request"]
    assert refused(spec.replace("approval", "branches: [main], approval"), head=TRIGGERS) == []


def test_inputs_that_share_a_variable_are_refused() -> None:
    head = TRIGGERS.replace(
        "rescore: {}",
        "rescore: {inputs: {RATE_: {type: number}, ra-te: {type: string}, ra_te: {type: string}}}",
    )
    assert "input-clash" in refused(
        "jobs:\n  a: {run: 'true'}\n", head=head.replace("RATE_: {type: number}, ", "")
    )


@pytest.mark.parametrize("home", ["a$b", "a*", "[a]", "{a,b}", "-a", "a\\b", "a\nb", "a/?"])
def test_a_folder_that_a_pattern_would_misread_is_refused(home: str) -> None:
    assert refused("jobs:\n  a: {run: 'true'}\n", home=home) == ["folder-name"]


@pytest.mark.parametrize("home", ["a b", "a'b", "a;b/c", "é", "a`id`", 'a"b', "#a"])
def test_any_other_folder_reaches_the_shell_as_one_word(home: str) -> None:
    made = compiled("jobs:\n  a: {run: 'true'}\n", home=home)
    for job in (made.parent["p-select"], made.child["a"], made.child["final"]):
        assert shlex.split(job["script"][0])[:3] == ["python3", "-I", f"{home}/.mlcc/run.py"]
    assert made.child["a"]["artifacts"]["paths"] == [f"{home}/_mlcc/s--a/"]


def test_a_thousand_nodes_compile() -> None:
    spec = "jobs:\n" + "".join(
        f"  node-{n}: {{run: 'true', needs: [{', '.join(f'node-{m}' for m in range(max(0, n - 8), n))}]}}\n"
        for n in range(1000)
    )
    made = compiled(spec)
    assert len(made.child) == 1005
    usage = {used.limit.name: used.used for used in BACKENDS["gitlab"].usage(made.plan)}
    assert usage["child pipeline's file"] < 1_300_000


# --- overlays -------------------------------------------------------------------------------------


def test_an_overlay_adds() -> None:
    made = compiled(
        "jobs:\n  a: {run: 'true'}\n"
        "targets:\n  gitlab:\n    pipeline: {default: {tags: [own]}, variables: {HTTP_PROXY: 'http://p'}}\n"
        "    jobs: {a: {image: {name: x, entrypoint: ['']}}, select: {tags: [small]}}\n"
    )
    assert made.child["default"] == {"interruptible": True, "tags": ["own"]}
    assert made.child["variables"]["HTTP_PROXY"] == "http://p"
    assert made.child["a"]["image"] == {"name": "x", "entrypoint": [""]}
    assert made.parent["select"]["tags"] == ["small"]


@pytest.mark.parametrize(
    ("code", "overlay"),
    [
        ("overlay-semantics", "pipeline: {stages: [x]}"),
        ("overlay-semantics", "pipeline: {workflow: {rules: []}}"),
        ("overlay-semantics", "pipeline: {other: {script: [x]}}"),
        ("overlay-semantics", "pipeline: {default: {retry: 2}}"),
        ("overlay-semantics", "pipeline: {variables: {MLCC_SELECTION: x}}"),
        ("overlay-semantics", "jobs: {a: {variables: {MLCC_NODE: b}}}"),
        ("overlay-semantics", "jobs: {a: {allow_failure: true}}"),
        ("overlay-semantics", "jobs: {final: {script: ['true']}}"),
        ("overlay-semantics", "jobs: {select: {rules: []}}"),
        ("unknown-overlay", "jobs: {b: {tags: [x]}}"),
    ],
)
def test_an_overlay_can_t_change_the_meaning(code: str, overlay: str) -> None:
    assert refused(f"jobs:\n  a: {{run: 'true'}}\ntargets: {{gitlab: {{{overlay}}}}}\n") == [code]


# --- the ledger and the obligations ---------------------------------------------------------------


def test_the_ledger_has_github_s_features_in_its_order() -> None:
    from mlcc.backends.github.capabilities import CAPABILITIES as GITHUB

    ours = [capability.feature for capability in BACKENDS["gitlab"].capabilities]
    assert ours == [c.feature for c in GITHUB]
    assert {capability.grade for capability in BACKENDS["gitlab"].capabilities} <= {
        "exact", "emulated", "stricter", "weaker", "impossible",
    }  # fmt: skip
    assert all(capability.source.startswith("https://") for capability in BACKENDS["gitlab"].capabilities)


def test_obligations_name_commands_and_scopes() -> None:
    spec = (
        "environments: {prod: {branches: [main], approval: true}}\n"
        "jobs:\n  a: {run: 'true', env: {T: {secret: T_ONE}}}\n"
        "  b: {run: 'true', environment: prod, env: {T: {secret: T_ONE}, V: {var: V1}}}\n"
    )
    found = "\n".join(
        line
        for one in BACKENDS["gitlab"].obligations(compiled(spec, head=TRIGGERS).plan)
        for line in (one.sentence, *one.commands)
    )
    for part in (
        "glab schedule create --cron '1 2 * * 1' --ref BRANCH --description weekly --variable MLCC_TRIGGER:weekly",
        "MLCC_INPUT_RATE:VALUE",
        "variables[MLCC_TRIGGER]=new-data",
        "MLCC_API_TOKEN",
        "create the variable T_ONE as a masked variable (not a file), scoped to the environment 'p' and 'prod'",
        "create the variable V1",
        "protect the environment 'prod'",
        "resource_groups/prod -f process_mode=oldest_first",
        "Pipelines must succeed",
        "ci_allow_fork_pipelines_to_run_in_parent_project=false",
        "minimum role to use pipeline variables to Maintainer",
        "protect the branches and tags that start jobs of 'prod'",
        "take jobs of 45 minutes",
    ):
        assert part in found
    nested = "\n".join(
        one.sentence
        for one in BACKENDS["gitlab"].obligations(compiled("jobs:\n  a: {run: 'true'}\n", home="m/p").plan)
    )
    assert "include m/p/.gitlab-ci.yml" in nested
    assert "minimum role to use pipeline variables to No one allowed" in nested


def test_an_image_of_the_spec_is_entered_by_a_shell_and_a_root_file_s_variables_stay_out() -> None:
    made = compiled("jobs:\n  a: {run: 'true', image: 'acme/train@sha256:00'}\n  b: {run: 'true'}\n")
    child, parent = load(made.child_text), load(made.parent_text)
    assert child["a"]["image"] == {"name": "acme/train@sha256:00", "entrypoint": [""]}
    assert child["b"]["image"] == "python:3.12-bookworm"
    assert parent["select"]["inherit"] == parent["run"]["inherit"] == {"variables": False}


def test_kinds_of_nodes_are_all_lowered() -> None:
    spec = (
        "artifacts: {raw: {kind: data, path: d/x.csv, from: {command: fetch}}}\n"
        "jobs:\n  a: {run: 'true', reads: [raw]}\ngates:\n  g: {guards: raw, command: {run: 'true'}}\n"
    )
    made = compiled(spec)
    assert {node.kind for node in made.plan.nodes.values()} == {NodeKind.JOB, NodeKind.GATE, NodeKind.FETCH}
    assert load(made.child_text)["fetch-raw"]["artifacts"]["paths"] == [
        "_mlcc/s--fetch-raw/",
        "_mlcc/d--fetch-raw/",
    ]
