"""A registry of models: versions are registered and fetched by the emitted `.mlcc/registry.py`."""
