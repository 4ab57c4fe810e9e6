"""`mlcc absorb`: what an update bot edits comes into the lock, and the outputs are then what the spec compiles to."""

from __future__ import annotations

import pytest

from mlcc.writing.writer import write
from tests.cli.project import Project
from tests.pins.conftest import edit

WORKFLOW, CHILD, PARENT = ".github/workflows/demo.yml", ".mlcc/gitlab.yml", ".gitlab-ci.yml"
PACKAGES = ".mlcc/gates/contract.txt"
OLD = "3d3c42e5aac5ba805825da76410c181273ba90b1"  # actions/checkout v7.0.1
NEW = "a" * 40
DIGEST, OTHER = "sha256:" + "1" * 64, "sha256:" + "2" * 64
HASH = "09de511ef0dc76a5213e8d3d87a8b89bb4d3e8a6fe73a9f60dc001269946b44f"  # the first of duckdb 2.0.0


def absorbs(project: Project, *args: str) -> str:
    done = project.run("absorb", "--date", "2026-12-01", *args)
    assert (done.code, done.err) == (0, "")
    checked = project.run("compile", "--check")
    assert (checked.code, checked.out) == (0, "demo: 10 files are what mlcc.yaml compiles to\n")
    return done.out


def refuses(project: Project, code: str, *args: str) -> str:
    before = project.tree()
    done = project.run("absorb", *args)
    assert f"error[{code}]" in done.err, done.both
    assert done.code in (2, 3)
    assert project.tree() == before
    return done.err


def lock(project: Project) -> str:
    return (project.root / "mlcc.lock").read_text()


def test_an_action_of_the_workflow(locked: Project) -> None:
    edit(locked, WORKFLOW, f"actions/checkout@{OLD} # v7.0.1", f"actions/checkout@{NEW} # v7.1.0")
    assert locked.run("compile", "--check").code == 1
    said = absorbs(locked)
    assert said.splitlines() == [
        "pinned  actions/checkout v7.1.0",
        f"wrote   {WORKFLOW}",
        "wrote   mlcc.lock",
    ]
    entry = f"name: actions/checkout\n    tag: v7.1.0\n    commit: {NEW}\n    date: '2026-12-01'\n"
    assert entry in lock(locked)
    assert OLD not in (locked.root / WORKFLOW).read_text()


def test_two_actions_of_one_repository_have_one_pin(locked: Project) -> None:
    commit = "27d5ce7f107fe9357f9df03efb73ab90386fccae"  # of actions/cache v5.0.5
    edit(locked, WORKFLOW, f"actions/cache/save@{commit} # v5.0.5", f"actions/cache/save@{NEW} # v5.0.6")
    absorbs(locked)
    text = (locked.root / WORKFLOW).read_text()
    assert f"actions/cache/restore@{NEW} # v5.0.6" in text
    assert commit not in text


def test_an_image_of_gitlab_edited_in_one_place_of_several(locked: Project) -> None:
    edit(locked, CHILD, "python:3.12-bookworm", f"python:3.12-bookworm@{DIGEST}", 1)
    absorbs(locked)
    for path in (CHILD, PARENT):
        lines = [line for line in (locked.root / path).read_text().splitlines() if "python:3.12" in line]
        assert lines
        assert {line.strip() for line in lines} == {f"image: python:3.12-bookworm@{DIGEST}"}


def test_a_service_of_gitlab_is_pinned_everywhere(locked: Project) -> None:
    edit(locked, CHILD, "postgres:16", f"postgres:16@{DIGEST}")
    absorbs(locked)
    for path in (WORKFLOW, CHILD, "Jenkinsfile"):
        assert f"postgres:16@{DIGEST}" in (locked.root / path).read_text()


def test_an_image_of_the_workflow_whose_line_grows_into_two(locked: Project) -> None:
    edit(locked, WORKFLOW, "ghcr.io/acme/ship:1", f"ghcr.io/acme/ship:1@{DIGEST}")
    absorbs(locked)
    container = f"    container:\n      image: ghcr.io/acme/ship:1@{DIGEST}\n"
    assert container in (locked.root / WORKFLOW).read_text()
    edit(locked, WORKFLOW, DIGEST, OTHER)
    absorbs(locked)
    assert container.replace(DIGEST, OTHER) in (locked.root / WORKFLOW).read_text()


