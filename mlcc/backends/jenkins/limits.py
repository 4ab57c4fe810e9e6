"""Jenkins' figures, each with its source. Read and measured in November 2026."""

from __future__ import annotations

from mlcc.backends import Limit

_CLASS_FILE = "https://docs.oracle.com/javase/specs/jvms/se17/html/jvms-4.html#jvms-4.11"

# Sizes are of what Jenkins makes of the file: with the sandbox, Pipeline: Groovy turns every expression into calls that
# build it again. Measured with its transformer (workflow-cps e007b7f, groovy-sandbox) under Groovy 2.4.21; the largest
# method is the one that Groovy makes itself for every 5,000 calls, 40,001 bytes, however many nodes there are. Besides,
# 50 nodes with services, caches and a matrix: a method of 13 KB, 8 K constants; 200 of them: 13 KB, 20 K constants;
# 1,000 plain nodes: 13 KB, 25 K constants.
METHOD = Limit("bytecode of one method", 65_535, "bytes", _CLASS_FILE, share=0.75)
CONSTANTS = Limit("constants of the script's class", 65_535, "constants", _CLASS_FILE, share=0.75)
TEXT = Limit("length of one text", 65_535, "bytes in UTF-8", _CLASS_FILE)

# A list literal becomes one call, and a call has at most 255 arguments.
LIST = Limit("variables with a literal value of one service", 255, "entries", _CLASS_FILE, share=0.5)

LIMITS = (METHOD, CONSTANTS, TEXT, LIST)

ROWS = 50  # of one method at most

# What a row costs, from above. Measured: 84 bytes, 28 a field, 14 an item of a list.
METHOD_BYTES = 300  # of a method without rows
ROW_BYTES = 120
FIELD_BYTES = 40
ITEM_BYTES = 20
TEMPLATE_CONSTANTS = 5_000  # of the functions, whatever the nodes
ROW_CONSTANTS = 20
