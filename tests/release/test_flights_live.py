"""What counts the requests of examples/flights/live: by arm, from nginx's log, and nothing from what isn't whole."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

LIVE = Path(__file__).resolve().parents[2] / "examples" / "flights" / "live"


@pytest.fixture(scope="module")
def counters() -> ModuleType:
    spec = importlib.util.spec_from_file_location("counters", LIVE / "counters.py")
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def line(to: str, status: int, seconds: float, late: str, outcome: str) -> str:
    keys = {
        "to": f"mlcc_flights_{to}",
        "status": str(status),
        "seconds": f"{seconds:.3f}",
        "late": late,
        "outcome": outcome,
    }
    return json.dumps(keys) + "\n"


def told(text: str) -> dict[str, int]:
    return {name: int(value) for name, value in (row.rsplit(" ", 1) for row in text.splitlines())}


def test_every_counter_begins_at_nothing(counters: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "log").touch()
    assert told(counters.Counters(tmp_path / "log").text()) == {
        f'flights_{name}{{arm="{arm}"}}': 0
        for name in ("requests", "errors", "slow", "wrong")
        for arm in ("candidate", "control")
    }


def test_what_counts_as_what(counters: ModuleType, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(
        line("live", 200, 0.004, "0.9", "1")
        + line("live", 200, 0.004, "0.5", "0")  # said to be late, and wasn't
        + line("candidate", 200, 0.101, "0.1", "1")  # slow, and wrong
        + line("candidate", 200, 0.1, "0.1", "")  # nobody knows how it came out
        + line("candidate", 502, 0.0, "", "1")  # a dead server
        + line("candidate", 422, 0.004, "", "0")  # whoever asked is at fault
        + json.dumps({"to": "nobody", "status": "502", "seconds": "0.000", "late": "", "outcome": "1"})
        + "\n"
    )
    assert told(counters.Counters(log).text()) == {
        'flights_requests{arm="control"}': 2,
        'flights_requests{arm="candidate"}': 4,
        'flights_errors{arm="control"}': 0,
        'flights_errors{arm="candidate"}': 1,
        'flights_slow{arm="control"}': 0,
        'flights_slow{arm="candidate"}': 1,
        'flights_wrong{arm="control"}': 1,
        'flights_wrong{arm="candidate"}': 1,
    }


def test_a_line_counts_once_and_when_it_is_whole(counters: ModuleType, tmp_path: Path) -> None:
    log = tmp_path / "log"
    one = line("live", 200, 0.004, "0.9", "1")
    log.write_text(one + one[:20])
    found = counters.Counters(log)
    name = 'flights_requests{arm="control"}'
    assert told(found.text())[name] == 1
    assert told(found.text())[name] == 1
    with log.open("a") as file:
        file.write(one[20:])
    assert told(found.text())[name] == 2


def test_a_line_that_is_none_ends_the_counting(counters: ModuleType, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(line("live", 200, 0.004, "high", "1"))
    found = counters.Counters(log)
    for _ in range(2):
        with pytest.raises(ValueError, match="high"):
            found.text()
