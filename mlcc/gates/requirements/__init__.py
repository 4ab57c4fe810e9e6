"""Hash-pinned packages that gates may need."""
