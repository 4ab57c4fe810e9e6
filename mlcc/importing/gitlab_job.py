"""One job of a GitLab pipeline -> one job of the draft."""

from __future__ import annotations

import itertools
import re
from typing import Any

from mlcc.importing.conditions import as_list, declared_events
from mlcc.importing.document import entries, get, is_true, items, text_of, texts
from mlcc.importing.draft import Draft, artifact_path, duration, identifier, report_format
from mlcc.importing.gitlab_merge import Merger
from mlcc.importing.gitlab_rules import Rules
from mlcc.importing.gitlab_values import Variables
from mlcc.importing.shell import TEST_COMMAND, stop, visible
from mlcc.load.source import Entry, Mapping, Node, Scalar, plain

PORTS = {
    "postgres": 5432,
    "redis": 6379,
    "mysql": 3306,
    "mariadb": 3306,
    "mongo": 27017,
    "minio": 9000,
    "rabbitmq": 5672,
}
"""Ports of images that people run beside their jobs, by the last part of the image's name."""
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_OVERLAYS = ("interruptible", "resource_group", "coverage")


def seconds_of(text: str) -> int | None:
    """Return the seconds of a time in words, such as `1h 30m` or `2 weeks`; None where it isn't one."""
    parts = re.findall(r"(\d+)\s*([a-z]+)", text.lower())
    if not parts or re.sub(r"(\d+)\s*([a-z]+)|\s|and|,", "", text.lower()):
        return None
    sizes = {"mo": 30 * 86400, "y": 365 * 86400}
    total = 0
    for number, unit in parts:
        size = sizes.get(unit[:2]) or sizes.get(unit[:1]) or _UNITS.get(unit[:1])
        if size is None:
            return None
        total += int(number) * size
    return total


