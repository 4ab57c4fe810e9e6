"""How much of each of Jenkins' limits a lowered plan uses."""

from __future__ import annotations

from mlcc.backends import Usage
from mlcc.backends._checks import largest
from mlcc.backends.jenkins import limits
from mlcc.backends.jenkins.model import SERVICES, Jenkinsfile, Row
from mlcc.backends.jenkins.size import constants, texts, weight

SYSTEM = "Jenkins'"
KEYS = {limits.LIST.name: "services", limits.TEXT.name: "services"}


def usages(file: Jenkinsfile) -> list[Usage]:
    """Return how much of each limit the file uses; for parts, the largest. Sizes are estimates from above."""
    methods = [
        (limits.METHOD_BYTES + sum(weight(row) for row in part.rows), _heaviest(part.rows))
        for part in file.parts
    ]
    lengths = [(len(text.encode()), _node_of(row)) for row in file.rows for text in texts(row)]
    lengths += [(len(parameter.description.encode()), "a manual form") for parameter in file.parameters]
    lists = [(_literals(row), _node_of(row)) for row in file.rows if row.table == SERVICES]
    return [
        largest(limits.METHOD, methods),
        Usage(limits.CONSTANTS, constants(file.rows), "all nodes together"),
        largest(limits.TEXT, lengths),
        largest(limits.LIST, lists),
    ]


def _literals(row: Row) -> int:
    literals = row.fields.get("literals", ())
    return len(literals) if isinstance(literals, tuple) else 0


def _node_of(row: Row) -> str:
    return row.key.partition(" ")[0].partition("--")[0]


def _heaviest(rows: tuple[Row, ...]) -> str:
    return _node_of(max(rows, key=weight))
