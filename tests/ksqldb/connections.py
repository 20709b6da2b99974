"""HTTP by hand, for the stand-in: requests are read, answers are sent chunk by chunk, waiting can be broken off."""

import contextlib
import json
import select
import socket
import ssl
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ksqldb.answers import CHUNKED
from ksqldb.recordings import Answer

RESET = struct.pack("ii", 1, 0)  # SO_LINGER on, for 0 s: close() sends RST


class Gone(Exception):  # noqa: N818 - no error: the way out of an answer
    """The client has closed the connection, or the server is being stopped."""


@dataclass
class Request:
    """A request that came in; ``at`` is a monotonic time, ``connection`` counts the connections.

    ``ended`` tells how its answer ended: None while it is being sent, then "done", "client closed" or "stopped".
    """

    method: str
    path: str
    headers: dict[str, str]  # names in lower case
    body: bytes
    connection: int
    at: float = field(default_factory=time.monotonic)
    ended: str | None = None

    @property
    def json(self) -> Any:
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def sql(self) -> str | None:
        asked = self.json
        return asked.get("sql", asked.get("ksql")) if isinstance(asked, dict) else None

    @property
    def accept(self) -> str | None:
        return self.headers.get("accept")


@dataclass(frozen=True)
class Live:
    """An answer that is made while it is sent: ``pump`` writes chunks into a channel until it returns.

    It runs in the connection's thread; ``Gone`` comes out of the channel when the client has closed.
    """

    pump: Callable[["Channel"], None]
    status: str = "200 OK"
    headers: tuple[tuple[str, str], ...] = CHUNKED


class Channel:
    """One answer's way to the client."""

    def __init__(self, connection: "Connection", chunked: bool) -> None:
        self._connection = connection
        self._chunked = chunked
        self._ring, self._bell = socket.socketpair()

    def send(self, data: bytes) -> None:
        """Send one chunk by itself."""
        if data:  # an empty chunk would be the last one
            self._connection.send(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)

    def wake(self) -> None:
        """Make ``wait`` return; from any thread."""
        with contextlib.suppress(OSError):
            self._bell.send(b"!")

    def wait(self, seconds: float | None = None) -> None:
        """Wait until woken, or for a time; raises Gone when the client closes meanwhile."""
        if self._connection.watch(self._ring, seconds):
            self._ring.recv(4096)

    def close(self) -> None:
        self._ring.close()
        self._bell.close()


class Connection:
    """A client's socket, read with a buffer; whatever waits also hears the server's own bell."""

    def __init__(self, server: Any, sock: socket.socket, number: int) -> None:
        self.server, self.sock, self.number = server, sock, number
        self.buffer = bytearray()

    def send(self, data: bytes) -> None:
        if self.server.stopping:
            raise Gone("stopped")
        try:
            self.sock.sendall(data)
        except OSError:
            raise Gone("stopped" if self.server.stopping else "client closed") from None

    def watch(self, other: socket.socket, seconds: float | None) -> bool:
        """Wait until ``other`` can be read (True) or for a time (False); what the client sends is kept."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while True:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            ready = self._poll(left, other)
            if other in ready:
                return True
            if self.sock in ready:
                self._receive()
            if deadline is not None and time.monotonic() >= deadline:
                return False

    def take(self, length: int) -> bytes:
        """Return the next bytes, once so many have come."""
        while len(self.buffer) < length:
            self._poll(None)
            self._receive()
        data = bytes(self.buffer[:length])
        del self.buffer[:length]
        return data

    def take_until(self, mark: bytes) -> bytes:
        """Return the bytes up to a mark, which is taken too."""
        while (at := self.buffer.find(mark)) < 0:
            self._poll(None)
            self._receive()
        return self.take(at + len(mark))[:at]

    def _poll(self, seconds: float | None, *others: socket.socket) -> list[socket.socket]:
        sockets = {sock.fileno(): sock for sock in (self.sock, self.server.bell, *others)}
        poll = select.poll()
        for number in sockets:
            poll.register(number, select.POLLIN)
        found = poll.poll(None if seconds is None else seconds * 1000)
        if self.server.stopping:
            raise Gone("stopped")
        return [sockets[number] for number, _ in found]

    def _receive(self) -> None:
        self.sock.setblocking(False)
        try:
            data = self.sock.recv(65536)
            while isinstance(self.sock, ssl.SSLSocket) and self.sock.pending():
                data += self.sock.recv(65536)
        except (BlockingIOError, ssl.SSLWantReadError):
            return
        except OSError:
            data = b""
        finally:
            self.sock.setblocking(True)
        if not data:
            raise Gone("client closed")
        self.buffer += data


def read(connection: Connection) -> tuple[Request, str]:
    first, *lines = connection.take_until(b"\r\n\r\n").decode("latin1").split("\r\n")
    method, path, http = first.split(" ")
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    if headers.get("expect", "").lower() == "100-continue":
        connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = b""
        while size := int(connection.take_until(b"\r\n").partition(b";")[0], 16):
            body += connection.take(size + 2)[:-2]
        connection.take_until(b"\r\n")
    else:
        body = connection.take(int(headers.get("content-length") or 0))
    return Request(method, path, headers, body, connection.number), http


def send(connection: Connection, answer: Answer | Live) -> bool:
    """Send an answer to its end; tells whether the connection can be used again."""
    lower = {name.lower(): value.lower() for name, value in answer.headers}
    chunked = lower.get("transfer-encoding") == "chunked"
    channel = Channel(connection, chunked)
    head = "".join(f"{name}: {value}\r\n" for name, value in answer.headers)
    http = answer.http if isinstance(answer, Answer) else "HTTP/1.1"
    end = answer.end if isinstance(answer, Answer) else "last-chunk"
    try:
        if isinstance(answer, Answer) and answer.wait:
            channel.wait(answer.wait)
        if answer.status:
            connection.send(f"{http} {answer.status}\r\n{head}\r\n".encode("latin1"))
        if isinstance(answer, Live):
            answer.pump(channel)
        else:
            for pause, data in answer.chunks:
                if pause:
                    channel.wait(pause)
                channel.send(data)
        if end == "open":
            while True:
                channel.wait()
        if end == "last-chunk" and chunked:
            connection.send(b"0\r\n\r\n")
        if end == "reset":
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    finally:
        channel.close()
    return end in ("last-chunk", "length") and lower.get("connection") != "close" and http == "HTTP/1.1"
