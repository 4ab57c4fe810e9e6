"""Joins ordinary modules of this package into one script that stands alone.

Gates and the pipeline's own steps run in repositories where mlcc isn't installed. Their code is written as
normal modules, imported by tests and checked by mypy; `bundle` proves that they import nothing but the
standard library and each other, and writes them one after the other into a single readable file.
"""

from __future__ import annotations

import ast
import builtins
import importlib.util
import re
import sys
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType

from mlcc.writing.files import marker_line

# Scripts must start on what long-lived runners have.
OLDEST_PYTHON = (3, 8)
_DYNAMIC = frozenset(("__import__", "exec", "eval", "importlib", "runpy", "imp"))
# Modules in C that only some versions have: scripts are the same whichever Python wrote them.
_OF_SOME_VERSIONS = frozenset(("_sha2", "_sha256"))
_AS_WRITTEN: Mapping[str, str] = MappingProxyType({})
_MAY_IMPORT = re.compile(rf"\b(?:import|{'|'.join(sorted(_DYNAMIC))})\b")
_WIDTH = 110
# Tools that a repository runs over all of its Python leave the scripts alone: they would edit or refuse them.
_LEFT_ALONE = ("# fmt: off", "# ruff: noqa", "# flake8: noqa", "# mypy: ignore-errors", "# isort: skip_file")


class BundleError(Exception):
    """The modules can't be joined: a bug in mlcc or in a plug-in, not in a spec."""


@dataclass(slots=True)
class _Module:
    """One module, taken apart. `body` is its source without imports and module docstring."""

    name: str
    doc: str
    body: str
    plain: set[str] = field(default_factory=set)  # `import x` and `import x.y as z`, as written
    names: dict[str, set[str]] = field(default_factory=dict)  # `from x import y, z as w`
    typing: dict[str, set[str]] = field(default_factory=dict)  # the same under `if TYPE_CHECKING:`
    needs: dict[str, set[str]] = field(default_factory=dict)  # other module -> names taken from it
    late: set[str] = field(default_factory=set)  # what functions import
    defined: set[str] = field(default_factory=set)  # names that its body defines at the top level


def bundle(
    entry: str, *, doc: str, allow: Collection[str] = (), instead: Mapping[str, str] = _AS_WRITTEN
) -> str:
    """Return one script that runs `main()` of the module `entry`, of it and the modules of its package that it imports.

    `doc` is the script's docstring. `allow` names packages that functions may import when they need them.
    `instead` maps modules to others that define what is taken of them, and take their place.
    The digest in the script's marker is left blank, for `mlcc.writing.files.seal`. Raises BundleError for an import
    of anything else, names that collide, a cycle, a missing `main`, and code that needs a newer Python.
    """
    modules = _dependencies_first(entry, instead)
    if "main" not in modules[-1].defined:
        raise BundleError(f"{entry} has no main()")
    for module in modules:
        for origin in sorted(module.late):
            if origin.partition(".")[0] not in allow:
                _check_standard(origin, module.name)
    _check_names(modules)
    return _write(modules, doc)


@cache
def _take_apart(name: str, source: str) -> _Module:
    try:
        tree = ast.parse(source, feature_version=OLDEST_PYTHON)
    except SyntaxError as error:
        raise BundleError(f"{name}, line {error.lineno}: no Python 3.8: {error.msg}") from None
    dropped: list[ast.stmt] = []
    kept: list[ast.stmt] = []
    statements = list(tree.body)
    module = _Module(name, ast.get_docstring(tree) or "", "")
    if module.doc:
        dropped.append(statements.pop(0))
    for statement in statements:
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            _take_import(module, statement)
            dropped.append(statement)
        elif _is_for_typing(statement):
            _take_typing(module, statement)
            dropped.append(statement)
        else:
            module.defined.update(_defined(statement, name))
            kept.append(statement)
    module.body = _without(source, dropped, name)
    # A look at every expression takes longer than all else; Python reads some other letters as ASCII ones.
    if _MAY_IMPORT.search(unicodedata.normalize("NFKC", module.body)):
        module.late.update(origin for statement in kept for origin in _imported_inside(statement, name))
    return module


