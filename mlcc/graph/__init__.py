"""Pictures of a plan: Mermaid and DOT text, and a self-contained SVG."""

from mlcc.graph.svg import svg
from mlcc.graph.text import dot, mermaid

__all__ = ["dot", "mermaid", "svg"]
