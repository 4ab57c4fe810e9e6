"""The checks of drift by Evidently, which compares a table with a table: here with one of 100,000 people."""

import facts
import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.metrics import ValueDrift

# Its KS test is by p-value, which falls with the number of rows whatever the effect; this one keeps a clean table clean.
P_VALUE = 0.001
task = facts.task()
columns = [*task["psi"], *task["ks"]]
definition = DataDefinition(numerical_columns=columns)
current, reference = (
    Dataset.from_pandas(pd.read_parquet(task[name], columns=columns), data_definition=definition)
    for name in ("table", "reference")
)
report = Report(
    [
        *(ValueDrift(column=name, method="psi", threshold=most) for name, most in task["psi"].items()),
        *(ValueDrift(column=name, method="ks", threshold=P_VALUE) for name in task["ks"]),
    ],
    include_tests=True,
)
results = report.run(current, reference).dict()["tests"]
facts.write(
    {result["metric_config"]["params"]["method"] for result in results if result["status"].name == "FAIL"}, {}
)
