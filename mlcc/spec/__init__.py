"""VALIDATE: the shape of a spec. `models` is the authority; `table` is generated from it for speed."""
