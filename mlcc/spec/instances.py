"""The keys of params and instances: one spec and many models."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from mlcc.spec.base import Id, Model, Path, Scalar, Text


class Param(Model):
    """A value that the spec states once: a literal at compile time, the same for every run."""

    type: Literal["string", "number", "integer", "boolean", "choice"] = Field(
        description="What the value is."
    )
    description: Text | None = Field(default=None, description="What it is for.")
    default: Scalar | None = Field(
        default=None, description="Its value where an instance states none; without it, every instance must."
    )
    min: int | float | None = Field(default=None, description="Least value of a number.")
    max: int | float | None = Field(default=None, description="Largest value of a number.")
    options: list[Text] = Field(default_factory=list, description="The values of a `choice`.")


class Instance(Model):
    """One of many pipelines: the spec with params of its own, in a project folder of its own."""

    root: Path = Field(
        description="Its project folder, relative to the spec: what `path` and commands start from."
    )
    params: dict[Id, Scalar] = Field(default_factory=dict, description="Param to its value here.")
    overrides: dict[str, Any] = Field(
        default_factory=dict,
        description="Keys of the spec that are otherwise here; they merge as a spec does with what it extends.",
    )
