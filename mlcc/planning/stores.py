"""What comes to a node with what it uses, and whose account it reaches its stores by: one, since its environment is one.

A key, or the CI system's token, must not reach another store than the one that it is for.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any, NamedTuple

from mlcc.plan import Artifact, Form, Login, Registry, Secret, Store, Take, Text, Value, Variable
from mlcc.planning.registries import TRACKING
from mlcc.planning.values import values_of
from mlcc.problems import Loc, Problems
from mlcc.resolving.resolved import Resolved, ResolvedNode

ENDPOINT = "AWS_ENDPOINT_URL"
"""What AWS's own programs take for the address of every service: of S3, and of STS, which gets the token."""


class Companion(NamedTuple):
    """Variables that come to a node with something that it uses: an artifact, or the store."""

    shown: str
    loc: Loc
    env: tuple[tuple[str, Value], ...]
    reaches_s3: bool


def companions(
    takes: tuple[Take, ...],
    registries: Mapping[str, Registry],
    artifacts: Mapping[str, Artifact],
    store: Store | None,
) -> list[Companion]:
    """Return what brings a node variables; `registries` are those of what it registers or fetches, `store` what it moves."""
    taken = [artifacts[take.artifact] for take in takes]
    found = [Companion(f"'{a.id}'", ("artifacts", a.id), a.env, a.form is Form.OBJECTS) for a in taken]
    for id, registry in registries.items():
        # Who fetches a version says under `from` how it logs in: what stands beside it is its readers'.
        own = () if registry.which else artifacts[id].env
        env = (*own, (TRACKING, registry.server))
        found.append(Companion(f"the registry of '{id}'", ("artifacts", id), env, False))
    if store is not None:
        found.append(Companion("the store", ("store",), store.env, store.uri.startswith("s3://")))
    return found


def moves_stored(
    node: ResolvedNode,
    takes: tuple[Take, ...],
    writes: tuple[str, ...],
    artifacts: Mapping[str, Artifact],
) -> bool:
    """Whether a node moves what the store keeps: artifacts, or the record of work that runs elsewhere."""
    moved = (*(take.artifact for take in takes), *writes)
    remote = getattr(node.spec, "remote", None)
    recorded = remote is not None and remote.resume
    known = [artifacts[id] for id in moved if id in artifacts]
    return recorded or any(artifact.stored or artifact.released is not None for artifact in known)


def variables_with(
    node: ResolvedNode, used: list[Companion], problems: Problems
) -> tuple[tuple[str, Value], ...]:
    """Return a node's variables: those that come with what it uses, and its own, which win."""
    found: dict[str, tuple[Value, Companion]] = {}
    own = dict(values_of(node.env))
    for one in used:
        for name, value in one.env:
            first, other = found.setdefault(name, (value, one))
            if first != value and name not in own:
                problems.add(
                    "two-values", f"{name} comes with {other.shown} and, with another value, with {one.shown}", node.loc,
                    key=True, others=((other.loc, "one of them"), (one.loc, "one of them")),
                    help=f"say under the node's own `env` what {name} is",
                )  # fmt: skip
    return tuple(sorted({**{name: value for name, (value, _) in found.items()}, **own}.items()))


def store_of(resolved: Resolved, problems: Problems) -> Store | None:
    """Return the spec's store, after looking at what any node can be given of it."""
    raw = resolved.spec.store
    if raw is None:
        return None
    for index, provider in enumerate(raw.auth):
        if getattr(resolved.spec.auth, provider) is None:
            message = f"'{provider}' isn't set up under `auth`"
            help = f"add `auth: {{{provider}: …}}` at the top"
            problems.add("unknown-auth", message, ("store", "auth", index), help=help)
    env = variables_of(raw.env, ("store",), "the store", "moves what it keeps", problems)
    return Store(raw.uri, env, tuple(dict.fromkeys(raw.auth)), problems.span(("store",), key=True))


