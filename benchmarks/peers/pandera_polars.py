"""The checks as a schema of pandera over a data frame of polars; its own checks where it has none for the purpose."""

import datetime

import facts
import pandera.polars as pa
import polars as pl

task = facts.task()
oldest = datetime.datetime.fromisoformat(task["oldest"])


def holds(name: str, expression: pl.Expr) -> pa.Check:
    return pa.Check(lambda data: data.lazyframe.select(expression), name=name, ignore_na=False)


def share(name: str) -> pa.Check:
    return holds(name, pl.col(name).is_null().mean() <= task["max_nulls"])


def stable(name: str) -> pa.Check:
    ((column, _),) = task[name].items()
    edges = [-1e300, *task["frozen"][column]["edges"], 1e300]

    def keeps(data: pa.PolarsData) -> pl.LazyFrame:
        bins = data.lazyframe.select(pl.col(column).hist(bins=edges)).collect()[column].to_list()
        drifted = facts.drifted({**task, "psi": {}, "ks": {}, name: task[name]}, {column: bins})
        return pl.LazyFrame({"stable": [not drifted]})

    return pa.Check(keeps, name=name)


schema = pa.DataFrameSchema(
    {
        "id": pa.Column(pl.Int64, unique=True),
        "created": pa.Column(pl.Datetime("us"), holds("freshness", pl.col("created").max() >= oldest)),
        "age": pa.Column(pl.Int32, pa.Check.le(task["max_age"], name="age")),
        "income": pa.Column(pl.Float64, pa.Check.ge(task["min_income"], name="income")),
        "status": pa.Column(pl.String, pa.Check.isin(task["statuses"], name="status")),
        "code": pa.Column(pl.String, pa.Check.str_matches(f"^{task['pattern']}$", name="code")),
        "customer": pa.Column(pl.Int64, share("customer"), nullable=True),
        "city": pa.Column(pl.String, share("city"), nullable=True),
        "score": pa.Column(pl.Float64, share("score"), nullable=True),
    },
    checks=[
        holds("rows", pl.len() >= task["rows"]),
        stable("psi"),
        stable("ks"),
    ],
)
frame = pl.read_parquet(task["table"], columns=task["columns"])
failed, counts = set(), {}
try:
    schema.validate(frame, lazy=True)
except pa.errors.SchemaErrors as errors:
    for error in errors.schema_errors:
        name = "unique" if error.reason_code.name == "SERIES_CONTAINS_DUPLICATES" else error.check.name
        failed.add(name)
        if name in ("age", "income", "status", "code"):
            counts[name] = len(error.failure_cases)
facts.write(failed, counts)
