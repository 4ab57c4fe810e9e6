"""Broken specs. ◆ stands where the diagnostic must point, ① ② … where its other ends must."""

from __future__ import annotations

from tests.planning.case import Case
from tests.planning.images import IMAGES
from tests.planning.objects import OBJECTS
from tests.planning.params import PARAMS, PROFILES
from tests.planning.registries import REGISTRIES
from tests.planning.released import RELEASED
from tests.planning.releases import RELEASES
from tests.planning.remote import REMOTE
from tests.planning.stored import STORED
from tests.planning.tables import TABLES
from tests.plans import HEAD

ARTIFACTS = """artifacts:
  code: {kind: code, path: src/}
  data: {kind: data, path: data.csv}
  model: {kind: model, path: model.bin}
  scored: {kind: data, path: scored.json}
"""
ONE_JOB = "jobs:\n  train: {run: make, writes: [model]}\n"
GATE = "  unit: {guards: code, command: {run: pytest}}\n"

REFERENCES = (
    Case(
        "unknown artifact, with a close one",
        ARTIFACTS + "jobs:\n  train: {run: make, reads: [code, ◆dat], writes: [model]}\n",
        "unknown-artifact", "there is no artifact 'dat'", help="did you mean 'data'?",
    ),
    Case(
        "unknown artifact of a gate's parameters is one mistake",
        ARTIFACTS + ONE_JOB + "gates:\n  ok: {guards: model, evaluate: {metrics_from: ◆score, metrics: {f1: {min: 0.1}}}}\n",
        "unknown-artifact", "there is no artifact 'score'", help="did you mean 'scored'?",
    ),
    Case(
        "unknown artifact in writes, nothing close",
        ARTIFACTS + "jobs:\n  train: {run: make, writes: [◆weights-of-nobody]}\n",
        "unknown-artifact", "there is no artifact 'weights-of-nobody'", help="known: code, data, model, scored",
    ),
    Case(
        "unknown artifact in evaluates",
        ARTIFACTS + "jobs:\n  score: {run: make, evaluates: [◆modl], writes: [scored]}\n",
        "unknown-artifact", "there is no artifact 'modl'", help="did you mean 'model'?",
    ),
    Case(
        "a gate guards nothing",
        ARTIFACTS + "gates:\n  unit: {guards: ◆cod, command: {run: pytest}}\n",
        "unknown-artifact", "there is no artifact 'cod'", help="did you mean 'code'?",
    ),
    Case(
        "unknown node in needs",
        "jobs:\n  lint: {run: ruff}\n  train: {run: make, needs: [◆lnt]}\n",
        "unknown-node", "there is no node 'lnt'", help="did you mean 'lint'?",
    ),
    Case(
        "unknown runner",
        "runners: {gpu: {github: [self-hosted]}}\njobs:\n  train: {run: make, runner: ◆gpus}\n",
        "unknown-runner", "there is no runner 'gpus'", help="did you mean 'gpu'?",
    ),
    Case(
        "unknown runner in defaults",
        "defaults: {runner: ◆gpu}\njobs:\n  train: {run: make}\n",
        "unknown-runner", "there is no runner 'gpu'", help="known: none is defined",
    ),
    Case(
        "unknown runner on a leg",
        "runners: {gpu: {github: [self-hosted]}}\njobs:\n  train:\n    run: make\n    runner: {matrix: pool}\n"
        "    matrix: ◆{axes: {pool: [gpu, tpu]}}\n",
        "unknown-runner", "there is no runner 'tpu'", help="did you mean 'gpu'?",
    ),
    Case(
        "unknown environment",
        "environments: {staging: {}}\njobs:\n  train: {run: make, environment: ◆stagin}\n",
        "unknown-environment", "there is no environment 'stagin'", help="did you mean 'staging'?",
    ),
    Case(
        "auth that isn't set up",
        "jobs:\n  train: {run: make, auth: [◆aws]}\n",
        "unknown-auth", "'aws' isn't set up under `auth`", help="add `auth: {aws: …}` at the top",
    ),
    Case(
        "unknown axis in env",
        "jobs:\n  train:\n    run: make\n    matrix: {axes: {seed: [1, 2]}}\n    env: {S: ◆{matrix: sed}}\n",
        "unknown-axis", "there is no axis 'sed'", help="did you mean 'seed'?",
    ),
    Case(
        "unknown axis for python",
        "jobs:\n  train:\n    run: make\n    matrix: {axes: {py: ['3.12']}}\n    python: {matrix: ◆python}\n",
        "unknown-axis", "there is no axis 'python'", help="known: py",
    ),
    Case(
        "unknown input",
        "jobs:\n  train: {run: make, env: {RATE: ◆{input: rate}}}\n",
        "unknown-input", "there is no input 'rate'", help="known: none is defined",
    ),
    Case(
        "unknown input in a condition",
        "jobs:\n  train: {run: make, when: {input: {mode: ◆full}}}\n",
        "unknown-input", "there is no input 'mode'", help="did you mean 'node'?",
        head="version: 1\nname: p\ntriggers: {manual: {go: {inputs: {node: {type: string}}}}}\n",
    ),
    Case(
        "unknown trigger",
        "jobs:\n  train: {run: make, when: {trigger: ◆weekli}}\n",
        "unknown-trigger", "there is no trigger 'weekli'", help="did you mean 'weekly'?",
        head="version: 1\nname: p\ntriggers: {schedule: {weekly: '17 3 * * 1'}}\n",
    ),
    Case(
        "unknown gate in a condition",
        ARTIFACTS + "jobs:\n  train: {run: make, when: {gate: ◆drift, verdict: fail}}\ngates:\n" + GATE,
        "unknown-gate", "there is no gate 'drift'", help="known: unit",
    ),
    Case(
        "a job isn't a gate whose verdict can be named",
        "jobs:\n  lint: {run: ruff}\n  train: {run: make, when: {gate: ◆lint, verdict: fail}}\n",
        "unknown-gate", "there is no gate 'lint'", help="known: none is defined",
    ),
    Case(
        "unknown output",
        "jobs:\n  train: {run: make, outputs: [EPOCH]}\n  next: {run: make, env: ◆{E: {output: train.EPOC}}}\n",
        "unknown-output", "there is no output 'train.EPOC'", help="did you mean 'train.EPOCH'?",
    ),
    Case(
        "an output of a matrix",
        "jobs:\n  train: {run: make, outputs: [EPOCH], matrix: {axes: {seed: [1, 2]}}}\n"
        "  next: {run: make, env: ◆{E: {output: train.EPOCH}}}\n",
        "matrix-output", "'train' runs once per leg, so it has no single output", help="pass the values in an artifact",
    ),
)  # fmt: skip

