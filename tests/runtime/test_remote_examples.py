"""The scripts of docs/remote.md, over programs that stand for a cluster and a cloud."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.plans import HEAD
from tests.runtime.conftest import Make
from tests.runtime.project import Project

PAGE = Path(__file__).resolve().parents[2] / "docs" / "remote.md"
SPEC = (
    HEAD
    + """artifacts: {model: {kind: model, path: build/model.bin}}
jobs:
  train:
    writes: [model]
    timeout: TIMEOUT
    remote:
      submit: bash ci/submit.sh
      poll: bash ci/poll.sh
      cancel: bash ci/cancel.sh
      collect: bash ci/collect.sh
      every: 1s
      resume: false
"""
)
# Each program notes its first words, and says of the state what the next line of `states` does.
NEXT = 'state=$(sed -n 1p states); sed -i 1d states; test "$state" != none && echo "$state"; exit 0'
SLURM = {
    "sbatch": 'echo "sbatch $3" >> log; echo 4711',
    "sacct": f'echo "sacct $5" >> log; {NEXT}',
    "scancel": 'echo "scancel $1" >> log',
    "cp": 'echo "cp $1" >> log; echo weights > build/model.bin',
}
CLOUD = {
    "aws": f"""case "$2" in
  create-training-job) test -s request.json || exit 2; echo create >> log; echo "{{}}" ;;
  describe-training-job) echo "describe $4" >> log; {NEXT} ;;
  stop-training-job) echo "stop $4" >> log ;;
  cp) echo "fetch $3" >> log; mkdir -p far; echo weights > far/model.bin; tar -cz -C far model.bin ;;
esac""",
}
KEY = re.compile(r"mlcc-[0-9a-f]{32}-1")


def scripts(which: int) -> dict[str, str]:
    """Return the scripts of one of the page's examples, by their paths."""
    block = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)[which]
    _, *parts = re.split(r"^# (ci/\w+\.sh)\n", block, flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def trained(
    make: Make, which: int, programs: dict[str, str], states: list[str], timeout: str = "60s"
) -> Project:
    found = scripts(which)
    assert sorted(found) == ["ci/cancel.sh", "ci/collect.sh", "ci/poll.sh", "ci/submit.sh"]
    stands = {f"bin/{name}": f"#!/bin/bash\n{text}\n" for name, text in programs.items()}
    ignored = "_mlcc/\nbuild/\nlog\nstates\nfar/\n*.json\n!.mlcc/**\n"
    files = {**found, **stands, "ci/request.py": "print('{}')\n", ".gitignore": ignored}
    project = make(SPEC.replace("TIMEOUT", timeout), files)
    for name in programs:
        (project.root / "bin" / name).chmod(0o755)
    (project.root / "states").write_text("".join(f"{state}\n" for state in states))
    os.environ["PATH"] = f"{project.root / 'bin'}:{os.environ['PATH']}"
    project.select()
    return project


def log(project: Project) -> list[str]:
    return [KEY.sub("KEY", line) for line in (project.root / "log").read_text().splitlines()]


def test_a_cluster_trains(make: Make) -> None:
    project = trained(make, 0, SLURM, ["none", "RUNNING", "COMPLETED"])
    assert project.node("train") == 0
    assert log(project) == ["sbatch KEY", *["sacct 4711"] * 3, "cp /shared/runs/4711/model.bin"]


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED by 1000", "OUT_OF_MEMORY", "TIMEOUT"])
def test_a_cluster_fails(make: Make, state: str) -> None:
    project = trained(make, 0, SLURM, ["PENDING", state])
    assert project.node("train") == 1
    assert log(project) == ["sbatch KEY", *["sacct 4711"] * 2]


def test_a_cluster_is_told_to_stop(make: Make) -> None:
    project = trained(make, 0, SLURM, ["RUNNING"] * 9, "2s")
    assert project.node("train") == 5
    assert log(project)[-1] == "scancel 4711"


def test_a_cloud_trains(make: Make) -> None:
    project = trained(make, 1, CLOUD, ["InProgress", "Completed"])
    assert project.node("train") == 0
    assert log(project) == [
        "create",
        *["describe KEY"] * 2,
        "fetch s3://acme-ml/far/out/KEY/output/model.tar.gz",
    ]


def test_a_cloud_fails(make: Make) -> None:
    project = trained(make, 1, CLOUD, ["Failed"])
    assert project.node("train") == 1


def test_a_cloud_is_told_to_stop(make: Make) -> None:
    project = trained(make, 1, CLOUD, ["InProgress"] * 9, "3s")
    assert project.node("train") == 5
    assert log(project)[-1] == "stop KEY"


def test_a_cloud_that_takes_nothing_is_not_watched(make: Make) -> None:
    project = trained(make, 1, {"aws": "exit 254"}, [])
    assert project.node("train") == 1
    assert project.ended("train")[2] == "`submit` ended with 254"