def test_an_image_of_jenkins_and_its_next_digest(locked: Project) -> None:
    edit(locked, "Jenkinsfile", "ghcr.io/acme/ship:1", f"ghcr.io/acme/ship:1@{DIGEST}")
    absorbs(locked)
    edit(locked, "Jenkinsfile", DIGEST, OTHER)
    absorbs(locked)
    assert DIGEST not in lock(locked)
    assert f"name: ghcr.io/acme/ship:1\n    digest: {OTHER}\n    date: '2026-12-01'\n" in lock(locked)
    assert f'"image": "ghcr.io/acme/ship:1@{OTHER}"' in (locked.root / ".mlcc/plan.json").read_text()


def test_a_package_of_a_gate(locked: Project) -> None:
    edit(locked, PACKAGES, "duckdb==2.0.0", "duckdb==2.0.1")
    edit(locked, PACKAGES, HASH, "f" * 64)
    absorbs(locked)
    assert "name: duckdb\n    version: '2.0.1'\n    date: '2026-12-01'\n" in lock(locked)
    hashes = [
        line.split(":")[1][:64]
        for line in (locked.root / PACKAGES).read_text().splitlines()
        if "hash=" in line
    ]
    assert hashes == sorted(hashes)  # however a bot has ordered them
    assert hashes[-1] == "f" * 64
    assert HASH not in hashes


def test_all_three_systems_at_once(locked: Project) -> None:
    edit(locked, WORKFLOW, f"actions/checkout@{OLD} # v7.0.1", f"actions/checkout@{NEW} # v7.1.0", 1)
    edit(locked, CHILD, "python:3.12-bookworm", f"python:3.12-bookworm@{DIGEST}", 1)
    edit(locked, "Jenkinsfile", "postgres:16", f"postgres:16@{OTHER}")
    assert len([line for line in absorbs(locked).splitlines() if line.startswith("pinned")]) == 3


def test_only_the_named_files(locked: Project) -> None:
    edit(locked, WORKFLOW, f"actions/checkout@{OLD} # v7.0.1", f"actions/checkout@{NEW} # v7.1.0")
    assert "pinned  actions/checkout v7.1.0" in absorbs(locked, WORKFLOW)
    edit(locked, WORKFLOW, NEW, "b" * 40)
    edit(locked, "Jenkinsfile", "postgres:16", f"postgres:16@{OTHER}")
    err = refuses(locked, "edited", "Jenkinsfile")  # the other one is in the way, and stays
    assert WORKFLOW in err
    refuses(locked, "not-edited", "fit.py")


@pytest.mark.parametrize(
    ("path", "old", "new", "code"),
    [
        (WORKFLOW, f"{OLD} # v7.0.1", f"{NEW} # v7.0.1", "half-edit"),
        (WORKFLOW, f"{OLD} # v7.0.1", f"{OLD} # v7.1.0", "half-edit"),
        (WORKFLOW, f"{OLD} # v7.0.1", NEW, "half-edit"),
        (WORKFLOW, f"{OLD} # v7.0.1", "v7", "bad-pin"),
        (WORKFLOW, f"{OLD} # v7.0.1", f"{OLD}  # v7.0.1", "not-a-pin"),
        (WORKFLOW, f"{OLD} # v7.0.1", f"{NEW[:12]} # v7.1.0", "bad-pin"),
        (WORKFLOW, f"actions/checkout@{OLD}", f"evil/checkout@{NEW}", "not-a-pin"),
        (WORKFLOW, "timeout-minutes: 10", "timeout-minutes: 11", "not-a-pin"),
        (WORKFLOW, "contents: read", "contents: write", "not-a-pin"),
        (WORKFLOW, "jobs:\n", "jobs:\n\n", "not-a-pin"),
        (
            WORKFLOW,
            f"actions/checkout@{OLD} # v7.0.1",
            f"actions/checkout@{NEW} # v7.1.0\n        if: always()",
            "not-a-pin",
        ),
        (CHILD, "postgres:16", "postgres:17", "not-a-pin"),
        (CHILD, "postgres:16", "postgres:16@sha256:12", "bad-pin"),
        (CHILD, "image: python:3.12-bookworm", f"image: other@{DIGEST}", "not-a-pin"),
        ("Jenkinsfile", "'postgres:16'", f"'postgres:16@{DIGEST}' + sh('x')", "not-a-pin"),
        ("Jenkinsfile", "trusted: true", "trusted: false", "not-a-pin"),
        (PACKAGES, "duckdb==2.0.0", "duckdb==2.0.1", "half-edit"),
        (PACKAGES, "duckdb==2.0.0", "ducckdb==2.0.0", "not-a-pin"),
        (PACKAGES, HASH, "xyz", "not-a-pin"),
        (PACKAGES, "duckdb==", "--index-url http://evil.example\nduckdb==", "not-a-pin"),
        (".mlcc/run.py", "import", "import os;import", "not-a-pin"),
    ],
)
def test_what_is_no_whole_pin_is_refused(locked: Project, path: str, old: str, new: str, code: str) -> None:
    edit(locked, path, old, new, 1)
    err = refuses(locked, code)
    assert f"--- {path}" in err


