"""The capability matrix: the back ends' ledgers side by side."""

from __future__ import annotations

import json

from mlcc.backends import BACKENDS, Capability, Limit
from mlcc.ledger import FEATURES

TARGETS_PAGE = "docs/reference/targets.md"


def ledgers() -> dict[str, dict[str, Capability]]:
    """Return back end -> feature -> capability."""
    return {name: {c.feature: c for c in one.capabilities} for name, one in BACKENDS.items()}


def limits() -> dict[str, tuple[Limit, ...]]:
    """Return back end -> the platform's limits that a compile checks."""
    return {name: tuple(one.limits) for name, one in BACKENDS.items()}


def capability_matrix(format: str) -> str:
    """Return the matrix as text, Markdown or JSON."""
    if format == "markdown":
        return targets_page()
    found = ledgers()
    if format == "json":
        content = {
            name: {c.feature: {"grade": c.grade, "how": c.how, "source": c.source} for c in ledger.values()}
            for name, ledger in found.items()
        }
        return json.dumps(content, indent=2) + "\n"
    width = max(map(len, FEATURES))
    rows = [(feature, name, ledger[feature]) for feature in FEATURES for name, ledger in found.items()]
    return "".join(f"{feature:<{width}}  {name:<8} {c.grade:<10} {c.how}\n" for feature, name, c in rows)


def targets_page() -> str:
    """Return the reference page of the back ends."""
    from mlcc import resources

    return resources.render("docs/targets.md.j2", features=FEATURES, ledgers=ledgers(), limits=limits())
