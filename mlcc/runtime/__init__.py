"""Code that runs in the compiled pipelines: real modules here, bundled into scripts."""
