"""The checks in Soda's language, on DuckDB. Soda Core has no check of drift that needs no further package."""

import pathlib

import duckdb
import facts
from soda.common.config_helper import ConfigHelper

task = facts.task()
# Otherwise it would make a file in the home folder, and tell its maker of each scan.
config = pathlib.Path(task["table"]).with_name("soda.yml")
config.write_text("{send_anonymous_usage_stats: false, user_cookie_id: none}", "utf-8")
ConfigHelper.get_instance(str(config))

from soda.scan import Scan  # noqa: E402 - it reads that configuration

checks = f"""
checks for people:
  - row_count >= {task["rows"]}: {{name: rows}}
  - duplicate_count({task["unique"]}) = 0: {{name: unique}}
  - invalid_count(age) = 0: {{name: age, valid max: {task["max_age"]}}}
  - invalid_count(income) = 0: {{name: income, valid min: {task["min_income"]}}}
  - invalid_count(status) = 0: {{name: status, valid values: [{", ".join(task["statuses"])}]}}
  - invalid_count(code) = 0: {{name: code, valid regex: '^{task["pattern"]}$'}}
  - freshness(created) < {task["max_age_days"]}d: {{name: freshness}}
""" + "".join(
    f"  - missing_percent({name}) <= {100 * task['max_nulls']}: {{name: {name}}}\n" for name in task["nulls"]
)
connection = duckdb.connect()
connection.execute(f"CREATE VIEW people AS SELECT * FROM read_parquet('{task['table']}')")
scan = Scan()
scan.add_duckdb_connection(connection)
scan.set_data_source_name("duckdb")
scan.add_sodacl_yaml_str(checks)
scan.execute()
scan.assert_no_error_logs()
results = {check["name"]: check for check in scan.get_scan_results()["checks"]}
assert all(check["outcome"] in ("pass", "fail") for check in results.values()), results
counted = ("rows", "unique", "age", "income", "status", "code")
facts.write(
    (name for name, check in results.items() if check["outcome"] == "fail"),
    {name: results[name]["diagnostics"]["value"] for name in counted},
)
