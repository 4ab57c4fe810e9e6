"""Says what is going on, when it takes long and a person is watching."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

QUIET_SECONDS = 2.0


@contextmanager
def progress(what: str) -> Iterator[None]:
    """Show `what` with the seconds gone by, from the third second on; nothing when not on a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    import threading
    import time

    done = threading.Event()

    def tell() -> None:
        start = time.monotonic()
        while not done.wait(QUIET_SECONDS if time.monotonic() - start < QUIET_SECONDS else 0.5):
            sys.stderr.write(f"\r\x1b[K{what} … {time.monotonic() - start:.0f} s")
            sys.stderr.flush()
        if time.monotonic() - start >= QUIET_SECONDS:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()
