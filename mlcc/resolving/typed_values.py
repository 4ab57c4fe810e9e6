"""RESOLVE, continued: what a spec says of typed values, inputs of forms and params, and the values that it gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlcc.problems import Loc, Problems

if TYPE_CHECKING:
    from mlcc.spec.models import Spec

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,), "choice": (str,), "number": (int, float), "integer": (int,), "boolean": (bool,),
}  # fmt: skip


def check_typed(what: str, stated: Any, loc: Loc, problems: Problems) -> None:
    """Note what makes no sense in the definition of an `input` or a `param`, or isn't what its default may be."""
    code = f"bad-{what}"
    if (stated.type == "choice") != bool(stated.options):
        problems.add(code, "`options` belong to a `choice`, and a `choice` needs them", loc, key=True)
    numeric = stated.type in ("number", "integer")
    if not numeric and (stated.min is not None or stated.max is not None):
        problems.add(code, f"a {stated.type} has neither `min` nor `max`", loc, key=True)
    if stated.default is not None:
        problem = _misfit(what, stated, stated.default)
        if problem:
            problems.add(code, f"the default {problem}", (*loc, "default"))


def _misfit(what: str, stated: Any, value: Any) -> str | None:
    """Say why a definition doesn't allow a value, or None."""
    right_type = isinstance(value, _TYPES[stated.type]) and isinstance(value, bool) == (
        stated.type == "boolean"
    )
    if not right_type or (stated.options and value not in stated.options):
        return f"isn't a {stated.type} that the {what} allows"
    if stated.type not in ("number", "integer"):
        return None
    inside = (stated.min is None or value >= stated.min) and (stated.max is None or value <= stated.max)
    return None if inside else "is outside `min` and `max`"


def check_params(spec: Spec, problems: Problems) -> None:
    """Note params that make no sense, and values of instances that aren't theirs."""
    for name, param in spec.params.items():
        check_typed("param", param, ("params", name), problems)
    for id, instance in spec.instances.items():
        for name, value in instance.params.items():
            loc: Loc = ("instances", id, "params", name)
            definition = spec.params.get(name)
            if definition is None:
                problems.unknown("param", name, list(spec.params), loc)
                continue
            problem = _misfit("param", definition, value)
            if problem:
                others = ((("params", name), "defined here"),)
                problems.add(
                    "bad-param", f"the value {problem}", loc, others=others, help=_allowed(definition)
                )


def _allowed(definition: Any) -> str:
    """Return what values a definition allows, as a phrase."""
    if definition.options:
        return f"one of {', '.join(definition.options)}"
    bounds = [f"at least {definition.min}"] if definition.min is not None else []
    bounds += [f"at most {definition.max}"] if definition.max is not None else []
    return ", ".join([f"a {definition.type}", *bounds])