GRAPH = (
    Case(
        "two writers",
        ARTIFACTS.replace("  model:", "  ②model:")
        + "jobs:\n  ①train: {run: make, writes: [model]}\n  again: {run: make, writes: [◆model]}\n",
        "two-writers", "'model' is written by 'train' and by 'again'",
        others=("the other writer", "the artifact"), help="give one of them an artifact of its own",
    ),
    Case(
        "a fetch and a job write the same",
        "artifacts:\n  ②raw: {kind: data, path: raw.csv, ①from: {command: fetch}}\n"
        "jobs:\n  make-raw: {run: make, writes: [◆raw]}\n",
        "two-writers", "'raw' is written by 'fetch-raw' and by 'make-raw'",
        others=("the other writer", "the artifact"), help="give one of them an artifact of its own",
    ),
    Case(
        "a job reads what it writes",
        ARTIFACTS + "jobs:\n  ◆train: {run: make, reads: [model], writes: [model]}\n",
        "cycle",
        "the nodes wait for one another: train -> train; 'train' takes 'model', which 'train' writes",
        help="write one of the artifacts in a node of its own",
    ),
    Case(
        "two jobs need each other",
        "jobs:\n  ①first: {run: make, needs: [second]}\n  ◆second: {run: make, needs: [first]}\n",
        "cycle",
        "the nodes wait for one another: first -> second -> first; 'second' needs 'first'",
        others=("'first' needs 'second'",), help="remove 'first' from the `needs` of 'second'",
    ),
    Case(
        "a gate judges what its reader measures",
        ARTIFACTS
        + "jobs:\n  train: {run: make, reads: [code], writes: [model]}\n"
        + "  ①score: {run: make, reads: [model], writes: [scored]}\n"
        + "gates:\n  ◆floor: {guards: model, evaluate: {metrics_from: scored, metrics: {auc: {min: 0.7}}}}\n",
        "cycle",
        "the nodes wait for one another: score -> floor -> score; 'floor' takes 'scored', which 'score' writes",
        others=("'score' reads 'model', which the gate 'floor' guards",),
        help="if 'score' measures 'model' for its gate, list it under `evaluates` instead of `reads`",
    ),
    Case(
        "through a verdict",
        ARTIFACTS
        + "jobs:\n  ①train: {run: make, writes: [model], when: {gate: drift, verdict: fail}}\n"
        + "gates:\n  ◆drift: {guards: model, blocking: false, command: {run: drift}}\n",
        "cycle",
        "the nodes wait for one another: train -> drift -> train; 'drift' takes 'model', which 'train' writes",
        others=("'train' waits for the verdict of 'drift'",),
        help="write one of the artifacts in a node of its own",
    ),
    Case(
        "read, but neither written nor committed",
        ARTIFACTS.replace("path: data.csv", "path: ◆data.csv") + "jobs:\n  train: {run: make, reads: [data], writes: [model]}\n",
        "no-writer", "'data' is neither committed nor written: nothing is at 'data.csv'",
        help="commit the file, add 'data' to the `writes` of a job, or say where it comes from (`from`)",
    ),
    Case(
        "a gate's file that isn't there",
        ARTIFACTS.replace("path: data.csv", "path: other.csv")
        + ONE_JOB
        + "gates:\n  g: {guards: model, serve: {run: make, golden: ◆golden.json}}\n",
        "no-gate-file", "the gate 'g' can never pass: nothing is at 'golden.json'", help="commit the file that it needs",
    ),
    Case(
        "a measurement is read by a job",
        ARTIFACTS
        + "  note: {kind: file, path: note.md}\n"
        + ONE_JOB
        + "  ①score: {run: make, evaluates: [model], writes: [scored]}\n"
        + "  ◆tell: {run: make, reads: [scored], writes: [note]}\n",
        "reads-evaluation", "'scored' is a measurement made before the gates: only gates read it",
        others=("it evaluates, and writes it",), help="let a job that `reads` the model write an artifact of its own",
    ),
    Case(
        "a measurement is measured",
        ARTIFACTS
        + "  note: {kind: file, path: note.md}\n"
        + ONE_JOB
        + "  ①score: {run: make, evaluates: [model], writes: [scored]}\n"
        + "  ◆tell: {run: make, evaluates: [scored], writes: [note]}\n",
        "reads-evaluation", "'scored' is a measurement made before the gates: only gates read it",
        others=("it evaluates, and writes it",), help="let a job that `reads` the model write an artifact of its own",
    ),
    Case(
        "read and evaluated",
        ARTIFACTS + ONE_JOB + "  score: {run: make, reads: [model], ◆evaluates: [model], writes: [scored]}\n",
        "reads-and-evaluates", "'model' is both read and evaluated",
        help="`reads` waits for its gates, `evaluates` comes before them: keep one",
    ),
    Case(
        "an item twice",
        ARTIFACTS + "jobs:\n  train: {run: make, reads: [code, ◆code], writes: [model]}\n",
        "duplicate-item", "'code' stands twice in `reads`",
    ),
    Case(
        "one id for a job and a gate",
        ARTIFACTS + "jobs:\n  ①unit: {run: make}\ngates:\n" + GATE.replace("unit", "◆unit"),
        "duplicate-id", "'unit' names two nodes", others=("first used here",),
        help="jobs, gates, releases, fetch-ARTIFACT, build-ARTIFACT and RELEASE-rollback share one set of ids",
    ),
    Case(
        "the id of an own node",
        "jobs:\n  ◆final: {run: make}\n",
        "reserved-id", "'final' is the name of a node that mlcc adds itself", help="choose another id",
    ),
    Case(
        "two artifacts, one variable",
        "artifacts:\n  ①raw-data: {kind: data, path: a.csv}\n  ◆raw_data: {kind: data, path: b.csv}\n"
        "jobs:\n  lint: {run: ruff}\n",
        "ambiguous-id", "'raw_data' and 'raw-data' both arrive as ARTIFACT_RAW_DATA", others=("the other",),
    ),
    Case(
        "nothing to run", "artifacts:\n  code: {kind: code, path: src/}\n",
        "nothing-to-run", "the spec has neither jobs nor gates", help="add a job under `jobs`", head="◆" + HEAD,
    ),
)  # fmt: skip

