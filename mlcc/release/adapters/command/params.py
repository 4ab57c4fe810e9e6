"""The parameter of the adapter `command`: the program itself."""

from __future__ import annotations

from mlcc.spec.base import Command

PARAMS = Command
