"""Pins that a team owns: `mlcc.lock` beside the spec, and what the outputs are approved to do."""
