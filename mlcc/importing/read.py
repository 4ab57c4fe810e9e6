"""From a file to the spec and its account: which system it is of, and what reads it."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from mlcc.diagnostics import OutputError, Span, SpecError, error
from mlcc.importing.document import get, read_yaml
from mlcc.importing.draft import Draft
from mlcc.importing.ledger import Note, Status, by_line
from mlcc.importing.settle import settled
from mlcc.importing.shell import visible
from mlcc.load.source import HIDDEN, MAX_BYTES, MAX_LINE, MAX_LINES, Mapping, Node
from mlcc.record import record

_OWN = re.compile(r"\A(?:#|//) mlcc:generated ")
_HELP = "name a GitHub workflow, a .gitlab-ci.yml or a Jenkinsfile"


@record
class Imported:
    """The text of a spec, what became of the pipeline's parts, and what a person may want to do next."""

    path: str
    system: str
    spec: str
    lines: dict[int, Status | None]
    notes: tuple[Note, ...]
    suggestions: tuple[str, ...]
    refused: tuple[str, ...]  # what mlcc says against the spec still

    @property
    def listed(self) -> list[Note]:
        """What could not be placed."""
        return [note for note in self.notes if note.status is Status.LISTED]

    @property
    def whole(self) -> bool:
        """Whether everything has a place."""
        return not self.listed and not self.refused and None not in self.lines.values()


def import_file(path: Path) -> Imported:
    """Import a pipeline. Raises SpecError for a file that is none, OutputError for one that can't be read."""
    shown = path.as_posix()
    text = _text(path, shown)
    draft, system, comment, root = _draft(path, text, shown)
    header = f"Imported from {path.name} by `mlcc import`: read it beside the report, which lists what has no place here."
    spec, refused = settled(draft, header)
    if root is not None:
        from mlcc.importing.own_check import compare

        compare(spec, path, root[0], root[1], system, draft.ledger)
    _name_hidden(draft, text)
    notes = draft.ledger.notes()
    lines = by_line(draft.ledger, notes, comment)
    return Imported(shown, system, spec, lines, tuple(notes), tuple(draft.ledger.suggestions), tuple(refused))


def _draft(path: Path, text: str, shown: str) -> tuple[Draft, str, str, tuple[Path, str] | None]:
    """Return the draft, the system, what begins a comment, and for mlcc's own files the repository's folder and the spec's."""
    name = path.resolve().parent.name if path.stem.startswith((".", "Jenkins")) else path.stem
    if path.suffix not in (".yml", ".yaml") and _is_groovy(text):
        if is_own(text):
            return _own(path, text, shown, "jenkins", "//")
        from mlcc.importing.jenkins import import_jenkins

        return import_jenkins(text, shown, name), "jenkins", "//", None
    document = read_yaml(text, shown)
    root = document.root
    system = _system(root)
    if system is None:
        raise _none(shown)
    if is_own(text):
        return _own(path, text, shown, system, "#")
    if system == "github":
        from mlcc.importing.github import import_github

        return import_github(document, name), system, "#", None
    from mlcc.importing.gitlab import import_gitlab

    return import_gitlab(document, name), system, "#", None


def _own(
    path: Path, text: str, shown: str, system: str, comment: str
) -> tuple[Draft, str, str, tuple[Path, str]]:
    from mlcc.importing.own import import_own

    draft, root, home = import_own(path, text, shown, system)
    return draft, system, comment, (root, home)


def _system(root: Node) -> str | None:
    """Return the system whose pipeline a YAML file is."""
    if get(root, "on") is not None and isinstance(get(root, "jobs"), Mapping):
        return "github"
    return "gitlab" if _is_gitlab(root) else None


def _is_groovy(text: str) -> bool:
    return bool(re.search(r"\b(?:pipeline|node|stage)\b\s*(?:\([^)]*\)\s*)?\{", text))


def _is_gitlab(root: Node) -> bool:
    if not isinstance(root, Mapping):
        return False
    keys = ("stages", "include", "workflow")
    jobs = [entry.node for entry in root.entries.values()]
    return any(key in root.entries for key in keys) or any(
        get(job, key) is not None for job in jobs for key in ("script", "trigger", "extends")
    )


def is_own(text: str) -> bool:
    """Tell whether mlcc compiled a pipeline."""
    return bool(_OWN.match(text))


def _none(shown: str) -> SpecError:
    message = "this is no pipeline that mlcc can read"
    return SpecError([error("not-a-pipeline", message, Span(shown, 1, 1, 1, 1), help=_HELP)])


def _text(path: Path, shown: str) -> str:
    """Read a file under the caps of a spec. What nobody sees in it is read, and listed, but not taken over."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise SpecError([error("no-such-file", f"{shown} is not a regular file", None, help=_HELP)])
            data = file.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, ValueError):
        raise SpecError([error("no-such-file", f"there is no file {shown}", None, help=_HELP)]) from None
    except OSError as problem:
        reason = problem.strerror or "input failed"
        raise OutputError([error("unreadable-file", f"{shown} can't be read: {reason}", None)]) from None
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError:
        raise SpecError(
            [error("not-utf8", f"{shown} is not valid UTF-8", None, help="save it as UTF-8")]
        ) from None
    lines = text.split("\n")
    if len(data) > MAX_BYTES or len(lines) > MAX_LINES or any(len(line) > MAX_LINE for line in lines):
        message = f"a pipeline may have {MAX_BYTES // 1024} KiB, {MAX_LINES} lines, and {MAX_LINE} characters in a line"
        raise SpecError([error("too-large", message, Span(shown, 1, 1, 1, 1))])
    if "\0" in text:
        raise _none(shown)
    return text


def _name_hidden(draft: Draft, text: str) -> None:
    for number, line in enumerate(text.split("\n"), 1):
        if HIDDEN.search(line):
            shown = visible(line).strip()[:60]
            draft.ledger.finding(number, shown, "characters that nobody sees were left out")
