"""The `mlcc` command: `python -m mlcc`."""

from __future__ import annotations


def main() -> None:
    """Run the command line."""
    from mlcc.cli import cli

    cli(prog_name="mlcc")


if __name__ == "__main__":
    main()
