"""The signals, as tables: DuckDB over the records.

Of gates: how often each closes, is waived or can't decide, with Wilson's interval (1927), and what it takes. Of
releases the four keys of Forsgren, Humble and Kim, "Accelerate" (2018), chapter 2, as https://dora.dev/guides/dora-metrics/
has them: lead time and frequency of changes that went live; the share of changes released to users that had to be rolled
back or repaired, and the time until that was done. A candidate that was taken away from a share of the live requests is
such a change; one that had none isn't.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mlcc.gates._shares import wilson
from mlcc.record import record
from mlcc.signals.records import Records, read_records

LEAST_RUNS = 20  # under which nothing is said of a gate that always, or never, fires
_Z = 1.959963984540054  # 95 %, two-sided

_VIEWS = """
CREATE VIEW runs AS
SELECT place, text->>'$.predicate.pipeline' AS pipeline, text->>'$.predicate.run.run_id' AS run,
  text->>'$.predicate.commit.id' AS commit, (text->>'$.predicate.green') = 'true' AS green,
  TRY_CAST(text->>'$.predicate.finished' AS TIMESTAMPTZ) AS finished,
  TRY_CAST(text->>'$.predicate.commit.committed' AS TIMESTAMPTZ) AS committed, text->'$.predicate' AS record
FROM records WHERE kind = 'run'
QUALIFY row_number() OVER (
  PARTITION BY pipeline, text->>'$.predicate.platform', run, commit ORDER BY finished DESC NULLS LAST, place) = 1;

CREATE VIEW states AS
SELECT DISTINCT ON (s.text->>'$.node', s.text->>'$.leg', s.text->>'$.run', s.text->>'$.commit')
  s.text AS state, v.text AS verdict, s.text->>'$.run' AS run, s.text->>'$.commit' AS commit
FROM records s LEFT JOIN records v ON v.place = s.place AND v.kind = 'verdict'
WHERE s.kind = 'state' AND NOT EXISTS (
  SELECT 1 FROM runs r WHERE r.run = s.text->>'$.run' AND r.commit = s.text->>'$.commit')
ORDER BY s.place;

CREATE VIEW gates AS
SELECT r.pipeline, r.run, r.finished, g.key AS gate, g.value->>'$.kind' AS kind,
  coalesce((g.value->>'$.blocking') = 'true', true) AS blocking, g.value->>'$.end' AS ended,
  g.value->>'$.verdict' AS verdict, json_exists(g.value, '$.waived') AS waived,
  TRY_CAST(g.value->>'$.seconds' AS DOUBLE) AS seconds
FROM runs r, json_each(r.record, '$.gates') g
UNION ALL
SELECT NULL, run, NULL, state->>'$.node', verdict->>'$.kind', true, state->>'$.end',
  state->>'$.verdict', coalesce(json_exists(verdict, '$.waived'), false), TRY_CAST(state->>'$.seconds' AS DOUBLE)
FROM states WHERE verdict IS NOT NULL;

CREATE VIEW judged AS SELECT * FROM gates WHERE ended IN ('passed', 'failed');

CREATE VIEW lines AS
SELECT min(rowid) AS nr, CAST(any_value(text->>'$.time') AS TIMESTAMPTZ) AS time, any_value(text->>'$.action') AS action,
  any_value(text->>'$.environment') AS environment, any_value(text->>'$.commit') AS commit,
  any_value(text->>'$.release') AS release, any_value(text->>'$.run') AS run,
  coalesce(any_value(text->>'$.live') = 'false', false) AS candidate,
  coalesce(any_value(text->>'$.reached') = 'true', false) AS reached,
  TRY_CAST(any_value(text->>'$.since') AS TIMESTAMPTZ) AS since
FROM records WHERE kind = 'release' GROUP BY CAST(text AS VARCHAR);

CREATE VIEW log AS
SELECT *, sum(CASE WHEN action = 'release' THEN 1 ELSE 0 END) OVER (
  PARTITION BY environment ORDER BY time, nr ROWS UNBOUNDED PRECEDING) AS number
FROM lines WHERE NOT candidate;

CREATE VIEW candidates AS
SELECT environment, commit, since AS began, CASE WHEN action = 'rollback' THEN time ELSE (
  SELECT min(l.time) FROM lines l WHERE l.environment = c.environment AND l.time > c.time
    AND NOT l.candidate AND l.action IN ('release', 'restored')) END AS restored
FROM lines c WHERE candidate AND reached AND (action = 'rollback' OR (action = 'incident' AND NOT EXISTS (
  SELECT 1 FROM lines l WHERE l.candidate AND l.action = 'rollback' AND l.time >= c.time
    AND (l.environment, l.release, l.run) = (c.environment, c.release, c.run))));

CREATE VIEW released AS
SELECT l.environment, l.time, l.commit, epoch(l.time - c.committed) AS lead_seconds,
  (SELECT count(*) > 0 FROM log f WHERE f.environment = l.environment AND f.number = l.number
    AND f.action IN ('rollback', 'incident')) AS failed,
  (SELECT min(f.time) FROM log f WHERE f.environment = l.environment AND f.number = l.number
    AND f.action = 'incident') AS incident,
  (SELECT min(f.time) FROM log f WHERE f.environment = l.environment AND (
    (f.number = l.number AND f.action IN ('rollback', 'restored')) OR
    (f.number = l.number + 1 AND f.action = 'release'))) AS restored
