"""RENDER: from the typed Jenkinsfile to Groovy, through the template. No value gets there but as Groovy source."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from mlcc import resources
from mlcc.backends.jenkins.groovy import Source, finalize, groovy
from mlcc.backends.jenkins.model import Jenkinsfile
from mlcc.writing.files import marker_line

if TYPE_CHECKING:
    import jinja2

TEMPLATE = "jenkins/Jenkinsfile.j2"


def render(file: Jenkinsfile) -> str:
    """Return the file's text, with an unsealed marker."""
    return _template().render(
        marker=Source(marker_line(file.spec)),
        plugins=Source(", ".join(file.plugins)),
        home=file.home,
        label=file.label,
        parts=file.parts,
        facts=file.facts,
        parameters=file.parameters,
        schedule=file.schedule,
        hours=file.hours,
        keep_days=str(file.keep_days),
        asks_green=file.asks_green,
        comment=file.comment,
        notify=file.notify,
        uses=file.uses,
    )


@cache
def _template() -> jinja2.Template:
    """Return the template: compiled once for however many pipelines."""
    import jinja2

    environment = jinja2.Environment(  # noqa: S701 - the output is Groovy, and `finalize` escapes more than HTML needs
        loader=jinja2.FileSystemLoader(resources.folder("templates")),
        undefined=jinja2.StrictUndefined,
        finalize=finalize,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["groovy"] = groovy
    return environment.get_template(TEMPLATE)
