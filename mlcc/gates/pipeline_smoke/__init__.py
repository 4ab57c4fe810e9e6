"""The gate kind `pipeline_smoke`: the whole pipeline on a sample leaves sound outputs."""
