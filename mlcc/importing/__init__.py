"""IMPORT: an existing pipeline -> the spec that it can be, and an account of every line.

The input is untrusted: it is read under caps and never evaluated. What has no place in the language is listed with
its line and the reason; what the language does by itself is said to be replaced. Only `mlcc import` loads this.
"""

from __future__ import annotations

from mlcc.importing.read import Imported, import_file

__all__ = ["Imported", "import_file"]