CONDITIONS = (
    Case(
        "a status node that writes",
        ARTIFACTS + "jobs:\n  lint: {run: ruff}\n  ◆train: {run: make, needs: [lint], writes: [model], when: {status: always}}\n",
        "status-node", "a node with `status` takes and writes no artifact and is no gate",
        help="name what it follows under `needs`",
    ),
    Case(
        "a status node that reads",
        ARTIFACTS + "jobs:\n  lint: {run: ruff}\n  ◆alert: {run: make, needs: [lint], reads: [code], when: {status: failure}}\n",
        "status-node", "a node with `status` takes and writes no artifact and is no gate",
        help="name what it follows under `needs`",
    ),
    Case(
        "a gate by status",
        ARTIFACTS + "gates:\n  ◆unit: {guards: code, when: {status: always}, command: {run: pytest}}\n",
        "status-node", "a node with `status` takes and writes no artifact and is no gate",
        help="name what it follows under `needs`",
    ),
    Case(
        "a status node that follows nothing",
        "jobs:\n  ◆alert: {run: mail, when: {status: failure}}\n",
        "status-node", "a node with `status` follows no node", help="name what it follows under `needs`",
    ),
    Case(
        "an ordinary node waits for a status node",
        "jobs:\n  lint: {run: ruff}\n  alert: {run: mail, needs: [lint], when: {status: failure}}\n"
        "  after: {run: make, needs: [lint, ◆alert]}\n",
        "needs-status", "'alert' runs by how others ended; an ordinary node can't wait for it",
    ),
    Case(
        "two kinds of status",
        "jobs:\n  lint: {run: ruff}\n  alert: {run: a, needs: [lint], ◆when: [{status: failure}, {status: always}]}\n",
        "mixed-status", "every alternative of `when` has the same `status`",
    ),
    Case(
        "status or none",
        "jobs:\n  lint: {run: ruff}\n  alert: {run: mail, needs: [lint], ◆when: [{status: failure}, {event: push}]}\n",
        "mixed-status", "every alternative of `when` has the same `status`",
    ),
    Case(
        "a status and a verdict",
        ARTIFACTS
        + "jobs:\n  alert: {run: mail, ◆when: {status: failure, gate: unit, verdict: fail}}\n"
        + "gates:\n  unit: {guards: code, blocking: false, command: {run: pytest}}\n",
        "mixed-status", "a `status` and a gate's verdict can't be combined",
    ),
    Case(
        "a gate without a verdict",
        ARTIFACTS
        + "jobs:\n  train: {run: make, when: ◆{gate: unit}}\n"
        + "gates:\n  unit: {guards: code, blocking: false, command: {run: pytest}}\n",
        "half-condition", "`gate` and `verdict` stand together", help="{gate: live-drift, verdict: fail}",
    ),
    Case(
        "a verdict without a gate",
        "jobs:\n  train:\n    run: make\n    when:\n      - event: push\n      - ◆verdict: fail\n",
        "half-condition", "`gate` and `verdict` stand together", help="{gate: live-drift, verdict: fail}",
    ),
    Case(
        "the verdict of a blocking gate",
        ARTIFACTS
        + "jobs:\n  train: {run: make, when: [{event: push}, {gate: ◆unit, verdict: fail}]}\n"
        + "gates:\n"
        + GATE.replace("unit", "①unit"),
        "blocking-verdict", "the gate 'unit' is blocking: when it fails, nothing can follow from it",
        others=("the gate",), help="give the gate `blocking: false`",
    ),
    Case(
        "the verdicts of two gates",
        ARTIFACTS
        + "jobs:\n  train: {run: make, ◆when: [{gate: b, verdict: fail}, {gate: a, verdict: fail}]}\n"
        + "gates:\n  a: {guards: code, blocking: false, command: {run: a}}\n"
        + "  b: {guards: code, blocking: false, command: {run: b}}\n",
        "two-verdicts", "`when` names the verdicts of 2 gates (a, b); one is allowed",
    ),
    Case(
        "a gate is retried",
        ARTIFACTS + "gates:\n  unit: {guards: code, ◆retry: 1, command: {run: pytest}}\n",
        "gate-retry", "a gate isn't retried: a second try would turn chance into a pass", help="remove `retry`",
    ),
)  # fmt: skip

