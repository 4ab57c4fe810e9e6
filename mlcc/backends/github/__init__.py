"""GitHub Actions."""
