"""What a stage leaves for others, and for people: stashes, archived files, test results."""

from __future__ import annotations

from mlcc.importing.draft import Draft, artifact_path, identifier, report_format
from mlcc.importing.jenkinsfile import argument, plain_text
from mlcc.load.source import Entry


def keep(draft: Draft, id: str, entry: Entry, step: str, rest: str) -> None:
    """Take stashes and archived files for artifacts, test results for reports."""
    key = {"stash": "includes", "archiveArtifacts": "artifacts", "junit": "testResults"}[step]
    text = plain_text(argument(rest, key, None if step == "stash" else 0)) or ""
    name = plain_text(argument(rest, "name", 0)) if step == "stash" else None
    if argument(rest, "excludes") is not None:
        draft.ledger.finding(entry.key_span.line, step, "an artifact is whole: nothing is left out of it")
    for raw in [part.strip() for part in text.split(",") if part.strip()] or [""]:
        path = artifact_path(raw)
        if path is None:
            draft.ledger.listed(
                entry.node, "an artifact is one file, or one folder, of the project; a report one file"
            )
            continue
        format = "junit" if step == "junit" else report_format(path)
        if format and step != "stash" and not path.endswith("/"):
            report = identifier(path.rsplit("/", 1)[-1].rsplit(".", 1)[0], "report")
            draft.put(entry.node, {"path": path, "format": format}, "jobs", id, "reports", report)
            continue
        artifact = draft.artifact(name or path.strip("/").rsplit("/", 1)[-1].split(".")[0], path)
        if step == "junit" or not draft.writes(id, artifact):
            draft.ledger.listed(
                entry.node, f"{path} is a folder of reports, or another job writes it already"
            )
            continue
        draft.uploads.setdefault(name or "", []).append((artifact, id))
        draft.ledger.placed(entry.node, "jobs", id, "writes")
        if "*" in raw:
            draft.ledger.finding(
                entry.key_span.line, raw, f"the artifact {artifact} is the whole folder {path}"
            )


def unstash(draft: Draft, id: str, entry: Entry, rest: str) -> bool:
    """Take a stash for what the job reads; tell whether some job stashed it."""
    name = plain_text(argument(rest, "name", 0)) or ""
    found = draft.uploads.get(name, [])
    for artifact, job in found:
        if job != id:
            draft.append(artifact, "jobs", id, "reads")
            draft.ledger.placed(entry.node, "jobs", id, "reads")
    return bool(found)
