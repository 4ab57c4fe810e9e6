"""What all spec models share: strictness, and unions written as one mapping with exactly one of several keys."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from mlcc.spec import scalars


def _schema_extra(schema: dict[str, Any], model: type[BaseModel]) -> None:
    """State the unions in the JSON Schema too, so that an editor and pydantic agree."""
    assert issubclass(model, Model)
    rules: list[dict[str, Any]] = [
        {"oneOf": [{"required": [key]} for key in group]} for group in model.EXACTLY_ONE
    ]
    for group in model.AT_MOST_ONE:
        rules.append({"oneOf": [*({"required": [key]} for key in group), {"not": {"anyOf": [{"required": [key]} for key in group]}}]})
    if rules:
        schema["allOf"] = rules


class Model(BaseModel):
    """A mapping of the spec. Unknown keys and other types are errors; nothing is coerced."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, populate_by_name=False, json_schema_extra=_schema_extra
    )
    EXACTLY_ONE: ClassVar[tuple[tuple[str, ...], ...]] = ()
    AT_MOST_ONE: ClassVar[tuple[tuple[str, ...], ...]] = ()

    @model_validator(mode="before")
    @classmethod
    def _check_unions(cls, value: object) -> object:
        if isinstance(value, dict):
            for group in cls.EXACTLY_ONE:
                _count(value, group, at_least=1)
            for group in cls.AT_MOST_ONE:
                _count(value, group, at_least=0)
        return value


def _count(value: dict[str, object], group: tuple[str, ...], at_least: int) -> None:
    found = [key for key in group if key in value]
    if at_least <= len(found) <= 1:
        return
    what = "exactly one" if at_least else "at most one"
    have = " and ".join(found) if found else "none"
    raise PydanticCustomError(
        "one_of", "{what} of {keys} is allowed here, found {have}", {"what": what, "keys": ", ".join(group), "have": have, "found": found}
    )


Id = Annotated[str, AfterValidator(scalars.check_id), Field(json_schema_extra={"pattern": r"^[a-z](?:-?[a-z0-9_])*$", "maxLength": 60})]
EnvName = Annotated[str, AfterValidator(scalars.check_env_name), Field(json_schema_extra={"pattern": r"^[A-Za-z_][A-Za-z0-9_]*$"})]
SecretName = Annotated[str, AfterValidator(scalars.check_secret_name), Field(json_schema_extra={"pattern": r"^[A-Za-z_][A-Za-z0-9_]*$"})]
Duration = Annotated[str, AfterValidator(scalars.check_duration), Field(json_schema_extra={"pattern": r"^[1-9][0-9]{0,6}(s|m|h|d)$"})]
Path = Annotated[str, AfterValidator(scalars.check_plain_path)]
Pattern = Annotated[str, AfterValidator(scalars.check_path)]
Cron = Annotated[str, AfterValidator(scalars.check_cron)]
Text = Annotated[str, AfterValidator(scalars.check_text)]
Command = Annotated[str, AfterValidator(scalars.check_command)]
Scalar = str | int | float | bool
