"""The harness itself: real jobs in act, with a runtime script of a few lines in place of the compiled one."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.execution.github.act import TOKEN, ActError, run_workflow
from tests.execution.github.api import github_api, green_run
from tests.execution.github.scratch import (
    REPOSITORY,
    commit,
    git,
    project_files,
    pull_request_payload,
    push_payload,
    scratch_repo,
    tag_payload,
)

CHECKOUT = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1"
DOWNLOAD = "actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c"
UPLOAD = "actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f"
PYTHON = "actions/setup-python@5fda3b95a4ea91299a34e894583c3862153e4b97"
CACHE = "27d5ce7f107fe9357f9df03efb73ab90386fccae"
HEAD = """\
name: scratch
on:
  push: {}
  pull_request: {}
  workflow_dispatch: {inputs: {rate: {type: number, default: 0.1}, dry: {type: boolean, default: false}}}
defaults: {run: {shell: bash}}
jobs:
"""
FILE = ".github/workflows/ci.yml"
# Writes a state, fails when FAIL names it; `select` denies what SKIP names; `final` collects what has arrived.
RUNTIME = """\
import json, os, pathlib, sys
node, leg = os.environ.get("NODE", sys.argv[1]), os.environ.get("LEG")
name = node + (f"--{leg}" if leg else "")
state = pathlib.Path("_mlcc", f"s--{name}")
state.mkdir(parents=True, exist_ok=True)
seen = sorted(path.parent.name for path in pathlib.Path("_mlcc").glob("s--*/state.json"))
failed = name in os.environ.get("FAIL", "").split()
results = {job: need["result"] for job, need in json.loads(os.environ.get("NEEDS", "{}")).items()}
(state / "state.json").write_text(json.dumps({"failed": failed, "seen": seen, "results": results}))
with open(os.environ["GITHUB_OUTPUT"], "a") as out:
    out.write(f"skip=,{os.environ.get('SKIP', '').replace(' ', ',')},\\n")
with open(os.environ["GITHUB_STEP_SUMMARY"], "a") as out:
    out.write(f"{name} ended\\n")
sys.exit(failed or "failure" in results.values())
"""


def node(name: str, needs: list[str], *, matrix: bool = False) -> str:
    """A job as it is compiled: selection and predecessors in its condition, states in, state out."""
    allowed = "".join(f" && needs.{need}.result == 'success'" for need in needs if need != "select")
    leg = "--${{ matrix.leg }}" if matrix else ""
    return f"""\
  {name}:
    name: {name}
    needs: [{", ".join(needs)}]
    if: ${{{{ !cancelled() && !contains(needs.select.outputs.skip, ',{name},'){allowed} }}}}
    runs-on: ubuntu-24.04
{"    strategy: {fail-fast: false, matrix: {leg: [a, b]}}" if matrix else ""}
    steps:
      - uses: {CHECKOUT}
      - uses: {DOWNLOAD}
        with: {{pattern: 's--*', path: _mlcc, merge-multiple: true}}
      - env: {{NODE: {name}{", LEG: '${{ matrix.leg }}'" if matrix else ""}}}
        run: python3 -I .mlcc/run.py node
      - if: ${{{{ !cancelled() }}}}
        uses: {UPLOAD}
        with: {{name: 's--{name}{leg}', path: "_mlcc/s--{name}{leg}/\\n_mlcc/.root", if-no-files-found: error}}
"""


SELECT = f"""\
  select:
    name: select
    runs-on: ubuntu-24.04
    outputs: {{skip: '${{{{ steps.run.outputs.skip }}}}'}}
    steps:
      - uses: {CHECKOUT}
        with: {{fetch-depth: 0}}
      - id: run
        run: python3 -I .mlcc/run.py select
      - uses: {UPLOAD}
        with: {{name: s--select, path: "_mlcc/s--select/\\n_mlcc/.root"}}
"""
FINAL = f"""\
  final:
    name: scratch
    needs: [select, features, train, lint, package]
    if: ${{{{ always() }}}}
    runs-on: ubuntu-24.04
    steps:
      - uses: {CHECKOUT}
      - uses: {DOWNLOAD}
        with: {{pattern: 's--*', path: _mlcc, merge-multiple: true}}
      - env: {{NEEDS: '${{{{ toJSON(needs) }}}}'}}
        run: python3 -I .mlcc/run.py final
      - if: ${{{{ !cancelled() }}}}
        uses: {UPLOAD}
        with: {{name: s--final, path: "_mlcc/s--final/\\n_mlcc/.root"}}
