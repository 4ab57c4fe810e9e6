"""Specs compiled for GitLab, read back as trees."""

from __future__ import annotations

from typing import Any, NamedTuple

import yaml

from mlcc.backends import BACKENDS
from mlcc.plan import Plan
from tests.plans import HEAD, plan_of


class Compiled(NamedTuple):
    """Both files of a spec, as text and as trees."""

    plan: Plan
    parent_text: str
    child_text: str

    @property
    def parent(self) -> dict[str, Any]:
        return load(self.parent_text)

    @property
    def child(self) -> dict[str, Any]:
        return load(self.child_text)


def load(text: str) -> dict[str, Any]:
    found = yaml.load(text, yaml.CSafeLoader)
    assert isinstance(found, dict)
    return found


def compiled(spec: str, home: str = "", head: str = HEAD) -> Compiled:
    """Compile the rest of a spec. Raises SpecError."""
    files = [f"{home}/mlcc.yaml" if home else "mlcc.yaml"]
    made = plan_of(head + spec, home=home, spec_files=tuple(files))
    parent, child = BACKENDS["gitlab"].compile(made)
    return Compiled(made, parent.text, child.text)
