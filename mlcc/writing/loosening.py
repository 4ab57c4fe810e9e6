"""What a compile makes easier to pass: the gates that it is about to write against those that are committed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mlcc.gates.strictness import (
    ALLOWED,
    CEILING,
    DEMANDED,
    DERIVED,
    FLOOR,
    FRAME,
    PRESENT,
    SLACK,
    Way,
    looser,
)
from mlcc.plan import Node, Plan
from mlcc.plan.document import gate_parameters
from mlcc.record import record
from mlcc.render_diagnostics import escaped
from mlcc.writing.committed import blocking, gate_documents

_DURATION = re.compile(r"([0-9]{1,12})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST = 80


@record
class Loosened:
    """One parameter of a gate that became looser, or changed so that nobody but a reader can tell.

    `sort` is loosened or changed; `before` and `after` are JSON values, None where there is none.
    """

    gate: str
    sort: str
    place: str
    before: Any
    after: Any

    @property
    def text(self) -> str:
        """The change on one line."""
        title = "threshold loosened" if self.sort == "loosened" else "gate changed"
        what = f"{self.gate} {self.place}".rstrip()
        return escaped(f"{title}: {what} {_shown(self.before)} → {_shown(self.after)}")

    def plain(self) -> dict[str, Any]:
        """Return the change as JSON values."""
        return {key: getattr(self, key) for key in ("gate", "sort", "place", "before", "after")}


def loosened(plan: Plan, root: Path) -> list[Loosened]:
    """Return how the gates of a plan differ from the committed ones, looser ones first."""
    before = gate_documents(root, plan.home)
    blocked = blocking(root, plan.home)
    nodes = {id: node for id, node in plan.nodes.items() if node.gate is not None}
    found: list[Loosened] = []
    for id, committed in before.items():
        if id not in nodes:
            found.append(Loosened(id, "loosened", "gate", "there", None))
            continue
        found += compare(committed, as_committed(plan, nodes[id]))
        if blocked.get(id, False) and not nodes[id].blocking:
            found.append(Loosened(id, "loosened", "blocking", True, False))
    return sorted(found, key=lambda one: one.sort != "loosened")


def as_committed(plan: Plan, node: Node) -> dict[str, Any]:
    """Return the parameters of a gate as they are read back from its file."""
    found: dict[str, Any] = json.loads(json.dumps(gate_parameters(plan, node)))
    return found


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Loosened]:
    """Yield what differs between two documents of a gate, as `.mlcc/gates/<id>.json` holds them."""
    id, kind = after["gate"], after["kind"]
    old, new = (
        named({k: v for k, v in one.items() if k not in ("mlcc", "waive")}) for one in (before, after)
    )
    if before.get("kind") != kind:
        yield Loosened(id, "changed", "kind", before.get("kind"), kind)
        return
    for path, left, right in _differences(old, new, ()):
        sort = _sort(_way(kind, path), left, right)
        if sort is not None:
            shown = _items(_told(kind, path, left), _told(kind, path, right))
            yield Loosened(id, sort, _place(path), *shown)
    yield from _waiver(id, before.get("waive"), after.get("waive"))


def named(value: Any) -> Any:
    """Return JSON values in which lists of entries with an `id` or a `name` are mappings by it."""
    if isinstance(value, dict):
        return {key: named(inner) for key, inner in value.items()}
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        for key in ("id", "name"):
            names = [item.get(key) for item in value]
            if all(isinstance(name, str) for name in names) and len(set(names)) == len(names):
                return {
                    name: named({k: v for k, v in item.items() if k != key})
                    for name, item in zip(names, value, strict=True)
                }
    return value


def _differences(old: Any, new: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """Yield (path, before, after) of each place that differs; what is gone or new stands as a whole."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            yield from _differences(old.get(key), new.get(key), (*path, key))
    elif old != new or type(old) is not type(new):
        yield path, old, new


def _way(kind: str, path: tuple[str, ...]) -> Way | None:
    frame = FRAME.get("/".join(path[:2]))
    if frame is not None or path[0] != "params":
        return frame
    return looser(kind, path[1:])


