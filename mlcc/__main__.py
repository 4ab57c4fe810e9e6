"""The `mlcc` command: `python -m mlcc`."""

from __future__ import annotations


def main() -> None:
    """Run the command line."""
    import io
    import sys

    from mlcc.cli import cli, unwritable

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name of a file is shown whatever the terminal can show
            stream.reconfigure(errors="backslashreplace")
    try:
        cli(prog_name="mlcc")
    except OSError as fault:  # click's own printing: help, version
        sys.exit(unwritable(fault))


if __name__ == "__main__":
    main()
