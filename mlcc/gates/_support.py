"""What every gate does around its judgement: parameters in, verdict record and exit code out, fail closed."""

from __future__ import annotations

# os.path is loaded at start-up anyway; pathlib would cost a gate that judges two numbers 10 ms.
# ruff: noqa: PTH112, PTH113, PTH114, PTH116, PTH119, PTH123
import os
import sys

from mlcc.gates._records import GateError, Verdict, visible
from mlcc.gates._report import SCHEMA, prepare_folder, write_reports
from mlcc.gates._strict import parse_json, read_bytes
from mlcc.runtime.addresses import (
    IMAGE_SCHEME,
    OBJECTS_SCRIPT,
    SCHEME,
    fetch_objects,
    image_digest,
    is_address,
    local_path,
    objects_at,
)
from mlcc.runtime.digest import DigestError, artifact_digest, file_digest
from mlcc.runtime.file_digest import sha256
from mlcc.runtime.moments import as_of, moment_name, whole_moment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import Any

EXIT = {"pass": 0, "fail": 1, "error": 2, "inconclusive": 3}
_ID_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")
_MAX_PARAMETERS = 4 << 20
_LOGGED_CHECKS = 100
_LARGE = 64 << 20
_ABSENT = "none"  # in place of a digest
COPIES = "_mlcc/objects"
_WRITTEN = "the committed parameters are not whole, and `mlcc compile` writes them again"


class _Whole(dict):  # type: ignore[type-arg]  # Python 3.8 has no dict[str, Any] to derive from
    """An object of the parameters. A key that isn't there was cut out of it."""

    def __missing__(self, key: object) -> object:
        raise GateError(f"the gate's parameters lack {visible(str(key), 80)}: {_WRITTEN}")


class Gate:
    """A gate's committed parameters, as `.mlcc/gates/<id>.json` holds them, and where its reports go."""

    def __init__(self, id: str, folder: str, document: dict[str, Any]) -> None:
        self.id = id
        self.folder = folder
        self.kind: str = document["kind"]
        self.guards: str = document["guards"]
        self.artifacts: dict[str, dict[str, Any]] = document["artifacts"]
        self.on_inconclusive: str = document["on_inconclusive"]
        self.waive: dict[str, str] | None = document.get("waive")
        self.params: dict[str, Any] = _whole(document["params"])
        # What is judged: artifact -> its path and digest, known before `judge` is called; at an address its objects, too;
        # then what `take` adds.
        self.inputs: dict[str, dict[str, Any]] = {}
        # What isn't there, since no release runs one yet: the runtime says so, of artifacts that may be absent (`first: none`).
        self.absent = frozenset(os.environ.get("MLCC_ABSENT", "").split()) & set(self.artifacts)
        self._fetched: dict[str, str] = {}

    def path(self, artifact: str) -> str:
        """Return an artifact's one path, relative to the project root. Raises GateError."""
        path = self.paths(artifact)
        if not isinstance(path, str):
            raise GateError(f"the gate's parameters give no single path for {visible(artifact)}")
        return path

    def paths(self, artifact: str) -> str | list[str]:
        """Return an artifact's one path, or the list of its committed ones. Raises GateError.

        What lies at an address is fetched by the first call: the path is that of the copy.
        """
        if artifact in self.absent:
            raise GateError(f"there is no {visible(artifact)}: no release runs one yet")
        path: str | list[str] | None = self.artifacts.get(artifact, {}).get("path")
        if path is None:
            raise GateError(f"the gate's parameters give no path for {visible(artifact)}")
        if not isinstance(path, str) or not is_address(path):
            return path
        if artifact not in self._fetched:
            self._fetched[artifact] = self._fetch(artifact, path)
        return self._fetched[artifact]

    def table(self, artifact: str, named: str) -> str:
        """Return what SQL calls a table of a warehouse, as of the moment that it is judged at."""
        return named.replace("{moment}", self.inputs.get(artifact, {}).get("moment", ""))

    def _fetch(self, artifact: str, address: str) -> str:
        listed = self.inputs[artifact]
        folder = f"{COPIES}/{self.id}/{artifact}"
        try:
            found = fetch_objects(address, folder, sum(object["size"] for object in listed["objects"]))
        except DigestError as error:
            raise GateError(f"the artifact {visible(artifact)} can't be judged: {error}") from None
        if found["digest"] != listed["digest"]:
            raise GateError(f"the artifact {visible(artifact)} changed before it was fetched")
        listed["objects"] = found["objects"]
        return local_path(address, folder)

    def as_named(self, text: str) -> str:
        """Return a message with addresses instead of the paths of what was fetched from them."""
        for artifact in self._fetched:
            bucket = self.artifacts[artifact]["path"][len(SCHEME) :].partition("/")[0]
            text = text.replace(f"{COPIES}/{self.id}/{artifact}/", f"{SCHEME}{bucket}/")
        return text

    def remove_copies(self) -> None:
        """Remove what was fetched: data that isn't to be kept, nor to be taken for another run's."""
        folder = f"{COPIES}/{self.id}"
        if os.path.isdir(folder) and not os.path.islink(COPIES) and not os.path.islink(folder):
            import shutil

            shutil.rmtree(folder, ignore_errors=True)

    def take(self, path: str) -> str:
        """Count a committed file that is no artifact among what is judged, and return its digest. Raises GateError.

        The verdict names it by its path, and it may not change while the gate runs. Call it before the file is read.
        """
        for found in self.inputs.values():
            if found["path"] == path:
                return str(found["digest"])
        try:
            digest = file_digest(path)
        except DigestError as error:
            raise GateError(str(error)) from None
        self.inputs[path] = {"path": path, "digest": digest}
        return digest


