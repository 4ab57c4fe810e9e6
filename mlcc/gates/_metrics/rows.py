"""Predictions as arrays: read once, and refused where a value is missing or can't be meant."""

from __future__ import annotations

from mlcc.gates._records import Check, GateError, visible
from mlcc.gates._support import Gate
from mlcc.gates._table import close, open_table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

_MOST_CLASSES = 1000
_NAMES = {"cluster": "cluster_key"}


class Rows:
    """Columns of predictions by alias, all (n,), as numbers, codes from 0 or (`group`) text with None.

    `classes` is how many classes `label` and `prediction` are codes of. `score` from `threshold` on predicts 1.
    """

    __slots__ = ("arrays", "classes", "n", "names", "threshold")

    def __init__(self, arrays: Mapping[str, Any], n: int, threshold: float, classes: int, names: Any) -> None:
        self.arrays = arrays
        self.n = n
        self.threshold = threshold
        self.classes = classes
        self.names = names

    def __getitem__(self, alias: str) -> Any:
        return self.arrays[alias]

    def take(self, index: Any) -> Rows:
        """Return some of the rows, by an index or a mask."""
        arrays = {alias: array[index] for alias, array in self.arrays.items()}
        return Rows(arrays, len(next(iter(arrays.values()))), self.threshold, self.classes, self.names)

    def replaced(self, alias: str, array: Any) -> Rows:
        """Return the rows with another column under an alias."""
        return Rows({**self.arrays, alias: array}, self.n, self.threshold, self.classes, self.names)

    @property
    def clusters(self) -> Any:
        """Return the cluster of each row, numbered from 0, or None where rows stand for themselves."""
        return numbered(self.arrays["cluster"]) if "cluster" in self.arrays else None


def read_rows(gate: Gate, source: Mapping[str, Any]) -> Rows:
    """Return the predictions that `source`, from the gate's parameters, describes.

    Raises GateError for a missing column, and counts the rows that have no proper value.
    """
    try:
        import numpy as np
    except ImportError:
        list_ = f".mlcc/gates/{gate.kind}.txt"
        how = f"pip install --require-hashes --only-binary :all: --no-deps -r {list_}"
        raise GateError(f"NumPy is needed: {how}") from None
    table = open_table(gate, source["artifact"], source["format"])
    try:
        missing = [
            visible(name, 80) for name in dict.fromkeys(source["columns"]) if name not in table.columns
        ]
        if missing:
            raise GateError(f"{visible(gate.path(source['artifact']))} has no column {', '.join(missing)}")
        table.rows(f"CREATE VIEW source AS SELECT * FROM {table.source}")  # noqa: S608 - written by open_table
        found = table.arrays("\n".join(source["query"]))
    finally:
        close(table, gate)
    if set(found) != set(source["values"]):
        raise GateError("the gate's parameters are not complete")
    for alias, sort in source["values"].items():
        _refuse_improper(alias, sort, found[alias], source)
    n = len(next(iter(found.values())))
    arrays = {alias: _plain(found[alias], sort) for alias, sort in source["values"].items()}
    classes, names = 2, source.get("classes") or ["0", "1"]
    if source["values"].get("label") == "class":
        names = _code_classes(arrays, [alias for alias, sort in source["values"].items() if sort == "class"])
    classes = len(names)
    if "score_0" in arrays:
        arrays["scores"] = np.column_stack([arrays.pop(f"score_{i}") for i in range(classes)])
    return Rows(arrays, n, source["threshold"], classes, names)


def no_predictions() -> Check:
    """Return the check of a table without rows."""
    return Check("rows", "fail", "there are no predictions", estimate=0, threshold={"min": 1})


def refuse_one_class(rows: Rows, source: Mapping[str, Any]) -> None:
    """Raise GateError where labels are to be 0 and 1, and only one of them occurs."""
    if source["values"].get("label") == "binary" and not 0 < rows["label"].sum() < rows.n:
        raise GateError(f"all {rows.n} labels are {int(rows['label'][0])}: there is only one class")


def numbered(values: Any) -> Any:
    """Return values as codes from 0, by their order."""
    import numpy as np

    return np.unique(values, return_inverse=True)[1]


def _refuse_improper(alias: str, sort: str, values: Any, source: Mapping[str, Any]) -> None:
    import numpy as np

    if sort == "group":
        return
    improper = np.ma.getmaskarray(values).copy()
    if sort == "binary":
        improper |= ~np.isin(np.ma.getdata(values), (0, 1))
    elif sort == "probability":
        improper |= ~((np.ma.getdata(values) >= 0) & (np.ma.getdata(values) <= 1))
    elif sort == "number":
        improper |= ~np.isfinite(np.ma.getdata(values).astype(float))
    if improper.any():
        what = (
            source.get("about", {}).get(alias) or f"the {_NAMES.get(alias, alias).replace('_', ' ')} column"
        )
        raise GateError(
            f"{int(improper.sum())} of {len(values)} rows have no proper value in {visible(what, 80)}"
        )


def _plain(values: Any, sort: str) -> Any:
    import numpy as np

    if sort == "group":
        texts = np.ma.getdata(values).astype(object)
        texts[np.ma.getmaskarray(values)] = None
        return texts
    if sort in ("binary", "member"):
        return np.ma.getdata(values).astype(np.int64)
    return np.ma.getdata(values).astype(float) if sort in ("number", "probability") else np.ma.getdata(values)


def _code_classes(arrays: dict[str, Any], columns: Sequence[str]) -> list[str]:
    """Turn the text of some columns into codes, by the classes' order, and return the classes."""
    import numpy as np

    names = sorted({name for alias in columns for name in arrays[alias]})
    if len(names) > _MOST_CLASSES:
        raise GateError(f"there are {len(names)} classes, and at most {_MOST_CLASSES} can be judged")
    codes = {name: code for code, name in enumerate(names)}
    for alias in columns:
        arrays[alias] = np.fromiter((codes[name] for name in arrays[alias]), np.int64, len(arrays[alias]))
    return names
