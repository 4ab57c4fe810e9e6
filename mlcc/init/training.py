"""How a repository trains: a script, a make target or a DVC pipeline, and what comes out of it."""

from __future__ import annotations

import json
import math
import re
import shlex
from collections.abc import Iterator
from typing import Any

from mlcc.init.repository import Repository
from mlcc.init.tables import KEY
from mlcc.record import field, record

MODEL_SUFFIXES = (
    ".onnx", ".safetensors", ".joblib", ".pkl", ".pickle", ".pt", ".pth", ".h5", ".keras", ".cbm", ".ubj", ".tflite", ".gguf",
)  # fmt: skip
_HIGHER = ("accuracy", "acc", "auc", "f1", "precision", "recall", "r2", "ap", "map", "iou", "dice", "ndcg")
_LOWER = ("loss", "mae", "mse", "rmse", "mape", "error", "brier", "perplexity", "wer", "cer")
_LITERAL = re.compile(r"""["']((?:[\w-]+/){0,5}[\w.-]{1,80})["']""")
_MOST_METRICS = 3
DVC_RUN = "dvc repro"
_MOST_BRACKETS = 500  # the parser takes seconds to give up on thousands that are nested


@record
class Bound:
    """A floor (`min`) or a ceiling (`max`) for a metric; `place` is where the file has it, '' at its top."""

    name: str
    place: str
    side: str
    limit: str
    today: str


@record
class Training:
    """A way to train. `source` is the file that shows it; models, others and metrics are what it writes."""

    run: str
    source: str
    path: list[str] = field(default_factory=list)
    models: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    metrics: str = ""


def training(repository: Repository, installed: bool) -> Training | None:
    """Return how a repository trains, by the first sign of it. `installed`: its packages can be imported."""
    if repository.has("dvc.yaml"):
        found = _from_dvc(repository)
        if found is not None:
            return found
    script = _script(repository)
    outputs = _outputs(repository, script) if script else {}
    if repository.has("Makefile") and re.search(
        r"^train\s*:(?!=)", repository.text("Makefile"), re.MULTILINE
    ):
        return Training("make train", "Makefile", **outputs)
    return Training(_command(repository, script, installed), script, **outputs) if script else None


def _script(repository: Repository) -> str:
    """Return the script that trains: the shortest path to a train.py, or else to a name with train in it."""
    return next(iter(_scripts(repository)), "")


def other_models(repository: Repository, found: Training) -> list[str]:
    """Return the folders of all models where there are several, each with a training script of its own."""
    scripts = _scripts(repository) if found.source.endswith(".py") else []
    folders = [path.split("/")[:-1] for path in scripts]
    shared = 0
    while (
        folders and all(len(folder) > shared for folder in folders) and len({f[shared] for f in folders}) == 1
    ):
        shared += 1
    models = {"/".join(folder[: shared + 1]) for folder in folders if len(folder) > shared}
    return sorted(models) if len(scripts) > 1 else []


def _scripts(repository: Repository) -> list[str]:
    """Return the scripts that seem to train, the likeliest first: all of them have the likeliest kind of name."""
    scripts = [path for path in repository.files if path.endswith(".py") and not _is_aside(path)]
    for pattern in (
        r"(.*/)?train\.py",
        r"(.*/)?(train_model|model_train|training|run_train|fit)\.py",
        r"(.*/)?train_\w+\.py",
    ):
        found = [path for path in scripts if re.fullmatch(pattern, path)]
        if found:
            return sorted(found, key=lambda path: (path.count("/"), path))
    return []


def _is_aside(path: str) -> bool:
    return any(part in ("tests", "test", "examples", "docs", "notebooks") for part in path.split("/")[:-1])


def _command(repository: Repository, script: str, installed: bool) -> str:
    folder, _, name = script.rpartition("/")
    if installed and folder and repository.has(f"{folder}/__init__.py"):
        module = folder.removeprefix("src/").replace("/", ".")
        return f"python -m {module}.{name.removesuffix('.py')}"
    return f"python {shlex.quote(script)}"