def run(kind: str, judge: Callable[[Gate], Verdict], script: str, arguments: Sequence[str]) -> int:
    """Run a gate from the project root and return its exit code: 0 pass, 1 fail, 2 error, 3 inconclusive.

    `script` is the path of the running script, `arguments` the command line (one gate id). Whatever goes
    wrong ends in an `error` verdict, never in a traceback.
    """
    if len(arguments) != 1 or not _is_id(arguments[0]):
        _log([f"usage: python -I {visible(os.path.basename(script))} GATE_ID, in the folder of mlcc.yaml"])
        return EXIT["error"]
    id = arguments[0]
    folder = f"_mlcc/s--{id}"
    record: dict[str, object] = {
        "schema": SCHEMA,
        "gate": id,
        "kind": kind,
        "inputs": {},
        "gate_digest": None,
    }
    gate: Gate | None = None
    try:
        prepare_folder(folder)
    except GateError as error:
        _log([f"gate {id}: error. {error}."])
        return EXIT["error"]
    try:
        gate = _read(kind, id, folder, script, record)
        large = {id: _file_marks(artifact["path"]) for id, artifact in gate.artifacts.items()}
        record["inputs"] = gate.inputs = _inputs(gate)
        verdict = _first() if gate.guards in gate.absent else judge(gate)
        _check_untouched(gate, large)
    except GateError as error:
        said = str(error) if gate is None else gate.as_named(str(error))
        verdict = Verdict("error", f"{said.rstrip('.')}.")
    except BaseException as error:  # noqa: BLE001, RUF100 - a gate must end in a verdict, whatever happens
        verdict = Verdict("error", _unforeseen(error))
    if gate is not None:
        gate.remove_copies()
    return _finish(folder, record, verdict, gate)


def _first() -> Verdict:
    return Verdict("pass", "First: no release runs one yet, so that there is nothing to judge.")


def _finish(folder: str, record: dict[str, object], verdict: Verdict, gate: Gate | None) -> int:
    code = EXIT[verdict.verdict]
    if gate is not None and verdict.verdict in ("fail", "inconclusive"):
        if verdict.verdict == "inconclusive" and gate.on_inconclusive == "warn":
            code = 0
        if gate.waive is not None:
            verdict, code = _waive(gate.waive, verdict, record, code)
    record["verdict"] = verdict.verdict
    record["summary"] = verdict.summary
    record["checks"] = [check.record() for check in verdict.checks]
    try:
        write_reports(folder, record, verdict, opens=code == 0)
    except (OSError, ValueError, GateError) as error:
        _log([f"gate {record['gate']}: error. The reports can't be written: {type(error).__name__}."])
        return EXIT["error"]
    _log(_lines(folder, record, verdict, code))
    return code


