"""The ML Test Score that a spec reaches: which of the rubric's 28 tests its gates run, and who runs them.

Breck, Cai, Nielsen, Salib and Sculley, "The ML Test Score: A Rubric for ML Production Readiness and Technical Debt
Reduction", IEEE Big Data 2017. A test that is done by hand, with its result on record, is worth half a point; one that
runs by itself, again and again, a whole one. A section's score is the sum of its seven, the final one the least of the
four sections. The words here are mlcc's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mlcc.gates import GATES
from mlcc.gates.evidence.compile import TOPICS
from mlcc.plan import Gate, Node, NodeKind, Plan
from mlcc.record import record
from mlcc.today import today

if TYPE_CHECKING:
    from mlcc.compiler import Analysis
    from mlcc.spec.models import Spec

SECTIONS: Mapping[str, tuple[str, ...]] = {
    "data": (
        "What is expected of every feature is written down and checked.",
        "Every feature is worth having.",
        "No feature costs more than it brings.",
        "Features keep to the rules for them, such as those on personal data.",
        "The data pipeline keeps private data private.",
        "A new feature can be added quickly.",
        "The code that makes features is tested.",
    ),
    "model": (
        "Every model's code is reviewed and committed.",
        "The metrics offline go with the effect online.",
        "The hyperparameters have been tuned.",
        "It is known what an old model costs.",
        "A simpler model isn't as good.",
        "The model is good enough on every slice that matters.",
        "The model treats groups of people alike.",
    ),
    "infrastructure": (
        "Training can be reproduced.",
        "The model's code has unit tests.",
        "The whole pipeline is tested together.",
        "A model's quality is judged before it serves.",
        "A single prediction can be traced step by step.",
        "A model meets a little traffic before all of it.",
        "A model can be rolled back quickly and safely.",
    ),
    "monitoring": (
        "A change of a dependency is noticed.",
        "What holds for the training data holds for what is served.",
        "Features are the same in training and in serving.",
        "The model isn't too old.",
        "No NaN or infinity appears in training or serving.",
        "Speed, latency and memory haven't got worse.",
        "The quality of predictions on live data hasn't got worse.",
    ),
}
"""Section -> its seven tests; the first of `data` is D1."""
_UNDOING = ("I7",)
_LETTERS = {"data": "D", "model": "M", "infrastructure": "I", "monitoring": "O"}
_LEVELS = (
    (0, "untested: research rather than a product"),
    (1, "not untested, and likely to have serious holes"),
    (2, "a first pass at production; more is needed"),
    (3, "reasonably tested; more could run by itself"),
    (5, "strongly tested, fit for what is critical"),
    (7, "exceptionally tested"),
)


@record
class Item:
    """One test of the rubric: its id, points (0, 0.5 or 1), the gates that run it, and the kinds that could."""

    id: str
    title: str
    points: float
    gates: tuple[str, ...]
    kinds: tuple[str, ...]


@record
class Score:
    """The score of a pipeline: section -> its tests."""

    name: str
    sections: Mapping[str, tuple[Item, ...]]

    @property
    def points(self) -> dict[str, float]:
        """The points of each section, of 7."""
        return {name: sum(item.points for item in items) for name, items in self.sections.items()}

    @property
    def total(self) -> float:
        """The final score: the least of the sections."""
        return min(self.points.values())

    @property
    def level(self) -> str:
        """What the final score means, in words."""
        return next(words for most, words in _LEVELS if self.total <= most)


def score(analysis: Analysis, day: str | None = None) -> Score:
    """Return the score of a spec; a gate that is waived on a `day` (by default today) runs no test."""
    plan = analysis.plan
    automatic = _automatic(plan)
    found: dict[str, list[tuple[str, float]]] = {}
    for node in plan.nodes.values():
        gate = node.gate
        if gate is not None and (day or today()) <= dict(gate.waiver).get("until", ""):
            continue
        # A record says what was done by hand, whoever looks for it.
        by_itself = node.id in automatic and (gate is None or gate.kind != "evidence")
        for id in _run_by(node, analysis.spec):
            found.setdefault(id, []).append((node.id, 1.0 if by_itself else 0.5))
    return Score(plan.name, {section: tuple(_items(section, found)) for section in SECTIONS})


def _items(section: str, found: Mapping[str, list[tuple[str, float]]]) -> Iterator[Item]:
    for number, title in enumerate(SECTIONS[section], 1):
        id = f"{_LETTERS[section]}{number}"
        runs = found.get(id, [])
        yield Item(
            id,
            title,
            max((points for _, points in runs), default=0.0),
            tuple(gate for gate, _ in runs),
            _kinds(id),
        )


def _automatic(plan: Plan) -> frozenset[str]:
    """Return the nodes that something else than a form starts."""
    from mlcc.lint.reach import reach

    return frozenset().union(*(found for event, found in reach(plan) if event.kind != "manual"))


def _run_by(node: Node, spec: Spec) -> tuple[str, ...]:
    """Return the tests that a node runs: a gate, a step of a canary, or what undoes a release."""
    if isinstance(node.work, Gate):
        return _covers(node.work.kind, getattr(spec.gates[node.id], node.work.kind))
    if node.gate is not None:
        return GATES[node.gate.kind].covers
    return _UNDOING if node.kind is NodeKind.ROLLBACK else ()


def _covers(kind: str, params: Any) -> tuple[str, ...]:
    topic = getattr(params, "topic", None)
    return TOPICS.get(topic, ()) if kind == "evidence" and topic is not None else GATES[kind].covered(params)


def _kinds(id: str) -> tuple[str, ...]:
    """Return the kinds of gates that cover a test, `evidence` with its topic."""
    kinds = [kind.name for kind in GATES.values() if kind.name != "evidence" and id in kind.covers]
    topics = [topic for topic, ids in TOPICS.items() if id in ids]
    return (*kinds, *(f"evidence ({topic})" for topic in topics))


def as_text(found: Score) -> str:
    """Return a score as text: each section, each test with the gates that run it or the kinds that could."""
    lines = [f"ML Test Score of {found.name}: {found.total:g} of 7, {found.level}"]
    lines.append("(the least of four sections; a test by hand counts half, one that runs by itself whole)")
    for section, items in found.sections.items():
        lines += ["", f"{section}: {found.points[section]:g} of 7"]
        for item in items:
            could = f"could be: {', '.join(item.kinds)}" if item.kinds else "no kind of gate covers it yet"
            lines.append(f"  {item.id}  {item.points:<3g}  {item.title}  [{', '.join(item.gates) or could}]")
    return "\n".join(lines) + "\n"


def as_json(found: Score) -> dict[str, Any]:
    """Return a score as JSON values."""
    sections = {
        section: {
            "points": found.points[section],
            "tests": [
                {
                    "id": i.id,
                    "title": i.title,
                    "points": i.points,
                    "gates": list(i.gates),
                    "kinds": list(i.kinds),
                }
                for i in items
            ],
        }
        for section, items in found.sections.items()
    }
    return {"name": found.name, "score": found.total, "level": found.level, "sections": sections}