"""
PIPELINE = (
    HEAD
    + SELECT
    + node("features", ["select"])
    + node("train", ["select", "features"], matrix=True)
    + node("lint", ["select"])
    + node("package", ["select", "train", "lint"])
    + FINAL
)


def project(tmp_path: Path, workflow: str) -> Path:
    return scratch_repo(tmp_path, {FILE: workflow, ".mlcc/run.py": RUNTIME})


def one_job(steps: str, top: str = "") -> str:
    lines = "".join(f"      {line}\n" for line in steps.splitlines())
    return f"{HEAD}  only:\n    name: only\n    runs-on: ubuntu-24.04\n{top}    steps:\n{lines}"


class TestPipeline:
    def test_all_pass(self, tmp_path: Path) -> None:
        repo = project(tmp_path, PIPELINE)
        run = run_workflow(repo, FILE, "push", push_payload(repo))
        assert run.jobs == dict.fromkeys(
            ["select", "features", "train", "lint", "package", "final"], "success"
        )
        assert {leg for leg in run.legs if leg.startswith("train")} == {"train (a)", "train (b)"}
        names = ["s--features", "s--lint", "s--package", "s--select", "s--train--a", "s--train--b"]
        assert run.record("s--final", "s--final/state.json")["seen"] == names
        assert sorted(path.name for path in run.artifacts.iterdir()) == sorted([*names, "s--final"])
        assert run.record("s--train--a", "s--train--a/state.json")["seen"] >= ["s--features"]
        assert sorted(run.summary.split(" ended\n")) == sorted(
            ["", "features", "final", "lint", "package", "select", "train--a", "train--b"]
        )

    def test_a_failed_job_skips_what_needs_it_and_nothing_else(self, tmp_path: Path) -> None:
        repo = project(tmp_path, PIPELINE)
        run = run_workflow(repo, FILE, "push", push_payload(repo), env={"FAIL": "features"})
        assert run.jobs == {
            "select": "success",
            "features": "failure",
            "train": "skipped",
            "lint": "success",
            "package": "skipped",
            "final": "failure",
        }
        assert run.ran == {"select", "features", "lint", "final"}
        # The step after the failed one ran: the state of a failed job is uploaded.
        assert run.record("s--features", "s--features/state.json")["failed"] is True

    def test_one_failed_leg_fails_the_job_and_the_other_finishes(self, tmp_path: Path) -> None:
        repo = project(tmp_path, PIPELINE)
        run = run_workflow(repo, FILE, "push", push_payload(repo), env={"FAIL": "train--a"})
        assert run.legs["train (a)"] == "failure"
        assert run.legs["train (b)"] == "success"
        assert run.jobs["train"] == "failure"
        assert run.jobs["package"] == "skipped"
        results = run.record("s--final", "s--final/state.json")["results"]
        assert results == {job: run.jobs[job] for job in results}

    def test_a_job_that_is_not_selected_is_skipped(self, tmp_path: Path) -> None:
        repo = project(tmp_path, PIPELINE)
        run = run_workflow(repo, FILE, "push", push_payload(repo), env={"SKIP": "features lint"})
        assert run.ran == {"select", "final"}
        assert run.jobs["final"] == "success"


class TestRefusals:
    def test_a_label_without_a_runner_is_a_failure(self, tmp_path: Path) -> None:
        workflow = one_job("- run: 'true'") + "  lost:\n    runs-on: gpu-box\n    steps: [{run: 'true'}]\n"
        repo = project(tmp_path, workflow)
        run = run_workflow(repo, FILE, "push", push_payload(repo))
        assert run.jobs == {"only": "success", "lost": "failure"}
        run = run_workflow(repo, FILE, "push", push_payload(repo), runners=["ubuntu-24.04", "gpu-box"])
        assert run.jobs == {"only": "success", "lost": "success"}

    def test_an_action_without_a_stub(self, tmp_path: Path) -> None:
        repo = project(tmp_path, one_job("- uses: some/action@v1"))
        with pytest.raises(ActError, match="no stub of some/action@v1"):
            run_workflow(repo, FILE, "push", push_payload(repo))

    def test_an_event_that_starts_nothing(self, tmp_path: Path) -> None:
        repo = project(tmp_path, one_job("- run: 'true'"))
        with pytest.raises(ActError, match="act ran no job"):
            run_workflow(repo, FILE, "schedule", {"schedule": "17 3 * * *"})

    def test_a_file_that_is_no_workflow(self, tmp_path: Path) -> None:
        repo = project(tmp_path, one_job("- run: 'true'\n  bogus: 1"))
        with pytest.raises(ActError):
            run_workflow(repo, FILE, "push", push_payload(repo))

    def test_a_stub_that_refuses_fails_its_job(self, tmp_path: Path) -> None:
        steps = f"- run: touch x\n- uses: {UPLOAD}\n  with: {{name: x, path: x}}\n" * 2
        run = run_workflow(project(tmp_path, one_job(steps)), FILE, "push", {})
        assert run.jobs == {"only": "failure"}
        assert "an artifact with this name already exists" in run.log


class TestRunner:
    SHOW = "- env: {I: '${{ toJSON(inputs) }}', S: '${{ secrets.S }}', V: '${{ vars.V }}'}\n  run: |\n"

    def show(self, script: str, first: str = "") -> str:
        body = "".join(f"    {line}\n" for line in script.splitlines())
        return one_job(f"{first}{self.SHOW}{body}")

    def test_a_job_starts_in_an_empty_folder_without_the_repository(self, tmp_path: Path) -> None:
        repo = project(tmp_path, self.show("ls -A | wc -l; ! git rev-parse 2>/dev/null"))
        run = run_workflow(repo, FILE, "push", push_payload(repo))
        assert run.jobs == {"only": "success"}
        assert "[only] 0\n" in run.log

    @pytest.mark.parametrize(("depth", "count"), [("", 1), ("with: {fetch-depth: 0}", 2)])
    def test_history_has_to_be_asked_for(self, tmp_path: Path, depth: str, count: int) -> None:
        first = f"- uses: {CHECKOUT}\n" + (f"  {depth}\n" if depth else "")
        repo = project(tmp_path, self.show("echo history $(git rev-list --count HEAD)", first))
        before = git(repo, "rev-parse", "HEAD")
        commit(repo, {"new": "file"})
        run = run_workflow(repo, FILE, "push", push_payload(repo, before))
        assert f"[only] history {count}\n" in run.log

    def test_event_and_commit_of_a_push_a_tag_and_a_pull_request(self, tmp_path: Path) -> None:
        script = "echo $GITHUB_EVENT_NAME $GITHUB_REF_TYPE $GITHUB_REF_NAME $GITHUB_SHA $GITHUB_REF.\n"
        script += "echo base=$GITHUB_BASE_REF head=$GITHUB_HEAD_REF $GITHUB_REPOSITORY $GITHUB_WORKFLOW_REF"
        repo = project(tmp_path, self.show(script))
        main = git(repo, "rev-parse", "HEAD")
        run = run_workflow(repo, FILE, "push", push_payload(repo))
        assert f"[only] push branch main {main} refs/heads/main.\n" in run.log
        assert f" {REPOSITORY} {REPOSITORY}/{FILE}@refs/heads/main\n" in run.log
        run = run_workflow(repo, FILE, "push", tag_payload(repo, "v1"))
        assert f"[only] push tag v1 {main} refs/tags/v1.\n" in run.log
        commit(repo, {"x": "x"}, branch="change")
        payload = pull_request_payload(repo, "change", fork=True)
        merge = git(repo, "rev-parse", "refs/pull/1/merge")
        run = run_workflow(repo, FILE, "pull_request", payload)
        assert f"[only] pull_request branch 1/merge {merge} refs/pull/1/merge.\n" in run.log
        assert "[only] base=main head=change" in run.log

    def test_the_payload_is_the_event_file(self, tmp_path: Path) -> None:
        repo = project(
            tmp_path,
            self.show(
                'python3 -c \'import json, os\nprint("before", json.load(open(os.environ["GITHUB_EVENT_PATH"]))["before"])\''
            ),
        )
        run = run_workflow(repo, FILE, "push", push_payload(repo, "b" * 40))
        assert f"[only] before {'b' * 40}\n" in run.log

    def test_inputs_secrets_variables_and_environment(self, tmp_path: Path) -> None:
        repo = project(tmp_path, self.show('echo $I "$S" ${#S} $V $E $HOME'))
        run = run_workflow(
            repo,
            FILE,
            "workflow_dispatch",
            {},
            inputs={"rate": "0.5", "dry": "true"},
            secrets={"S": "hush-hush"},
            variables={"V": "value"},
            env={"E": "extra"},
        )
        # As on GitHub: booleans are typed, numbers stay text.
        line = next(line for line in run.log.splitlines() if "value extra" in line)
        text, _, rest = line.removeprefix("[only] ").rpartition("} ")
        assert json.loads(text + "}") == {"rate": "0.5", "dry": True}
        assert rest.startswith("*** 9 value extra ")
        assert "hush-hush" not in run.log
        assert str(Path.home()) not in rest.split()

    def test_python_of_the_image_and_python_of_setup_python(self, tmp_path: Path) -> None:
        program = "import importlib.util as u, sys; print(sys.prefix, sys.base_prefix, bool(u.find_spec('hypothesis')))"
        script = f'echo python $(python3 -c "{program}")\npip --version'
        before = self.show(script.replace("pip --version", ""))
        after = self.show(script, f"- uses: {PYTHON}\n  with: {{python-version: '3.12'}}\n")
        repo = project(tmp_path, before)
        commit(repo, {".github/workflows/after.yml": after})
        run = run_workflow(repo, FILE, "push", push_payload(repo))
        assert f"[only] python {sys.base_prefix} {sys.base_prefix} " in run.log
        run = run_workflow(repo, ".github/workflows/after.yml", "push", push_payload(repo))
        assert run.jobs == {"only": "success"}
        words = next(line for line in run.log.splitlines() if line.startswith("[only] python ")).split()
        assert Path(words[2]).is_relative_to(tmp_path)  # an installation changes nothing outside the run
        assert words[3:] == [sys.base_prefix, "True"]
        assert "[only] pip " in run.log
        given = run_workflow(repo, ".github/workflows/after.yml", "push", {}, python=sys.executable)
        assert f"[only] python {sys.prefix} {sys.base_prefix} True\n" in given.log

    def test_a_cache_outlives_the_run_when_its_folder_is_given(self, tmp_path: Path) -> None:
        restore = f"- id: cache\n  uses: actions/cache/restore@{CACHE}\n  with: {{path: kept, key: 'k-1'}}\n"
        key = "${{ steps.cache.outputs.cache-primary-key }}"
        save = f"- uses: actions/cache/save@{CACHE}\n  with: {{path: kept, key: '{key}'}}\n"
        script = "- run: |\n    cat kept/x || echo none\n    mkdir -p kept; echo was kept > kept/x\n"
        repo = project(tmp_path, one_job(restore + script + save))
        for expected in ("none", "was kept"):
            run = run_workflow(repo, FILE, "push", {}, caches=tmp_path / "caches")
            assert f"[only] {expected}\n" in run.log

    def test_the_api_is_closed_unless_one_is_given(self, tmp_path: Path) -> None:
        ask = """
