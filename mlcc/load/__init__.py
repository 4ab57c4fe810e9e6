"""LOAD and EXPAND: strict YAML with spans, what a spec extends, its params and its instances."""
