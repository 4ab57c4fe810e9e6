"""A plan as Mermaid (rendered by GitHub and GitLab in Markdown) and as DOT (Graphviz)."""

from __future__ import annotations

from mlcc.graph.view import Link, Shape, Vertex, view
from mlcc.plan import EdgeKind, Plan

_BOXES = {
    Shape.JOB: ("[", "]"),
    Shape.GATE: ("{{", "}}"),
    Shape.FETCH: ("[(", ")]"),
    Shape.RELEASE: ("[[", "]]"),
    Shape.STATUS: ("([", "])"),
}
_ARROWS = {EdgeKind.DATA: "-->", EdgeKind.GUARD: "==>", EdgeKind.ORDER: "-.->", EdgeKind.VERDICT: "-.->"}


def mermaid(plan: Plan) -> str:
    """Return a Mermaid flowchart; what is non-blocking is dashed, guard edges are thick."""
    shown = view(plan)
    names = {vertex.id: f"n{number}" for number, vertex in enumerate(shown.vertices)}
    lines = ["flowchart LR", f"  accTitle: {_plain(shown.name)}", f"  accDescr: {_plain(shown.summary)}"]
    lines += [f"  {names[vertex.id]}{_box(vertex)}" for vertex in shown.vertices]
    lines += [f"  {names[link.source]} {_arrow(link)} {names[link.target]}" for link in shown.links]
    dashed = [names[vertex.id] for vertex in shown.vertices if vertex.dashed]
    if dashed:
        lines += ["  classDef dashed stroke-dasharray: 5 4", f"  class {','.join(dashed)} dashed"]
    numbers = [str(number) for number, link in enumerate(shown.links) if link.dashed]
    if numbers:
        lines.append(f"  linkStyle {','.join(numbers)} stroke-dasharray: 5 4")
    return "\n".join(lines) + "\n"


def _box(vertex: Vertex) -> str:
    left, right = _BOXES[vertex.shape]
    caption = f"<br/>{_entities(vertex.caption)}" if vertex.caption else ""
    return f'{left}"{_entities(vertex.id)}{caption}"{right}'


def _arrow(link: Link) -> str:
    arrow = _ARROWS[link.kind]
    return f'{arrow}|"{_entities(link.label)}"|' if link.label else arrow


def _entities(text: str) -> str:
    """Escape for a quoted Mermaid label: what isn't a plain letter or sign goes as a numbered entity."""
    return "".join(char if char.isalnum() or char in " ,._-/" else f"#{ord(char)};" for char in text)


def _plain(text: str) -> str:
    # accTitle and accDescr take the rest of the line as it is, but `;` and `#` begin other things
    return "".join(char if char.isalnum() or char in " ,._-/" else " " for char in text)


_SHAPES = {
    Shape.JOB: "box",
    Shape.GATE: "hexagon",
    Shape.FETCH: "cylinder",
    Shape.RELEASE: "component",
    Shape.STATUS: "oval",
}
_LINES = {
    EdgeKind.DATA: "",
    EdgeKind.GUARD: "penwidth=2.5",
    EdgeKind.ORDER: "style=dotted",
    EdgeKind.VERDICT: "style=dotted",
}


def dot(plan: Plan) -> str:
    """Return a Graphviz digraph; what is non-blocking is dashed, guard edges are thick."""
    shown = view(plan)
    lines = [
        f"digraph {_quoted(shown.name)} {{",
        "  rankdir=LR;",
        '  node [fontname="Helvetica"];',
        '  edge [fontname="Helvetica", fontsize=10];',
    ]
    lines += [f"  {_quoted(vertex.id)} [{_vertex_attributes(vertex)}];" for vertex in shown.vertices]
    for link in shown.links:
        attributes = _link_attributes(link)
        tail = f" [{attributes}]" if attributes else ""
        lines.append(f"  {_quoted(link.source)} -> {_quoted(link.target)}{tail};")
    return "\n".join([*lines, "}"]) + "\n"


def _vertex_attributes(vertex: Vertex) -> str:
    label = _quoted(f"{vertex.id}\n{vertex.caption}" if vertex.caption else vertex.id)
    style = ", style=dashed" if vertex.dashed else ""
    return f"label={label}, shape={_SHAPES[vertex.shape]}{style}"


def _link_attributes(link: Link) -> str:
    style = "style=dashed" if link.dashed and not _LINES[link.kind].startswith("style") else ""
    label = f"label={_quoted(link.label)}" if link.label else ""
    return ", ".join(filter(None, [label, _LINES[link.kind], style]))


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