def _outputs(repository: Repository, script: str) -> dict[str, Any]:
    """Return what a script seems to write: the paths of models and metrics that its text names."""
    literals = _LITERAL.findall(repository.text(script))
    paths = [path for path in dict.fromkeys(literals) if re.fullmatch(r"[\w-]+(/[\w-]+)*(\.[\w-]+)+", path)]
    models = [path for path in paths if path.endswith(MODEL_SUFFIXES) and not repository.has(path)]
    metrics = [path for path in paths if path.endswith(".json") and _names_metrics(path)]
    return {"models": models[:1], "metrics": metrics[0] if metrics else ""}


def _names_metrics(path: str) -> bool:
    return re.search(r"metric|score|eval", path.rpartition("/")[2]) is not None


# --- DVC ------------------------------------------------------------------------------------------


def _from_dvc(repository: Repository) -> Training | None:
    """Return a DVC pipeline as one job: `dvc repro` has a graph of its own."""
    stages = yaml_mapping(repository.text("dvc.yaml")).get("stages")
    if not isinstance(stages, dict) or not stages:
        return None
    outs: list[str] = []
    metrics: list[str] = []
    used: set[str] = set()
    for stage in stages.values():
        if not isinstance(stage, dict):
            continue
        base = str(stage.get("wdir", "")).strip("./")
        outs += _paths(stage.get("outs"), base)
        metrics += [path for path in _paths(stage.get("metrics"), base) if path.endswith(".json")]
        used.update(_paths(stage.get("deps"), base))
    models = [path for path in outs if _is_model(path)]
    others = [path for path in outs if path not in used and path not in models]
    names = ("dvc.yaml", "dvc.lock", "params.yaml", ".dvc/config")
    return Training(
        DVC_RUN, "dvc.yaml", path=[name for name in names if repository.has(name)],
        models=models[:3], others=others[:3], metrics=metrics[0] if metrics else "",
    )  # fmt: skip


def _is_model(path: str) -> bool:
    return path.endswith(MODEL_SUFFIXES) or "model" in path.rstrip("/").rpartition("/")[2]


def _paths(items: object, base: str) -> Iterator[str]:
    """Yield the paths of a stage's list: words, or mappings of a path to options."""
    for item in items if isinstance(items, list) else ():
        names = [item] if isinstance(item, str) else list(item) if isinstance(item, dict) else []
        for name in names:
            path = f"{base}/{name}" if base else str(name)
            if re.fullmatch(r"[\w-][\w.-]*(/[\w-][\w.-]*)*/?", path):
                yield path if "." in path.rpartition("/")[2] or path.endswith("/") else path + "/"


def yaml_mapping(text: str) -> dict[str, Any]:
    """Return a YAML file's mapping; an empty one where it isn't a mapping, or no YAML."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    if text.count("[") + text.count("{") > _MOST_BRACKETS:
        return {}
    try:
        found = YAML(typ="safe", pure=True).load(text)
    except (YAMLError, ValueError, RecursionError):
        return {}
    return {str(key): value for key, value in found.items()} if isinstance(found, dict) else {}


# --- metrics --------------------------------------------------------------------------------------


def bounds(text: str) -> list[Bound]:
    """Return floors and ceilings for the metrics of a JSON file: what it says today, with room to fall short."""
    try:
        found = json.loads(text)
    except ValueError:
        return []
    made = (_bound(place, value) for place, value in _leaves(found, ""))
    return [bound for bound in made if bound is not None][:_MOST_METRICS]


def _leaves(value: object, place: str) -> Iterator[tuple[str, float]]:
    if isinstance(value, dict):
        for key, item in value.items():
            if "." in key:  # a dot separates the steps of a place
                continue
            yield from _leaves(item, f"{place}.{key}" if place else str(key))
    elif isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        yield place, float(value)


def _bound(place: str, value: float) -> Bound | None:
    words = set(re.findall(r"[a-z0-9]+", place.rpartition(".")[2].lower()))
    if not KEY.fullmatch(place) or "train" in place:
        return None
    floor = math.floor((value - 0.05) * 100) / 100
    if words & set(_HIGHER) and value <= 1 and floor > (0.5 if "auc" in words else 0):
        return Bound(place, place if "." in place else "", "min", f"{floor:g}", f"{value:.4g}")
    if words & set(_LOWER) and value > 0:
        return Bound(
            place, place if "." in place else "", "max", f"{float(f'{value * 1.2:.2g}'):g}", f"{value:.4g}"
        )
    return None
