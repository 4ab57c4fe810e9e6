"""Reads what lies at an `s3://` address: bundled into `.mlcc/objects.py`, which the runtime and the gates start.

A program of its own, so that scripts which read no such address carry none of it. Standard library only.
"""
