"""GitLab's variables -> typed values: its own facts, those of the file, and those of its settings."""

from __future__ import annotations

import re
from typing import Any

from mlcc.importing.document import entries, get, text_of
from mlcc.importing.draft import Draft
from mlcc.importing.shell import export, looks_secret, stop, visible
from mlcc.load.source import Mapping, Node, Scalar
from mlcc.spec.scalars import RESERVED_ENV

_FACTS = {
    "CI_COMMIT_SHA": "commit", "CI_COMMIT_REF_NAME": "branch", "CI_COMMIT_BRANCH": "branch", "CI_COMMIT_TAG": "tag",
    "CI_PIPELINE_ID": "run_id", "CI_PIPELINE_IID": "run_number", "CI_PIPELINE_URL": "run_url",
    "CI_PROJECT_PATH": "repository", "CI_PROJECT_DIR": "workspace", "CI_PIPELINE_SOURCE": "event",
    "CI_MERGE_REQUEST_IID": "pull_request", "CI_MERGE_REQUEST_DIFF_BASE_SHA": "base_commit",
}  # fmt: skip
_PREDEFINED = re.compile(r"\$(?:(CI_\w+|GITLAB_\w+)|\{(CI_\w+|GITLAB_\w+)\})")
_USED = re.compile(r"\$(?:([A-Z][A-Z0-9_]*)\b|\{([A-Z][A-Z0-9_]*)\})")
_SHELL = {
    "HOME",
    "PATH",
    "PWD",
    "USER",
    "SHELL",
    "RANDOM",
    "TMPDIR",
    "HOSTNAME",
    "SECONDS",
    "OLDPWD",
    "LANG",
    "IFS",
    "PYTHONPATH",
}
_RUNNER = {"GIT_STRATEGY", "GIT_SUBMODULE_STRATEGY", "GIT_DEPTH", "GIT_LFS_SKIP_SMUDGE"}
_DEFAULT_BRANCH = "CI_DEFAULT_BRANCH"


class Variables:
    """The variables of one job."""

    def __init__(self, draft: Draft, id: str) -> None:
        self.draft, self.id = draft, id
        self.stops: list[str] = []
        self.containers: dict[str, tuple[str, Node]] = {}

    def take(self, node: Node | None) -> list[str]:
        """Draft the variables of a mapping; return the commands that set those which are joined of others."""
        exports = []
        for entry in entries(node):
            value = get(entry.node, "value") if isinstance(entry.node, Mapping) else entry.node
            raw = text_of(value)
            if raw is None or value is None:
                continue
            if entry.key in _RUNNER:
                self._checkout(entry.key, raw, value)
            elif entry.key.startswith(("POSTGRES_", "MYSQL_", "MARIADB_", "MINIO_", "MONGO_")):
                self.containers[entry.key] = (raw, value)
                self._set(entry.key, raw, value)
            elif "$" in raw:
                joined = self.in_command(raw, value)
                self.from_settings(joined)
                exports.append(export(entry.key, re.sub(r"\$([A-Za-z_]\w*)", r"${\1}", visible(joined))))
                self.draft.ledger.placed(value, "jobs", self.id, "run")
            else:
                self._set(entry.key, raw, value)
            if isinstance(entry.node, Mapping):
                self.draft.ledger.replaced(
                    get(entry.node, "description"), "a literal of the spec needs no form"
                )
        return exports

    def _set(self, name: str, raw: str, node: Node) -> None:
        value: Any = (
            node.value if isinstance(node, Scalar) and isinstance(node.value, (bool, int)) else visible(raw)
        )
        self.draft.put(node, value, "jobs", self.id, "env", name)
        if looks_secret(name):
            self.draft.ledger.suggest(
                f"jobs.{self.id}.env.{name} looks like a secret in the clear: keep it in the CI system"
            )

    def _checkout(self, name: str, raw: str, node: Node) -> None:
        place = ("jobs", self.id, "checkout")
        if name == "GIT_DEPTH" and raw.isdigit():
            self.draft.put(node, int(raw), *place, "depth")
        elif name == "GIT_SUBMODULE_STRATEGY" and raw in ("normal", "recursive"):
            self.draft.put(node, True, *place, "submodules")
        elif name == "GIT_STRATEGY" and raw == "none":
            self.draft.put(node, "none", *place)
        elif raw in ("fetch", "clone", "none", "1"):
            self.draft.ledger.replaced(node, "mlcc checks the repository out")
        else:
            self.draft.ledger.listed(node, "the checkout is stated as `checkout: {depth, lfs, submodules}`")

    def of_service(self, image: str, node: Node | None) -> dict[str, Any]:
        """Return the variables of a container: its own, and those of the job that are meant for it."""
        base = image.split("@")[0].rsplit("/", 1)[-1].split(":")[0].upper()
        found: dict[str, Any] = {
            n: visible(raw) for n, (raw, _) in self.containers.items() if n.startswith(base)
        }
        for entry in entries(node):
            if (raw := text_of(entry.node)) is not None and "$" not in raw:
                found[entry.key] = visible(raw)
                self.draft.ledger.placed(entry.node, "jobs", self.id, "services")
        return found

    def in_command(self, raw: str, node: Node) -> str:
        """Return text with the variables that GitLab sets replaced by those that the job has by typed values."""

        def name_of(match: re.Match[str]) -> str:
            return f"${{{self._fact(match[1] or match[2], node)}}}"

        return _PREDEFINED.sub(name_of, raw)

    def _fact(self, name: str, node: Node) -> str:
        if name == "CI_COMMIT_SHORT_SHA":
            return f"{self._fact('CI_COMMIT_SHA', node)}:0:8"
        own = "RUN_" + name.removeprefix("CI_").removeprefix("GITLAB_")
        if name == "CI_COMMIT_REF_SLUG":
            self.draft.ledger.finding(node.span.line, name, "the branch arrives as it is, not as a slug")
            name = "CI_COMMIT_REF_NAME"
        value = {"context": _FACTS[name]} if name in _FACTS else "main" if name == _DEFAULT_BRANCH else None
        if value is None:
            self.draft.ledger.finding(
                node.span.line, name, "only GitLab sets this variable: the job stops until it is stated"
            )
            command = stop(f"the variable {name}")
            if command not in self.stops:
                self.stops.append(command)
        else:
            self.draft.set(value, "jobs", self.id, "env", own)
        return own

    def from_settings(self, script: str) -> None:
        """Declare the variables that a script uses and nothing in the file sets: GitLab's settings hold them."""
        for match in _USED.finditer(script):
            name = match[1] or match[2]
            assigned = re.search(rf"\b{name}=|\bfor {name}\b|\bread (?:-\w+ )?{name}\b", script)
            there = self.draft.get("jobs", self.id, "env", name) is not None
            if assigned or there or name in _SHELL or name.startswith(("RUN_", *RESERVED_ENV)):
                continue
            kind = "secret" if looks_secret(name) else "var"
            self.draft.set({kind: name}, "jobs", self.id, "env", name)
            self.draft.ledger.suggest(
                f"jobs.{self.id}.env.{name} is taken for a {'secret' if kind == 'secret' else 'variable'} of GitLab's settings"
            )
