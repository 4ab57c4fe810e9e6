"""How strings get into each place that holds free text, and where the emitted files must have them, unchanged."""

from __future__ import annotations

# A table of places, one a line.
# ruff: noqa: E501
import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlcc.ledger import FEATURES
from mlcc.plan.document import lines
from mlcc.resolving.resolve import LONGEST_LEG, leg_id
from tests.injection.leaves import takes

Tree = dict[str, Any]
Where = tuple[str, tuple[Any, ...], Any]
"""An output (`plan`, `gate ID`, or what a platform's `places` name), the way to a value in it, the value."""
LATER = (datetime.date.today() + datetime.timedelta(days=400)).isoformat()


@dataclass(frozen=True)
class Field:
    """One place: `spec` makes a spec that holds up to `most` strings there, `where` says where they arrive.

    `form` is what the string is put into, `refuses` the code of a refusal that is no matter of the place's own check.
    """

    leaf: str
    spec: Callable[[Sequence[str]], Tree]
    where: Callable[[Sequence[str]], list[Where]]
    most: int = 500
    form: Callable[[str], str] = str
    refuses: Callable[[str], str | None] = lambda text: None

    def takes(self, text: str) -> bool:
        """Tell whether the place's own check lets a string pass."""
        return takes(self.leaf, self.form(text))


def base(**parts: Any) -> Tree:
    """Return a spec with one job `n`, and other parts."""
    return {
        "version": 1,
        "name": "p",
        "triggers": {"push": {"branches": ["main"]}},
        "jobs": {"n": {"run": "true"}},
        **parts,
    }


def job(**keys: Any) -> Tree:
    """Return a spec whose one job has these keys."""
    return base(jobs={"n": {"run": "true", **keys}})


def jobs(texts: Sequence[str], make: Callable[[str], Tree]) -> Tree:
    """Return a spec with a job for each string: n0, n1, …"""
    return base(jobs={f"n{i}": {"run": "true", **make(text)} for i, text in enumerate(texts)})


def many(prefix: str, texts: Sequence[str], make: Callable[[str], Any] = lambda text: text) -> Tree:
    """Return PREFIX0, PREFIX1, … to something made of each string."""
    return {f"{prefix}{i}": make(text) for i, text in enumerate(texts)}


def node(*way: str, prefix: str = "", last: tuple[Any, ...] = ()) -> Callable[[Sequence[str]], list[Where]]:
    """Return where each string arrives in the job `n`: at WAY, PREFIX0 and so on (or the index), LAST."""

    def where(texts: Sequence[str]) -> list[Where]:
        return [
            ("plan", ("nodes", "n", *way, f"{prefix}{i}" if prefix else i, *last), text)
            for i, text in enumerate(texts)
        ]

    return where


def each(
    *way: Any, value: Callable[[str], Any] = lambda text: text
) -> Callable[[Sequence[str]], list[Where]]:
    """Return where each string arrives in the job n0, n1, …"""
    return lambda texts: [("plan", ("nodes", f"n{i}", *way), value(text)) for i, text in enumerate(texts)]


def nowhere(_: Sequence[str]) -> list[Where]:
    """Return no place: the string is for the platform alone, or for nobody."""
    return []


def quoted(text: str) -> str:
    """Return a word of a shell command (POSIX 2.2.2: between single quotes nothing has a meaning)."""
    return "'" + text.replace("'", "'\\''") + "'"


def command(text: str) -> str:
    """Return a command with the string as one word."""
    return f"program {quoted(text)}"


def gate(number: int, **keys: Any) -> Tree:
    """Return a gate over the artifact `data`."""
    return {"guards": "data", **keys}


DATA = {"data": {"kind": "data", "path": "data.csv"}}


def gates(texts: Sequence[str], make: Callable[[str], Tree], **artifacts: Any) -> Tree:
    """Return a spec with a gate for each string: g0, g1, …"""
    made = {f"g{i}": gate(i, **make(text)) for i, text in enumerate(texts)}
    return base(artifacts={**DATA, **artifacts}, gates=made)


def judged(
    *way: Any, value: Callable[[str], Any] = lambda text: text
) -> Callable[[Sequence[str]], list[Where]]:
    """Return where each string arrives in the parameters of the gate g0, g1, …"""
    return lambda texts: [(f"gate g{i}", way, value(text)) for i, text in enumerate(texts)]


