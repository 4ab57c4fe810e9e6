"""Releases by steps: the emitted `.mlcc/release.py`, which drives whatever serves a model, and reads back what it did."""
