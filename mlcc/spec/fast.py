"""The fast way to a Spec: by the generated table, without pydantic."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from mlcc.spec.shapes import UnsureError
from mlcc.spec.table import SPEC

if TYPE_CHECKING:
    from mlcc.spec.models import Spec


def load(data: object) -> Spec | None:
    """Return the spec of plain values, or None where the models have to decide whether it is one.

    The result has the attributes of `models.Spec`, in SimpleNamespaces.
    """
    try:
        return cast("Spec", SPEC.load(data))
    except UnsureError:
        return None
