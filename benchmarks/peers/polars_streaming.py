"""The checks as one lazy query of polars, collected by its streaming engine."""

import facts
import polars as pl

task = facts.task()
binned = {name: [-1e300, *frozen["edges"], 1e300] for name, frozen in task["frozen"].items()}
found = (
    pl.scan_parquet(task["table"])
    .select(
        pl.len().alias("rows"),
        *(pl.col(name).null_count().alias(name) for name in task["nulls"]),
        (pl.col(task["unique"]).count() - pl.col(task["unique"]).n_unique()).alias("unique"),
        (pl.col("age") > task["max_age"]).sum().alias("age"),
        (pl.col("income") < task["min_income"]).sum().alias("income"),
        pl.col("status").is_in(task["statuses"]).not_().sum().alias("status"),
        pl.col("code").str.contains(f"^{task['pattern']}$").not_().sum().alias("code"),
        pl.col("created").max().alias("newest"),
        *(pl.col(name).hist(bins=edges).implode().alias(f"bins {name}") for name, edges in binned.items()),
    )
    .collect(engine="streaming")
    .row(0, named=True)
)
newest, bins = found.pop("newest"), {name: found.pop(f"bins {name}") for name in binned}
facts.write(facts.failed(task, found, newest) | facts.drifted(task, bins), found)
