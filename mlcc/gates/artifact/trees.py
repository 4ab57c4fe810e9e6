"""Tree ensembles as text: XGBoost's JSON and LightGBM's own format, checked tree by tree.

See https://xgboost.readthedocs.io/en/stable/tutorials/saving_model.html and LightGBM's gbdt_model_text.cpp.
"""

from __future__ import annotations

from mlcc.gates._models.content import ContentError
from mlcc.gates._records import GateError, counted, is_finite
from mlcc.gates._strict import parse_json, read_bytes
from mlcc.gates.artifact.content import Contents, is_pickle, value_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

MOST_TEXT = 256 << 20  # bytes of a text file; a text takes a few times as much in memory
MOST_JSON = 64 << 20  # the same for JSON, which takes ten times as much
_CONTROLS = frozenset(range(32)) - frozenset(b"\t\n\r")


def read_text(path: str) -> Contents:
    """Return the contents of plain text. Raises ContentError for controls, other encodings and pickles."""
    return Contents(f"text of {counted(_plain_text(path).count(chr(10)), 'line')}")


def _plain_text(path: str, limit: int = MOST_TEXT) -> str:
    data = read_bytes(path, limit)
    controls = _CONTROLS.intersection(data)
    if controls:
        raise ContentError(f"is no text: it has the byte {min(controls)}")
    if is_pickle(data):
        raise ContentError("is a pickle, which runs code when it is loaded")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ContentError(f"is no UTF-8 text, at byte {error.start}") from None


def read_json_file(path: str) -> Contents:
    """Return the contents of a JSON file, strictly read; its value is the metadata. Raises ContentError."""
    text = _plain_text(path, MOST_JSON)
    try:
        value = parse_json(text, "it")
    except GateError as error:
        raise ContentError(f"is no proper JSON: {error}") from None
    return Contents("JSON", value)


def read_xgboost(path: str) -> Contents:
    """Return what XGBoost's JSON says of itself. Raises ContentError where its trees aren't sound."""
    contents = read_json_file(path)
    learner = value_at(contents.metadata, "learner")
    count = _number(value_at(learner, "learner_model_param.num_feature"))
    booster = value_at(learner, "gradient_booster")
    while isinstance(booster, dict) and "gbtree" in booster:  # dart holds its trees one level deeper
        booster = booster["gbtree"]
    trees = value_at(booster, "model.trees")
    if count is None or not isinstance(trees, list) or not trees:
        raise ContentError("is no XGBoost model of trees: it lacks a number of features or trees")
    for number, tree in enumerate(trees):
        _check_xgboost_tree(tree, number, count)
    names = value_at(learner, "feature_names") or []
    if not _is_names(names) or (names and len(names) != count):
        raise ContentError("names other features than it has")
    said = f"XGBoost JSON with {counted(len(trees), 'tree')} over {counted(count, 'feature')}"
    return Contents(said, value_at(learner, "attributes"), list(names) or None)


def _is_names(names: object) -> bool:
    return isinstance(names, list) and all(isinstance(name, str) for name in names)


def _number(text: object) -> int | None:
    if not isinstance(text, str) or not text.isascii() or not text.isdigit() or len(text) > 9:
        return None
    return int(text)


def _check_xgboost_tree(tree: Any, number: int, features: int) -> None:
    lists = ("left_children", "right_children", "split_indices", "split_conditions")
    columns: list[Any] = [tree.get(name) for name in lists] if isinstance(tree, dict) else []
    if not columns or not all(isinstance(column, list) and column for column in columns):
        raise ContentError(f"has tree {number} without its nodes")
    left, right, split, condition = columns
    size = len(left)
    sound = (
        all(len(column) == size for column in columns)
        and all(type(child) is int and -1 <= child < size for child in (*left, *right))
        and all(type(feature) is int and 0 <= feature < max(features, 1) for feature in split)
        and all(is_finite(value) for value in condition)
        and _is_tree(size, {node: (left[node], right[node]) for node in range(size) if left[node] != -1})
    )
    if not sound:
        raise ContentError(f"has tree {number} that isn't sound: its nodes, features or values don't fit")


