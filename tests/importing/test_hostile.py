"""Files that are no pipelines, mutilated ones, and bombs: a coded error or a report, never a traceback."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlcc.diagnostics import MlccError, SpecError
from mlcc.importing import import_file

PIPELINES = sorted((Path(__file__).parent / "pipelines").iterdir())


def imported(path: Path, text: str) -> tuple[str | None, list[str]]:
    """Import a text; return the spec, or None and the codes of what it is refused for."""
    path.write_text(text, encoding="utf-8", newline="")
    try:
        return import_file(path).spec, []
    except MlccError as problem:
        return None, [d.code for d in problem.diagnostics]


def mutilated(text: str, seed: int) -> str:
    """Return a text with lines dropped, doubled, cut, indented otherwise, and characters replaced."""
    chance = random.Random(seed)
    lines = text.split("\n")
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(lines))
        kind = chance.randrange(6)
        if kind == 0:
            del lines[at : at + chance.randint(1, 4)]
        elif kind == 1:
            lines.insert(at, lines[chance.randrange(len(lines))] if lines else "")
        elif kind == 2:
            lines[at] = lines[at][: chance.randint(0, len(lines[at]))]
        elif kind == 3:
            lines[at] = " " * chance.randint(0, 9) + lines[at].lstrip()
        elif kind == 4:
            place = chance.randint(0, len(lines[at]))
            lines[at] = (
                lines[at][:place] + chance.choice("{}[]'\":#&*!|>$\\\u202e\u00a0-,?@`") + lines[at][place:]
            )
        else:
            lines = lines[: at + 1]
        lines = lines or [""]
    return "\n".join(lines)


@settings(max_examples=150, deadline=None)
@given(pipeline=st.sampled_from(PIPELINES), seed=st.integers(0, 10**9))
def test_a_mutilated_pipeline_is_imported_or_refused(
    pipeline: Path, seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("mutilated", numbered=True)
    spec, codes = imported(folder / pipeline.name, mutilated(pipeline.read_text(encoding="utf-8"), seed))
    assert all(codes) if spec is None else spec.startswith("# Imported from ")
    assert (spec is None) == bool(codes)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty-document"),
        ("just: a mapping\n", "not-a-pipeline"),
        ("- a\n- b\n", "not-a-pipeline"),
        ("a: [\n", "not-yaml"),
        ("%YAML 1.1\n---\na: b\n", "not-yaml"),
        ("a: *nothing\n", "alias"),
        ("\0", "not-a-pipeline"),
        ("a:" + " [" * 60 + "]" * 60, "too-deep"),
        ("x" * 20_000, "too-large"),
        ("a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40)), "too-large"),
        ("a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 300)), "too-deep"),
    ],
)  # fmt: skip
def test_what_is_no_pipeline_is_refused_with_a_code(text: str, code: str, tmp_path: Path) -> None:
    path = tmp_path / "ci.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SpecError) as refused:
        import_file(path)
    assert [d.code for d in refused.value.diagnostics] == [code]


def test_bytes_that_are_no_text_and_paths_that_are_no_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "ci.yml"
    path.write_bytes(b"on: \xff\n")
    for wrong, code in (
        (path, "not-utf8"),
        (tmp_path, "no-such-file"),
        (tmp_path / "missing", "no-such-file"),
    ):
        with pytest.raises(SpecError) as refused:
            import_file(wrong)
        assert [d.code for d in refused.value.diagnostics] == [code]


def test_a_deeply_nested_jenkinsfile_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "Jenkinsfile"
    path.write_text("pipeline {" + "stage {" * 100, encoding="utf-8")
    with pytest.raises(SpecError) as refused:
        import_file(path)
    assert [d.code for d in refused.value.diagnostics] == ["too-deep"]


def test_what_nobody_sees_is_left_out_and_listed(tmp_path: Path) -> None:
    path = tmp_path / "ci.yml"
    text = "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: make \u202ea\n"
    path.write_text(text, encoding="utf-8")
    found = import_file(path)
    assert "run: make a\n" in found.spec
    assert [(n.line, n.text) for n in found.listed] == [(6, "characters that nobody sees were left out")]


def test_no_command_of_the_pipeline_is_run(tmp_path: Path) -> None:
    path = tmp_path / "ci.yml"
    touched = tmp_path / "touched"
    path.write_text(f"on: push\njobs:\n  a:\n    steps:\n      - run: touch {touched}\n", encoding="utf-8")
    assert f"touch {touched}" in import_file(path).spec
    assert not touched.exists()
