"""Past canaries, judged again: by other thresholds, and their control against itself."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mlcc.diagnostics import MlccError, OutputError, SpecError, error
from mlcc.gates._records import GateError, verdict_of
from mlcc.gates._shares import wilson
from mlcc.gates._strict import parse_json, read_bytes
from mlcc.gates.canary.analysis import alarms, check_counters, concluded, judge_history, more_would_tell
from mlcc.gates.canary.observe import KEPT, STATED
from mlcc.gates.canary.runtime import check_params
from mlcc.gates.canary.snapshots import Arm, History, Snapshot, parse_lines, snapshot_of
from mlcc.record import record
from mlcc.render_diagnostics import escaped

_MOST_BYTES = 64 << 20
_JUDGE = ("alpha", "min_bad", "min_requests", "fail_after", "max_extend")
_WHOLE = ("min_bad", "min_requests", "fail_after")
_RATE = ("max", "worse_than_control")
_SMALL = 32
_Z = 1.959964
Params = dict[str, Any]


@record
class Release:
    """A canary that a gate has judged: its snapshots, what they were judged by, and the verdict (None: none is kept).

    `name` is the way to its folder; `died` says that the candidate no longer answered, which no threshold changes.
    """

    name: str
    gate: str
    params: Params
    snapshots: tuple[Snapshot, ...]
    verdict: str | None
    died: str | None = None


@record
class Replay:
    """How a release ends: its verdict, the look that decided (from 1), its seconds since the first, and the summary."""

    verdict: str
    look: int
    seconds: float
    summary: str


def releases(folder: Path) -> list[Release]:
    """Return the releases whose snapshots lie in a folder or below it, sorted by name. Raises SpecError and OutputError."""
    found = [_release(path, folder) for path in sorted(folder.rglob(KEPT))]
    if not found:
        raise _refused(f"there are no snapshots of a canary ({KEPT}) in {folder} or below it")
    return found


def _release(path: Path, folder: Path) -> Release:
    try:
        stated = parse_json(_text(path.with_name(STATED)), STATED)
        if not isinstance(stated, dict) or not isinstance(stated.get("params"), dict):
            raise GateError(f"{STATED} holds no parameters")
        params = check_params(stated["params"])
        values = parse_lines(_text(path), KEPT)
        snapshots = tuple(
            snapshot_of(value, params["weight"] / 100, f"{KEPT}, snapshot {i + 1}")
            for i, value in enumerate(values)
        )
    except GateError as problem:
        raise OutputError([error("cannot-read", f"{path.parent}: {problem}", None)]) from None
    name = path.parent.relative_to(folder).as_posix()
    verdict, died = _recorded(path.with_name("verdict.json"))
    return Release(name, str(stated.get("gate")), params, snapshots, verdict, died)


def _text(path: Path) -> str:
    try:
        return read_bytes(str(path), _MOST_BYTES).decode("utf-8")
    except UnicodeDecodeError:
        raise GateError(f"{path.name} is not UTF-8") from None


def _recorded(path: Path) -> tuple[str | None, str | None]:
    """Return the verdict that a gate left, and why the candidate is dead; each None where that isn't told."""
    try:
        found = json.loads(_text(path))
        verdict = found.get("verdict")
        died = [
            check["message"]
            for check in found.get("checks", ())
            if (check["id"], check["verdict"]) == ("liveness", "fail")
        ]
    except (GateError, ValueError, AttributeError, TypeError, KeyError):
        return None, None
    sound = verdict if verdict in ("pass", "fail", "error", "inconclusive") else None
    return sound, f"{died[0]}." if died else None


def _refused(message: str, help: str | None = None) -> MlccError:
    return SpecError([error("bad-call", message, None, help=help)])


def with_thresholds(params: Params, settings: Iterable[str]) -> Params:
    """Return parameters with others: alpha=0.01, min_bad=5, max_extend=2, METRIC.max=0.02, METRIC.worse_than_control=2.

    Raises SpecError for what is no threshold, or has no such value.
    """
    changed: Params = json.loads(json.dumps(params))
    rates = {rate["id"]: rate for rate in changed["rates"]}
    names = [*_JUDGE, *(f"{id}.{key}" for id in rates for key in _RATE)]
    for setting in settings:
        name, _, text = setting.partition("=")
        if name not in names:
            raise _refused(f"'{name}' is no threshold of this canary", f"there are {', '.join(names)}")
        try:
            value = int(text) if name in _WHOLE else float(text)
        except ValueError:
            raise _refused(f"'{setting}' gives no number", f"write {name}=NUMBER") from None
        id, _, key = name.rpartition(".")
        (rates[id] if id else changed)[key] = value
    try:
        return check_params(changed)
    except GateError:
        raise _refused(f"the thresholds {', '.join(settings)} are out of their range") from None


