"""Jenkins' figures, each with its source. Read and measured in November 2026."""

from __future__ import annotations

from mlcc.backends import Limit

_CLASS_FILE = "https://docs.oracle.com/javase/specs/jvms/se17/html/jvms-4.html#jvms-4.11"

# Sizes are of what Jenkins makes of the file: with the script security sandbox, Pipeline: Groovy (workflow-cps, July
# 2026) turns every expression into calls that build it again. See `weight`.
METHOD = Limit("bytecode of one method", 65_535, "bytes", _CLASS_FILE, share=0.75)
CONSTANTS = Limit("constants of the script's class", 65_535, "constants", _CLASS_FILE, share=0.75)
TEXT = Limit("length of one text", 65_535, "bytes in UTF-8", _CLASS_FILE)

# A list literal becomes one call, and a call has at most 255 arguments.
LIST = Limit("variables with a literal value of one service", 255, "entries", _CLASS_FILE, share=0.5)

LIMITS = (METHOD, CONSTANTS, TEXT, LIST)

ROWS = 50  # of one method at most

# Measured with groovy-cps and groovy-sandbox under Groovy 2.4.21, and rounded up: see tests/backends/jenkins/test_size.py.
METHOD_BYTES = 400  # of a method without rows
ROW_BYTES = 260
FIELD_BYTES = 110
ITEM_BYTES = 60
