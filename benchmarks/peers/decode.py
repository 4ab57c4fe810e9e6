"""DuckDB's own decode of the columns that no Parquet footer answers for: a hash of each value, which needs them all."""

import duckdb
import facts

task = facts.task()
columns = ", ".join(f"bit_xor(hash({name}))" for name in task["scanned"])
duckdb.sql(f"SELECT {columns} FROM read_parquet('{task['table']}')").fetchall()
facts.write((), {})