MATRIX = (
    Case(
        "a leg with a long id", f"jobs: {{a: {{run: x, matrix: ◆{{axes: {{b: [{'c' * 101}]}}}}}}}}\n", "long-leg",
        "a combination of the matrix has an id of 101 characters; at most 100 fit in names of files and jobs",
        help="name the legs under `include`",
    ),
    Case(
        "two combinations with one id",
        "jobs:\n  train: {run: make, matrix: ◆{axes: {rate: ['0.1', '0-1']}}}\n",
        "duplicate-leg", "two combinations of the matrix have the same id", help="name the legs under `include`",
    ),
    Case(
        "a combination again under include",
        "jobs:\n  train: {run: make, matrix: {axes: {seed: [a, b]}, include: {◆a: {seed: c}}}}\n",
        "duplicate-leg", "the leg 'a' is also a combination of the axes",
    ),
    Case(
        "no leg", "jobs:\n  train: {run: make, matrix: ◆{}}\n",
        "empty-matrix", "the matrix has no leg",
        help="give an axis at least one value, or name a leg under `include`",
    ),
    Case(
        "a leg without a value",
        "jobs:\n  train: {run: make, matrix: ◆{include: {a: {seed: 1, size: 2}, b: {seed: 3}}}}\n",
        "uneven-matrix", "the leg 'b' has no value for 'size'", help="every leg states every axis",
    ),
    Case(
        "legs write one file",
        ARTIFACTS.replace("path: model.bin", "path: ◆model.bin")
        + "jobs:\n  ①train: {run: make, writes: [model], matrix: {axes: {seed: [1, 2]}}}\n",
        "matrix-writes-file", "'train' runs once per leg, so 'model' is a folder of folders",
        others=("the matrix",), help="end the path in '/': each leg's copy is found at model.bin/LEG/",
    ),
)  # fmt: skip

