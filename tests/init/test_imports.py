"""Contracts of other tools, as a gate spells them: what is taken over, and what is said not to be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlcc.compiler import analyse
from mlcc.diagnostics import SpecError
from mlcc.gates import GATES
from mlcc.init import propose, save
from mlcc.init.imports import contract_text, read_contracts

_ODCS = """\
apiVersion: v3.1.0
kind: DataContract
id: seller-payments
version: 1.1.0
status: active
schema:
  - name: orders
    physicalName: orders_1
    properties:
      - {name: id, logicalType: integer, primaryKey: true, primaryKeyPosition: 1, required: true}
      - name: customer_id
        logicalType: string
        required: true
        relationships: [{type: foreignKey, to: customers.id}]
      - name: status
        logicalType: string
        quality: [{type: library, metric: invalidValues, arguments: {validValues: [open, shipped]}, mustBe: 0}]
      - name: price
        logicalType: number
        logicalTypeOptions: {minimum: 0, maximum: 1000000, multipleOf: 0.01}
        quality:
          - {type: library, metric: nullValues, mustBe: 0}
          - {type: text, description: prices are in euros}
      - {name: tags, logicalType: array}
    quality:
      - {type: library, metric: rowCount, mustBeGreaterThan: 100}
      - {type: sql, query: select 1, mustBe: 0}
slaProperties:
  - {property: latency, value: 4, unit: d}
"""
_DBT = """\
version: 2
models:
  - name: stg_orders
    columns:
      - name: order_id
        data_type: bigint
        data_tests: [unique, not_null]
      - name: status
        data_type: varchar(20)
        data_tests:
          - accepted_values: {values: [placed, shipped]}
      - name: customer_id
        data_type: integer
        tests:
          - not_null
          - relationships: {to: ref('stg_customers'), field: customer_id}
          - dbt_utils.at_least_one
      - name: note
        data_tests: [unique, {relationships: {to: 'source("a", "notes")', field: id}}]
    data_tests:
      - dbt_utils.expression_is_true: {expression: a > b}
"""
_PANDERA = """\
schema_type: dataframe
version: 0.20.4
columns:
  age:
    title: null
    dtype: int64
    nullable: false
    checks:
      in_range: {min_value: 0, max_value: 120}
    unique: false
    required: true
    regex: false
  region:
    dtype: str
    nullable: true
    checks:
      - value: [SE, FI]
        options: {check_name: isin, raise_warning: false}
      - {value: S, options: {check_name: str_startswith}}
    required: false
  day: {dtype: "datetime64[ns]", nullable: false, checks: null, unique: true}
checks: null
index:
  - {dtype: int64, nullable: false}
strict: true
unique: [age, region]
"""


def _imported(tmp_path: Path, text: str, name: str = "c.yaml") -> tuple[dict[str, Any], list[str]]:
    """Return the printed contract, which the gate's model accepts, and what it says was left out."""
    (tmp_path / name).write_text(text)
    (found,) = read_contracts(tmp_path / name)
    printed = contract_text(found)
    block: dict[str, Any] = yaml.safe_load(printed)["contract"]
    GATES["contract"].params().model_validate(block)
    return block, [line.strip("# ") for line in printed.splitlines() if line.startswith("  #   ")]


def test_open_data_contract(tmp_path: Path) -> None:
    block, left_out = _imported(tmp_path, _ODCS)
    assert block == {
        "columns": {
            "id": {"type": "integer"},
            "customer_id": {"type": "string"},
            "status": {"type": "string", "max_nulls": 1, "values": ["open", "shipped"]},
            "price": {"type": "number", "min": 0, "max": 1000000},
        },
        "unique": ["id"],
        "rows": {"min": 101},
        "references": {"customer_id": {"artifact": "customers", "column": "id"}},
    }
    assert [line.partition(":")[0] for line in left_out] == [
        "price",
        "price",
        "tags",
        "the table",
        "slaProperties",
    ]
    assert "multipleOf" in left_out[0]
    assert "select 1" in left_out[3]


_LINKED = """\
apiVersion: v3.1.0
kind: DataContract
schema:
  - id: visits_obj
    name: visits
    properties:
      - {id: visit_id, name: id, logicalType: integer, primaryKey: true}
      - id: visit_patient
        name: patient
        physicalName: patient_no
        logicalType: integer
        relationships:
          - {to: schema/patients_obj/properties/patient_id, customProperties: [{property: cardinality, value: many-to-one}]}
          - {to: people.id}
      - {id: visit_ward, name: ward, logicalType: string, relationships: [{to: hospital.wards.code}]}
      - {name: nurse, logicalType: string, relationships: [{to: "https://example.com/staff.yaml#nurses.code"}]}
      - {name: room, logicalType: string, relationships: [{to: rooms.code, type: similarTo}]}
      - {name: device, logicalType: string}
      - {name: maker, logicalType: string}
    relationships:
      - {from: visits.device, to: devices.serial}
      - {from: [schema/visits_obj/properties/visit_ward], to: [wards.code]}
      - {from: [visits.device, visits.maker], to: [devices.serial, devices.maker]}
      - {from: visits.unknown, to: devices.serial}
      - {from: visits.maker, to: [makers.id]}
    quality:
      - {metric: rowCount, mustBeBetween: [100, 120]}
  - id: patients_obj
    name: patients
    properties:
      - {id: patient_id, name: id, physicalName: pid, logicalType: integer}
      - {name: tenant, logicalType: string}
    quality:
      - {metric: duplicateValues, mustBe: 0, arguments: {properties: [id, tenant]}}
      - {metric: duplicateValues, mustBeLessThan: 3, arguments: {properties: [tenant]}}
"""