python3 - <<'PROGRAM'
import json, os, urllib.request
url = os.environ["GITHUB_API_URL"] + "/repos/" + os.environ["GITHUB_REPOSITORY"]
url += "/actions/workflows/ci.yml/runs?branch=main&status=success&per_page=1"
request = urllib.request.Request(url, headers={"Authorization": "Bearer " + os.environ["TOKEN"]})
try:
    print("green", json.load(urllib.request.urlopen(request))["workflow_runs"][0]["head_sha"])
except OSError:
    print("green unknown")
PROGRAM"""
        body = "".join(f"    {line}\n" for line in ask.strip().splitlines())
        repo = project(tmp_path, one_job(f"- env: {{TOKEN: '${{{{ github.token }}}}'}}\n  run: |\n{body}"))
        run = run_workflow(repo, FILE, "push", push_payload(repo))
        assert "[only] green unknown\n" in run.log
        with github_api(
            [green_run(1, "a" * 40), green_run(2, "b" * 40), green_run(3, "c" * 40, "other")]
        ) as api:
            run = run_workflow(repo, FILE, "push", push_payload(repo), api=api)
        assert f"[only] green {'b' * 40}\n" in run.log
        assert api.authorizations == [f"Bearer {TOKEN}"]
        assert api.requests == [
            f"/repos/{REPOSITORY}/actions/workflows/ci.yml/runs?branch=main&status=success&per_page=1"
        ]


class TestApi:
    @staticmethod
    def ask(url: str) -> tuple[int, object]:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def test_filters_order_and_pages(self) -> None:
        red = {**green_run(4, "d" * 40), "conclusion": "failure"}
        runs = [green_run(1, "a" * 40), green_run(3, "c" * 40, event="schedule"), green_run(2, "b" * 40), red]
        with github_api(runs) as api:
            path = f"{api.url}/repos/o/r/actions/workflows/ci.yml/runs"

            def ids(query: str) -> list[int]:
                _, body = self.ask(f"{path}?{query}")
                assert isinstance(body, dict)
                return [run["id"] for run in body["workflow_runs"]]

            assert ids("") == [4, 3, 2, 1]
            assert ids("status=success") == [3, 2, 1]
            assert ids("status=completed&event=push") == [4, 2, 1]
            assert ids("status=success&per_page=2&page=2") == [1]
            assert ids("branch=other") == []

    def test_another_path_and_an_outage(self) -> None:
        with github_api() as api:
            assert self.ask(f"{api.url}/user") == (404, {"message": "Not Found"})
        with github_api(status=503) as api:
            assert self.ask(f"{api.url}/repos/o/r/actions/workflows/x/runs")[0] == 503


def test_project_files_are_what_git_knows(tmp_path: Path) -> None:
    repo = scratch_repo(tmp_path, {"a/x": "1", "a/.gitignore": "out/\n"})
    for name in ("new", "out/built"):
        (repo / "a" / name).parent.mkdir(exist_ok=True)
        (repo / "a" / name).write_text(name, encoding="utf-8")
    assert project_files(repo / "a") == {"x": b"1", ".gitignore": b"out/\n", "new": b"new"}
