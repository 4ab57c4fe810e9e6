"""The lock holds what the outputs may do: more than that needs an approval, and less drops out."""

from __future__ import annotations

import hashlib
import json

from tests.cli.project import Project
from tests.pins.conftest import edit


def lock(project: Project) -> str:
    return (project.root / "mlcc.lock").read_text()


def refused(project: Project, *flags: str) -> list[str]:
    """Return the lines of the errors with which a compile refuses; nothing is written."""
    before = project.tree()
    done = project.run("compile", *flags)
    assert (done.code, done.out) == (2, "")
    assert project.tree() == before
    return [line for line in done.err.splitlines() if "error[unapproved]" in line]


def test_the_first_lock_changes_no_output(compiled: Project) -> None:
    before = {path: state for path, state in compiled.tree().items() if path != "mlcc.lock"}
    assert compiled.run("lock").code == 0
    assert compiled.run("compile").out.startswith("demo: 4 nodes, 0 files written, 8 unchanged\n")
    assert {path: state for path, state in compiled.tree().items() if path != "mlcc.lock"} == before
    assert compiled.run("compile", "--check").code == 0
    assert compiled.run("lock").out == "mlcc.lock is up to date\n"


def test_what_the_lock_approves(locked: Project) -> None:
    approved = lock(locked).partition("approved:\n")[2]
    github, _, others = approved.partition("  gitlab:\n")
    assert [line.strip(" -'") for line in github.splitlines()] == [
        "github:",
        "actions:", "actions/cache", "actions/checkout", "actions/download-artifact", "actions/setup-python",
        "actions/upload-artifact",
        "images:", "ghcr.io/acme/ship:1", "postgres:16",
        "packages:", "duckdb",
        "permissions:", "contents: read", "select: actions: read",
        "secrets:", "ship: DEPLOY",
        "triggers:", "push: main",
    ]  # fmt: skip
    gitlab, _, jenkins = others.partition("  jenkins:\n")
    assert "python:3.12-bookworm" in gitlab  # an image that mlcc chooses
    assert "python:3.12-bookworm" not in jenkins
    assert "'ship: DEPLOY'" in gitlab
    assert "'ship: DEPLOY'" in jenkins


def test_a_secret_for_another_node(locked: Project) -> None:
    locked.spec("run: python fit.py\n", "run: python fit.py\n    env: {TOKEN: {secret: DEPLOY}}\n")
    lines = (locked.root / "mlcc.yaml").read_text().splitlines()
    at = next(number for number, text in enumerate(lines, 1) if "env:" in text)
    expected = [
        f"mlcc.yaml:{at}:5: error[unapproved]: {system} would use the secret 'train: DEPLOY', which mlcc.lock doesn't approve"
        for system in ("github", "gitlab", "jenkins")
    ]
    assert refused(locked) == expected
    assert refused(locked, "--check") == expected
    assert locked.run("compile", "--approve").code == 0
    assert lock(locked).count("- 'train: DEPLOY'\n") == 3
    assert locked.run("compile", "--check").code == 0


def test_a_trigger_an_image_a_gate_s_package_and_raw_text(locked: Project) -> None:
    locked.spec("push: {branches: [main]}", 'push: {branches: [main]}\n  schedule: {weekly: "17 3 * * 1"}')
    locked.spec("postgres:16", "postgres:17")
    locked.spec("{github: {}, ", "{github: {jobs: {train: {env: {LEVEL: debug}}}}, ")
    found = {line.split(": ", 2)[2] for line in refused(locked)}
    end = ", which mlcc.lock doesn't approve"
    assert found == {
        *(
            f"{system} would start by 'schedule: weekly 17 3 * * 1'{end}"
            for system in ("github", "gitlab", "jenkins")
        ),
        *(f"{system} would use the image 'postgres:17'{end}" for system in ("github", "gitlab", "jenkins")),
        f"github would state the raw text 'jobs.train.env.LEVEL: debug'{end}",
    }


def test_what_is_no_longer_asked_for_drops_out(locked: Project) -> None:
    locked.spec("    env: {TOKEN: {secret: DEPLOY}}\n", "")
    done = locked.run("compile", "--check")
    assert done.code == 1
    assert "mlcc.lock: stale" in done.out
    assert "-      - 'ship: DEPLOY'" in done.out
    assert locked.run("compile").code == 0
    assert "DEPLOY" not in lock(locked)
    assert locked.run("compile", "--check").code == 0
    assert refused_after_it_comes_back(locked)


