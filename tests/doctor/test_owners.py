"""Who owns a path, by GitHub's and GitLab's rules. The cases are those of the two systems' own pages."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlcc.doctor.owners import file_of, unowned


@pytest.mark.parametrize(
    ("text", "path", "system", "owned"),
    [
        ("* @a", ".github/workflows/x.yml", "github", True),
        ("* @a", ".mlcc/run.py", "gitlab", True),
        ("*.js @a", "src/a.js", "github", True),
        ("*.js @a", "src/a.json", "github", False),
        ("/build/logs/ @a", "build/logs/x/y", "github", True),
        ("/build/logs/ @a", "x/build/logs/y", "github", False),
        ("docs/* @a", "docs/x.md", "github", True),
        ("docs/* @a", "docs/build/x.md", "github", False),
        ("docs/* @a", "x/docs/y.md", "github", False),
        ("docs/* @a", "x/docs/y.md", "gitlab", True),
        ("apps/ @a", "x/apps/y", "github", True),
        ("**/logs @a", "deep/logs/x", "github", True),
        ("/.mlcc @a", ".mlcc/run.py", "github", True),
        ("/.mlcc @a", ".mlcc/run.py", "gitlab", False),
        ("/.mlcc/ @a", ".mlcc/gates/x.json", "gitlab", True),
        ("/.mlcc/* @a", ".mlcc/gates/x.json", "gitlab", False),
        ("/.mlcc/**/* @a", ".mlcc/gates/x.json", "gitlab", True),
        ("* @a\n/.mlcc/", ".mlcc/run.py", "github", False),
        ("/.mlcc/ @a\n* @b", ".mlcc/run.py", "github", True),
        ("# * @a", "mlcc.yaml", "github", False),
        ("mlcc.yaml # @a", "mlcc.yaml", "github", False),
        ("mlcc.yaml someone@example.org", "mlcc.yaml", "github", True),
        ("mlcc.yaml @OWNERS", "mlcc.yaml", "github", False),
        ("/a\\ b/ @a", "a b/mlcc.yaml", "github", True),
        ("/\\#c/ @a", "#c/mlcc.yaml", "gitlab", True),
        ("[CI] @a\nmlcc.yaml", "mlcc.yaml", "gitlab", True),
        ("[CI][2] @a\nmlcc.yaml", "mlcc.yaml", "gitlab", True),
        ("^[CI] @a\nmlcc.yaml", "mlcc.yaml", "gitlab", False),
        ("[CI]\nmlcc.yaml", "mlcc.yaml", "gitlab", False),
        ("[A]\nmlcc.yaml @a\n[B]\nmlcc.yaml", "mlcc.yaml", "gitlab", True),
        ("[A]\n* @a\n!mlcc.yaml", "mlcc.yaml", "gitlab", False),
        ("[A]\n!mlcc.yaml\n* @a", "mlcc.yaml", "gitlab", False),
        ("", "mlcc.yaml", "github", False),
    ],
)
def test_who_owns_a_path(text: str, path: str, system: str, owned: bool) -> None:
    assert unowned(text + "\n", [path], system) == ([] if owned else [path])


def test_the_first_file_that_is_there_counts(tmp_path: Path) -> None:
    assert file_of(tmp_path, "github") is None
    for place in ("docs", ".github", ".gitlab"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "CODEOWNERS").write_text("")
    assert file_of(tmp_path, "github") == tmp_path / ".github/CODEOWNERS"
    assert file_of(tmp_path, "gitlab") == tmp_path / "docs/CODEOWNERS"
