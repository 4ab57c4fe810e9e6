"""ABSORB: edits of pins in the outputs, taken over into the lock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mlcc.compiler import Compiled, compile_files
from mlcc.diagnostics import Diagnostic, Related, SpecError, error
from mlcc.pins.apply import images_of, with_lock
from mlcc.pins.change import change_of
from mlcc.pins.edits import Edit, edits_of
from mlcc.pins.lock import ActionPin, ImagePin, Lock, PackagePin
from mlcc.pins.needs import images
from mlcc.plan import Plan
from mlcc.record import field, record, replace
from mlcc.writing.drift import Drift, EditedError, unified
from mlcc.writing.outputs import Output
from mlcc.writing.writer import LockChange, WriteReport, write


def pin_edits(one: Output, edited: Mapping[str, str]) -> list[Edit]:
    """Return the pins that edited outputs (path -> text) change, each once.

    A pin that stands in several places may be edited in one of them: the others follow. Raises EditedError with the
    differences where something else was edited, where an edit is half done, or where two places disagree.
    """
    compiled = {file.path: file.text for file in one.files}
    used = {image for plan, targets in one.planned for image in images(plan, targets)}
    references = sorted(used, key=lambda image: (-len(image), image))  # one may begin as another does
    found: list[Edit] = []
    problems: list[Diagnostic] = []
    for path, text in sorted(edited.items()):
        for edit in edits_of(path, text, compiled[path], references):
            if isinstance(edit, Edit):
                found.append(edit)
            else:
                problems.append(edit)
    merged, disagreeing = _merged(found)
    problems += disagreeing
    if problems:
        drifts = [
            Drift(path, "edited", unified(path, text, compiled[path]), "")
            for path, text in sorted(edited.items())
        ]
        raise EditedError(problems, drifts)
    return merged


def _merged(found: Iterable[Edit]) -> tuple[list[Edit], list[Diagnostic]]:
    first: dict[tuple[str, str], Edit] = {}
    problems = []
    for edit in found:
        other = first.setdefault((edit.kind, edit.name), edit)
        if other.value != edit.value:
            message = f"the {edit.kind} {edit.name} was edited to two different pins"
            related = [Related(other.span, "the other one")]
            problems.append(
                error("edits-disagree", message, edit.span, related=related, help="make them the same")
            )
    return list(first.values()), problems


def _stated(plans: Iterable[Plan]) -> dict[str, str]:
    """Return the digests that the spec itself states: image's name -> digest."""
    nodes = (node for plan in plans for node in plan.nodes.values())
    references = [reference for node in nodes for _, reference in images_of(node)]
    return {name: digest for name, at, digest in (reference.partition("@") for reference in references) if at}


def absorbed(lock: Lock, edits: Iterable[Edit], stated: Mapping[str, str], day: str) -> Lock:
    """Return a lock with edited pins, looked at on a day (YYYY-MM-DD). A note stays with its pin.

    `stated` are the digests of images that the spec has: those that the lock's replace.
    """
    actions, images, packages = dict(lock.actions), dict(lock.images), dict(lock.packages)
    for edit in edits:
        name, value = edit.name, edit.value
        if edit.kind == "action":
            note = actions[name].note if name in actions else ""
            actions[name] = ActionPin(name, value[0], value[1], day, note)
        elif edit.kind == "image":
            note = images[name].note if name in images else ""
            images[name] = ImagePin(name, value[0], day, stated.get(name, ""), note)
        else:
            note = packages[name].note if name in packages else ""
            hashes = tuple(f"sha256:{digest}" for digest in value[1:])
            packages[name] = PackagePin(name, value[0], day, hashes, note)
    return replace(lock, actions=actions, images=images, packages=packages)


@record
class Absorbed:
    """A spec whose outputs were edited, compiled again with the pins of the edits; nothing is written yet."""

    output: Output
    edits: tuple[Edit, ...]
    edited: Mapping[str, str] = field(hash=False)  # path -> text
    lock: LockChange | None

    def write(self, call: str) -> WriteReport:
        """Write the outputs and the lock, all or nothing. `call` compiles the spec. Raises OutputError."""
        one = self.output
        return write(
            one.files, one.root, home=one.home, spec=one.spec, call=call, projects=one.projects, absorbed=self.edited,
            lock=self.lock,
        )  # fmt: skip


def absorb(one: Output, edited: Mapping[str, str], day: str) -> Absorbed:
    """Return a spec as it is to be written after the edits of its outputs (path -> text). Raises MlccError."""
    if one.lock is None:
        help = "`mlcc lock` writes the first one, and leaves the edited files alone"
        message = f"there is no {one.lock_path} that could take the pins"
        raise SpecError([error("no-lock", message, None, help=help)])
    edits = pin_edits(one, edited)
    stated = [made.analysis.stated or made.analysis.plan for made in one.pipelines]
    lock = absorbed(one.lock, edits, _stated(stated), day)
    try:
        again = replace(one, pipelines=tuple(_with(made, lock) for made in one.pipelines))
        change = change_of(again, approve=False)
    except SpecError as problem:
        raise SpecError(problem.diagnostics, one.texts) from None
    return Absorbed(again, tuple(edits), edited, change)


def _with(made: Compiled, lock: Lock) -> Compiled:
    """Return a pipeline compiled with the pins of a lock. Raises SpecError."""
    analysis = made.analysis
    plan = with_lock(analysis.stated or analysis.plan, lock, analysis.plan.lock)
    again = replace(analysis, plan=plan, lock=lock)
    return replace(made, analysis=again, files=compile_files(again, made.targets))
