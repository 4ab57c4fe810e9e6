"""WRITE and CHECK: what a compile puts on disk, all of it or nothing, and what is there already."""
