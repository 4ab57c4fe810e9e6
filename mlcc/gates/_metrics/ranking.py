"""Metrics of rankings: one number for each query, from the relevance and the score of its rows."""

from __future__ import annotations

from mlcc.gates._records import GateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def query_values(name: str, relevance: Any, score: Any, query: Any, k: int) -> Any:
    """Return one value for each query, (queries,); `relevance`, `score` and `query` (codes from 0) are (n,).

    ndcg: Järvelin and Kekäläinen (2002), linear gains, ties averaged (McSherry and Najork 2008), as scikit-learn
    has it; `k` 0 is the whole list. The others take any relevance above 0 as relevant.
    label_ranking_average_precision counts ties against the model; mean_reciprocal_rank too.
    precision_at_k and recall_at_k share the places that ties straddle.
    Raises GateError for a negative relevance, and for a query without anything relevant, which has no value.
    """
    import numpy as np

    if (relevance < 0).any():
        raise GateError("a relevance is negative")
    order = np.lexsort((-score, query))
    relevance, score, query = relevance[order], score[order], query[order]
    starts = np.nonzero(np.diff(query, prepend=-1))[0]
    relevant = (relevance > 0).astype(float)
    found = np.add.reduceat(relevant, starts)
    if not found.all():
        raise GateError(f"{int((found == 0).sum())} of {len(starts)} queries have nothing relevant")
    places = _places(score, query, starts)
    if name == "ndcg":
        return _gain(relevance, query, starts, places, k)
    if name == "mean_reciprocal_rank":
        best = np.minimum.reduceat(np.where(relevant > 0, places[1], np.inf), starts)
        return 1 / best
    if name == "label_ranking_average_precision":
        through = np.cumsum(relevant)[places[3]] - np.repeat(
            _before(relevant, starts), _sizes(starts, len(query))
        )
        return np.add.reduceat(relevant * through / places[1], starts) / found
    first, last = places[0], places[1]
    inside = np.clip((k - first + 1) / (last - first + 1), 0, 1)
    hits = np.add.reduceat(relevant * inside, starts)
    return hits / k if name == "precision_at_k" else hits / found


def _sizes(starts: Any, n: int) -> Any:
    import numpy as np

    return np.diff(np.append(starts, n))


def _before(values: Any, starts: Any) -> Any:
    """Return the sum of all values before each start."""
    import numpy as np

    return np.concatenate([[0.0], np.cumsum(values)])[starts]


def _places(score: Any, query: Any, starts: Any) -> tuple[Any, Any, Any, Any]:
    """Return for each row, sorted by query and falling score, what its ties span.

    First and last place in the query, from 1; first and last row, from 0.
    """
    import numpy as np

    n = len(score)
    breaks = np.append(True, (np.diff(score) != 0) | (np.diff(query) != 0))
    group = np.cumsum(breaks) - 1
    first = np.nonzero(breaks)[0]
    last = np.append(first[1:], n) - 1
    offset = np.repeat(starts, _sizes(starts, n))
    return first[group] - offset + 1, last[group] - offset + 1, first[group], last[group]


def _gain(relevance: Any, query: Any, starts: Any, places: tuple[Any, Any, Any, Any], k: int) -> Any:
    import numpy as np

    n = len(relevance)
    offset = np.repeat(starts, _sizes(starts, n))
    place = np.arange(n) - offset + 1
    discount = 1 / np.log2(place + 1)
    if k:
        discount = np.where(place <= k, discount, 0)
    sums = np.concatenate([[0.0], np.cumsum(discount)])
    shared = (sums[places[3] + 1] - sums[places[2]]) / (places[3] - places[2] + 1)
    ideal = relevance[np.lexsort((-relevance, query))]
    return np.add.reduceat(relevance * shared, starts) / np.add.reduceat(ideal * discount, starts)