def one_gate(kind: str, **parts: Any) -> Tree:
    """Return a spec with one gate `g`."""
    return base(
        artifacts={**DATA, "table": {"kind": "data", "path": "rows.jsonl"}},
        gates={"g": gate(0, **{kind: parts})},
    )


def releases(texts: Sequence[str], make: Callable[[str], Tree]) -> Tree:
    """Return a spec with a release for each string: n0, n1, …"""
    made = {
        f"n{i}": {"deploys": ["data"], "environment": "live", **make(text)} for i, text in enumerate(texts)
    }
    return base(artifacts=DATA, environments={"live": {}}, releases=made)


def form(**inputs: Any) -> Tree:
    """Return a spec with a form."""
    return base(triggers={"push": {"branches": ["main"]}, "manual": {"f": {"inputs": inputs}}})


def _events(key: str, texts: Sequence[str]) -> Tree:
    made = base()
    shapes = {"branches": ("push", "pull_request"), "patterns": ("tag",)}
    for event in shapes[key]:
        made["triggers"][event] = {key: ["main", *texts]}
    return made


def _conditions(make: Callable[[str], Tree]) -> Callable[[Sequence[str]], Tree]:
    def spec(texts: Sequence[str]) -> Tree:
        made = form(x={"type": "string"})
        made["triggers"]["tag"] = {"patterns": ["v*"]}
        made["jobs"]["n"]["when"] = [{"event": "push"}, *(make(text) for text in texts)]
        return made

    return spec


def _condition(key: str, *last: Any) -> Callable[[Sequence[str]], list[Where]]:
    return lambda texts: [("plan", ("nodes", "n", "when", i + 1, key, *last), t) for i, t in enumerate(texts)]


def _defaulted(texts: Sequence[str]) -> Tree:
    kinds = ({"var": "X"}, {"context": "tag"}, {"input": "x"})
    made = form(x={"type": "string"})
    made["jobs"]["n"]["env"] = {f"V{i}": {**kinds[i % 3], "default": text} for i, text in enumerate(texts)}
    return made


def _legs(texts: Sequence[str]) -> list[Where]:
    return [("plan", ("nodes", "n", "legs", leg_id((("a", text),)), "a"), text) for text in texts]


def _runners(system: str, make: Callable[[str], Any]) -> Callable[[Sequence[str]], Tree]:
    others = {"github": "x", "gitlab": "x", "jenkins": "x"}

    def spec(texts: Sequence[str]) -> Tree:
        made = base(
            jobs=many("n", [f"r{i}" for i in range(len(texts))], lambda id: {"run": "true", "runner": id})
        )
        made["runners"] = many("r", texts, lambda text: {**others, system: make(text)})
        return made

    return spec


def _waived(key: str) -> Callable[[Sequence[str]], Tree]:
    def make(text: str) -> Tree:
        texts = {"reason": "long enough", "issue": "x", key: text}
        return {"command": {"run": "true"}, "waive": {**texts, "until": LATER}}

    return lambda texts: gates(texts, make)


def _losses(texts: Sequence[str]) -> Tree:
    pairs = zip(FEATURES, texts, strict=False)
    return base(targets={"github": {"waive": {f: {"reason": text, "until": LATER} for f, text in pairs}}})


def _lost(texts: Sequence[str]) -> list[Where]:
    pairs = zip(FEATURES, texts, strict=False)
    return [("plan", ("waivers", "github", feature, "reason"), text) for feature, text in pairs]


def _prepared(texts: Sequence[str]) -> list[Where]:
    return [("plan", ("nodes", "n", "setup"), [line for text in texts for line in lines(text)])]


def _remote(key: str) -> Field:
    """Return the place of a command of work that runs somewhere else."""
    stated = {"submit": "true", "poll": "true", "cancel": "true", "resume": False}

    def make(texts: Sequence[str]) -> Tree:
        return base(jobs={f"n{i}": {"remote": {**stated, key: text}} for i, text in enumerate(texts)})

    return Field(f"Remote.{key}", make, each("remote", key, value=lines), most=250, form=command)


def _dvc(text: str) -> list[str]:
    return ["dvc pull -- '" + text.replace("'", "'\"'\"'") + "'"]


