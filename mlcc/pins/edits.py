"""What an edited output changes of the pins, read line by line beside what mlcc compiled.

An edit counts only where the line is otherwise the compiled one, to the letter: then nothing else can have come with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from mlcc.backends.github.pins import SHIPPED, repository_of
from mlcc.diagnostics import Diagnostic, Span, error
from mlcc.gates.requirements import Entry, entries
from mlcc.pins.read import COMMIT, DIGEST, IMAGE, TAG
from mlcc.record import record
from mlcc.writing.files import unsealed

_USES = re.compile(
    r"(?P<before> *(?:- )?uses: )(?P<name>[\w.-]+/[\w./-]+)@(?P<commit>[^\s#]*)(?P<comment>.*)"
)
_COMMENT = re.compile(r" +# ?(?P<tag>\S+)")
_EXACT = re.compile(r"v?[0-9]+\.[0-9]+\.[0-9]+.*")
"""A tag that stands for one version, so that it never moves."""


@record
class Edit:
    """One pin as somebody has edited it: kind is action, image or package; `span` is the place in the output."""

    kind: str
    name: str
    value: tuple[str, ...]
    span: Span


Found = Edit | Diagnostic


def edits_of(path: str, edited: str, compiled: str, images: Sequence[str]) -> Iterator[Found]:
    """Yield each edited pin of an output, or what else was edited. `images` are those that the outputs name."""
    if path.endswith(".txt"):
        yield from _of_list(path, entries(unsealed(edited)), entries(unsealed(compiled)))
        return
    new, old = unsealed(edited).split("\n"), unsealed(compiled).split("\n")
    if len(new) != len(old):
        yield _not_a_pin(path, min(_first_difference(new, old), len(new)))
        return
    for number, (found, expected) in enumerate(zip(new, old, strict=True), 1):
        if found != expected:
            yield _of_line(path, number, found, expected, images)


def _first_difference(new: Sequence[str], old: Sequence[str]) -> int:
    pairs = enumerate(zip(new, old, strict=False), 1)
    return next((number for number, (left, right) in pairs if left != right), min(len(new), len(old)) + 1)


def _of_line(path: str, number: int, found: str, expected: str, images: Sequence[str]) -> Found:
    span = Span(path, number, 1, number, len(found) + 1)
    new, old = _USES.fullmatch(found), _USES.fullmatch(expected)
    if new and old and (new["before"], new["name"]) == (old["before"], old["name"]):
        return _action(repository_of(new["name"]), new, old, span)
    for reference in images:
        at = expected.find(reference)
        after = expected[at + len(reference) :]
        if (
            at >= 0
            and found.startswith(expected[:at])
            and found.endswith(after)
            and len(found) >= at + len(after)
        ):
            return _image(reference, found[at : len(found) - len(after)], span)
    return _not_a_pin(path, number)


def _action(name: str, new: re.Match[str], old: re.Match[str], span: Span) -> Found:
    if name not in SHIPPED:
        return _not_a_pin(span.file, span.line)
    comments = [_COMMENT.fullmatch(match["comment"]) for match in (new, old)]
    tags = [match["tag"] if match else "" for match in comments]
    if not COMMIT.fullmatch(new["commit"]):
        return error("bad-pin", f"{name} isn't at a commit of 40 hex digits", span, help="a tag can be moved")
    if not TAG.fullmatch(tags[0]):
        message = f"behind the commit of {name} there is no comment with its version"
        return error("half-edit", message, span, help="write it there: `# v1.2.3`")
    moved = new["commit"] != old["commit"]
    if not moved and tags[0] == tags[1]:
        return _not_a_pin(span.file, span.line)
    if moved and tags[0] == tags[1] and _EXACT.fullmatch(tags[0]):
        message = f"{name} has another commit, and its comment still says {tags[0]}"
        help = "write the version of that commit; if it is the same one, somebody has moved the tag: don't take it"
        return error("half-edit", message, span, help=help)
    if not moved:
        message = f"{name} is said to be {tags[0]}, and has still the commit of {tags[1] or 'before'}"
        return error("half-edit", message, span, help="write the commit of that version")
    return Edit("action", name, (tags[0], new["commit"]), span)


def _image(reference: str, found: str, span: Span) -> Found:
    name, _, _ = reference.partition("@")
    new_name, at, digest = found.partition("@")
    if at and new_name == name and IMAGE.fullmatch(name) and DIGEST.fullmatch(digest):
        return Edit("image", name, (digest,), span)
    if not IMAGE.fullmatch(name):
        help = "its tag is filled in when the job starts: name an image in the spec instead"
        return error("not-a-pin", f"the image {name} can't be pinned", span, help=help)
    if IMAGE.fullmatch(new_name) and new_name != name:
        help = "an image's name and tag are the spec's: change them there, with the digest, and compile"
        return error("not-a-pin", f"the image {name} has become {new_name}", span, help=help)
    return error("bad-pin", f"the image {name} isn't at a digest, `sha256:` and 64 hex digits", span)


def _of_list(path: str, new: Sequence[Entry], old: Sequence[Entry]) -> Iterator[Found]:
    if [_frame(entry) for entry in new] != [_frame(entry) for entry in old]:
        pairs = zip(new, old, strict=False)
        first = next((left.line for left, right in pairs if _frame(left) != _frame(right)), 1)
        yield _not_a_pin(path, first)
        return
    for entry, before in zip(new, old, strict=True):
        package = entry.package
        if package is None or before.package is None or package == before.package:
            continue
        span = Span(path, entry.line, 1, entry.line, 1)
        if package.hashes == before.package.hashes:
            message = f"{entry.text} has another version, and the hashes of {before.package.version}"
            yield error("half-edit", message, span, help="write the hashes of that version's files")
        else:
            yield Edit("package", entry.text, (package.version, *package.hashes), span)


def _frame(entry: Entry) -> tuple[str, bool, str]:
    """Return what of an entry is no pin."""
    return entry.text, entry.package is None, entry.marker


def _not_a_pin(path: str, line: int) -> Diagnostic:
    span = Span(path, line, 1, line, 1)
    return error(
        "not-a-pin", f"`{path}` differs from here on by more than a pin", span,
        help="only pins are absorbed; put anything else into the spec, or drop it with `mlcc compile --force`",
    )  # fmt: skip
