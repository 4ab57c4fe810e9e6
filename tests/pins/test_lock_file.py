"""`mlcc.lock` is read strictly: it comes with pull requests, as the spec does."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from mlcc.backends.github import pins as github_pins
from mlcc.diagnostics import SpecError
from mlcc.doctor.pins import too_old
from mlcc.gates.requirements import LISTS, PACKAGES, shipped, shipped_packages, with_pins
from mlcc.pins.lock import ActionPin, ImagePin, Lock, PackagePin, lock_text
from mlcc.pins.read import read_lock
from mlcc.plan.pins import Package
from tests.cli.project import Project
from tests.pins.conftest import edit

ROOT = Path(__file__).resolve().parents[2]
HEAD = "# mlcc:lock: a test\nversion: 1\n"
ACTION = f"{{name: actions/checkout, tag: v7.0.1, commit: '{'1' * 40}', date: '2026-12-01'}}"
IMAGE = f"{{name: 'postgres:16', digest: 'sha256:{'2' * 64}', date: '2026-12-01'}}"
PACKAGE = f"{{name: duckdb, version: '2.0.1', date: '2026-12-01', hashes: ['sha256:{'3' * 64}']}}"


def read(tmp_path: Path, text: str) -> Lock:
    (tmp_path / "mlcc.lock").write_text(text)
    return read_lock(tmp_path / "mlcc.yaml")[0]


def problems(tmp_path: Path, text: str) -> list[tuple[str, int]]:
    """Return (code, line) of each thing that is wrong."""
    with pytest.raises(SpecError) as caught:
        read(tmp_path, text)
    assert all(one.span is not None for one in caught.value.diagnostics)
    return [(one.code, one.span.line) for one in caught.value.diagnostics if one.span]


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    lock = Lock(
        "x",
        {"actions/cache": ActionPin("actions/cache", "v5", "0" * 40, "2026-12-01", "a: #note")},
        {"a/b:1": ImagePin("a/b:1", f"sha256:{'0' * 64}", "2026-12-02", f"sha256:{'6' * 64}", "é")},
        {"numpy": PackagePin("numpy", "1.0", "2026-12-03", (f"sha256:{'4' * 64}", f"sha256:{'5' * 64}"))},
        {"github": {"raw": ("a: yes", "b: 'x\ny\té'", "no"), "secrets": ("t: A",)}, "jenkins": {}},
    )
    found = read(tmp_path, lock_text(lock))
    assert (found.actions, found.images, found.packages, found.approved) == (
        lock.actions, lock.images, lock.packages, lock.approved,
    )  # fmt: skip
    assert lock_text(found) == lock_text(lock)


def test_a_lock_with_everything(tmp_path: Path) -> None:
    text = f"{HEAD}actions: [{ACTION}]\nimages: [{IMAGE}]\npackages: [{PACKAGE}]\napproved: {{}}\n"
    pins = read(tmp_path, text).for_plan()
    assert pins.actions["actions/checkout"].commit == "1" * 40
    assert pins.image("postgres:16") == f"postgres:16@sha256:{'2' * 64}"
    assert pins.image("postgres:17") == "postgres:17"
    assert pins.packages["duckdb"].hashes == ("3" * 64,)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (f"actions: [{ACTION.replace('actions/checkout', 'actions/chekout')}]", "unknown-pin"),
        (f"actions: [{ACTION.replace('actions/checkout', 'evil/checkout')}]", "unknown-pin"),
        (f"actions: [{ACTION.replace('1' * 40, '1' * 39)}]", "bad-lock"),
        (f"actions: [{ACTION.replace('1' * 40, 'G' * 40)}]", "bad-lock"),
        ("actions: [" + ACTION.replace("v7.0.1", "'v7 # x'") + "]", "bad-lock"),
        ("actions: [" + ACTION.replace("v7.0.1", "'${{ x }}'") + "]", "bad-lock"),
        (f"actions: [{ACTION.replace('2026-12-01', '2026-13-01')}]", "bad-lock"),
        (f"actions: [{ACTION.replace('date', 'dat')}]", "bad-lock"),
        (f"actions: {ACTION}", "bad-lock"),
        (f"actions: [{ACTION}, {ACTION}]", "bad-lock"),
        ("actions: [x]", "bad-lock"),
        (f"images: [{IMAGE.replace('sha256:', 'sha512:')}]", "bad-lock"),
        (f"images: [{IMAGE.replace('postgres:16', 'postgres:16@x')}]", "bad-lock"),
        (f"images: [{IMAGE.replace('postgres:16', '$IMAGE')}]", "bad-lock"),
        ("images: [" + IMAGE.replace("}", ", instead: 'x'}") + "]", "bad-lock"),
        (f"packages: [{PACKAGE.replace('duckdb', 'evil')}]", "unknown-pin"),
        (f"packages: [{PACKAGE.replace('2.0.1', '2.0.1 --index-url x')}]", "bad-lock"),
        ("packages: [{name: duckdb, version: '2', date: '2026-12-01', hashes: []}]", "bad-lock"),
        ("approvd: {}", "bad-lock"),
        ("packages: &a []", "anchor"),
    ],
)
def test_what_is_wrong_has_a_code_and_a_line(tmp_path: Path, line: str, code: str) -> None:
    found = problems(tmp_path, f"{HEAD}{line}\napproved: {{}}\n")
    assert found
    assert found[0][0] == code
    assert {at for _, at in found} == {3}


@pytest.mark.parametrize(
    "text", ["", "a: 1\n", "version: 1\napproved: {}\n", "# mlcc:locks\nversion: 1\n", "\x00", "[" * 5000]
)
def test_what_is_no_lock(tmp_path: Path, text: str) -> None:
    assert problems(tmp_path, text)


@pytest.mark.parametrize(
    "approved", ["[]", "{github: []}", "{travis: {}}", "{github: {power: []}}", "{github: {secrets: [1]}}"]
)
def test_what_approves_nothing(tmp_path: Path, approved: str) -> None:
    assert problems(tmp_path, f"{HEAD}approved: {approved}\n")[0] == ("bad-lock", 3)


def test_a_hundred_problems_are_enough(tmp_path: Path) -> None:
    entries = ", ".join(f"{{name: evil{number}}}" for number in range(700))
    found = problems(tmp_path, f"{HEAD}actions: [{entries}]\napproved: {{}}\n")
    assert len(found) == 100


def test_a_lock_may_pin_the_packages_of_the_shipped_lists() -> None:
    assert sorted(shipped_packages()) == sorted(PACKAGES)
    assert {name: with_pins(shipped(name), {}) for name in LISTS} == {name: shipped(name) for name in LISTS}


def test_every_action_that_mlcc_uses_may_be_pinned() -> None:
    assert {one for one in vars(github_pins).values() if isinstance(one, github_pins.Action)} == set(
        github_pins.ACTIONS
    )
    for repository in github_pins.SHIPPED:  # all of a repository's actions are at one commit
        assert len({one.commit for one in github_pins.ACTIONS if one.repository == repository}) == 1


def test_a_package_keeps_where_it_is_installed() -> None:
    text = with_pins(shipped("postgres"), {"tzdata": Package("2027.1", ("7" * 64,))})
    assert f"tzdata==2027.1 ; sys_platform == 'win32' \\\n    --hash=sha256:{'7' * 64}\n" in text


def test_a_lint_with_a_lock_imports_nothing_heavy(locked: Project) -> None:
    heavy = "{'pydantic', 'jinja2', 'jsonschema', 'dataclasses', 'numpy', 'duckdb', 'importlib.resources'}"
    code = (
        "import sys; from pathlib import Path; from mlcc.linting import lint_all; "
        f"lint_all((Path('mlcc.yaml'),), None, ()); print({heavy} & set(sys.modules))"
    )
    done = locked.shell(f"PYTHONPATH={shlex.quote(str(ROOT))} python -c {shlex.quote(code)}")
    assert (done.code, done.out) == (0, "set()\n"), done.both


def test_a_newer_lock(tmp_path: Path) -> None:
    assert problems(tmp_path, "# mlcc:lock: x\nversion: 2\napproved: {}\n") == [("bad-lock", 2)]


def test_a_broken_lock_stops_every_command_that_reads_specs(locked: Project) -> None:
    edit(locked, "mlcc.lock", "version: 1", "version: 1\nsomething: else")
    before = locked.tree()
    for command in (
        ["compile"],
        ["compile", "--check"],
        ["lint"],
        ["lock"],
        ["absorb"],
        ["doctor"],
        ["explain"],
    ):
        done = locked.run(*command)
        assert done.code == 2, command
        assert "mlcc.lock:" in done.err
        assert "error[bad-lock]: a lock has no key 'something' here" in done.err
    assert locked.tree() == before


def test_a_file_of_that_name_that_isn_t_mlcc_s(compiled: Project) -> None:
    compiled.write("mlcc.lock", "mine\n")
    done = compiled.run("lock")
    assert done.code == 2
    assert (compiled.root / "mlcc.lock").read_text() == "mine\n"


def test_a_lock_that_leads_outside(locked: Project, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text((locked.root / "mlcc.lock").read_text())
    (locked.root / "mlcc.lock").unlink()
    (locked.root / "mlcc.lock").symlink_to(outside)
    locked.spec("    env: {TOKEN: {secret: DEPLOY}}\n", "")
    before = outside.read_text()
    done = locked.run("compile")
    assert (done.code, "error[unsafe-path]" in done.err) == (3, True)
    assert outside.read_text() == before


def test_an_image_pinned_in_the_spec_and_in_the_lock(locked: Project) -> None:
    pin = f"images:\n  - name: postgres:16\n    digest: sha256:{'3' * 64}\n    date: '2026-12-01'\n\n"
    edit(locked, "mlcc.lock", "packages:\n", f"{pin}packages:\n", 1)
    locked.spec('"postgres:16"', f'"postgres:16@sha256:{"4" * 64}"')
    done = locked.run("compile")
    assert done.code == 2
    assert (
        "error[pinned-twice]: the image postgres:16 is pinned in mlcc.lock and, to another digest, in the spec"
        in done.err
    )


def test_a_lock_with_line_ends_of_another_system(locked: Project) -> None:
    text = (locked.root / "mlcc.lock").read_text()
    locked.write("mlcc.lock", text.replace("\n", "\r\n"))
    locked.spec("    env: {TOKEN: {secret: DEPLOY}}\n", "")
    assert locked.run("compile").code == 0
    assert "\r" not in (locked.root / "mlcc.lock").read_bytes().decode()


def test_the_lock_silences_the_rule_on_images(locked: Project) -> None:
    assert "unpinned-image" in locked.run("lint").err
    pins = "".join(
        f"  - name: {name}\n    digest: sha256:{'3' * 64}\n    date: '2026-12-01'\n"
        for name in ("ghcr.io/acme/ship:1", "postgres:16")
    )
    edit(locked, "mlcc.lock", "packages:\n", f"images:\n{pins}\npackages:\n", 1)
    assert "unpinned-image" not in locked.run("lint").err


def test_pins_that_are_too_old() -> None:
    def pin(name: str, date: str) -> ImagePin:
        return ImagePin(name, "", date)

    assert too_old((pin("a", "2026-09-02"), pin("b", "2026-12-01")), "2026-12-01") == ""  # 90 days
    assert too_old((pin("a", "2026-09-01"), pin("b", "2026-12-01")), "2026-12-01") == "a of 2026-09-01"
    assert too_old((pin("a", "2026-02-31"),), "2026-12-01") == "a of 2026-02-31"
    assert too_old((pin("a", "2027-02-01"),), "2026-12-01") == "a of 2027-02-01"
    many = tuple(pin(name, f"2026-01-0{number}") for number, name in enumerate("edcba", 1))
    assert too_old(many, "2026-12-01") == "e of 2026-01-01, d of 2026-01-02, c of 2026-01-03 and 2 more"
