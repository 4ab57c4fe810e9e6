"""What no compiled file can hold: one thing, and the list of all."""
