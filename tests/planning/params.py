"""Broken params, instances and profiles."""

from __future__ import annotations

from tests.planning.case import Case

JOB = "jobs:\n  train: {run: make}\n"
UNSET = "defined here, without a default"

PARAMS = (
    Case(
        "unknown param, with a close one",
        "params: {rate: {type: number, default: 1}}\njobs:\n  train: {run: make, env: {RATE: {param: ◆rat}}}\n",
        "unknown-param", "there is no param 'rat'", help="did you mean 'rate'?",
    ),
    Case(
        "unknown param, none is there",
        "jobs:\n  train: {run: make, timeout: {param: ◆longest}}\n",
        "unknown-param", "there is no param 'longest'", help="known: none is defined",
    ),
    Case(
        "param without a value",
        "params: {①rate: {type: number}}\njobs:\n  train: {run: make, env: {RATE: ◆{param: rate}}}\n",
        "unset-param", "the param 'rate' has no value", (UNSET,), help="give it a `default`",
    ),
    Case(
        "param as a command",
        "params: {how: {type: string, default: make}}\njobs:\n  train: {run: ◆{param: how}}\n",
        "param-in-command", "a command is never a param",
        help="pass it through `env`: {NAME: {param: …}}, and write $NAME in the command",
    ),
    Case(
        "param as one of several commands",
        "params: {how: {type: string, default: make}}\njobs:\n  train: {run: make, setup: [make deps, ◆{param: how}]}\n",
        "param-in-command", "a command is never a param",
        help="pass it through `env`: {NAME: {param: …}}, and write $NAME in the command",
    ),
    Case(
        "param with a default at its use",
        "params: {rate: {type: number, default: 1}}\njobs:\n  train: {run: make, env: {RATE: {param: rate, ◆default: 2}}}\n",
        "bad-param", "`param` stands alone", help="its `default` is under `params`",
    ),
    Case(
        "param that names none",
        "jobs:\n  train: {run: make, env: {RATE: {param: ◆3}}}\n",
        "bad-param", "`param` names one under `params`",
    ),
    Case(
        "default of another type",
        "params: {rate: {type: integer, default: ◆1.5}}\n" + JOB,
        "bad-param", "the default isn't a integer that the param allows",
    ),
    Case(
        "default outside of its bounds",
        "params: {rate: {type: number, min: 0, max: 1, default: ◆2}}\n" + JOB,
        "bad-param", "the default is outside `min` and `max`",
    ),
    Case(
        "flag for a number",
        "params: {rate: {type: number, default: ◆true}}\n" + JOB,
        "bad-param", "the default isn't a number that the param allows",
    ),
    Case(
        "choice without options",
        "params: {◆season: {type: choice}}\n" + JOB,
        "bad-param", "`options` belong to a `choice`, and a `choice` needs them",
    ),
    Case(
        "text with bounds",
        "params: {◆season: {type: string, min: 1}}\n" + JOB,
        "bad-param", "a string has neither `min` nor `max`",
    ),
    Case(
        "an instance's value outside of the bounds",
        "params: {①floor: {type: number, min: 0.6, max: 1}}\n"
        "instances: {north: {root: north, params: {floor: ◆0.5}}}\n" + JOB,
        "bad-param", "the value is outside `min` and `max`", ("defined here",), help="a number, at least 0.6, at most 1",
    ),
    Case(
        "an instance's value that isn't an option",
        "params: {①season: {type: choice, options: [spring, autumn]}}\n"
        "instances: {north: {root: north, params: {season: ◆winter}}}\n" + JOB,
        "bad-param", "the value isn't a choice that the param allows", ("defined here",), help="one of spring, autumn",
    ),
    Case(
        "an instance's value of no param",
        "params: {floor: {type: number}}\ninstances: {north: {root: north, params: {flor: ◆0.5}}}\n" + JOB,
        "unknown-param", "there is no param 'flor'", help="did you mean 'floor'?",
    ),
)  # fmt: skip

PROFILES = (
    Case(
        "unknown profile",
        "profiles: {heavy: {retry: 1}}\njobs:\n  train: {run: make, profile: ◆hevy}\n",
        "unknown-profile", "there is no profile 'hevy'", help="did you mean 'heavy'?",
    ),
    Case(
        "unknown runner in a profile",
        "profiles: {heavy: {runner: ◆gpu}}\njobs:\n  train: {run: make, profile: heavy}\n",
        "unknown-runner", "there is no runner 'gpu'", help="known: none is defined",
    ),
    Case(
        "secret in a profile",
        "profiles: {heavy: {env: {TOKEN: ◆{secret: TOKEN}}}}\njobs:\n  train: {run: make, profile: heavy}\n",
        "secret-in-defaults", "the secret 'TOKEN' would reach every node of the profile",
        help="name it on the nodes that need it",
    ),
    Case(
        "unknown axis in a profile",
        "profiles: {heavy: {env: {SEED: ◆{matrix: seed}}}}\njobs:\n  train: {run: make, profile: heavy}\n",
        "unknown-axis", "there is no axis 'seed'", help="known: none is defined",
    ),
)  # fmt: skip
