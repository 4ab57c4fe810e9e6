"""mlcc: one declarative spec of an ML repository, compiled into CI/CD pipelines with gates."""

__version__ = "0.1.0"