def _waive(
    waiver: dict[str, str], verdict: Verdict, record: dict[str, object], code: int
) -> tuple[Verdict, int]:
    """Open the gate until the waiver's last day (UTC). What was found stays found; errors aren't waived."""
    import datetime

    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    if today <= waiver["until"]:
        record["waived"] = {key: waiver[key] for key in ("reason", "until", "issue")}
        note = f"Waived until {waiver['until']}: {waiver['reason']} ({waiver['issue']})."
        return Verdict(verdict.verdict, f"{verdict.summary} {note}", verdict.checks, verdict.plots), 0
    note = f"Its waiver ended on {waiver['until']}."
    return Verdict(verdict.verdict, f"{verdict.summary} {note}", verdict.checks, verdict.plots), code


def _read(kind: str, id: str, folder: str, script: str, record: dict[str, object]) -> Gate:
    path = f".mlcc/gates/{id}.json"
    parameters = read_bytes(path, _MAX_PARAMETERS)
    with open(script, "rb") as file:
        code = file.read()
    lines = f"{sha256(code).hexdigest()}  script\n{sha256(parameters).hexdigest()}  parameters\n"
    try:
        document = parse_json(parameters.decode("utf-8"), path)
    except UnicodeDecodeError:
        raise GateError(f"{path} is not UTF-8") from None
    _check_document(document, kind, id, path)
    assert isinstance(document, dict)
    if any(is_address(artifact["path"]) for artifact in document["artifacts"].values()):
        lines += f"{sha256(read_bytes(OBJECTS_SCRIPT, _MAX_PARAMETERS)).hexdigest()}  objects\n"
    record["gate_digest"] = "sha256:" + sha256(lines.encode("ascii")).hexdigest()
    return Gate(id, folder, document)


def _check_document(document: object, kind: str, id: str, path: str) -> None:
    """Refuse parameters that another compiler, kind or gate wrote, or that were cut or edited badly."""
    if not isinstance(document, dict):
        raise GateError(f"{path} is no JSON object")
    if document.get("kind") != kind or document.get("gate") != id:
        raise GateError(f"{path} is not for the {kind} gate {id}")
    shapes = {"guards": str, "artifacts": dict, "on_inconclusive": str, "params": dict}
    wrong = [key for key, shape in shapes.items() if not isinstance(document.get(key), shape)]
    if wrong or document["on_inconclusive"] not in ("fail", "warn"):
        raise GateError(f"{path} has no proper {wrong[0] if wrong else 'on_inconclusive'}")
    if not document["params"]:
        raise GateError(f"{path} has empty params: {_WRITTEN}")
    if document["guards"] not in document["artifacts"]:
        raise GateError(f"{path} doesn't say where the guarded artifact is")
    for artifact in document["artifacts"].values():
        if not isinstance(artifact, dict) or not _is_path(artifact.get("path")):
            raise GateError(f"{path} has an artifact without a path")
    if not _is_waiver(document.get("waive")):
        raise GateError(f"{path} has no proper waive")


def _whole(value: Any) -> Any:
    if isinstance(value, dict):
        return _Whole((key, _whole(inner)) for key, inner in value.items())
    return [_whole(item) for item in value] if isinstance(value, list) else value


def _is_path(path: object) -> bool:
    if isinstance(path, list):
        return bool(path) and all(isinstance(part, str) and part for part in path)
    return isinstance(path, str) and bool(path)


def _is_waiver(waiver: object) -> bool:
    if waiver is None:
        return True
    if not isinstance(waiver, dict):
        return False
    if not all(isinstance(waiver.get(key), str) for key in ("reason", "until", "issue")):
        return False
    # A waiver that isn't a date would compare as text: "soon" is later than every date.
    parts = waiver["until"].split("-")
    return [len(part) for part in parts] == [4, 2, 2] and all(_is_number(part) for part in parts)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _inputs(gate: Gate) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for id, artifact in sorted(gate.artifacts.items()):
        if id in gate.absent:
            found[id] = {"path": artifact["path"], "digest": _absence(id, artifact)}
            continue
        try:
            moment = whole_moment(os.environ.get(moment_name(id))) if artifact.get("snapshot") else ""
            as_of = {"moment": moment} if moment else {}
            found[id] = {"path": artifact["path"], **as_of, **_identity(id, artifact["path"], moment)}
        except DigestError as error:
            raise GateError(f"the artifact {visible(id)} can't be judged: {error}") from None
    return found


