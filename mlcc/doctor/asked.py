"""What the CI systems' own clients tell of each obligation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from mlcc.backends import BACKENDS
from mlcc.compiler import Compiled
from mlcc.doctor import github, gitlab
from mlcc.doctor.client import CLIENTS, SECONDS, Client
from mlcc.doctor.finding import Answer, Finding
from mlcc.doctor.local import host_of, system_of
from mlcc.obligations.obligation import Obligation
from mlcc.writing.outputs import command_line

_ANSWERS: Mapping[str, Callable[[Obligation, Client], Answer]] = {
    "github": github.answer,
    "gitlab": gitlab.answer,
}
_NO_SETTING = ("form", "reserved")
_NOBODY: Answer = ("unknown", "nobody is asked")


def findings(one: Compiled, seconds: float = SECONDS) -> Iterator[Finding]:
    """Yield how each obligation stands. A call that takes longer than `seconds`, or fails, tells nothing."""
    for system in one.targets:
        ask = _asker(one, system, seconds)
        call = command_line("obligations", one.path, None, (system,))
        if system in CLIENTS:
            yield _login(system, CLIENTS[system], ask is not None)
        for obligation in BACKENDS[system].obligations(one.analysis.plan):
            if obligation.kind in _NO_SETTING or (obligation.kind == "code-owners" and obligation.text):
                continue  # nothing to set, or looked at in the checkout
            state, detail = _NOBODY if ask is None else ask(obligation)
            mend = f"see {obligation.id} in `{call}`" if state == "missing" else ""
            yield Finding(system, obligation.id, state, obligation.what, detail, mend)


def _login(system: str, client: str, done: bool) -> Finding:
    what = f"{client} is logged in"
    return (
        Finding(system, "login", "done", what)
        if done
        else Finding(system, "login", "unknown", what, "", f"{client} auth login")
    )


def _asker(one: Compiled, system: str, seconds: float) -> Callable[[Obligation], Answer] | None:
    """Return what answers for a CI system; None where it has no client, or that isn't logged in."""
    if system not in CLIENTS:
        return None
    root = one.analysis.root
    client, host = Client(CLIENTS[system], root, seconds), host_of(root)
    if not client.logged_in(host if system_of(host) == system else ""):
        return None
    return lambda obligation: _ANSWERS[system](obligation, client)
