"""The gate of a node, and the gate that a step of a release asks: their parameters as their scripts read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mlcc import plan as ir
from mlcc.gates import DUCKDB, GATES, ArtifactInfo, GateKind, GateParamsError
from mlcc.problems import Problems
from mlcc.resolving.resolved import ResolvedNode
from mlcc.spec.scalars import seconds


def gate_of(node: ResolvedNode, artifacts: Mapping[str, ir.Artifact], problems: Problems) -> ir.Gate:
    """Return the gate of a node. What makes no sense is noted in `problems`."""
    kind = GATES[node.gate_kind]
    own = node.spec
    params = getattr(own, kind.name)
    named = [own.guards, *(name for _, name in kind.compiler().references(params))]
    infos = _infos(artifacts, named)
    if len(infos) < len(set(named)):  # the missing artifact is an error of its own (see `_takes`)
        return _gate_with(node, {}, "", kind.name)
    read = kind.read_by_engine(params, infos, own.guards) if kind.runs_on_engines else infos
    engines = {info.engine for info in read.values()}
    if engines != {DUCKDB} and DUCKDB in kind.requires and not _engines_fit(node, kind, read, problems):
        return _gate_with(node, {}, "", kind.name)
    if not kind.judges_images and not _reads_no_image(node, kind, [artifacts[id] for id in infos], problems):
        return _gate_with(node, {}, "", kind.name)
    try:
        compiled = dict(kind.compiler().compile(params, infos, own.guards))
        check_node = getattr(kind.compiler(), "check_node", None)
        if check_node is not None:
            check_node(params, seconds(node.timeout), node.env)
    except GateParamsError as problem:
        problems.add("bad-gate", problem.message, (*node.loc, kind.name, *problem.loc), help=problem.help)
        compiled = {}
    packages = kind.packages(params, engines)
    single_files = all(artifacts[id].form is ir.Form.FILE for id in infos)
    return _gate_with(node, compiled, packages, kind.script(packages, single_files))


def judge_of(node: ResolvedNode, artifacts: Mapping[str, ir.Artifact], problems: Problems) -> ir.Gate:
    """Return the gate that a step of a release asks."""
    judge, guards = node.spec.judge, node.spec.deploys[0]
    kind = GATES[judge.kind]
    compiled: dict[str, object] = {}
    try:
        entry = getattr(kind.compiler(), judge.entry, kind.compiler().compile)
        compiled.update(entry(judge.params, _infos(artifacts, [guards]), guards))
        if judge.asked and kind.programs:
            compiled["setup"] = list(node.setup)  # else the node's own shell has done that
        check_env = getattr(kind.compiler(), "check_env", None)
        if check_env is not None:
            check_env(judge.params, node.env)
    except GateParamsError as problem:
        problems.add("bad-gate", problem.message, (*node.loc, *judge.loc, *problem.loc), help=problem.help)
    compiled.update(judge.part)
    return ir.Gate(kind=kind.name, guards=guards, parameters=compiled, script=kind.name)


def _infos(artifacts: Mapping[str, ir.Artifact], ids: Iterable[str]) -> dict[str, ArtifactInfo]:
    return {
        id: ArtifactInfo(
            artifacts[id].paths[0],
            artifacts[id].engine,
            artifacts[id].paths[1:],
            artifacts[id].kind == "model",
            artifacts[id].snapshot,
        )
        for id in ids
        if id in artifacts
    }


def _reads_no_image(
    node: ResolvedNode, kind: GateKind, taken: Iterable[ir.Artifact], problems: Problems
) -> bool:
    """Whether nothing that a gate reads is an image; where one is, it is reported."""
    image = next((artifact for artifact in taken if artifact.form is ir.Form.IMAGE), None)
    if image is not None:
        *others, last = (f"`{other.name}`" for other in GATES.values() if other.judges_images)
        problems.add(
            "bad-gate", f"a gate of the kind {kind.name} reads files or tables, and '{image.id}' is an image in a registry",
            (*node.loc, kind.name), key=True, others=((("artifacts", image.id), "the image"),),
            help=f"{', '.join(others)} and {last} can judge an image: ARTIFACT_{image.id.upper().replace('-', '_')} names it",
        )  # fmt: skip
    return image is None


def _engines_fit(
    node: ResolvedNode, kind: GateKind, infos: Mapping[str, ArtifactInfo], problems: Problems
) -> bool:
    """Whether the gate's script can have its artifacts read by their engines; where not, it is reported."""
    engines = {info.engine: id for id, info in infos.items()}
    id, engine = next((id, info.engine) for id, info in infos.items() if info.engine != DUCKDB)
    place = (*node.loc, kind.name)
    if not kind.runs_on_engines:
        *others, last = (f"`{other.name}`" for other in GATES.values() if other.runs_on_engines)
        ready = f"{', '.join(others)} and {last}"
        problems.add(
            "bad-engine", f"a gate of the kind {kind.name} has its data read by DuckDB, and '{id}' by {engine}", place, key=True,
            others=((("artifacts", id), "the artifact"),), help=f"other engines are for {ready}",
        )  # fmt: skip
    elif len(engines) > 1:
        listed = ", ".join(f"'{id}' by {engine}" for engine, id in sorted(engines.items()))
        problems.add(
            "bad-engine", f"one engine runs a gate's SQL, and it would be {listed}", place, key=True,
            help="let a job write one of them as a snapshot (Parquet), and name that: DuckDB reads files, and Spark both",
        )  # fmt: skip
    return kind.runs_on_engines and len(engines) == 1


def _gate_with(node: ResolvedNode, compiled: dict[str, object], packages: str, script: str) -> ir.Gate:
    """Return a gate with its script and the parameters of that."""
    kind = GATES[node.gate_kind]
    own = node.spec
    if kind.programs:
        compiled["setup"] = list(node.setup)
    waiver = own.waive
    return ir.Gate(
        kind=kind.name,
        guards=own.guards,
        parameters=compiled,
        script=script,
        packages=packages,
        on_inconclusive=own.on_inconclusive,
        waiver=()
        if waiver is None
        else (("issue", waiver.issue), ("reason", waiver.reason), ("until", waiver.until)),
        locked=own.locked,
    )