def refused_after_it_comes_back(locked: Project) -> bool:
    locked.spec(
        "image: ghcr.io/acme/ship:1\n", "image: ghcr.io/acme/ship:1\n    env: {TOKEN: {secret: DEPLOY}}\n"
    )
    return len(refused(locked)) == 3


def test_a_pin_that_nothing_uses_drops_out(locked: Project) -> None:
    pin = "packages:\n"
    image = f"images:\n  - name: postgres:15\n    digest: sha256:{'3' * 64}\n    date: '2026-12-01'\n\n"
    edit(locked, "mlcc.lock", pin, image + pin, 1)
    assert "postgres:15" in locked.run("compile", "--check").out
    assert locked.run("compile").code == 0
    assert "postgres:15" not in lock(locked)


def test_a_compile_for_one_system_leaves_the_others_approved(locked: Project) -> None:
    before = lock(locked)
    assert locked.run("compile", "--target", "gitlab").code == 0
    assert lock(locked) == before


def test_a_further_system_is_approved_as_a_whole(compiled: Project) -> None:
    assert compiled.run("lock").code == 0
    compiled.spec("name: demo", "name: demo\ntargets: {github: {}, gitlab: {}}")
    found = refused(compiled)
    assert len(found) > 3
    assert all(" gitlab would " in line for line in found)
    assert compiled.run("compile", "--approve").code == 0
    assert compiled.run("compile", "--check").code == 0


def test_the_lock_keeps_the_team_s_pins_and_gets_new_ones(locked: Project) -> None:
    commit = "5fda3b95a4ea91299a34e894583c3862153e4b97"  # of actions/setup-python
    edit(locked, "mlcc.lock", f"tag: v7.0.0\n    commit: {commit!r}", f"tag: v7.0.3\n    commit: {'c' * 40}")
    locked.spec("    cache: {pip: {path: [.cache/pip/], key: [fit.py]}}\n", "")
    assert locked.run("compile").code == 0
    assert "name: actions/cache" not in lock(locked)
    locked.spec(
        '    python: "3.12"\n', '    python: "3.12"\n    cache: {pip: {path: [.cache/pip/], key: [fit.py]}}\n'
    )
    assert locked.run("lock").code == 2
    assert locked.run("lock", "--approve").code == 0
    assert "name: actions/cache\n    tag: v5.0.5\n" in lock(locked)
    assert f"tag: v7.0.3\n    commit: {'c' * 40}\n" in lock(locked)


def test_a_long_text_stands_as_its_digest(locked: Project) -> None:
    text = "x" * 15_000  # as long as a line of the spec may be, and longer than one of the lock
    locked.spec("{github: {}, ", f"{{github: {{jobs: {{train: {{env: {{LEVEL: {text}}}}}}}}}, ")
    assert locked.run("compile", "--approve").code == 0
    digest = hashlib.sha256(f"jobs.train.env.LEVEL: {text}".encode()).hexdigest()
    assert f"15,022 characters, sha256:{digest}" in lock(locked)
    assert locked.run("compile", "--check").code == 0
    locked.spec(text, text[:-1] + "y")
    assert len(refused(locked)) == 1


def test_as_json(locked: Project) -> None:
    locked.spec("    env: {TOKEN: {secret: DEPLOY}}\n", "")
    done = locked.run("compile", "--format", "json")
    (spec,) = json.loads(done.out)["specs"]
    assert spec["written"][-1] == "mlcc.lock"


def test_check_approves_nothing(locked: Project) -> None:
    done = locked.run("compile", "--check", "--approve")
    assert done.code == 2
    assert "--check writes nothing" in done.err


def test_without_a_lock_there_is_nothing_to_approve(compiled: Project) -> None:
    before = compiled.tree()
    done = compiled.run("compile", "--approve")
    assert (done.code, "error[no-lock]" in done.err) == (2, True)
    assert compiled.tree() == before


def test_owners_own_the_lock(locked: Project) -> None:
    assert "/mlcc.lock @OWNERS" in locked.run("obligations", "--format", "text").out


def test_doctor_reads_the_dates(locked: Project) -> None:
    before = locked.run("doctor", "--format", "json").out
    found = {one["id"]: one for one in json.loads(before)["specs"][0]["findings"]}
    assert found["approved"]["state"] == "done"
    locked.spec("postgres:16", "postgres:17")
    after = json.loads(locked.run("doctor", "--format", "json").out)["specs"][0]["findings"]
    (approved,) = [one for one in after if one["id"] == "approved"]
    assert approved["state"] == "missing"
    assert "'postgres:17'" in approved["detail"]
