"""The JSON Schema of the spec, for editors and for tools that don't run mlcc.

The models are the authority. The schema says what JSON Schema can say of them: a spec that mlcc takes is always
valid by the schema; what needs more than one look (references, dates, the meaning of a path) it lets pass.
A spec with `extends` may leave out whatever it inherits, so it is checked by a second, partial set of definitions.
"""

from __future__ import annotations

import copy
from typing import Any

from mlcc.load.params import LITERAL
from mlcc.spec import scalars
from mlcc.spec.models import Spec

ID = "https://mlcc.dev/schema/1"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
_PARTIAL = "Partial"

_SCALARS = ("string", "number", "integer", "boolean")
_PARAM = "ParamUse"
_PARAM_USE = {
    "title": _PARAM,
    "description": "Stands for the value of a param: a literal at compile time.",
    "type": "object",
    "properties": {"param": {"description": "Id under `params`.", "type": "string"}},
    "required": ["param"],
    "additionalProperties": False,
}
_LITERAL = frozenset(
    {"Param", "Instance", "Targets", "GithubTarget", "GitlabTarget", "JenkinsTarget", "Loss"}
)

Schema = dict[str, Any]


def spec_schema() -> Schema:
    """Return the JSON Schema (draft 2020-12) of a spec."""
    root = Spec.model_json_schema(by_alias=True)
    whole = {**root.pop("$defs"), "Spec": root}
    definitions = {name: _model(whole[name]) for name in sorted(whole)}
    definitions = {name: _with_params(name, schema) for name, schema in definitions.items()}
    definitions[_PARAM] = copy.deepcopy(_PARAM_USE)
    partial = {name + _PARTIAL: _loosened(schema) for name, schema in definitions.items()}
    partial["Spec" + _PARTIAL]["properties"]["extends"] = {
        "description": "Specs that this one extends, relative to it. The last one wins, this one over all.",
        "type": "array",
        "minItems": 1,
        "items": {"type": "string", "minLength": 1},
    }
    return {
        "$schema": DIALECT,
        "$id": ID,
        "title": "mlcc.yaml",
        "description": f"The spec of an ML repository, version {scalars.VERSION} of the language.",
        "if": {"type": "object", "required": ["extends"]},
        "then": {"$ref": f"#/$defs/Spec{_PARTIAL}"},
        "else": {"$ref": "#/$defs/Spec"},
        "$defs": {**definitions, **partial},
    }


def _with_params(name: str, schema: Schema) -> Schema:
    """Let `{param: ID}` stand for a text, number or flag of a model; see mlcc.load.params."""
    if name in _LITERAL:
        return schema
    literal = LITERAL if name == "Spec" else frozenset()
    properties = {
        key: value if key in literal else _or_param(value) for key, value in schema["properties"].items()
    }
    return {**schema, "properties": properties}


def _or_param(schema: Schema) -> Schema:
    """Return the schema of a value that may be given by a param. A command never is."""
    if "not" in schema:
        return schema
    made = dict(schema)
    for key in ("items", "additionalProperties"):
        if isinstance(made.get(key), dict):
            made[key] = _or_param(made[key])
    if "patternProperties" in made:
        made["patternProperties"] = {
            key: _or_param(value) for key, value in made["patternProperties"].items()
        }
    branches = made.get("anyOf", [made])
    if not any(branch.get("type") in _SCALARS and "not" not in branch for branch in branches):
        return made
    about: Schema = {key: made.pop(key) for key in ("description", "default") if key in made}
    branches = [_or_param(one) if one.get("type") == "array" else one for one in made.get("anyOf", [made])]
    return {**about, "anyOf": [*branches, {"$ref": f"#/$defs/{_PARAM}"}]}


def _model(schema: Schema) -> Schema:
    """Return a model's definition: no nulls, no titles that repeat the key, `x-` keys allowed."""
    schema = _tidied(schema)
    for value in schema["properties"].values():
        value.pop("title", None)
    schema["patternProperties"] = {"^x-": {}}
    return schema


def _tidied(schema: Any) -> Any:
    """Drop nulls, which are a default in Python and never a value in a spec; close mappings keyed by ids."""
    if isinstance(schema, list):
        return [_tidied(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {key: _tidied(value) for key, value in schema.items()}
    if "anyOf" in schema:
        schema["anyOf"] = [branch for branch in schema["anyOf"] if branch != {"type": "null"}]
        if len(schema["anyOf"]) == 1:
            schema = {**schema.pop("anyOf")[0], **schema}
    if schema.get("default", ...) is None:
        del schema["default"]
    if "patternProperties" in schema:
        schema["additionalProperties"] = False
    return schema


def _loosened(schema: Schema) -> Schema:
    """Return the definition of a mapping that inherits: nothing is required, `drop` removes inherited keys."""
    schema = _inheriting(copy.deepcopy(schema))
    schema.pop("required", None)
    rules = schema.pop("allOf", [])
    if rules:
        schema["allOf"] = [_at_most_one(rule) for rule in rules]
    schema["properties"]["drop"] = _drop()
    return schema


def _drop() -> Schema:
    return {"description": "Inherited keys to remove.", "type": "array", "items": {"type": "string"}}


def _at_most_one(rule: Schema) -> Schema:
    members = [branch for branch in rule["oneOf"] if "required" in branch]
    return {"oneOf": [*members, {"not": {"anyOf": members}}]}


def _inheriting(schema: Any) -> Any:
    """Refer to the partial definitions, and let mappings keyed by ids have `drop`."""
    if isinstance(schema, list):
        return [_inheriting(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _inheriting(value) for key, value in schema.items()}
    if isinstance(made.get("$ref"), str):
        made["$ref"] += _PARTIAL
    if made.get("type") == "object" and "properties" not in made:
        patterns = made.get("patternProperties", {})
        values = [v for v in (*patterns.values(), made.get("additionalProperties")) if isinstance(v, dict)]
        # A list removes what was inherited; else it is an id like any other.
        made["properties"] = {"drop": {"anyOf": [_drop(), *values]}} if values else {}
        if patterns:
            made["patternProperties"] = {_but_drop(key): value for key, value in patterns.items()}
    return made


def _but_drop(pattern: str) -> str:
    return r"^(?!drop$)" + (pattern[1:] if pattern.startswith("^") else r"[\s\S]*" + pattern)
