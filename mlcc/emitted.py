"""The files beside the spec: the runtime, the plan that it reads, the gate scripts and their parameters."""

from __future__ import annotations

from functools import cache

from mlcc.bundle import bundle
from mlcc.gates.emit import lists, packages_of
from mlcc.gates.emit import scripts as gate_scripts
from mlcc.plan import Form, Plan, Release
from mlcc.plan.document import document, gate_parameters, to_runtime
from mlcc.writing.files import File, seal

RUNTIME, REPORT = "mlcc.runtime.main", "mlcc.report.main"
REGISTRY = "mlcc.registry.main"
OBJECTS, RELEASE = "mlcc.objects.main", "mlcc.release.main"
NOTIFY = "mlcc.notify.main"
_DOC = """The runtime of compiled pipelines: select what runs, run one node, undo a release that was killed, state the result.

python3 -I .mlcc/run.py select | node | undo | final"""
_REPORT_DOC = """What people read of a run: the page with its plots, annotations, the comment on its pull request, reports.

python3 -I .mlcc/report.py page | notes | comment | summary | reports"""

_NOTIFY_DOC = """Tells people how a run ended, after its final node has said so.

python3 -I .mlcc/notify.py"""
_OBJECTS_DOC = """Lists or fetches what lies at an address, and moves what a store keeps. The runtime and the gates start it.

python3 -I .mlcc/objects.py list ADDRESS | fetch ADDRESS FOLDER | read STORE KEY | write STORE KEY < CONTENT |
    push STORE < ITEMS | pull STORE < ITEMS"""
_REGISTRY_DOC = """Registers versions of models, and fetches them. The runtime and the nodes that fetch one start it.

python3 -I .mlcc/registry.py register MODEL PATH < TAGS | fetch MODEL VERSION PATH DIGEST | take MODEL VERSION|@ALIAS PATH NAME"""
_RELEASE_DOC = """One step of a release through its adapter. Run by hand, MLCC_RUN names the run whose release it is.

python3 -I .mlcc/release.py RELEASE deploy | verify | step NUMBER | promote | watch NUMBER | rollback | restore |
    reconcile | first"""


def scripts(plan: Plan) -> list[File]:
    """Return the files of `.mlcc/`."""
    folder = plan.in_home(".mlcc")
    spec = plan.spec_files[0]
    gates = [(node, gate) for node in plan.nodes.values() if (gate := node.gate) is not None]
    files = [
        File(f"{folder}/run.py", _script(RUNTIME, _DOC)),
        File(f"{folder}/report.py", _script(REPORT, _REPORT_DOC)),
        File(f"{folder}/plan.json", seal(document(to_runtime(plan), spec))),
    ]
    if plan.store is not None or any(a.form is Form.OBJECTS for a in plan.artifacts.values()):
        files.append(File(f"{folder}/objects.py", seal(objects_script())))
    if any(artifact.registry for artifact in plan.artifacts.values()):
        files.append(File(f"{folder}/registry.py", seal(registry_script())))
    if plan.notices:
        files.append(File(f"{folder}/notify.py", seal(notify_script())))
    files += _releases(plan, folder)
    for node, _ in gates:
        files.append(
            File(f"{folder}/gates/{node.id}.json", seal(document(gate_parameters(plan, node), spec)))
        )
    prefix = plan.in_home("")
    names = {gate.script for _, gate in gates}
    packages = {gate.packages for _, gate in gates}
    made = gate_scripts(names, packages, plan.pins.packages)
    files += [File(prefix + file.path, seal(file.text)) for file in made]
    return files


def packages(plan: Plan) -> list[str]:
    """Return the pip packages that the gates of a plan may install, sorted."""
    gates = [gate for node in plan.nodes.values() if (gate := node.gate) is not None]
    wanted = lists({gate.script for gate in gates}, {gate.packages for gate in gates})
    return sorted({package for name in wanted for package in packages_of(name)})


@cache
def _script(entry: str, doc: str) -> str:
    """Return a sealed script: made once for however many pipelines."""
    return seal(bundle(entry, doc=doc))


@cache
def objects_script() -> str:
    """Return the script that reads addresses and moves what a store keeps, the same bytes for every project."""
    return bundle(OBJECTS, doc=_OBJECTS_DOC, allow={"fsspec"})


@cache
def registry_script() -> str:
    """Return the script that registers and fetches versions of models, the same bytes for every project."""
    return bundle(REGISTRY, doc=_REGISTRY_DOC)


@cache
def notify_script() -> str:
    """Return the script that tells people how a run ended, the same bytes for every project."""
    return bundle(NOTIFY, doc=_NOTIFY_DOC)


def _releases(plan: Plan, folder: str) -> list[File]:
    """Return the script that drives releases through their adapters, and the parameters of each; none where there is none."""
    driven = {
        node.id: node.work.drive
        for node in plan.nodes.values()
        if isinstance(node.work, Release) and node.work.drive is not None
    }
    if not driven:
        return []
    parameters = [
        File(f"{folder}/releases/{id}.json", seal(document(dict(drive), plan.spec_files[0])))
        for id, drive in driven.items()
    ]
    return [File(f"{folder}/release.py", _script(RELEASE, _RELEASE_DOC)), *parameters]
