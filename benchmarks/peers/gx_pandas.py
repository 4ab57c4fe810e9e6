"""The checks as a suite of Great Expectations over a data frame of pandas. It has no expectation of drift."""

import datetime

import facts
import great_expectations as gx
import great_expectations.expectations as gxe
import pandas as pd

task = facts.task()
suite = {
    "rows": gxe.ExpectTableRowCountToBeBetween(min_value=task["rows"]),
    **{
        name: gxe.ExpectColumnValuesToNotBeNull(column=name, mostly=1 - task["max_nulls"])
        for name in task["nulls"]
    },
    "unique": gxe.ExpectColumnValuesToBeUnique(column=task["unique"]),
    "age": gxe.ExpectColumnValuesToBeBetween(column="age", max_value=task["max_age"]),
    "income": gxe.ExpectColumnValuesToBeBetween(column="income", min_value=task["min_income"]),
    "status": gxe.ExpectColumnValuesToBeInSet(column="status", value_set=task["statuses"]),
    "code": gxe.ExpectColumnValuesToMatchRegex(column="code", regex=f"^{task['pattern']}$"),
    "freshness": gxe.ExpectColumnMaxToBeBetween(
        column="created", min_value=datetime.datetime.fromisoformat(task["oldest"])
    ),
}
frame = pd.read_parquet(task["table"], columns=task["columns"])
project = gx.get_context(mode="ephemeral")
asset = project.data_sources.add_pandas("pandas").add_dataframe_asset("people")
batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
found = batch.validate(gx.ExpectationSuite("people", expectations=[*suite.values()]), result_format="BASIC")
ids = [
    (result.expectation_config.type, result.expectation_config.kwargs.get("column"))
    for result in found.results
]
names = {(one.expectation_type, getattr(one, "column", None)): name for name, one in suite.items()}
results = {names[id]: result for id, result in zip(ids, found.results, strict=True)}
assert not [name for name, result in results.items() if result.exception_info["raised_exception"]], found
counts = {
    name: result.result["unexpected_count"]
    for name, result in results.items()
    if name not in ("rows", "freshness")
}
counts["rows"] = results["rows"].result["observed_value"]
counts["unique"] //= 2  # it counts both rows of a pair
facts.write((name for name, result in results.items() if not result.success), counts)
