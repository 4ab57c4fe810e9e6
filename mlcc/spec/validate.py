"""VALIDATE: from a loaded source to a Spec."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlcc import __version__
from mlcc.diagnostics import SpecError, error
from mlcc.load.source import Source, locate, plain
from mlcc.spec import fast
from mlcc.spec.scalars import check_requirement

if TYPE_CHECKING:
    from mlcc.spec.models import Spec


def validate(source: Source) -> Spec:
    """Return the spec that a source states.

    A valid spec is read by the fast loader; only what it isn't sure of costs the import of pydantic.
    Raises SpecError with everything that is wrong with the shape.
    """
    data = plain(source.root)
    _check_requirement(
        data, source
    )  # first: what such a spec has, and this mlcc doesn't know, isn't a mistake
    spec = fast.load(data)
    if spec is None:
        from mlcc.spec.explain import validate_slowly  # imports pydantic

        spec = validate_slowly(data, source)
    return spec


def _check_requirement(data: object, source: Source) -> None:
    """Raise SpecError where a spec asks for a newer mlcc. What isn't a requirement at all, the models refuse."""
    stated = data.get("requires") if isinstance(data, dict) else None
    try:
        wanted = _numbers(check_requirement(stated).removeprefix(">=")) if isinstance(stated, str) else ()
    except ValueError:
        return
    if _numbers(__version__)[:2] < wanted:
        message = f"the spec requires mlcc {stated}; this is {__version__}"
        span = locate(source.root, ("requires",))
        raise SpecError(
            [error("unsupported-version", message, span, help="install a newer mlcc")], source.texts
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
