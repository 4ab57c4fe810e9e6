"""The parameters of an `artifact` gate."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from mlcc.spec.base import Command, Id, Model, Pattern, Text

Format = Literal["onnx", "safetensors", "xgboost", "lightgbm", "json", "text"]


class ModelFile(Model):
    """A file of the guarded folder."""

    path: Pattern = Field(description="Below the folder; wildcards for shards, such as `part-*.safetensors`.")
    format: Format = Field(
        description="What its bytes must be: `xgboost` is XGBoost's JSON, `lightgbm` LightGBM's text."
    )


class TensorSpec(Model):
    """An input or output of an ONNX model."""

    name: Text | None = Field(None, description="Its name in the model, where that isn't its key.")
    type: Literal[
        "float32", "float64", "float16", "bfloat16", "int8", "int16", "int32", "int64",
        "uint8", "uint16", "uint32", "uint64", "bool", "string", "sequence", "map",
    ] = Field(description="The type of its elements; sequences and maps have no shape.")  # fmt: skip
    shape: list[int | Literal["any"]] | None = Field(
        None, description="Its dimensions: a number, or `any`, such as [any, 12]."
    )


class Opset(Model):
    """Which versions of ONNX' own operator set a model may need."""

    min: int = Field(1, ge=1, description="Oldest version.")
    max: int | None = Field(None, ge=1, description="Newest version that the serving runtime knows.")


class Operators(Model):
    """Which operators an ONNX model may have. Those of ONNX itself need no leave."""

    domains: list[Text] = Field(
        default_factory=list, description="Further domains, whose operators come from the serving runtime."
    )
    allow: list[Text] | None = Field(
        None, min_length=1, description="The only operators, as Gemm or com.microsoft:FusedMatMul."
    )
    deny: list[Text] = Field(default_factory=list, description="Operators that must not occur.")


class Verify(Model):
    """A tool that verifies a cryptographic signature."""

    run: Command = Field(
        description="Such as `cosign verify-blob … $ARTIFACT_MODEL`; it passes when it ends with 0."
    )


class ArtifactGate(Model):
    """Judges the bytes of a model. Nothing is loaded or unpickled: formats are parsed, and told by content.

    Formats that can run code when they are loaded (pickle, joblib, PyTorch, Keras, HDF5, archives) never pass.
    """

    EXACTLY_ONE: ClassVar[tuple[tuple[str, ...], ...]] = (("format", "files"),)
    format: Format | None = Field(None, description="What the guarded file must be.")
    files: list[ModelFile] | None = Field(
        None, min_length=1, description="What the guarded folder holds; any other file fails the gate."
    )
    max_size: Text | None = Field(
        None, description="Most bytes of all its files together, as 300kB, 50MB or 2GB."
    )
    digest: Text | None = Field(None, description="The digest that it must have, as sha256:…")
    inputs: dict[Text, TensorSpec] | None = Field(
        None, min_length=1, description="Key to an input that the ONNX model must have; it may have no other."
    )
    outputs: dict[Text, TensorSpec] | None = Field(
        None,
        min_length=1,
        description="Key to an output that the ONNX model must have; it may have no other.",
    )
    opset: Opset | None = Field(None, description="Which versions of ONNX' operator set it may need.")
    operators: Operators | None = Field(None, description="Which operators an ONNX model may have.")
    schema_of: Id | None = Field(
        None,
        description="The table that the model is served from: it must have the model's features as columns.",
    )
    metadata: Pattern | None = Field(
        None,
        description="The JSON file of the folder that tells about the model; by default the model itself.",
    )
    features: Text | None = Field(
        None, description="Where the metadata lists the columns of the input, in order; dots go inwards."
    )
    lineage: dict[Id, Text] | None = Field(
        None,
        min_length=1,
        description="Artifact to where the metadata names the digest of it that the model was made from, "
        "which must be this run's.",
    )
    statement: Id | None = Field(
        None, description="The artifact (sha256sum's lines, or in-toto statements) that must name its digest."
    )
    verify: Verify | None = Field(None, description="A tool that verifies a cryptographic signature.")


PARAMS = ArtifactGate
