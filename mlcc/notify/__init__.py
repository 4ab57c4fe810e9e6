"""What tells people how a run ended: bundled into the emitted `.mlcc/notify.py`."""
