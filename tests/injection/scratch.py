"""A runner's machine in a scratch folder: a repository with the compiled files, real shells, and a program that records."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.injection.compiling import all_files, compiled, spec_text
from tests.injection.corpus import canaries
from tests.injection.platforms import Platform, World

SHELLS = {
    "bash": ("bash", "--noprofile", "--norc", "-eo", "pipefail"),
    "dash": ("dash", "-e"),
}
# Writes down its arguments, environment and folder; makes the artifacts of its node, and the outputs O0, O1, … from V0, V1, …
RECORDER = """\
import json, os, sys, uuid
what, *words = sys.argv[1:]
env = dict(os.environ)
record = {"what": what, "words": words, "env": env, "folder": os.getcwd()}
with open(os.path.join(env["RECORDS"], uuid.uuid4().hex), "w", encoding="utf-8") as file:
    json.dump(record, file)
if what in ("write", "fetch"):
    for name, path in env.items():
        if name.startswith("ARTIFACT_"):
            with open(path, "w", encoding="utf-8") as file:
                file.write(name)
    with open(env["MLCC_OUTPUTS"], "w", encoding="utf-8") as file:
        for i in range(int(env.get("OUTPUTS", 0))):
            file.write(f"O{i}={env[f'V{i}']}\\n")
if what == "read":
    for name, path in env.items():
        if name.startswith("ARTIFACT_"):
            with open(path, encoding="utf-8") as file:
                assert file.read() == name, (name, path)
"""


class Scratch:
    """The folder below which everything happens. `logs` are what steps printed, by their names."""

    def __init__(self, root: Path, shell: str) -> None:
        self.root, self.shell = root, shell
        self.repository, self.records, self.runner = (
            root / name for name in ("repository", "records", "runner")
        )
        for folder in (self.repository, self.records, self.runner, root / "home", root / "tmp", root / "bin"):
            folder.mkdir(parents=True)
        (root / "record.py").write_text(RECORDER, "utf-8")
        dvc = root / "bin" / "dvc"
        dvc.write_text('#!/bin/sh\nexec python3 -I "$RECORD" write "$@"\n', "utf-8")
        dvc.chmod(0o755)
        self.logs: dict[str, str] = {}
        self.failed: dict[str, int] = {}

    @property
    def env(self) -> dict[str, str]:
        """The runner's environment."""
        return {
            "PATH": f"{self.root / 'bin'}:{os.environ['PATH']}",
            "HOME": str(self.root / "home"),
            "TMPDIR": str(self.root / "tmp"),
            "LANG": "C.UTF-8",
            "RECORD": str(self.root / "record.py"),
            "RECORDS": str(self.records),
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_SYSTEM": "/dev/null",
        }

    def write(self, files: Mapping[str, str]) -> None:
        """Write files of the repository."""
        for path, text in files.items():
            target = self.repository / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, "utf-8")

    def commit(self) -> str:
        """Commit everything and return the commit's name."""
        who = ["-c", "user.name=a", "-c", "user.email=a@b"]
        for words in (["init", "-q"], ["add", "-A"], [*who, "commit", "-qm", "x"]):
            subprocess.run(["git", *words], cwd=self.repository, env=self.env, check=True)
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            cwd=self.repository,
            env=self.env,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def run(self, tree: Any, platform: Platform, world: World) -> None:
        """Compile a spec and run the whole of it. A step that fails is noted and stops nothing."""
        plan, files = compiled(tree, platform)
        self.write({"mlcc.yaml": spec_text(tree), ".gitignore": "_mlcc/\n", **all_files(plan, files)})
        commit = self.commit()
        for number, step in enumerate(platform.steps(files, world, self.runner, commit)):
            script = self.runner / "step.sh"
            script.write_text(step.text + "\n", "utf-8")
            done = subprocess.run(
                [*SHELLS[self.shell], str(script)],
                cwd=self.repository,
                env={**self.env, **step.env},
                capture_output=True,
                check=False,
                timeout=120,
            )
            name = f"{number} {step.name}"
            self.logs[name] = (done.stdout + done.stderr).decode("utf-8", "replace")
            if done.returncode:
                self.failed[name] = done.returncode

    def recorded(self, what: str) -> list[dict[str, Any]]:
        """Return the records that a program made under a word."""
        found = [json.loads(path.read_text("utf-8")) for path in self.records.iterdir()]
        return [record for record in found if record["what"] == what]

    def canaries(self) -> list[str]:
        """Return what a string made, anywhere."""
        return canaries(self.root)

    def remove(self) -> None:
        """Remove the folder: many of them fill a disk."""
        shutil.rmtree(self.root)
