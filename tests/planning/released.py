"""Broken specs about what a release runs."""

from __future__ import annotations

from tests.planning.case import Case

STORE = "store: {uri: stored/}\n"
REST = """environments: {production: {}}
jobs:
  train: {run: make, writes: [model, data]}
  use: {run: make, reads: [champion]}
releases:
  production: {①deploys: [model, data], run: ship, rollback: none}
"""
UNMARKED = REST.replace("①", "")


def spec(champion: str, rest: str = UNMARKED, store: str = STORE) -> str:
    """Return a spec with an artifact that is what a release runs."""
    return (
        store
        + "artifacts:\n  model: {kind: model, path: build/model/}\n  data: {kind: data, path: build/data.csv}\n  "
        + champion
        + "\n"
        + rest
    )


CHAMPION = "champion: {kind: model, path: build/champion/, from: {release: production}, first: none}"
RELEASED = (
    Case(
        "a champion without a store", spec(CHAMPION.replace("release:", "◆release:"), store=""),
        "no-store", "what a release runs is kept in the store, and the spec has none",
        help='add `store: {uri: "s3://BUCKET/PREFIX"}` at the top',
    ),
    Case(
        "a champion of no release", spec(CHAMPION.replace("production", "◆produktion")),
        "unknown-release", "there is no release 'produktion'", help="did you mean 'production'?",
    ),
    Case(
        "a champion that doesn't say what holds at first", spec("◆" + CHAMPION.replace(", first: none", "")),
        "no-first", "at first the release 'production' runs nothing, and 'champion' doesn't say what holds then",
        help="add `first: none`: until it runs something, who reads it finds nothing, and gates that compare with it pass and "
        "say so",
    ),
    Case(
        "a champion with keys of a fetch", spec(CHAMPION.replace("production}", "production, ◆timeout: 5m}")),
        "bad-origin", "no node fetches 'champion', since its readers do, so that `timeout` means nothing", help="take it out",
    ),
    Case(
        "a champion of the base", spec(CHAMPION.replace("first", "◆at: base, first")),
        "bad-origin", "'champion' is what a release runs, and the store keeps it: `at` means nothing", help="take it out",
    ),
    Case(
        "a champion that goes to the store again", spec(CHAMPION.replace("first", "◆store: true, first")),
        "bad-origin", "'champion' is what a release runs, and the store keeps it: `store` means nothing", help="take it out",
    ),
    Case(
        "a champion that a job writes", spec(
            CHAMPION.replace("from", "①from"), UNMARKED.replace("writes: [model", "◆writes: [champion, model"),
        ),
        "two-writers", "'champion' is what a release runs, so that 'train' can't write it", ("the release",),
        help="let it write an artifact of its own",
    ),
    Case(
        "a champion of what isn't deployed", spec(CHAMPION.replace("production", "production, artifact: ◆champion"), REST),
        "unknown-artifact", "the release 'production' deploys no 'champion'", ("what it deploys",),
        help="it deploys model, data",
    ),
    Case(
        "a champion of two that are deployed", spec(
            "other: {kind: model, path: build/other/}\n  " + CHAMPION.replace("production", "◆production"),
            REST.replace("data]", "other]"),
        ),
        "ambiguous-release", "the release 'production' deploys 2 artifacts of kind model", ("what it deploys",),
        help="say which: add `artifact: model`; it deploys model, other",
    ),
    Case(
        "a champion of a kind that isn't deployed",
        spec(CHAMPION.replace("kind: model", "kind: file").replace("production", "◆production"), REST),
        "ambiguous-release", "the release 'production' deploys no artifact of kind file", ("what it deploys",),
        help="it deploys model, data: say the same `kind`, or which under `artifact`",
    ),
    Case(
        "a champion of another kind", spec(
            CHAMPION.replace("kind: model", "kind: ◆file").replace("production", "production, artifact: model"),
        ).replace("  model: {", "  ①model: {"),
        "bad-origin", "'champion' is of kind file, and 'model' of kind model", ("what is deployed",), help="write `kind: model`",
    ),
    Case(
        "a folder as a file", spec(CHAMPION.replace("build/champion/", "◆build/champion")).replace("  model: {", "  ①model: {"),
        "bad-path", "'model' is a folder, and ends in '/': so is 'champion'", ("what is deployed",),
    ),
    Case(
        "a champion at the candidate's path",
        spec(CHAMPION.replace("build/champion/", "◆build/model/")).replace("  model: {", "  ①model: {"),
        "bad-path", "'champion' and 'model' would lie at the same path", ("what is deployed",),
        help="give it a path of its own, such as build/champion/",
    ),
    Case(
        "a champion that lies at several paths",
        spec(
            "①code: {kind: code, path: [src/, x.py]}\n  "
            + CHAMPION.replace("kind: model", "kind: code").replace("from", "◆from"),
            UNMARKED.replace("deploys: [model, data]", "deploys: [code]"),
        ),
        "bad-origin", "'code' doesn't lie at one path, so that it can't be kept as what a release runs", ("what is deployed",),
        help="deploy a file or a folder",
    ),
    Case(
        "an artifact of no release", STORE + "artifacts: {a: {kind: data, path: a, from: {command: make, ◆artifact: b}}}\n"
        "jobs: {use: {run: make, reads: [a]}}\n",
        "bad-origin", "`artifact` names what a release runs, and this comes from none",
        help="add `release: ID`, or take it out",
    ),
    Case(
        "what a job always writes",
        "artifacts: {a: {kind: data, path: a, ◆first: none}}\njobs: {①fit: {run: make, writes: [a]}}\n",
        "bad-first", "'a' has to be there: 'fit', which writes it, takes nothing that may be absent", ("its writer",),
        help="`first: none` is for what a release runs (`from: {release: …}`), and for what a job makes from that",
    ),
    Case(
        "what is committed", "artifacts: {a: {kind: data, path: a, ◆first: none}}\njobs: {fit: {run: make, reads: [a]}}\n",
        "bad-first", "'a' has to be there: nothing writes it",
        help="`first: none` is for what a release runs (`from: {release: …}`), and for what a job makes from that",
    ),
    Case(
        "a release of what may be absent",
        spec(
            CHAMPION.replace("first", "①first"),
            UNMARKED + "  again: {environment: production, deploys: [◆champion], run: x, rollback: none}\n",
        ),
        "bad-first", "'again' deploys 'champion', which may be absent", ("it says so",),
        help="deploy what a job writes in any case",
    ),
)  # fmt: skip
