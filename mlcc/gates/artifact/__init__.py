"""The gate kind `artifact`: the file that is released, by its bytes: digest, format, signature and lineage."""
