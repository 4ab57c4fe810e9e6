"""The gate kind `evidence`: a dated record of what no program can decide exists, and isn't too old."""
