"""Whose account a node reads its stores by: one, since its environment is one.

A key, or the CI system's token, must not reach another store than the one that it is for.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

from mlcc.plan import Artifact, Form, Login, Take, Value
from mlcc.problems import Loc, Problems
from mlcc.resolved import Resolved, ResolvedNode

ENDPOINT = "AWS_ENDPOINT_URL"
"""What AWS's own programs take for the address of every service: of S3, and of STS, which gets the token."""


def check_stores(
    node: ResolvedNode, takes: tuple[Take, ...], artifacts: Mapping[str, Artifact], problems: Problems
) -> None:
    """Report two artifacts whose AWS_ variables aren't the same ones, where an address of a store is among what is taken.

    Two values of one variable are reported where variables are gathered; what the node itself says holds for both.
    """
    taken = [artifacts[take.artifact] for take in takes]
    named = {artifact.id: _account_names(artifact) - set(node.env) for artifact in taken}
    concerned = [a for a in taken if a.form is Form.OBJECTS or named[a.id]]
    if not any(artifact.form is Form.OBJECTS for artifact in concerned):
        return
    for one, other in combinations(concerned, 2):
        names = sorted(named[one.id] ^ named[other.id])
        if names:
            listed = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
            problems.add(
                "two-stores",
                f"'{one.id}' and '{other.id}' would be read as by one account, and {listed} "
                f"come{'s' if len(names) == 1 else ''} with one of them alone",
                node.loc, key=True, others=tuple((("artifacts", a.id), "one of them") for a in (one, other)),
                help="give both the same AWS_ variables, say those under the node's own `env`, or let another node fetch one "
                "of them (`from: {command: …}` and `path`)",
            )  # fmt: skip


def check_login(
    resolved: Resolved,
    node: ResolvedNode,
    takes: tuple[Take, ...],
    env: tuple[tuple[str, Value], ...],
    logins: tuple[Login, ...],
    problems: Problems,
) -> None:
    """Report a login to AWS beside an address for all of AWS's services: its token would be sent there."""
    if ENDPOINT in dict(env) and any(login.provider == "aws" for login in logins):
        problems.add(
            "bad-auth",
            f"programs that log in to aws would send its token to {ENDPOINT}, and who has it enters aws",
            (*node.loc, "auth"), key=True, others=((_stated(resolved, node, takes), "the other host"),),
            help=f"name a store as {ENDPOINT}_S3 (one that gives logins of its own, as {ENDPOINT}_STS, too), or take `aws` out "
            "of `auth`",
        )  # fmt: skip


def _account_names(artifact: Artifact) -> set[str]:
    return {name for name, _ in artifact.env if name.startswith("AWS_")}


def _stated(resolved: Resolved, node: ResolvedNode, takes: tuple[Take, ...]) -> Loc:
    """Return where the address stands: as variables are looked for, a node's own first. A locked gate's may be elsewhere."""
    spec, environment, profile = resolved.spec, node.spec.environment or "", node.spec.profile or ""
    places: dict[Loc, Mapping[str, object]] = {
        node.loc: node.spec.env,
        ("environments", environment): spec.environments[environment].env if environment else {},
        ("profiles", profile): spec.profiles[profile].env if profile else {},
        ("defaults",): spec.defaults.env,
        **{("artifacts", take.artifact): spec.artifacts[take.artifact].env for take in takes},
    }
    found = ((*place, "env", ENDPOINT) for place, stated in places.items() if ENDPOINT in stated)
    return next(found, node.loc)
