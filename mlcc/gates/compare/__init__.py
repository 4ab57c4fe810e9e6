"""The gate kind `compare`: a candidate against a champion or a simple baseline, on the same rows."""
