"""Specs of as many nodes as one likes."""

from __future__ import annotations

HEAD = """\
version: 1
name: many
triggers: {push: {branches: [main]}}
auth: {aws: {role: {var: AWS_ROLE}, region: eu-north-1}}
environments: {prod: {branches: [main]}}
artifacts:
  code: {kind: code, path: src/}
gates:
  unit: {guards: code, command: {run: check}}
jobs:
  prepare: {run: make, reads: [code]}
"""
CHAIN = 7  # nodes one behind the other


def chains(number: int, *, first: str = "prepare", head: str = HEAD) -> str:
    """Return a spec of `number` nodes: a gate and a job that all others come after, in chains of seven."""
    lines = [head]
    for step in range(number - 2):
        before = f"step-{step - 1}" if step % CHAIN else first
        extra = ", env: {TOKEN: {secret: TOKEN}}" if step == 1 else ", auth: [aws]" if step == 2 else ""
        lines.append(f"  step-{step}: {{run: make, needs: [{before}]{extra}}}\n")
    return "".join(lines)
