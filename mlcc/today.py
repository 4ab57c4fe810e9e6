"""The day that waivers are held against."""

from __future__ import annotations

import time


def today() -> str:
    """Return the day by UTC as YYYY-MM-DD: days compare as texts, and a waiver holds up to and including its own."""
    return time.strftime("%Y-%m-%d", time.gmtime())
