"""What GitHub's settings must hold, sentence by sentence."""

from __future__ import annotations

from mlcc.backends import BACKENDS
from tests.plans import plan_of

SPEC = """version: 1
name: credit
triggers: {push: {branches: [main]}}
environments: {production: {branches: [main], approval: true}}
jobs:
  train: {run: make, env: {A: {secret: TRACKING}, B: {var: REGION}}}
  ship: {run: make ship, needs: [train], environment: production, env: {A: {secret: DEPLOY}, B: {secret: TRACKING}}}
"""


def test_secrets_are_named_with_the_environment_that_holds_them() -> None:
    assert BACKENDS["github"].obligations(plan_of(SPEC)) == [
        "create the environment 'credit' (Settings, Environments) with the secrets TRACKING: "
        "there only the jobs that name them get them",
        "create the environment 'production' (Settings, Environments) with the secrets DEPLOY, TRACKING: "
        "there only the jobs that name them get them",
        "create the variables REGION",
        "give the environment 'production' required reviewers",
        "restrict the environment 'production' to main",
    ]
