"""The gate kind `drift`: columns of a table against a baseline profile or table."""
