"""Flights like the source's, generated: six weeks around the first test day, three an hour."""

from __future__ import annotations

import csv
import random
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import duckdb
from flights import fetch

Row = dict[str, Any]
FIRST_DAY = datetime(2013, 9, 1, tzinfo=timezone.utc)
LOCAL = timedelta(hours=-4)  # New York, summer time
DISTANCES = {"LAX": 2475, "MIA": 1090, "ORD": 733}


def clock(moment: datetime) -> int:
    """Time of day as the source writes it: 17:05 is 1705."""
    return moment.hour * 100 + moment.minute


def make_flight(scheduled: datetime, number: int, chance: random.Random) -> Row:
    """One row as in the source, with `scheduled` in UTC; long delays are commoner in the evening."""
    local = scheduled + LOCAL
    cancelled = chance.random() < 0.02
    late = chance.random() < 0.05 + 0.02 * local.hour
    delay = None if cancelled else chance.randint(31, 200) if late else chance.randint(-15, 30)
    dest = chance.choice(sorted(DISTANCES))
    return {
        "year": local.year,
        "month": local.month,
        "day": local.day,
        "dep_time": None if delay is None else clock(local + timedelta(minutes=delay)),
        "sched_dep_time": clock(local),
        "dep_delay": delay,
        "arr_time": None if delay is None else clock(local + timedelta(hours=5, minutes=delay)),
        "sched_arr_time": clock(local + timedelta(hours=5)),
        "arr_delay": delay,
        "carrier": chance.choice(["AA", "B6", "UA"]),
        "flight": number,
        "tailnum": None if delay is None else f"N{number}AA",
        "origin": chance.choice(["EWR", "JFK", "LGA"]),
        "dest": dest,
        "air_time": None if delay is None else 300,
        "distance": DISTANCES[dest],
        "hour": local.hour,
        "minute": local.minute,
        "time_hour": scheduled.replace(minute=0),
    }


def generate() -> list[Row]:
    """The same rows at every call."""
    chance = random.Random(7)
    hours = [FIRST_DAY + timedelta(days=day, hours=hour) for day in range(42) for hour in range(10, 28)]
    moments = [hour + timedelta(minutes=chance.randrange(60)) for hour in hours for _ in range(3)]
    return [make_flight(moment, number, chance) for number, moment in enumerate(moments, start=1)]


def write_csv(rows: list[Row], target: Path) -> None:
    """The source's own form: NA for a missing value, UTC with a Z."""
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(fetch.COLUMNS))
        writer.writeheader()
        for row in rows:
            text = {key: "NA" if value is None else value for key, value in row.items()}
            writer.writerow({**text, "time_hour": row["time_hour"].strftime("%Y-%m-%dT%H:%M:%SZ")})


def read(table: Path) -> list[Row]:
    """Rows of a Parquet file, in its order."""
    with duckdb.connect() as connection:
        result = connection.execute("SELECT * FROM read_parquet(?)", [str(table)])
        names = [column[0] for column in result.description]
        return [dict(zip(names, values, strict=True)) for values in result.fetchall()]
