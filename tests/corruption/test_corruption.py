"""Each kind's gate on a damaged project: it ends as stated, says why in a sentence, and stays within its memory."""

from __future__ import annotations

import json
import subprocess
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from mlcc.gates import GATES, ArtifactInfo
from mlcc.gates.emit import script
from tests.corruption import bases, files, http_model, tables
from tests.corruption.bases import SECRET, Base
from tests.corruption.damage import Case, cases, flips

BASES = (*bases.BASES, *tables.BASES, *files.BASES, *http_model.BASES)
CASES = [case for base in BASES for case in cases(base)]
EXIT = {"pass": 0, "fail": 1, "error": 2, "inconclusive": 3}
MEMORY = 700 << 20  # bytes, resident; DuckDB alone takes 100 MiB


def lay_out(root: Path, base: Base) -> None:
    """Write a base's project."""
    for path, content in {**base.files, **compiled(base)}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)


def compiled(base: Base) -> Mapping[str, bytes]:
    """Return the gate's script and its parameters."""
    if base.name not in _COMPILED:
        paths = {id: path for id, path in base.artifacts.items() if isinstance(path, str)}
        params = GATES[base.kind].params().model_validate(dict(base.params))
        infos = {id: ArtifactInfo(path) for id, path in paths.items()}
        guards = next(iter(base.artifacts))
        document = {
            "kind": base.kind,
            "gate": "g",
            "guards": guards,
            "artifacts": {id: {"path": path, "kind": "data"} for id, path in base.artifacts.items()},
            "on_inconclusive": "fail",
            "params": GATES[base.kind].compiler().compile(params, infos, guards),
        }
        _COMPILED[base.name] = {
            ".mlcc/gates/g.json": json.dumps(document).encode(),
            f".mlcc/gates/{base.kind}.py": script(GATES[base.kind]).encode(),
        }
    return _COMPILED[base.name]


_COMPILED: dict[str, Mapping[str, bytes]] = {}


class Gates:
    """Runs gates by the process of zygote.py."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def run(self, root: Path, base: Base) -> tuple[int, str, dict[str, Any]]:
        """Run the gate; return its exit code, what it printed and its verdict ({}: there is none)."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{root}\t.mlcc/gates/{base.kind}.py\n")
        self.process.stdin.flush()
        code, resident = map(int, self.process.stdout.readline().split())
        assert code >= 0, f"a signal ended it: {code}; 14 means that it took too long"
        assert resident < MEMORY
        report = root / "_mlcc/s--g/verdict.json"
        verdict = json.loads(report.read_bytes()) if report.is_file() else {}
        return code, (root / "printed").read_text("utf-8"), verdict


