"""The steps of a GitHub job: known actions become keys of the spec, others are listed."""

from __future__ import annotations

import re
from typing import Any

from mlcc.importing.document import entries, get, items, text_of
from mlcc.importing.draft import artifact_path, duration, identifier, report_format
from mlcc.importing.github_commands import Commands
from mlcc.importing.github_values import EXPRESSION, typed
from mlcc.importing.shell import visible
from mlcc.load.source import Node

_HASH_FILES = re.compile(r"hashFiles\(([^)]*)\)")


class Steps(Commands):
    """Takes the steps of one job in their order."""

    def add(self, steps: Node | None) -> None:
        """Take the steps in order."""
        for step in items(steps):
            label = get(step, "name")
            if label is not None:
                self.ledger.replaced(label, "the steps of a job are one command")
            if get(step, "uses") is not None:
                self.action(step)
            elif get(step, "run") is not None:
                self.run(step)

    def action(self, step: Node) -> None:
        """Take an action for what the language has in its place."""
        uses = text_of(get(step, "uses")) or ""
        name = uses.split("@")[0].lower()
        known = {
            "actions/checkout": self.checkout, "actions/setup-python": self.python, "actions/cache": self.cache,
            "actions/upload-artifact": self.upload, "actions/download-artifact": self.download,
            "aws-actions/configure-aws-credentials": self.aws, "google-github-actions/auth": self.gcp,
        }.get(name)  # fmt: skip
        condition = re.sub(r"[\s${}]", "", text_of(get(step, "if")) or "")
        kept = name == "actions/upload-artifact" and condition in ("always()", "!cancelled()", "success()")
        if known is not None and (not condition or kept):
            known(step)
            self.ledger.replaced(get(step, "id"), "the steps of a job are one command")
            return
        if known is not None:
            self.ledger.listed(step, "a step with a condition: make it a job with a `when`")
            return
        kind = "a composite action of this repository" if uses.startswith("./") else "an action"
        self.ledger.listed(
            step, f"{kind} has no counterpart: put what {visible(uses)[:60]} does into a command"
        )

    def checkout(self, step: Node) -> None:
        """Take how the repository is checked out."""
        self.ledger.replaced(get(step, "uses"), "mlcc checks the repository out")
        place = ("jobs", self.id, "checkout")
        for entry in entries(get(step, "with")):
            value = text_of(entry.node) or ""
            if entry.key == "fetch-depth" and value.isdigit():
                self.draft.put(entry.node, int(value), *place, "depth")
            elif entry.key in ("lfs", "submodules") and value in ("true", "recursive"):
                self.draft.put(entry.node, True, *place, entry.key)
            elif value == "false" and entry.key in ("lfs", "submodules", "persist-credentials"):
                self.ledger.replaced(entry.node, "the same by default")
            else:
                self.ledger.listed(
                    entry.node,
                    "the checkout is of this repository, at the commit of the run, without credentials",
                )

    def python(self, step: Node) -> None:
        """Take the version of Python."""
        self.ledger.replaced(get(step, "uses"), "mlcc sets Python up")
        node = get(step, "with", "python-version")
        raw = (text_of(node) or "").strip()
        match = EXPRESSION.fullmatch(raw)
        value = typed(match[1], self.draft) if match else raw
        if (isinstance(value, dict) and "matrix" in value) or (
            isinstance(value, str) and re.fullmatch(r"3\.\d{1,2}(\.\d{1,2})?", value)
        ):
            self.draft.put(node, value, "jobs", self.id, "python")
        elif node is not None:
            self.ledger.listed(node, 'a version such as "3.12" is stated in the spec')
        for entry in entries(get(step, "with")):
            if entry.key in ("cache", "cache-dependency-path"):
                self.draft.set(
                    text_of(entry.node),
                    "targets",
                    "github",
                    "jobs",
                    self.id,
                    "steps",
                    "python",
                    "with",
                    entry.key,
                )
                self.ledger.overlay(
                    entry.node, "targets", "github", "jobs", self.id, "steps", "python", "with", entry.key
                )

    def cache(self, step: Node) -> None:
        """Take a cache whose key is made of files."""
        key = get(step, "with", "key")
        files = [
            f for group in _HASH_FILES.findall(text_of(key) or "") for f in re.findall(r"'([^']+)'", group)
        ]
        paths = [
            line.strip() for line in (text_of(get(step, "with", "path")) or "").splitlines() if line.strip()
        ]
        files = [f.removeprefix("**/") for f in files]
        if not files or not paths:
            self.ledger.listed(step, "a cache is named by committed files, `cache: {ID: {path, key}}`")
            return
        id = identifier(paths[0].rsplit("/", 1)[-1], "cache")
        self.ledger.replaced(get(step, "uses"), "mlcc keeps caches")
        self.draft.put(get(step, "with", "path"), paths, "jobs", self.id, "cache", id, "path")
        self.draft.put(key, files, "jobs", self.id, "cache", id, "key")
        self.ledger.replaced(get(step, "with", "restore-keys"), "a cache that doesn't fit is made anew")

    def upload(self, step: Node) -> None:
        """Take what is kept for artifacts, or for reports where its name says so."""
        node = get(step, "with", "path")
        name = text_of(get(step, "with", "name")) or "artifact"
        days = text_of(get(step, "with", "retention-days")) or ""
        label = EXPRESSION.sub("", name).strip("-_ ") or "artifact"
        for line in (text_of(node) or "").splitlines():
            raw = line.strip()
            if not raw:
                continue
            path = None if EXPRESSION.search(raw) else artifact_path(raw)
            if path is None:
                self.ledger.listed(
                    node,
                    f"no artifact has the path {visible(raw)[:60]}: it is one file, or one folder, of the project",
                )
                continue
            if report_format(path):
                report = identifier(path.rsplit("/", 1)[-1].rsplit(".", 1)[0], "report")
                self.draft.put(
                    node, {"path": path, "format": report_format(path)}, "jobs", self.id, "reports", report
                )
                continue
            artifact = self.draft.artifact(
                label, path, duration(int(days) * 86400) if days.isdigit() and 0 < int(days) <= 90 else None
            )
            if not self.draft.writes(self.id, artifact):
                self.ledger.listed(node, f"another job writes {path} already: give each a folder of its own")
                continue
            self.draft.uploads.setdefault(name, []).append((artifact, self.id))
            self.ledger.placed(node, "jobs", self.id, "writes")
            if raw.rstrip("/") != path.rstrip("/").removeprefix("./") and "*" in raw:
                self.ledger.finding(
                    node.span.line if node else 0, raw, f"the artifact {artifact} is the whole folder {path}"
                )
        for key, by in (
            ("uses", "mlcc passes artifacts on"),
            ("if", "an artifact is passed on when the job passed; a report always"),
        ):
            self.ledger.replaced(get(step, key), by)
        for key in ("name", "retention-days", "if-no-files-found", "compression-level", "overwrite"):
            self.ledger.replaced(
                get(step, "with", key), "the artifact's id, `retain`; a missing output fails the job"
            )

    def download(self, step: Node) -> None:
        """Take what a job gets from others for what it reads."""
        name = text_of(get(step, "with", "name"))
        uploads = self.draft.uploads
        found = (
            [pair for group in uploads.values() for pair in group] if name is None else uploads.get(name, [])
        )
        other = [
            key
            for key in ("pattern", "run-id", "github-token", "repository")
            if get(step, "with", key) is not None
        ]
        if not found or other:
            self.ledger.listed(
                step, f"no job above uploads {visible(name or 'anything')[:60]} in a way that could be placed"
            )
            return
        for artifact, job in found:
            if job != self.id:
                self.draft.append(artifact, "jobs", self.id, "reads")
        self.ledger.replaced(get(step, "uses"), "mlcc passes artifacts on")
        self.ledger.placed(get(step, "with", "name"), "jobs", self.id, "reads")
        node = get(step, "with", "path")
        target = (text_of(node) or ".").strip().removeprefix("./").rstrip("/")
        paths = [self.draft.get("artifacts", artifact, "path") for artifact, _ in found]
        if all(path.rstrip("/") == target or path.rstrip("/").rpartition("/")[0] == target for path in paths):
            self.ledger.placed(node, "artifacts", found[0][0], "path")
        else:
            self.ledger.finding(
                step.span.line,
                "download",
                f"it arrives at {', '.join(paths)}, where it was written, not at {visible(target)[:60]}",
            )
            self.ledger.replaced(node, "an artifact lies where it was written")

    def aws(self, step: Node) -> None:
        """Take a login to AWS by a role."""
        self._login(
            step,
            "aws",
            {"role-to-assume": "role", "aws-region": "region", "audience": "audience"},
            ("role", "region"),
        )

    def gcp(self, step: Node) -> None:
        """Take a login to Google Cloud by workload identity."""
        keys = {"workload_identity_provider": "provider", "service_account": "service_account"}
        self._login(step, "gcp", keys, ("provider", "service_account"))

    def _login(self, step: Node, cloud: str, keys: dict[str, str], needed: tuple[str, ...]) -> None:
        values: dict[str, Any] = {}
        for theirs, ours in keys.items():
            raw = text_of(get(step, "with", theirs))
            match = EXPRESSION.fullmatch((raw or "").strip())
            value = typed(match[1], self.draft) if match else raw
            if value is not None and not (isinstance(value, str) and EXPRESSION.search(value)):
                values[ours] = value
        given = {e.key for e in entries(get(step, "with"))}
        there = self.draft.get("auth", cloud)
        if (
            not set(needed) <= set(values)
            or given - set(keys) - {"role-session-name"}
            or there not in (None, values)
        ):
            self.ledger.listed(
                step,
                f"`auth: {{{cloud}: …}}` is a login without keys, one for the whole spec: {', '.join(needed)}",
            )
            return
        self.draft.set(values, "auth", cloud)
        self.draft.append(cloud, "jobs", self.id, "auth")
        self.ledger.placed(get(step, "with"), "auth", cloud)
        self.ledger.replaced(get(step, "uses"), "mlcc logs in")
