"""Computes what is known of each flight two hours before its scheduled departure.

Nothing that becomes known later may be used. Two kinds of outcome of *earlier* flights are:

- held: not gone 30 minutes after the scheduled departure. Known 30 minutes after it, so the windows
  end 150 minutes before the flight that is predicted.
- late: the label itself, arrived more than 30 minutes late, or never (cancelled, diverted). The longest
  scheduled trip takes 11 hours, so the windows end 14 hours before.

The tail number is left out on purpose: it is missing only where the flight was cancelled.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from flights.paths import location, output

FEATURES = (
    "hour",
    "weekday",
    "distance",
    "from_jfk",
    "from_lga",
    "traffic",
    "held_origin_4h",
    "held_origin_24h",
    "held_dest_8h",
    "held_carrier_6h",
    "late_carrier_30d",
    "late_dest_30d",
)
TEST_FROM = "2013-10-01"

QUERY = """
WITH flight AS (
  SELECT
    row_number() OVER (ORDER BY time_hour, minute, carrier, flight) AS id,
    time_hour + to_minutes(minute) AS scheduled,
    CAST(coalesce(dep_delay > 30, true) AS INTEGER) AS held,
    CAST(coalesce(arr_delay > 30, true) AS INTEGER) AS late,
    *
  FROM read_parquet($raw)
)
SELECT
  id,
  CASE WHEN make_date(year, month, day) < CAST($test_from AS DATE) THEN 'train' ELSE 'test' END AS split,
  late,
  carrier,
  origin,
  make_date(year, month, day) AS day,
  month,
  CAST(hour + minute / 60 AS FLOAT) AS hour,
  CAST(isodow(make_date(year, month, day)) AS FLOAT) AS weekday,
  CAST(distance AS FLOAT) AS distance,
  CAST(origin = 'JFK' AS FLOAT) AS from_jfk,
  CAST(origin = 'LGA' AS FLOAT) AS from_lga,
  CAST(count(*) OVER (PARTITION BY origin, time_hour) AS FLOAT) AS traffic,
  CAST(avg(held) OVER origin_4h AS FLOAT) AS held_origin_4h,
  CAST(avg(held) OVER origin_24h AS FLOAT) AS held_origin_24h,
  CAST(avg(held) OVER dest_8h AS FLOAT) AS held_dest_8h,
  CAST(avg(held) OVER carrier_6h AS FLOAT) AS held_carrier_6h,
  CAST(avg(late) OVER carrier_30d AS FLOAT) AS late_carrier_30d,
  CAST(avg(late) OVER dest_30d AS FLOAT) AS late_dest_30d
FROM flight
WINDOW
  origin_4h AS (PARTITION BY origin ORDER BY scheduled
    RANGE BETWEEN INTERVAL 4 HOUR PRECEDING AND INTERVAL 150 MINUTE PRECEDING),
  origin_24h AS (PARTITION BY origin ORDER BY scheduled
    RANGE BETWEEN INTERVAL 24 HOUR PRECEDING AND INTERVAL 150 MINUTE PRECEDING),
  dest_8h AS (PARTITION BY dest ORDER BY scheduled
    RANGE BETWEEN INTERVAL 8 HOUR PRECEDING AND INTERVAL 150 MINUTE PRECEDING),
  carrier_6h AS (PARTITION BY carrier ORDER BY scheduled
    RANGE BETWEEN INTERVAL 6 HOUR PRECEDING AND INTERVAL 150 MINUTE PRECEDING),
  carrier_30d AS (PARTITION BY carrier ORDER BY scheduled
    RANGE BETWEEN INTERVAL 30 DAY PRECEDING AND INTERVAL 14 HOUR PRECEDING),
  dest_30d AS (PARTITION BY dest ORDER BY scheduled
    RANGE BETWEEN INTERVAL 30 DAY PRECEDING AND INTERVAL 14 HOUR PRECEDING)
ORDER BY id
"""


def featurize(raw: Path, target: Path, test_from: str = TEST_FROM) -> None:
    """Write one row per flight to the Parquet file `target`; shares are in 0..1, null without history."""
    with duckdb.connect() as connection:
        connection.execute(
            f"CREATE TABLE features AS {QUERY}",
            {"raw": str(raw), "test_from": test_from},
        )
        # One writer thread: the same rows give the same bytes on every machine.
        connection.execute("SET threads = 1")
        connection.table("features").order("id").write_parquet(str(target), compression="zstd")


def main() -> None:
    """Compute the features."""
    target = output("features")
    featurize(location("raw"), target)
    print(f"{len(FEATURES)} features in {target}")


if __name__ == "__main__":
    main()
