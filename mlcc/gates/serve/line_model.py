"""Asks a model over its standard input and output: one JSON a line, in and out, in bounded time and size."""

from __future__ import annotations

import os
import select
import time

from mlcc.gates._serving.golden import Query
from mlcc.gates._serving.http_model import MAX_ANSWER, PATIENCE, PIECE, Answer, AnswerError
from mlcc.gates.serve.process import Process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


_WAIT = 0.5  # seconds between looks whether the model still runs


class LineModel:
    """A model that reads one request a line and writes one answer a line."""

    def __init__(self, process: Process, first: Query, limit: float) -> None:
        assert process.child.stdin is not None
        assert process.child.stdout is not None
        self._process = process
        self._first = first
        self._limit = limit
        self._in, self._out = process.child.stdin, process.child.stdout
        os.set_blocking(self._in.fileno(), False)
        os.set_blocking(self._out.fileno(), False)
        self._rest = bytearray()
        self._whole = 0  # lines in it that have their end

    def start(self, limit: float) -> None:
        """Wait for the answer to the first query. Raises AnswerError after `limit` seconds, or at its end."""
        self._exchange(self._first.body or b"", 1, limit, MAX_ANSWER)

    def ask(self, query: Query) -> Answer:
        """Return the answer to one query. Raises AnswerError where none comes in time."""
        start = time.perf_counter()
        (line,) = self._exchange(query.body or b"", 1, self._limit, MAX_ANSWER)
        return Answer(200, line, time.perf_counter() - start)

    def ask_all(self, queries: Sequence[Query], limit: float) -> list[Answer]:
        """Return the answers to queries that are sent at once, with the end of the input after them.

        So a model that writes only at its end is understood too. Raises AnswerError.
        """
        data = b"".join(query.body or b"" for query in queries)
        start = time.perf_counter()
        lines = self._exchange(data, len(queries), limit, MAX_ANSWER * 4, ends=True)
        share = (time.perf_counter() - start) / len(queries)
        return [Answer(200, line, share) for line in lines]

    def close(self) -> None:
        """Close the model's input and output."""
        self._in.close()
        self._out.close()

    def _exchange(self, data: bytes, count: int, limit: float, most: int, ends: bool = False) -> list[bytes]:
        """Send bytes and return `count` lines; with `ends`, the input then ends, and so must the output."""
        until = time.monotonic() + limit
        left = memoryview(data)
        is_open = True
        while left or self._whole < count or (ends and is_open):
            wait = min(until - time.monotonic(), _WAIT)
            if wait <= 0:
                raise AnswerError(_late(limit, ends and self._whole >= count))
            readable, writable, _ = select.select([self._out], [self._in] if left else [], [], wait)
            if writable:
                left = self._write(left)
                if not left and ends:
                    self._in.close()
            if readable:
                is_open = self._read(most)
            if not is_open and (left or self._whole < count):
                raise AnswerError(self._gone())
        *lines, self._rest = self._rest.split(b"\n", count)
        self._whole -= count
        if self._rest.strip():
            raise AnswerError("the model wrote more lines than it was asked for")
        return [bytes(line) for line in lines]

    def _write(self, left: memoryview) -> memoryview:
        try:
            return left[os.write(self._in.fileno(), left[:PIECE]) :]
        except BlockingIOError:
            return left
        except OSError:
            raise AnswerError(self._gone()) from None

    def _read(self, most: int) -> bool:
        """Take up what was written; return False at the output's end."""
        try:
            piece = os.read(self._out.fileno(), PIECE)
        except BlockingIOError:
            return True
        self._rest += piece
        self._whole += piece.count(b"\n")
        if len(self._rest) > most:
            raise AnswerError(f"the answer has over {most} bytes")
        return bool(piece)

    def _gone(self) -> str:
        return f"{self._process.ended(PATIENCE) or 'the model closed its output'} instead of answering"


def _late(limit: float, answered: bool) -> str:
    if answered:
        return f"the program did not end within {limit:g} s, although its input did"
    return f"no whole answer came within {limit:g} s: the program must flush each line that it writes"
