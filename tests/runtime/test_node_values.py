"""Values reach the commands that name them, byte for byte, and nobody else."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from mlcc.runtime.records import RunError
from mlcc.runtime.values import read_values
from tests.plans import HEAD
from tests.runtime.conftest import Make

HOSTILE = [
    "plain",
    "two  spaces ",
    "'single' \"double\" `back` $(touch canary) ${HOME} $HOME \\ \\n %s %n !! # & | ; < > * ? [a]",
    "line one\nline two\n",
    "\ttab\tand\r\ncarriage",
    "-n",
    "--help",
    "=x=y",
    "ünïcödé 漢字 😀 \u202e\u2028\x85",
    "${{ github.token }}",
    "::set-output name=x::y",
    "\x01\x1b[31m",
    "a" * 60_000,
]
DUMP = "python3 -c \"import os; open('seen','wb').write(os.environb[b'VALUE'])\""


def spec(jobs: str, head: str = HEAD) -> str:
    return (
        head
        + "artifacts:\n  code: {kind: code, path: src/}\n  raw-data: {kind: data, path: build/raw.txt}\njobs:\n"
        + jobs
    )


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: ascii(value)[:30])
@pytest.mark.parametrize("kind", ["var", "secret"])
def test_hostile_values_arrive_byte_for_byte(make: Make, kind: str, value: str) -> None:
    project = make(spec(f"  a: {{run: {DUMP!r}, env: {{VALUE: {{{kind}: V}}}}}}\n".replace("\\'", "''")))
    project.select()
    os.environ["MLCC_VAR_V" if kind == "var" else "MLCC_SECRET_V"] = value
    assert project.node("a") == 0
    assert (project.root / "seen").read_bytes() == value.encode()
    assert not (project.root / "canary").exists()


def test_bytes_that_are_no_text_arrive_too(make: Make) -> None:
    project = make(spec(f"  a: {{run: {DUMP!r}, env: {{VALUE: {{var: V}}}}}}\n".replace("\\'", "''")))
    project.select()
    os.environb[b"MLCC_VAR_V"] = b"\xff\xfe"
    assert project.node("a") == 0
    assert (project.root / "seen").read_bytes() == b"\xff\xfe"


EVERY = """  a:
    run: echo N=7 >> $MLCC_OUTPUTS
    outputs: [N]
  b:
    run: env > seen
    reads: [code]
    matrix: {include: {x: {learning-rate: 0.5}}}
    env:
      TEXT: a b
      NUMBER: 3
      FLAG: true
      VAR: {var: V, default: d}
      INPUT: {input: rate}
      RATE: {matrix: learning-rate}
      OUT: {output: a.N}
      COMMIT: {context: commit}
      TAG: {context: tag, default: none}
      WHERE: {context: workspace}
  c: {run: env > seen-c, reads: [raw-data]}
