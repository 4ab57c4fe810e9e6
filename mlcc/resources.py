"""Finds `templates/` and `schemas/`, in a checkout and in an installed wheel."""

from __future__ import annotations

from pathlib import Path


def folder(name: str) -> Path:
    """Return a data folder. The wheel holds it inside the package; a checkout beside the package."""
    package = Path(__file__).resolve().parent
    inside = package / "_data" / name
    return inside if inside.is_dir() else package.parent / name


def text(name: str, *parts: str) -> str:
    """Return the text of a data file."""
    return folder(name).joinpath(*parts).read_text("utf-8")


def render(template: str, **values: object) -> str:
    """Return a rendered template of `templates/`; a value that is missing is an error."""
    import jinja2

    loader = jinja2.FileSystemLoader(folder("templates"))
    environment = jinja2.Environment(  # noqa: S701 - the outputs are YAML, Groovy and Markdown, not HTML
        loader=loader,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(**values)
