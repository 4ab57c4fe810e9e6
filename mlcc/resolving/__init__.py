"""RESOLVE: every node states all of its keys, every name exists, releases are steps."""
