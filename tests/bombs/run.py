"""Load every hostile spec under a cap of 256 MiB; print a JSON object for each: codes and CPU seconds.

By hand: `PYTHONPATH=. python tests/bombs/run.py`.
"""

from __future__ import annotations

import json
import resource
import time

from corpus import corpus

from mlcc.diagnostics import SpecError
from mlcc.load.source import read
from mlcc.render_diagnostics import to_github, to_json, to_sarif, to_text

MEMORY = 256 * 1024 * 1024


def codes(data: bytes) -> list[str]:
    """Return the codes that the loader reports, having rendered them in every format."""
    try:
        read(data, "mlcc.yaml")
    except SpecError as problem:
        for render in (to_text, to_json, to_sarif, to_github):
            render(problem.diagnostics, problem.texts)
        return sorted({diagnostic.code for diagnostic in problem.diagnostics})
    return []


def main() -> None:
    """Run the corpus."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for name, (data, _) in corpus().items():
        started = time.process_time()
        found = codes(data)
        seconds = round(time.process_time() - started, 3)
        print(json.dumps({"name": name, "codes": found, "seconds": seconds}))


if __name__ == "__main__":
    main()
