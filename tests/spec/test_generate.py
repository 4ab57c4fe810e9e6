"""What is derived from the models is up to date, and says nothing that the models don't."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import pytest
from annotated_types import Gt
from pydantic import Field, field_validator

from mlcc import generate
from mlcc.spec import shapes, tabulate
from mlcc.spec.base import Id, Model, OneOrMany

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("path", [pytest.param(path, id=path.name) for path in generate.outputs()])
def test_derived_files_are_up_to_date(path: Path) -> None:
    assert path.read_text("utf-8") == generate.outputs()[path](), "run: python -m mlcc.generate"


def test_a_valid_spec_is_loaded_without_heavy_imports() -> None:
    code = """
import sys
from mlcc.load.source import read
from mlcc.spec.validate import validate
text = b"version: 1\\nname: a\\ntriggers: {push: {branches: [main]}}\\njobs: {train: {run: make}}\\n"
assert validate(read(text, "mlcc.yaml")).jobs["train"].run == "make"
print(*sorted({name.partition(".")[0] for name in sys.modules} & {"pydantic", "jinja2", "jsonschema", "click"}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == ""


def shape_of(annotation: Any, **field: Any) -> shapes.Shape:
    class Probe(Model):
        probe: annotation = Field(**field)

    return tabulate.shapes_of(Probe).keys["probe"].shape


@pytest.mark.parametrize(
    ("annotation", "field"),
    [
        (float, {}),  # takes whole numbers too and turns them into others
        (str, {"pattern": "a"}),  # Rust's regular expressions aren't Python's
        (int, {"gt": 1}),
        (int, {"multiple_of": 2}),
        (str | Literal["a"], {}),
        (OneOrMany[Id] | list[int], {}),
        (int | bool | float, {"ge": 1}),
        (Annotated[int, Gt(1)], {}),
        (set[str], {}),
        (tuple[str, ...], {}),
        (Any, {}),
        (bytes, {}),
    ],
)
def test_what_has_no_shape_is_refused(annotation: Any, field: dict[str, Any]) -> None:
    with pytest.raises(tabulate.NotExpressibleError):
        shape_of(annotation, **field)


def test_a_validator_of_a_model_is_refused() -> None:
    class Probe(Model):
        probe: int

        @field_validator("probe")
        @classmethod
        def _check(cls, value: int) -> int:
            return value

    with pytest.raises(tabulate.NotExpressibleError):
        tabulate.shapes_of(Probe)


def test_bounds_are_kept() -> None:
    shape = shape_of(int | float | None, default=None, ge=0, le=1)
    assert isinstance(shape, shapes.Number)
    assert (shape.low, shape.high) == (0, 1)
    texts = shape_of(str, min_length=2, max_length=3)
    assert isinstance(texts, shapes.Str)
    assert (texts.least, texts.most) == (2, 3)
    lists = shape_of(list[Id], min_length=4)
    assert isinstance(lists, shapes.ListOf)
    assert lists.least == 4


def test_unions_and_aliases_are_kept() -> None:
    class Probe(Model):
        EXACTLY_ONE: ClassVar[tuple[tuple[str, ...], ...]] = (("a", "from"),)
        AT_MOST_ONE: ClassVar[tuple[tuple[str, ...], ...]] = (("a", "b"),)
        a: int | None = None
        b: int | None = None
        from_: int | None = Field(None, alias="from")

    made = tabulate.shapes_of(Probe)
    assert (made.exactly_one, made.at_most_one) == ((("a", "from"),), (("a", "b"),))
    assert made.load({"from": 1}).from_ == 1
    for broken in ({}, {"a": 1, "from": 1}, {"a": 1, "b": 1}, {"b": 1}, {"from_": 1}):
        with pytest.raises(shapes.UnsureError):
            made.load(broken)
