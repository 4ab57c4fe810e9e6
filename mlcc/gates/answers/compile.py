"""From the parameters of an `answers` gate to those of its script."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from mlcc.gates import ArtifactInfo, GateParamsError, Loc
from mlcc.gates._serving.compile import asked, url_paths
from mlcc.gates._web import is_confidential
from mlcc.gates.strictness import CEILING, DERIVED, Way
from mlcc.gates.urls import check_token, check_url
from mlcc.spec.scalars import seconds

LOOSER: Mapping[str, Way] = {"ready_within": CEILING, "answer_within": CEILING, "warmup": DERIVED}
"""See mlcc.gates.strictness."""

CANDIDATE_URL = "MLCC_CANDIDATE_URL"
"""The environment variable that says where a release's candidate answers."""

_EXAMPLE = "https://staging.example.com"


def references(params: Any) -> tuple[tuple[Loc, str], ...]:
    """Return no artifact: a server is asked, and the golden queries are a committed file."""
    del params
    return ()


def compile(params: Any, artifacts: Mapping[str, ArtifactInfo], guards: str) -> dict[str, object]:
    """Return where the server is, what it is asked and its limits: times in s and ms. Raises GateParamsError."""
    del artifacts, guards
    if params.url is None:
        raise GateParamsError((), "the gate doesn't say where the server is", f"add `url: {_EXAMPLE}`")
    check_url(params.url, ("url",), _EXAMPLE)
    if params.token is not None and not is_confidential(params.url):
        raise GateParamsError(
            ("url",), "a token over http can be read on its way", "use https, or no `token`"
        )
    return {"url": params.url, **_asked(params)}


def compile_for_candidate(
    params: Any, artifacts: Mapping[str, ArtifactInfo], guards: str
) -> dict[str, object]:
    """Return the same for what verifies a release: without a `url`, it is the candidate's, which CANDIDATE_URL holds.

    Raises GateParamsError.
    """
    if params.url is not None:
        return compile(params, artifacts, guards)
    return {"url_from": CANDIDATE_URL, **_asked(params)}


def check_env(params: Any, env: Collection[str]) -> None:
    """Refuse a gate without its token. Raises GateParamsError."""
    check_token(params.token, env, ("token",), "answers")


def check_node(params: Any, timeout: int, env: Collection[str]) -> None:
    """Refuse a gate without its token. Raises GateParamsError."""
    del timeout
    check_env(params, env)


def _asked(params: Any) -> dict[str, object]:
    found = {"ready_within": seconds(params.ready_within), **url_paths(params), **asked(params)}
    return found if params.token is None else {**found, "token": params.token}
