"""The capability matrix: the back ends' ledgers side by side."""

from __future__ import annotations

import json

from mlcc.backends import BACKENDS, Capability, backend


def ledgers() -> dict[str, dict[str, Capability]]:
    """Return back end -> feature -> capability."""
    return {name: {c.feature: c for c in backend(name).CAPABILITIES} for name in BACKENDS}


def capability_matrix(format: str) -> str:
    """Return the matrix as text, Markdown or JSON."""
    found = ledgers()
    features = list(dict.fromkeys(feature for ledger in found.values() for feature in ledger))
    if format == "json":
        content = {
            name: {c.feature: {"grade": c.grade, "how": c.how, "source": c.source} for c in ledger.values()}
            for name, ledger in found.items()
        }
        return json.dumps(content, indent=2) + "\n"
    rows = [
        (feature, name, ledger[feature])
        for feature in features
        for name, ledger in found.items()
        if feature in ledger
    ]
    if format == "markdown":
        lines = ["| feature | back end | grade | how |", "|---|---|---|---|"]
        lines += [f"| {feature} | {name} | {c.grade} | [{c.how}]({c.source}) |" for feature, name, c in rows]
        return "\n".join(lines) + "\n"
    width = max(len(feature) for feature in features)
    return "".join(f"{feature:<{width}}  {name:<8} {c.grade:<10} {c.how}\n" for feature, name, c in rows)
