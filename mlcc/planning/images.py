"""PLAN, continued: images, which a registry keeps; what builds them, and which tags their releases move."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcc import plan as ir
from mlcc.planning.values import value_of, values_of
from mlcc.problems import Loc, Problems
from mlcc.resolving.resolved import ResolvedNode


def check_image(id: str, raw: Any, writer: ResolvedNode | None, problems: Problems) -> None:
    """Report what makes no sense for an image, and what only images have on anything else."""
    loc: Loc = ("artifacts", id)
    if (raw.kind == "image") != (raw.repository is not None):
        lies = next(key for key in ("path", "uri", "table", "repository") if getattr(raw, key) is not None)
        problems.add(
            "bad-image", f"'{id}' is of kind {raw.kind} and lies at a `{lies}`", (*loc, "kind"),
            others=(((*loc, lies), "where it lies"),),
            help="an image has `kind: image` and `repository: HOST/NAME`, and nothing else has them",
        )  # fmt: skip
    elif raw.kind != "image":
        _check_other(id, raw, loc, problems)
    else:
        _check_origin(id, raw, loc, problems)
        for key in ("at", "store", "engine"):
            if getattr(raw, key):
                problems.add(
                    "bad-image", f"an image has no `{key}`: its registry keeps it", (*loc, key), key=True
                )
        if writer is not None and len(writer.legs) > 1:
            problems.add(
                "bad-image", f"'{writer.id}' runs once per leg, and an image has one digest", (*writer.loc, "matrix"), key=True,
                help="write an artifact for each leg's image",
            )  # fmt: skip
        if raw.login is not None and not _is_known_anywhere(value_of(raw.login.user)):
            problems.add(
                "bad-value", f"every node that reaches '{id}' logs in: its user is a text, a secret or a variable",
                (*loc, "login", "user"),
            )  # fmt: skip
        if raw.build is not None:
            _check_build(id, raw.build, (*loc, "build"), problems)


def _is_known_anywhere(value: ir.Value) -> bool:
    """Whether any node can be given a value, as a text."""
    return isinstance(value, (ir.Text, ir.Variable)) or (isinstance(value, ir.Secret) and not value.as_file)


def _check_other(id: str, raw: Any, loc: Loc, problems: Problems) -> None:
    """Report what only images have."""
    stated = [key for key in ("build", "login") if getattr(raw, key) is not None]
    stated += ["from"] if raw.from_ is not None and (raw.from_.tag or raw.from_.digest) else []
    for key in stated:
        shown = "`from` with `tag` or `digest`" if key == "from" else f"`{key}`"
        problems.add(
            "bad-image", f"{shown} is for images, and '{id}' is of kind {raw.kind}", (*loc, key), key=True
        )


def _check_origin(id: str, raw: Any, loc: Loc, problems: Problems) -> None:
    """Report where nothing, or more than one thing, says which image it is."""
    if raw.build is not None and raw.from_ is not None:
        problems.add(
            "bad-image", f"'{id}' is built, so that it comes from nowhere else", (*loc, "from"), key=True,
            others=(((*loc, "build"), "how it is built"),), help="keep one of them",
        )  # fmt: skip
    elif raw.build is None and raw.from_ is None:
        problems.add(
            "bad-image", f"nothing says which image '{id}' is", loc, key=True,
            help="add `build: {context: .}`, `from: {tag: NAME}` or `from: {digest: sha256:…}`",
        )  # fmt: skip
    elif raw.from_ is not None and not (raw.from_.tag or raw.from_.digest):
        problems.add(
            "bad-image", "an image comes from a `tag` or a `digest`", (*loc, "from"), key=True,
            help="the one that a release runs has its environment's name as its tag",
        )  # fmt: skip


def _check_build(id: str, raw: Any, loc: Loc, problems: Problems) -> None:
    for name, value in values_of(raw.args):
        if isinstance(value, ir.Secret):
            problems.add(
                "bad-image", f"whoever gets the image reads its build argument {name}", (*loc, "args", name),
                help="put it under `secrets` and mount it: RUN --mount=type=secret,id=…",
            )  # fmt: skip
        elif isinstance(value, (ir.Output, ir.MatrixValue)):
            problems.add(
                "bad-value", f"the build argument {name} is a text, a variable, an input or a fact of the run",
                (*loc, "args", name), help="let a job write it into an artifact, and list that under `includes`",
            )  # fmt: skip
    if raw.checkout == "none":
        problems.add(
            "bad-image", f"'{id}' is built of committed files, which aren't checked out", (*loc, "checkout")
        )
    if raw.working_directory is not None:
        problems.add(
            "bad-image", "a build has no `working_directory`", (*loc, "working_directory"), key=True,
            help="`context` is the folder that the builder gets",
        )  # fmt: skip


def check_includes(includes: Any, artifacts: Mapping[str, ir.Artifact], loc: Loc, problems: Problems) -> None:
    """Report artifacts that can't lie in a build's context."""
    for index, name in enumerate(includes):
        artifact = artifacts.get(name)
        if artifact is None:
            continue  # reported with the other references
        if artifact.at_base or artifact.form not in (ir.Form.FILE, ir.Form.FOLDER, ir.Form.PATHS):
            lies = "at the base" if artifact.at_base else f"at {artifact.paths[0]}"
            problems.add(
                "bad-image", f"'{name}' lies {lies}, so that a build can't include it", (*loc, "includes", index),
                others=((("artifacts", name), "the artifact"),), help="let a job that reads it write a file or a folder",
            )  # fmt: skip


def build_of(node: ResolvedNode) -> ir.Build:
    """Return the work of the node that builds an image."""
    raw = node.spec
    return ir.Build(
        setup=node.setup,
        context="" if raw.context == "." else f"{raw.context.rstrip('/')}/",
        file=raw.file,
        includes=tuple(raw.includes),
        args=values_of(raw.args),
        secrets=tuple((name, ir.Secret(raw.secrets[name].secret)) for name in sorted(raw.secrets)),
        platform=raw.platform,
        builder=raw.builder,
    )


def login_of(raw: Any) -> tuple[tuple[str, ir.Value], ...]:
    """Return an image's user and password; nothing where the spec states none."""
    if raw.login is None:
        return ()
    return (("password", ir.Secret(raw.login.password.secret)), ("user", value_of(raw.login.user)))


def build_values(node: ResolvedNode) -> list[ir.Value]:
    """Return the values that a node uses to build an image."""
    if node.kind is not ir.NodeKind.BUILD:
        return []
    work = build_of(node)
    return [value for _, value in (*work.args, *work.secrets)]


def tags_of(node: ResolvedNode, artifacts: Mapping[str, ir.Artifact]) -> tuple[tuple[str, str], ...]:
    """Return (image, tag) of what a node of a release moves when it makes that live, or undoes it."""
    tagged = getattr(node.spec, "tags", ())
    images = [id for id in tagged if id in artifacts and artifacts[id].form is ir.Form.IMAGE]
    return tuple((id, node.spec.environment) for id in images)


def login_values(images: Any, artifacts: Mapping[str, ir.Artifact]) -> list[ir.Value]:
    """Return what logs in to the registries of images among these artifacts."""
    return [value for id in images if id in artifacts for _, value in artifacts[id].login]