@pytest.fixture(scope="module")
def gates() -> Iterator[Gates]:
    """The process that all gates are run by."""
    script = Path(__file__).with_name("zygote.py")
    with subprocess.Popen(
        [sys.executable, "-I", str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Gates(process)
        assert process.stdin is not None
        process.stdin.close()


def is_plain(text: str) -> bool:
    """Whether a text is one line without anything that a terminal or a log obeys."""
    return not any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in text)


def ends_well(code: int, printed: str, verdict: Mapping[str, Any]) -> None:
    """Assert what holds of a gate however it ends."""
    assert code == EXIT[verdict["verdict"]]
    assert "Traceback" not in printed
    assert all(is_plain(line) for line in printed.splitlines())
    assert not any(line.lstrip().startswith(("::", "##[", "##vso")) for line in printed.splitlines())
    texts = [verdict["summary"], *(check["message"] for check in verdict["checks"])]
    assert all(is_plain(text) and text.strip() for text in texts)
    assert verdict["summary"].endswith(".")
    assert SECRET not in printed + json.dumps(verdict)


@pytest.mark.parametrize("base", BASES, ids=lambda base: base.name)
def test_the_whole_project_passes(gates: Gates, tmp_path: Path, base: Base) -> None:
    lay_out(tmp_path, base)
    code, printed, verdict = gates.run(tmp_path, base)
    assert (code, verdict["verdict"]) == (0, "pass"), printed
    ends_well(code, printed, verdict)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_damaged_project_does_not(gates: Gates, tmp_path: Path, case: Case) -> None:
    lay_out(tmp_path, case.base)
    case.apply(tmp_path)
    code, printed, verdict = gates.run(tmp_path, case.base)
    assert verdict, printed
    assert (verdict["verdict"], code) == (case.ends, EXIT[case.ends]), printed
    ends_well(code, printed, verdict)
    assert "doesn't know" not in verdict["summary"]
    if case.name == "parameters with empty params":
        assert "`mlcc compile` writes them again" in verdict["summary"]


def test_there_are_enough_cases() -> None:
    counted = Counter(case.base.kind for case in CASES)
    assert len({case.id for case in CASES}) == len(CASES) >= 300
    assert min(counted[base.kind] for base in BASES) >= 30


def test_flipped_bytes_change_nothing_that_passes(gates: Gates, tmp_path: Path) -> None:
    """What a flipped byte doesn't change, such as the writer's name, may pass; what it changes may not.

    The contract leaves no value open. A metric is another matter: it may hold with a prediction that has changed.
    """
    base = next(base for base in BASES if base.name == "contract-parquet")
    ends: Counter[str] = Counter()
    whole = base.files[base.target]
    for place, damaged in flips(whole, max(1, len(whole) // 60)):
        root = tmp_path / str(place)
        lay_out(root, base)
        (root / base.target).write_bytes(damaged)
        code, printed, verdict = gates.run(root, base)
        ends_well(code, printed, verdict)
        ends[verdict["verdict"]] += 1
        if verdict["verdict"] == "pass":
            judged = {name: base.table[name] for name in (base.number, base.whole)}
            assert decoded(root / base.target, list(judged)) == list(zip(*judged.values(), strict=True)), (
                place
            )
    assert ends["error"] >= 10


def decoded(path: Path, names: list[str]) -> list[tuple[Any, ...]]:
    """Return columns of a Parquet file as rows."""
    listed = ", ".join(names)
    with duckdb.connect() as connection:
        return connection.execute(f"SELECT {listed} FROM read_parquet(?)", [str(path)]).fetchall()


# Reports of an earlier run


@pytest.mark.parametrize("base", BASES, ids=lambda base: base.name)
def test_a_stale_verdict_is_no_verdict(gates: Gates, tmp_path: Path, base: Base) -> None:
    lay_out(tmp_path, base)
    stale = tmp_path / "_mlcc/s--g"
    stale.mkdir(parents=True)
    for name in ("verdict.json", "junit.xml", "summary.md"):
        (stale / name).write_text('{"verdict": "pass"}')
    (tmp_path / ".mlcc/gates/g.json").unlink()
    code, printed, verdict = gates.run(tmp_path, base)
    assert (code, verdict["verdict"]) == (2, "error")
    ends_well(code, printed, verdict)
    assert all(
        '"pass"' not in (stale / name).read_text() for name in ("verdict.json", "junit.xml", "summary.md")
    )


@pytest.mark.parametrize("place", ["_mlcc", "_mlcc/s--g", "_mlcc/s--g/verdict.json"])
@pytest.mark.parametrize("sort", ["a link to a folder", "a link to nothing", "a file", "a folder"])
def test_reports_lie_in_a_folder_of_their_own(gates: Gates, tmp_path: Path, place: str, sort: str) -> None:
    """What lies in the way of the reports is never followed, and never a pass without a verdict."""
    base = next(base for base in BASES if base.kind == "command")
    lay_out(tmp_path / "project", base)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    way = tmp_path / "project" / place
    way.parent.mkdir(parents=True, exist_ok=True)
    if sort == "a file":
        way.write_text("{}")
    elif sort == "a folder":
        way.mkdir()
    else:
        way.symlink_to(elsewhere if sort.endswith("folder") else tmp_path / "nowhere")
    code, printed, verdict = gates.run(tmp_path / "project", base)
    assert code in (0, 2)
    assert "Traceback" not in printed
    assert (code == 0) == (verdict.get("verdict") == "pass")
    assert not list(elsewhere.iterdir())
    assert not (tmp_path / "nowhere").exists()