def _environment(texts: Sequence[str]) -> Tree:
    made = job(environment="e")
    return {**made, "environments": {"e": {"branches": ["main", *texts]}}}


def _images(texts: Sequence[str], make: Callable[[str], Tree]) -> Tree:
    """Return a spec with an image for each string: a0, a1, …"""
    return base(
        artifacts=many("a", texts, lambda x: {"kind": "image", "repository": "ghcr.io/acme/a", **make(x)})
    )


def _built(key: str, spelt: Callable[[str], str] = str) -> Callable[[Sequence[str]], list[Where]]:
    """Return where each string arrives in the node that builds its image."""
    return lambda texts: [
        ("plan", ("nodes", f"build-a{i}", "build", key), spelt(x)) for i, x in enumerate(texts) if x != "."
    ]


EXECUTION = (
    Field("Build.context", lambda t: _images(t, lambda x: {"build": {"context": x}}), _built("context", lambda x: x.rstrip("/") + "/"), most=250),
    Field("Build.file", lambda t: _images(t, lambda x: {"build": {"file": x}}), _built("file"), most=250),
    Field(
        "Build.args{}=", lambda t: _images(["x"], lambda _: {"build": {"args": many("V", t)}}),
        lambda t: [("plan", ("nodes", "build-a0", "build", "args", f"V{i}", "text"), x) for i, x in enumerate(t)],
    ),
    Field(
        "RegistryLogin.user", lambda t: _images(t, lambda x: {"from": {"tag": "v1"}, "login": {"user": x, "password": {"secret": "P"}}}),
        lambda t: [("plan", ("artifacts", f"a{i}", "login", "user", "text"), x) for i, x in enumerate(t)], most=250,
    ),
    Field("Execution.env{}=", lambda t: job(env=many("V", t)), node("env", prefix="V", last=("text",))),
    Field(
        "Artifact.env{}=",
        lambda t: {
            "version": 1, "name": "p", "triggers": {"push": {"branches": ["main"]}},
            "artifacts": {"a": {"kind": "data", "table": "postgres://s.t", "env": many("V", t)}},
            "gates": {"n": {"guards": "a", "contract": {"columns": {"id": {"type": "integer"}}}}},
        },
        node("env", prefix="V", last=("text",)),
    ),
    Field("Store.uri", lambda t: {**job(), "store": {"uri": t[0]}} if t else job(), lambda t: [("plan", ("store",), x) for x in t], most=1),
    Field(
        "Store.env{}=",
        lambda t: {
            **base(artifacts={"a": {"kind": "file", "path": "a.txt", "store": True}}),
            "store": {"uri": "stored/", "env": many("V", t)}, "jobs": {"n": {"run": "true", "writes": ["a"]}},
        },
        node("env", prefix="V", last=("text",)),
    ),
    Field("Profile.env{}=", lambda t: base(defaults={"env": many("V", t)}), node("env", prefix="V", last=("text",))),
    Field(
        "Environment.env{}=",
        lambda t: {**job(environment="e"), "environments": {"e": {"env": many("V", t)}}},
        node("env", prefix="V", last=("text",)),
    ),
    Field("ValueRef.default", _defaulted, node("env", prefix="V", last=("default",))),
    Field("Service.env{}=", lambda t: job(services={"s": {"image": "db", "port": 1, "env": many("V", t)}}), nowhere, most=100),
    Field("Service.image", lambda t: job(services=many("s", t, lambda x: {"image": x, "port": 1})), nowhere),
    Field("Execution.image", lambda t: jobs(t, lambda x: {"image": x}), nowhere, most=250),
    Field("Cache.path[]", lambda t: job(cache={"c": {"path": list(t), "key": ["lock"]}}), nowhere),
    Field("Cache.key[]", lambda t: job(cache={"c": {"path": ["x"], "key": list(t)}}), nowhere, most=2),
    Field("Execution.path[]", lambda t: job(path=list(t)), node("sources")),
    Field(
        "Report.path",
        lambda t: job(reports=many("r", t, lambda x: {"path": x, "format": "text"})),
        node("reports", prefix="r", last=("path",)),
    ),
    Field(
        "Execution.working_directory", lambda t: jobs(t, lambda x: {"working_directory": x}),
        each("working_directory", value=lambda x: x.rstrip("/")), most=250,
    ),
    Field("Execution.setup[]", lambda t: job(setup=list(t)), _prepared, form=command),
    Field("Profile.setup[]", lambda t: base(defaults={"setup": list(t)}), _prepared, form=command),
    Field("Execution.finally", lambda t: jobs(t, lambda x: {"finally": x}), each("finally", value=lines), most=250, form=command),
    Field("Job.run", lambda t: jobs(t, lambda x: {"run": x}), each("run", value=lines), most=250, form=command),
    *(_remote(key) for key in ("submit", "poll", "cancel", "collect")),
    Field(
        "Origin.command",
        lambda t: base(artifacts={f"a{i}": {"kind": "data", "path": f"d{i}.csv", "from": {"command": x}} for i, x in enumerate(t)}),
        lambda t: [("plan", ("nodes", f"fetch-a{i}", "run"), lines(x)) for i, x in enumerate(t)], most=250, form=command,
    ),
    Field(
        "Origin.dvc",
        lambda t: base(artifacts={f"a{i}": {"kind": "data", "path": f"d{i}.csv", "from": {"dvc": x}} for i, x in enumerate(t)}),
        lambda t: [("plan", ("nodes", f"fetch-a{i}", "run"), _dvc(x)) for i, x in enumerate(t)], most=250,
    ),
    Field("Artifact.path", lambda t: base(artifacts=many("a", t, lambda x: {"kind": "data", "path": x})), lambda t: [("plan", ("artifacts", f"a{i}", "paths", 0), x) for i, x in enumerate(t)]),
    Field("Artifact.path[]", lambda t: base(artifacts={"a": {"kind": "code", "path": list(t)}}), lambda t: [("plan", ("artifacts", "a", "paths"), list(t))]),
    Field("Matrix.axes{}=[]", lambda t: job(matrix={"axes": {"a": list(t)}}), _legs, most=200, refuses=lambda x: "long-leg" if len(leg_id((("a", x),))) > LONGEST_LEG else None),
    Field(
        "Matrix.include{}={}=", lambda t: job(matrix={"include": many("l", t, lambda x: {"a": x})}),
        lambda t: [("plan", ("nodes", "n", "legs", f"l{i}", "a"), x) for i, x in enumerate(t)], most=200,
    ),
    Field("RunFilter.branch", _conditions(lambda x: {"branch": x}), _condition("branches", 0), most=25),
    Field("RunFilter.branch[]", _conditions(lambda x: {"branch": ["main", x]}), _condition("branches", 1), most=25),
    Field("RunFilter.tag", _conditions(lambda x: {"tag": x}), _condition("tags", 0), most=25),
    Field("RunFilter.tag[]", _conditions(lambda x: {"tag": ["v1", x]}), _condition("tags", 1), most=25),
    Field("Condition.input{}=", _conditions(lambda x: {"input": {"x": x}}), _condition("inputs", "x")),
)  # fmt: skip