def test_a_tag_that_moves_may_have_another_commit(locked: Project) -> None:
    edit(locked, WORKFLOW, f"{OLD} # v7.0.1", f"{NEW} # v7")
    absorbs(locked)
    edit(locked, WORKFLOW, f"{NEW} # v7", f"{'b' * 40} # v7")
    absorbs(locked)
    assert f"tag: v7\n    commit: {'b' * 40}\n" in lock(locked)


def test_two_places_that_disagree(locked: Project) -> None:
    edit(locked, WORKFLOW, f"{OLD} # v7.0.1", f"{NEW} # v7.1.0", 1)
    edit(locked, WORKFLOW, f"{OLD} # v7.0.1", f"{'b' * 40} # v7.2.0", 1)
    assert "the other one" in refuses(locked, "edits-disagree")


def test_nothing_of_several_edits_is_taken_when_one_is_refused(locked: Project) -> None:
    edit(locked, "Jenkinsfile", "postgres:16", f"postgres:16@{OTHER}")
    edit(locked, CHILD, "postgres:16", "postgres:17")
    err = refuses(locked, "not-a-pin")
    assert "mlcc.yaml" not in err.partition("error[")[0]


def test_a_digest_that_the_spec_states_is_replaced_as_long_as_it_states_that(locked: Project) -> None:
    third = "sha256:" + "3" * 64
    locked.spec('"postgres:16"', f'"postgres:16@{DIGEST}"')
    assert locked.run("compile").code == 0
    edit(locked, CHILD, DIGEST, OTHER)
    absorbs(locked)
    pin = f"name: postgres:16\n    digest: {OTHER}\n    date: '2026-12-01'\n    instead: {DIGEST}\n"
    assert pin in lock(locked)
    assert DIGEST not in (locked.root / "Jenkinsfile").read_text()
    edit(locked, "Jenkinsfile", OTHER, third)  # the next bot
    absorbs(locked)
    assert pin.replace(OTHER, third) in lock(locked)
    locked.spec(DIGEST, OTHER)  # a person pins anew
    done = locked.run("compile")
    assert (done.code, "error[pinned-twice]" in done.err) == (2, True)
    locked.spec(OTHER, third)  # to what the lock has
    assert locked.run("compile", "--check").code == 0
    locked.spec(f"@{third}", "")
    assert locked.run("compile", "--check").code == 0


def test_nothing_was_edited(locked: Project) -> None:
    before = locked.tree()
    done = locked.run("absorb")
    assert (done.code, done.out, done.err) == (0, "nothing was edited\n", "")
    assert locked.tree() == before


def test_without_a_lock(compiled: Project) -> None:
    edit(compiled, WORKFLOW, f"{OLD} # v7.0.1", f"{NEW} # v7.1.0")
    assert "`mlcc lock` writes the first one" in refuses(compiled, "no-lock")
    assert compiled.run("lock").code == 0  # which leaves the edit alone
    done = compiled.run("absorb")
    assert done.code == 0
    assert compiled.run("compile", "--check").code == 0


def test_a_note_stays_with_its_pin(locked: Project) -> None:
    edit(
        locked,
        "mlcc.lock",
        f"commit: '{OLD}'\n",
        f"commit: '{OLD}'\n    note: kept back for the old runners\n",
    )
    assert locked.run("compile").code == 0
    edit(locked, WORKFLOW, f"{OLD} # v7.0.1", f"{NEW} # v7.1.0")
    absorbs(locked)
    assert f"commit: {NEW}\n    date: '2026-12-01'\n    note: kept back for the old runners\n" in lock(locked)


