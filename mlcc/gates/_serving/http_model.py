"""Asks a model over HTTP: no proxy, no redirect, no compression, certificates verified, bounded time and size."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
import time

from mlcc.gates._records import GateError, visible
from mlcc.gates._serving.golden import Query

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_ANSWER = 8 << 20
PIECE = 1 << 16  # bytes that are read or written at once
PATIENCE = 0.5  # seconds until a model that breaks off is seen to have ended
_POLL = 0.05  # seconds between looks at a model that isn't ready
_MARGIN = 1.0  # seconds that a socket waits beyond the limit, which is kept for the whole answer
_READY_ANSWER = 5.0  # seconds that the readiness path may take


class AnswerError(Exception):
    """The model gave no proper answer. The message is one sentence for a reviewer."""


class Answer:
    """What a model answered: the bytes, and the seconds until the last of them was there."""

    __slots__ = ("body", "seconds", "status")

    def __init__(self, status: int, body: bytes, seconds: float) -> None:
        self.status = status
        self.body = body
        self.seconds = seconds


class Place:
    """Where a model listens: a host and a port, encrypted or not.

    `base` comes before every path, `headers` go with every request. `ended` takes seconds, waits so long, and says how the
    model ended: None while it runs, and where it can't be known.
    """

    __slots__ = ("base", "ended", "headers", "host", "is_encrypted", "port")

    def __init__(
        self,
        host: str,
        port: int,
        ended: Callable[[float], str | None],
        *,
        is_encrypted: bool = False,
        base: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self.ended = ended
        self.is_encrypted = is_encrypted
        self.base = base
        self.headers = dict(headers or {})


class HttpModel:
    """A model that listens somewhere, asked over one connection that is kept as long as it lasts.

    `ready` is the path that answers 2xx once it can be asked, `limit` the seconds that an answer may take. A certificate
    that can't be trusted raises GateError, whatever is asked: nobody knows who would answer.
    """

    def __init__(self, place: Place, ready: str, limit: float) -> None:
        self._place = place
        self._ready = ready
        self._limit = limit
        self._connection = http.client.HTTPConnection(place.host, place.port)
        self._socket: socket.socket | None = None
        self._late = False
        self._closed: tuple[type[OSError], ...] = (ConnectionError,)
        if place.is_encrypted:
            import ssl  # dear, and most models are asked on this machine

            self._closed = (ConnectionError, ssl.SSLEOFError)
            self._trusted = ssl.create_default_context()
            self._connection = http.client.HTTPSConnection(place.host, place.port, context=self._trusted)

    def start(self, limit: float) -> None:
        """Wait until its readiness path answers 2xx.

        Raises AnswerError after `limit` seconds, or when the model ends.
        """
        path = self._ready
        until = time.monotonic() + limit
        last = "nothing listens at its port"
        while time.monotonic() < until:
            ended = self._place.ended(0)
            if ended is not None:
                raise AnswerError(f"{ended} before it was ready")
            try:
                status = self._exchange(
                    "GET", path, None, min(_READY_ANSWER, until - time.monotonic())
                ).status
                if 200 <= status < 300:
                    return
                last = f"{visible(path, 100)} answers {status}"
            except ConnectionRefusedError:
                pass
            except (AnswerError, http.client.HTTPException, OSError) as error:
                last = f"{visible(path, 100)} gives no proper answer ({type(error).__name__})"
            self.close()
            time.sleep(_POLL)
        raise AnswerError(f"the model is not ready after {limit:g} s: {last}")

    def ask(self, query: Query) -> Answer:
        """Return the answer to a query. Raises AnswerError where none comes, in time, and of a proper size."""
        try:
            return self._exchange(query.method, query.path, query.body, self._limit)
        except (http.client.HTTPException, OSError) as error:
            self.close()
            raise AnswerError(self._reason(error)) from None
        except AnswerError:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection; the next query opens another."""
        self._connection.close()
        self._socket = None

    def _exchange(self, method: str, path: str, body: bytes | None, limit: float) -> Answer:
        reused = self._connection.sock is not None
        try:
            return self._send(method, path, body, limit)
        except self._closed:
            # A kept connection may be closed by the other side at any time (RFC 9112, section 9.5).
            if not reused or self._late:
                raise
            self.close()
            return self._send(method, path, body, limit)

    def _send(self, method: str, path: str, body: bytes | None, limit: float) -> Answer:
        connection = self._connection
        is_new = connection.sock is None
        if is_new:
            self._connect(limit)
        self._socket = connection.sock
        self._socket.settimeout(limit + _MARGIN)
        # The socket's own timeout is for each piece: an answer that drips would never end.
        self._late = False
        alarm = threading.Timer(limit, self._cut)
        alarm.daemon = True
        alarm.start()
        try:
            if is_new and self._place.is_encrypted:
                self._shake_hands()
            headers = {} if body is None else {"Content-Type": "application/json"}
            start = time.perf_counter()
            connection.request(method, self._place.base + path, body, {**headers, **self._place.headers})
            response = connection.getresponse()
            content = _content(response)
            seconds = time.perf_counter() - start
        finally:
            alarm.cancel()
        if self._late:
            raise AnswerError(_too_late(limit))
        if len(content) > MAX_ANSWER:
            raise AnswerError(f"the answer has over {MAX_ANSWER} bytes")
        if response.length:
            raise AnswerError("the answer breaks off")
        coding = response.getheader("Content-Encoding", "identity")
        if coding.lower() != "identity":
            raise AnswerError(f"the answer is encoded ({visible(coding, 40)}), which was not asked for")
        return Answer(response.status, content, seconds)

    def _connect(self, limit: float) -> None:
        """Open the connection; an encrypted one is left before its handshake, whose time is bounded as an answer's is."""
        connection = self._connection
        connection.timeout = limit + _MARGIN
        http.client.HTTPConnection.connect(connection)
        if self._place.is_encrypted:
            connection.sock = self._trusted.wrap_socket(
                connection.sock, server_hostname=self._place.host, do_handshake_on_connect=False
            )

    def _shake_hands(self) -> None:
        """Make the connection an encrypted one. Raises GateError for a certificate that can't be trusted."""
        import ssl

        try:
            self._connection.sock.do_handshake()  # type: ignore[union-attr]  # it was wrapped
        except ssl.SSLCertVerificationError as error:
            host = visible(self._place.host, 200)
            raise GateError(
                f"the certificate of {host} is refused: {visible(error.verify_message, 200)}"
            ) from None

    def _cut(self) -> None:
        """End an exchange that takes too long: what waits for the socket then gets its end."""
        self._late = True
        if self._socket is not None:
            with contextlib.suppress(OSError):
                # The method of an encrypted socket would first forget that it is one, while it is being read.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def _reason(self, error: Exception) -> str:
        if self._late:
            return _too_late(self._limit)
        ended = self._place.ended(PATIENCE)
        if ended is not None:
            return f"{ended} instead of answering"
        if isinstance(error, OSError):
            return f"the connection broke ({type(error).__name__})"
        return f"the answer is no proper HTTP ({type(error).__name__})"


def _content(response: http.client.HTTPResponse) -> bytes:
    """Return the body, or the first bytes of it that are too many."""
    pieces: list[bytes] = []
    size = 0
    while size <= MAX_ANSWER:
        piece = response.read(PIECE)
        if not piece:
            break
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces)


def _too_late(limit: float) -> str:
    return f"no whole answer came within {limit:g} s"
