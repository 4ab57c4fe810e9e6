"""The keys of an artifact of the kind `image`: how it is built, and how its registry is logged in to."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mlcc.spec.base import EnvName, Folder, Id, Model, Path, Platform, TokenRef
from mlcc.spec.execution import EnvValue, Execution


class RegistryLogin(Model):
    """Who pushes to, and reads of, an image's registry. No command gets it."""

    user: EnvValue = Field(description="A text, a secret or a variable.")
    password: TokenRef = Field(description="A secret: a password or a token.")


class Build(Execution):
    """How the node build-ARTIFACT makes an image of what is committed, and of artifacts."""

    context: Folder = Field(
        default=".",
        description="The folder whose committed files the builder gets, and no others; `.` is the project's own.",
    )
    file: Path = Field(default="Dockerfile", description="What is built, relative to `context`.")
    includes: list[Id] = Field(
        default_factory=list,
        description="Artifacts that lie in the context, too, at their paths: their blocking gates must have passed.",
    )
    args: dict[EnvName, EnvValue] = Field(
        default_factory=dict,
        description="Build arguments: seen in the image by whoever gets it, so no secrets.",
    )
    secrets: dict[Id, TokenRef] = Field(
        default_factory=dict,
        description="Id to secret, for `RUN --mount=type=secret,id=ID`: no layer of the image keeps it.",
    )
    platform: Platform = Field(default="linux/amd64", description="What the image is for.")
    builder: Literal["docker", "buildah", "podman"] | None = Field(
        default=None, description="What builds it. If not given: docker, on GitLab buildah."
    )