def _source(name: str) -> str:
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise BundleError(f"there is no module {name}")
    return Path(found.origin).read_text(encoding="utf-8")


def _take_import(module: _Module, statement: ast.Import | ast.ImportFrom) -> None:
    if isinstance(statement, ast.Import):
        for alias in statement.names:
            _check_standard(alias.name, module.name)
            module.plain.add(f"{alias.name} as {alias.asname}" if alias.asname else alias.name)
        return
    origin = statement.module or ""
    if statement.level or any(alias.name == "*" for alias in statement.names):
        raise BundleError(f"{module.name} has a relative or star import")
    if origin == "__future__":
        return
    if origin.partition(".")[0] in sys.stdlib_module_names:
        _check_standard(origin, module.name)
        shown = {
            f"{alias.name} as {alias.asname}" if alias.asname else alias.name for alias in statement.names
        }
        module.names.setdefault(origin, set()).update(shown)
        return
    # `x as x` says that others may take it from here.
    if any(alias.asname not in (None, alias.name) for alias in statement.names):
        raise BundleError(f"{module.name} renames what it imports from {origin}")
    module.needs.setdefault(origin, set()).update(alias.name for alias in statement.names)


def _check_standard(origin: str, name: str) -> None:
    known = sys.stdlib_module_names | _OF_SOME_VERSIONS
    if origin.partition(".")[0] not in known or origin.partition(".")[0] in _DYNAMIC:
        raise BundleError(f"{name} imports {origin}, which a script of its own can't")


def _is_for_typing(statement: ast.stmt) -> bool:
    """Whether a statement only serves the type checker: `TYPE_CHECKING = False` and the block under it."""
    if isinstance(statement, ast.Assign):
        return [ast.unparse(target) for target in statement.targets] == ["TYPE_CHECKING"]
    return isinstance(statement, ast.If) and ast.unparse(statement.test) == "TYPE_CHECKING"


def _take_typing(module: _Module, statement: ast.stmt) -> None:
    for inner in statement.body if isinstance(statement, ast.If) else ():
        if not isinstance(inner, ast.ImportFrom) or inner.module is None:
            raise BundleError(f"{module.name} has more than `from … import` under TYPE_CHECKING")
        _check_standard(inner.module, module.name)
        module.typing.setdefault(inner.module, set()).update(alias.name for alias in inner.names)


def _defined(statement: ast.stmt, module: str) -> Iterator[str]:
    """Yield the names that a top-level statement defines. Only definitions and assignments are allowed."""
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        yield statement.name
    elif isinstance(statement, (ast.Assign, ast.AnnAssign)):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        for target in targets:
            for node in ast.walk(target):
                if isinstance(node, ast.Name):
                    yield node.id
    else:
        what = ast.unparse(statement).split("\n")[0][:60]
        raise BundleError(f"{module} has the top-level statement `{what}`: only definitions can be joined")


