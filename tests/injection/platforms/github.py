"""GitHub: the workflow's `run` steps, with their variables as the runner sets them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from ruamel.yaml import YAML

from tests.injection.platforms import Step, World

EXPRESSION = re.compile(r"\$\{\{ (secrets|vars|matrix|github|needs)\.(\w+) \}\}")
COMMAND = re.compile(r"\s*::(?!warning::|add-mask::)|.*##\[")
IN_WORKFLOW = (
    "Branches.branches[]", "Tags.patterns[]", "FormInput.description", "FormInput.default", "FormInput.options[]",
    "Cache.path[]", "Execution.image", "Profile.image", "Service.image", "Service.env{}=", "Runner.github", "Runner.github[]",
)  # fmt: skip


class GitHub:
    """See tests.injection.platforms.Platform."""

    name = "github"

    def parse(self, files: Mapping[str, str]) -> Any:
        """Return the workflow, with each job's steps by their ids."""
        found, *others = (yaml.load(text, yaml.CSafeLoader) for text in _workflows(files))
        for part in others:  # of a workflow that is too large for one file
            found["jobs"].update(part["jobs"])
        found["jobs"] = {id: job for id, job in found["jobs"].items() if "uses" not in job}
        for job in found["jobs"].values():
            job["steps"] = {step["id"]: step for step in job["steps"]}
        return found

    def check_readers(self, files: Mapping[str, str]) -> None:
        """Compare a reader of YAML 1.1 with one of 1.2."""
        for text in _workflows(files):
            assert YAML(typ="safe", pure=True).load(text) == yaml.load(text, yaml.CSafeLoader)

    def places(self, leaf: str, texts: Sequence[str]) -> list[tuple[tuple[Any, ...], Any]]:
        """Return (way, value) in the workflow."""
        job, inputs = ("jobs", "n"), ("on", "workflow_dispatch", "inputs")
        whole: dict[str, list[tuple[tuple[Any, ...], Any]]] = {
            "Branches.branches[]": [
                (("on", e, "branches"), ["main", *texts]) for e in ("push", "pull_request")
            ],
            "Tags.patterns[]": [(("on", "push", "tags"), ["main", *texts])],
            "FormInput.options[]": [((*inputs, "i", "options"), list(texts))],
            "Cache.path[]": [((*job, "steps", "cache-c", "with", "path"), "\n".join(texts))],
            "Cache.key[]": [
                ((*job, "steps", "cache-c", "with", "key"), f"p-c-${{{{ runner.os }}}}-{_hashed(texts)}")
            ],
            "Profile.image": [((*job, "container", "image"), text) for text in texts],
        }
        singly: dict[str, list[tuple[Any, ...]]] = {
            "Service.env{}=": [(*job, "services", "s", "env", "V#")],
            "Service.image": [(*job, "services", "s#", "image")],
            "Execution.image": [("jobs", "n#", "container", "image")],
            "FormInput.description": [(*inputs, "i#", "description")],
            "FormInput.default": [(*inputs, "i#", "default")],
            "Runner.github": [("jobs", "n#", "runs-on")],
            "Runner.github[]": [("jobs", "n#", "runs-on", 1)],
            "GithubTarget.jobs{}={}=": [(*job, "env", "V#")],
        }
        found = list(whole.get(leaf, []))
        for way in singly.get(leaf, []):
            for i, text in enumerate(texts):
                found.append((tuple(k.replace("#", str(i)) if isinstance(k, str) else k for k in way), text))
        return found

    def refuses(self, leaf: str, text: str) -> str | None:
        """Return `expression` for what GitHub would evaluate, `cache-path` for what isn't one path in its list.

        An overlay has no say in the whole workflow's variables, and hands no secret to a node behind the spec's back.
        """
        if leaf.startswith("GithubTarget.workflow") or (
            leaf.startswith("GithubTarget") and "secrets" in text
        ):
            return "overlay-semantics"
        if leaf == "Cache.path[]" and ("\n" in text or text != text.strip() or text.startswith(("#", "!"))):
            return "cache-path"
        return "expression" if leaf in IN_WORKFLOW and "${{" in text else None

    def steps(self, files: Mapping[str, str], world: World, folder: Path, commit: str) -> Iterator[Step]:
        """Yield each job's `run` step, a matrix leg by leg."""
        workflow = self.parse(files)
        (folder / "event.json").write_text(json.dumps({"inputs": dict(world.inputs)}), "utf-8")
        shared = {
            "GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "workflow_dispatch", "GITHUB_EVENT_PATH": str(folder / "event.json"),
            "GITHUB_REF_NAME": world.branch, "GITHUB_REF_TYPE": "branch", "GITHUB_REPOSITORY": "a/b", "GITHUB_RUN_ID": "1",
            "GITHUB_RUN_NUMBER": "1", "GITHUB_SHA": commit, "GITHUB_SERVER_URL": "https://github.com", "GITHUB_API_URL": "http://127.0.0.1:9",
            "GITHUB_OUTPUT": str(folder / "output"), "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
            "GITHUB_ENV": str(folder / "env"), "GITHUB_PATH": str(folder / "path"), **workflow["env"],
        }  # fmt: skip
        needs = {}
        for id, job in workflow["jobs"].items():
            matrix = job.get("strategy", {}).get("matrix", {})
            for leg in matrix.get("include") or [{"leg": leg} for leg in matrix.get("leg", [""])]:
                values = {
                    "secrets": world.secrets,
                    "vars": world.variables,
                    "matrix": leg,
                    "github": {"token": "t"},
                }
                needs[id] = {"result": "success", "outputs": {}}
                env = {}
                for name, value in {**job.get("env", {}), **job["steps"]["run"].get("env", {})}.items():
                    env[name] = (
                        json.dumps(needs) if value == "${{ toJSON(needs) }}" else _value(value, values)
                    )
                script = job["steps"]["run"]["run"]
                assert "${{" not in script
                yield Step(id, script, {**shared, **env})

    def commands(self, log: str) -> list[str]:
        """Return lines that begin with `::`, or hold `##[` (actions/runner, src/Runner.Common/ActionCommand.cs)."""
        return [line for line in log.splitlines() if COMMAND.match(line)]


def _workflows(files: Mapping[str, str]) -> list[str]:
    """Return the texts of the workflow and of its parts, itself first."""
    return [files[path] for path in sorted(files) if path.startswith(".github/workflows/")]


def _hashed(texts: Sequence[str]) -> str:
    literals = ", ".join("'" + text.replace("'", "''") + "'" for text in texts)
    return f"${{{{ hashFiles({literals}) }}}}"


def _value(text: str, values: Mapping[str, Mapping[str, Any]]) -> str:
    """Return what GitHub makes of a variable's text: one expression as a whole, or the text itself."""
    found = EXPRESSION.fullmatch(text)
    if found:
        return str(values[found[1]].get(found[2], ""))
    assert "${{" not in text, text
    return text


PLATFORM = GitHub()