def check_stored(id: str, raw: Any, resolved: Resolved, written: bool, problems: Problems) -> None:
    """Report `store: true` on what the store can't keep."""
    loc: Loc = ("artifacts", id)
    elsewhere = next((key for key in ("uri", "table") if getattr(raw, key) is not None), None)
    if elsewhere is not None:
        problems.add(
            "bad-store", f"'{id}' lies at its `{elsewhere}` and stays there, so that the store can't keep it", (*loc, "store"),
            key=True, others=(((*loc, elsewhere), "where it lies"),),
            help=f"keep `{elsewhere}` for what others write, or `path` and `store: true` for what a job writes",
        )  # fmt: skip
    elif not written:
        problems.add(
            "bad-store", f"nothing writes '{id}', so that nothing brings it into the store", (*loc, "store"), key=True,
            help=f"add '{id}' to the `writes` of a job, or say where it comes from (`from`)",
        )  # fmt: skip
    if resolved.spec.store is None:
        problems.add(
            "no-store", f"'{id}' goes to the store, and the spec has none", (*loc, "store"), key=True,
            help='add `store: {uri: "s3://BUCKET/PREFIX"}` at the top',
        )  # fmt: skip


def variables_of(
    raw: Mapping[str, Any], loc: Loc, shown: str, uses: str, problems: Problems
) -> tuple[tuple[str, Value], ...]:
    """Return the variables that come with an artifact or the store: what any node can be given."""
    found = values_of(raw)
    for name, value in found:
        if not isinstance(value, (Text, Secret, Variable)):
            problems.add(
                "bad-value",
                f"{name} comes with {shown} to every node that {uses}: it is a text, a secret or a variable",
                (*loc, "env", name),
            )
    return found


def check_stores(node: ResolvedNode, used: list[Companion], problems: Problems) -> None:
    """Report two whose AWS_ variables aren't the same ones, where an address of a store is among what a node uses.

    Two values of one variable are reported where variables are gathered; what the node itself says holds for both.
    """
    named = {one.loc: _account_names(one) - set(node.env) for one in used}
    concerned = [one for one in used if one.reaches_s3 or named[one.loc]]
    if not any(one.reaches_s3 for one in concerned):
        return
    for one, other in combinations(concerned, 2):
        names = sorted(named[one.loc] ^ named[other.loc])
        if names:
            listed = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
            problems.add(
                "two-stores",
                f"{one.shown} and {other.shown} would be read as by one account, and {listed} "
                f"come{'s' if len(names) == 1 else ''} with one of them alone",
                node.loc, key=True, others=((one.loc, "one of them"), (other.loc, "one of them")),
                help="give both the same AWS_ variables, say those under the node's own `env`, or let another node fetch one "
                "of them (`from: {command: …}` and `path`)",
            )  # fmt: skip


def check_login(
    resolved: Resolved,
    node: ResolvedNode,
    used: list[Companion],
    env: tuple[tuple[str, Value], ...],
    logins: tuple[Login, ...],
    problems: Problems,
) -> None:
    """Report a login to AWS beside an address for all of AWS's services: its token would be sent there."""
    if ENDPOINT in dict(env) and any(login.provider == "aws" for login in logins):
        problems.add(
            "bad-auth",
            f"programs that log in to aws would send its token to {ENDPOINT}, and who has it enters aws",
            (*node.loc, "auth"), key=True, others=((_stated(resolved, node, used), "the other host"),),
            help=f"name a store as {ENDPOINT}_S3 (one that gives logins of its own, as {ENDPOINT}_STS, too), or take `aws` out "
            "of `auth`",
        )  # fmt: skip


def _account_names(one: Companion) -> set[str]:
    return {name for name, _ in one.env if name.startswith("AWS_")}


def _stated(resolved: Resolved, node: ResolvedNode, used: list[Companion]) -> Loc:
    """Return where the address stands: as variables are looked for, a node's own first. A locked gate's may be elsewhere."""
    spec, environment, profile = resolved.spec, node.spec.environment or "", node.spec.profile or ""
    places: dict[Loc, Mapping[str, object]] = {
        node.loc: node.spec.env,
        ("environments", environment): spec.environments[environment].env if environment else {},
        ("profiles", profile): spec.profiles[profile].env if profile else {},
        ("defaults",): spec.defaults.env,
        **{one.loc: dict(one.env) for one in used},
    }
    found = ((*place, "env", ENDPOINT) for place, stated in places.items() if ENDPOINT in stated)
    return next(found, node.loc)