def test_relationships_of_a_data_contract(tmp_path: Path) -> None:
    """By names or ids, at a property or a table; nested, composite and foreign ones are listed."""
    (tmp_path / "c.yaml").write_text(_LINKED)
    visits, patients = read_contracts(tmp_path / "c.yaml")
    assert visits.references == {
        "patient_no": ("patients", "pid"),
        "device": ("devices", "serial"),
        "ward": ("wards", "code"),
    }
    assert [line.partition(": ")[0] for line in visits.left_out] == [
        "patient_no",  # its second one
        "ward",  # nested
        "nurse",  # in another file
        "room",  # no foreign key
        "the table",  # of two columns
        "the table",  # of a column that isn't declared
        "maker",  # one end is a list
    ]
    assert visits.table == {"unique": ["id"], "rows": {"min": 101, "max": 119}}
    assert patients.table == {"unique": ["pid", "tenant"]}
    assert len(patients.left_out) == 1


def test_dbt(tmp_path: Path) -> None:
    block, left_out = _imported(tmp_path, _DBT)
    assert block == {
        "columns": {
            "order_id": {"type": "integer", "unique": True},
            "status": {"type": "string", "max_nulls": 1, "values": ["placed", "shipped"]},
            "customer_id": {"type": "integer"},
        },
        "references": {"customer_id": {"artifact": "stg-customers", "column": "customer_id"}},
    }
    assert left_out == [
        "customer_id: dbt_utils.at_least_one",
        "note: its type is not said; declare the column by hand",
        'the table: {"dbt_utils.expression_is_true": {"expression": "a > b"}}',
        'note: {"references": ["notes", "id"], "unique": true}',
    ]


@pytest.mark.parametrize("format", ["yaml", "json"])
def test_pandera(tmp_path: Path, format: str) -> None:
    text = json.dumps(yaml.safe_load(_PANDERA)) if format == "json" else _PANDERA
    block, left_out = _imported(tmp_path, text, f"schema.{format}")
    assert block == {
        "columns": {
            "age": {"type": "integer", "min": 0, "max": 120},
            "region": {"type": "string", "max_nulls": 1, "required": False, "values": ["SE", "FI"]},
            "day": {"type": "timestamp", "unique": True},
        },
        "extra_columns": "deny",
        "unique": ["age", "region"],
    }
    assert left_out == ['region: {"str_startswith": "S"}', 'index: [{"dtype": "int64", "nullable": false}]']


_LISTED = """\
schema_type: dataframe
version: 0.24.0
columns:
  weight:
    title: null
    description: null
    dtype: float64
    nullable: false
    checks:
    - min_value: 0.5
      max_value: 90
      include_min: true
      include_max: true
      options: {check_name: in_range, raise_warning: false, ignore_na: true}
    - {value: 95, options: {check_name: less_than_or_equal_to, raise_warning: true}}
    unique: false
    coerce: false
    required: true
    regex: false
  grade:
    dtype: string[python]
    nullable: true
    checks:
    - {min_value: null, max_value: 3, exact_value: null, options: {check_name: str_length}}
    - {min_value: 2, max_value: null, exact_value: null, options: {check_name: str_length}}
    - {value: "[A-F]", options: {check_name: str_matches, title: a letter}}
    - {value: [A, B], options: {check_name: isin, ignore_na: false}}
    unique: false
    required: true
checks: null
index: null
dtype: null
coerce: false
strict: false
name: null
ordered: false
unique: null
report_duplicates: all
unique_column_names: false
add_missing_columns: false
title: null
description: null
"""
_BESIDE = """\
schema_type: dataframe
api: pandas
columns:
  weight:
    dtype: float64
    in_range: {min_value: 0.5, max_value: 90, include_min: true, include_max: false}
    greater_than_or_equal_to: 0.5
    less_than_or_equal_to: {max_value: 95, raise_warning: true}
  grade:
    dtype: string[pyarrow]
    nullable: true
    str_length: {min_value: null, max_value: 3, exact_value: null}
    isin: [A, B]
  code:
    dtype: Int64
    checks:
    - {min_value: 1, options: {check_name: greater_than_or_equal_to}}
    - {forbidden_values: [7], options: {check_name: notin}}
  seen:
    dtype: datetime64[ns, UTC]
    greater_than_or_equal_to: "2024-01-31 00:00:00"
strict: filter
unique: weight
"""


