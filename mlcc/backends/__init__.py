"""Back ends: each turns a plan into the files of one CI system."""