SURROUNDINGS = (
    Field("Branches.branches[]", lambda t: _events("branches", t), nowhere),
    Field("Tags.patterns[]", lambda t: _events("patterns", t), nowhere),
    Field("FormInput.description", lambda t: form(**many("i", t, lambda x: {"type": "string", "description": x})), nowhere, most=24),
    Field(
        "FormInput.default", lambda t: form(**many("i", t, lambda x: {"type": "string", "default": x})),
        lambda t: [("plan", ("triggers", "manual", "f", f"i{i}", "default"), x) for i, x in enumerate(t)], most=24,
    ),
    Field(
        "FormInput.options[]", lambda t: form(i={"type": "choice", "options": list(t)}),
        lambda t: [("plan", ("triggers", "manual", "f", "i", "options"), list(t))],
    ),
    Field("Param.description", lambda t: base(params=many("p", t, lambda x: {"type": "string", "description": x})), nowhere),
    Field("Param.default", lambda t: base(params=many("p", t, lambda x: {"type": "string", "default": x})), nowhere),
    Field("Param.options[]", lambda t: base(params={"p": {"type": "choice", "options": list(t)}}), nowhere),
    Field("Instance.root", lambda t: base(instances=many("i", t, lambda x: {"root": x})), nowhere),
    Field(
        "Instance.params{}=",
        lambda t: base(params=many("p", t, lambda x: {"type": "string"}), instances={"i": {"root": "i", "params": many("p", t)}}),
        nowhere,
    ),
    Field(
        "Instance.overrides{}=",
        lambda t: base(instances={"i": {"root": "i", "overrides": {"defaults": {"env": many("V", t)}}}}), nowhere,
    ),
    Field("Environment.branches[]", _environment, lambda t: [("plan", ("nodes", "n", "branches"), ["main", *t])], most=25),
    *(
        Field(f"Runner.{system}{suffix}", _runners(system, make), nowhere, most=250)
        for system, suffix, make in (
            ("github", "", str), ("github", "[]", lambda x: ["own", x]), ("gitlab", "", str),
            ("gitlab", "[]", lambda x: ["own", x]), ("jenkins", "", str),
        )
    ),
    Field("Waiver.reason", _waived("reason"), judged("waive", "reason"), most=250),
    Field("Waiver.issue", _waived("issue"), judged("waive", "issue"), most=250),
    Field(
        "GitlabTarget.pipeline{}=",
        lambda t: base(targets={"gitlab": {"pipeline": {"variables": many("V", t)}}}),
        nowhere,
    ),
    Field(
        "GitlabTarget.jobs{}={}=",
        lambda t: base(targets={"gitlab": {"jobs": {"n": {"variables": many("V", t)}}}}),
        nowhere,
    ),
    Field(
        "Email.user",
        lambda t: base(notify=many("e", t, lambda x: {"when": {"status": "failure"}, "email": {**MAIL, "user": x}})),
        lambda t: [("plan", ("notify", f"e{i}", "email", "user"), x) for i, x in enumerate(t)],
    ),
    Field(
        "Issue.labels[]",
        lambda t: base(
            notify={"a": {"when": {"status": "failure"}, "issue": {"labels": list(t), "token": {"secret": "T"}}}},
            targets={"jenkins": {"waive": {"issues": {"reason": "no tracker there", "until": LATER}}}},
        ),
        lambda t: [("plan", ("notify", "a", "issue", "labels", i), x) for i, x in enumerate(t)],
        refuses=lambda x: "bad-label" if "," in x or len(x) > 50 else None,
    ),
    Field("Loss.reason", _losses, _lost, most=len(FEATURES)),
    Field(
        "GithubTarget.workflow{}=",
        lambda t: base(targets={"github": {"workflow": {"env": many("V", t)}}}), nowhere,
    ),
    Field(
        "GithubTarget.jobs{}={}=",
        lambda t: base(targets={"github": {"jobs": {"n": {"env": many("V", t)}}}}), nowhere,
    ),
)  # fmt: skip

