from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from flight_rows import Row, read
from flights.featurize import FEATURES

FeaturesOf = Callable[[list[Row]], list[Row]]
NOON = datetime(2013, 9, 10, 16, tzinfo=timezone.utc)  # 12:00 in New York, a Tuesday


def flight(number: int, moment: datetime, delay: int | None = 0, **other: Any) -> Row:
    """A row with what featurize reads; delay None means cancelled."""
    local = moment - timedelta(hours=4)
    known = {"origin": "JFK", "dest": "LAX", "carrier": "AA", "distance": 2475, "flight": number}
    when = {
        "year": local.year,
        "month": local.month,
        "day": local.day,
        "hour": local.hour,
        "minute": local.minute,
    }
    blank = dict.fromkeys(("dep_time", "sched_dep_time", "arr_time", "sched_arr_time", "tailnum", "air_time"))
    return {
        **blank,
        **known,
        **when,
        "time_hour": moment.replace(minute=0),
        "dep_delay": delay,
        "arr_delay": delay,
        **other,
    }


def last(features: list[Row]) -> Row:
    return features[-1]


@pytest.mark.parametrize(
    ("arr_delay", "late"),
    [(-20, 0), (30, 0), (31, 1), (400, 1), (None, 1)],
    ids=["early", "30", "31", "400", "never"],
)
def test_label(features_of: FeaturesOf, arr_delay: int | None, late: int) -> None:
    assert features_of([flight(1, NOON, 0, arr_delay=arr_delay)])[0]["late"] == late


def test_what_the_schedule_says(features_of: FeaturesOf) -> None:
    row = features_of([flight(1, NOON + timedelta(minutes=45))])[0]
    assert {name: row[name] for name in ("hour", "weekday", "distance", "from_jfk", "from_lga")} == {
        "hour": 12.75,
        "weekday": 2,
        "distance": 2475,
        "from_jfk": 1,
        "from_lga": 0,
    }


def test_traffic_counts_the_origin_s_departures_of_the_hour(features_of: FeaturesOf) -> None:
    minutes = [flight(number, NOON + timedelta(minutes=number)) for number in range(1, 4)]
    elsewhere = flight(4, NOON, origin="EWR")
    later = flight(5, NOON + timedelta(hours=1))
    assert [row["traffic"] for row in features_of([*minutes, elsewhere, later])] == [1, 3, 3, 3, 1]


def test_split_is_by_local_date(features_of: FeaturesOf) -> None:
    midnight = datetime(2013, 10, 1, 4, tzinfo=timezone.utc)
    rows = features_of([flight(1, midnight - timedelta(minutes=1)), flight(2, midnight)])
    assert [row["split"] for row in rows] == ["train", "test"]


@pytest.mark.parametrize(
    ("minutes", "share"), [(149, None), (150, 1.0), (240, 1.0), (241, None)], ids=["149", "150", "240", "241"]
)
def test_held_origin_window_is_150_to_240_minutes(
    features_of: FeaturesOf, minutes: int, share: float | None
) -> None:
    rows = features_of([flight(1, NOON - timedelta(minutes=minutes), 31), flight(2, NOON)])
    assert last(rows)["held_origin_4h"] == share


def test_held_means_not_gone_after_30_minutes(features_of: FeaturesOf) -> None:
    before = NOON - timedelta(hours=3)
    delays = [30, 31, None, -5]
    rows = features_of([*(flight(n, before, delay) for n, delay in enumerate(delays)), flight(9, NOON)])
    assert last(rows)["held_origin_4h"] == 0.5


def test_history_is_of_the_same_origin_destination_and_carrier(features_of: FeaturesOf) -> None:
    before = NOON - timedelta(hours=3)
    rows = features_of(
        [
            flight(1, before, 99),
            flight(2, before, 0, origin="EWR"),
            flight(3, before, 0, dest="ORD", carrier="UA"),
            flight(4, NOON),
        ]
    )
    held = {name: last(rows)[name] for name in ("held_origin_24h", "held_dest_8h", "held_carrier_6h")}
    assert held == {"held_origin_24h": 0.5, "held_dest_8h": 0.5, "held_carrier_6h": 0.5}


@pytest.mark.parametrize(
    ("hours", "share"),
    [(13.9, None), (14, 1.0), (720, 1.0), (720.1, None)],
    ids=["13.9", "14", "720", "720.1"],
)
def test_late_window_is_14_hours_to_30_days(
    features_of: FeaturesOf, hours: float, share: float | None
) -> None:
    rows = features_of([flight(1, NOON - timedelta(hours=hours), 60), flight(2, NOON)])
    assert (last(rows)["late_carrier_30d"], last(rows)["late_dest_30d"]) == (share, share)


def test_no_outcome_of_the_last_150_minutes_or_later_is_used(
    features_of: FeaturesOf, rows: list[Row]
) -> None:
    now = datetime(2013, 9, 20, 18, tzinfo=timezone.utc)

    def scheduled(row: Row) -> datetime:
        hour: datetime = row["time_hour"]
        return hour + timedelta(minutes=row["minute"])

    def reversed_outcome(row: Row) -> Row:
        delay = 500 if row["arr_delay"] is not None and row["arr_delay"] <= 30 else 0
        return {**row, "dep_delay": delay, "arr_delay": delay}

    changed = [reversed_outcome(r) if scheduled(r) > now - timedelta(minutes=150) else r for r in rows]
    count = sum(scheduled(row) <= now for row in rows)
    before, after = features_of(rows)[:count], features_of(changed)[:count]
    assert [[row[f] for f in FEATURES] for row in before] == [[row[f] for f in FEATURES] for row in after]


def test_ids_number_the_flights_in_time_order(sample: Path, rows: list[Row]) -> None:
    assert [row["id"] for row in read(sample / "features.parquet")] == list(range(1, len(rows) + 1))
