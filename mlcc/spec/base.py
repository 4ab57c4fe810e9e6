"""What all spec models share: strictness, and unions as one mapping with exactly one of several keys."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, TypeVar, Union

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from mlcc.spec import scalars

OWN_ERRORS = ("one_of", "no_value")


def _one_of(group: tuple[str, ...]) -> list[dict[str, Any]]:
    return [{"required": [key]} for key in group]


def _state_unions(schema: dict[str, Any], model: type[BaseModel]) -> None:
    """State the unions in the JSON Schema too, so that an editor and pydantic agree."""
    assert issubclass(model, Model)
    rules: list[dict[str, Any]] = [{"oneOf": _one_of(group)} for group in model.EXACTLY_ONE]
    for group in model.AT_MOST_ONE:
        rules.append({"oneOf": [*_one_of(group), {"not": {"anyOf": _one_of(group)}}]})
    if rules:
        schema["allOf"] = rules


class Model(BaseModel):
    """A mapping of the spec. Unknown keys and other types are errors; nothing is coerced, null is no value.

    Keys that start with `x-` are ignored.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, json_schema_extra=_state_unions
    )
    EXACTLY_ONE: ClassVar[tuple[tuple[str, ...], ...]] = ()
    AT_MOST_ONE: ClassVar[tuple[tuple[str, ...], ...]] = ()

    @model_validator(mode="wrap")
    @classmethod
    def _check_mapping(cls, value: object, build: ModelWrapValidatorHandler[Any]) -> Any:
        if not isinstance(value, dict):
            return build(value)
        kept = {key: item for key, item in value.items() if not key.startswith("x-")}
        problems = [*_nulls(cls, kept), *_broken_unions(cls, kept)]
        if problems:
            _raise_with(problems, cls, kept, build)
        return build(kept)


def keys(model: type[Model]) -> dict[str, str]:
    """Return the keys of a mapping as users write them, with the names of their attributes."""
    return {field.alias or name: name for name, field in model.model_fields.items()}


def _nulls(model: type[Model], value: dict[str, object]) -> list[InitErrorDetails]:
    error = PydanticCustomError("no_value", "no value")
    empty = [key for key in keys(model) if key in value and value[key] is None]
    return [InitErrorDetails(type=error, loc=(key,), input=None) for key in empty]


def _broken_unions(model: type[Model], value: dict[str, object]) -> list[InitErrorDetails]:
    groups = [*((group, 1) for group in model.EXACTLY_ONE), *((group, 0) for group in model.AT_MOST_ONE)]
    problems = []
    for group, least in groups:
        found = [key for key in group if key in value]
        if not least <= len(found) <= 1:
            facts = {"group": group, "found": found, "least": least}
            problems.append(
                InitErrorDetails(type=PydanticCustomError("one_of", "one of several", facts), input=value)
            )
    return problems


def _raise_with(
    problems: list[InitErrorDetails], model: type[Model], value: object, build: ModelWrapValidatorHandler[Any]
) -> None:
    """Raise `problems` together with whatever else is wrong with the mapping."""
    try:
        build(value)
    except ValidationError as error:
        problems.extend(map(_again, error.errors(include_url=False)))
    raise ValidationError.from_exception_data(model.__name__, problems)


def _again(line: ErrorDetails) -> InitErrorDetails:
    """Return an error as it can be raised once more, from an outer mapping."""
    facts = line.get("ctx", {})
    if line["type"] in OWN_ERRORS:
        error = PydanticCustomError(line["type"], line["type"], facts)
        return InitErrorDetails(type=error, loc=line["loc"], input=line["input"])
    return InitErrorDetails(type=line["type"], loc=line["loc"], input=line["input"], ctx=facts)


def _schema(**keys: JsonValue) -> Any:
    return Field(json_schema_extra=dict(keys))


_CLEAN_PATH = r"^(?![-/~\s])(?!(?:.*/)?\.{1,2}(?:/|$))(?!.*//)"

