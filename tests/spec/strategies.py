"""Random specs that make sense: their names exist, their graph has no cycle, every read artifact has an origin.

A spec is built artifact by artifact. An artifact's writer, the jobs that measure it and the gates that guard it come
into being before anybody reads it, and each refers only to what is there already: so the order of creation is an
order of running, and no cycle can arise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from tests.spec import texts
from tests.spec.gate_parts import made as drawn
from tests.spec.gate_strategies import Near, canary_parts, kinds, liveness, params
from tests.spec.texts import to_yaml

__all__ = ["specs", "to_yaml"]

Data = dict[str, Any]
Draw = Callable[..., Any]


@st.composite
def specs(draw: Draw) -> Data:
    """Draw a spec as plain data that every pass and every back end accept."""
    return _Builder(draw).spec()


def canary() -> st.SearchStrategy[Data]:
    """Draw the canary of a release."""
    parts = canary_parts()
    steps = st.sampled_from(([5], [1, 25.5, {"weight": 50, "bake": "20s"}]))
    observed = st.fixed_dictionaries({"command": texts.command})
    required = {"steps": steps, "observations": observed, "metrics": parts.pop("metrics"), "every": "1s"}
    return drawn(required, {**parts, "bake": "2s", "watch_first": "1s", "liveness": liveness("/healthz")})


class _Builder:
    """One draw. `nodes` are the ids that an ordinary node may need; `readable` what an ordinary job may read."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.count = 0
        self.artifacts: Data = {}
        self.jobs: Data = {}
        self.gates: Data = {}
        self.releases: Data = {}
        self.nodes: list[str] = []
        self.readable: list[str] = []
        self.outputs: list[str] = []
        self.warnings: list[str] = []  # non-blocking gates
        self.inputs: list[str] = []
        self.axes: Data = {}  # of the node at hand

    def spec(self) -> Data:
        triggers = self.triggers()
        made: Data = {"version": 1, "name": self.id("p"), "triggers": triggers, **self.surroundings()}
        for _ in range(self.number(1, 4)):
            self.artifact()
        for _ in range(self.number(0, 2)):
            self.job(self.new_id())
        for _ in range(self.number(0, 2) if self.environments and self.readable else 0):
            self.release()
        for _ in range(self.number(0, 2) if self.nodes else 0):
            self.status_node()
        if not self.jobs and not self.gates:
            self.job(self.new_id())
        parts = {
            "artifacts": self.artifacts,
            "jobs": self.jobs,
            "gates": self.gates,
            "releases": self.releases,
            "notify": {**(self.notify() if self.releases else {}), **self.told_of_runs()},
        }
        made.update({key: value for key, value in parts.items() if value or self.chance(1)})
        return made

    # --- small draws ---

    def number(self, least: int, most: int) -> int:
        return int(self.draw(st.integers(least, most)))

    def chance(self, tenths: int) -> bool:
        return self.number(1, 10) <= tenths

    def one(self, values: Any) -> Any:
        return self.draw(st.sampled_from(list(values)))

    def some(self, values: list[str], most: int = 3) -> list[str]:
        return (
            list(self.draw(st.lists(st.sampled_from(values), max_size=most, unique=True))) if values else []
        )

    def id(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count}"

    def new_id(self) -> str:
        return self.id(self.one(texts.WORDS))

    def list_or_one(self, values: Any) -> Any:
        chosen = self.some(list(values), 2) or [next(iter(values))]
        return chosen[0] if len(chosen) == 1 and self.chance(5) else chosen

    # --- the top ---

    def triggers(self) -> Data:
        made: Data = {"push": {"branches": ["main", *self.some(["release/*", "dev"])]}}
        if self.chance(7):
            made["pull_request"] = {"branches": ["main"]}
        if self.chance(3):
            made["tag"] = {"patterns": ["v*"]}
        if self.chance(4):
            made["schedule"] = {self.new_id(): self.one(("17 3 * * 1", "*/15 * * * *", "0 0-6/2 1,15 * *"))}
        if self.chance(4):
            made["manual"] = {
                self.new_id(): {
                    "inputs": {name: self.form_input() for name in self.some(["lr", "n-x"]) or ["lr"]}
                }
            }
            self.inputs = list(next(iter(made["manual"].values()))["inputs"])
        if self.chance(2):
            made["dispatch"] = [self.new_id()]
        self.by_hand = [*made.get("manual", {}), *made.get("dispatch", [])]
        self.triggered = [*made.get("schedule", {}), *self.by_hand]
        self.events = [
            event for event in ("push", "pull_request", "tag", "schedule", "manual") if event in made
        ]
        return made

    def form_input(self) -> Data:
        made: Data = self.one(texts.FORM_INPUTS)
        return {**made, "description": self.draw(texts.text)} if self.chance(3) else dict(made)

    def surroundings(self) -> Data:
        made: Data = {}
        self.runners = ["gpu", "big-1"] if self.chance(4) else []
        self.environments = ["staging"] if self.chance(3) else []
        self.providers = self.some(["aws", "gcp", "azure", "oidc"]) if self.chance(2) else []
        if self.runners:
            made["runners"] = {
                "gpu": {
                    "github": ["self-hosted", "gpu"],
                    "gitlab": ["gpu", "cuda"],
                    "jenkins": "gpu",
                    "pull_requests": True,
                },
                "big-1": {"github": "ubuntu-24.04", "gitlab": "saas-linux-large-amd64", "jenkins": "big"},
            }
        if self.environments:
            made["environments"] = {
                "staging": {"env": self.env(), "branches": ["main"], "approval": self.chance(5)}
            }
        if self.providers:
            made["auth"] = {name: texts.AUTH[name] for name in self.providers}
        self.stores = self.chance(4)
        if self.stores:
            uri = self.one(
                ("s3://acme-ml/credit", "gs://acme/x", "abfs://models", "file:///mnt/ml", "stored/")
            )
            made["store"] = {"uri": uri, "auth": self.some(self.providers, 2)}
            if self.chance(5):
                made["store"]["env"] = {"STORE_TOKEN": {"secret": "STORE_TOKEN"}, "STORE": {"var": "STORE"}}
        if self.chance(5):
            made["defaults"] = self.defaults()
        self.profiles = ["heavy"] if self.chance(3) else []
        if self.profiles:
            made["profiles"] = {"heavy": self.profile()}
        if self.chance(2):
            made["params"] = {
                "season": {"type": "choice", "options": ["spring", "autumn"], "default": "spring"}
            }
        if self.chance(2):
            made["x-note"] = self.draw(texts.text)
        return made

    def defaults(self) -> Data:
        made: Data = {"python": "3.12", "setup": ["pip install -r requirements.txt"], "retain": "14d"}
        if self.runners and self.chance(3):
            made["runner"] = self.one(self.runners)
        if self.chance(5):
            made["env"] = {
                "PYTHONPATH": "src",
                "LEVEL": self.draw(texts.scalar),
                "FACT": {"context": self.one(texts.CONTEXTS)},
            }
        return made

    def profile(self) -> Data:
        made: Data = {"setup": ["pip install -r heavy.txt"], "retry": self.number(0, 2), "timeout": "50m"}
        if self.chance(5):
            made.update(self.one(({"python": "3.11"}, {"image": texts.IMAGE})))
        if self.runners and self.chance(5):
            made["runner"] = self.one(self.runners)
        if self.chance(5):
            made["env"] = {"LEVEL": self.draw(texts.scalar), "BRANCH": {"context": "branch"}}
        return made

    # --- artifacts ---

    def artifact(self) -> None:
        id = self.new_id()
        origin = self.number(0, 5)
        kind = self.one(("data", "model", "file"))
        if origin == 5:
            self.image(id)
            return
        if origin == 0:
            paths: Any = self.one(("src/", ["src/", "requirements*.txt"], "a b/c.py", "é/*.py"))
            self.artifacts[id] = {"kind": "code", "path": paths}
        elif origin == 1:
            self.artifacts[id] = {"kind": "data", "path": self.path(id)}
            if self.chance(2):
                self.artifacts[id]["at"] = "base"
        elif origin == 2:
            source: Data = (
                {"command": self.draw(texts.command)} if self.chance(7) else {"dvc": f"data/{id}.dvc"}
            )
            source.update(self.execution())
            path = f"out/{id}/" if "matrix" in source else self.path(id)
            kind = "data"
            if "matrix" not in source and self.chance(3):
                kind = "model"
                source = {key: value for key, value in source.items() if key not in ("command", "dvc")}
                source["registry"] = {**self.registry(), **self.one(({"alias": "champion"}, {"version": 7}))}
            self.artifacts[id] = {"kind": kind, "path": path, "from": source, **self.stored()}
        else:
            writer = self.new_id()
            self.job(writer, writes={id: kind})
        if self.chance(2):
            self.artifacts[id]["retain"] = self.one(("1d", "30d"))
        measured = self.measure(id) if self.chance(3) else []
        for _ in range(self.number(0, 2)):
            self.gate(id, measured)
        self.readable.append(id)

    def image(self, id: str) -> None:
        """Add an image, with what guards it."""
        made: Data = {"kind": "image", "repository": self.one(("ghcr.io/acme/a", "localhost:5000/a/b-c"))}
        if self.chance(5):
            made["login"] = {
                "user": self.one(("ci", {"var": "USER_NAME"})),
                "password": {"secret": "REGISTRY"},
            }
        if self.chance(6):
            own = self.execution(gate=True)
            for key in ("working_directory", "checkout"):
                own.pop(key, None)
            files = [
                name for name in self.readable if self.artifacts.get(name, {}).get("path") and name != id
            ]
            files = [name for name in files if "at" not in self.artifacts[name]]
            own.update(context=self.one((".", "serve/")), includes=self.some(files, 2))
            own.update(args={"SEASON": self.draw(texts.scalar)}) if self.chance(3) else None
            own.update(secrets={"pip": {"secret": "PIP"}}) if self.chance(3) else None
            own.update(builder=self.one(("docker", "buildah", "podman"))) if self.chance(5) else None
            made["build"] = own
        else:
            made["from"] = self.one(({"tag": "stable"}, {"digest": f"sha256:{'0a' * 32}"}))
        self.artifacts[id] = made
        if self.chance(5):
            self.gates[self.new_id()] = {"guards": id, "command": {"run": self.draw(texts.command)}}
        self.readable.append(id)

    def stored(self) -> Data:
        return {"store": True} if self.stores and self.chance(5) else {}

    def registry(self) -> Data:
        """Draw a registered model; one server for all, since a node reaches one."""
        return {"mlflow": {"var": "TRACKING"}, "model": self.one(("credit", "credit.eu-1"))}

    def path(self, id: str) -> str:
        return str(self.one((f"data/{id}.parquet", f"build/{id}.csv", f"out/{id}/", f"metrics/{id}.json")))

    def measure(self, id: str) -> list[str]:
        """Add a job that evaluates an artifact before its gates, and return what it writes."""
        made = self.new_id()
        before = list(self.readable)
        self.readable = [name for name in before if name != id]
        self.job(self.new_id(), writes={made: "data"}, evaluates=[id])
        self.readable = before
        return [made]

    # --- nodes ---

    def job(self, id: str, writes: dict[str, str] | None = None, evaluates: list[str] | None = None) -> None:
        made: Data = {**self.work(), **self.execution()}
        legs = "matrix" in made
        for artifact, kind in (writes or {}).items():
            path = f"out/{artifact}/" if legs else self.path(artifact)
            registered = kind == "model" and not legs and self.chance(3)
            kept = {"registry": self.registry()} if registered else self.stored()
            self.artifacts[artifact] = {"kind": kind, "path": path, **kept}
        made.update(writes=list(writes)) if writes else None
        made.update(evaluates=evaluates) if evaluates else None
        reads = self.some(self.readable)
        made.update(reads=reads) if reads else None
        made.update(needs=self.some(self.nodes, 2)) if self.chance(3) else None
        if self.chance(2):
            made["blocking"] = False
        if self.chance(2) and not evaluates:
            made["outputs"] = ["BEST", "N_ROWS"]
            self.outputs += [] if legs else [f"{id}.BEST", f"{id}.N_ROWS"]
        self.jobs[id] = made
        self.nodes.append(id)

    def work(self) -> Data:
        """Draw what a job runs, here or somewhere else."""
        if not self.chance(2):
            return {"run": self.draw(texts.command)}
        made: Data = {key: self.draw(texts.command) for key in ("submit", "poll", "cancel")}
        made.update(collect=self.draw(texts.command)) if self.chance(5) else None
        return {"remote": {**made, "every": self.one(("1s", "20s")), "resume": False}}

    def release(self) -> None:
        made: Data = {"deploys": self.some(self.readable) or self.readable[:1], **self.execution(gate=True)}
        made.pop("cache", None)
        made["environment"] = "staging"
        undone: Data = {"timeout": "5m"} if self.chance(5) else {}
        if self.chance(5):
            made["run"] = self.draw(texts.command)
            made["rollback"] = "none" if self.chance(3) else {"run": self.draw(texts.command), **undone}
        else:
            made["adapter"] = {"command": self.draw(texts.command)}
            if self.chance(6):
                made["canary"] = self.draw(canary())
                made["rollback"] = {"lease": "9h", **undone}
            from_jobs = any(isinstance(v, dict) and "output" in v for v in made.get("env", {}).values())
            if self.triggered and not from_jobs and self.chance(5):
                looks = {"reconcile": self.list_or_one(self.triggered), "lease": "9h", "drain": "3s"}
                made["rollback"] = {**looks, **undone}
            if (
                self.by_hand
                and not from_jobs
                and "reconcile" not in made.get("rollback", {})
                and self.chance(3)
            ):
                made.setdefault("rollback", {"lease": "9h"})["manual"] = self.list_or_one(self.by_hand)
        if self.chance(5):
            made["verify"] = {"command": {"run": self.draw(texts.command)}}
            if "adapter" in made:  # a step may take twice as long
                made.setdefault("rollback", {"lease": "9h"})
        rates = [name for name in made.get("canary", {}).get("metrics", {}) if name != "scores"]
        if rates and self.chance(3):  # what has no control is judged by its rates alone
            made["after_promote"] = {"watch": "20m"}
        id = self.new_id()
        self.releases[id] = made
        self.nodes.append(id)
        self.champion(id)

    def champion(self, release: str) -> None:
        """Draw what a release runs, as an artifact."""
        for source in self.releases[release]["deploys"]:
            raw = self.artifacts[source]
            path = raw.get("path")
            if self.stores and isinstance(path, str) and "*" not in path and self.chance(6):
                id = self.new_id()
                own = f"live/{id}/" if path.endswith("/") else f"live/{id}.json"
                origin = {"release": release, "artifact": source}
                self.artifacts[id] = {"kind": raw["kind"], "path": own, "from": origin, "first": "none"}

    def notify(self) -> Data:
        """Draw who is told of what."""
        found: Data = {}
        for _ in range(self.number(0, 2)):
            made: Data = {"webhook": {self.one(("secret", "var")): self.one(("TEAM_HOOK", "TOKEN"))}}
            events = self.some(["promoted", "rolled_back", "held", "failed"])
            made.update(events=events) if events else None
            releases = self.some(list(self.releases))
            made.update(releases=releases) if releases else None
            found[self.new_id()] = made
        return found

    def told_of_runs(self) -> Data:
        """Draw who is told how runs end."""
        found: Data = {}
        for _ in range(self.number(0, 2)):
            kept = {"secret": self.one(("TEAM_HOOK", "TOKEN"))}
            mail: Data = {
                "to": self.list_or_one(["a@b.se", "c@d.se"]),
                "from": "ci@b.se",
                "server": self.one(("mail", "mail.b.se:465")),
            }
            mail.update(user=self.draw(texts.text), password=kept) if self.chance(5) else None
            mail.update(tls=self.one(("starttls", "implicit"))) if self.chance(3) else None
            labels = self.some(["ml", "drift"])
            way = self.one(
                (
                    {"webhook": kept},
                    {"slack": kept},
                    {"email": mail},
                    {"issue": {"token": kept, **({"labels": labels} if labels else {})}},
                )
            )
            when = [self.notice_condition(well="issue" not in way) for _ in range(self.number(1, 2))]
            found[self.new_id()] = {"when": when if self.chance(5) else when[0], **way}
        return found

    def notice_condition(self, *, well: bool) -> Data:
        """Draw one alternative of what is told; `well`: it may be that all went well."""
        made: Data = {}
        statuses = ["failure", *(["success"] if well else [])]
        if self.jobs and self.chance(3):
            made.update(job=self.one(self.jobs), status=self.list_or_one(statuses))
        if self.gates and self.chance(4):
            verdicts = ["fail", "inconclusive", "error", *(["pass"] if well else [])]
            made.update(gate=self.one(self.gates), verdict=self.list_or_one(verdicts))
        if not made:
            made["status"] = self.list_or_one([*statuses, *(["rollback"] if self.releases else [])])
        made.update(branch=self.list_or_one(["main", "release/*"])) if self.chance(3) else None
        made.update(event=self.list_or_one(["push", "schedule"])) if self.chance(3) else None
        made.update(trigger=self.list_or_one(self.triggered)) if self.triggered and self.chance(2) else None
        return made

    def status_node(self) -> None:
        status = self.one(("always", "failure"))
        needs = self.some(self.nodes) or self.nodes[:1]
        self.jobs[self.new_id()] = {
            "run": self.draw(texts.command),
            "needs": needs,
            "when": {"status": status},
        }

    def gate(self, artifact: str, measured: list[str]) -> None:
        id = self.new_id()
        made: Data = {
            "guards": artifact,
            **self.verdict_source(artifact, measured),
            **self.execution(gate=True),
        }
        if self.chance(3):
            made["blocking"] = False
            self.warnings.append(id)
        if self.chance(2):
            made["on_inconclusive"] = "warn"
        if self.chance(2):
            made["waive"] = {
                "reason": "being mended by the team",
                "until": "2026-12-31",
                "issue": self.draw(texts.text),
            }
        if self.chance(2):
            made["needs"] = self.some(self.nodes, 2)
        self.gates[id] = made
        self.nodes.append(id)

    def verdict_source(self, artifact: str, measured: list[str]) -> Data:
        near = self.near(artifact, measured)
        kind = self.one(kinds(near))
        return {kind: self.draw(params(kind, near))}

    def near(self, artifact: str, measured: list[str]) -> Near:
        """Return what a gate of an artifact may refer to: what is there already."""
        files = [name for name in self.readable if self.artifacts[name]["kind"] != "image"]
        others = (*measured, *files)
        guarded = self.artifacts[artifact]["path"]
        is_model = self.artifacts[artifact]["kind"] == "model"
        tables = [
            name
            for name in (*others, artifact)
            if self.is_table(name) and self.artifacts[name]["kind"] != "model"
        ]
        return Near(
            artifact,
            folder=isinstance(guarded, str) and guarded.endswith("/"),
            is_model=is_model,
            is_table=artifact in tables,
            tables=tuple(tables),
            alike=tuple(
                name for name in others if name in tables and self.format(name) == self.format(artifact)
            ),
            numbers=tuple(name for name in others if self.artifacts[name]["path"] == f"metrics/{name}.json"),
            readable=others,
        )

    def is_table(self, artifact: str) -> bool:
        return self.format(artifact) in ("parquet", "csv")

    def format(self, artifact: str) -> str:
        """Return the format of a table, or whatever the path of another artifact ends in."""
        path = self.artifacts[artifact]["path"]
        if isinstance(path, list):
            return ""
        return "parquet" if path.startswith("out/") else str(path).rpartition(".")[2]

    # --- how a node runs ---

    def execution(self, *, gate: bool = False) -> Data:
        made: Data = {}
        if self.chance(2) and not gate:
            made["matrix"] = self.matrix()
        self.axes = made.get("matrix", {}).get("axes", {})
        optional: list[tuple[int, str, Callable[[], Any]]] = [
            (4, "env", self.env),
            (4, "when", self.when),
            (2, "timeout", lambda: self.draw(texts.duration)),
            (2, "path", lambda: ["conf/*.yaml", "ci/"]),
            (1, "setup", lambda: [self.draw(texts.command)]),
            (2, "finally", lambda: self.draw(texts.command)),
            (1, "working_directory", lambda: "sub dir/x"),
            (
                1,
                "services",
                lambda: {"db": {"image": texts.IMAGE, "port": 5432, "env": {"PASSWORD": {"secret": "PG"}}}},
            ),
            (2, "cache", lambda: {"pip": {"path": ["~/.cache/pip"], "key": ["requirements.txt"]}}),
            *([(4, "profile", lambda: self.one(self.profiles))] if self.profiles else []),
            (2, "checkout", lambda: self.one(("none", {"depth": 0}, {"lfs": True, "submodules": True}))),
            (2, "reports", lambda: {"roc": {"path": "build/roc.html", "format": self.one(texts.FORMATS)}}),
        ]
        for tenths, key, value in optional:
            if self.chance(tenths):
                made[key] = value()
        if not gate and self.chance(2):
            made["retry"] = self.number(0, 3)
        self.machine(made)
        return made

    def machine(self, made: Data) -> None:
        if self.chance(2):
            made.update(self.one(({"python": "3.11"}, {"image": texts.IMAGE})))
        if "python" in self.axes:
            made.pop("image", None)
            made["python"] = {"matrix": "python"}
        if self.runners and self.chance(3):
            made["runner"] = {"matrix": "pool"} if "pool" in self.axes else self.one(self.runners)
        if self.environments and self.chance(2):
            made["environment"] = "staging"
        if self.providers and self.chance(3):
            made["auth"] = self.some(self.providers)

    def matrix(self) -> Data:
        axes: Data = {}
        if self.chance(5):
            axes["python"] = ["3.11", "3.12"]
        if self.runners and self.chance(3):
            axes["pool"] = self.runners
        if not axes or self.chance(3):
            axes["seed"] = [1, 2, 3][: self.number(2, 3)]
        made: Data = {"axes": axes}
        if self.chance(3):
            made["include"] = {"extra": {name: values[0] for name, values in axes.items()}}
        return made

    def env(self) -> Data:
        return {self.draw(texts.env_name): self.value() for _ in range(self.number(0, 3))}

    def value(self) -> Any:
        values: list[Any] = [
            self.draw(texts.scalar),
            {"secret": "TOKEN", **({"as": "file"} if self.chance(5) else {})},
            {"var": "REGION", **({"default": self.draw(texts.scalar)} if self.chance(5) else {})},
            {"context": self.one(texts.CONTEXTS), "default": "none"},
        ]
        values += [{"input": name, "default": self.draw(texts.scalar)} for name in self.inputs]
        values += [{"matrix": axis} for axis in self.axes]
        values += [{"output": name} for name in self.outputs[:2]]
        return self.one(values)

    def when(self) -> Any:
        """Every alternative list admits pushes to main, so that nothing is cut off from all triggers."""
        push: Data = self.one(
            ({"event": "push"}, {"event": ["push"], "branch": "main"}, {"branch": ["main", "x*"]})
        )
        others: list[Data] = [{"event": self.list_or_one(self.events)}]
        others += [{"trigger": name} for name in self.triggered]
        if self.inputs:
            others.insert(0, {"event": "manual", "input": {self.inputs[0]: self.draw(texts.scalar)}})
        if self.warnings and self.chance(5):
            gate = self.one(self.warnings)
            verdict = self.list_or_one(("fail", "pass", "inconclusive", "error"))
            return {"gate": gate, "verdict": verdict, **(push if self.chance(5) else {})}
        return push if self.chance(4) else [push, *(self.one(others) for _ in range(self.number(1, 2)))]
