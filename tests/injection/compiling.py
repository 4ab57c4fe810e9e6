"""Specs as text, one string a line, and what they compile to."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any

from mlcc.backends import BACKENDS
from mlcc.diagnostics import Diagnostic, SpecError
from mlcc.emitted import scripts
from mlcc.plan import Plan, Release
from mlcc.plan.document import document, gate_parameters, to_runtime
from tests.injection.platforms import Platform
from tests.plans import plan_of


def spec_text(tree: Any) -> str:
    """Return a spec as YAML: block style, every text in double quotes and in ASCII."""
    return "".join(_lines(tree, "")) if tree else "{}\n"


def _lines(tree: Any, indent: str) -> list[str]:
    pairs = tree.items() if isinstance(tree, dict) else ((None, item) for item in tree)
    found = []
    for key, item in pairs:
        start = f"{indent}-" if key is None else f"{indent}{quoted(key)}:"
        if isinstance(item, (dict, list)) and item:
            found += [f"{start}\n", *_lines(item, indent + "  ")]
        else:
            found.append(f"{start} {quoted(item) if isinstance(item, str) else json.dumps(item)}\n")
    return found


def quoted(text: str) -> str:
    """Return a text in YAML's double quotes."""
    return '"' + "".join(map(_character, text)) + '"'


@functools.cache
def _character(c: str) -> str:
    if " " <= c <= "~" and c not in '"\\':
        return c
    code = ord(c)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def compiled(tree: Any, platform: Platform) -> tuple[Plan, dict[str, str]]:
    """Return the plan of a spec and the platform's files, whatever of it is a loss there. Raises SpecError."""
    plan = plan_of(spec_text(tree))
    return plan, {file.path: file.text for file in BACKENDS[platform.name].compile(plan)}


def all_files(plan: Plan, files: Mapping[str, str]) -> dict[str, str]:
    """Return a plan's files with those that are the same for every platform."""
    return {**files, **{file.path: file.text for file in scripts(plan)}}


def read_back(plan: Plan, files: Mapping[str, str], platform: Platform) -> dict[str, Any]:
    """Return what the runtime, each gate's script and the platform read in the emitted files."""
    found = {"plan": json.loads(document(to_runtime(plan), "mlcc.yaml"))}
    for node in plan.nodes.values():
        if node.gate is not None:
            found[f"gate {node.id}"] = json.loads(document(gate_parameters(plan, node), "mlcc.yaml"))
        if isinstance(node.work, Release) and node.work.drive is not None:
            found[f"release {node.id}"] = json.loads(document(dict(node.work.drive), "mlcc.yaml"))
    found[platform.name] = platform.parse(files)
    return found


def at(tree: Any, way: tuple[Any, ...]) -> Any:
    """Return what stands at a way. A mapping of checks is a list with ids: a word finds its item."""
    for key in way:
        tree = (
            next(item for item in tree if item["id"] == key)
            if isinstance(tree, list) and isinstance(key, str)
            else tree[key]
        )
    return tree


def refusal(tree: Any, platform: Platform) -> tuple[Diagnostic, ...]:
    """Return why a spec is refused; empty: it isn't. Anything but diagnostics is raised."""
    try:
        compiled(tree, platform)
    except SpecError as problem:
        return tuple(problem.diagnostics)
    return ()
