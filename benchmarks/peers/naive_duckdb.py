"""The checks as one query of DuckDB, as one writes it down."""

import duckdb
import facts

task = facts.task()
binned = {name: frozen["edges"] for name, frozen in task["frozen"].items()}
measures = {
    "rows": "count(*)",
    **{name: f"count(*) - count({name})" for name in task["nulls"]},
    "unique": f"count({task['unique']}) - count(DISTINCT {task['unique']})",
    "age": f"count_if(age > {task['max_age']})",
    "income": f"count_if(income < {task['min_income']})",
    "status": f"count_if(status NOT IN {tuple(task['statuses'])})",
    "code": f"count_if(NOT regexp_full_match(code, '{task['pattern']}'))",
}
others = ["max(created)", *(f"histogram({name}, {edges})" for name, edges in binned.items())]
query = f"SELECT {', '.join((*measures.values(), *others))} FROM read_parquet('{task['table']}')"
((*found, newest, first, second),) = duckdb.sql(query).fetchall()
counts = dict(zip(measures, found, strict=False))
bins = {}
for (name, edges), histogram in zip(binned.items(), (first, second), strict=True):
    values = list(histogram.values())  # a bin an edge, and one more where values lie above the last
    bins[name] = values + [0] * (len(edges) + 1 - len(values))
facts.write(facts.failed(task, counts, newest) | facts.drifted(task, bins), counts)