def _is_tree(size: int, children: Mapping[int, tuple[int, int]]) -> bool:
    """Whether following the children from node 0 ends: a node met twice would be walked for ever."""
    pending, seen = [0], {0}
    while pending:
        for child in children.get(pending.pop(), ()):
            if child in seen or not 0 <= child < size:
                return False
            seen.add(child)
            pending.append(child)
    return True


def read_lightgbm(path: str) -> Contents:
    """Return what LightGBM's text says of itself. Raises ContentError where its trees aren't sound."""
    lines = _plain_text(path).split("\n")
    if lines[0].rstrip("\r") != "tree" or not any(line.startswith("end of trees") for line in lines):
        raise ContentError(
            "is no LightGBM model, or cut off: it lacks its first line or the end of its trees"
        )
    blocks = _blocks(lines)
    head = next(blocks)
    last, names = _number(head.get("max_feature_idx")), head.get("feature_names", "").split(" ")
    if last is None or len(names) != last + 1 or not all(names):
        raise ContentError("names other features than it has")
    count = 0
    for tree in blocks:
        if tree.get("Tree") != str(count):
            raise ContentError(f"lacks tree {count}, or has it in another place")
        _check_lightgbm_tree(tree, count, last)
        count += 1
    if count != len(head.get("tree_sizes", "").split()) or not count:
        raise ContentError(f"has {counted(count, 'tree')}, which isn't the number that it states")
    said = f"LightGBM text with {counted(count, 'tree')} over {counted(len(names), 'feature')}"
    return Contents(said, None, names)


def _blocks(lines: Sequence[str]) -> Iterator[dict[str, str]]:
    """Yield the KEY=value lines before the first tree, then those of each tree."""
    block: dict[str, str] = {}
    for line in lines:
        key, sign, value = line.rstrip("\r").partition("=")
        if key == "end of trees":
            break
        if key == "Tree":
            yield block
            block = {}
        if sign:
            block[key] = value
    yield block


def _check_lightgbm_tree(tree: Mapping[str, str], number: int, last: int) -> None:
    leaves = _number(tree.get("num_leaves"))
    values = tree.get("leaf_value", "").split()
    if leaves is None or leaves < 1 or len(values) != leaves or not all(_is_real(value) for value in values):
        raise ContentError(f"has tree {number} without a proper number of leaves or values")
    inner = leaves - 1
    split = [_number(text) for text in tree.get("split_feature", "").split()]
    left, right = (
        [_signed(text) for text in tree.get(f"{side}_child", "").split()] for side in ("left", "right")
    )
    thresholds = tree.get("threshold", "").split()
    sound = (
        {len(split), len(left), len(right), len(thresholds)} == {inner}
        and all(feature is not None and feature <= last for feature in split)
        and all(child is not None and -leaves <= child < inner for child in (*left, *right))
        and all(_is_real(threshold) for threshold in thresholds)
        # Leaf i is written as ~i: counted behind the inner nodes, it is a node without children.
        and _is_tree(
            2 * leaves - 1, {i: (_place(left[i], inner), _place(right[i], inner)) for i in range(inner)}
        )
    )
    if not sound:
        raise ContentError(f"has tree {number} that isn't sound: its nodes, features or values don't fit")


def _place(child: int | None, inner: int) -> int:
    assert child is not None
    return child if child >= 0 else inner + ~child


def _signed(text: str) -> int | None:
    number = _number(text[1:] if text.startswith("-") else text)
    return -number if number is not None and text.startswith("-") else number


def _is_real(text: str) -> bool:
    try:
        return is_finite(float(text)) and "_" not in text
    except ValueError:
        return False
