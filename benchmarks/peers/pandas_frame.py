"""The checks on a data frame of pandas."""

import facts
import numpy as np
import pandas as pd

task = facts.task()
frame = pd.read_parquet(task["table"], columns=task["columns"])
counts = {
    "rows": len(frame),
    **{name: frame[name].isna().sum() for name in task["nulls"]},
    "unique": frame[task["unique"]].duplicated().sum(),
    "age": (frame["age"] > task["max_age"]).sum(),
    "income": (frame["income"] < task["min_income"]).sum(),
    "status": (~frame["status"].isin(task["statuses"])).sum(),
    "code": (~frame["code"].str.fullmatch(task["pattern"])).sum(),
}
bins = {
    name: np.bincount(np.searchsorted(frozen["edges"], frame[name].dropna()), minlength=len(frozen["counts"]))
    for name, frozen in task["frozen"].items()
}
newest = frame["created"].max().to_pydatetime()
facts.write(facts.failed(task, counts, newest) | facts.drifted(task, bins), counts)