Id = Annotated[
    str, AfterValidator(scalars.check_id), _schema(pattern=r"^[a-z](?:-?[a-z0-9_])*$", maxLength=60)
]
EnvName = Annotated[str, AfterValidator(scalars.check_env_name), _schema(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
SecretName = Annotated[
    str, AfterValidator(scalars.check_secret_name), _schema(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
]
OutputName = Annotated[
    str,
    AfterValidator(scalars.check_output_name),
    _schema(pattern=r"^[a-z](?:-?[a-z0-9_])*\.[A-Za-z_][A-Za-z0-9_]*$"),
]
Duration = Annotated[
    str, AfterValidator(scalars.check_duration), _schema(pattern=r"^[1-9][0-9]{0,6}(?:s|m|h|d)$")
]
Factor = Annotated[
    str, AfterValidator(scalars.check_factor), _schema(pattern=r"^(?:10|[1-9](?:\.[0-9]{1,2})?)x$")
]
Latency = Annotated[str, AfterValidator(scalars.check_latency), _schema(pattern=r"^[1-9][0-9]{0,5}(?:ms|s)$")]
Size = Annotated[
    str, AfterValidator(scalars.check_size), _schema(pattern=r"^[1-9][0-9]{0,6}(?:KB|MB|GB|KiB|MiB|GiB)$")
]
Path = Annotated[
    str, AfterValidator(scalars.check_plain_path), _schema(pattern=_CLEAN_PATH + r"[^\\:*?\[\]{}]+$")
]
Folder = Annotated[
    str,
    AfterValidator(scalars.check_folder),
    _schema(pattern=r"^(?:\.|" + _CLEAN_PATH[1:] + r"[^\\:*?\[\]{}]+)$"),
]
Pattern = Annotated[str, AfterValidator(scalars.check_path), _schema(pattern=_CLEAN_PATH + r"[^\\:]+$")]
Source = Annotated[
    str,
    AfterValidator(scalars.check_source),
    _schema(pattern=r"^(?://)?(?![-/~\s])(?!(?:.*/)?\.{1,2}(?:/|$))(?!//.*//)(?![^/].*//)[^\\:]+$"),
]
Cron = Annotated[
    str, AfterValidator(scalars.check_cron), _schema(pattern=r"^\s*[-0-9*/,]+(?:\s+[-0-9*/,]+){4}\s*$")
]
Date = Annotated[str, AfterValidator(scalars.check_date), _schema(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
Table = Annotated[
    str,
    AfterValidator(scalars.check_table),
    _schema(
        pattern=r"^(?:spark|postgres|bigquery|snowflake|databricks)://[A-Za-z0-9_$-]+(?:\.[A-Za-z0-9_$-]+){0,2}$"
    ),
]
Uri = Annotated[
    str,
    AfterValidator(scalars.check_uri),
    _schema(
        pattern=r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/(?![-/~\s])(?!(?:.*/)?\.{1,2}(?:/|$))(?!.*//)[^\\:]+$"
    ),
]
_LABELS = r"[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,9}"
_PORT = r"(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
Address = Annotated[
    str, AfterValidator(scalars.check_address), _schema(pattern=rf"^[A-Za-z0-9._%+=-]{{1,64}}@{_LABELS}$")
]
Server = Annotated[str, AfterValidator(scalars.check_server), _schema(pattern=rf"^{_LABELS}(?::{_PORT})?$")]
_STORE_PATH = r"(?![-/~\s])(?!(?:.*/)?\.{1,2}(?:/|$))(?!.*//)[^\\:*?\[\]{}]+"
StoreUri = Annotated[
    str,
    AfterValidator(scalars.check_store_uri),
    _schema(
        pattern=rf"^(?:(?:s3|gs|az|abfs)://[a-z0-9][a-z0-9.-]{{1,61}}[a-z0-9](?:/{_STORE_PATH})?|(?:file:///)?{_STORE_PATH})$"
    ),
]
Repository = Annotated[
    str,
    AfterValidator(scalars.check_repository),
    _schema(
        pattern=r"^(?:localhost|[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,9})(?::[1-9][0-9]{0,4})?"
        r"(?:/[a-z0-9]+(?:(?:\.|_|__|-{1,9})[a-z0-9]+){0,99}){1,20}$",
        maxLength=255,
    ),
]
Tag = Annotated[
    str, AfterValidator(scalars.check_tag), _schema(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$")
]
ImageDigest = Annotated[
    str, AfterValidator(scalars.check_image_digest), _schema(pattern=r"^sha256:[0-9a-f]{64}$")
]
Platform = Annotated[
    str,
    AfterValidator(scalars.check_platform),
    _schema(pattern=r"^[a-z0-9]{1,20}/[a-z0-9]{1,20}(?:/v[0-9]{1,2})?$"),
]
TrackingServer = Annotated[
    str,
    AfterValidator(scalars.check_tracking_server),
    _schema(pattern=rf"^https?://{_LABELS}(?::{_PORT})?(?:/[A-Za-z0-9._~-]+)*/?$"),
]
ModelName = Annotated[
    str, AfterValidator(scalars.check_model_name), _schema(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,199}$")
]
Alias = Annotated[
    str,
    AfterValidator(scalars.check_alias),
    _schema(pattern=r"^(?!(?:[Ll][Aa][Tt][Ee][Ss][Tt]|[Vv][0-9]+)$)[A-Za-z][A-Za-z0-9_-]{0,199}$"),
]
Requirement = Annotated[
    str, AfterValidator(scalars.check_requirement), _schema(pattern=r"^>=[0-9]+\.[0-9]+$")
]
PythonVersion = Annotated[
    str, AfterValidator(scalars.check_python_version), _schema(pattern=r"^3\.[0-9]{1,2}(?:\.[0-9]{1,2})?$")
]
FreeText = Annotated[str, AfterValidator(scalars.check_free_text)]
Text = Annotated[str, AfterValidator(scalars.check_text), _schema(pattern=r"\S")]
Version = Annotated[int, AfterValidator(scalars.check_version), _schema(const=scalars.VERSION)]
Command = Annotated[
    str,
    AfterValidator(scalars.check_command),
    _schema(**{"pattern": r"\S", "not": {"pattern": r"\$\{\{"}}),
]
Item = TypeVar("Item")
# A type checker takes a generic alias only in this form.
OneOrMany = Union[Item, Annotated[list[Item], Field(min_length=1)]]  # noqa: UP007
Scalar = FreeText | int | float | bool


class TokenRef(Model):
    """A token that the CI system keeps."""

    secret: SecretName = Field(description="Name of the secret in the CI system.")