def replayed(
    params: Params, snapshots: Sequence[Snapshot], died: str | None = None, *, extended: bool = False
) -> Replay:
    """Judge a release as a gate that watched would have: until the first look that fails, or by the last one.

    Where its time was `extended`, or is by the new parameters, it ends where they say. Where the candidate `died`, that is what
    ends it after the last look.
    """
    history = History(params["from_zero"])
    look, seconds = 0, 0.0
    verdict = verdict_of([])
    try:
        for snapshot in snapshots:
            history.add(snapshot)
            look, seconds = look + 1, snapshot.time - snapshots[0].time
            checks = judge_history(params, history)
            verdict = concluded(checks, first_look=params.get("first_look", False))
            if any(check.verdict == "fail" for check in checks):
                break
            after = seconds + params["every"]
            if extended and (
                after > params["bake"] * params["max_extend"]
                or (after > params["bake"] and not more_would_tell(params, history.steps, checks))
            ):
                break
        else:
            if died is not None:
                return Replay("fail", look, seconds, died)
    except GateError as problem:
        return Replay("error", look + 1, seconds, f"{problem}.")
    return Replay(verdict.verdict, look, seconds, verdict.summary)


def false_alarms(params: Params, snapshots: Sequence[Snapshot], repetitions: int, seed: int) -> Counter[str]:
    """Return how often each check raises an alarm when the control is held against itself, and `any` how often one does.

    Each request of the control goes to a made-up candidate with the chance that the weight was, and the rest stays: counts are
    thinned binomially, look by look, and judged at every look. Raises GateError where the snapshots make no history.
    """
    history = History(params["from_zero"])
    for snapshot in snapshots:
        history.add(snapshot)
    check_counters(params, history)
    draw = random.Random(seed)  # noqa: S311 - a simulation, which is to be repeatable
    found: Counter[str] = Counter()
    for _ in range(repetitions):
        raised: set[str] = set()
        drawn = History()
        for snapshot in _against_itself(snapshots, draw):
            drawn.add(snapshot)
            raised.update(alarms(params, drawn.steps))
        found.update(raised)
        found["any"] += bool(raised)
    return found


def _against_itself(snapshots: Sequence[Snapshot], draw: random.Random) -> Iterator[Snapshot]:
    """Yield snapshots of the control's requests, divided by chance into a candidate and a control."""
    arms = [_nothing(snapshots[0].arms[1]) for _ in (0, 1)]
    last = snapshots[0]
    for snapshot in snapshots:
        arms = _divided(arms, snapshot.arms[1], last.arms[1], snapshot.weight, draw)
        yield Snapshot(snapshot.time, snapshot.weight, arms, snapshot.edges)
        last = snapshot


def _nothing(arm: Arm) -> Arm:
    return Arm(dict.fromkeys(arm.counts, 0), {name: [0] * len(cells) for name, cells in arm.cells.items()})


def _divided(arms: Sequence[Arm], new: Arm, old: Arm, weight: float, draw: random.Random) -> list[Arm]:
    """Return both arms with what the control counted between two snapshots added."""
    counts: list[dict[str, int]] = [{}, {}]
    cells: list[dict[str, list[int]]] = [{}, {}]
    for key, count in new.counts.items():
        for i, part in enumerate(_parts(count - old.counts[key], weight, draw)):
            counts[i][key] = arms[i].counts[key] + part
    for name, counted in new.cells.items():
        pairs = [_parts(x - y, weight, draw) for x, y in zip(counted, old.cells[name], strict=True)]
        for i in (0, 1):
            cells[i][name] = [x + pair[i] for x, pair in zip(arms[i].cells[name], pairs, strict=True)]
    for i in (0, 1):  # counters are divided one by one: of very few requests, more may be bad than there are
        counts[i]["n"] = max(counts[i].values())
    return [Arm(counts[i], cells[i]) for i in (0, 1)]


