"""Readers of model files that more than one kind of gate looks into. Nothing in a file is loaded or run."""