def test_pandera_checks_in_a_list(tmp_path: Path) -> None:
    """With the name of each among its options."""
    block, left_out = _imported(tmp_path, _LISTED)
    assert block == {
        "columns": {
            "weight": {"type": "number", "min": 0.5, "max": 90},
            "grade": {"type": "string", "max_nulls": 1, "max_length": 3, "pattern": "(?:[A-F])(?s:.*)"},
        }
    }
    assert left_out == [
        'weight: {"less_than_or_equal_to": 95, "raise_warning": true}',
        'grade: {"str_length": {"exact_value": null, "max_value": null, "min_value": 2}}',
        'grade: {"ignore_na": false, "isin": ["A", "B"]}',
    ]


def test_pandera_checks_beside_the_keys_of_a_column(tmp_path: Path) -> None:
    """As version 0.35 writes them, where a name occurs once; else a list, with the name of each argument."""
    block, left_out = _imported(tmp_path, _BESIDE)
    assert block == {
        "columns": {
            "weight": {"type": "number", "min": 0.5},
            "grade": {"type": "string", "max_nulls": 1, "max_length": 3, "values": ["A", "B"]},
            "code": {"type": "integer", "min": 1},
            "seen": {"type": "timestamp", "min": "2024-01-31 00:00:00"},
        },
        "unique": ["weight"],
    }
    assert left_out == [
        'weight: {"in_range": {"include_max": false, "include_min": true, "max_value": 90, "min_value": 0.5}}',
        'weight: {"less_than_or_equal_to": {"max_value": 95}, "raise_warning": true}',
        'code: {"notin": {"forbidden_values": [7]}}',
        "strict: filter",
    ]


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("c.yaml", "a: 1\n", "bad-contract"),
        ("c.yaml", "models: 3\n", "bad-contract"),
        ("c.yaml", "schema: [{properties: [1]}]\n", "bad-contract"),
        ("c.yaml", "a: &x 1\nb: *x\n", None),
        ("c.json", "{", "bad-contract"),
        ("c.json", "[" * 100_000, "bad-contract"),
    ],
)
def test_files_that_hold_no_contract(tmp_path: Path, name: str, text: str, code: str | None) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(SpecError) as caught:
        read_contracts(tmp_path / name)
    assert caught.value.diagnostics[0].code == code or (code is None and caught.value.diagnostics[0].code)


def test_a_contract_in_a_new_spec(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("order_id,status,customer_id\n1,placed,7\n2,shipped,8\n")
    (tmp_path / "schema.yml").write_text(_DBT)
    proposal = propose(tmp_path, [tmp_path / "orders.csv"], tmp_path / "schema.yml")
    path = save(proposal, tmp_path)
    block = yaml.safe_load(proposal.text)["gates"]["orders-contract"]["contract"]
    assert block["columns"]["status"] == {"type": "string", "max_nulls": 1, "values": ["placed", "shipped"]}
    assert "references" not in block
    assert "#   customer_id: {artifact: stg-customers, column: customer_id}" in proposal.text
    assert "dbt_utils.at_least_one" in proposal.text
    assert analyse(path, tmp_path, assume_committed=True).plan.nodes["orders-contract"]


def test_a_file_without_the_contract_of_a_table(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text("x\n1\n")
    (tmp_path / "schema.yml").write_text("models: [{name: a}, {name: c}]\n")
    with pytest.raises(SpecError) as caught:
        propose(tmp_path, [tmp_path / "a.csv", tmp_path / "b.csv"], tmp_path / "schema.yml")
    assert caught.value.diagnostics[0].code == "bad-contract"
    assert "no one contract for 'b'; its contracts are a, c" in caught.value.diagnostics[0].message


def test_no_text_of_a_file_becomes_yaml(tmp_path: Path) -> None:
    hostile = "x\ncontract: {columns: {}}\n# '\"}]"
    column = {
        "name": hostile,
        "data_type": "int",
        "tests": [{hostile: {}}, {"accepted_values": {"values": [hostile]}}],
    }
    (tmp_path / "c.json").write_text(json.dumps({"models": [{"name": hostile, "columns": [column]}]}))
    (found,) = read_contracts(tmp_path / "c.json")
    columns = yaml.safe_load(contract_text(found))["contract"]["columns"]
    assert [(each["name"], each["values"]) for each in columns.values()] == [(hostile, [hostile])]


@pytest.mark.parametrize("hidden", ["\x1b[31m", "\u202e", "\0"])
def test_hidden_characters_are_refused(tmp_path: Path, hidden: str) -> None:
    (tmp_path / "c.json").write_text(json.dumps({"models": [{"name": "a", "columns": [{"name": hidden}]}]}))
    (found,) = read_contracts(tmp_path / "c.json")
    with pytest.raises(SpecError) as caught:
        contract_text(found)
    assert caught.value.diagnostics[0].code == "bad-contract"
