from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mlcc import emitted
from mlcc.bundle import BundleError, bundle
from mlcc.gates import GATES
from mlcc.gates.emit import scripts
from mlcc.writing.files import is_generated, is_intact, seal

SOME_VERSIONS = {"_sha2", "_sha256"}  # of the standard library, and asked for with a way around


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that writes the modules of a package and bundles the last one, which imports all others."""
    monkeypatch.syspath_prepend(str(tmp_path))
    package = tmp_path.name.replace("-", "_")
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").touch()

    def write(*sources: str, allow: tuple[str, ...] = (), instead: tuple[str, str] | None = None) -> str:
        *others, entry = sources
        texts = [f"{source}\nPART_{i} = {i}\n" for i, source in enumerate(others)]
        texts.append(entry + "".join(f"\nfrom module{i} import PART_{i}\n" for i in range(len(others))))
        for i, text in enumerate(texts):
            (tmp_path / package / f"m{i}.py").write_text(text.replace("from module", f"from {package}.m"))
        other = {f"{package}.{instead[0]}": f"{package}.{instead[1]}"} if instead else {}
        return bundle(f"{package}.m{len(others)}", doc="A test.", allow=allow, instead=other)

    return write


def _run(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "script.py").write_text(script)
    return subprocess.run(
        [sys.executable, "-I", "script.py"], cwd=folder, capture_output=True, text=True, check=False
    )


def test_runs_alone(modules: Any, tmp_path: Path) -> None:
    first = (
        '"""The first."""\nfrom __future__ import annotations\n\nimport json\n\n\nX = 3  # why\n\n\n'
        'def f():\n    """Doc."""\n    return json.dumps(X)\n'
    )
    second = (
        "import sys\nfrom module0 import f, X\n\n\n"
        "def main():\n    print(f(), X, 'json' in sys.modules)\n    return 5\n"
    )
    script = modules(first, second)
    done = _run(script, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (5, "3 3 True\n", "")
    assert "X = 3  # why" in script
    assert '    """Doc."""' in script
    assert "# The first." in script
    assert script.endswith('\n\n\nif __name__ == "__main__":\n    raise SystemExit(main())\n')
    assert script.count("import json") == script.count("import sys") == 1
    assert ".m0 import" not in script


def test_dependencies_come_first(modules: Any, tmp_path: Path) -> None:
    done = _run(
        modules(
            "from module1 import BASE\n\nX = BASE + 1\n",
            "BASE = 1\n",
            "from module0 import X\n\n\ndef main():\n    print(X)\n    return 0\n",
        ),
        tmp_path,
    )
    assert done.stdout == "2\n"


def test_a_module_hands_on_what_it_says(modules: Any, tmp_path: Path) -> None:
    script = modules(
        "X = 1\n", "from module0 import X as X\n", "from module1 import X\n\n\ndef main():\n    return X\n"
    )
    assert _run(script, tmp_path).returncode == 1


def test_a_module_takes_the_place_of_another(modules: Any, tmp_path: Path) -> None:
    whole, part = "def f():\n    return 1\n", "def f():\n    return 3\n\n\nPART_0 = 0\n"
    script = modules(
        whole, part, "from module0 import f\n\n\ndef main():\n    return f()\n", instead=("m0", "m1")
    )
    assert _run(script, tmp_path).returncode == 3
    assert "return 1" not in script
    with pytest.raises(BundleError, match="doesn't define it"):
        modules(whole, "", "from module0 import f\n" + MAIN, instead=("m0", "m1"))


def test_marker_is_unsealed_and_sealable(modules: Any) -> None:
    script = modules("def main():\n    return 0\n")
    assert script.startswith("# mlcc:generated sha256=" + "0" * 64 + "\n")
    assert is_generated(script)
    assert is_intact(seal(script))


def test_typing_imports_are_kept_for_readers(modules: Any, tmp_path: Path) -> None:
    source = (
        "from __future__ import annotations\n\nTYPE_CHECKING = False\nif TYPE_CHECKING:\n"
        "    from collections.abc import Sequence\n\n\ndef main(x: Sequence[int] = ()):\n    return 0\n"
    )
    script = modules(source)
    assert "if TYPE_CHECKING:\n    from collections.abc import Sequence\n" in script
    assert _run(script, tmp_path).returncode == 0


MAIN = "\n\ndef main():\n    return 0\n"


@pytest.mark.parametrize(
    ("sources", "why"),
    [
        (["import numpy\n" + MAIN], "imports numpy"),
        (["from numpy import array\n" + MAIN], "imports numpy"),
        (["import mlcc.writing.files\n" + MAIN], "imports mlcc"),
        (["from mlcc.writing.files import seal\n" + MAIN], "imports mlcc"),
        (["import importlib\n" + MAIN], "imports importlib"),
        (["def main():\n    import numpy\n    return 0\n"], "imports numpy"),
        (["def main():\n    from mlcc.writing.files import seal\n    return 0\n"], "imports mlcc"),
        (["def main():\n    return __import__('numpy')\n"], "__import__"),
        (["def main():\n    return eval('1')\n"], "eval"),
        (["def main():\n    return ｅｖａｌ('1')\n"], "eval"),
        (["@eval\ndef main():\n    return 1\n"], "eval"),
        (["def main():\n    from . import x\n    return 0\n"], "imports"),
        (["from json import *\n" + MAIN], "star import"),
        (["from . import x\n" + MAIN], "relative"),
        (["X = 1\n", "X = 2\n" + MAIN], "X is defined in"),
        (["def f(): pass\n", "class f: pass\n" + MAIN], "f is defined in"),
        (["(a, b) = 1, 2\n", "b = 1\n" + MAIN], "b is defined in"),
        (["json = 1\n", "import json\n" + MAIN], "json is defined in"),
        (["from os import path\n", "def path(): pass\n" + MAIN], "path is defined in"),
        (["from os import path as p\n", "from sys import path as p\n" + MAIN], "p is imported as"),
        (["import os.path as p\n", "import sys as p\n" + MAIN], "p is imported as"),
        (["def open(): pass\n" + MAIN], "hide the built-in"),
        (["from module1 import B\nA = 1\n", "from module0 import A\nB = 1\n" + MAIN], "import each other"),
        (["A = 1\n", "from module0 import B\n" + MAIN], "doesn't define it"),
        (["A = 1\n", "from module0 import A as B\n" + MAIN], "renames"),
        (["A = 1\n"], r"no main\(\)"),
        (["print(1)\n" + MAIN], "top-level statement"),
        (["if True:\n    X = 1\n" + MAIN], "top-level statement"),
        (["import json; X = 1\n" + MAIN], "shares its line"),
        (["def main():\n    match 1:\n        case _:\n            return 0\n"], "Python 3.8"),
        (["TYPE_CHECKING = False\nif TYPE_CHECKING:\n    X = 1\n" + MAIN], "under TYPE_CHECKING"),
        (["TYPE_CHECKING = False\nif TYPE_CHECKING:\n    from numpy import array\n" + MAIN], "imports numpy"),
    ],
)
def test_refuses(modules: Any, sources: list[str], why: str) -> None:
    with pytest.raises(BundleError, match=why):
        modules(*sources)


def test_refuses_a_module_that_is_not_there() -> None:
    with pytest.raises(BundleError, match="there is no module"):
        bundle("mlcc.nothing", doc="")


def test_allowed_packages_are_imported_late(modules: Any, tmp_path: Path) -> None:
    late = "def main():\n    import numpy\n    return 0\n"
    assert "    import numpy" in modules(late, allow=("numpy",))
    with pytest.raises(BundleError, match="imports numpy"):
        modules("import numpy\n" + MAIN, allow=("numpy",))


def _imported(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return found


def test_gate_scripts_import_only_the_standard_library() -> None:
    for file in scripts(name for kind in GATES.values() for name in kind.scripts):
        if file.path.endswith(".py"):
            tree = ast.parse(file.text, feature_version=(3, 8))
            name = Path(file.path).stem
            allowed = set(GATES[name].imports) if name in GATES else set()
            assert _imported(tree) - set(sys.stdlib_module_names) - SOME_VERSIONS <= allowed, file.path
            top = ast.Module([node for node in tree.body if not isinstance(node, ast.FunctionDef)], [])
            assert _imported(top) <= set(sys.stdlib_module_names), file.path


@pytest.mark.parametrize(
    "entry", [emitted.RUNTIME, emitted.REPORT, emitted.REGISTRY, emitted.NOTIFY, emitted.RELEASE]
)
def test_scripts_beside_the_gates_import_only_the_standard_library(entry: str) -> None:
    tree = ast.parse(bundle(entry, doc="a script"), feature_version=(3, 8))
    assert _imported(tree) - SOME_VERSIONS <= set(sys.stdlib_module_names)


def test_gate_scripts_are_the_same_each_time() -> None:
    assert scripts(GATES) == scripts(reversed(list(GATES)))
    assert [file.path for file in scripts(["tests", "evaluate"])] == [
        ".mlcc/gates/evaluate.py",
        ".mlcc/gates/evaluate.txt",
        ".mlcc/gates/tests.py",
    ]


def test_the_small_part_of_a_gate_needs_no_packages() -> None:
    assert [file.path for file in scripts(["evaluate.file"])] == [".mlcc/gates/evaluate.file.py"]


def test_gate_scripts_do_not_depend_on_the_hash_seed() -> None:
    code = "from mlcc.gates.emit import scripts; import sys; sys.stdout.write(repr(scripts(['contract'])))"
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PATH": "/usr/bin:/bin"},
            cwd=Path(__file__).parents[1],
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(outputs) == 1


def test_requirements_pin_every_package_by_hash() -> None:
    (text,) = (file.text for file in scripts(["contract"]) if file.path.endswith(".txt"))
    lines = text.splitlines()
    assert lines[0] == "# mlcc:generated sha256=" + "0" * 64
    assert lines[1] == "duckdb==2.0.0 \\"
    assert len(lines) > 10
    for line in lines[2:]:
        assert line.strip().rstrip("\\").strip().startswith("--hash=sha256:")
    assert "http" not in text