class JobReader:
    """Drafts the jobs of one pipeline."""

    def __init__(
        self,
        draft: Draft,
        merger: Merger,
        defaults: dict[str, Entry],
        stages: list[str],
        variables: Node | None,
    ) -> None:
        self.draft, self.merger, self.ledger = draft, merger, draft.ledger
        self.defaults, self.stages, self.variables = defaults, stages, variables
        self.stage_of: dict[str, int] = {}
        self.kept: dict[str, list[str]] = {}  # job -> what it writes

    def add(self, name: str, job: dict[str, Entry], rules: Rules, workflow: Rules) -> None:
        """Draft a job without what connects it to others."""
        id = self.draft.jobs[name]
        keys = {key: entry.node for key, entry in {**self.defaults, **job}.items()}
        self.ledger.listed(keys.get("inherit"), "it inherits all that stands under `default` and `variables`")
        values = Variables(self.draft, id)
        exports = values.take(self.variables) + values.take(keys.get("variables"))
        self._machine(id, keys, values)
        self._script(id, keys, values, exports)
        self._artifacts(name, id, keys)
        self._limits(id, keys)
        self._matrix(id, keys.get("parallel"))
        self._cache(id, keys.get("cache"))
        self._when(id, keys, rules, workflow)
        stage = text_of(keys.get("stage")) or "test"
        self.ledger.replaced(keys.get("stage"), "the order follows from who reads and who needs what")
        names = {".pre": "\0pre", ".post": "\0post"}
        stage = names.get(stage, stage)
        self.stage_of[name] = self.stages.index(stage) if stage in self.stages else 1

    def connect(self, name: str, job: dict[str, Entry]) -> None:
        """Say which jobs it comes after and what it takes of them."""
        id = self.draft.jobs[name]
        needs, dependencies = job.get("needs"), job.get("dependencies")
        if needs is None:
            earlier = [n for n, stage in self.stage_of.items() if stage < self.stage_of[name]]
            last = max((self.stage_of[n] for n in earlier), default=None)
            before = [n for n in earlier if self.stage_of[n] == last]
            taken = earlier if dependencies is None else texts(dependencies.node)
        else:
            before, taken = self._needs(id, needs.node)
            taken = taken if dependencies is None else texts(dependencies.node)
        for other in taken:
            for artifact in self.kept.get(other, ()):
                self.draft.append(artifact, "jobs", id, "reads")
        for other in before:
            if other in self.draft.jobs:
                self.draft.append(self.draft.jobs[other], "jobs", id, "needs")
        if dependencies is not None and items(dependencies.node):
            self.ledger.placed(dependencies.node, "jobs", id, "reads")
        elif dependencies is not None:
            self.ledger.replaced(dependencies.node, "a job gets what it reads, and nothing else")
        self.draft.tidy(id)

    def _needs(self, id: str, node: Node) -> tuple[list[str], list[str]]:
        before, taken = [], []
        if not items(node):
            self.ledger.replaced(node, "a job that needs nothing starts at once")
        for item in items(node):
            other = text_of(item) or text_of(get(item, "job")) or ""
            extra = {e.key for e in entries(item)} - {"job", "artifacts", "optional"}
            if other not in self.draft.jobs or extra:
                self.ledger.listed(item, "the job isn't in the spec, or is one of another pipeline")
                continue
            before.append(other)
            if text_of(get(item, "artifacts")) != "false":
                taken.append(other)
            self.ledger.placed(item, "jobs", id, "needs")
        return before, taken

    def _machine(self, id: str, keys: dict[str, Node], values: Variables) -> None:
        image = keys.get("image")
        name = get(image, "name") if isinstance(image, Mapping) else image
        if (text := text_of(name)) is not None:
            if "$" in text:
                self.ledger.listed(
                    image, "an image is stated in the spec, without variables; pin it by digest"
                )
            else:
                self.draft.put(name, text, "jobs", id, "image")
                self.ledger.listed(image, "a container has a name; how it is started belongs to the runner")
        if (labels := texts(keys.get("tags"))) and not any("$" in label for label in labels):
            self.draft.put(keys["tags"], self.draft.runner(labels, "gitlab"), "jobs", id, "runner")
        for item in items(keys.get("services")):
            self._service(id, item, values)
        environment = keys.get("environment")
        name = environment if isinstance(environment, Scalar) else get(environment, "name")
        if (text := text_of(name)) and "$" not in text:
            place = identifier(text, "environment")
            self.draft.tree.setdefault("environments", {}).setdefault(place, {})
            self.draft.put(name, place, "jobs", id, "environment")
            self.ledger.suggest(
                f"environments.{place}: say which branches may use it, and whether a person approves"
            )
            for key in ("url", "auto_stop_in", "deployment_tier", "kubernetes"):
                self._overlay(get(environment, key), id, "environment", key)
        self.ledger.listed(
            environment, "an environment is named in the spec; what stops one is a job of its own"
        )
        for key in _OVERLAYS:
            self._overlay(keys.get(key), id, key)

    def _overlay(self, node: Node | None, id: str, *keys: str) -> None:
        if node is not None:
            self.draft.set(plain(node), "targets", "gitlab", "jobs", id, *keys)
            self.ledger.overlay(node, "targets", "gitlab", "jobs", id, *keys)

    def _service(self, id: str, item: Node, values: Variables) -> None:
        image = item if isinstance(item, Scalar) else get(item, "name")
        text = text_of(image) or ""
        base = text.split("@")[0].rsplit("/", 1)[-1].split(":")[0]
        if base not in PORTS or "$" in text:
            self.ledger.listed(item, "a service states the port that it listens on, which this file doesn't")
            return
        service = self.draft.new_id("services", text_of(get(item, "alias")) or base, "service")
        place = ("jobs", id, "services", service)
        self.draft.put(image, text, *place, "image")
        self.draft.set(PORTS[base], *place, "port")
        upper = service.upper().replace("-", "_")
        self.ledger.finding(
            item.span.line,
            f"services.{base}",
            f"its address arrives as SERVICE_{upper}_HOST and SERVICE_{upper}_PORT: use these",
        )
        self.ledger.placed(get(item, "alias"), *place)
        for name, value in values.of_service(text, get(item, "variables")).items():
            self.draft.set(value, *place, "env", name)

    def _script(self, id: str, keys: dict[str, Node], values: Variables, exports: list[str]) -> None:
        scripts = {
            key: self.merger.commands(keys.get(key)) for key in ("before_script", "script", "after_script")
        }
        places = {"before_script": "setup", "script": "run", "after_script": "finally"}
        texts_: dict[str, list[str]] = {}
        for key, nodes in scripts.items():
            texts_[key] = []
            for node in nodes:
                if (raw := text_of(node)) is not None:
                    texts_[key].append(visible(values.in_command(raw, node)).strip("\n"))
                    self.ledger.placed(node, "jobs", id, places[key])
        values.from_settings("\n".join(line for lines in texts_.values() for line in lines))
        if texts_["before_script"]:
            self.draft.set([*exports, *texts_["before_script"]], "jobs", id, "setup")
            exports = []
        if texts_["after_script"]:
            self.draft.set("\n".join(texts_["after_script"]), "jobs", id, "finally")
        lines = [*values.stops, *exports, *texts_["script"]]
        if not texts_["script"]:
            lines = [stop(f"what {id} does")]
            self.ledger.finding(self.draft.lines[id], f"jobs.{id}", "no script of it is in this file")
        if any(TEST_COMMAND.search(line) for line in texts_["script"]):
            self.draft.suggest_gate(id)
        self.draft.set("\n".join(lines), "jobs", id, "run")

    def _artifacts(self, name: str, id: str, keys: dict[str, Node]) -> None:
        node = keys.get("artifacts")
        expire = seconds_of(text_of(get(node, "expire_in")) or "")
        retain = duration(max(1, min(90, round(expire / 86400))) * 86400) if expire else None
        self.kept[name] = []
        for item in items(get(node, "paths")):
            raw = text_of(item) or ""
            path = artifact_path(raw)
            if path is None:
                self.ledger.listed(item, "an artifact is one file, or one folder, of the project")
                continue
            artifact = self.draft.artifact(
                path.strip("/").rsplit("/", 1)[-1].split(".")[0] or name, path, retain
            )
            if not self.draft.writes(id, artifact):
                self.ledger.listed(item, f"another job writes {path} already: give each a folder of its own")
                continue
            self.kept[name].append(artifact)
            self.ledger.placed(item, "jobs", id, "writes")
            if "*" in raw:
                self.ledger.finding(
                    item.span.line, raw, f"the artifact {artifact} is the whole folder {path}"
                )
        for key in ("expire_in", "name", "when", "expose_as"):
            self.ledger.replaced(
                get(node, key), "`retain`; an artifact is passed on when the job passed, a report always"
            )
        self._reports(id, get(node, "reports"))

    def _reports(self, id: str, node: Node | None) -> None:
        for entry in entries(node):
            paths = [entry.node] if entry.key != "coverage_report" else [get(entry.node, "path")]
            for item in [leaf for path in paths for leaf in items(path)]:
                path = artifact_path(text_of(item) or "") or ""
                format = (
                    "junit"
                    if entry.key == "junit"
                    else "cobertura"
                    if entry.key == "coverage_report"
                    else report_format(path)
                )
                if entry.key == "dotenv" or not path or path.endswith("/") or format is None:
                    reason = (
                        "small values are `outputs`, written to the file $MLCC_OUTPUTS"
                        if entry.key == "dotenv"
                        else "the language has no such report"
                    )
                    self.ledger.listed(item, reason)
                    continue
                report = identifier(path.rsplit("/", 1)[-1].rsplit(".", 1)[0], "report")
                self.draft.put(item, {"path": path, "format": format}, "jobs", id, "reports", report)
            self.ledger.replaced(get(entry.node, "coverage_format"), "the format of the report")

    def _limits(self, id: str, keys: dict[str, Node]) -> None:
        timeout = seconds_of(text_of(keys.get("timeout")) or "")
        if timeout:
            self.draft.put(keys["timeout"], duration(timeout), "jobs", id, "timeout")
        retry = keys.get("retry")
        times = get(retry, "max") if isinstance(retry, Mapping) else retry
        if isinstance(times, Scalar) and isinstance(times.value, int):
            self.draft.put(times, times.value, "jobs", id, "retry")
        self.ledger.listed(get(retry, "when"), "a failed leg is run again, whatever the cause")
        lenient = keys.get("allow_failure")
        if is_true(lenient):
            self.draft.put(lenient, False, "jobs", id, "blocking")
        elif text_of(lenient) == "false":
            self.ledger.replaced(lenient, "a failed job fails the run")

    def _matrix(self, id: str, node: Node | None) -> None:
        rows = items(get(node, "matrix"))
        if not rows:
            return
        place = ("jobs", id, "matrix")
        columns = [{e.key: texts(e.node) for e in entries(row)} for row in rows]
        names = list(dict.fromkeys(name for row in columns for name in row))
        if any(set(row) != set(names) for row in columns) or any(
            "$" in v for row in columns for vs in row.values() for v in vs
        ):
            self.ledger.listed(node, "every leg of a matrix has the same keys, with plain values")
            return
        for name in names:
            self.draft.set({"matrix": identifier(name, "axis")}, "jobs", id, "env", name)
        if len(columns) == 1:
            for name, values in columns[0].items():
                self.draft.set(values, *place, "axes", identifier(name, "axis"))
        else:
            for row in columns:
                for leg in itertools.product(*(row[name] for name in names)):
                    title = identifier("-".join(leg)[:40], "leg")
                    self.draft.set(
                        {identifier(n, "axis"): v for n, v in zip(names, leg, strict=True)},
                        *place,
                        "include",
                        title,
                    )
        self.ledger.placed(node, *place)

    def _cache(self, id: str, node: Node | None) -> None:
        for cache in items(node):
            files, paths = texts(get(cache, "key", "files")), texts(get(cache, "paths"))
            if not files or not paths or any("$" in path for path in paths):
                self.ledger.listed(cache, "a cache is named by committed files, `cache: {ID: {path, key}}`")
                continue
            name = identifier(paths[0].strip("/").rsplit("/", 1)[-1], "cache")
            self.draft.put(
                get(cache, "paths"), [p.rstrip("/") for p in paths], "jobs", id, "cache", name, "path"
            )
            self.draft.put(get(cache, "key", "files"), files, "jobs", id, "cache", name, "key")
            for key in ("policy", "when", "key"):
                self.ledger.replaced(get(cache, key), "mlcc keeps caches")

    def _paths(self, id: str, rules: Rules) -> None:
        if rules.paths and rules.unbound:
            reason = "its files count for every event, not only where a rule names them"
            self.ledger.finding(self.draft.lines[id], f"jobs.{id}.path", reason)
        if rules.paths:
            self.draft.set(
                [p[:-2] if p.endswith("/**") else p for p in dict.fromkeys(rules.paths)], "jobs", id, "path"
            )

    def _when(self, id: str, keys: dict[str, Node], rules: Rules, workflow: Rules) -> None:
        nodes = [keys[key] for key in ("rules", "only", "except", "when") if key in keys]
        word = text_of(keys.get("when"))
        if "except" in keys:
            rules.unknown.append("except")
        if rules.unknown:
            for node in nodes:
                self.ledger.listed(
                    node,
                    f"no counterpart for {visible(', '.join(rules.unknown))[:160]}: the job stops until its `when` is stated",
                )
            run = self.draft.get("jobs", id, "run")
            self.draft.set(f"{stop(f'the rules of {id}')}\n{run}", "jobs", id, "run")
            return
        declared = declared_events(self.draft)
        alternatives = rules.alternatives
        if not rules.restricted and "pull_request" in declared and not workflow.restricted:
            alternatives = [{"event": [e for e in declared if e != "pull_request"]}]
        if not alternatives and workflow.alternatives:
            alternatives = workflow.alternatives
        found = [narrowed for a in alternatives if (narrowed := _narrowed(a, declared)) is not None]
        if rules.by_hand:
            found = [{"event": "manual"}]
            self.ledger.finding(
                self.draft.lines[id],
                f"jobs.{id}",
                "a person started it within a pipeline: it runs in runs that are started by hand",
            )
        if word in ("always", "on_failure") and not found:
            found = [{"status": "always" if word == "always" else "failure"}]
        if found and {} not in found:
            self.draft.set(found[0] if len(found) == 1 else found, "jobs", id, "when")
        elif rules.restricted and not found:
            self.ledger.finding(
                nodes[0].span.line, f"jobs.{id}.when", "no event that starts a run lets it run"
            )
        self._paths(id, rules)
        for node in nodes:
            self.ledger.placed(node, "jobs", id, "when")


def _narrowed(alternative: dict[str, Any], declared: list[str]) -> dict[str, Any] | None:
    """Return a condition with the events that the spec knows; None where there is none of them."""
    if "event" not in alternative:
        return dict(alternative)
    events = [event for event in as_list(alternative["event"]) if event in declared]
    if not events:
        return None
    rest = {key: value for key, value in alternative.items() if key != "event"}
    if len(events) == len(declared):
        return rest
    return {"event": events[0] if len(events) == 1 else events, **rest}
