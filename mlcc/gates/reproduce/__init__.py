"""The gate kind `reproduce`: two runs with the same seed give the same outputs."""
