"""Packs the model for whoever serves it: an archive with the same bytes for the same model."""

from __future__ import annotations

import gzip
import tarfile
from pathlib import Path

from flights.paths import location, output


def pack(model: Path, target: Path) -> list[str]:
    """Write the files of the folder `model` to the archive `target`; returns their names.

    Raises ValueError if there are none.
    """
    files = sorted(path for path in model.iterdir() if path.is_file())
    if not files:
        raise ValueError(f"{model} is empty")
    with (
        target.open("wb") as raw,
        gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for path in files:
            # Owner, mode and time are left at fixed values: they say nothing about the model.
            member = tarfile.TarInfo(path.name)
            member.size = path.stat().st_size
            with path.open("rb") as content:
                archive.addfile(member, content)
    return [path.name for path in files]


def main() -> None:
    """Pack the model."""
    target = output("bundle")
    names = pack(location("model"), target)
    print(f"{', '.join(names)} in {target}")


if __name__ == "__main__":
    main()