def _imported_inside(statement: ast.stmt, name: str) -> Iterator[str]:
    """Yield what functions import. Refuse imports by name, which can't be proven."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")
        elif isinstance(node, ast.Name) and node.id in _DYNAMIC:
            raise BundleError(f"{name} uses {node.id}, so its imports can't be proven")


def _without(source: str, dropped: Sequence[ast.stmt], name: str) -> str:
    """Return the source without some statements, whole lines at a time, comments kept."""
    lines = source.split("\n")
    gone: set[int] = set()
    for statement in dropped:
        first, last = statement.lineno - 1, statement.end_lineno or statement.lineno
        ends = lines[last - 1][statement.end_col_offset or 0 :].strip()
        if statement.col_offset or (ends and not ends.startswith("#")):
            raise BundleError(f"{name}, line {statement.lineno}: an import shares its line with other code")
        gone.update(range(first, last))
    for i, line in enumerate(lines):
        if line.startswith("# ruff: noqa"):  # and the comment above it, which says why
            gone.add(i)
            while i and lines[i - 1].startswith("#"):
                i -= 1
                gone.add(i)
    kept = [line for i, line in enumerate(lines) if i not in gone]
    return re.sub(r"\n{4,}", "\n\n\n", "\n".join(kept)).strip("\n")


def _dependencies_first(entry: str, instead: Mapping[str, str] = _AS_WRITTEN) -> list[_Module]:
    """Return the modules that `entry` needs, each after those that it needs itself; `entry` is the last."""
    done: dict[str, _Module] = {}
    open_: list[str] = []

    def visit(name: str) -> None:
        if name in open_:
            raise BundleError(f"modules import each other: {' -> '.join([*open_, name])}")
        if name in done:
            return
        open_.append(name)
        module = _take_apart(name, _source(name))
        for written, taken in module.needs.items():
            needed = instead.get(written, written)
            if needed.partition(".")[0] != entry.partition(".")[0]:
                _check_standard(needed, name)
            visit(needed)
            missing = taken - done[needed].defined.union(*done[needed].needs.values())
            if missing:
                raise BundleError(
                    f"{name} imports {sorted(missing)[0]} from {needed}, which doesn't define it"
                )
        open_.pop()
        done[name] = module

    visit(entry)
    return list(done.values())


def _check_names(modules: Sequence[_Module]) -> None:
    """Refuse names that would mean something else in one file than in separate modules."""
    owner: dict[str, str] = {}
    imported: dict[str, str] = {}
    for module in modules:
        for origin, name in _bindings(module):
            if imported.setdefault(name, origin) != origin:
                raise BundleError(f"{name} is imported as {imported[name]} and as {origin}")
        for name in sorted(module.defined):
            if name in owner:
                raise BundleError(f"{name} is defined in {owner[name]} and in {module.name}")
            if hasattr(builtins, name):
                raise BundleError(f"{module.name} defines {name}, which would hide the built-in for others")
            owner[name] = module.name
    for name in sorted(set(owner) & set(imported)):
        raise BundleError(f"{name} is defined in {owner[name]} and imported as {imported[name]}")


def _bindings(module: _Module) -> Iterator[tuple[str, str]]:
    """Yield (what, name) for each name that a module's imports bind."""
    for plain in module.plain:
        origin, _, alias = plain.partition(" as ")
        yield (origin, alias) if alias else (origin.partition(".")[0], origin.partition(".")[0])
    for origin, names in (*module.names.items(), *module.typing.items()):
        for name in names:
            what, _, alias = name.partition(" as ")
            yield f"{origin}.{what}", alias or what


def _write(modules: Sequence[_Module], doc: str) -> str:
    names = ", ".join(module.name for module in modules)
    head = [
        f"# {marker_line()}",
        *_LEFT_ALONE,
        '"""' + doc.strip(),
        "",
        "This file stands alone on purpose: it runs where mlcc is not installed, and needs no other file of",
        "mlcc. It was joined from these modules of mlcc, which are tested as they are:",
        *(f"  {line}" for line in _wrapped(names)),
        "Don't edit it: `mlcc compile` writes it again.",
        '"""',
        "",
        "from __future__ import annotations",
        "",
        *_imports(modules),
    ]
    sections = ["\n".join(head).rstrip()]
    for module in modules:
        title = f"# --- {module.name} "
        comment = "\n".join(f"# {line}".rstrip() for line in module.doc.split("\n"))
        sections.append(title + "-" * max(3, _WIDTH - len(title)) + "\n" + comment + "\n\n" + module.body)
    sections.append('if __name__ == "__main__":\n    raise SystemExit(main())')
    return "\n\n\n".join(sections) + "\n"


def _wrapped(text: str) -> list[str]:
    lines = [""]
    for word in text.split(" "):
        if len(lines[-1]) + len(word) > _WIDTH - 10:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _imports(modules: Sequence[_Module]) -> list[str]:
    plain = sorted({line for module in modules for line in module.plain})
    lines = [f"import {line}" for line in plain] + _from_lines([module.names for module in modules])
    typing = _from_lines([module.typing for module in modules])
    if typing:
        lines += ["", "TYPE_CHECKING = False", "if TYPE_CHECKING:", *(f"    {line}" for line in typing)]
    return lines


def _from_lines(taken: Sequence[dict[str, set[str]]]) -> list[str]:
    names: dict[str, set[str]] = {}
    for part in taken:
        for origin, wanted in part.items():
            names.setdefault(origin, set()).update(wanted)
    return [f"from {origin} import {', '.join(sorted(names[origin]))}" for origin in sorted(names)]
