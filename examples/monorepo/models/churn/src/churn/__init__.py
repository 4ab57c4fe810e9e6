"""Which customers leave within the next quarter."""
