"""What a compiled Jenkinsfile may do: the plan's part. Credentials are what it calls secrets."""

from __future__ import annotations

from collections.abc import Iterator

from mlcc.backends._grants import Grant, of_plan
from mlcc.plan import Plan


def grants(plan: Plan) -> Iterator[Grant]:
    """Yield each thing that the Jenkinsfile of a plan may do or use."""
    yield from of_plan(plan, "jenkins")
