"""Holds a real run against what a case must come to, subject by subject."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.execution.equivalence.case import Data, Scratch
from tests.execution.equivalence.expected import Did, Expected
from tests.execution.equivalence.runner import Run

SKIPPED = "skipped"


def differences(scratch: Scratch, wanted: Expected, got: Run) -> Iterator[tuple[str, str]]:
    """Yield (subject, what differs) of a run; none: it is what the reference interpreter says."""
    yield from _selection(wanted, got)
    yield from _nodes(wanted, got)
    yield from _legs(wanted, got)
    yield from _verdicts(wanted, got)
    yield from _trace(wanted, scratch.noted())
    yield from _unequal("colour", "the colour of the final node", wanted.green, got.result.get("green"))
    yield from _unequal("colour", "the colour that the CI system shows", wanted.green, got.green)


def _unequal(subject: str, what: str, wanted: Any, got: Any) -> Iterator[tuple[str, str]]:
    if wanted != got:
        yield subject, f"{what}: {wanted!r} is right, {got!r} happened"


def _selection(wanted: Expected, got: Run) -> Iterator[tuple[str, str]]:
    yield from _unequal("selection", "selected", list(wanted.selected), got.selection.get("selected"))


def _nodes(wanted: Expected, got: Run) -> Iterator[tuple[str, str]]:
    """What the final node says of each selected node."""
    told = {id: (node["end"], node["verdict"]) for id, node in got.result.get("nodes", {}).items()}
    for id in sorted({*wanted.nodes, *told}):
        right = tuple(wanted.nodes[id]) if id in wanted.nodes else None
        yield from _unequal("nodes", f"final says of '{id}'", right, told.get(id))


def _legs(wanted: Expected, got: Run) -> Iterator[tuple[str, str]]:
    """The state of each leg; one that must not run leaves none, or says that it was skipped."""
    for leg in sorted({*wanted.did, *got.states}):
        state, did = got.states.get(leg), wanted.did.get(leg)
        name = "/".join(leg)
        if did is None:
            end = SKIPPED if state is None else state["end"]
            yield from _unequal("legs", f"'{name}' must not run", SKIPPED, end)
        elif state is None:
            yield "legs", f"'{name}' left no state, and should have {tuple(did.ended)}"
        else:
            yield from _leg(name, did, state)


def _leg(name: str, did: Did, state: Any) -> Iterator[tuple[str, str]]:
    yield from _unequal("legs", f"'{name}' ended", tuple(did.ended), (state["end"], state["verdict"]))
    if did.attempts is not None:
        yield from _unequal("attempts", f"attempts of '{name}'", did.attempts, state["attempts"])
    for subject in ("inputs", "outputs", "values"):
        yield from _unequal(subject, f"{subject} of '{name}'", dict(getattr(did, subject)), state[subject])


def _verdicts(wanted: Expected, got: Run) -> Iterator[tuple[str, str]]:
    """The verdict file of each gate's leg, and the bytes that it judged."""
    judged = {leg: did for leg, did in wanted.did.items() if did.judged is not None}
    for leg in sorted({*judged, *got.verdicts}):
        name, record = "/".join(leg), got.verdicts.get(leg, {})
        did = judged.get(leg)
        yield from _unequal("verdicts", f"verdict of '{name}'", did and did.judged, record.get("verdict"))
        if did is not None:
            inputs = {id: one["digest"] for id, one in record.get("inputs", {}).items()}
            yield from _unequal("verdicts", f"what '{name}' judged", dict(did.inputs), inputs)


def _trace(wanted: Expected, noted: list[Data]) -> Iterator[tuple[str, str]]:
    """What the commands themselves noted: no platform can make it up."""
    times = Counter((line["node"], line["leg"]) for line in noted)
    traced = {leg for leg, did in wanted.did.items() if did.traced}
    for leg in sorted({*traced, *times}):
        did, name = wanted.did.get(leg), "/".join(leg)
        if leg not in traced or did is None:
            yield "trace", f"'{name}' really ran, {times[leg]} times"
        elif did.attempts is not None:
            yield from _unequal("trace", f"attempts that '{name}' really made", did.attempts, times[leg])
    for line in noted:
        did, name = wanted.did.get((line["node"], line["leg"])), line["node"]
        if did is not None:
            yield from _unequal("environment", f"variables of '{name}'", dict(did.seen), line["seen"])
            yield from _unequal("environment", f"'{name}' has the secret", did.secret, bool(line["secret"]))