@pytest.mark.parametrize("day", ["today", "2026-1-1", "2026-12-01\n"])
def test_a_date_that_is_none(locked: Project, day: str) -> None:
    assert "--date is a day" in refuses(locked, "bad-call", "--date", day)


def test_the_image_of_a_matrix_over_pythons_can_t_be_pinned(locked: Project) -> None:
    locked.spec("build/model.json", "build/model/")
    locked.spec(
        '    python: "3.12"\n', '    python: {matrix: py}\n    matrix: {axes: {py: ["3.11", "3.12"]}}\n'
    )
    done = locked.run("compile", "--approve")
    assert done.code == 0, done.both
    image = "python:${MLCC_PYTHON}-bookworm"
    edit(locked, CHILD, image, f"{image}@{DIGEST}")
    assert "can't be pinned" in refuses(locked, "not-a-pin")


def test_specs_of_several_folders_have_locks_of_their_own(locked: Project) -> None:
    for folder in ("a", "b"):
        spec = (locked.root / "mlcc.yaml").read_text().replace("name: demo", f"name: {folder}")
        locked.write(f"models/{folder}/mlcc.yaml", spec)
        for name in ("fit.py", "ship.py", "stops.csv"):
            locked.write(f"models/{folder}/{name}", "a\n")
        for command in ("lock", "compile"):
            done = locked.run(command, f"models/{folder}/mlcc.yaml")
            assert done.code == 0, done.both
    edit(locked, ".github/workflows/a.yml", f"{OLD} # v7.0.1", f"{NEW} # v7.1.0")
    edit(locked, "models/b/Jenkinsfile", "postgres:16", f"postgres:16@{DIGEST}")
    done = locked.run("absorb", "--all")
    assert done.code == 0, done.both
    assert [
        line for line in done.out.splitlines() if line.startswith(("pinned", "wrote   models/a/mlcc"))
    ] == [
        "pinned  actions/checkout v7.1.0",
        "wrote   models/a/mlcc.lock",
        f"pinned  postgres:16 {DIGEST}",
    ]
    assert locked.run("compile", "--all", "--check").code == 0
    assert NEW not in lock(locked)
    assert OLD in (locked.root / "models/b/mlcc.lock").read_text()


def test_nothing_of_any_spec_is_written_when_one_is_refused(locked: Project) -> None:
    locked.write("b/mlcc.yaml", (locked.root / "mlcc.yaml").read_text().replace("name: demo", "name: b"))
    for name in ("fit.py", "ship.py", "stops.csv"):
        locked.write(f"b/{name}", "a\n")
    assert locked.run("lock", "b/mlcc.yaml").code == 0
    assert locked.run("compile", "b/mlcc.yaml").code == 0
    edit(locked, "Jenkinsfile", "postgres:16", f"postgres:16@{DIGEST}")
    edit(locked, "b/Jenkinsfile", "postgres:16", "postgres:17")
    refuses(locked, "not-a-pin", "--all")


def test_absorbing_approves_nothing(locked: Project) -> None:
    edit(locked, "Jenkinsfile", "postgres:16", f"postgres:16@{DIGEST}")
    text = lock(locked)
    locked.write("mlcc.lock", text.replace("      - 'ship: DEPLOY'\n", "").replace("    secrets:\n", ""))
    refuses(locked, "unapproved")


def test_compile_names_absorb_where_it_could_help(locked: Project) -> None:
    edit(locked, "Jenkinsfile", "postgres:16", f"postgres:16@{DIGEST}")
    hint = "where only pins were edited: mlcc absorb\n"
    refused = locked.run("compile")
    assert (refused.code, refused.err.endswith(hint)) == (3, True)
    assert locked.run("compile", "--check").out.endswith(hint)


def test_a_pin_that_changed_while_it_was_absorbed(locked: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock is read again under the journal: nobody's pin is written over."""
    edit(locked, "Jenkinsfile", "postgres:16", f"postgres:16@{DIGEST}")
    real = write

    def later(*args: object, **options: object) -> object:
        edit(locked, "mlcc.lock", "v7.0.1", "v7.0.2")
        return real(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr("mlcc.pins.absorb.write", later)
    done = locked.run("absorb")
    assert (done.code, "error[lock-changed]" in done.err) == (3, True)
    assert "v7.0.2" in lock(locked)
    assert DIGEST not in (locked.root / "mlcc.lock").read_text()
    assert "postgres:16@" not in (locked.root / CHILD).read_text()
