"""Random parameters of the gates that judge predictions and metrics."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.spec.gate_parts import (
    Data,
    Near,
    Params,
    by_key,
    column,
    count,
    either,
    joined,
    level,
    made,
    one_of,
    share,
    some,
)

# Columns of predictions, and metrics that they give, each with limits and options.
_Shape = tuple[Data, dict[str, Data]]
_NUMBERS: _Shape = (
    {"label": "y", "prediction": "p"},
    {"r2": {"min": 0.5}, "mean_pinball_loss": {"max": 2, "quantile": 0.9}},
)
_SCORES: _Shape = (
    {"label": "y", "score": "p"},
    {"roc_auc": {"min": 0.7}, "expected_calibration_error": {"max": 0.1, "bins": 5}, "f1": {"min": 0.1}},
)
_CLASSES: _Shape = (
    {"label": "y", "scores": {"a": "p a", "b": "p b"}},
    {"log_loss": {"max": 0.6}, "top_k_accuracy": {"min": 0.6, "k": 1}, "f1_macro": {"min": 0.1, "max": 0.9}},
)
_RANKS: _Shape = (
    {"label": "y", "score": "p", "query": "q"},
    {"ndcg": {"min": 0.3, "k": 5}, "recall_at_k": {"min": 0.1}},
)
_SERIES: _Shape = (
    {"label": "y", "prediction": "p", "series": "s", "time": "t"},
    {"mean_absolute_scaled_error": {"max": 1.5}},
)
_RANGES: _Shape = (
    {"label": "y", "lower": "a", "upper": "b"},
    {"interval_coverage": {"min": 0.8}, "mean_interval_width": {"max": 4}},
)
_WIDTHS: _Shape = (_RANGES[0], {"mean_interval_width": {}})
_OPTIONS = ("k", "quantile", "bins")


def _predictions(columns: Data) -> Params:
    clusters = {} if "query" in columns else {"cluster_key": column}
    return made(columns, {"threshold": st.sampled_from((0, 0.25)), **clusters})


def _one_metric(metrics: dict[str, Data]) -> Params:
    """Draw a metric as a key of its own, with its options beside it."""
    found = [
        made({"metric": name, **{key: metric[key] for key in _OPTIONS if key in metric}})
        for name, metric in metrics.items()
    ]
    return either(*found)


def feature_value(near: Near) -> Params:
    cost = {"cost": {"from": one_of(near.numbers), "max_ms": 2.5}} if near.numbers else {}
    without = by_key(st.sampled_from(("without it", "p\\'2")))
    options = {"min_gain": share, "confidence": level, "min_n": count, **cost}
    own = made({"predictions": one_of(near.tables), "without": without}, options)
    shapes = (_NUMBERS, _SCORES, _RANKS, _SERIES)
    return either(*(joined(own, _predictions(columns), _one_metric(metrics)) for columns, metrics in shapes))


def evaluate(near: Near) -> Params:
    found: list[Params] = []
    if near.numbers:
        place = {"value": "test.r2", "stderr": "test.se"}
        other = {"champion": near.numbers[-1]} if len(near.numbers) > 1 else {}
        metric = made({"min": 0.5}, {"max": 0.9, "n": "test.n", **place})
        counted = by_key(made({"max": 3, "n": "test.n"}, place))
        source = {"metrics_from": near.numbers[0]}
        found.append(made({**source, "metrics": by_key(metric)}, {"confidence": level, **other}))
        found.append(made({**source, "metrics": counted, "min_n": count}))
    if near.tables:
        shapes = (_NUMBERS, _SCORES, _CLASSES, _RANKS, _SERIES, _RANGES)
        found += [_evaluated(near, columns, metrics) for columns, metrics in shapes]
    return either(*found)


def _evaluated(near: Near, columns: Data, metrics: dict[str, Data]) -> Params:
    name, first = next(iter(metrics.items()))
    own = {"judge": {"mean": column, "min": 3}, "again": {"metric": name, **first}}
    gap = (
        {}
        if name == "interval_coverage"
        else {"overfit": {"train": one_of(near.tables), "max_gap": {name: share}}}
    )
    champion = {"champion": near.tables[-1]} if len(near.tables) > 1 else {}
    options = {"min_n": count, "confidence": level, **gap, **champion}
    judged = made({name: first}, {**metrics, **own})
    return joined(_predictions(columns), made({"predictions": near.tables[0], "metrics": judged}, options))


def compare(near: Near) -> Params:
    options = {
        "alpha": 0.01,
        "power": 0.9,
        "min_n": count,
        "rows": 10**6,
        "discordance": 0.2,
        "key": column,
    }
    shown = st.sampled_from(({"margin": 0.01}, {"test": "superior"}, {"test": "superior", "margin": 0.02}))
    found: list[Params] = []
    for baseline, (columns, metrics) in (
        ("majority", (_SCORES[0], {"f1": {}})),
        ("prior", (_CLASSES[0], {"log_loss": {}})),
        ("mean", _NUMBERS),
        ("median", _SERIES),
    ):
        against = made({"candidate": one_of(near.tables), "baseline": baseline}, options)
        found.append(joined(against, _predictions(columns), _one_metric(metrics), shown))
    if len(near.tables) > 1:
        candidate, champion = near.tables[:2]
        old = {
            "old_data": {"candidate": champion, "champion": candidate},
            **_holdout(near, candidate, champion),
        }
        pair = {"candidate": candidate, "champion": champion, "key": column}
        for columns, metrics in (_NUMBERS, _SCORES, _CLASSES, _RANKS, _WIDTHS):
            against = made(pair, {**options, "key": column, **old})
            found.append(joined(against, _predictions(columns), _one_metric(metrics), shown))
    return either(*found)


def _holdout(near: Near, *predictions: str) -> Data:
    """Return the key `holdout`, where there is another table to have tested on."""
    others = [name for name in near.tables if name not in predictions]
    if not others:
        return {}
    own = made({"data": others[0]}, {"budget": st.integers(1, 99)})
    ways = [made({"first": "none"}), *(made({"records": name}) for name in near.numbers[:1])]
    return {"holdout": joined(own, either(*ways))}


def slices(near: Near) -> Params:
    by = st.sampled_from((["region"], ["region", ["a b", "Größe"]], [["x", "y", "z"]]))
    options = {"min_n": count, "max_slices": 50, "alpha": 0.01}
    found: list[Params] = []
    for columns, metrics in (_NUMBERS, _SCORES, _CLASSES, _RANGES):
        name, first = next(iter(metrics.items()))
        gap = {"gap": {name: {**{key: first[key] for key in _OPTIONS if key in first}, "max": 0.3}}}
        dropped = {"metrics": {name: {"max_drop": 0.1}}, "reference": one_of(near.tables), "key": column}
        base = {"predictions": one_of(near.tables), "by": by}
        drops = [] if name == "interval_coverage" else [dropped]
        for limits in ({"metrics": some(metrics)}, gap, {"metrics": some(metrics), **gap}, *drops):
            found.append(joined(made({**base, **limits}, options), _predictions(columns)))
    return either(*found)
