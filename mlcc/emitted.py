"""The files beside the spec: the runtime, the plan that it reads, the gate scripts and their parameters."""

from __future__ import annotations

from mlcc.bundle import bundle
from mlcc.files import File, seal
from mlcc.gates.emit import scripts as gate_scripts
from mlcc.plan import Gate, Plan
from mlcc.plan_json import document, gate_parameters, to_runtime

RUNTIME, REPORT = "mlcc.runtime.main", "mlcc.report.main"
_DOC = """The runtime of compiled pipelines: select what runs, run one node, state the result.

python3 -I .mlcc/run.py select | node | final"""
_REPORT_DOC = """What people read of a run: the page with its plots, annotations, and the comment on its pull request.

python3 -I .mlcc/report.py page | notes | comment"""


def scripts(plan: Plan) -> list[File]:
    """Return the files of `.mlcc/`."""
    folder = f"{plan.home}/.mlcc" if plan.home else ".mlcc"
    spec = plan.spec_files[0]
    gates = [node for node in plan.nodes.values() if isinstance(node.work, Gate)]
    files = [
        File(f"{folder}/run.py", seal(bundle(RUNTIME, doc=_DOC))),
        File(f"{folder}/report.py", seal(bundle(REPORT, doc=_REPORT_DOC))),
        File(f"{folder}/plan.json", seal(document(to_runtime(plan), spec))),
    ]
    for node in gates:
        files.append(
            File(f"{folder}/gates/{node.id}.json", seal(document(gate_parameters(plan, node), spec)))
        )
    prefix = f"{plan.home}/" if plan.home else ""
    names = {node.work.script for node in gates if isinstance(node.work, Gate)}
    packages = {node.work.packages for node in gates if isinstance(node.work, Gate)}
    files += [File(prefix + file.path, seal(file.text)) for file in gate_scripts(names, packages)]
    return files