VALUES = (
    Case(
        "a secret in defaults",
        "defaults: {env: {TOKEN: ◆{secret: TOKEN}}}\njobs:\n  train: {run: make}\n",
        "secret-in-defaults", "the secret 'TOKEN' would reach every node", help="name it on the nodes that need it",
    ),
    Case(
        "a variable as a file", "jobs:\n  train: {run: make, env: {V: ◆{var: V, as: file}}}\n",
        "bad-value", "`as: file` is for secrets",
    ),
    Case(
        "a written artifact with wildcards",
        "artifacts:\n  parts: {kind: data, path: ◆parts/*.csv}\njobs:\n  split: {run: make, writes: [parts]}\n",
        "bad-path", "'parts' is written by 'split': it has one path, without wildcards", help="use a folder, ending in '/'",
    ),
    Case(
        "the base can't be written",
        "artifacts:\n  old: {kind: data, path: old.csv, ◆at: base}\njobs:\n  make-old: {run: make, writes: [old]}\n",
        "bad-origin", "'old' is taken from the base, so nothing can write it",
    ),
    Case(
        "kept for too long",
        "artifacts:\n  model: {kind: model, path: m.bin, retain: ◆91d}\njobs:\n  train: {run: make, writes: [model]}\n",
        "bad-duration", "artifacts are kept for 1d to 90d, in whole days",
    ),
    Case(
        "kept for half a day",
        "defaults: {retain: ◆36h}\nartifacts:\n  model: {kind: model, path: m.bin}\n" + ONE_JOB,
        "bad-duration", "artifacts are kept for 1d to 90d, in whole days",
    ),
    Case(
        "parameters that make no sense",
        ARTIFACTS + "gates:\n  unit: {guards: code, tests: {run: pytest, min_passed: ◆3}}\n",
        "bad-gate", "passed tests can't be counted without a JUnit report",
        help="let `run` write one, such as `pytest --junitxml=junit.xml`, and name it: `junit: junit.xml`",
    ),
)  # fmt: skip


