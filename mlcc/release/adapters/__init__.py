"""The adapters of releases: what each drives, and how finely it can share out the requests.

Importing this package imports none of them. An adapter is a folder `mlcc/release/adapters/<name>/`, one line in
`ADAPTERS`, and one in `mlcc.release.kinds`, from which the emitted script is bundled:

- `params.py` has `PARAMS`, the type of its value in the spec (the only module that needs pydantic);
- `compile.py` has `compile(params, release)`, which returns the JSON that the driver reads; it takes any object with
  the parameters' attributes, and raises AdapterParamsError where they make no sense;
- `runtime.py` has the class, an `Adapter`, of the standard library alone.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

from mlcc.record import record

if TYPE_CHECKING:
    from collections.abc import Iterator

Loc = tuple["str | int", ...]
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?\Z")
_ADDRESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+{}-]*\Z")


class AdapterParamsError(Exception):
    """Parameters that have the right shape and make no sense. `loc` is the way to the culprit inside them."""

    def __init__(self, loc: Loc, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.loc, self.message, self.help = loc, message, help


class AdapterModule(Protocol):
    """What an adapter's `compile.py` offers."""

    def compile(self, params: object, release: str) -> object:
        """Return the JSON value that the driver reads. `release` is the release's id in the spec."""


@record
class AdapterKind:
    """An adapter. `digits` are the decimals of a weight in percent, None where it has no weights at all.

    `tells_address`: `describe` may tell the candidate's own address.
    `programs` are the ways to the user's own commands inside its parameters; () is the value itself.
    """

    name: str
    title: str
    digits: int | None = 0
    programs: tuple[tuple[str, ...], ...] = ()
    tells_address: bool = False

    @property
    def module(self) -> str:
        """The package of the adapter."""
        return f"{__name__}.{self.name}"

    def params(self) -> Any:
        """Return the type of the parameters (imports pydantic)."""
        return import_module(self.module + ".params").PARAMS

    def compiler(self) -> AdapterModule:
        """Return the adapter's `compile.py`."""
        return cast(AdapterModule, import_module(self.module + ".compile"))

    def refusal(self, weight: float) -> str | None:
        """Say why a share of the requests can't be set; None: it can."""
        if self.digits is None:
            return f"`{self.name}` has no weights: what it releases gets all requests or none"
        if round(weight, self.digits) == weight:
            return None
        finest = f"{self.digits} decimals" if self.digits else "whole percents"
        return f"`{self.name}` sets shares in {finest}, and {weight:g} isn't one"


ADAPTERS: dict[str, AdapterKind] = {
    kind.name: kind
    for kind in (
        AdapterKind(
            "command",
            "A program of your own: it gets the verb as its last word (describe, deploy, set-weight, promote or rollback), "
            "and MLCC_RELEASE, MLCC_WEIGHT and MLCC_LEASE as variables.",
            digits=2,
            programs=((),),
            tells_address=True,
        ),
        AdapterKind(
            "nginx",
            "Servers on one host, behind nginx.",
            digits=2,
            programs=(("start",), ("stop",), ("reload",)),
            tells_address=True,
        ),
        AdapterKind(
            "kserve",
            "An InferenceService of KServe.",
            programs=(("publish",),),
        ),
        AdapterKind(
            "argo_rollouts",
            "A Rollout of Argo Rollouts.",
            programs=(("publish",),),
        ),
        AdapterKind(
            "sagemaker",
            "An endpoint of Amazon SageMaker.",
            digits=2,
            programs=(("publish",),),
        ),
        AdapterKind(
            "vertex",
            "An endpoint of Vertex AI.",
            programs=(("publish",),),
        ),
        AdapterKind(
            "mlflow_alias",
            "An alias in MLflow's model registry.",
            digits=None,
            programs=(("publish",),),
        ),
    )
}


def checked_name(value: str, key: str) -> str:
    """Return the name of an object of a cluster (RFC 1123). Raises AdapterParamsError where it can't be one."""
    if not _NAME.match(value):
        raise AdapterParamsError(
            (key,), "a name has lower-case letters, digits, '-' and '.', and at most 253 characters"
        )
    return value


def checked_template(value: str, key: str, example: str) -> str:
    """Return an address that differs with each release. Raises AdapterParamsError where it doesn't."""
    if "{release}" not in value or not _ADDRESS.match(value):
        raise AdapterParamsError(
            (key,),
            "the address has no `{release}`, or signs that no address has: each release has its own",
            example,
        )
    return value


def adapter_programs() -> Iterator[tuple[str, ...]]:
    """Yield the ways from a release to the commands of its adapter."""
    for kind in ADAPTERS.values():
        yield from (("adapter", kind.name, *way) for way in kind.programs)


def kind_of(adapter: object) -> tuple[AdapterKind, Any]:
    """Return which adapter a release states, and its parameters. `adapter` has one attribute for each, all but one None."""
    return next(
        (kind, params)
        for name, kind in ADAPTERS.items()
        if (params := getattr(adapter, name, None)) is not None
    )
