"""The parts of a survey, one by one, and the spelling of values."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcc.init import python
from mlcc.init.repository import Repository, identifier, unique
from mlcc.init.spelling import flow, scalar
from mlcc.init.tables import KEY, NoTableError, read_table
from mlcc.init.training import bounds, training, yaml_mapping
from mlcc.load.source import plain, read
from mlcc.spec.scalars import ID
from tests.init.repositories import make


def repository(files: dict[str, str], tmp_path: Path) -> Repository:
    return Repository(make(files, tmp_path / "repo"))


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({".python-version": "3.11.7\n"}, ("3.11.7", ".python-version")),
        ({".python-version": "cpython-3.13\n"}, ("3.13", ".python-version")),
        ({".tool-versions": "nodejs 20\npython 3.12.1\n"}, ("3.12.1", ".tool-versions")),
        ({"runtime.txt": "python-3.11.4"}, ("3.11.4", "runtime.txt")),
        ({"environment.yml": "dependencies:\n  - python=3.12\n"}, ("3.12", "environment.yml")),
        ({"pyproject.toml": '[project]\nrequires-python = ">=3.8"\n'}, ("3.10", "pyproject.toml")),
        ({"pyproject.toml": '[project]\nrequires-python = ">=3.13"\n'}, ("3.13", "pyproject.toml")),
        ({"pyproject.toml": '[project]\nrequires-python = ">=3.7,<3.10"\n'}, ("3.9", "pyproject.toml")),
        ({"pyproject.toml": '[project]\nrequires-python = "==3.9.*"\n'}, ("3.9", "pyproject.toml")),
        ({"pyproject.toml": "[tool.poetry.dependencies]\npython = '^3.9'\n"}, ("3.10", "pyproject.toml")),
        ({"pyproject.toml": "[project]\nrequires-python = 3\n"}, ("3.12", "")),
        ({".python-version": "system\n"}, ("3.12", "")),
        ({}, ("3.12", "")),
    ],
)
def test_the_python_version(files: dict[str, str], expected: tuple[str, str], tmp_path: Path) -> None:
    found = python.version(repository(files, tmp_path))
    assert (found.text, found.source) == expected


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"requirements.txt": "a==1\n"}, ["pip install -r requirements.txt"]),
        (
            {"requirements.txt": "a==1 --hash=sha256:1\n", "requirements-dev.txt": "b\n"},
            ["pip install --require-hashes -r requirements.txt", "pip install -r requirements-dev.txt"],
        ),
        (
            {"requirements.txt": "a\n", "pyproject.toml": "[build-system]\n[project]\nname = 'x'\n"},
            ["pip install -r requirements.txt", "pip install --no-deps -e ."],
        ),
        ({"requirements.txt": "a\n", "pyproject.toml": "[tool.ruff]\n"}, ["pip install -r requirements.txt"]),
        ({"pyproject.toml": "[project]\nname = 'x'\n"}, ["pip install -e ."]),
        ({"setup.py": ""}, ["pip install -e ."]),
        ({}, []),
    ],
)
def test_the_setup(files: dict[str, str], expected: list[str], tmp_path: Path) -> None:
    assert python.setup(repository(files, tmp_path)) == expected


@pytest.mark.parametrize(
    ("files", "command"),
    [
        ({"a/b/train.py": "", "train_old.py": ""}, "python a/b/train.py"),
        ({"z/train.py": "", "b/c/train.py": ""}, "python z/train.py"),
        ({"pkg/fit.py": ""}, "python pkg/fit.py"),
        ({"tests/train.py": "", "train_net.py": ""}, "python train_net.py"),
        ({"my code/train.py": ""}, "python 'my code/train.py'"),
    ],
)
def test_the_training_script(files: dict[str, str], command: str, tmp_path: Path) -> None:
    found = training(repository(files, tmp_path), installed=False)
    assert found is not None
    assert found.run == command


def test_no_training_is_found_where_there_is_none(tmp_path: Path) -> None:
    files = {"constrain.py": "", "Makefile": "train := 1\n", "dvc.yaml": "stages: {}\n"}
    assert training(repository(files, tmp_path), installed=False) is None


def test_metrics_get_bounds_with_room() -> None:
    text = (
        '{"acc": 0.9, "n": 10, "ok": true, "train_acc": 1, "val": {"roc_auc": 0.81, "rmse": 12.5}, "auc": 0.52,'
        ' "a.b": {"f1": 1}}'
    )
    assert [(b.name, b.place, b.side, b.limit, b.today) for b in bounds(text)] == [
        ("acc", "", "min", "0.85", "0.9"),
        ("val.roc_auc", "val.roc_auc", "min", "0.76", "0.81"),
        ("val.rmse", "val.rmse", "max", "15", "12.5"),
    ]
    assert bounds("not json") == []
    assert bounds('{"acc": NaN, "loss": 1e999}') == []


@pytest.mark.parametrize(
    ("value", "type"),
    [
        ("1", "integer"),
        ("-12", "integer"),
        ("1234567890123456789", "number"),
        ("1.5", "number"),
        ("1e3", "number"),
        ("1e999", "string"),
        ("nan", "string"),
        ("1_0", "string"),
        (" 1", "string"),
        ("true", "boolean"),
        ("2024-02-29", "date"),
        ("2023-02-29", "string"),
        ("2024-01-01T10:00:00Z", "timestamp"),
        ("2024-01-01 10:00", "timestamp"),
        ("2024-01-01T25:00:00", "string"),
        ("x", "string"),
    ],
)
def test_the_type_of_a_column(value: str, type: str, tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text(f"x\n{value}\n")
    table = read_table(tmp_path / "d.csv")
    assert [(key, c.name, c.type, c.nulls) for key, c in table.columns.items()] == [("x", "x", type, 0.0)]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is empty"),
        ("x\n", "it has no rows"),
        ("x,x\n1,2\n", "two of its columns have the same name"),
        ("x,X\n1,2\n", "two of its columns have the same name"),
        ("x,\n1,2\n", "it has a column without a name"),
        ("x,y\n1,2\n1\n", "line 3 has 1 columns, and the header 2"),
        ("x\n1,2\n", "line 2 has 2 columns, and the header 1"),
        ('x\n"a\n', "line 2 isn't proper CSV: unexpected end of data"),
        ("id;name\n1;a\n", "its columns seem to be separated by ';'"),
        ("id|name\n1|a\n", "its columns seem to be separated by '|'"),
        ("id\tname\n1\ta\n", "its columns seem to be separated by tabs, as in a .tsv file"),
    ],
)
def test_what_is_no_table_is_said(text: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text(text)
    with pytest.raises(NoTableError) as caught:
        read_table(tmp_path / "d.csv")
    assert str(caught.value) == reason


def test_a_file_that_can_not_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_bytes(b"x\n\xff\n")
    (tmp_path / "d.parquet").write_bytes(b"PAR1")
    reasons = ("it isn't UTF-8", "it isn't proper Parquet", "it can't be read: No such file or directory")
    for name, reason in zip(("d.csv", "d.parquet", "missing.csv"), reasons, strict=True):
        with pytest.raises(NoTableError) as caught:
            read_table(tmp_path / name)
        assert str(caught.value) == reason


def test_columns_get_keys(tmp_path: Path) -> None:
    names = [
        "Customer ID",
        "größe",
        "Unnamed: 0",
        "price (EUR)",
        "2020",
        "日本",
        "customer_id",
        "年",
        "a\u202eb",
    ]
    (tmp_path / "d.csv").write_text(",".join(names) + "\n" + ",".join("123456789") + "\n", "utf-8")
    table = read_table(tmp_path / "d.csv")
    assert {key: column.name for key, column in table.columns.items()} == {
        "customer_id_2": "Customer ID",
        "grosse": "größe",
        "unnamed_0": "Unnamed: 0",
        "price_eur": "price (EUR)",
        "column_2020": "2020",
        "column": "日本",
        "customer_id": "customer_id",
        "column_2": "年",
    }
    assert table.left_out == ["a\u202eb"]


@pytest.mark.parametrize(
    "text", ["a: [", "- 1\n", "", "a: !!python/object:os.system x\n", "a: *b\n", "[" * 5000]
)
def test_yaml_that_is_no_mapping_is_empty(text: str) -> None:
    assert yaml_mapping(text) == {}


@given(st.text(max_size=30))
def test_an_identifier_is_an_id(text: str) -> None:
    found = identifier(text, "otherwise")
    assert ID.match(found)
    assert scalar(found) == found
    assert len(found) <= 40


def test_an_identifier_is_not_read_as_something_else() -> None:
    assert [identifier(text, "data") for text in ("No", "y", "1", "Été 2", "2024 raw_x")] == [
        "data-no", "data-y", "data", "t-2", "raw-x",
    ]  # fmt: skip


def test_ids_are_unique() -> None:
    taken = {"code"}
    assert [unique("code", taken), unique("code", taken), unique("x", taken)] == ["code-2", "code-3", "x"]


PRINTABLE = st.text(
    st.characters(min_codepoint=32, max_codepoint=126) | st.sampled_from("éß世\t\n"), min_size=1
)


@given(PRINTABLE)
def test_a_spelt_value_reads_as_itself(text: str) -> None:
    source = read(f"a: {scalar(text)}\nb: {flow([text, 'x'])}\n".encode(), "x.yaml")
    assert plain(source.root) == {"a": text, "b": [text, "x"]}


@given(st.from_regex(KEY, fullmatch=True))
def test_a_spelt_key_reads_as_itself(key: str) -> None:
    assert plain(read(f"{scalar(key)}: {{x: 1}}\n".encode(), "x.yaml").root) == {key: {"x": 1}}
