"""VALIDATE: from a loaded source to a Spec."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlcc import __version__
from mlcc.diagnostics import SpecError, error
from mlcc.source import Source, locate, plain
from mlcc.spec import fast

if TYPE_CHECKING:
    from mlcc.spec.models import Spec


def validate(source: Source) -> Spec:
    """Return the spec that a source states.

    A valid spec is read by the fast loader; only what it isn't sure of costs the import of pydantic.
    Raises SpecError with everything that is wrong with the shape.
    """
    data = plain(source.root)
    spec = fast.load(data)
    if spec is None:
        from mlcc.spec.explain import validate_slowly  # imports pydantic

        spec = validate_slowly(data, source)
    _check_requirement(spec, source)
    return spec


def _check_requirement(spec: Spec, source: Source) -> None:
    if spec.requires is None:
        return
    wanted = tuple(int(part) for part in spec.requires.removeprefix(">=").split("."))
    have = tuple(int(part) for part in __version__.split(".")[:2])
    if have < wanted:
        message = f"the spec requires mlcc {spec.requires}; this is {__version__}"
        span = locate(source.root, ("requires",))
        raise SpecError(
            [error("unsupported-version", message, span, help="install a newer mlcc")], source.texts
        )
