"""Lines of the log. What comes from outside never starts one, and is no command to the CI system in the middle of one.

GitHub's runner takes `::NAME::` for a command at the start of a line, and `##[NAME]` anywhere in it
(actions/runner, src/Runner.Common/ActionCommand.cs: TryParseV2, TryParse).
Standard library only: bundled into the emitted script.
"""

from __future__ import annotations


def one_line(text: str) -> str:
    """Return text on one line: runs of spaces, line breaks and what nobody sees are one space."""
    shown = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return shown.replace("##[", "# #[").replace("##vso", "# #vso")


def say(text: str, before: str = "") -> None:
    """Print one line. It begins with `before` or, without that, with the text's own first word, both mlcc's."""
    print(before + one_line(text), flush=True)
