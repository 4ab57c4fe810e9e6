"""EXTENDS: which files a spec may extend, and what happens when one of them is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlcc.diagnostics import Diagnostic, Span, SpecError
from mlcc.load.extends import merge
from mlcc.load.source import Source, load, plain


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def merged(root: Path, name: str = "mlcc.yaml") -> Source:
    return merge(load(root / name, name), root)


def values(root: Path, spec: str, **bases: str) -> object:
    write(root, mlcc=spec, **bases)
    return plain(merged(root).root)


def refusals(root: Path, spec: str, **bases: str) -> tuple[Diagnostic, ...]:
    write(root, mlcc=spec, **bases)
    with pytest.raises(SpecError) as caught:
        merged(root)
    for diagnostic in caught.value.diagnostics:
        for span in (diagnostic.span, *(related.span for related in diagnostic.related)):
            assert span is not None
            assert span.file in caught.value.texts
    return caught.value.diagnostics


def told(diagnostics: tuple[Diagnostic, ...]) -> list[tuple[str, str, int, int]]:
    return [(d.code, d.span.file, d.span.line, d.span.column) for d in diagnostics if d.span]


def test_a_cycle_is_shown_edge_by_edge(tmp_path: Path) -> None:
    (problem,) = refusals(
        tmp_path, "extends: [one.yaml]\n", one="a: 1\nextends: [two.yaml]\n", two="extends: [one.yaml]\n"
    )
    assert problem.code == "extends-cycle"
    assert problem.message == "specs extend each other in a circle: one.yaml -> two.yaml -> one.yaml"
    assert [(r.span.file, r.span.line, r.message) for r in problem.related] == [
        ("one.yaml", 2, "one.yaml extends two.yaml"),
        ("two.yaml", 1, "two.yaml extends one.yaml"),
    ]


def test_a_spec_can_not_extend_itself(tmp_path: Path) -> None:
    (problem,) = refusals(tmp_path, "extends: [./mlcc.yaml]\n")
    assert problem.message == "specs extend each other in a circle: mlcc.yaml -> mlcc.yaml"


@pytest.mark.parametrize(
    ("extends", "code"),
    [
        ("base.yaml", "bad-extends"),
        ("{a: b}", "bad-extends"),
        ("", "bad-extends"),
        ("[base.yaml, base.yaml]", "bad-extends"),
        ("[1]", "bad-path"),
        ("[[base.yaml]]", "bad-path"),
        ('[""]', "bad-path"),
        ("[/etc/passwd]", "bad-path"),
        ("['a\\b.yaml']", "bad-path"),
        ("[-x.yaml]", "bad-path"),
        ("[e\u0301.yaml]", "bad-path"),
        ("[missing.yaml]", "no-such-file"),
        ("[.]", "no-such-file"),
        ("[base.yaml/x]", "unreadable-file"),
        ("[../outside.yaml]", "outside-repository"),
        ("[link.yaml]", "outside-repository"),
        ("[loop.yaml]", "unreadable-file"),
    ],
)
def test_a_bad_path_is_refused_where_it_is_written(tmp_path: Path, extends: str, code: str) -> None:
    root = tmp_path / "repository"
    root.mkdir()
    (tmp_path / "outside.yaml").write_text("a: 1\n")
    (root / "link.yaml").symlink_to("../outside.yaml")
    (root / "loop.yaml").symlink_to("loop.yaml")
    problems = refusals(root, f"a: 1\nextends: {extends}\n", base="b: 2\n")
    assert {(found, file, line) for found, file, line, _ in told(problems)} == {(code, "mlcc.yaml", 2)}


def test_a_symlink_inside_the_repository_is_fine(tmp_path: Path) -> None:
    (tmp_path / "link.yaml").symlink_to("base.yaml")
    assert values(tmp_path, "extends: [link.yaml]\n", base="a: 1\n") == {"a": 1}


def test_the_repository_may_itself_be_a_symlink(tmp_path: Path) -> None:
    real = tmp_path / "real"
    write(real, mlcc="extends: [base.yaml]\n", base="a: 1\n")
    link = tmp_path / "link"
    link.symlink_to(real)
    assert plain(merge(load(link / "mlcc.yaml"), link).root) == {"a": 1}


def test_an_error_in_a_base_points_there_and_names_who_extends_it(tmp_path: Path) -> None:
    problems = refusals(tmp_path, "extends: [base.yaml]\n", base="a: no\nb: *x\n")
    assert told(problems) == [("ambiguous-scalar", "base.yaml", 1, 4), ("alias", "base.yaml", 2, 4)]
    assert all(d.related[-1].span == Span("mlcc.yaml", 1, 11, 1, 20) for d in problems)


def test_all_files_together_are_capped(tmp_path: Path) -> None:
    big = "k: [" + "a, " * 5_000 + "\n" + "a, " * 5_000 + "]\n"
    spec = "extends: [one.yaml, two.yaml, three.yaml]\n"
    problems = refusals(tmp_path, spec, one=big, two=big, three=big)
    assert told(problems) == [("too-large", "mlcc.yaml", 1, 31)]


def test_the_length_of_all_files_is_capped(tmp_path: Path) -> None:
    long = "a: b\n" + ("# " + "x" * 9_997 + "\n") * 60
    spec = "extends: [one.yaml, two.yaml]\n"
    assert told(refusals(tmp_path, spec, one=long, two=long)) == [("too-large", "mlcc.yaml", 1, 21)]


def test_the_number_of_files_is_capped(tmp_path: Path) -> None:
    for number in range(40):
        write(tmp_path, **{f"base{number}": f"a: {number}\n"})
    spec = "extends:\n" + "".join(f"- base{number}.yaml\n" for number in range(40))
    assert told(refusals(tmp_path, spec)) == [("too-large", "mlcc.yaml", 34, 3)]


def test_hostile_drops_end_soon(tmp_path: Path) -> None:
    base = "k:\n" + "".join(f"  id{number}: x\n" for number in range(9_000))
    spec = (
        "extends: [base.yaml]\nk: {drop: [" + "".join(f"no{number},\n " for number in range(9_000)) + "]}\n"
    )
    assert len(refusals(tmp_path, spec, base=base)) == 100
