"""The gate kind `evaluate`: metrics against floors and ceilings."""
