"""A profile means its keys written out at each node that names it, and a param its value: they compile to the same plan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mlcc.diagnostics import SpecError
from mlcc.load.instances import Expansion
from mlcc.load.source import Mapping, Source
from mlcc.plan import Plan
from mlcc.planning.planner import plan
from mlcc.resolving.resolve import resolve
from mlcc.spec.validate import validate
from tests.equivalence.pipelines import Builder, Data, Draw, node_of
from tests.equivalence.test_equivalence import cases

KEYS: dict[str, st.SearchStrategy[Any]] = {
    "timeout": st.sampled_from(["10m", "20m", "90s"]),
    "retry": st.integers(0, 3),
    "runner": st.sampled_from(["gpu", "default"]),
    "working_directory": st.sampled_from(["src", "src/a"]),
    "setup": st.lists(st.sampled_from(["make one", "make two"]), max_size=2),
    "python": st.sampled_from(["3.11", "3.12"]),
    "image": st.sampled_from(["acme/a:1", "acme/b:2"]),
    "env": st.dictionaries(st.sampled_from("ABC"), st.sampled_from(["x", "1", ""]), min_size=1),
    "cache": st.dictionaries(
        st.sampled_from(["pip", "npm"]),
        st.sampled_from([{"path": ["a/"], "key": ["x.lock"]}, {"path": ["b/"], "key": ["x.lock"]}]),
        min_size=1,
    ),
}
RUNNERS = {"gpu": {"github": ["gpu"], "gitlab": ["gpu"], "jenkins": "gpu"}}
TYPES = {str: "string", bool: "boolean", int: "integer", float: "number"}
MAY_BE_PARAMS = frozenset(
    {"timeout", "retry", "runner", "working_directory", "python", "image", "env", "path", "schedule", "steps", "bake", "max",
     "min", "approval", "blocking", "on_inconclusive", "store", "watch"}
)  # fmt: skip


@st.composite
def keys(draw: Draw) -> Data:
    """Draw execution keys."""
    chosen = draw(st.lists(st.sampled_from(sorted(KEYS)), unique=True, max_size=4))
    return {key: draw(KEYS[key]) for key in chosen if key != "image" or "python" not in chosen}


def written_out(profile: Data, own: Data) -> Data:
    """Return what a node says that has the keys of a profile, and `own` ones over them."""
    machine = {"python", "image"}
    kept = {key for key in profile if not (key in machine and machine & own.keys())}
    found = {**{key: profile[key] for key in kept}, **own}
    for key in {"env", "cache"} & profile.keys() & own.keys():
        found[key] = {**profile[key], **own[key]}
    return found


NEVER = {"jobs": set[str](), "gates": {"retry"}, "releases": {"cache"}}
"""What a profile never gives to nodes of a section, which may not state it either."""


def fit(section: str, found: Data) -> Data:
    """Return the keys that nodes of a section may state."""
    return {key: value for key, value in found.items() if key not in NEVER[section]}


def plan_of(data: Data) -> Plan:
    """Return the plan of a spec given as plain data, with its params filled in. Raises SpecError."""
    root = node_of(data)
    assert isinstance(root, Mapping)
    source = Expansion(Source("mlcc.yaml", root, {}), Path("/")).of("")
    return plan(resolve(validate(source), source))


def outcome(data: Data) -> Plan | set[str]:
    """Return the plan of a spec, or the codes of what a draw may have wrong with it."""
    try:
        return plan_of(data)
    except SpecError as problem:
        codes = {one.code for one in problem.diagnostics}
        if not codes <= {"cycle", "never-runs"}:
            raise
        return codes


@given(st.data())
@cases(40)
def test_a_profile_is_its_keys_written_out(data: st.DataObject) -> None:
    spec = {**Builder(data.draw).spec(), "runners": RUNNERS}
    profiles = data.draw(st.dictionaries(st.sampled_from(["p", "q"]), keys(), min_size=1))
    named, stated = dict(spec), dict(spec)
    for section in ("jobs", "gates", "releases"):
        named[section], stated[section] = {}, {}
        for id, node in spec[section].items():
            profile = data.draw(st.sampled_from([None, *profiles]))
            own = written_out(fit(section, data.draw(keys())), node)
            named[section][id] = {**own, **({"profile": profile} if profile else {})}
            stated[section][id] = written_out(fit(section, profiles[profile]), own) if profile else own
    assert outcome({**named, "profiles": profiles}) == outcome(stated)


@given(st.data())
@cases(40)
def test_a_param_is_its_value(data: st.DataObject) -> None:
    spec = Builder(data.draw).spec()
    spec["jobs"] = {id: written_out(data.draw(keys()), node) for id, node in spec["jobs"].items()}
    params: Data = {}

    def filled(value: Any, key: str, *, may: bool) -> Any:
        may = may or key in MAY_BE_PARAMS
        if isinstance(value, dict):
            typed = len(value) == 1 and key.isupper()  # {secret: NAME} is one value already
            return {name: filled(item, name, may=may and not typed) for name, item in value.items()}
        if isinstance(value, list):
            return [filled(item, "", may=may) for item in value]
        if not may or data.draw(st.booleans()):
            return value
        name = f"p{len(params)}"
        params[name] = {"type": TYPES[type(value)], "default": value}
        return {"param": name}

    sections = {
        key: value if key in ("version", "name") else filled(value, key, may=False)
        for key, value in spec.items()
    }
    assert outcome({**sections, "params": params, "runners": RUNNERS}) == outcome(
        {**spec, "runners": RUNNERS}
    )
