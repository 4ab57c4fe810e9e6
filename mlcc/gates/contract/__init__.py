"""The gate kind `contract`: schema and quality of one table, compiled to SQL."""
