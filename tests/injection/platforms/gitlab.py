"""GitLab: the parent pipeline's selecting job, and the jobs of the child pipeline that it writes, as a runner starts them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from ruamel.yaml import YAML

from tests.injection.platforms import Step, World

VARIABLE = re.compile(r"\$\$|\$\{(\w+)\}|\$(\w+)")
PARENT, CHILD = ".gitlab-ci.yml", ".mlcc/gitlab.yml"


class GitLab:
    """See tests.injection.platforms.Platform."""

    name = "gitlab"

    def parse(self, files: Mapping[str, str]) -> Any:
        """Return both pipelines: {"parent", "child"}."""
        return {
            "parent": yaml.load(files[PARENT], yaml.CSafeLoader),
            "child": yaml.load(files[CHILD], yaml.CSafeLoader),
        }

    def check_readers(self, files: Mapping[str, str]) -> None:
        """Compare a reader of YAML 1.1, as GitLab's is, with one of 1.2."""
        for name in (PARENT, CHILD):
            found = YAML(typ="safe", pure=True).load(files[name])
            assert found == yaml.load(files[name], yaml.CSafeLoader)

    def places(self, leaf: str, texts: Sequence[str]) -> list[tuple[tuple[Any, ...], Any]]:
        """Return (way, value): where GitLab expands variables, a dollar sign is doubled."""
        job, form = ("child", "n"), ("parent", "variables")
        whole: dict[str, list[tuple[tuple[Any, ...], Any]]] = {
            "Profile.image": [((*job, "image", "name"), _escaped(text)) for text in texts],
            "Service.image": [
                ((*job, "services", i, "name"), _escaped(text)) for i, text in enumerate(texts)
            ],
            "FormInput.options[]": [((*form, "MLCC_INPUT_I", "options"), ["", *texts])],
        }
        singly: dict[str, tuple[tuple[Any, ...], bool]] = {
            "Service.env{}=": ((*job, "services", 0, "variables", "V#"), True),
            "Execution.image": (("child", "n#", "image", "name"), True),
            "Runner.gitlab": (("child", "n#", "tags", 0), True),
            "Runner.gitlab[]": (("child", "n#", "tags", 1), True),
            "GitlabTarget.pipeline{}=": (("child", "variables", "V#"), False),
            "GitlabTarget.jobs{}={}=": ((*job, "variables", "V#"), False),
            "FormInput.description": ((*form, "MLCC_INPUT_I#", "description"), False),
            "FormInput.default": ((*form, "MLCC_INPUT_I#", "value"), False),
        }
        found = list(whole.get(leaf, []))
        if leaf in singly:
            way, expands = singly[leaf]
            for i, text in enumerate(texts):
                here = tuple(key.replace("#", str(i)) if isinstance(key, str) else key for key in way)
                found.append((here, _escaped(text) if expands else text))
        return found

    def refuses(self, leaf: str, text: str) -> str | None:
        """Return `overlay-semantics` for what might hand a secret to a node; GitLab has a spelling for every text."""
        return "overlay-semantics" if leaf.startswith("GitlabTarget") and "secrets" in text else None

    def steps(self, files: Mapping[str, str], world: World, folder: Path, commit: str) -> Iterator[Step]:
        """Yield the selecting job, then the jobs of the child pipeline in the order in which they stand."""
        parent = self.parse(files)["parent"]
        shared = {
            "CI_COMMIT_SHA": commit,
            "CI_COMMIT_BRANCH": world.branch,
            "CI_PROJECT_PATH": "a/b",
            "CI_PIPELINE_ID": "1",
        }
        inputs = {f"MLCC_INPUT_{name.upper()}": text for name, text in world.inputs.items()}
        own = {**shared, **inputs, "CI_PIPELINE_SOURCE": "web", "MLCC_TRIGGER": "go"}
        yield self._step("select", parent["select"], own, {})
        child = yaml.load(
            (folder.parent / "repository" / "_mlcc" / "child.yml").read_text("utf-8"), yaml.CSafeLoader
        )
        run = {
            **shared,
            "CI_PIPELINE_SOURCE": "parent_pipeline",
            "MLCC_RUN": "1",
            **world.secrets,
            **world.variables,
        }
        for name, job in child.items():
            if isinstance(job, dict) and "script" in job:
                for leg in _legs(job):
                    yield self._step(name, job, run, {**child["variables"], **leg})

    def _step(self, name: str, job: Any, env: Mapping[str, str], variables: Mapping[str, str]) -> Step:
        written = {**variables, **job.get("variables", {})}
        values = {**env, **{key: _expanded(str(text), env) for key, text in written.items()}}
        return Step(name, "\n".join(job["script"]), values)

    def commands(self, log: str) -> list[str]:
        """Return markers of sections (docs.gitlab.com/ci/jobs/job_logs/#custom-collapsible-sections)."""
        return [line for line in log.splitlines() if re.match(r"section_(?:start|end):\d+:\w+\r", line)]


def _escaped(text: str) -> str:
    return text.replace("$", "$$")


def _expanded(text: str, env: Mapping[str, str]) -> str:
    """Return a variable's value as a runner expands it."""
    return VARIABLE.sub(lambda m: "$" if m[0] == "$$" else env.get(m[1] or m[2], ""), text)


def _legs(job: Any) -> Iterator[dict[str, str]]:
    found = job.get("parallel", {}).get("matrix", [{}])
    for entry in found:
        (many,) = [(k, v) for k, v in entry.items() if isinstance(v, list)] or [("", [""])]
        rest = {key: value for key, value in entry.items() if not isinstance(value, list)}
        for value in many[1]:
            yield {**rest, **({many[0]: value} if many[0] else {})}


PLATFORM = GitLab()