def _parts(count: int, weight: float, draw: random.Random) -> tuple[int, int]:
    part = binomial(draw, count, weight)
    return part, count - part


def binomial(draw: random.Random, n: int, p: float) -> int:
    """Return a binomial variable, 0 <= p <= 1.

    Large n are halved by the median of n uniform variables, which is a beta variable (Relles 1972, "A simple algorithm for
    generating binomial random variables when N is large").
    """
    found = 0
    while n > _SMALL:
        middle = (n + 1) // 2
        median = draw.betavariate(middle, n + 1 - middle)
        if median <= p:
            found += middle
            n, p = n - middle, (p - median) / (1 - median)
        else:
            n, p = middle - 1, p / median
    return found + sum(draw.random() < p for _ in range(n))


def replay_rows(found: Sequence[Release], others: Mapping[str, Params]) -> list[dict[str, Any]]:
    """Return for each release how it ended, how it ends by its own thresholds, and by the others (name to parameters)."""
    rows = []
    for release in found:
        both = (release.params, others[release.name])
        extended = any(params["max_extend"] > 1 for params in both)
        own, new = (replayed(params, release.snapshots, release.died, extended=extended) for params in both)
        last = release.snapshots[-1]
        rows.append(
            {
                "release": release.name,
                "gate": release.gate,
                "looks": len(release.snapshots),
                "requests": last.arms[0].n - release.snapshots[0].arms[0].n,
                "recorded": release.verdict,
                "then": _plain(own),
                "now": _plain(new),
            }
        )
    return rows


def _plain(replay: Replay) -> dict[str, Any]:
    return {
        "verdict": replay.verdict,
        "look": replay.look,
        "seconds": replay.seconds,
        "summary": replay.summary,
    }


def replay_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return replays as a table, and below it why those ended that ended otherwise."""
    cells = [
        (
            row["release"],
            str(row["looks"]),
            f"{row['requests']:,}",
            row["recorded"] or "-",
            _ending(row["then"]),
            _ending(row["now"]),
        )
        for row in rows
    ]
    text = _table(("release", "looks", "requests", "recorded", "by its own", "by these"), cells)
    changed = [row for row in rows if row["now"]["verdict"] != row["then"]["verdict"]]
    return text + "".join(f"\n{row['release']}: {escaped(row['now']['summary'])}\n" for row in changed)


def _ending(replay: Mapping[str, Any]) -> str:
    return f"{replay['verdict']} after {replay['seconds']:.0f} s"


def aa_rows(
    found: Sequence[Release], others: Mapping[str, Params], repetitions: int, seed: int
) -> list[dict[str, Any]]:
    """Return for each release the share of simulated ones with an alarm, its bounds (95 %), and how often each check raised one.

    What was watched without a control is left out. Raises OutputError where a release's snapshots make no history, SpecError
    where all are left out.
    """
    rows = []
    compared = [release for release in found if release.params["weight"] < 100]
    if not compared:
        raise _refused("there was no control beside any of these releases, to be held against itself")
    for release in compared:
        params = others[release.name]
        try:
            counts = false_alarms(params, release.snapshots, repetitions, seed)
        except GateError as problem:
            raise OutputError([error("cannot-read", f"{release.name}: {problem}", None)]) from None
        lower, upper = wilson(counts["any"], repetitions, _Z)
        rows.append(
            {
                "release": release.name,
                "gate": release.gate,
                "looks": len(release.snapshots),
                "repetitions": repetitions,
                "rate": counts.pop("any") / repetitions,
                "lower": lower,
                "upper": upper,
                "alpha": params["alpha"],
                "checks": {id: count / repetitions for id, count in sorted(counts.items())},
            }
        )
    return rows


def aa_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return false alarms as a table."""
    cells = [
        (
            row["release"],
            str(row["looks"]),
            f"{100 * row['rate']:.2f} %",
            f"{100 * row['lower']:.2f} to {100 * row['upper']:.2f} %",
            f"{100 * row['alpha']:g} %",
            ", ".join(f"{escaped(id)} {100 * share:.2f} %" for id, share in row["checks"].items()) or "-",
        )
        for row in rows
    ]
    return _table(("release", "looks", "false alarms", "95 % interval", "alpha", "by check"), cells)


def as_json(name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as a JSON document."""
    return json.dumps({"version": 1, name: rows}, indent=2) + "\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, *([escaped(cell) for cell in row] for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() + "\n"
        for line in lines
    )
