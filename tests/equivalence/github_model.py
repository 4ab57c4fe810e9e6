"""GitHub's documented rules for which jobs of a workflow run, and an evaluator of its expressions.

https://docs.github.com/actions/reference/workflows-and-actions/expressions: operators, `contains`, status functions;
a condition without a status function has `success() &&` put before it.
https://docs.github.com/actions/how-tos/write-workflows/choose-what-workflows-do/use-jobs: a job whose condition
doesn't hold is skipped, and so is one without a condition whose need has failed or was skipped.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

Context = Mapping[str, Any]
Evaluate = Callable[[Context], Any]
_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?)|(?P<name>[A-Za-z_][\w-]*|\*)"
    r"|(?P<sign>\|\||&&|==|!=|[!().,]))"
)
STATUS_FUNCTIONS = ("success", "failure", "cancelled", "always")


def truth(value: Any) -> bool:
    """Return whether GitHub takes a value for true: all but false, 0, '', null and NaN."""
    return not (value is None or value is False or value == "" or value == 0 or value != value)


def equal(left: Any, right: Any) -> bool:
    """Return `left == right`: texts without regard to case, other kinds as numbers."""
    if isinstance(left, str) and isinstance(right, str):
        return left.lower() == right.lower()
    if isinstance(left, (list, dict)) or isinstance(right, (list, dict)):
        return left is right
    return _number(left) == _number(right)


def _number(value: Any) -> float:
    if value is None or value == "":
        return 0.0
    try:
        return float(value)
    except ValueError:
        return math.nan


def contains(search: Any, item: Any) -> bool:
    """Return what the function `contains` does: a part of a text, or an item of a list."""
    if isinstance(search, list):
        return any(equal(one, item) for one in search)
    return _text(item).lower() in _text(search).lower()


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def tokens(expression: str) -> list[tuple[str, str]]:
    """Return (kind, text) of each token. Raises ValueError."""
    found, at = [], 0
    while expression[at:].strip():
        match = _TOKEN.match(expression, at)
        if match is None:
            raise ValueError(f"no token at {expression[at:]!r}")
        kind = str(match.lastgroup)
        found.append((kind, match[kind]))
        at = match.end()
    return found


class Parser:
    """A recursive descent over the tokens of one expression."""

    def __init__(self, expression: str) -> None:
        self.left = tokens(expression)

    def parse(self) -> Evaluate:
        """Return the whole expression as a function of its contexts. Raises ValueError."""
        found = self._or()
        if self.left:
            raise ValueError(f"more than an expression: {self.left}")
        return found

    def _take(self, *signs: str) -> str:
        if self.left and self.left[0][1] in signs and self.left[0][0] == "sign":
            return self.left.pop(0)[1]
        return ""

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            raise ValueError(f"{sign} expected at {self.left}")

    def _or(self) -> Evaluate:
        left = self._and()
        while self._take("||"):
            left = _either(left, self._and())
        return left

    def _and(self) -> Evaluate:
        left = self._equality()
        while self._take("&&"):
            left = _both(left, self._equality())
        return left

    def _equality(self) -> Evaluate:
        left = self._not()
        while sign := self._take("==", "!="):
            left = _compare(left, self._not(), sign == "==")
        return left

    def _not(self) -> Evaluate:
        if self._take("!"):
            inner = self._not()
            return lambda context: not truth(inner(context))
        return self._operand()

    def _operand(self) -> Evaluate:
        if self._take("("):
            inner = self._or()
            self._expect(")")
            return inner
        kind, text = self.left.pop(0)
        if kind == "text":
            return lambda _: text[1:-1].replace("''", "'")
        if kind == "number":
            return lambda _: float(text)
        if kind != "name":
            raise ValueError(f"an operand can't be {text}")
        if self._take("("):
            return self._call(text)
        path = [text]
        while self._take("."):
            path.append(self.left.pop(0)[1])
        return lambda context: lookup(context, path)

    def _call(self, name: str) -> Evaluate:
        arguments: list[Evaluate] = []
        while not self._take(")"):
            arguments.append(self._or())
            self._take(",")
        if name == "contains":
            search, item = arguments
            return lambda context: contains(search(context), item(context))
        if name in STATUS_FUNCTIONS and not arguments:
            return lambda context: context[name + "()"]
        raise ValueError(f"the model has no function {name}")


def _either(left: Evaluate, right: Evaluate) -> Evaluate:
    def evaluate(context: Context) -> Any:
        value = left(context)
        return value if truth(value) else right(context)

    return evaluate


def _both(left: Evaluate, right: Evaluate) -> Evaluate:
    def evaluate(context: Context) -> Any:
        value = left(context)
        return right(context) if truth(value) else value

    return evaluate


def _compare(left: Evaluate, right: Evaluate, same: bool) -> Evaluate:
    return lambda context: equal(left(context), right(context)) is same


def lookup(context: Context, path: list[str]) -> Any:
    """Return a property of a context; `*` takes it of all entries. Raises KeyError on a job that isn't needed."""
    value: Any = context
    for number, name in enumerate(path):
        if name == "*":
            rest = path[number + 1 :]
            return [lookup(item, rest) for item in value.values()]
        if path[:number] == ["needs"] and name not in value:
            raise KeyError(f"needs has no {name}")
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def of_called(results: Collection[str]) -> str:
    """Return the result of a job that calls a workflow, from the results of that workflow's jobs.

    https://docs.github.com/actions/reference/workflows-and-actions/contexts#needs-context has the four results. That
    a failed job fails its caller, and that a workflow of skipped jobs is none that ran, is documented by usage only:
    https://github.com/github/docs/issues/30296. Nothing compiled tells `success` from `skipped` here.
    """
    return next((one for one in ("failure", "cancelled", "success") if one in results), "skipped")


def value_of(interpolation: str, needs: Mapping[str, Any]) -> Any:
    """Return the value of an expression over `needs`, as an input of a called workflow gets it."""
    return compiled(interpolation)[0]({"needs": needs})


@functools.lru_cache(maxsize=4096)
def compiled(interpolation: str) -> tuple[Evaluate, bool]:
    """Return an `if` as a function of its contexts, and whether it names a status function."""
    text = interpolation.strip().removeprefix("${{").removesuffix("}}")
    named = {name for kind, name in tokens(text) if kind == "name"}
    return Parser(text).parse(), bool(named & set(STATUS_FUNCTIONS))


def starts(
    condition: str | None,
    needs: Mapping[str, Any],
    ancestors: list[str],
    cancelled: bool,
    inputs: Mapping[str, Any] | None = None,
) -> bool:
    """Tell whether a job starts. `ancestors` are the results of all jobs before it, directly or not.

    `inputs` are those of a called workflow: its jobs see nothing else of the jobs outside.
    """
    success = not cancelled and all(result == "success" for result in ancestors)
    if condition is None:
        return success
    evaluate, has_status = compiled(condition)
    context = {
        "needs": needs, "inputs": inputs or {}, "success()": success, "cancelled()": cancelled, "always()": True,
        "failure()": not cancelled and "failure" in ancestors,
    }  # fmt: skip
    return (has_status or success) and truth(evaluate(context))
