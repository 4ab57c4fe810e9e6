"""Overlays add what a CI system alone understands; what carries the meaning, the trust or a secret isn't theirs."""

from __future__ import annotations

import pytest

from mlcc.diagnostics import SpecError
from tests.plans import plan_of

HEAD = """version: 1
name: p
triggers: {push: {branches: [main]}}
artifacts: {code: {kind: code, path: [src/]}}
runners: {pool: {github: [linux-big], gitlab: big}}
jobs: {use: {run: make, reads: [code], image: "acme/x@sha256:0000", runner: pool, services: {db: {image: pg, port: 1}}}}
gates: {unit: {guards: code, command: {run: ./judge}}}
"""
REFUSED_GITHUB = (
    'final: {steps: {run: {shell: "true {0}"}}}',
    "final: {steps: {result: {with: {if-no-files-found: ignore}}}}",
    'final: {steps: {run: {env: {MLCC_NEEDS: "{}"}}}}',
    "final: {steps: {checkout: {with: {repository: someone/else, ref: x}}}}",
    "final: {runs-on: [self-hosted]}",
    'select: {steps: {run: {env: {MLCC_TOKEN: "${{ secrets.PAT }}"}}}}',
    'unit: {steps: {run: {shell: "bash src/forge.sh {0}"}}}',
    "unit: {steps: {run: {env: {MLCC_NODE: use}}}}",
    "unit: {steps: {run: {working-directory: /tmp}}}",
    "unit: {steps: {state: {with: {path: x}}}}",
    "unit: {steps: {state: {with: {name: s--use}}}}",
    'unit: {env: {A: "${{ secrets.X }}"}}',
    "unit: {env: {BASH_ENV: src/x.sh}}",
    "unit: {env: {MLCC_PLATFORM: x}}",
    "unit: {env: [A]}",
    "use: {runs-on: [self-hosted, evil]}",
    "use: {container: evil}",
    "use: {container: {image: evil}}",
    "use: {services: {db: {image: evil}}}",
    "use: {environment: prod}",
    "use: {environment: {name: prod}}",
    "use: {defaults: {run: {shell: x}}}",
    "use: {timeout-minutes: 999}",
    "use: {steps: {checkout: {with: {persist-credentials: true}}}}",
    "use: {steps: {checkout: {with: {ref: evil}}}}",
    "use: {steps: {receive: {with: {pattern: x}}}}",
    "use: {steps: {run: {run: x}}}",
    "use: {if: true}",
    "use: {permissions: write-all}",
)
ACCEPTED_GITHUB = (
    "use: {env: {TZ: UTC}}",
    "use: {concurrency: deploy}",
    "use: {environment: {url: 'https://x.example'}}",
    "use: {container: {options: --gpus all, credentials: {username: me, password: '${{ secrets.R }}'}}}",
    "use: {services: {db: {options: --health-cmd pg_isready}}}",
    "use: {steps: {checkout: {timeout-minutes: 5, with: {fetch-tags: true}}}}",
    "use: {steps: {state: {with: {compression-level: 0}}}}",
)
REFUSED_GITLAB = (
    "jobs: {final: {interruptible: true}}",
    "jobs: {select: {variables: {A: b}}}",
    "jobs: {use: {variables: {GIT_STRATEGY: none}}}",
    "jobs: {use: {variables: {CI_COMMIT_SHA: x}}}",
    "jobs: {use: {variables: {BASH_ENV: x}}}",
    "jobs: {use: {cache: []}}",
    "jobs: {use: {timeout: 1m}}",
    "jobs: {use: {id_tokens: {A: {aud: b}}}}",
    "jobs: {use: {environment: {name: prod}}}",
    "jobs: {use: {environment: prod}}",
    "jobs: {use: {services: []}}",
    "pipeline: {default: {before_script: [x]}}",
    "pipeline: {variables: {GIT_CHECKOUT: 'false'}}",
    "pipeline: {include: [x]}",
)
ACCEPTED_GITLAB = (
    "jobs: {use: {tags: [gpu], resource_group: deploy, environment: {url: x}}}",
    "jobs: {select: {tags: [small], image: x}, final: {tags: [small], image: x}}",
    "pipeline: {default: {tags: [small]}, variables: {HTTP_PROXY: 'http://p'}}",
)


def codes(target: str, overlay: str) -> set[str]:
    """Return the codes of what a back end has against an overlay."""
    from mlcc.backends import BACKENDS

    try:
        BACKENDS[target].compile(plan_of(HEAD + f"targets: {{{target}: {{{overlay}}}}}\n"))
    except SpecError as problem:
        return {diagnostic.code for diagnostic in problem.diagnostics}
    return set()


@pytest.mark.parametrize("jobs", REFUSED_GITHUB)
def test_github_refuses(jobs: str) -> None:
    assert codes("github", f"jobs: {{{jobs}}}") == {"overlay-semantics"}


@pytest.mark.parametrize(
    "key", ["env: {A: b}", "defaults: {run: {shell: x}}", "concurrency: x", "permissions: {}", "jobs: {}"]
)
def test_github_refuses_for_the_whole_workflow(key: str) -> None:
    assert codes("github", f"workflow: {{{key}}}") == {"overlay-semantics"}


@pytest.mark.parametrize("jobs", ACCEPTED_GITHUB)
def test_github_accepts(jobs: str) -> None:
    assert codes("github", f"jobs: {{{jobs}}}") == set()


@pytest.mark.parametrize("overlay", REFUSED_GITLAB)
def test_gitlab_refuses(overlay: str) -> None:
    assert codes("gitlab", overlay) == {"overlay-semantics"}


@pytest.mark.parametrize("overlay", ACCEPTED_GITLAB)
def test_gitlab_accepts(overlay: str) -> None:
    assert codes("gitlab", overlay) == set()