"""


def test_every_kind_of_value(make: Make) -> None:
    project = make(spec(EVERY, MANUAL), files={"build/raw.txt": "x"})
    project.select()
    project.node("a")
    assert project.node("b", "x") == 0
    lines = (project.root / "seen").read_text().splitlines()
    expected = {
        "TEXT=a b", "NUMBER=3", "FLAG=true", "VAR=d", "INPUT=0.1", "RATE=0.5", "OUT=7", "TAG=none",
        f"COMMIT={project.git('rev-parse', 'HEAD')}", f"WHERE={project.root}", "MATRIX_LEARNING_RATE=0.5", "ARTIFACT_CODE=src",
    }  # fmt: skip
    assert expected <= set(lines)
    project.node("c")
    assert f"DIGEST_CODE={project.state('b', 'x')['inputs']['code']}" in lines
    assert "ARTIFACT_RAW_DATA=build/raw.txt" in (project.root / "seen-c").read_text().splitlines()


def test_a_variable_without_value_or_default_is_an_error(make: Make) -> None:
    project = make(spec("  a: {run: touch ran, env: {X: {var: V}}}\n"))
    project.select()
    assert project.node("a") == 2
    assert project.ended("a") == (
        "failed",
        "error",
        "the variable V isn't set in the CI system, and X has no default",
    )
    assert not (project.root / "ran").exists()


@pytest.mark.parametrize("environment", [{}, {"MLCC_SECRET_S": ""}])
def test_a_missing_secret_is_an_error(make: Make, environment: dict[str, str]) -> None:
    project = make(spec("  a: {run: touch ran, env: {X: {secret: S}}, finally: touch mopped, retry: 2}\n"))
    project.select()
    os.environ.update(environment)
    assert project.node("a") == 2
    assert project.ended("a") == ("failed", "error", "the secret S isn't set in the CI system")
    assert not (project.root / "ran").exists()
    assert not (project.root / "mopped").exists()  # nothing was begun that would need it


def test_a_secret_as_a_file_is_private_and_gone_afterwards(make: Make) -> None:
    project = make(
        spec(
            '  a: {run: \'stat -c %a "$KEY" > mode; cp "$KEY" seen; echo "$KEY" > where\', env: {KEY: {secret: S, as: file}}}\n'
        )
    )
    project.select()
    os.environ["MLCC_SECRET_S"] = "-----BEGIN KEY-----\nab\n"
    assert project.node("a") == 0
    assert (project.root / "mode").read_text() == "600\n"
    assert (project.root / "seen").read_text() == "-----BEGIN KEY-----\nab\n"
    where = Path((project.root / "where").read_text().strip())
    assert project.root not in where.parents
    assert not where.exists()


def test_a_secret_reaches_only_who_names_it_and_no_record(make: Make) -> None:
    project = make(
        spec(
            "  a: {run: 'echo \"$TOKEN\" > /dev/null; env > seen-a', env: {TOKEN: {secret: S}}}\n  b: {run: env > seen-b}\n"
        )
    )
    project.select()
    os.environ["MLCC_SECRET_S"] = "hunter2"
    assert [project.node("a"), project.node("b"), project.final()] == [0, 0, 0]
    assert "hunter2" in (project.root / "seen-a").read_text()
    assert (project.root / "seen-a").read_text().count("hunter2") == 1  # under its own name alone
    assert "hunter2" not in (project.root / "seen-b").read_text()
    for path in (project.root / "_mlcc").rglob("*"):
        assert path.is_dir() or b"hunter2" not in path.read_bytes(), path


def test_a_gate_gets_its_values_and_setup(make: Make) -> None:
    project = make(
        spec("  a: {run: 'true', reads: [code]}\n")
        + "gates:\n  unit: {guards: code, setup: [K=v], env: {X: {secret: S}}, command: {run: 'test \"$K$X\" = vhunter2'}}\n"
    )
    project.select()
    os.environ["MLCC_SECRET_S"] = "hunter2"
    assert project.node("unit") == 0
    assert project.ended("unit")[:2] == ("passed", "pass")


MANUAL = (
    "version: 1\nname: p\ntriggers: {manual: {go: {inputs: {rate: {type: number, default: 0.1, max: 1}, mode: {type: choice,"
    " options: [fast, full], required: true}}}}, push: {branches: [main]}}\n"
)
INPUTS_JOB = (
    "  a: {run: 'echo $RATE $MODE > seen', env: {RATE: {input: rate}, MODE: {input: mode, default: none}}}\n"
)


def test_inputs_reach_commands_with_their_defaults(make: Make) -> None:
    project = make(spec(INPUTS_JOB, MANUAL))
    project.select(event="manual", inputs={"mode": "full", "unknown": "x"})
    project.node("a")
    assert (project.root / "seen").read_text() == "0.1 full\n"
    project.select()
    project.node("a")
    assert (project.root / "seen").read_text() == "0.1 none\n"


@pytest.mark.parametrize(
    ("inputs", "problem"),
    [
        ({}, "the input mode is refused: it is required"),
        ({"mode": "slow"}, "the input mode is refused: it is none of its options"),
        ({"mode": "full", "rate": "2"}, "the input rate is refused: it is above 1"),
        ({"mode": "full", "rate": "nan"}, "the input rate is refused: it isn't a number in plain digits"),
        ({"mode": "full", "rate": "inf"}, "the input rate is refused: it isn't a number in plain digits"),
        ({"mode": "full", "rate": "1e999"}, "the input rate is refused: it isn't finite"),
        ({"mode": "full", "rate": "0_1"}, "the input rate is refused: it isn't a number in plain digits"),
        ({"mode": "full", "rate": "٠"}, "the input rate is refused: it isn't a number in plain digits"),
        ({"mode": "full", "rate": " 0.5"}, "the input rate is refused: it isn't a number in plain digits"),
        (
            {"mode": "full", "rate": "0.5\n"},
            "the input rate is refused: it is too long, or has control characters",
        ),
        ({"mode": "full", "rate": "$(x)"}, "the input rate is refused: it isn't a number in plain digits"),
    ],
)
def test_inputs_are_checked(make: Make, inputs: dict[str, str], problem: str) -> None:
    project = make(spec(INPUTS_JOB, MANUAL))
    with pytest.raises(RunError) as found:
        project.select(event="manual", inputs=inputs)
    assert str(found.value) == problem
    assert not (project.root / "_mlcc/s--select/selection.json").exists()


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (
            "type: integer, min: 1, max: 9",
            ["1", "9"],
            ["0", "10", "1.0", "1e0", "01", "+1", "0x1", "", " 1", "1_0"],
        ),
        ("type: number, min: -1", ["-1", "0", "1.5e3", "0.25"], ["-1.1", "1.", ".5", "1,5", "--1", "0x1p3"]),
        ("type: boolean", ["true", "false"], ["True", "yes", "1"]),
        ("type: string", ["x y", "ü"], ["a\nb", "a\x00", "x" * 1001, "\u202e"]),
    ],
)
def test_types_of_inputs(make: Make, kind: str, good: list[str], bad: list[str]) -> None:
    head = (
        f"version: 1\nname: p\ntriggers: {{manual: {{go: {{inputs: {{v: {{{kind}, required: true}}}}}}}}}}\n"
    )
    project = make(spec("  a: {run: t}\n", head))
    for value in good:
        assert project.select(event="manual", inputs={"v": value})["inputs"] == {"v": value}
    for value in bad:
        with pytest.raises(RunError):
            project.select(event="manual", inputs={"v": value})


# --- outputs --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "values"),
    [
        (b"A=1\nB=two words\n", {"A": "1", "B": "two words"}),
        (b"A=x=y\nB=", {"A": "x=y", "B": ""}),
        ("A=ü\u2028B=\x85\x0c\nB=1\n".encode(), {"A": "ü\u2028B=\x85\x0c", "B": "1"}),
    ],
)
def test_values_of_outputs(tmp_path: Path, content: bytes, values: dict[str, str]) -> None:
    path = tmp_path / "outputs"
    path.write_bytes(content)
    assert read_values(path, ["A", "B"]) == values


REFUSED = [
    b"", b"A=1\n", b"A=1\nB=2\nC=3\n", b"A=1\nA=2\nB=3\n", b"A\nB=2\n", b"A=1\n\nB=2\n", b"A=1\nB=\xff\n",
    b"A=\x00\nB=1\n", b"A=" + b"x" * 4097 + b"\nB=1\n", b" A=1\nB=2\n",
]  # fmt: skip


@pytest.mark.parametrize("content", REFUSED)
def test_outputs_that_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "outputs"
    path.write_bytes(content)
    with pytest.raises(RunError):
        read_values(path, ["A", "B"])


@pytest.mark.parametrize("kind", ["pipe", "folder", "link", "link to nothing", "too large"])
def test_outputs_that_are_no_small_file(tmp_path: Path, kind: str) -> None:
    """A pipe would be waited for without end, past every deadline."""
    path, other = tmp_path / "outputs", tmp_path / "other"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "too large":
        path.touch()
        os.truncate(path, 20 << 30)  # sparse: none of it lies on the disk
    else:
        path.symlink_to(other)
        if kind == "link":
            other.write_text("A=1\n")
    with pytest.raises(RunError, match=r"\$MLCC_OUTPUTS is no file, or too large"):
        read_values(path, ["A"])


def test_a_command_that_makes_its_outputs_a_pipe(make: Make) -> None:
    project = make(spec("  a: {run: 'mkfifo \"$MLCC_OUTPUTS\"', outputs: [A], timeout: 1m}\n"))
    project.select()
    assert project.node("a") == 1
    assert project.ended("a") == ("failed", "fail", "$MLCC_OUTPUTS is no file, or too large for small values")


def test_outputs_without_names_and_without_file(tmp_path: Path) -> None:
    assert read_values(tmp_path / "none", []) == {}
    with pytest.raises(RunError, match="left no value for A"):
        read_values(tmp_path / "none", ["A"])


def test_an_output_of_a_node_that_failed_is_none(make: Make) -> None:
    """A teardown may run after a failure, and must not take a value for real that was never confirmed."""
    project = make(
        spec(
            "  a: {run: 'echo ID=1 >> $MLCC_OUTPUTS; exit 1', outputs: [ID]}\n"
            "  mop: {run: touch ran, needs: [a], env: {ID: {output: a.ID}}, when: {status: always}}\n"
        )
    )
    project.select()
    project.node("a")
    assert project.node("mop") == 2
    assert project.ended("mop") == ("failed", "error", "'a' left no value ID")


def test_private_files_lie_in_a_private_folder(make: Make) -> None:
    project = make(spec('  a: {run: \'stat -c %a "$(dirname "$MLCC_OUTPUTS")" > mode\'}\n'))
    project.select()
    project.node("a")
    assert int((project.root / "mode").read_text(), 8) == stat.S_IRWXU