FROM log l LEFT JOIN (SELECT commit, min(committed) AS committed FROM runs GROUP BY commit) c ON c.commit = l.commit
WHERE l.action = 'release';

CREATE VIEW releases AS
SELECT environment, true AS live, lead_seconds, failed, coalesce(incident, time) AS began, restored FROM released
UNION ALL SELECT environment, false, NULL, true, began, restored FROM candidates;
"""
_GATES = """
SELECT pipeline, gate, any_value(kind) AS kind, bool_and(blocking) AS blocking, count(*) AS judged,
  sum(CASE WHEN ended = 'failed' AND blocking THEN 1 ELSE 0 END)::BIGINT AS blocked,
  sum(CASE WHEN waived THEN 1 ELSE 0 END)::BIGINT AS waived,
  sum(CASE WHEN verdict = 'inconclusive' THEN 1 ELSE 0 END)::BIGINT AS inconclusive,
  sum(CASE WHEN verdict = 'error' THEN 1 ELSE 0 END)::BIGINT AS errors,
  sum(CASE WHEN verdict <> 'pass' THEN 1 ELSE 0 END)::BIGINT AS fired,
  median(seconds) AS median_seconds, quantile_cont(seconds, 0.95) AS p95_seconds, sum(seconds) AS total_seconds
FROM judged GROUP BY pipeline, gate ORDER BY pipeline NULLS LAST, gate
"""
_RUNS = """
SELECT count(*) AS runs, sum(CASE WHEN green THEN 1 ELSE 0 END)::BIGINT AS green,
  strftime(min(finished), '%Y-%m-%dT%H:%M:%SZ') AS first, strftime(max(finished), '%Y-%m-%dT%H:%M:%SZ') AS last,
  median(CASE WHEN green THEN epoch(finished - committed) END) AS median_commit_to_green_seconds,
  (SELECT count(DISTINCT (run, commit)) FROM states) AS without_record
FROM runs
"""
_WEEKS = """
SELECT strftime(date_trunc('week', finished), '%Y-%m-%d') AS week, count(*) AS runs,
  avg(CASE WHEN green THEN 1.0 ELSE 0.0 END) AS green_share
FROM runs WHERE finished IS NOT NULL GROUP BY 1 ORDER BY 1
"""
_RELEASES = """
SELECT environment, count(*) FILTER (live) AS releases, count(*) AS tried,
  sum(CASE WHEN failed THEN 1 ELSE 0 END)::BIGINT AS failed,
  median(lead_seconds) AS median_lead_seconds, quantile_cont(lead_seconds, 0.95) AS p95_lead_seconds,
  count(lead_seconds) AS with_lead, median(CASE WHEN failed THEN epoch(restored - began) END)
    AS median_restore_seconds, sum(CASE WHEN failed AND restored IS NULL THEN 1 ELSE 0 END)::BIGINT AS not_restored,
  (SELECT count(*) FROM lines l WHERE l.environment = r.environment AND l.action = 'rollback') AS rollbacks,
  (SELECT epoch(max(l.time) - min(l.time)) / 604800 FROM lines l WHERE l.environment = r.environment) AS weeks
FROM releases r GROUP BY environment ORDER BY environment
"""


@record
class Signals:
    """The tables, as rows of values by name: `runs` has one, `gates` one a gate, `releases` one an environment."""

    runs: dict[str, Any]
    gates: list[dict[str, Any]]
    weeks: list[dict[str, Any]]
    releases: list[dict[str, Any]]
    problems: list[str]


def signals(folder: Path, releases: Path | None = None) -> Signals:
    """Return what the records below a folder, and a release log, tell. Raises SpecError and OSError."""
    return _signals(read_records(folder, releases))


def _signals(records: Records) -> Signals:
    records.connection.execute(_VIEWS)
    (runs,) = records.rows(_RUNS)
    gates = [{**row, **_rates(row), "note": _note(row)} for row in records.rows(_GATES)]
    found = [{**row, **_pace(row)} for row in records.rows(_RELEASES)]
    return Signals(runs, gates, records.rows(_WEEKS), found, records.problems)


def _rates(row: dict[str, Any]) -> dict[str, Any]:
    n = row["judged"]
    shares = {f"{key}_rate": row[key] / n for key in ("blocked", "waived", "inconclusive")}
    return {**shares, "blocked_interval": share_interval(row["blocked"], n)}


def share_interval(hits: int, n: int) -> list[float]:
    """Return the 95 % interval of a share, by Wilson (1927). `n` is at least 1."""
    return list(wilson(hits, n, _Z))


def _note(row: dict[str, Any]) -> str:
    """Say what is odd about a gate; empty: nothing is."""
    n = row["judged"]
    if n >= LEAST_RUNS and row["fired"] == 0:
        return f"never fired in {n} runs"
    if n >= LEAST_RUNS and row["fired"] == n:
        return f"fired in all {n} runs"
    if row["waived"] and row["waived"] == row["fired"]:
        return "waived whenever it fired"
    return ""


def _pace(row: dict[str, Any]) -> dict[str, Any]:
    """Return rates by week, where the log is long enough to tell, and the share of releases that failed."""
    weeks = row["weeks"] or 0
    paced = {f"{key}_per_week": row[key] / weeks if weeks >= 1 else None for key in ("releases", "rollbacks")}
    interval = share_interval(row["failed"], row["tried"])
    return {**paced, "failure_rate": row["failed"] / row["tried"], "failure_interval": interval}