def _absence(id: str, artifact: dict[str, Any]) -> str:
    """Return what stands for the digest of what isn't there. Raises GateError where it is there, or has to be."""
    if artifact.get("first") != _ABSENT:
        raise GateError(f"the artifact {visible(id)} has to be there, and the runtime says that it isn't")
    if not isinstance(artifact["path"], str) or os.path.lexists(artifact["path"]):
        raise GateError(f"the artifact {visible(id)} is there, and the runtime says that it isn't")
    return _ABSENT


def _identity(id: str, path: str | list[str], moment: str = "") -> dict[str, Any]:
    """Return the digest of an artifact, a table's as of a moment, and at an address its objects. Raises DigestError."""
    if isinstance(path, str) and path.startswith(IMAGE_SCHEME):
        return {"digest": image_digest(id)}
    if isinstance(path, str) and is_address(path):
        listed = objects_at(path)
        return {key: listed[key] for key in ("digest", "objects")}
    return {"digest": artifact_digest(as_of(path, moment) if isinstance(path, str) else path)}


def _file_marks(path: object) -> tuple[int, ...] | None:
    """Return what changes with a large file's content: its inode, size and times; None for what is quick to digest.

    The clock of a file system ticks every 10 ms at least, and digesting a large file takes longer: a change while the gate
    runs can't have the time of an earlier one.
    """
    if not isinstance(path, str) or not os.path.isfile(path):
        return None
    found = os.stat(path)
    if found.st_size < _LARGE:
        return None
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _check_untouched(gate: Gate, large: dict[str, tuple[int, ...] | None]) -> None:
    """Raise GateError where an artifact is no longer what it was: neither its digest nor its readers' is what was judged.

    `large` are the marks that large files had before they were digested: where they are the same, the file is.
    """
    for id, found in gate.inputs.items():
        if large.get(id) is not None and large[id] == _file_marks(found["path"]):
            continue
        if id in gate.absent and not os.path.lexists(found["path"]):
            continue
        try:
            same = _identity(id, found["path"], found.get("moment", ""))["digest"] == found["digest"]
        except DigestError as error:
            raise GateError(f"{_input_shown(gate, id)} went while the gate ran: {error}") from None
        if not same:
            raise GateError(
                f"{_input_shown(gate, id)} changed while the gate ran: its readers would get something that was not judged"
            )


def _input_shown(gate: Gate, id: str) -> str:
    return f"the artifact {visible(id)}" if id in gate.artifacts else f"the file {visible(id)}"


def _unforeseen(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "The gate was interrupted."
    place: TracebackType | None = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = ""
    if place is not None:
        code = place.tb_frame.f_code
        where = f" ({os.path.basename(code.co_filename)}, {code.co_name}, line {place.tb_lineno})"
    return f"The gate met something that it doesn't know: {type(error).__name__}{where}."


def _lines(folder: str, record: dict[str, object], verdict: Verdict, code: int) -> list[str]:
    opened = " (waived)" if "waived" in record else " (warning only)" if code == 0 else ""
    outcome = verdict.verdict + (opened if verdict.verdict != "pass" else "")
    lines = [f"gate {record['gate']} ({record['kind']}): {outcome}. {visible(verdict.summary, 1500)}"]
    shown = sorted(verdict.checks, key=lambda check: check.verdict == "pass")[:_LOGGED_CHECKS]
    lines += [f"  {check.verdict} {visible(check.id, 100)}: {visible(check.message)}" for check in shown]
    if len(verdict.checks) > len(shown):
        lines.append(f"  and {len(verdict.checks) - len(shown)} more")
    lines.append(f"reports: {folder}/")
    return lines


def _log(lines: Sequence[str]) -> None:
    """Print lines. The verdict is in the report and the exit code: a closed pipe must not change it."""
    text = "".join(line + "\n" for line in lines)
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
        sys.stdout.buffer.flush()
    except OSError:
        # Python flushes once more at the end, which would print a warning and change the exit code.
        sys.stdout = None


def _is_id(text: str) -> bool:
    return 0 < len(text) <= 64 and text[0] not in "-_" and _ID_CHARACTERS.issuperset(text)