def _triggers(text: str) -> str:
    return f"version: 1\nname: p\ntriggers: {text}\n"


JOB = "jobs:\n  lint: {run: ruff}\n"
TRIGGERS = (
    Case(
        "nothing starts it", JOB, "no-trigger", "nothing starts this pipeline",
        help="add `push: {branches: [main]}`", head="version: 1\nname: p\n◆triggers: {}\n",
    ),
    Case(
        "one id for a schedule and a form", JOB, "duplicate-id", "'weekly' names two triggers",
        others=("first used here",), head=_triggers("{schedule: {①weekly: '17 3 * * 1'}, manual: {◆weekly: {}}}"),
    ),
    Case(
        "one id for a form and a dispatch", JOB, "duplicate-id", "'retrain' names two triggers",
        others=("first used here",), head=_triggers("{manual: {①retrain: {}}, dispatch: [other, ◆retrain]}"),
    ),
    Case(
        "a choice without options", JOB, "bad-input", "`options` belong to a `choice`, and a `choice` needs them",
        head=_triggers("{manual: {go: {inputs: {◆mode: {type: choice}}}}}"),
    ),
    Case(
        "options without a choice", JOB, "bad-input", "`options` belong to a `choice`, and a `choice` needs them",
        head=_triggers("{manual: {go: {inputs: {◆mode: {type: string, options: [a]}}}}}"),
    ),
    Case(
        "a range of text", JOB, "bad-input", "a string has neither `min` nor `max`",
        head=_triggers("{manual: {go: {inputs: {◆mode: {type: string, max: 3}}}}}"),
    ),
    Case(
        "a default outside its range", JOB, "bad-input", "the default is outside `min` and `max`",
        head=_triggers("{manual: {go: {inputs: {rate: {type: number, default: ◆2, max: 1}}}}}"),
    ),
    Case(
        "a default of another type", JOB, "bad-input", "the default isn't a integer that the input allows",
        head=_triggers("{manual: {go: {inputs: {n: {type: integer, default: ◆1.5}}}}}"),
    ),
    Case(
        "a default that is no option", JOB, "bad-input", "the default isn't a choice that the input allows",
        head=_triggers("{manual: {go: {inputs: {mode: {type: choice, options: [a, b], default: ◆c}}}}}"),
    ),
)  # fmt: skip

CASES = (
    *REFERENCES, *GRAPH, *CONDITIONS, *MATRIX, *VALUES, *TRIGGERS, *TABLES, *OBJECTS, *STORED, *REGISTRIES, *IMAGES,
    *RELEASES, *RELEASED,
    *REMOTE, *PARAMS, *PROFILES,
)  # fmt: skip
