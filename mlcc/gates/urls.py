"""Addresses of services in the parameters of gates."""

from __future__ import annotations

from collections.abc import Collection

from mlcc.gates import GateParamsError, Loc
from mlcc.gates._web import url_fault


def check_url(url: str, loc: Loc, example: str) -> None:
    """Refuse what is no address of an HTTP service. Raises GateParamsError."""
    fault = url_fault(url)
    if fault is not None:
        raise GateParamsError(
            loc,
            f"the address {fault}",
            f"it has a scheme, a host, and a port and a path if need be: {example}",
        )


def check_token(token: str | None, env: Collection[str], loc: Loc, kind: str) -> None:
    """Refuse a token in a variable that the gate hasn't. Raises GateParamsError."""
    if token not in (None, *env):
        raise GateParamsError(
            loc,
            f"the gate has no variable {token}",
            f"give it one beside `{kind}`: env: {{{token}: {{secret: {token}}}}}",
        )
