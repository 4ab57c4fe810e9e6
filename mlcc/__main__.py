"""The `mlcc` command: `python -m mlcc`."""

from __future__ import annotations


def main() -> None:
    """Run the command line."""
    import gc
    import io
    import sys

    # A run ends within seconds, and the largest spec needs little memory: looking for cycles only takes time.
    gc.disable()
    if sys.argv[1:2] == ["lint"]:
        from mlcc.clean import end_if_clean

        end_if_clean(sys.argv[2:])
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