MAIL: Tree = {"to": "a@b.se", "from": "c@b.se", "server": "mail.b.se", "password": {"secret": "MAIL"}}
LOGINS = {
    "AwsAuth": ("aws", ("role", "region", "audience")),
    "GcpAuth": ("gcp", ("provider", "service_account")),
    "AzureAuth": ("azure", ("client_id", "tenant_id", "audience")),
    "OidcAuth": ("oidc", ("audience",)),
}
SINGLES = (
    "Profile.image", "Profile.working_directory", *(f"{model}.{key}" for model, (_, ks) in LOGINS.items() for key in ks),
)  # fmt: skip
"""Places that a spec has once: a spec holds a string in each."""


def single_spec(texts: Mapping[str, str]) -> Tree:
    """Return a spec with a string in each of `SINGLES`."""
    made = job(auth=[provider for provider, _ in LOGINS.values()])
    made["defaults"] = {
        "image": texts["Profile.image"],
        "working_directory": texts["Profile.working_directory"],
    }
    made["auth"] = {p: {key: texts[f"{model}.{key}"] for key in ks} for model, (p, ks) in LOGINS.items()}
    return made


def single_where(texts: Mapping[str, str]) -> list[Where]:
    """Return where each string of `single_spec` arrives."""
    found: list[Where] = [
        ("plan", ("nodes", "n", "working_directory"), texts["Profile.working_directory"].rstrip("/"))
    ]
    for number, (model, (_, ks)) in enumerate(LOGINS.items()):
        for key in ks:
            way = ("audience",) if key == "audience" else ("values", key, "text")
            found.append(("plan", ("nodes", "n", "logins", number, *way), texts[f"{model}.{key}"]))
    return found