def _sort(way: Way | None, old: Any, new: Any) -> str | None:
    """Return whether a change is looser ("loosened"), can't be told ("changed"), or is neither."""
    if way == DERIVED:
        return None
    if way == PRESENT:
        return "loosened" if new is None else None
    if isinstance(way, tuple):
        ranks = [way.index(word) if word in way else None for word in (old, new)]
        if ranks[0] is None or ranks[1] is None:
            return "changed"
        return "loosened" if ranks[1] > ranks[0] else None
    if old is None or new is None:
        # Something more is asked, or something less.
        return "loosened" if (old is None) == (way == SLACK) else None
    if way in (FLOOR, CEILING, SLACK):
        return _numbers(old, new, up=way != FLOOR)
    if way in (DEMANDED, ALLOWED):
        return _sets(old, new, more=way == ALLOWED)
    return "changed"


def _numbers(old: Any, new: Any, *, up: bool) -> str | None:
    left, right = _comparable(old), _comparable(new)
    if left is None or right is None or isinstance(left, str) is not isinstance(right, str):
        return "changed"
    higher: bool = right > left  # type: ignore[operator]  # both are text, or both are numbers
    return "loosened" if higher == up and left != right else None


def _comparable(value: Any) -> float | str | None:
    """Return a number, a duration in seconds, or an ISO date, which sorts as time does."""
    if type(value) in (int, float):
        return float(value)
    if not isinstance(value, str):
        return None
    duration = _DURATION.fullmatch(value)
    if duration:
        return float(int(duration[1]) * _SECONDS[duration[2]])
    return value if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]+Z?)?", value) else None


def _sets(old: Any, new: Any, *, more: bool) -> str | None:
    if isinstance(old, bool) and isinstance(new, bool):
        return "loosened" if new is more else None
    if not (isinstance(old, (list, dict)) and isinstance(new, (list, dict))):
        return "changed"
    left, right = set(map(json.dumps, old)), set(map(json.dumps, new))
    return "loosened" if (right - left if more else left - right) else None


def _items(old: Any, new: Any) -> tuple[Any, Any]:
    """Return two values as they are reported; of two lists, what only one of them has."""
    if isinstance(old, list) and isinstance(new, list):
        return [item for item in old if item not in new], [item for item in new if item not in old]
    return old, new


def _told(kind: str, path: tuple[str, ...], value: Any) -> Any:
    """Return what is told of a value: of a check its limit, of a mapping nothing that follows from the rest."""
    if not isinstance(value, dict):
        return value
    if "limit" in value:
        return value["limit"]
    return {key: inner for key, inner in value.items() if _way(kind, (*path, key)) != DERIVED}


def _waiver(id: str, old: Any, new: Any) -> Iterator[Loosened]:
    until = [one.get("until") if isinstance(one, dict) else None for one in (old, new)]
    if until[1] is not None and (until[0] is None or str(until[1]) > str(until[0])):
        yield Loosened(id, "loosened", "waive.until", *until)


def _place(path: Sequence[str]) -> str:
    """Return a place as a reader of the spec knows it: `roc_auc.min`, `income.max_nulls`, `rows.min`."""
    steps = list(path[1:] if path[0] == "params" and len(path) > 1 else path)
    if steps[0] in ("metrics", "checks") and len(steps) > 1:
        steps = steps[1:]
    return ".".join(steps[:-1] if steps[-1] == "limit" and len(steps) > 1 else steps)


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def limits(document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield (place, value) of what a gate's parameters ask for: floors, ceilings, what must or may be there, what is forgiven."""
    for path, value in _leaves(named(document["params"]), ()):
        way = looser(document["kind"], path)
        if (
            (way in (FLOOR, CEILING, ALLOWED, DEMANDED) or (way == SLACK and value))
            and value is not None
            and type(value) is not bool
            and value != []
        ):
            yield _place(("params", *path)), value


def _leaves(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if not isinstance(value, dict):
        yield path, value
        return
    for key, inner in value.items():
        yield from _leaves(inner, (*path, key))
