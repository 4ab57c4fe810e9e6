"""Text of a run as Markdown that does nothing: no markup, no mention, no command.

Standard library only: bundled into the emitted scripts.
"""

from __future__ import annotations

from mlcc.runtime.log import one_line

# By these GitHub and GitLab begin mentions, references and links; behind them stands a sign of no width.
_REFERENCES = "@#!$%~^&"
_MARKUP = "|<>[]`*_\\"


def plain(text: str, limit: int = 300) -> str:
    """Return text as GitHub and GitLab show it and do nothing else with it: one line, no markup, nobody is called."""
    shown = one_line(text)[:limit]
    safe = "".join(
        f"&#{ord(c)};&#8288;" if c in _REFERENCES else f"&#{ord(c)};" if c in _MARKUP else c for c in shown
    )
    return safe.replace("://", ":&#8288;//").replace("www.", "www.&#8288;").replace("GH-", "GH-&#8288;")


def page_link(url: str, number: int) -> list[str]:
    """Return a link to the page of a run, as a list of one; none: the address isn't one that can stand there."""
    if not url.startswith(("https://", "http://")) or set(url) & set(' <>()"\\[]`'):
        return []
    return [f"[run {number or ''}]({url})".replace(" ]", "]")]
